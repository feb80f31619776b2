"""Colours. Text has a contrast of at least 4.5 in both themes; hue never carries meaning alone."""

from __future__ import annotations

from typing import NamedTuple


class Colors(NamedTuple):
    """Of a box: its fill and its line, which also colours its title."""

    fill: str
    line: str


STAGES = (
    Colors("#E9E1F5", "#654A94"),
    Colors("#DDF0DC", "#2F6B2E"),
    Colors("#FBE3D3", "#934812"),
    Colors("#D9E8F6", "#25598B"),
    Colors("#FCE1EA", "#8F3C5A"),
)
NEUTRAL = Colors("#F3F4F6", "#4F5865")
WRONG = Colors("#FDE8E8", "#B42318")
INK = "#374151"
GREY = "#6B7280"
BLACK = "#111827"
PAPER = "#FFFFFF"

CATEGORIES = {
    "conv": STAGES[3],
    "linear": STAGES[0],
    "norm": NEUTRAL,
    "activation": Colors(PAPER, NEUTRAL.line),
    "pool": STAGES[2],
    "merge": Colors(PAPER, NEUTRAL.line),
    "shape": NEUTRAL,
    "regularisation": NEUTRAL,
}

DARK = {
    "#E9E1F5": "#2D2440",
    "#654A94": "#B9A3E3",
    "#DDF0DC": "#1D3320",
    "#2F6B2E": "#86C98A",
    "#FBE3D3": "#40281A",
    "#934812": "#EFA06B",
    "#D9E8F6": "#1B3046",
    "#25598B": "#83B7EA",
    "#FCE1EA": "#40202D",
    "#8F3C5A": "#E79AB4",
    "#F3F4F6": "#262B33",
    "#4F5865": "#A6AEBA",
    INK: "#C9D1D9",
    GREY: "#9AA4B0",
    BLACK: "#E6EDF3",
    PAPER: "#0D1117",
}
"""The dark colour for each light one."""
DARK_WRONG = {WRONG.fill: "#451A1A", WRONG.line: "#F5A097"}
"""The same for mistakes, which few pictures have."""

LINES = {
    "identity": "solid",
    "projection": "dotted",
    "zero_pad": "dashed",
    "body": "dotted",
    "concat": "solid",
    "skip": "solid",
}
"""Line style of each kind of shortcut, and of a skip between stages, which is wide."""

WORDS = {
    "identity": "identity",
    "projection": "projection",
    "zero_pad": "zero-pad",
    "body": "custom",
    "concat": "concatenation",
    "skip": "skip connection",
}
"""Each kind of shortcut in words."""


def darkened(text: str) -> str:
    """DOT text with every light colour replaced by its dark one."""
    for light, dark in (DARK | DARK_WRONG).items():
        text = text.replace(light, dark)
    return text


def stage_colors(index: int) -> Colors:
    """Colours of the stage with this number, from 0."""
    return STAGES[index % len(STAGES)]
