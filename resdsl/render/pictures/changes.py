"""Two nets side by side: a row of cards for each stage, with a sign where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from resdsl.render.drawing.arial import fitted, text_width
from resdsl.render.drawing.canvas import SLACK, Canvas, Piece, cell
from resdsl.render.drawing.dot import Attr, Html
from resdsl.render.drawing.palette import BLACK, GREY, INK, NEUTRAL, STAGES, WRONG, Colors

Sign = Literal["=", "~", "+", "-"]


class Look(NamedTuple):
    """What tells a kind of row apart: its sign, the colour and outline of its cards, and a word."""

    sign: str
    colors: Colors
    outline: dict[str, Attr]
    css: str
    legend: str


LOOKS: dict[Sign, Look] = {
    "-": Look(
        "−", WRONG, {"style": "filled,rounded,dashed", "penwidth": 1.2}, "removed", "only in the first"
    ),
    "+": Look("+", STAGES[1], {"style": "filled,rounded", "penwidth": 1.8}, "added", "only in the second"),
    "~": Look("~", STAGES[3], {"style": "filled,rounded"}, "changed", "in both, and differs"),
    "=": Look("=", NEUTRAL, {"style": "filled,rounded"}, "equal", ""),
}
"""Green and red look alike to many, so that their outlines differ too."""


class Way(NamedTuple):
    """Sizes in points: a card's width, the room between the columns, for notes, and a card's height."""

    width: float
    between: float
    notes: float
    tall: float
    gap: float
    most: int
    """Lines of notes in a row."""

    @property
    def right(self) -> float:
        """Where notes begin."""
        return self.width * 2 + self.between + 14


WAYS = (
    Way(218, 96, 260, 50, 14, 6),
    Way(218, 96, 260, 50, 14, 4),
    Way(182, 78, 128, 50, 12, 6),
    Way(182, 78, 128, 50, 12, 4),
    Way(182, 78, 128, 37, 9, 3),
)
"""A page on its side, one upright, and one upright with low cards, whose counts stand with what they do.

The first two with as many notes as fit, and with fewer.
"""
THIN = 20.0
LINE = 10.5
MOST_HEADS = 4
"""Lines of notes on all rows."""


class Card(NamedTuple):
    """What one net has in a row: a name, how often, what it does, and its counts."""

    name: str
    repeat: int
    text: str
    counts: str


class Note(NamedTuple):
    """A line beside a row: how far it is indented, its sign if it has one, and text."""

    depth: int
    sign: Sign | None
    text: str


class Beside(NamedTuple):
    """A row: a stage of each net, what changes of its counts, and notes.

    Of `=` and `~` both cards are one stage. In other rows what one net lost stands beside what the other gained.
    """

    sign: Literal["=", "~", "±"]
    a: Card | None
    b: Card | None
    change: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    def of(self, side: int) -> Sign:
        """The sign of one of its cards."""
        return ("-", "+")[side] if self.sign == "±" else self.sign


def changes_canvas(
    names: tuple[str, str],
    subtitles: tuple[str, str],
    title: str,
    heads: Sequence[Note],
    rows: Sequence[Beside],
    flows: tuple[bool, bool],
    way: Way,
) -> Canvas:
    """Two columns of cards in line with each other.

    Args:
        names: of the nets.
        subtitles: their counts.
        title: what the picture says, above it.
        heads: notes on all rows, below the title.
        rows: in the order of the nets.
        flows: whether the stages of each net follow each other, so that arrows may say so.
        way: how large everything is.
    """
    canvas = Canvas(f"{names[0]} to {names[1]}")
    width = way.width
    middles = (width / 2, width * 1.5 + way.between)
    room = (way.right + way.notes) / SLACK
    above = _lines(heads, room, MOST_HEADS)
    top = -42.0 - LINE * len(above) - (4 if above else 0)
    for place, (indent, pieces) in enumerate(above):
        canvas.text(f"head {place + 1}", indent, top + 18 + LINE * place, *pieces)
    lines = wrapped(title, 12, room, True)
    for place, line in enumerate(lines):
        y = top - 16 * (len(lines) - 1 - place)
        canvas.text(f"title {place + 1}", 0, y, Piece(line, 12, BLACK, True))
    for side, (x, name, text) in enumerate(zip(middles, names, subtitles, strict=True)):
        left = x - width / 2
        piece = Piece(fitted(name, 10.5, width + way.between / 2, True), 10.5, BLACK, True)
        canvas.text(f"net {side + 1}", left, -20, piece)
        canvas.text(f"counts of net {side + 1}", left, -8, Piece(text, 8, GREY))
    ends: list[tuple[str, float] | None] = [None, None]
    y = 4.0
    for number, row in enumerate(rows):
        size = THIN if row.sign == "=" else way.tall
        notes = _lines(row.notes, way.notes / SLACK, way.most)
        tall = max(size, LINE * len(notes) + 4)
        middle = y + tall / 2
        for side, card in enumerate((row.a, row.b)):
            if card is None:
                continue
            id = f"{names[side]} {side + 1}: {card.name} ({number + 1})"
            _card(canvas, id, middles[side], middle, size, card, row.of(side), way)
            before = ends[side]
            if before is not None and flows[side]:
                tip = (middles[side], middle - size / 2)
                canvas.line(before[0], id, (middles[side], before[1]), tip, class_="flow")
            ends[side] = id, middle + size / 2
        _between(canvas, number, row, middle, way)
        top = middle - LINE * (len(notes) - 1) / 2
        for place, (indent, pieces) in enumerate(notes):
            canvas.text(f"note {number + 1}.{place + 1}", way.right + indent, top + LINE * place, *pieces)
        y += tall + way.gap
    _legend(canvas, rows, y + 4)
    canvas.dot.description = describe(title, heads, rows)
    return canvas


def _card(canvas: Canvas, id: str, x: float, y: float, tall: float, card: Card, sign: Sign, way: Way) -> None:
    look, inner = LOOKS[sign], way.width - 16
    times = f"× {card.repeat:,}" if card.repeat > 1 else ""
    right = text_width(times, 10, True) + 4 if times else 1
    name = fitted(card.name, 10, inner - right, True)
    line = look.colors.line
    head = cell(name, 10, inner - right, "left", line, True) + cell(times, 10, right, "right", BLACK, True)
    texts = (card.text, card.counts) if tall > 40 else (_short(card, inner),)
    lines = [head]
    if sign != "=":
        lines += [cell(fitted(text, 8, inner), 8, inner, "left", INK) for text in texts]
    frame = f'<table border="0" cellspacing="0" cellpadding="0" width="{inner:g}"><tr>'
    rows = "".join(f"<tr><td>{line}</tr></table></td></tr>" for line in (frame + made for made in lines))
    rows = f'<tr><td height="3"></td></tr>{rows}' if len(lines) == 1 else rows  # a name alone stands high
    label = Html(f'<table border="0" cellspacing="0" cellpadding="1">{rows}</table>')
    tip = f"{look.legend or 'equal'}: {card.name}"
    tip += "".join(f", {text}" for text in (card.text, card.counts) if text)
    attrs: dict[str, Attr] = {"fillcolor": look.colors.fill, "color": line, **look.outline}
    canvas.box(id, x, y, way.width, tall, label, class_=look.css, tooltip=tip, **attrs)


def _short(card: Card, room: float) -> str:
    """What a card does, with as many of its counts as there is room for."""
    made = card.text
    for count in card.counts.split(" · "):
        more = f"{made} · {count}" if made else count
        if text_width(more, 8) > room:
            break
        made = more
    return made


def _between(canvas: Canvas, number: int, row: Beside, y: float, way: Way) -> None:
    """The sign, and under it what changes of the counts; of what only one has, near its card."""
    centre = way.width + way.between / 2
    if row.sign == "±":
        for side, card in enumerate((row.a, row.b)):
            if card is not None:
                x = centre + (side - 0.5) * way.between * 0.5
                _sign(canvas, f"sign {number + 1}.{side + 1}", row.of(side), x, y, 15)
        return
    top = y - 5 * len(row.change)
    _sign(canvas, f"sign {number + 1}", row.sign, centre, top, 10 if row.sign == "=" else 15)
    for place, line in enumerate(row.change):
        text = Piece(line, 8, INK)
        canvas.text(f"change {number + 1}.{place + 1}", centre - text.width / 2, top + 12 + 10 * place, text)


def _sign(canvas: Canvas, id: str, sign: Sign, x: float, y: float, size: float) -> None:
    piece = Piece(LOOKS[sign].sign, size, LOOKS[sign].colors.line, True)
    canvas.text(id, x - piece.width / 2, y, piece)


def _lines(notes: Sequence[Note], room: float, most: int) -> list[tuple[float, tuple[Piece, ...]]]:
    """Notes in lines of at most `room` points, each with its indent; at most so many lines."""
    every = [_wrapped(note, room) for note in notes]
    chosen, needed = _by_weight(notes)
    kept: dict[int, int] = {}
    for limit in (most, most - 1):  # the last line says what is left out
        kept = {}
        for number in chosen:
            waiting = sum(other not in kept for other in needed if other != number)
            count = min(len(every[number]), limit - sum(kept.values()) - waiting)
            if count <= 0:
                break
            kept[number] = count
        if len(kept) == len(notes):
            break
    made = []
    for number in sorted(kept):
        *before, last = every[number][: kept[number]]
        if kept[number] < len(every[number]):  # a note is cut
            indent, (*pieces, piece) = last
            text = fitted(piece.text, 8, room - indent - 18)
            text += "" if text.endswith("…") else " …"
            last = indent, (*pieces, piece._replace(text=text))
        made += [*before, last]
    left = len(notes) - len(kept)
    return [*made, _unsigned(0, f"… and {left:,} more")] if left else made


def _wrapped(note: Note, room: float) -> list[tuple[float, tuple[Piece, ...]]]:
    """The lines of a note."""
    made: list[tuple[float, tuple[Piece, ...]]] = []
    indent = 12.0 * note.depth
    for place, text in enumerate(wrapped(note.text, 8, room - indent - 8)):
        if place == 0 and note.sign is not None:
            made.append((indent, (_mark(note.sign), Piece(text, 8, INK))))
        else:
            made.append(_unsigned(indent + 8 * (place > 0), text))
    return made


def _by_weight(notes: Sequence[Note]) -> tuple[list[int], list[int]]:
    """Numbers of the notes, those first that are needed to show every sign; and the needed ones alone."""
    needed: dict[int, None] = {}
    seen = set[Sign | None]()
    head = 0
    for number, note in enumerate(notes):
        head = head if note.depth else number
        if note.sign not in seen:
            seen.add(note.sign)
            needed |= {head: None, number: None}
    return list(dict.fromkeys([*needed, *range(len(notes))])), list(needed)


def _unsigned(indent: float, text: str) -> tuple[float, tuple[Piece, ...]]:
    """A line without a sign. A blank stands for it: Graphviz sets lines of one piece 2 points lower."""
    blank = Piece(" ", 8, INK, True)
    return indent - blank.width, (blank, Piece(text, 8, INK))


def _mark(sign: Sign) -> Piece:
    return Piece(f"{LOOKS[sign].sign} ", 8, LOOKS[sign].colors.line, True)


def wrapped(text: str, size: float, room: float, bold: bool = False) -> list[str]:
    """The text in lines that fit `room` points; a longer word is cut."""
    lines = [""]
    for word in text.split():
        more = f"{lines[-1]} {word}".strip()
        if text_width(more, size, bold) <= room:
            lines[-1] = more
        else:
            lines.append(fitted(word, size, room, bold))
    return [line for line in lines if line]


def _legend(canvas: Canvas, rows: Sequence[Beside], y: float) -> None:
    shown = {row.of(side) for row in rows for side, card in enumerate((row.a, row.b)) if card is not None}
    x = 0.0
    for sign, look in LOOKS.items():
        if sign in shown and look.legend:
            pieces = Piece(look.sign, 11, look.colors.line, True), Piece(f"  {look.legend}", 8, GREY)
            x += canvas.text(f"legend {look.legend}", x, y, *pieces) + 20


def describe(title: str, heads: Sequence[Note], rows: Sequence[Beside]) -> str:
    """The picture in words."""
    made = [f"{title}.", *(f"{_words(note)}." for note in heads)]
    for row in rows:
        if row.sign == "±":
            words = ("removed", "added")
            cards = zip((row.a, row.b), words, strict=True)
            made += [f"{card.name} {word}: {_said(card)}." for card, word in cards if card is not None]
            continue
        assert row.a is not None
        assert row.b is not None
        if row.sign == "=":
            made.append(f"{row.a.name} equal.")
            continue
        what = " becomes ".join(dict.fromkeys((_said(row.a), _said(row.b))))
        change = ", ".join(row.change)
        notes = ", ".join(map(_words, row.notes))
        change = f" ({', '.join(filter(None, (change, notes)))})" if change or notes else ""
        made.append(f"{row.a.name} differs: {what}{change}.")
    return " ".join(made)


def _words(note: Note) -> str:
    return f"{note.sign or ''} {' '.join(note.text.split())}".strip()


def _said(card: Card) -> str:
    return f"{card.text}{f' × {card.repeat}' if card.repeat > 1 else ''}".strip()
