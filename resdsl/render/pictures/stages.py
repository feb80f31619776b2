"""The default picture: a card for each stage, shapes between them, and what repeats drawn beside.

It fits an A4 page. What takes most room goes first: blocks beside each stage become blocks drawn once, then only
shortcuts stay beside the cards, and at last stages are folded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from resdsl.render.drawing.arial import text_width
from resdsl.render.drawing.canvas import TIP, Canvas, Piece, straight
from resdsl.render.drawing.dot import Dot
from resdsl.render.drawing.palette import INK, NEUTRAL
from resdsl.render.drawing.paper import MOST_BOXES, fits
from resdsl.render.outline.folding import Frame, folded
from resdsl.render.outline.rows import Table
from resdsl.render.pictures.cards import (
    ORDER,
    TALL,
    card_height,
    card_width,
    colors_of,
    css_of,
    draw_card,
    draw_legend,
    draw_loops,
    draw_title,
    legend_width,
    loops_width,
)
from resdsl.render.pictures.flowchart import branching_picture
from resdsl.render.pictures.inset import Inset, Variant, height, shortcut_line, size, variants, widths
from resdsl.render.pictures.labels import draw_lines, joined_names, outputs, shape_lines
from resdsl.render.pictures.levels import levels
from resdsl.render.pictures.options import Options
from resdsl.render.pictures.panel import draw_panel, shared
from resdsl.render.pictures.places import Edge, Places, places
from resdsl.render.pictures.unet import unet_canvas
from resdsl.sizes import Shape

WAYS = (
    ("beside", 34.0),
    ("beside", 26.0),
    ("shared", 34.0),
    ("shared", 26.0),
    ("loops", 34.0),
    ("loops", 22.0),
)
"""How blocks are drawn, and the room between cards; the first that fits the page is taken."""
APART = 30.0
"""Room between columns."""
LANE = 11.0
FRAME = 9.0
"""Room between cards and the frame around them; shortcuts cross it."""
RADIUS = 8.0


def stages_picture(table: Table, options: Options | None = None) -> Dot:
    """The picture of any net."""
    canvas = stages_canvas(table, options or Options())
    return branching_picture(folded(table, MOST_BOXES)[0]) if canvas is None else canvas.dot


def stages_canvas(table: Table, options: Options) -> Canvas | None:
    """The drawing that fits the page best; None for branches that only Graphviz can lay out."""
    found = levels(table)
    canvas = unet_canvas(table, found, options) if found is not None else None
    if canvas is not None:
        return canvas
    for smaller, frames in _folds(table):
        where = places(smaller)
        if where is None:
            if 2 * len(smaller.rows) <= min(len(table.rows), MOST_BOXES):
                return None  # so few stages say less than a tangle
            continue
        for way, gap in WAYS:
            if way == "beside" and where.width > 1:
                continue
            canvas = _Stages(smaller, frames, where, options, way, gap).draw()
            if fits(canvas):
                return canvas
    return canvas


def _folds(table: Table) -> Iterator[tuple[Table, list[Frame]]]:
    """The table with fewer and fewer rows."""
    rows = len(table.rows) + 1
    for most in range(MOST_BOXES, 0, -1):
        if most < rows:
            smaller, frames = folded(table, most)
            if len(smaller.rows) == rows:
                return
            rows = len(smaller.rows)
            yield smaller, frames


class _Stages:
    """Draws one version of the picture."""

    def __init__(
        self, table: Table, frames: list[Frame], where: Places, options: Options, way: str, gap: float
    ) -> None:
        self.table = table
        self.frames = frames
        self.where = where
        self.options = options
        self.way = way
        self.gap = gap
        self.canvas = Canvas(table.net.name, pad=0.12)
        self.colors = colors_of(table)
        self.css = css_of(table)
        self.used: list[str] = []
        graph = table.net.graph
        self.names = {-1 - i: f"input {feed.lstrip('#')}" for i, feed in enumerate(graph.inputs)}
        self.names |= {place: row.name for place, row in enumerate(table.rows)}

    def draw(self) -> Canvas:
        """Draw everything."""
        table, canvas = self.table, self.canvas
        self.drawn: dict[int, list[Variant]] = {}
        for place, row in enumerate(table.rows):
            beside = self.way == "beside" and (self.css[place] != "other" or row.runs)
            self.drawn[place] = variants(row) if beside else []
        found: dict[int, list[Variant]] = {}
        for variant in (v for drawn in self.drawn.values() for v in drawn):
            found.setdefault(size(variant.boxes), []).append(variant)
        self.boxes = {count: widths(alike) for count, alike in found.items()}
        self._across()
        self._down()
        for number, frame in enumerate(self.frames):
            self._frame(number, frame)
        for place in range(len(table.rows)):
            x, y = self.centre(place)
            width = self.widths[self.where.columns[place]]
            draw_card(canvas, table, place, x, y, width, self.colors[place], self.css[place], self.options)
        for place, feed in enumerate(table.net.graph.inputs):
            x, y = self.centre(-1 - place)
            text = feed.lstrip("#")
            canvas.text(self.names[-1 - place], x - text_width(text, 9) / 2, y, Piece(text, 9))
        for edge in self.where.edges:
            self._edge(edge)
        for place in range(len(table.rows)):
            self._beside(place)
        self._outputs()
        if self.way == "shared":
            blocks = shared(table, MOST_BOXES - len(table.rows))
            top = self.y[1] - TALL / 2
            bottom = max(self.bottoms.values())
            self.used += draw_panel(canvas, table, blocks, self.colors, canvas.right + 30, top, bottom)
        self._legend()
        draw_title(canvas, table)
        return canvas

    # ------------------------------------------------------------ places

    def _across(self) -> None:
        """Width and middle of each column."""
        where, rows = self.where, self.table.rows
        self.widths: dict[int, float] = {}
        self.middles: dict[int, float] = {}
        x = 0.0
        for column in range(where.width):
            mine = [rows[p] for p in range(len(rows)) if where.columns[p] == column]
            self.widths[column] = width = card_width(mine) if mine else 60.0
            self.middles[column] = x + width / 2
            aside = [loops_width(row) for p, row in enumerate(rows) if row in mine and not self.drawn[p]]
            x += width + max([APART, *(a + 16 for a in aside if a)])

    def _down(self) -> None:
        """Middle of each level, and where its cards end."""
        where = self.where
        self.y = {0: 0.0}
        self.bottoms = {0: 8.0}
        spare = 0.0
        framed = {where.levels[f.first] for f in self.frames} | {
            where.levels[f.last] + 1 for f in self.frames
        }
        for level in range(1, max(where.levels.values()) + 1):
            mine = [p for p in range(len(self.table.rows)) if where.levels[p] == level]
            card = max(card_height(self.css[p]) for p in mine)
            room = max([card, *(sum(map(height, self.drawn[p])) for p in mine)])
            above = self.bottoms[level - 1] + self._gap(level) + (12 if level in framed else 0)
            self.y[level] = max(above + card / 2, spare + 4 + room / 2)
            self.bottoms[level] = self.y[level] + card / 2
            spare = self.y[level] + room / 2

    def _gap(self, level: int) -> float:
        """Room over a level, for all the shapes beside its arrows."""
        heads = [e for e in self.where.edges if e.head >= 0 and self.where.levels[e.head] == level]
        lines = max((len(self.lines(e.shapes)) for e in heads if e.route != "lane"), default=1)
        return self.gap + 9.0 * (lines - 1)

    def centre(self, place: int) -> tuple[float, float]:
        """Middle of a card or input."""
        return self.middles[self.where.columns[place]], self.y[self.where.levels[place]]

    def lines(self, shapes: Iterable[Shape | None]) -> list[str]:
        """Shapes as lines of text."""
        return shape_lines(self.table, self.options, shapes)

    def half(self, place: int) -> float:
        """Half its height."""
        return 8.0 if place < 0 else card_height(self.css[place]) / 2

    # ------------------------------------------------------------ edges

    def _edge(self, edge: Edge) -> None:
        (x0, y0), (x1, y1) = self.centre(edge.tail), self.centre(edge.head)
        tail, head = self.names[edge.tail], self.names[edge.head]
        # What runs in turn hands on one value each time.
        framed = any(f.first <= edge.tail and edge.head <= f.last for f in self.frames)
        lines = self.lines(tuple(dict.fromkeys(edge.shapes)) if framed else edge.shapes)
        label = f"shape from {tail} into {head}"
        about: dict[str, Any] = {"class_": "flow", "tooltip": f"{tail} to {head}: {', '.join(lines)}"}
        y0, y1 = y0 + self.half(edge.tail), y1 - self.half(edge.head)
        if edge.route == "lane":
            self._around(edge, lines, label)
        elif edge.route == "down":
            self.canvas.line(tail, head, (x0, y0), (x1, y1), **about)
            draw_lines(self.canvas, label, lines, x0 + 7, (y0 + y1) / 2 - 1)
        elif edge.route == "side" and edge.tail >= 0 and not loops_width(self.table.rows[edge.tail]):
            sides = [e for e in self.where.edges if e.route == "side" and e.tail == edge.tail]
            y = self.centre(edge.tail)[1] + (len(sides) - 1 - 2 * sides.index(edge)) * 6
            x0 += self.widths[self.where.columns[edge.tail]] / 2
            points = [(x0, y), *straight((x0, y), (x1 - RADIUS, y)), (x1, y), (x1, y), (x1, y + RADIUS)]
            points += straight((x1, y + RADIUS), (x1, y1 - TIP))
            self.canvas.path(tail, head, points, (x1, y1), **about)
            draw_lines(self.canvas, label, lines, x1 + 7, y1 - self.gap / 2 - 1)
        else:
            room = self._gap(self.where.levels[edge.head])
            a, b = (y1 - room, y1) if edge.route == "late" else (y0, y0 + room)
            bend = (b - a) * 0.55
            points = [(x0, y0)]
            if edge.route == "late" and a > y0:
                points += straight((x0, y0), (x0, a))
            points += [(x0, a + bend), (x1, b - bend), (x1, b if b < y1 else b - TIP)]
            if b < y1:
                points += straight((x1, b), (x1, y1 - TIP))
            self.canvas.path(tail, head, points, (x1, y1), **about)
            draw_lines(self.canvas, label, lines, x1 + 7, b - 8 if edge.route == "late" else (b + y1) / 2)

    def _around(self, edge: Edge, lines: list[str], label: str) -> None:
        """An edge past cards, at the left of all; its shapes stand over the line at its start."""
        wide = [text_width(t, 8) for e in self.where.edges if e.route == "lane" for t in self.lines(e.shapes)]
        out = -max([*wide, 20.0]) - 16 - LANE * edge.lane
        tail, head = self.names[edge.tail], self.names[edge.head]
        (x0, y0), (x1, y1) = self.centre(edge.tail), self.centre(edge.head)
        x0 -= text_width(tail.removeprefix("input "), 9) / 2 + 2 if edge.tail < 0 else self.widths[0] / 2
        x1 -= self.widths[0] / 2
        same = [e for e in self.where.edges if e.route == "lane" and e.head == edge.head]
        order = sorted(same, key=lambda e: e.lane)
        y1 += (order.index(edge) - (len(order) - 1) / 2) * min(9.0, 40 / len(order))
        low = any(e.route == "lane" and e.head == edge.tail for e in self.where.edges)
        y0 += 9 * low
        points = [(x0, y0), *straight((x0, y0), (out + RADIUS, y0)), (out, y0), (out, y0), (out, y0 + RADIUS)]
        points += [
            *straight((out, y0 + RADIUS), (out, y1 - RADIUS)),
            (out, y1),
            (out, y1),
            (out + RADIUS, y1),
        ]
        points += straight((out + RADIUS, y1), (x1 - TIP, y1))
        self.used.append("skip")
        look = shortcut_line("skip", INK)
        about = f"{tail} to {head}: {', '.join(lines)}"
        self.canvas.path(tail, head, points, (x1, y1), class_="skip", tooltip=about, **look)
        if not any(
            e.route == "lane" and e.tail == edge.tail and e.lane < edge.lane for e in self.where.edges
        ):
            side = 2 + 5 * len(lines)
            draw_lines(self.canvas, label, lines, min(x0, 0) - 6, y0 + (side if low else -side), 1.0)

    def _outputs(self) -> None:
        """What the net returns: under a card that ends a branch, else at its right."""
        inner = {e.tail for e in self.where.edges}
        for place, values in outputs(self.table).items():
            self._output(place, values, place in inner)

    def _output(self, place: int, values: list[tuple[str, Shape | None]], aside: bool) -> None:
        canvas = self.canvas
        x, y = self.centre(place)
        tail, head = self.names[place], joined_names([name for name, _ in values])
        name = "output" if head == "output" else f"output {head}"
        lines = self.lines(tuple(shape for _, shape in values))
        about: dict[str, Any] = {"class_": "flow", "tooltip": f"{tail} to {head}: {', '.join(lines)}"}
        label = f"shape of {name}"
        if not aside:
            y += self.half(place)
            end = y + self.gap + 9 * (len(lines) - 1)
            canvas.line(tail, name, (x, y), (x, end), **about)
            draw_lines(self.canvas, label, lines, x + 7, (y + end) / 2 - 1)
            canvas.text(name, x - text_width(head, 9) / 2, end + 6, Piece(head, 9))
            self.bottoms[place + 1000] = end + 12
            return
        if place >= 0:
            row = self.table.rows[place]
            x += self.widths[self.where.columns[place]] / 2
            if self.drawn[place] or loops_width(row):
                y += self.half(place) - 7
        framed = any(f.first <= place <= f.last for f in self.frames)
        start = x + 6 + (FRAME if framed else 0)
        wide = max([text_width(line, 8) for line in lines] + [24.0]) + 8 + start - x
        canvas.line(tail, name, (x, y), (x + wide, y), **about)
        draw_lines(self.canvas, label, lines, start, y - 2 - 5 * len(lines))
        canvas.text(name, x + wide + 4, y, Piece(head, 9))

    # ------------------------------------------------------------ what stands beside

    def _beside(self, place: int) -> None:
        """The blocks of a row, or only its shortcuts."""
        row, canvas = self.table.rows[place], self.canvas
        x, centre = self.centre(place)
        edge = x + self.widths[self.where.columns[place]] / 2
        drawn = self.drawn[place]
        if not drawn:
            self.used += draw_loops(canvas, row, edge, centre, 2 * self.half(place), self.colors[place])
            return
        inset = Inset(canvas, row.name, self.colors[place], self.css[place])
        inset.shared = self.boxes
        y = centre - sum(map(height, drawn)) / 2
        ends: list[tuple[float, float, str]] = []
        for number, variant in enumerate(drawn):
            label = f" kind {number + 1}" if len(drawn) > 1 else ""
            middle = y + height(variant) / 2
            ends.append((inset.draw(variant, edge + APART, middle, row.name, edge, label), middle, label))
            y += height(variant)
        right = max(end for end, *_ in ends) + 14
        for variant, (_, middle, label) in zip(drawn, ends, strict=True):
            inset.notes(variant, right, middle, label)
        self.used += inset.used

    def _frame(self, number: int, frame: Frame) -> None:
        """A frame around rows that run in turn."""
        inside = range(frame.first, frame.last + 1)
        columns = [self.where.columns[p] for p in inside]
        x0 = min(self.middles[c] - self.widths[c] / 2 for c in columns) - 9
        x1 = max(self.middles[c] + self.widths[c] / 2 for c in columns) + FRAME
        y0 = self.y[self.where.levels[frame.first]] - self.half(frame.first) - 8
        y1 = self.bottoms[self.where.levels[frame.last]] + 8
        self.canvas.frame(f"frame {number + 1}", x0, y0, x1, y1, NEUTRAL.line)
        piece = Piece(f"× {frame.times} in turn", 9, INK, True)
        self.canvas.text(f"frame {number + 1}: times", x1 - piece.width - 4, y0 - 7, piece)

    def _legend(self) -> None:
        kinds = [k for k in ORDER if k in self.used]
        canvas = self.canvas
        last = max(self.y.values())
        y = max(max(self.bottoms.values()) - 6, last)
        x = self.widths[0] + APART
        if self.where.width > 1 or x + legend_width(kinds) > max(canvas.right, 1.0):
            x, y = canvas.left, canvas.bottom + 14
        draw_legend(canvas, kinds, x, y)
