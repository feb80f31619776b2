"""Nets that go down and up again: the encoder at the left, the decoder at the right, skips between them."""

from __future__ import annotations

from itertools import product
from typing import Any

from resdsl.render.drawing.arial import text_width
from resdsl.render.drawing.canvas import TIP, Canvas, Piece
from resdsl.render.drawing.paper import MOST_BOXES, fits
from resdsl.render.outline.rows import Table
from resdsl.render.pictures.cards import (
    ORDER,
    card_height,
    card_width,
    colors_of,
    css_of,
    draw_card,
    draw_legend,
    draw_loops,
    draw_title,
    loops_width,
)
from resdsl.render.pictures.inset import shortcut_line
from resdsl.render.pictures.labels import draw_lines, joined_names, outputs, shape_lines
from resdsl.render.pictures.levels import Levels
from resdsl.render.pictures.options import Options
from resdsl.render.pictures.panel import draw_panel, shared
from resdsl.render.pictures.places import Edge

GAPS = (30.0, 22.0)
"""Room between cards; the first that fits the page is taken."""
APART = 52.0
"""Room beside the text on a skip."""


def unet_canvas(table: Table, found: Levels, options: Options) -> Canvas | None:
    """The drawing, with its blocks beside where the page has room; None when it has too many boxes."""
    smallest = _Unet(table, found, options, GAPS[-1]).draw(False)
    for panel, gap in product((True, False), GAPS):
        canvas = _Unet(table, found, options, gap).draw(panel)
        if fits(canvas):
            return canvas
    # Without room on the page it is still easier to read than one column.
    return smallest if smallest.boxes <= MOST_BOXES else None


class _Unet:
    def __init__(self, table: Table, found: Levels, options: Options, gap: float) -> None:
        self.table = table
        self.found = found
        self.options = options
        self.gap = gap
        self.canvas = Canvas(table.net.name, pad=0.12)
        self.colors = colors_of(table)
        self.css = css_of(table)
        self.used: list[str] = []
        self.x: dict[int, float] = {}
        self.y: dict[int, float] = {}
        self.width = card_width(table.rows)

    def draw(self, panel: bool) -> Canvas:
        """Draw everything."""
        table, canvas, found = self.table, self.canvas, self.found
        self._place()
        for place, row in enumerate(table.rows):
            colors, css = self.colors[place], self.css[place]
            draw_card(
                canvas, table, place, self.x[place], self.y[place], self.width, colors, css, self.options
            )
            side = -1 if self.x[place] == self.x[0] else 1
            low = 7 if place == found.bottom[-1] else 0
            room = 2 * (self.half(place) - low)
            x = self.x[place] + side * self.width / 2
            self.used += draw_loops(canvas, row, x, self.y[place] + low, room, colors, side)
        self._ends()
        for place in range(1, len(table.rows)):
            self._trunk(place - 1, place)
        for edge in found.skips:
            self._skip(edge)
        if panel:
            blocks = shared(table, MOST_BOXES - len(table.rows))
            top = self.y[0] - self.half(0)
            self.used += draw_panel(canvas, table, blocks, self.colors, canvas.right + 24, top, canvas.bottom)
        kinds = [k for k in ORDER if k in self.used]
        if kinds:
            draw_legend(canvas, kinds, canvas.left, canvas.bottom + 12)
        draw_title(canvas, table)
        return canvas

    def half(self, place: int) -> float:
        """Half the height of a card."""
        return card_height(self.css[place]) / 2

    def _place(self) -> None:
        """Middle of each card."""
        found = self.found
        wide = [text_width(line, 8) for e in found.skips for line in self.lines(e)]
        distance = self.width + max([*wide, 30.0]) + APART
        y = 8.0
        for left, right in zip([*found.down, found.bottom[:-1]], [*found.up, []], strict=True):
            if not left:
                continue
            high = max(sum(2 * self.half(p) + self.gap for p in side) for side in (left, right))
            y += high
            for column, side in ((0.0, left[::-1]), (distance, right)):
                bottom = y
                for place in side:
                    self.x[place], self.y[place] = column, bottom - self.half(place)
                    bottom -= 2 * self.half(place) + self.gap
        last = found.bottom[-1]
        self.x[last], self.y[last] = distance / 2, y + self.gap + self.half(last)

    def lines(self, edge: Edge) -> list[str]:
        """Shapes of an edge as lines of text."""
        return shape_lines(self.table, self.options, edge.shapes)

    def _ends(self) -> None:
        """What goes in over the first card, and what comes out over the last."""
        canvas, table = self.canvas, self.table
        feed = table.net.graph.inputs[0].lstrip("#")
        edge = self.found.edges[-1, 0]
        x, y = self.x[0], self.y[0] - self.half(0)
        canvas.text(f"input {feed}", x - text_width(feed, 9) / 2, y - self.gap - 6, Piece(feed, 9))
        first = table.rows[0].name
        canvas.line(
            f"input {feed}", first, (x, y - self.gap), (x, y), class_="flow", tooltip=f"{feed} to {first}"
        )
        draw_lines(canvas, f"shape into {first}", self.lines(edge), x + 7, y - self.gap / 2 - 1)
        last = len(table.rows) - 1
        values = outputs(table)[last]
        text = joined_names([name for name, _ in values])
        name = text if text == "output" else f"output {text}"
        x, y = self.x[last], self.y[last] - self.half(last)
        canvas.text(name, x - text_width(text, 9) / 2, y - self.gap - 6, Piece(text, 9))
        canvas.line(
            table.rows[last].name, name, (x, y), (x, y - self.gap), class_="flow", tooltip=f"to {text}"
        )
        lines = shape_lines(table, self.options, [shape for _, shape in values])
        draw_lines(canvas, f"shape of {text}", lines, x + 7, y - self.gap / 2 - 1)

    def _trunk(self, tail: int, head: int) -> None:
        """From a card to the next: down, around the bottom, or up."""
        canvas, names = self.canvas, [row.name for row in self.table.rows]
        edge = self.found.edges[tail, head]
        lines = self.lines(edge)
        about: dict[str, Any] = {
            "class_": "flow",
            "tooltip": f"{names[tail]} to {names[head]}: {', '.join(lines)}",
        }
        label = f"shape from {names[tail]} into {names[head]}"
        (x0, y0), (x1, y1) = (self.x[tail], self.y[tail]), (self.x[head], self.y[head])
        bottom = self.found.bottom[-1]
        if x0 == x1:
            down = 1 if y1 > y0 else -1
            start, end = y0 + down * self.half(tail), y1 - down * self.half(head)
            canvas.line(names[tail], names[head], (x0, start), (x1, end), **about)
            draw_lines(canvas, label, lines, x0 + 7, (start + end) / 2 - 1)
            return
        high = 12 if loops_width(self.table.rows[bottom]) else 0
        if head == bottom:
            start, y1 = y0 + self.half(tail), y1 - high
            end = x1 - self.width / 2
            points = [(x0, start), (x0, y1 - 4), (x0 + (end - x0) * 0.3, y1), (end - TIP, y1)]
            canvas.path(names[tail], names[head], points, (end, y1), **about)
            draw_lines(canvas, label, lines, x0 + 9, start + 9)
        else:
            out, y0, end = x0 + self.width / 2, y0 - high, y1 + self.half(head)
            points = [(out, y0), (x1 - (x1 - out) * 0.3, y0), (x1, y0 - 4), (x1, end + TIP)]
            canvas.path(names[tail], names[head], points, (x1, end), **about)
            draw_lines(canvas, label, lines, x1 + 7, end + 12)

    def _skip(self, edge: Edge) -> None:
        """A skip from the encoder to the decoder, its shape on top."""
        tail, head = self.table.rows[edge.tail].name, self.table.rows[edge.head].name
        lines, y = self.lines(edge), self.y[edge.tail]
        x0, x1 = self.x[edge.tail] + self.width / 2, self.x[edge.head] - self.width / 2
        self.used.append("skip")
        look = shortcut_line("skip", self.colors[edge.tail].line)
        about = f"skip from {tail} to {head}: {', '.join(lines)}"
        self.canvas.line(tail, head, (x0, y), (x1, y), class_="skip", tooltip=about, **look)
        label = f"shape of the skip from {tail} to {head}"
        draw_lines(self.canvas, label, lines, (x0 + x1) / 2, y - 3 - 5 * len(lines), 0.5)
