"""Two nets side by side: a row of cards for each stage, with a sign where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from resdsl.render.arial import fitted, text_width
from resdsl.render.canvas import Canvas, Piece, cell
from resdsl.render.dot import Attr, Dot, Html
from resdsl.render.palette import BLACK, GREY, INK, NEUTRAL, STAGES, Colors

Sign = Literal["=", "~", "+", "-"]

COLORS: dict[Sign, Colors] = {"=": NEUTRAL, "~": STAGES[2], "+": STAGES[1], "-": STAGES[4]}
SIGNS: dict[Sign, str] = {"=": "=", "~": "~", "+": "+", "-": "−"}
WORDS: dict[Sign, str] = {"-": "only in the first", "+": "only in the second", "~": "in both, and differs"}
OUTLINES: dict[Sign, str] = {
    "=": "filled,rounded",
    "~": "filled,rounded",
    "+": "filled,rounded,bold",
    "-": "filled,rounded,dashed",
}

WIDTH = 218.0
BETWEEN = 96.0
HEIGHT = 50.0
THIN = 20.0
GAP = 14.0
NOTES = 260.0
LINE = 10.5
MOST_NOTES = 4


@dataclass(frozen=True)
class Card:
    """What one net has in a row: a name, how often, what it does, and its counts."""

    name: str
    repeat: int
    text: str
    counts: str


@dataclass(frozen=True)
class Beside:
    """A row: a stage of each net, what changes of its counts, and notes. One without cards is a fold."""

    sign: Sign
    a: Card | None
    b: Card | None
    change: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def changes_picture(
    names: tuple[str, str],
    subtitles: tuple[str, str],
    title: str,
    rows: Sequence[Beside],
    flows: tuple[bool, bool],
) -> Dot:
    """Two columns of cards in line with each other.

    Args:
        names: of the nets.
        subtitles: their counts.
        title: what the picture says, above it.
        rows: in the order of the nets.
        flows: whether the stages of each net follow each other, so that arrows may say so.
    """
    canvas = Canvas(f"{names[0]} to {names[1]}")
    middles = (WIDTH / 2, WIDTH * 1.5 + BETWEEN)
    centre = WIDTH + BETWEEN / 2
    canvas.text("title", 0, -30, Piece(title, 12, BLACK, True))
    for side, (x, name, text) in enumerate(zip(middles, names, subtitles, strict=True)):
        canvas.text(
            f"net {side + 1}",
            x - WIDTH / 2,
            -8,
            Piece(fitted(name, 10.5, WIDTH * 0.5, True), 10.5, BLACK, True),
            Piece(f"  {text}", 8, GREY),
        )
    ends: list[tuple[str, float] | None] = [None, None]
    y = 4.0
    for number, row in enumerate(rows):
        tall = HEIGHT if row.sign != "=" else THIN
        tall = max(tall, LINE * len(row.notes) + 8)
        middle = y + tall / 2
        for side, card in enumerate((row.a, row.b)):
            if card is None:
                continue
            id = f"{names[side]} {side + 1}: {card.name} ({number + 1})"
            size = HEIGHT if row.sign != "=" else THIN
            _card(canvas, id, middles[side], middle, size, card, row.sign)
            before = ends[side]
            if before is not None and flows[side]:
                canvas.line(
                    before[0],
                    id,
                    (middles[side], before[1]),
                    (middles[side], middle - size / 2),
                    class_="flow",
                )
            ends[side] = id, middle + size / 2
        _between(canvas, number, row, centre, middle)
        _notes(canvas, number, row, middles[1] + WIDTH / 2 + 14, middle)
        y += tall + GAP
    _legend(canvas, [s for s in WORDS if any(r.sign == s for r in rows)], y + 4)
    canvas.dot.description = describe(title, rows)
    return canvas.dot


def _card(canvas: Canvas, id: str, x: float, y: float, tall: float, card: Card, sign: Sign) -> None:
    colors, inner = COLORS[sign], WIDTH - 20
    times = f"× {card.repeat:,}" if card.repeat > 1 else ""
    right = text_width(times, 10, True) + 4 if times else 1
    name = fitted(card.name, 10, inner - right, True)
    head = cell(name, 10, inner - right, "left", colors.line, True) + cell(
        times, 10, right, "right", BLACK, True
    )
    lines = [head]
    if sign != "=":
        lines += [cell(fitted(text, 8, inner), 8, inner, "left", INK) for text in (card.text, card.counts)]
    frame = f'<table border="0" cellspacing="0" cellpadding="0" width="{inner:g}"><tr>'
    rows = "".join(f"<tr><td>{frame}{line}</tr></table></td></tr>" for line in lines)
    rows = f'<tr><td height="3"></td></tr>{rows}' if len(lines) == 1 else rows  # a name alone stands high
    label = Html(f'<table border="0" cellspacing="0" cellpadding="1">{rows}</table>')
    attrs: dict[str, Attr] = {"fillcolor": colors.fill, "color": colors.line, "style": OUTLINES[sign]}
    css = {"=": "equal", "~": "changed", "+": "added", "-": "removed"}[sign]
    tip = f"{card.name}: {card.text}, {card.counts}"
    canvas.box(id, x, y, WIDTH, tall, label, class_=css, tooltip=tip, **attrs)


def _between(canvas: Canvas, number: int, row: Beside, x: float, y: float) -> None:
    """The sign, and under it what changes of the counts."""
    color = COLORS[row.sign].line
    if row.sign == "=":
        text = Piece("=", 10, GREY, True)
        canvas.text(f"sign {number + 1}", x - text.width / 2, y, text)
        return
    top = y - 6 * len(row.change)
    sign = Piece(SIGNS[row.sign], 15, color, True)
    canvas.text(f"sign {number + 1}", x - sign.width / 2, top, sign)
    for place, line in enumerate(row.change):
        text = Piece(line, 8, INK)
        canvas.text(f"change {number + 1}.{place + 1}", x - text.width / 2, top + 14 + 11 * place, text)


def _notes(canvas: Canvas, number: int, row: Beside, x: float, y: float) -> None:
    top = y - LINE * (len(row.notes) - 1) / 2
    for place, note in enumerate(row.notes):
        text = Piece(fitted(note, 8, NOTES), 8, INK)
        canvas.text(f"note {number + 1}.{place + 1}", x, top + LINE * place, text)


def _legend(canvas: Canvas, signs: list[Sign], y: float) -> None:
    x = 0.0
    for sign in signs:
        pieces = Piece(SIGNS[sign], 11, COLORS[sign].line, True), Piece(f"  {WORDS[sign]}", 8, GREY)
        x += canvas.text(f"legend {WORDS[sign]}", x, y, *pieces) + 20


def describe(title: str, rows: Sequence[Beside]) -> str:
    """The picture in words."""
    made = [f"{title}."]
    words = {"=": "equal", "~": "differs", "+": "added", "-": "removed"}
    for row in rows:
        cards = [c for c in (row.a, row.b) if c is not None]
        texts = dict.fromkeys(f"{c.text}{f' × {c.repeat}' if c.repeat > 1 else ''}".strip() for c in cards)
        what = " becomes ".join(filter(None, texts)) if row.sign != "=" else ""
        change = ", ".join(" ".join(text.split()) for text in (*row.change, *row.notes))
        made.append(
            f"{cards[0].name} {words[row.sign]}{f': {what}' if what else ''}{f' ({change})' if change else ''}."
        )
    return " ".join(made)
