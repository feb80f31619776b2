"""A net from left to right in one line, for a README or a slide: a stack of cards for what repeats."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

from resdsl.render.drawing.arial import fitted, text_width
from resdsl.render.drawing.canvas import SLACK, TIP, Canvas, Piece, straight
from resdsl.render.drawing.dot import Dot, Html, font
from resdsl.render.drawing.palette import GREY, INK, NEUTRAL, WORDS, Colors
from resdsl.render.numbers import shape_text, short
from resdsl.render.outline.folding import Frame, folded
from resdsl.render.outline.rows import Row, Table
from resdsl.render.pictures.cards import (
    ORDER,
    colors_of,
    counts,
    css_of,
    draw_legend,
    draw_title,
    legend_width,
)
from resdsl.render.pictures.flowchart import branching_picture
from resdsl.render.pictures.inset import shortcut_line
from resdsl.render.pictures.labels import draw_lines, joined_names, outputs
from resdsl.render.pictures.options import Options
from resdsl.render.pictures.places import Edge, Places, places
from resdsl.sizes import Shape

MOST = 12
"""Cards in a line; more stages are folded."""
HEIGHT, LINE = 40.0, 10.0
"""Of a card with one line of text, and what each further line adds."""
MOST_LINES = 4
NARROWEST, WIDEST, LONGEST = 56.0, 116.0, 232.0
"""Of a card; wider than `WIDEST` only for a name or an op that is, and cut beyond `LONGEST`."""
STACK = 2.5
"""How far the cards of a stack stand out, each over the next."""
LOOP = 11.0
GAP = 44.0
"""Between branches side by side."""
CURVE = 22.0
"""Length of a curve from one branch to another."""


def strip_picture(table: Table, options: Options) -> Dot:
    """The picture of any net; branches that cross are laid out by Graphviz."""
    table, frames = folded(table, MOST)
    where = places(table)
    if where is None:
        return branching_picture(table, across=True)
    return _Strip(table, frames, where, options).draw().dot


class _Strip:
    def __init__(self, table: Table, frames: list[Frame], where: Places, options: Options) -> None:
        self.table = table
        self.frames = frames
        self.where = where
        self.options = options
        self.canvas = Canvas(table.net.name, pad=0.08)
        self.colors = colors_of(table)
        self.css = css_of(table)
        self.used: list[str] = []
        self.feeds = [feed.lstrip("#") for feed in table.net.graph.inputs]
        self.texts = [_lines(row) for row in table.rows]
        self.height = HEIGHT + LINE * (max(map(len, self.texts), default=1) - 1)
        self.widths = {place: self._width(row, self.texts[place]) for place, row in enumerate(table.rows)}
        self.widths |= {-1 - place: text_width(feed, 9) + 4 for place, feed in enumerate(self.feeds)}

    def draw(self) -> Canvas:
        """Draw everything."""
        canvas, table, where = self.canvas, self.table, self.where
        self._place()
        for number, frame in enumerate(self.frames):
            self._frame(number, frame)
        for place, feed in enumerate(self.feeds):
            x, y = self.at(-1 - place)
            canvas.text(f"input {feed}", x - text_width(feed, 9) / 2, y, Piece(feed, 9))
        for place, row in enumerate(table.rows):
            self._card(place, row, self.colors[place], self.css[place])
        for edge in where.edges:
            self._edge(edge)
        inner = {edge.tail for edge in where.edges}
        for place, values in outputs(table).items():
            self._output(place, values, place in inner)
        self._legend()
        if table.title != table.net.name:
            draw_title(canvas, table)
        return canvas

    # ------------------------------------------------------------ places

    def _place(self) -> None:
        """Middle of each level along the line."""
        where = self.where
        self.x: dict[int, float] = {}
        right = 0.0
        levels = sorted(where.levels, key=lambda p: where.levels[p])
        for level, group in groupby(levels, key=lambda p: where.levels[p]):
            mine = list(group)
            into = [e for e in where.edges if where.levels[e.head] == level and e.route != "lane"]
            room = max((self._room([self.lines(e.shapes)]) for e in into), default=0.0)
            room += CURVE * any(where.columns[e.tail] != where.columns[e.head] for e in into)
            half = max(self.widths[p] for p in mine) / 2
            self.x[level] = right + room + half
            right = self.x[level] + half + (2 * STACK if any(self._many(p) for p in mine) else 0)

    def _room(self, shapes: list[list[str]]) -> float:
        """Length of an arrow with some shapes over it."""
        return max([text_width(line, 8) for lines in shapes for line in lines] + [14.0]) + 11

    def at(self, place: int) -> tuple[float, float]:
        """Middle of a card or input."""
        return self.x[self.where.levels[place]], self.where.columns[place] * (self.height + GAP)

    def lines(self, shapes: tuple[Shape | None, ...]) -> list[str]:
        """Shapes in few letters, the first and the number of the others when there are several."""
        if not self.options.shows("shapes"):
            return []
        made = list(dict.fromkeys(powers(shape, self.table.at) for shape in shapes))
        return made if len(made) < 3 else [made[0], f"and {len(made) - 1} more"]

    def _many(self, place: int) -> bool:
        return place >= 0 and self.table.rows[place].repeat > 1

    def _width(self, row: Row, lines: list[str]) -> float:
        wanted = max(text_width(row.name, 10, True), *(text_width(line, 8) for line in lines)) * SLACK + 8
        return min(max(wanted, NARROWEST), LONGEST)

    # ------------------------------------------------------------ cards

    def _card(self, place: int, row: Row, colors: Colors, css: str) -> None:
        canvas, (x, y), width = self.canvas, self.at(place), self.widths[place]
        look = {"fillcolor": colors.fill, "color": colors.line, "class_": css}
        many = self._many(place)
        for number in (2, 1) if many else ():
            dx = STACK * number
            canvas.sheet(f"{row.name}, copy {number}", x + dx, y - dx, width, self.height, **look)
        name = font(fitted(row.name, 10, (LONGEST - 8) / SLACK, True), 10, colors.line, bold=True)
        lines = (fitted(line, 8, (LONGEST - 8) / SLACK) for line in self.texts[place])
        text = "<br/>".join(font(line, 8, INK) for line in lines)
        label = f'<table border="0" cellspacing="0" cellpadding="1"><tr><td>{name}</td></tr><tr><td>{text}</td></tr>'
        canvas.box(
            row.name,
            x,
            y,
            width,
            self.height,
            Html(f"{label}</table>"),
            tooltip=f"{row.name}: {row.text}",
            **look,
        )
        pieces = [Piece(f"×{row.repeat:,}  ", 8, colors.line, True)] if many else []
        said = []
        if self.options.shows("params") and row.cost.params:
            said.append(short(row.cost.params))
        if self.options.shows("macs") and self.table.at is not None and row.cost.macs:
            said.append(short(row.cost.macs))
        if said or pieces:
            pieces.append(Piece(" · ".join(said), 8, INK))
            whole = sum(p.width for p in pieces)
            canvas.text(f"{row.name}: counts", x - whole / 2, y + self.height / 2 + 9, *pieces)
        top = y - self.height / 2 - (2 * STACK if many else 0)
        found = counts(row)
        for number, (kind, count) in enumerate(found):
            self.used.append(kind)
            out = width * (0.24 + 0.11 * number) if len(found) > 1 else width * 0.28
            self._loop(row, kind, count, x + (2 * STACK if many else 0), top, out, LOOP + 5 * number, colors)

    def _loop(
        self, row: Row, kind: str, count: int, x: float, y: float, out: float, rise: float, colors: Colors
    ) -> None:
        """A shortcut over a card."""
        x0, x1, high, bend = x - out, x + out, y - rise, 6.0
        points = [(x0, y), (x0, high), (x0, high), (x0 + bend, high)]
        points += straight((x0 + bend, high), (x1 - bend, high))
        points += [(x1, high), (x1, high), (x1, y - TIP)]
        about = f"{row.name}: {count:,} {WORDS[kind]}"
        line = shortcut_line(kind, colors.line)
        self.canvas.path(
            row.name, row.name, points, (x1, y), class_=f"shortcut {kind}", tooltip=about, **line
        )

    def _frame(self, number: int, frame: Frame) -> None:
        inside = range(frame.first, frame.last + 1)
        x0 = min(self.at(p)[0] - self.widths[p] / 2 for p in inside) - 8
        x1 = max(self.at(p)[0] + self.widths[p] / 2 for p in inside) + 12
        ys = [self.at(p)[1] for p in inside]
        y0, y1 = min(ys) - self.height / 2 - 26, max(ys) + self.height / 2 + 18
        self.canvas.frame(f"frame {number + 1}", x0, y0, x1, y1, NEUTRAL.line)
        text = Piece(f"× {frame.times} in turn", 9, INK, True)
        self.canvas.text(f"frame {number + 1}: times", (x0 + x1 - text.width) / 2, y0 - 8, text)

    # ------------------------------------------------------------ lines

    def _edge(self, edge: Edge) -> None:
        canvas = self.canvas
        (x0, y0), (x1, y1) = self.at(edge.tail), self.at(edge.head)
        tail = self.table.rows[edge.tail].name if edge.tail >= 0 else f"input {self.feeds[-1 - edge.tail]}"
        head = self.table.rows[edge.head].name
        lines = self.lines(edge.shapes)
        about: dict[str, Any] = {"tooltip": f"{tail} to {head}: {', '.join(lines)}"}
        label = f"shape from {tail} into {head}"
        if edge.route == "lane":
            low = self.height / 2 + (18 if edge.tail >= 0 else -10)
            deep = self.deepest() + 16 + 15 * edge.lane
            end = y1 + self.height / 2 + 18
            points = [
                (x0, y0 + low),
                *straight((x0, y0 + low), (x0, deep - 8)),
                (x0, deep),
                (x0, deep),
                (x0 + 8, deep),
            ]
            x1 += (edge.lane - 1) * 6 - 8 * any(place == edge.head for place in outputs(self.table))
            points += [*straight((x0 + 8, deep), (x1 - 8, deep)), (x1, deep), (x1, deep), (x1, deep - 8)]
            points += straight((x1, deep - 8), (x1, end + TIP))
            self.used.append("skip")
            about |= shortcut_line("skip", INK)
            canvas.path(tail, head, points, (x1, end), class_="skip", **about)
            draw_lines(canvas, label, lines[:1], (x0 + x1) / 2, deep - 6, 0.5)
            return
        x0 += self.widths[edge.tail] / 2 + (2 * STACK if self._many(edge.tail) else 0)
        x1 -= self.widths[edge.head] / 2
        if y0 == y1:
            canvas.line(tail, head, (x0, y0), (x1, y1), class_="flow", **about)
            draw_lines(canvas, label, lines, (x0 + x1) / 2, y0 - 2 - 5 * len(lines), 0.5)
            return
        # The shape stands over the straight end.
        end = x1 - max((text_width(line, 8) for line in lines), default=0.0) - 14
        a = end - CURVE if edge.route == "late" and end - CURVE > x0 else x0
        b = min(a + CURVE, end)
        points = [(x0, y0)]
        if a > x0:
            points += straight((x0, y0), (a, y0))
        points += [((a + b) / 2, y0), ((a + b) / 2, y1), (b if b < x1 else b - TIP, y1)]
        if b < x1:
            points += straight((b, y1), (x1 - TIP, y1))
        canvas.path(tail, head, points, (x1, y1), class_="flow", **about)
        draw_lines(canvas, label, lines, x1 - 8, y1 - 2 - 5 * len(lines), 1.0)

    def deepest(self) -> float:
        """The lower end of the cards and their counts."""
        return max(self.where.columns.values()) * (self.height + GAP) + self.height / 2 + 18

    def _output(self, place: int, values: list[tuple[str, Shape | None]], aside: bool) -> None:
        canvas, (x, y) = self.canvas, self.at(place)
        tail = self.table.rows[place].name if place >= 0 else f"input {self.feeds[-1 - place]}"
        text = joined_names([name for name, _ in values])
        name = text if text == "output" else f"output {text}"
        lines = self.lines(tuple(shape for _, shape in values))
        about: dict[str, Any] = {"class_": "flow", "tooltip": f"{tail} to {text}: {', '.join(lines)}"}
        label = f"shape of {name}"
        if aside:
            y += self.height / 2 + 16
            left = x - text_width(text, 9) / 2
            lanes = [edge.lane for edge in self.where.edges if edge.route == "lane" and edge.head == place]
            if lanes:  # they end to the left of it
                x += 6 * max(lanes) - 4
                left = x - 4
            canvas.line(tail, name, (x, y), (x, y + 22), **about)
            canvas.text(name, left, y + 29, Piece(text, 9))
            draw_lines(canvas, label, lines, x + 6, y + 9)
            return
        x += self.widths[place] / 2 + (2 * STACK if self._many(place) else 0)
        end = x + self._room([lines])
        canvas.line(tail, name, (x, y), (end, y), **about)
        draw_lines(canvas, label, lines, (x + end) / 2, y - 2 - 5 * len(lines), 0.5)
        canvas.text(name, end + 4, y, Piece(text, 9))

    def _legend(self) -> None:
        kinds = [kind for kind in ORDER if kind in self.used]
        canvas = self.canvas
        words = [word for word in ("params", "MACs") if self.options.shows(word.lower())]
        if self.table.at is None:
            words = words[:1]
        many = any(self._many(place) for place in range(len(self.table.rows)))
        text = Piece("×blocks  " * many + " · ".join(words), 8, GREY)
        y = canvas.bottom + 12
        x = max(canvas.left, (canvas.left + canvas.right - legend_width(kinds) - text.width) / 2)
        draw_legend(canvas, kinds, x, y)
        if words:
            canvas.text("legend counts", x + legend_width(kinds), y, text)


def _lines(row: Row) -> list[str]:
    """What a card says: the blocks that repeat, or all it does, in few lines."""
    parts = row.text.split(" · ")
    if row.repeat > 1:
        blocks = {run.graph.name for run in row.runs}
        called = [p.partition(", /")[0] for p in parts if re.split(r"[(,]", p)[0] in blocks]
        parts = list(dict.fromkeys(called)) or parts
    lines: list[list[str]] = []
    for part in parts:
        if lines and text_width(" · ".join([*lines[-1], part]), 8) <= (WIDEST - 8) / SLACK:
            lines[-1].append(part)
        else:
            lines.append([part])
    if len(lines) > MOST_LINES:
        lines[MOST_LINES - 1 :] = [[f"+{sum(map(len, lines[MOST_LINES - 1 :]))} more"]]
    return [" · ".join(line) for line in lines]


def powers(shape: Shape | None, at: dict[str, int] | None) -> str:
    """A shape in few letters: `64×56²`."""
    text = shape_text(shape, at)
    parts = text.split("×")
    if len(parts) > 2 and len(set(parts[1:])) == 1 and " " not in text:
        return f"{parts[0]}×{parts[1]}{'²' if len(parts) == 3 else '³'}" if len(parts) < 5 else text
    return text
