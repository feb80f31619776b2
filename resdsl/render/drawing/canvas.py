"""A drawing with fixed places: boxes, texts and lines as DOT with `pos`, for `neato -n2`.

Lengths are points, x to the right and y down; DOT's y goes up.
"""

from __future__ import annotations

from typing import NamedTuple

from resdsl.render.drawing.arial import text_width
from resdsl.render.drawing.dot import Attr, Dot, Html, font, number
from resdsl.render.drawing.palette import BLACK, INK, PAPER

TIP = 4.5
"""Length of an arrow head."""
SLACK = 1.14
"""Room for text where `dot` finds no font as wide as Arial, and measures that of DejaVu Sans."""
RADIUS = 6.0
"""Of the circle of a sum."""


class Piece(NamedTuple):
    """Some text in one font."""

    text: str
    size: float
    color: str = BLACK
    bold: bool = False

    @property
    def width(self) -> float:
        """Width in points."""
        return text_width(self.text, self.size, self.bold)


class Canvas:
    """Collects boxes and lines, and knows how far they reach and how many boxes there are."""

    def __init__(self, name: str, pad: float = 0.2) -> None:
        self.dot = Dot(name, "neato", pad=pad)
        self.pad = pad * 72
        self.left = self.right = self.top = self.bottom = 0.0
        self.boxes = 0

    @property
    def width(self) -> float:
        """Width of the whole picture in points."""
        return self.right - self.left + 2 * self.pad

    @property
    def height(self) -> float:
        """Height of the whole picture in points."""
        return self.bottom - self.top + 2 * self.pad

    def _reach(self, x: float, y: float) -> None:
        self.left, self.right = min(self.left, x), max(self.right, x)
        self.top, self.bottom = min(self.top, y), max(self.bottom, y)

    def box(
        self, name: str, x: float, y: float, width: float, height: float, label: Attr, **attrs: Attr
    ) -> None:
        """A box by its centre."""
        self.boxes += 1
        self._place(name, x, y, width, height, label, **attrs)

    def _place(
        self, name: str, x: float, y: float, width: float, height: float, label: Attr, **attrs: Attr
    ) -> None:
        self._reach(x - width / 2, y - height / 2)
        self._reach(x + width / 2, y + height / 2)
        self.dot.node(
            name,
            pos=place(x, y),
            width=width / 72,
            height=height / 72,
            fixedsize="true",
            margin=0,
            label=label,
            **attrs,
        )

    def text(self, name: str, x: float, y: float, *pieces: Piece) -> float:
        """A line of text that begins at x; its width."""
        width = sum(p.width for p in pieces) + 2
        room = width * SLACK
        inside = "".join(font(p.text, p.size, p.color, p.bold) for p in pieces)
        label = Html(
            f'<table border="0" cellspacing="0" cellpadding="0" width="{number(room)}">'
            f'<tr><td align="left">{inside}</td></tr></table>'
        )
        height = max(p.size for p in pieces) * 1.3
        self._place(name, x + room / 2, y, room, height, label, shape="none", style="")
        return width

    def frame(self, name: str, x0: float, y0: float, x1: float, y1: float, color: str) -> None:
        """A dashed frame around what is drawn after it."""
        middle, size = ((x0 + x1) / 2, (y0 + y1) / 2), (x1 - x0, y1 - y0)
        self._place(name, *middle, *size, "", style="rounded,dashed", color=color, class_="frame")

    def sheet(self, name: str, x: float, y: float, width: float, height: float, **attrs: Attr) -> None:
        """An empty box behind another one, as of a stack."""
        self._place(name, x, y, width, height, "", **attrs)

    def point(self, name: str, x: float, y: float, color: str) -> None:
        """A dot where a line branches."""
        self.dot.node(
            name,
            pos=place(x, y),
            shape="circle",
            width=4 / 72,
            height=4 / 72,
            fixedsize="true",
            label="",
            style="filled",
            fillcolor=color,
            color=color,
        )

    def joint(self, name: str, x: float, y: float, sign: str, color: str) -> None:
        """The circle where a shortcut joins."""
        self.dot.node(
            name,
            pos=place(x, y),
            shape="circle",
            width=RADIUS / 36,
            height=RADIUS / 36,
            fixedsize="true",
            margin=0,
            label=sign,
            style="filled",
            fillcolor=PAPER,
            color=color,
            fontsize=9,
        )

    def line(
        self,
        tail: str,
        head: str,
        start: tuple[float, float],
        end: tuple[float, float],
        arrow: bool = True,
        **attrs: Attr,
    ) -> None:
        """A straight line."""
        (x0, y0), (x1, y1) = start, end
        length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 0.01)
        cut = TIP / length if arrow else 0
        stop = (x1 - (x1 - x0) * cut, y1 - (y1 - y0) * cut)
        self.path(tail, head, [start, *straight(start, stop)], end if arrow else None, **attrs)

    def path(
        self,
        tail: str,
        head: str,
        points: list[tuple[float, float]],
        tip: tuple[float, float] | None,
        **attrs: Attr,
    ) -> None:
        """A spline through control points, with an arrow head that ends at `tip`."""
        for x, y in points:
            self._reach(x, y)
        pos = " ".join(place(x, y) for x, y in points)
        if tip is not None:
            pos = f"e,{place(*tip)} {pos}"
        more: dict[str, Attr] = {} if tip is not None else {"arrowhead": "none"}
        self.dot.edge(tail, head, pos=pos, **(more | attrs))


def place(x: float, y: float) -> str:
    """A point for DOT."""
    return f"{number(float(round(x, 2)) + 0.0)},{number(float(round(-y, 2)) + 0.0)}"


def straight(start: tuple[float, float], end: tuple[float, float]) -> list[tuple[float, float]]:
    """Control points of a straight line, without its start."""
    (x0, y0), (x1, y1) = start, end
    return [
        (x0 + (x1 - x0) / 3, y0 + (y1 - y0) / 3),
        (x0 + (x1 - x0) * 2 / 3, y0 + (y1 - y0) * 2 / 3),
        end,
    ]


def arc(x0: float, x1: float, y: float, rise: float) -> tuple[list[tuple[float, float]], tuple[float, float]]:
    """A bracket from (x0, y) to a joint at (x1, y), over boxes between: points and tip. `rise` < 0 is up."""
    side = 1 if rise > 0 else -1
    start, top, tip = (x0, y + 2 * side), y + rise, (x1, y + RADIUS * side)
    bend = min(12.0, (x1 - x0) / 3)
    stop = (x1, tip[1] + TIP * side)
    points = [start, (x0, top), (x0, top), (x0 + bend, top)]
    points += straight((x0 + bend, top), (x1 - bend, top))
    points += [(x1, top), (x1, top), stop]
    return points, tip


def cell(text: str, size: float, width: float, align: str, color: str = INK, bold: bool = False) -> str:
    """A cell of an HTML table."""
    return (
        f'<td width="{number(width)}" align="{align}">{font(text, size, color, bold)}</td>'
        if text
        else f'<td width="{number(width)}"></td>'
    )
