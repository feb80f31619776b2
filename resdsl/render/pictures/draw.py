"""Pictures of a net: the views, the formats, and what each view can be asked for."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from resdsl.graph.model import Net
from resdsl.render.drawing.dot import Dot, one_line
from resdsl.render.drawing.palette import PAPER, darkened
from resdsl.render.drawing.pdf import has_cairo, svg_to_pdf, undated
from resdsl.render.drawing.renderer import RENDERERS, NoRenderer, find_renderer, foreign, render
from resdsl.render.drawing.svg import Theme, measured, polish
from resdsl.render.outline.describe import describe, subtitle
from resdsl.render.outline.rows import Table, is_chain, rows
from resdsl.render.pictures.column import column_picture
from resdsl.render.pictures.ops import block_picture, ops_picture
from resdsl.render.pictures.options import Options, unknown
from resdsl.render.pictures.stages import stages_picture
from resdsl.render.pictures.strip import strip_picture

__all__ = ["FORMATS", "VIEWS", "NoRenderer", "Picture", "View", "draw", "find_renderer", "picture"]

PNG_DPI = 192


@dataclass(frozen=True)
class View:
    """A way to draw a net.

    Attributes:
        build: makes the picture; the text after the colon in `block:NAME` is its last argument.
        options: those it knows besides the title.
        help: what it shows.
    """

    build: Callable[[Table, Options, str], Dot]
    options: Collection[str]
    help: str


def _stages(table: Table, options: Options, _: str) -> Dot:
    return stages_picture(table, options)


def _column(table: Table, options: Options, _: str) -> Dot:
    if not is_chain(table):
        raise ValueError(
            f"`{table.net.name}` branches between its stages, which one column cannot show; use `graph`"
        )
    return column_picture(table, options)


VIEWS: dict[str, View] = {
    "stages": View(_stages, ("show",), "a card for each stage, and what repeats beside it"),
    "column": View(
        _column, ("fold", "wrap", "depth", "show"), "every convolution, as in Figure 3 of the paper"
    ),
    "strip": View(
        lambda t, o, _: strip_picture(t, o), ("show",), "from left to right, for a README or a slide"
    ),
    "block:NAME": View(lambda t, o, name: block_picture(t, name, o), ("depth", "show", "lr"), "one block"),
    "graph": View(lambda t, o, _: ops_picture(t, o), ("fold", "depth", "show", "lr"), "every op"),
}
"""Each view by the name it is asked for with. A new one needs no more than its line here."""


@dataclass(frozen=True)
class Picture:
    """What is to be drawn, before it has a format."""

    table: Table
    view: str
    options: Options
    theme: Theme
    renderer: str

    def dot(self) -> Dot:
        """The picture as DOT in light colours."""
        dot = picture(self.table, self.view, self.options)
        for note in dot.notes:
            warnings.warn(note, stacklevel=4)
        return dot

    @property
    def name(self) -> str:
        """Of the net."""
        return self.table.net.name

    def words(self, dot: Dot) -> tuple[str, str]:
        """A title and a description, for those who do not see it."""
        said = subtitle(self.table) if dot.name == self.name else f"in {self.name}"
        return f"{dot.name}: {said}", dot.description or describe(self.table)


def _dot(made: Picture) -> bytes:
    return _themed(made.dot().text(), made.theme).encode()


def _svg(made: Picture) -> bytes:
    dot = made.dot()
    data = render(_themed(dot.text(), made.theme), dot.engine, "svg", made.name, made.renderer)
    return polish(data.decode(), *made.words(dot), made.theme).encode()


def _png(made: Picture) -> bytes:
    dot = made.dot()
    text = _on_paper(dot.text(), made.theme).replace("graph [", f"graph [dpi={PNG_DPI}, ", 1)
    return render(text, dot.engine, "png", made.name, made.renderer)


def _pdf(made: Picture) -> bytes:
    dot = made.dot()
    text = _on_paper(dot.text(), made.theme)
    # cairo comes first: `measured` fits the text of any font into the boxes. `dot` finds letters Arial lacks.
    if has_cairo() and not (foreign(text) and shutil.which("dot") and made.renderer == "auto"):
        svg = render(text, dot.engine, "svg", made.name, made.renderer).decode()
        return undated(svg_to_pdf(measured(svg)))
    return undated(render(text, dot.engine, "pdf", made.name, made.renderer))


def _html(made: Picture) -> bytes:
    from resdsl.render.html import folding_note, page

    if made.view != "stages":
        raise ValueError(
            "a page shows every view: it begins with the stages, and unfolds; leave the view out"
        )
    made.options.check("page", ())
    if note := folding_note(made.table):
        warnings.warn(note, stacklevel=3)
    return page(made.table, theme=made.theme).encode()


def _on_paper(text: str, theme: Theme) -> str:
    """A picture that is not transparent, for formats that are looked at by themselves."""
    return _themed(text.replace('bgcolor="transparent"', f'bgcolor="{PAPER}"', 1), theme)


def _themed(text: str, theme: Theme) -> str:
    return darkened(text) if theme == "dark" else text


FORMATS: dict[str, Callable[[Picture], bytes]] = {
    "svg": _svg,
    "png": _png,
    "pdf": _pdf,
    "dot": _dot,
    "html": _html,
}
"""How each format is written."""


def draw(
    net: Net,
    path_or_format: str = "svg",
    *,
    view: str = "stages",
    theme: Theme = "light",
    at: dict[str, int] | None = None,
    title: str | None = None,
    fold: int | Literal["none"] | None = None,
    wrap: int | None = None,
    depth: int | None = None,
    show: Sequence[str] | None = None,
    lr: bool | None = None,
    renderer: str = "auto",
) -> bytes:
    """A picture of a net, as the bytes of a file.

    Args:
        net: a checked net.
        path_or_format: one of `FORMATS`, or a file name that ends so.
        view: one of `VIEWS`.
        theme: `light`, `dark`, or `auto` for an SVG that follows the reader's setting.
        at: input sizes by name; by default the ones the spec names.
        title: written over the picture instead of the net's name; empty for none.
        fold: how many copies of a repeat are drawn before the others are one card; `none` draws all.
        wrap: in how many columns.
        depth: how deep blocks are opened.
        show: what is written, of `shapes`, `params`, `macs` and `names`.
        lr: from left to right.
        renderer: `graphviz-pure`, `dot`, or `auto` for what is installed.

    Raises:
        NoRenderer: nothing that can draw this is installed; `dot` needs nothing.
        ValueError: an unknown format, view, theme or block, or an option the view does not know.

    Warns when ops are left out because they are too many.
    """
    format = path_or_format.rpartition(".")[2].lower()
    for what, word, known in (
        ("picture format", format, FORMATS),
        ("theme", theme, get_args(Theme)),
        ("renderer", renderer, RENDERERS),
    ):
        if word not in known:
            raise ValueError(unknown(what, word, known))
    options = Options(fold, wrap, depth, None if show is None else tuple(show), lr)
    table = rows(net, at)
    if title is not None:
        table = replace(table, title=one_line(title))
    return FORMATS[format](Picture(table, view, options, theme, renderer))


def picture(table: Table, view: str, options: Options | None = None) -> Dot:
    """The picture as DOT. Raises ValueError for an unknown view or block."""
    kind, _, argument = view.partition(":")
    found = VIEWS.get(f"{kind}:NAME" if argument else kind)
    if found is None:
        raise ValueError(unknown("view", view, VIEWS))
    options = options or Options()
    options.check(view, found.options, {name: each.options for name, each in VIEWS.items()})
    return found.build(table, options, argument)
