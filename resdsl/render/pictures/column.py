"""Every convolution in a column with its shortcuts, as the ResNet paper's Figure 3; long repeats folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from resdsl.render.drawing.arial import fitted, text_width
from resdsl.render.drawing.canvas import RADIUS, TIP, Canvas, Piece, place, straight
from resdsl.render.drawing.dot import Dot, Html, font
from resdsl.render.drawing.palette import BLACK, GREY, INK, LINES, WORDS, Colors
from resdsl.render.numbers import mac_count, shape_text, short
from resdsl.render.outline.blocks import Around, Chip
from resdsl.render.outline.rows import Row, Table
from resdsl.render.pictures.cards import ORDER, colors_of, css_of, draw_legend, draw_title
from resdsl.render.pictures.options import Options
from resdsl.render.pictures.parts import Part, Parts

NARROWEST = 120.0
WIDEST = 260.0
HEIGHT = 17.0
CARD = 32.0
LINE = 10.0
"""What each further line adds to a card."""
GAP = 10.0
JOINT = 14.0
BULGE = 26.0
ROUND = 46.0
"""How high a curve bends at each end; between it is straight."""


def column_picture(table: Table, options: Options) -> Dot:
    """The picture of a net whose stages follow each other."""
    parts = Parts(table, options).rows()
    rows = list(map(_Row, table.rows, colors_of(table), css_of(table), parts))
    columns = options.wrap or 1
    breaks: set[int] = set()
    if columns > 1:
        trial = _Drawer(table, options, rows)
        trial.draw()
        breaks = _breaks(trial.tops, columns)
    drawer = _Drawer(table, options, rows, breaks)
    drawer.draw()
    canvas = drawer.canvas
    draw_legend(canvas, [k for k in ORDER if k in drawer.used], -drawer.width / 2, drawer.lowest + 26)
    draw_title(canvas, table)
    more = sum(part.copies for row in rows for part in row.parts if part.title and not part.boxes)
    if more:
        canvas.dot.notes.append(f"{more:,} layers are left out, where many follow each other")
    return canvas.dot


@dataclass(frozen=True)
class _Row:
    row: Row
    colors: Colors
    css: str
    parts: list[Part]


def _breaks(tops: list[float], columns: int) -> set[int]:
    """The parts that begin a new column, so that the highest column is as low as can be."""
    low, high = 0.0, tops[-1]
    best: set[int] = set()
    for _ in range(40):
        most = (low + high) / 2
        found, start = set[int](), 0
        for number in range(1, len(tops)):
            if tops[number] - tops[start] > most and number - 1 > start:
                start = number - 1
                found.add(start)
        fits = all(b - a <= most for a, b in pairwise(tops))
        if fits and len(found) < columns:
            best, high = found, most
        else:
            low = most
    return best


class _Drawer:
    """Draws downwards along `x`; `y` is where the last box ended, `last` its name."""

    def __init__(self, table: Table, options: Options, rows: list[_Row], breaks: set[int] | None = None):
        self.table = table
        self.options = options
        self.rows = rows
        self.breaks = breaks or set()
        self.canvas = Canvas(table.net.name)
        boxes = [box for row in rows for part in row.parts for box in part.boxes]
        self.width = min(max([NARROWEST, *(text_width(t, 9) + 14 for t in _texts(boxes))]), WIDEST)
        self.bulge = BULGE * (1 + 0.25 * max(max(map(_depth, boxes), default=1) - 1, 0))
        self.margin = self._margin()
        self.x = self.y = self.lowest = 0.0
        self.top = 0.0
        self.tops: list[float] = []
        self.last, self.number, self.joined = "input", 0, False
        self.used: dict[str, None] = {}

    def draw(self) -> None:
        """Draw everything between what comes in and what goes out."""
        feed = self.table.net.graph.inputs[0].lstrip("#")
        text = feed
        if self.options.shows("shapes"):
            text += f", {shape_text(self.table.net.graph.input_shapes[0], self.table.at)}"
            if not self.breaks:
                head = Piece("output size", 8, GREY)
                self.canvas.text("output size", -self.width / 2 - 16 - head.width, 0, head)
        self.canvas.text("input", -text_width(text, 9) / 2, 0, Piece(text, 9))
        self.y = self.top = 7.0
        size = self.table.net.graph.input_shapes[0]
        for row in self.rows:
            self.row = row
            self.colors, self.css, self.name = row.colors, row.css, row.row.name
            start = self.y
            for order, part in enumerate(row.parts):
                self.tops.append(self.y)
                if len(self.tops) - 1 in self.breaks:
                    self.turn(continued=order > 0)
                before = self.y + (JOINT if self.joined else GAP)
                if order == 0 and self.breaks:
                    self.aside(before + HEIGHT / 2)
                self.boxes((part,) if part.title else part.boxes)
                if part.shape is not None and part.shape != size:
                    size = part.shape
                    if self.options.shows("shapes") and not self.breaks:
                        self.size(shape_text(size, self.table.at), before + HEIGHT / 2)
            if not self.breaks:
                self.beside(start, self.y)
        self.tops.append(self.y)
        self.line_to("output", 0.0)
        self.canvas.text("output", self.x - text_width("output", 9) / 2, self.y + 6, Piece("output", 9))
        self.lowest = max(self.lowest, self.y)

    # ------------------------------------------------------------ texts

    def counts(self) -> list[str]:
        """What is counted of a row."""
        row, made = self.row.row, []
        if row.repeat > 1:
            made.append(f"{row.repeat:,} blocks")
        if row.cost.params and self.options.shows("params"):
            made.append(f"{short(row.cost.params)} params")
        if row.cost.macs and self.table.at is not None and self.options.shows("macs", otherwise=False):
            made.append(mac_count(row.cost.macs))
        return made

    def size(self, text: str, y: float) -> None:
        """The size of an output, left of the first box that has it."""
        size = Piece(text, 8, INK, True)
        self.canvas.text(
            f"{self.name} size {self.number}", self.x - self.width / 2 - 16 - size.width, y, size
        )

    def beside(self, top: float, bottom: float) -> None:
        """The name of a row and its counts, right of its middle."""
        side, middle = self.width / 2 + self.bulge + 12, (top + bottom + GAP) / 2
        label, counts = Piece(self.name, 9.5, self.colors.line, True), self.counts()
        if bottom - top < 20 + 11 * len(counts):
            rest = "".join(f"  {text}" for text in counts[:1]) + "".join(f" · {t}" for t in counts[1:])
            self.canvas.text(f"{self.name} name", side, middle, label, Piece(rest, 8, GREY))
            return
        middle -= 5.5 * len(counts)
        self.canvas.text(f"{self.name} name", side, middle, label)
        for number, text in enumerate(counts, 1):
            middle += 12 if number == 1 else 10
            self.canvas.text(f"{self.name} count {number}", side, middle, Piece(text, 8, GREY))

    def aside(self, y: float) -> None:
        """The name of a row and its counts, left of its first box; the columns leave no room at the right."""
        for number, piece in enumerate(self._asides(self.row)):
            x = self.x - self.width / 2 - 12 - piece.width
            self.canvas.text(f"{self.name} aside {number}", x, y, piece)
            y += 11 if number == 0 else 10

    def _asides(self, row: _Row) -> list[Piece]:
        self.row = row
        made = [Piece(row.row.name, 9.5, row.colors.line, True)]
        if self.options.shows("shapes") and row.row.shape is not None:
            made.append(Piece(shape_text(row.row.shape, self.table.at), 8, INK, True))
        alone = len(row.parts) == 1 and not any(map(_depth, row.parts[0].boxes))
        # A single box has room for two lines beside it.
        return (made + [Piece(text, 8, GREY) for text in self.counts()])[: 2 if alone else None]

    def _margin(self) -> float:
        """Room at the left of a column, and for the line that leads to it."""
        return max(p.width for row in self.rows for p in self._asides(row)) + 12 + 16

    # ------------------------------------------------------------ boxes

    def line_to(self, name: str, room: float) -> None:
        """An arrow to the next thing, which begins where it ends."""
        length = JOINT if self.joined else GAP
        self.canvas.line(self.last, name, (self.x, self.y), (self.x, self.y + length), class_="flow")
        self.y += length
        self.joined = False

    def turn(self, continued: bool) -> None:
        """Go on at the top of a new column."""
        x, bottom, top = self.x, self.y + 8, self.top - 2
        self.lowest = max(self.lowest, bottom)
        self.x += self.width / 2 + self.bulge + 10 + self.margin + self.width / 2
        middle = x + self.width / 2 + self.bulge + 10
        corner = f"turn {self.number}"
        self.canvas.dot.node(corner, pos=place(self.x, top), shape="point", width=0.001, style="invis")
        points = [(x, self.y), *straight((x, self.y), (x, bottom - 5))]
        for (x0, y0), (x1, y1), (x2, y2) in (
            ((x, self.y), (x, bottom), (middle, bottom)),
            ((x, bottom), (middle, bottom), (middle, top)),
            ((middle, bottom), (middle, top), (self.x, top)),
            ((middle, top), (self.x, top), (self.x, self.top + 6)),
        ):
            points += _corner((x0, y0), (x1, y1), (x2, y2), points[-1])
        self.canvas.path(self.last, corner, points, None, class_="flow", color=GREY)
        self.last, self.y, self.joined = corner, self.top + 2, False
        if continued:
            label = Piece(self.name, 9.5, self.colors.line, True)
            more = Piece("continued", 8, GREY)
            y = self.y + GAP + HEIGHT / 2
            for number, piece in enumerate((label, more)):
                self.canvas.text(
                    f"{corner} name {number}", self.x - self.width / 2 - 12 - piece.width, y, piece
                )
                y += 11

    def boxes(self, items: tuple[Chip | Part, ...]) -> None:
        """Draw boxes, and a curve around those with a shortcut."""
        for item in items:
            if isinstance(item, str):
                self.box(item)
            elif isinstance(item, Part):
                self.card(item)
            else:
                start, tail = self.y + 3, self.last
                self.joined = True
                self.boxes(item.inner)
                self.curve(start, tail, item.kind, _depth(item), item.times)

    def box(self, text: str) -> None:
        """Draw one step."""
        self.number += 1
        name = f"{self.name} step {self.number}: {text}"
        self.line_to(name, HEIGHT)
        self.canvas.box(
            name,
            self.x,
            self.y + HEIGHT / 2,
            self.width,
            HEIGHT,
            fitted(text, 9, self.width - 8),
            fillcolor=self.colors.fill,
            color=self.colors.line,
            class_=self.css,
        )
        self.y, self.last = self.y + HEIGHT, name

    def card(self, part: Part) -> None:
        """Draw many copies as one card, with a curve for each kind of shortcut in them."""
        start, tail = self.y + 3, self.last
        counts = _counted(part.boxes)
        self.joined = bool(counts)
        self.number += 1
        name = f"{self.name}: {part.title}"
        lines = [font(part.title, 9, BLACK, bold=True)]
        lines += [font(line, 7, INK) for line in _wrapped(_texts(part.boxes), 7, self.width - 10)]
        height = CARD + LINE * max(len(lines) - 2, 0)
        self.line_to(name, height)
        middle = self.y + height / 2
        look = {"fillcolor": self.colors.fill, "color": self.colors.line, "class_": self.css}
        for behind in (2, 1):
            shift = 2.5 * behind
            self.canvas.box(
                f"{name}, copy {behind}", self.x + shift, middle - shift, self.width, height, "", **look
            )
        cells = "".join(f"<tr><td>{line}</td></tr>" for line in lines)
        label = Html(f'<table border="0" cellspacing="0" cellpadding="1">{cells}</table>')
        self.canvas.box(name, self.x, middle, self.width, height, label, **look)
        self.y, self.last = middle + height / 2, name
        for depth, (kind, times) in enumerate(counts.items(), 1):
            self.curve(start, tail, kind, depth, times * part.copies)

    def curve(self, start: float, tail: str, kind: str, depth: int, times: int) -> None:
        """A shortcut from the spine at `start` to just below the last box."""
        self.used[kind] = None
        head = f"{self.name} {'concatenation' if kind == 'concat' else 'sum'} {self.number}"
        head += f", {depth}" if depth > 1 else ""
        x, end = self.x, self.y + RADIUS + 2
        self.canvas.line(self.last, head, (x, self.y), (x, end - RADIUS), arrow=False, color=INK)
        self.canvas.joint(head, x, end, "c" if kind == "concat" else "+", self.colors.line)
        half, out = 0.45 * self.width, self.width / 2 + BULGE * (1 + 0.25 * (depth - 1))
        bend = min(ROUND, (end - start) / 2)
        points = [(x, start), (x + half, start), (x + out, start), (x + out, start + bend)]
        if end - bend > start + bend:
            points += straight((x + out, start + bend), (x + out, end - bend))
        points += [(x + out, end), (x + half, end), (x + RADIUS + TIP, end)]
        many = f"{times:,} {WORDS[kind]} shortcuts" if times > 1 else f"{WORDS[kind]} shortcut"
        self.canvas.path(
            tail,
            head,
            points,
            (x + RADIUS, end),
            color=self.colors.line,
            style=LINES[kind],
            class_=f"shortcut {kind}",
            penwidth=0.9 if LINES[kind] == "solid" else 1.2,
            tooltip=f"{self.name}: {many}",
        )
        self.y, self.last, self.joined = end + RADIUS, head, False


Point = tuple[float, float]


def _corner(before: Point, corner: Point, after: Point, start: Point) -> list[Point]:
    """Control points from `start` round a corner of two lines along the axes, of radius 5."""
    (x0, y0), (x1, y1), (x2, y2) = before, corner, after

    def toward(x: float, y: float) -> Point:
        length = max(abs(x - x1) + abs(y - y1), 0.01)
        return x1 + 5 * (x - x1) / length, y1 + 5 * (y - y1) / length

    enter, leave = toward(x0, y0), toward(x2, y2)
    return [*straight(start, enter), corner, corner, leave]


def _depth(item: Chip) -> int:
    if isinstance(item, str):
        return 0
    return 1 + max(map(_depth, item.inner), default=0)


def _texts(boxes: tuple[Chip, ...] | list[Chip]) -> Iterator[str]:
    for box in boxes:
        if isinstance(box, str):
            yield box
        else:
            yield from _texts(box.inner)


def _wrapped(texts: Iterable[str], size: float, room: float) -> list[str]:
    """Texts in lines that fit `room` points."""
    lines = list[str]()
    for text in texts:
        if lines and text_width(f"{lines[-1]} · {text}", size) <= room:
            lines[-1] += f" · {text}"
        else:
            lines.append(text)
    return [fitted(line, size, room) for line in lines]


def _counted(boxes: tuple[Chip, ...]) -> dict[str, int]:
    """How many shortcuts of each kind some boxes hold."""
    found: dict[str, int] = {}
    for box in boxes:
        if isinstance(box, Around):
            found[box.kind] = found.get(box.kind, 0) + box.times
            for kind, times in _counted(box.inner).items():
                found[kind] = found.get(kind, 0) + times
    return found
