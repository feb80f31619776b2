"""DOT text: nodes and edges with attributes, quoted and in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape as html_escape

from resdsl.render.drawing.palette import BLACK, INK

Attr = str | int | float


class Html(str):
    """A label in Graphviz's HTML."""


def one_line(text: str) -> str:
    """Text without line breaks and without what no file of XML may hold."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def html(text: str) -> str:
    """Text for an HTML label."""
    # Here too Graphviz reads a backslash and a letter, such as the one that stands for the node's name.
    return html_escape(text, quote=True).replace("\\", r"\\")


def font(text: str, size: float, color: str = BLACK, bold: bool = False) -> str:
    """A piece of an HTML label."""
    inner = f"<b>{html(text)}</b>" if bold else html(text)
    return f'<font point-size="{size:g}" color="{color}">{inner}</font>'


class Dot:
    """Collects the lines of a graph.

    Attributes:
        name: of what is drawn.
        engine: the layout: `dot`, or `neato` where every place is given.
        description: the picture in words; the stages of the net where it is empty.
        notes: what is left out of it.
    """

    def __init__(self, name: str, engine: str, **graph: Attr) -> None:
        self.name = name
        self.engine = engine
        self.description = ""
        self.notes: list[str] = []
        self._indent = " "
        self._lines = [f"digraph {quoted(name)} {{"]
        self._edges: list[str] = []
        base: dict[str, Attr] = {"bgcolor": "transparent", "pad": 0.15, "outputorder": "nodesfirst"}
        self._defaults("graph", **(base | {"fontname": "Arial"} | graph))
        self._defaults(
            "node",
            shape="box",
            style="filled,rounded",
            fontname="Arial",
            fontsize=9,
            penwidth=0.8,
            fontcolor=BLACK,
        )
        self._defaults(
            "edge", arrowsize=0.45, fontname="Arial", fontsize=8, fontcolor=INK, color=INK, penwidth=0.8
        )

    def _defaults(self, kind: str, **attrs: Attr) -> None:
        self._lines.append(f"{self._indent}{kind} {_attributes(attrs)};")

    def node(self, name: str, **attrs: Attr) -> None:
        """Add a node."""
        self._lines.append(f"{self._indent}{quoted(name)} {_attributes(attrs)};")

    def edge(self, tail: str, head: str, **attrs: Attr) -> None:
        """Add an edge. Edges come last: one inside a cluster would draw its nodes into it."""
        self._edges.append(f" {quoted(tail)} -> {quoted(head)} {_attributes(attrs)};")

    def same_rank(self, *names: str) -> None:
        """Put nodes of the cluster one is in at one height, for the engine `dot`."""
        self._lines.append(f"{self._indent}{{ rank=same; {'; '.join(map(quoted, names))} }}")

    @contextmanager
    def cluster(self, name: str, **attrs: Attr) -> Iterator[None]:
        """Nodes added inside are framed together."""
        self._lines.append(f"{self._indent}subgraph {quoted('cluster ' + name)} {{")
        self._indent += " "
        self._lines.append(f"{self._indent}graph {_attributes(attrs)};")
        yield
        self._indent = self._indent[:-1]
        self._lines.append(f"{self._indent}}}")

    def text(self) -> str:
        """The whole graph."""
        return "\n".join([*self._lines, *self._edges, "}"]) + "\n"


def quoted(text: str) -> str:
    """A DOT string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _attributes(attrs: dict[str, Attr]) -> str:
    return "[" + ", ".join(f"{key.rstrip('_')}={_value(value)}" for key, value in attrs.items()) + "]"


def _value(value: Attr) -> str:
    if isinstance(value, Html):
        return f"<{value}>"
    if isinstance(value, str):
        # Graphviz reads `&lt;` in a label as `<`.
        return quoted(value.replace("&", "&amp;"))
    return number(value)


def number(value: float) -> str:
    """A number with at most four decimals."""
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
