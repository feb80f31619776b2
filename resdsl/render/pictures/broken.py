"""A net with mistakes: what could be built, and in red what could not, with what is said of it beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resdsl.diagnostics.model import Diagnostic, Severity
from resdsl.graph.model import Feed, Graph, Net, Node, Port, Tensor
from resdsl.ops.base import Op
from resdsl.render.drawing.dot import Attr, Dot, Html, font, html, one_line
from resdsl.render.drawing.palette import BLACK, CATEGORIES, GREY, INK, NEUTRAL, WRONG, Colors
from resdsl.render.drawing.renderer import NoRenderer
from resdsl.render.drawing.svg import Theme
from resdsl.render.numbers import shape_text
from resdsl.render.outline.blocks import call_text, op_label
from resdsl.render.pictures.ops import SIGNS
from resdsl.sizes import Shape
from resdsl.source import Span

if TYPE_CHECKING:
    from resdsl.render.html import Live

MOST = 60
"""How many steps are drawn: the last ones before and around the mistakes."""
BOX: dict[str, Attr] = {"height": 0.28, "margin": "0.11,0.05"}
FRAME: dict[str, Attr] = {
    "labeljust": "l",
    "fontcolor": BLACK,
    "fontsize": 9,
    "style": "rounded",
    "color": WRONG.line,
}
RED: dict[str, Attr] = {"color": WRONG.line, "penwidth": 1.6, "class": "error"}
WIDE = 56
"""Letters of a message on one line."""


def broken_picture(net: Net, diagnostics: Sequence[Diagnostic], title: str | None = None) -> Dot:
    """The steps of a net that was not built to its end.

    Shapes that are not known are `?`; nothing is counted, as the sums would be wrong. A mistake in a step that
    was built marks that step; one that kept a step from being built hangs below the value that would have
    come to it, on a red edge.
    """
    errors = [d for d in diagnostics if d.severity is Severity.ERROR]
    name = net.name if title is None else title
    dot = Dot(net.name, "dot", rankdir="TB", ranksep=0.3, nodesep=0.4, labelloc="t", compound="true")
    drawn = _Steps(net.graph)
    drawn.wrong = {node.id for error in errors for node in drawn.blamed(error)}
    count = _count(diagnostics)
    if name:
        dot.node("title", shape="plain", style="", label=Html(_title(name, count)))
    dot.description = f"{net.name} as far as it checks, with {count}."
    left_out = drawn.draw(dot)
    if left_out:
        dot.notes.append(f"{left_out:,} steps before the last {MOST} are left out")
    first = drawn.names[0] if drawn.names else None
    if name and first is not None:
        dot.edge("title", first, style="invis")
    lowest: dict[str, str] = {}
    for index, diagnostic in enumerate(errors):
        _mark(dot, drawn, diagnostic, f"error {index + 1}", lowest)
        dot.description += f" {diagnostic.code.slug}: {one_line(diagnostic.message)}."
    return dot


def _count(diagnostics: Sequence[Diagnostic]) -> str:
    errors = sum(d.severity is Severity.ERROR for d in diagnostics)
    return f"{errors} error{'s' if errors != 1 else ''}"


def concerning(net: Net, diagnostics: Sequence[Diagnostic], nets: Iterable[Net]) -> tuple[Diagnostic, ...]:
    """What is said of one of several nets: all that does not lie in the text of another."""
    others = [other.graph.span for other in nets if other is not net]
    return tuple(d for d in diagnostics if not any(_holds(span, _outermost(d)) for span in others))


def _title(name: str, count: str) -> str:
    return f"{font(name, 13, bold=True)}  {font(f'{count}, drawn as far as it checks', 9, GREY)}"


@dataclass(frozen=True)
class _Broken:
    """What the formats of `draw` ask of a picture."""

    net: Net
    diagnostics: Sequence[Diagnostic]
    title: str | None
    theme: Theme
    renderer: str

    @property
    def name(self) -> str:
        return self.net.name

    def dot(self) -> Dot:
        return broken_picture(self.net, self.diagnostics, self.title)

    def words(self, dot: Dot) -> tuple[str, str]:
        return f"{dot.name}: not right yet", dot.description


def draw_broken(
    net: Net,
    diagnostics: Sequence[Diagnostic],
    format: str,
    *,
    title: str | None = None,
    theme: Theme = "light",
    renderer: str = "auto",
) -> bytes:
    """The picture as the bytes of an `svg`, `png`, `pdf`, `dot` or `html`.

    Raises `NoRenderer`, as `draw` does; a page then shows the messages alone.
    """
    from resdsl.render.pictures.draw import FORMATS

    if format == "html":
        page = broken_page(net, diagnostics, title=title, theme=theme, renderer=renderer)
        return page.encode()
    made = _Broken(net, diagnostics, title, theme, renderer)
    return FORMATS[format](made)  # type: ignore[arg-type]


def broken_page(
    net: Net,
    diagnostics: Sequence[Diagnostic],
    *,
    title: str | None = None,
    theme: Theme = "auto",
    renderer: str = "auto",
    live: Live | None = None,
) -> str:
    """A page with the picture beside the messages; with these alone where nothing can draw it."""
    from resdsl.diagnostics import render
    from resdsl.render.html import problems_page

    try:
        svg = draw_broken(net, diagnostics, "svg", title="", theme=theme, renderer=renderer).decode()
    except NoRenderer:
        svg = ""
    count = _count(diagnostics)
    name = net.name if title is None else one_line(title)
    return problems_page(
        f"{name}: {count}, drawn as far as it checks" if svg else f"{name}: {count}",
        render(diagnostics, "full"),
        svg,
        theme=theme,
        live=live,
    )


class _Steps:
    """The steps of the net's own graph, in the order of the text."""

    def __init__(self, graph: Graph, inside: str = "") -> None:
        self.graph = graph
        self.inside = inside
        nodes = list(graph.nodes())
        feeds = [n for n in nodes if isinstance(n.content, Feed)]
        rest = [n for n in nodes if not isinstance(n.content, Feed)]
        self.left_out = max(0, len(rest) - MOST)
        self.nodes = [*feeds, *rest[self.left_out :]]
        self.names = [self.name(n) for n in self.nodes]
        self.wrong: set[str] = set()

    def name(self, node: Node) -> str:
        """Readable: a screen reader says it."""
        line, _ = node.span.source.line_col(node.span.start)
        return f"{self.inside}{node.id}, line {line}"

    def draw(self, dot: Dot) -> int:
        """Add the boxes and edges; returns how many steps are left out."""
        ids = {n.id for n in self.nodes}
        for node in self.nodes:
            colors = _colors(node)
            style = {"fillcolor": colors.fill, "color": colors.line}
            if node.id in self.wrong:
                style = {"fillcolor": WRONG.fill, "color": WRONG.line, "class": "error"}
            dot.node(
                self.name(node), label=_label(node, self.taken(node), node.id in self.wrong), **BOX, **style
            )
            for place, port in enumerate(node.inputs):
                if port.node in ids:
                    shape = self.graph.shape(port)
                    before = self.graph.node(port.node)
                    look: dict[str, Attr] = {"weight": 1 if place else 1000}
                    if node.id in self.wrong and isinstance(node.content, Op) and len(node.inputs) > 1:
                        look |= RED | {"fontcolor": WRONG.line}
                    dot.edge(self.name(before), self.name(node), label=f"  {_shape(shape)}", **look)
        return self.left_out

    def taken(self, node: Node) -> list[Shape]:
        """The shapes that arrive at a step, as far as they are known."""
        return [s for s in map(self.graph.shape, node.inputs) if s is not None]

    def blamed(self, diagnostic: Diagnostic) -> list[Node]:
        """The steps a mistake lies in: in the text of one, or in that of a block which some call."""
        at = _outermost(diagnostic)
        inside = [n for n in self.nodes if _holds(n.span, at) or _names(n.span, at)]
        return inside[-1:] or [n for n in self.nodes if _declared(n.content, at)]

    def before(self, diagnostic: Diagnostic) -> list[Node]:
        """The values that would have come to a step that was not built."""
        places = [(label.span.start, label.span.end) for label in diagnostic.secondary]
        origins = [n for n in self.nodes if (n.span.start, n.span.end) in places]
        if origins:
            return origins
        at = _outermost(diagnostic)
        earlier = [n for n in self.nodes if n.span.source == at.source and n.span.end <= at.start]
        return earlier[-1:] or self.nodes[-1:]


def _declared(content: object, at: Span) -> bool:
    """Whether a place lies in the text of a block that a step runs, or of one that it repeats."""
    if not isinstance(content, Graph):
        return False
    if content.kind == "repeat":
        return any(_declared(node.content, at) for node in content.nodes())
    return _holds(content.span, at)


def _outermost(diagnostic: Diagnostic) -> Span:
    """Where the net itself calls what a mistake lies in."""
    span = diagnostic.primary.span
    calls = [note.rpartition("called at ")[2] for note in diagnostic.notes if "called at " in note]
    for place in reversed(calls):
        path, _, rest = place.partition(":")
        line, _, column = rest.partition(":")
        if path == span.source.path and line.isdigit() and column.isdigit():
            start = (
                sum(len(text) + 1 for text in span.source.text.split("\n")[: int(line) - 1]) + int(column) - 1
            )
            return Span(span.source, start, start)
    return span


def _mark(dot: Dot, steps: _Steps, diagnostic: Diagnostic, name: str, lowest: dict[str, str]) -> None:
    """The mistake as a red box: beside the step it lies in, else below the values that would have come to it.

    Where these lie in a block, that block is drawn in a frame. Several at one place hang below each other: `lowest`
    has the last of each.
    """
    box: dict[str, Attr] = {"fillcolor": WRONG.fill, "color": WRONG.line, "style": "filled,bold"}
    node, met = next(iter(steps.blamed(diagnostic)), None), _where(steps.graph, diagnostic.primary.span)
    around = [node] if node is not None else steps.before(diagnostic)
    dot.node(name, label=_message(diagnostic), **box, **{"class": "error"})
    beside = node is not None and (met is None or met[0] is steps.graph)
    if beside or met is None:
        where = " ".join(["beside" if beside else "below", *map(steps.name, around)])
        above, lowest[where] = lowest.get(where), name
        if above is not None:
            dot.edge(above, name, dir="none", **RED)
            return
    if node is not None and beside:
        dot.edge(steps.name(node), name, dir="none", **RED)
        dot.same_rank(steps.name(node), name)
        return
    if met is None:
        for before in around:
            shapes = "  " + " · ".join(map(_shape, before.shapes))
            dot.edge(steps.name(before), name, label=shapes, fontcolor=WRONG.line, **RED)
        return
    graph, ports = met
    inner, join = steps, f"{name}: the values meet" if len(ports) > 1 else name
    if graph is not steps.graph:
        inner = _Steps(graph, f"{name}, in {graph.name}: ")
        with dot.cluster(inner.inside, label=call_text(graph), **FRAME):
            inner.draw(dot)
            if join != name:
                _join(dot, join, diagnostic)
                # Graphviz would write beside the frame what stands at an edge as long as the frame.
                skip = f"{name}: the shape of the shortcut"
                shape = _shape(graph.shape(ports[-1]))
                dot.node(skip, label=shape, shape="plain", style="", fontsize=8, fontcolor=WRONG.line)
                dot.edge(inner.name(graph.node(ports[-1].node)), skip, **RED | {"dir": "none"})
                dot.edge(skip, join, **RED)
                ports = ports[:-1]
        for before in around:
            for first in inner.nodes[:1]:
                # It ends at the frame: inside it would run through the title.
                frame = f"cluster {inner.inside}"
                dot.edge(steps.name(before), inner.name(first), style="dashed", lhead=frame, **RED)
    elif join != name:
        _join(dot, join, diagnostic)
    for port in ports:
        shape = _shape(graph.shape(port))
        dot.edge(inner.name(graph.node(port.node)), join, label=f"  {shape}", fontcolor=WRONG.line, **RED)
    if join != name:
        dot.edge(join, name, dir="none", **RED)
        if inner is steps:
            dot.same_rank(join, name)


def _join(dot: Dot, name: str, diagnostic: Diagnostic) -> None:
    """Where the values meet: a sum as a circle, any other op by its name."""
    word = re.match(r"\w*", diagnostic.primary.span.text)
    op = "add" if diagnostic.code.slug == "shortcut-mismatch" else word[0] if word else ""
    style: dict[str, Attr] = {"fillcolor": WRONG.fill, "color": WRONG.line, "penwidth": 1.6, "class": "error"}
    if op in SIGNS:
        style |= {"shape": "circle", "width": 0.26, "fixedsize": "true", "fontsize": 13}
    else:
        style |= BOX
    dot.node(name, label=SIGNS.get(op, op), **style)


def _message(diagnostic: Diagnostic) -> Html:
    from textwrap import wrap

    span = diagnostic.primary.span
    lines = [font(f"! {diagnostic.code.slug}", 9, WRONG.line, bold=True)]
    if code := _code(span):
        lines.append(code)
    lines += [font(line, 8.5) for line in wrap(one_line(diagnostic.message), WIDE)]
    for note in diagnostic.notes:
        first, *table = note.split("\n")
        if table:  # the two arms, axis by axis
            lines.append(_table([first, *table]))
        elif "called at " in note:
            lines.append(font(one_line(note.partition(", called at ")[0].partition(": ")[0]), 8.5))
    for help in dict.fromkeys((*diagnostic.help, *([diagnostic.fix.title] if diagnostic.fix else []))):
        lines += [font(line, 8.5, INK) for line in wrap(f"help: {one_line(help)}", WIDE)]
    lines.append(font(span.place, 8, INK))
    cells = "".join(f'<tr><td align="left">{line}</td></tr>' for line in lines)
    return Html(f'<table border="0" cellspacing="0" cellpadding="1">{cells}</table>')


def _code(span: Span) -> str:
    """The line with the mistake, which is red in it; what is too long is cut off at both sides."""
    number, column = span.source.line_col(span.start)
    line, start = span.source.line_text(number), column - 1
    if not span.text.strip():
        return ""
    end = min(len(line), start + span.end - span.start)
    room = max(0, WIDE - (end - start)) // 2
    before, bad, after = line[:start].lstrip(), line[start:end], line[end:].rstrip()
    if len(before) > room:
        # From a whole word on, where it has several.
        kept = before[len(before) - room :]
        before = f"... {kept.partition(' ')[2].lstrip() or kept.lstrip()}"
    if len(after) > room:
        after = f"{after[:room].rstrip()} ..."
    if len(bad) > WIDE:
        bad, after = f"{bad[: WIDE - 3]}...", ""
    parts = ((before, BLACK, False), (bad, WRONG.line, True), (after, BLACK, False))
    return "".join(font(text, 9, color, bold) for text, color, bold in parts if text)


def _table(rows: list[str]) -> str:
    """A table of a note, whose columns are two blanks apart, as one of Graphviz's."""
    cells = [[font(cell or "\xa0", 8.5) for cell in re.split(r" {2,}", row)] for row in rows]
    lines = ["".join(f'<td align="left">{cell}</td>' for cell in row) for row in cells]
    inner = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<table border="0" cellspacing="0" cellpadding="1">{inner}</table>'


def _where(graph: Graph, span: Span) -> tuple[Graph, tuple[Port, ...]] | None:
    """The graph in which values met at a place that do not fit, and those values."""
    waiting, seen = [graph], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        for place, ports in one.refused:
            if (place.source, place.start, place.end) == (span.source, span.start, span.end):
                return one, ports
        waiting += reversed(one.unfinished)
        waiting += (node.content for node in one.nodes() if isinstance(node.content, Graph))
    return None


def _label(node: Node, shapes: Sequence[Shape], wrong: bool) -> Html:
    content = node.content
    if isinstance(content, Op):
        text = op_label(content, shapes)
    elif isinstance(content, Graph):
        text = call_text(content)
    else:
        text = content.name
    own = node.id if not node.id.startswith("#") and not node.id.isdigit() else ""
    lines = [html(own), html(text)] if own and own != text else [html(text)]
    badge = font("! ", 9, WRONG.line, bold=True) if wrong else ""
    return Html(badge + "<br/>".join(lines))


def _colors(node: Node) -> Colors:
    content = node.content
    if isinstance(content, Op):
        return CATEGORIES.get(content.category, NEUTRAL)
    return Colors(NEUTRAL.fill, BLACK) if isinstance(content, (Feed, Tensor)) else CATEGORIES["conv"]


def _shape(shape: Shape | None) -> str:
    return shape_text(shape, None)


def _names(name: Span, at: Span) -> bool:
    """Whether a place is what the name before it, as in `layer1 = unit(8) x 2`, stands for."""
    between = name.source.text[name.end : at.start]
    stands = re.fullmatch(r"\s*(:[^;=\n]*)?=\s*\{?\s*", between)
    return name.source == at.source and name.end <= at.start and stands is not None


def _holds(outer: Span, inner: Span) -> bool:
    return outer.source == inner.source and outer.start <= inner.start and inner.end <= outer.end
