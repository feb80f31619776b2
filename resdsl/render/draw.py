"""Pictures of a net: DOT always, SVG and PNG with any Graphviz, PDF with the system's."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from resdsl.graph.model import Net
from resdsl.render.column import column_picture
from resdsl.render.dot import Dot
from resdsl.render.flowchart import branching_picture
from resdsl.render.ops import block_picture, ops_picture
from resdsl.render.palette import DARK, PAPER, darkened
from resdsl.render.rows import Table, is_chain, rows
from resdsl.render.stages import stages_picture
from resdsl.render.svg import Theme, polish

FORMATS = ("svg", "png", "pdf", "dot")
PNG_DPI = 192


class NoRenderer(Exception):
    """There is no program to draw with; the text says what to do."""


def draw(
    net: Net,
    path_or_format: str = "svg",
    *,
    view: str = "stages",
    theme: Theme = "light",
    at: dict[str, int] | None = None,
) -> bytes:
    """A picture of a net, as the bytes of a file.

    Args:
        net: a checked net.
        path_or_format: `svg`, `png`, `pdf` or `dot`, or a file name that ends so.
        view: `stages`; `column` for every convolution as in the paper's Figure 3; `block:NAME` for
            one block; `graph` for every op. Long repeats are folded in all of them.
        theme: `light`, `dark`, or `auto` for an SVG that follows the reader's setting.
        at: input sizes by name; by default the ones the spec names.

    Raises:
        NoRenderer: for all but `dot` when Graphviz is not installed.
        ValueError: for an unknown format or view.
    """
    format = path_or_format.rpartition(".")[2].lower()
    if format not in FORMATS:
        raise ValueError(f"unknown picture format `{format}`: {', '.join(FORMATS)}")
    table = rows(net, at)
    dot = picture(table, view)
    text = dot.text()
    if theme == "dark":
        text = darkened(text)
    if format == "dot":
        return text.encode()
    if format != "svg":
        paper = DARK[PAPER] if theme == "dark" else PAPER
        text = text.replace('bgcolor="transparent"', f'bgcolor="{paper}"', 1)
    if format == "png":
        text = text.replace("graph [", f"graph [dpi={PNG_DPI}, ", 1)
    data = render(text, dot.engine, format, net.name)
    return polish(data.decode("utf-8"), table, theme).encode() if format == "svg" else data


def picture(table: Table, view: str) -> Dot:
    """The picture as DOT."""
    if view == "stages":
        return stages_picture(table) if is_chain(table) else branching_picture(table)
    if view == "column":
        return column_picture(table) if is_chain(table) else branching_picture(table)
    if view == "graph":
        return ops_picture(table)
    if view.startswith("block:"):
        return block_picture(table, view.removeprefix("block:"))
    raise ValueError(f"unknown view `{view}`: stages, column, block:NAME or graph")


def render(text: str, engine: str, format: str, name: str) -> bytes:
    """Run Graphviz on DOT text."""
    try:
        import graphviz
        from graphviz.backend import dot_command
    except ImportError:
        raise NoRenderer(_missing(name)) from None
    dot_command.DOT_BINARY = find_renderer(format, name)
    source = graphviz.Source(text, engine=engine)
    options = {"neato_no_op": 2} if engine == "neato" else {}
    data: bytes = source.pipe(format=format, quiet=True, **options)
    return data


def find_renderer(format: str, name: str = "net") -> Path:
    """The program to draw with: `dot`, or else `graphviz-pure`, which needs no system package."""
    system = shutil.which("dot")
    if system:
        return Path(system)
    if format == "pdf":
        raise NoRenderer(
            f"PDF needs the system's Graphviz (`dot`), which is not installed; use `-o {name}.svg`"
        )
    beside = shutil.which("graphviz-pure", path=str(Path(sys.executable).parent))
    pure = beside or shutil.which("graphviz-pure")
    if pure:
        return Path(pure)
    raise NoRenderer(_missing(name))


def _missing(name: str) -> str:
    return (
        f"no Graphviz found: `pip install resdsl[draw]` (no system packages needed), or use `-o {name}.dot`"
    )
