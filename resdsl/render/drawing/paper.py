"""Whether a picture can be printed: on one A4 page, with text that can be read."""

from __future__ import annotations

from resdsl.render.drawing.canvas import Canvas

MM = 72 / 25.4
SIDES = (190 * MM, 277 * MM)
"""A4 less margins of 10 mm, in points."""
MOST_BOXES = 25
READABLE = 7.0
SMALLEST = 8.0
"""Text of the views that must fit is at least so large, in points, before the picture is reduced."""


def scale(width: float, height: float) -> float:
    """What a picture is reduced to on the page, upright or on its side; 1 when it need not be."""
    short, long = SIDES
    return min(1.0, max(min(short / width, long / height), min(long / width, short / height)))


def prints(canvas: Canvas) -> bool:
    """Whether the text of a picture has 7 points on the page."""
    return SMALLEST * scale(canvas.width, canvas.height) >= READABLE


def fits(canvas: Canvas) -> bool:
    """Whether a picture has few boxes, and text of 7 points on the page."""
    return canvas.boxes <= MOST_BOXES and prints(canvas)
