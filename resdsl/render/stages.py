"""The default picture: a card for each stage, shapes between them, and what repeats drawn beside."""

from __future__ import annotations

from resdsl.render.arial import fitted, text_width
from resdsl.render.canvas import Canvas, Piece, cell
from resdsl.render.dot import Dot, Html, font
from resdsl.render.inset import Inset, Variant, height, variants
from resdsl.render.numbers import mac_count, shape_text, short
from resdsl.render.palette import BLACK, GREY, INK, LINES, NEUTRAL, PAPER, WORDS, Colors, stage_colors
from resdsl.render.rows import Row, Table

WIDEST = 300.0
NARROWEST = 220.0
GAP = 34.0
MARGIN = 10.0
BAR = 36.0
ORDER = ("identity", "concat", "projection", "zero_pad", "body")


def stages_picture(table: Table) -> Dot:
    """The picture of a net whose stages follow each other."""
    canvas = Canvas(table.net.name)
    width = _card_width(table)
    middle, y = width / 2, 0.0
    feed = table.net.graph.inputs[0].lstrip("#")
    before, shape = f"input {feed}", table.net.graph.input_shapes[0]
    _centred(canvas, before, feed, middle, y)
    y += 8
    used: list[str] = []
    spare = 0.0
    for row, colors, css in zip(table.rows, colors_of(table), css_of(table), strict=True):
        drawn = variants(row)
        tall = [height(v) for v in drawn]
        card = 36.0 if css == "other" else 54.0
        room = max(card, sum(tall))
        top = max(y + GAP - (room - card) / 2, spare + 4)
        centre = top + room / 2
        canvas.box(
            row.name,
            middle,
            centre,
            width,
            card,
            _card(table, row, colors, css, width),
            fillcolor=colors.fill,
            color=colors.line,
            class_=css,
            tooltip=f"{row.name}: {row.text}",
        )
        _down(canvas, before, row.name, middle, y, centre - card / 2, shape_text(shape, table.at))
        if css != "other" or row.runs:
            used += _insets(
                canvas, row, colors, css, drawn, tall, width, top + (room - sum(tall)) / 2, centre
            )
        before, shape, y = row.name, row.shape, centre + card / 2
        spare = top + room
    _down(canvas, before, "output", middle, y, y + GAP, shape_text(shape, table.at))
    y += GAP + 6
    _centred(canvas, "output", (table.net.graph.output_names or ("output",))[0], middle, y)
    draw_legend(canvas, [k for k in ORDER if k in used], width + GAP, y)
    draw_title(canvas, table)
    return canvas.dot


def colors_of(table: Table) -> list[Colors]:
    """Colours of the rows: those that repeat or hold blocks take one for each size of image."""
    made: list[Colors] = []
    index, size = -1, None
    for row, css in zip(table.rows, css_of(table), strict=True):
        if css == "other":
            made.append(NEUTRAL)
            continue
        here = None if row.shape is None else row.shape[1:]
        if index < 0 or here != size:
            index, size = index + 1, here
        made.append(stage_colors(index))
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


def _card_width(table: Table) -> float:
    wanted = [text_width(_line(row), 8) + 24 for row in table.rows]
    names = [text_width(row.name, 10.5, True) + 70 for row in table.rows]
    return min(max(NARROWEST, *wanted, *names), WIDEST)


def _line(row: Row) -> str:
    return row.text if row.runs or not row.cost.params else f"{row.text} · {short(row.cost.params)} params"


def _card(table: Table, row: Row, colors: Colors, css: str, width: float) -> Html:
    """Name and description; for a stage also how often, and its share of parameters and MACs."""
    inner = width - 20
    if css == "other":
        name = font(fitted(row.name, 10.5, inner, True), 10.5, BLACK, bold=True)
        text = font(fitted(_line(row), 8, inner), 8, INK)
        return Html(f'<table border="0" cellspacing="0" cellpadding="1">{_rows([name, text])}</table>')
    times = f"× {row.repeat:,}" if row.repeat > 1 else ""
    right = text_width(times, 10.5, True) + 4 if times else 1
    name = fitted(row.name, 10.5, inner - right, True)
    head = cell(name, 10.5, inner - right, "left", colors.line, True) + cell(
        times, 10.5, right, "right", BLACK, True
    )
    text = cell(fitted(row.text, 8, inner), 8, inner, "left")
    most_params = max(r.cost.params for r in table.rows)
    bars = _bar(row.cost.params, most_params, f"{short(row.cost.params)} params", colors, inner / 2)
    if table.at is not None:
        most_macs = max(r.cost.macs for r in table.rows)
        bars += _bar(row.cost.macs, most_macs, mac_count(row.cost.macs), colors, inner / 2)
    rows = [head, text, bars]
    frame = f'<table border="0" cellspacing="0" cellpadding="0" width="{inner:g}"><tr>'
    tables = [f"{frame}{r}</tr></table>" for r in rows]
    return Html(f'<table border="0" cellspacing="0" cellpadding="1">{_rows(tables)}</table>')


def _rows(cells: list[str]) -> str:
    return "".join(f"<tr><td>{c}</td></tr>" for c in cells)


def _bar(value: int, most: int, text: str, colors: Colors, width: float) -> str:
    full = round(BAR * value / most) if most else 0
    full = max(full, 1) if value else 0
    cells = ""
    for size, color in ((full, colors.line), (BAR - full, PAPER)):
        if size:
            cells += f'<td width="{size:g}" height="5" fixedsize="true" bgcolor="{color}"></td>'
    bar = f'<table border="0" cellspacing="0" cellpadding="0"><tr>{cells}</tr></table>'
    return f'<td width="{BAR:g}">{bar}</td>' + cell(f" {text}", 8, width - BAR, "left")


def _insets(
    canvas: Canvas,
    row: Row,
    colors: Colors,
    css: str,
    drawn: list[Variant],
    tall: list[float],
    edge: float,
    top: float,
    centre: float,
) -> list[str]:
    """Draw the blocks of a row; the kinds of shortcuts it used."""
    inset = Inset(canvas, row.name, colors, css)
    ends: list[tuple[float, float]] = []
    y = top
    for number, (variant, size) in enumerate(zip(drawn, tall, strict=True)):
        label = f" kind {number + 1}" if len(drawn) > 1 else ""
        middle = y + size / 2
        end = inset.draw(variant, edge + GAP, middle, row.name, edge, label)
        ends.append((end, middle))
        y += size
    for number, (variant, (_, middle)) in enumerate(zip(drawn, ends, strict=True)):
        label = f" kind {number + 1}" if len(drawn) > 1 else ""
        inset.notes(variant, max(e for e, _ in ends) + 14, middle, label)
    return inset.used


def _down(canvas: Canvas, tail: str, head: str, x: float, y0: float, y1: float, text: str) -> None:
    """An arrow with the shape beside it."""
    canvas.line(tail, head, (x, y0), (x, y1), class_="flow", tooltip=f"{tail} to {head}: {text}")
    canvas.text(f"shape into {head}", x + 7, (y0 + y1) / 2 - 1, Piece(text, 8, INK))


def _centred(canvas: Canvas, name: str, text: str, x: float, y: float) -> None:
    canvas.text(name, x - text_width(text, 9) / 2, y, Piece(text, 9))


def draw_legend(canvas: Canvas, kinds: list[str], x: float, y: float) -> None:
    """A sample of each kind of shortcut."""
    for kind in kinds:
        text = WORDS[kind] if kind == "concat" else f"{WORDS[kind]} shortcut"
        canvas.dot.node(f"legend {kind}", pos=f"{x:g},{-y:g}", shape="point", width=0.001, style="invis")
        canvas.dot.node(
            f"legend {kind} end", pos=f"{x + 28:g},{-y:g}", shape="point", width=0.001, style="invis"
        )
        canvas.line(
            f"legend {kind}",
            f"legend {kind} end",
            (x, y),
            (x + 28, y),
            style=LINES[kind],
            color=INK,
            penwidth=0.9 if LINES[kind] == "solid" else 1.2,
            class_="legend",
        )
        x += 33
        x += canvas.text(f"legend text {kind}", x, y, Piece(text, 8, GREY)) + 18


def subtitle(table: Table) -> str:
    """`25.6 M params · 4.09 GMACs · 3×224×224`."""
    made = f"{short(table.total.params)} params"
    if table.at is not None:
        made += f" · {mac_count(table.total.macs)}"
        made += f" at {shape_text(table.net.graph.input_shapes[0], table.at)}"
    return made


def draw_title(canvas: Canvas, table: Table) -> None:
    """Over the middle of the picture."""
    pieces = [Piece(table.net.name, 14, BLACK, True), Piece(f"    {subtitle(table)}", 9, GREY)]
    whole = sum(p.width for p in pieces)
    canvas.text("title", max((canvas.left + canvas.right - whole) / 2, canvas.left), -24, *pieces)
