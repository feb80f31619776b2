"""Every convolution in one column with its shortcuts, as the ResNet paper's Figure 3; long repeats folded."""

from __future__ import annotations

from resdsl.graph.model import Graph
from resdsl.ops.base import Op
from resdsl.render.arial import fitted, text_width
from resdsl.render.blocks import Around, Chip, call_text, chips, kinds, op_label, runs
from resdsl.render.canvas import RADIUS, TIP, Canvas, Piece, straight
from resdsl.render.dot import Dot, Html, font
from resdsl.render.numbers import shape_text, short
from resdsl.render.palette import BLACK, GREY, INK, LINES, WORDS, Colors
from resdsl.render.rows import Row, Table
from resdsl.render.stages import ORDER, colors_of, css_of, draw_legend, draw_title
from resdsl.render.steps import Step, copies

WIDTH = 132.0
HEIGHT = 17.0
GAP = 10.0
JOINT = 14.0
BULGE = 26.0
UNFOLDED = 8
"""Runs of more copies than this are folded."""


def column_picture(table: Table) -> Dot:
    """The picture of a net whose stages follow each other."""
    drawer = _Column(table)
    feed = table.net.graph.inputs[0].lstrip("#")
    drawer.start(f"{feed}, {shape_text(table.net.graph.input_shapes[0], table.at)}")
    for row, colors, css in zip(table.rows, colors_of(table), css_of(table), strict=True):
        drawer.row(row, colors, css)
    drawer.line_to("output", 0.0)
    canvas = drawer.canvas
    canvas.text("output", -text_width("output", 9) / 2, drawer.y + 6, Piece("output", 9))
    draw_legend(canvas, [k for k in ORDER if k in drawer.used], -WIDTH / 2, drawer.y + 26)
    draw_title(canvas, table)
    return canvas.dot


class _Column:
    """Draws downwards along x = 0; `y` is where the last box ended, `last` its name."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.canvas = Canvas(table.net.name)
        self.y = 0.0
        self.last = ""
        self.used: list[str] = []
        self.number = 0
        self.joined = False

    def start(self, text: str) -> None:
        """Write what comes in."""
        self.last = "input"
        self.canvas.text("input", -text_width(text, 9) / 2, 0, Piece(text, 9))
        self.y = 7.0

    def line_to(self, name: str, room: float) -> None:
        """An arrow to the next thing, which begins where it ends."""
        length = JOINT if self.joined else GAP
        self.canvas.line(self.last, name, (0, self.y), (0, self.y + length), class_="flow")
        self.y += length
        self.joined = False

    def row(self, row: Row, colors: Colors, css: str) -> None:
        """Draw the steps of a row, its name at the right and its size at the left."""
        self.colors, self.css, self.name = colors, css, row.name
        top = self.y
        for number in row.steps:
            step = self.table.plan.steps[number]
            content = step.node.content
            if isinstance(content, Op) and content.category in ("conv", "linear", "pool"):
                self.box(op_label(content, step.graph.operands(step.node)))
            elif isinstance(content, Graph):
                for boxes, count in _runs(step):
                    self.run(boxes, count)
        if self.y == top:
            self.box(row.text or row.name)
        middle = (top + self.y) / 2
        side = WIDTH / 2 + BULGE + 12
        canvas = self.canvas
        counts = f"{short(row.cost.params)} params"
        if row.repeat > 1:
            counts = f"{row.repeat:,} blocks · {counts}"
        label = Piece(row.name, 9.5, colors.line, True)
        if self.y - top > 40:
            canvas.text(f"{row.name} name", side, middle - 6, label)
            canvas.text(f"{row.name} counts", side, middle + 6, Piece(counts, 8, GREY))
        else:
            canvas.text(f"{row.name} name", side, middle, label, Piece(f"  {counts}", 8, GREY))
        size = Piece(shape_text(row.shape, self.table.at), 8, INK, True)
        canvas.text(f"{row.name} size", -WIDTH / 2 - 16 - size.width, self.y - HEIGHT / 2, size)

    def run(self, boxes: tuple[Chip, ...], count: int) -> None:
        """Draw the copies of a block, those in the middle as one card when there are many."""
        if count <= UNFOLDED:
            for _ in range(count):
                self.boxes(boxes)
            return
        self.boxes(boxes)
        self.card(boxes, count - 2)
        self.boxes(boxes)

    def boxes(self, items: tuple[Chip, ...]) -> None:
        """Draw boxes, and a curve around those with a shortcut."""
        for item in items:
            if isinstance(item, str):
                self.box(item)
                continue
            start, tail = self.y + 3, self.last
            self.joined = True
            if item.inner:
                self.boxes(item.inner)
            self.curve(start, tail, item.kind, _depth(item))

    def card(self, boxes: tuple[Chip, ...], count: int) -> None:
        """Draw many copies as one card."""
        start, tail = self.y + 3, self.last
        self.joined = True
        self.number += 1
        name = f"{self.name}: {count:,} identical blocks"
        self.line_to(name, 0)
        canvas = self.canvas
        middle = self.y + 16
        for place in (2, 1):
            canvas.box(
                f"{name}, copy {place}",
                2.5 * place,
                middle - 2.5 * place,
                WIDTH,
                32,
                "",
                class_=self.css,
                fillcolor=self.colors.fill,
                color=self.colors.line,
            )
        text = " · ".join(_words(boxes))
        label = Html(
            '<table border="0" cellspacing="0" cellpadding="1">'
            f"<tr><td>{font(f'{count:,} identical blocks', 9, BLACK, bold=True)}</td></tr>"
            f"<tr><td>{font(fitted(text, 7, WIDTH - 10), 7, INK)}</td></tr></table>"
        )
        canvas.box(
            name,
            0,
            middle,
            WIDTH,
            32,
            label,
            fillcolor=self.colors.fill,
            color=self.colors.line,
            class_=self.css,
        )
        self.y, self.last = middle + 16, name
        for kind in dict.fromkeys(kinds(boxes)):
            self.curve(start, tail, kind, 1)

    def box(self, text: str) -> None:
        """Draw one step."""
        self.number += 1
        name = f"{self.name} step {self.number}: {text}"
        self.line_to(name, HEIGHT)
        self.canvas.box(
            name,
            0,
            self.y + HEIGHT / 2,
            WIDTH,
            HEIGHT,
            fitted(text, 9, WIDTH - 8),
            fillcolor=self.colors.fill,
            color=self.colors.line,
            class_=self.css,
        )
        self.y, self.last = self.y + HEIGHT, name

    def curve(self, start: float, tail: str, kind: str, depth: int) -> None:
        """A shortcut from the spine at `start` to just below the last box."""
        self.used.append(kind)
        head = f"{self.name} {'concatenation' if kind == 'concat' else 'sum'} {self.number}"
        end = self.y + RADIUS + 2
        self.canvas.line(self.last, head, (0, self.y), (0, end - RADIUS), arrow=False, color=INK)
        self.canvas.joint(head, 0, end, "c" if kind == "concat" else "+", self.colors.line)
        half, out = WIDTH / 2, WIDTH / 2 + BULGE * (1 + 0.25 * (depth - 1))
        middle = (start + end) / 2
        bend = min(14.0, (end - start) / 3)
        points = [
            (0.0, start),
            *straight((0.0, start), (half, start)),
            (out, start),
            (out, start),
            (out, start + bend),
        ]
        points += straight((out, start + bend), (out, end - bend)) if end - bend > middle else []
        points += [(out, end), (out, end), (half, end)]
        points += straight((half, end), (RADIUS + TIP, end))
        self.canvas.path(
            tail,
            head,
            points,
            (RADIUS, end),
            color=self.colors.line,
            style=LINES[kind],
            class_=f"shortcut {kind}",
            penwidth=0.9 if LINES[kind] == "solid" else 1.2,
            tooltip=f"{self.name}: {WORDS[kind]} shortcut",
        )
        self.y, self.last, self.joined = end + RADIUS, head, False


def _runs(step: Step) -> list[tuple[tuple[Chip, ...], int]]:
    """The blocks of a step as boxes; neighbours that look alike are counted together."""
    made: list[tuple[tuple[Chip, ...], int]] = []
    for run in runs(copies(step)):
        boxes = chips(run.graph, op_label) or (call_text(run.graph),)
        if made and made[-1][0] == boxes:
            made[-1] = (boxes, made[-1][1] + run.count)
        else:
            made.append((boxes, run.count))
    return made


def _depth(item: Around) -> int:
    return 1 + max((_depth(i) for i in item.inner if isinstance(i, Around)), default=0)


def _words(boxes: tuple[Chip, ...]) -> list[str]:
    made: list[str] = []
    for box in boxes:
        made.extend([box] if isinstance(box, str) else _words(box.inner))
    return made
