"""The card of a stage: its name, what repeats, its share of parameters and MACs, and its shortcuts."""

from __future__ import annotations

from resdsl.render.drawing.arial import fitted, text_width
from resdsl.render.drawing.canvas import SLACK, TIP, Canvas, Piece, cell
from resdsl.render.drawing.dot import Html, font
from resdsl.render.drawing.palette import BLACK, GREY, INK, NEUTRAL, PAPER, WORDS, Colors, stage_colors
from resdsl.render.numbers import mac_count, short
from resdsl.render.outline.blocks import chips, kinds
from resdsl.render.outline.describe import subtitle
from resdsl.render.outline.rows import Row, Table
from resdsl.render.pictures.inset import shortcut_line
from resdsl.render.pictures.levels import levels
from resdsl.render.pictures.options import Options
from resdsl.sizes import Shape

NARROWEST = 206.0
WIDEST = 260.0
TALL, LOW = 54.0, 36.0
"""Height of a card with bars, and of one without."""
BAR = 32.0
ORDER = ("skip", "identity", "concat", "projection", "zero_pad", "body")
LOOP = 15.0
"""How far a shortcut reaches out of the side of a card."""


def colors_of(table: Table) -> list[Colors]:
    """Colours of the rows: those that repeat or hold blocks take one for each size of image.

    In a net that goes down and up again both sides of a level have the same.
    """
    sizes: dict[Shape, int] = {}
    found = levels(table)
    level = {} if found is None else found.numbers()
    made: list[Colors] = []
    for place, (row, css) in enumerate(zip(table.rows, css_of(table), strict=True)):
        size = None if row.shape is None else row.shape[1:]
        if css == "other" or not size:
            made.append(NEUTRAL)
        else:
            made.append(stage_colors(level[place] if level else sizes.setdefault(size, len(sizes))))
    return made


def css_of(table: Table) -> list[str]:
    """Classes of the rows: `stage` and its number, or `other` for a stem and head."""
    flat = not any(row.runs for row in table.rows)
    made, number = [], 0
    for row in table.rows:
        coloured = flat or bool(row.runs)
        number += coloured
        made.append(f"stage stage{number}" if coloured else "other")
    return made


def card_height(css: str) -> float:
    """Height of a card."""
    return LOW if css == "other" else TALL


def card_width(rows: list[Row]) -> float:
    """Width that suits some cards."""
    wanted = [text_width(low_line(row, WIDEST), 8) * SLACK + 22 for row in rows]
    names = [text_width(row.name, 10.5, True) + 60 for row in rows]
    return min(max(NARROWEST, *wanted, *names), WIDEST)


def low_line(row: Row, room: float, params: bool = True) -> str:
    """What a low card says, in `room` points: words are cut, never the number of parameters."""
    if row.runs or not row.cost.params or not params:
        return fitted(row.text, 8, room)
    count = f"{short(row.cost.params)} params"
    if not row.text:
        return count
    return f"{fitted(row.text, 8, room - text_width(f' · {count}', 8))} · {count}"


def draw_card(
    canvas: Canvas,
    table: Table,
    place: int,
    x: float,
    y: float,
    width: float,
    colors: Colors,
    css: str,
    options: Options,
) -> None:
    """Draw the card of the row at this place by its centre."""
    row = table.rows[place]
    inner = width - 20
    if css == "other":
        text = low_line(row, inner / SLACK, options.shows("params"))
        lines = [
            font(fitted(row.name, 10.5, inner, True), 10.5, BLACK, bold=True),
            font(text, 8, INK),
        ]
    else:
        lines = _stage(table, row, inner, colors, options)
    rows = "".join(f"<tr><td>{line}</td></tr>" for line in lines if line)
    canvas.box(
        row.name,
        x,
        y,
        width,
        card_height(css),
        Html(f'<table border="0" cellspacing="0" cellpadding="1">{rows}</table>'),
        fillcolor=colors.fill,
        color=colors.line,
        class_=css,
        tooltip=f"{row.name}: {row.text}",
    )


def _stage(table: Table, row: Row, inner: float, colors: Colors, options: Options) -> list[str]:
    times = f"× {row.repeat:,}" if row.repeat > 1 else ""
    right = text_width(times, 10.5, True) + 4 if times else 1
    name = fitted(row.name, 10.5, inner - right, True)
    head = cell(name, 10.5, inner - right, "left", colors.line, True)
    head += cell(times, 10.5, right, "right", BLACK, True)
    bars = ""
    if options.shows("params"):
        most = max(r.cost.params for r in table.rows)
        bars += _bar(row.cost.params, most, f"{short(row.cost.params)} params", colors, inner / 2)
    if table.at is not None and options.shows("macs"):
        most = max(r.cost.macs for r in table.rows)
        bars += _bar(row.cost.macs, most, mac_count(row.cost.macs), colors, inner / 2)
    frame = f'<table border="0" cellspacing="0" cellpadding="0" width="{inner:g}"><tr>'
    text = cell(fitted(row.text, 8, inner / SLACK), 8, inner, "left")
    return [f"{frame}{part}</tr></table>" for part in (head, text, bars) if part]


def _bar(value: int, most: int, text: str, colors: Colors, width: float) -> str:
    full = round(BAR * value / most) if most else 0
    full = max(full, 1) if value else 0
    cells = ""
    for size, color in ((full, colors.line), (BAR - full, PAPER)):
        if size:
            cells += f'<td width="{size:g}" height="5" fixedsize="true" bgcolor="{color}"></td>'
    bar = f'<table border="0" cellspacing="0" cellpadding="0"><tr>{cells}</tr></table>'
    return f'<td width="{BAR:g}">{bar}</td>' + cell(f" {text}", 8, width - BAR, "left")


def counts(row: Row) -> list[tuple[str, int]]:
    """Kinds of shortcuts of a row with their numbers, and the concatenations that its blocks draw."""
    found = dict(row.shortcuts)
    joined = sum(kinds(chips(run.graph) or ()).count("concat") * run.count for run in row.runs)
    if joined:
        found["concat"] = joined
    return [(kind, found[kind]) for kind in ORDER if kind in found]


def loops_width(row: Row) -> float:
    """Room that the shortcuts beside a card take."""
    found = counts(row)
    return max((LOOP + 7 + text_width(_said(*c), 8) for c in found), default=0.0)


def _said(kind: str, count: int) -> str:
    return f"{count:,} {WORDS[kind]}"


def draw_loops(
    canvas: Canvas, row: Row, x: float, y: float, height: float, colors: Colors, side: int = 1
) -> list[str]:
    """A curve for each kind of shortcut at the side of a card, whose edge is at x, with how many there are."""
    found = counts(row)
    room = (height - 6) / max(len(found), 1)
    high = min(room - 4, 20.0)
    for number, (kind, count) in enumerate(found):
        middle = y + (number - (len(found) - 1) / 2) * room
        top, bottom, out = middle - high / 2, middle + high / 2, x + side * LOOP
        tip = (x, bottom)
        points = [(x, top), (out, top), (out, top), (out, middle), (out, bottom), (out, bottom)]
        points.append((x + side * TIP, bottom))
        canvas.path(
            row.name,
            row.name,
            points,
            tip,
            class_=f"shortcut {kind}",
            tooltip=f"{row.name}: {_said(kind, count)} shortcut{'s' * (count > 1)}",
            **shortcut_line(kind, colors.line),
        )
        piece = Piece(_said(kind, count), 8, INK)
        start = out + 5 if side > 0 else out - 5 - piece.width * SLACK
        canvas.text(f"{row.name}: {kind} shortcuts", start, middle, piece)
    return [kind for kind, _ in found]


def draw_legend(canvas: Canvas, kinds: list[str], x: float, y: float) -> None:
    """A sample of each kind of shortcut."""
    for kind in kinds:
        text = _legend_text(kind)
        canvas.dot.node(f"legend {kind}", pos=f"{x:g},{-y:g}", shape="point", width=0.001, style="invis")
        canvas.dot.node(
            f"legend {kind} end", pos=f"{x + 28:g},{-y:g}", shape="point", width=0.001, style="invis"
        )
        canvas.line(
            f"legend {kind}",
            f"legend {kind} end",
            (x, y),
            (x + 28, y),
            class_="legend",
            **shortcut_line(kind, INK),
        )
        x += 33
        x += canvas.text(f"legend text {kind}", x, y, Piece(text, 8, GREY)) + 18


def legend_width(kinds: list[str]) -> float:
    """Width of the legend."""
    return sum(33 + text_width(_legend_text(kind), 8) + 20 for kind in kinds)


def _legend_text(kind: str) -> str:
    return WORDS[kind] if kind in ("skip", "concat") else f"{WORDS[kind]} shortcut"


def draw_title(canvas: Canvas, table: Table) -> None:
    """Over the middle of the picture."""
    if not table.title:
        return
    pieces = [Piece(table.title, 14, BLACK, True), Piece(f"    {subtitle(table)}", 9, GREY)]
    whole = sum(p.width for p in pieces)
    canvas.text("title", max((canvas.left + canvas.right - whole) / 2, canvas.left), -24, *pieces)
