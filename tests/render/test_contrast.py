"""Contrast by WCAG 2: of every text with what is behind it, and of every line, in both themes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

import resdsl
from resdsl.diff.compare import compare
from resdsl.diff.picture import picture
from resdsl.pipeline import check
from resdsl.render.drawing.palette import (
    BLACK,
    CATEGORIES,
    DARK,
    GREY,
    INK,
    NEUTRAL,
    PAPER,
    STAGES,
    WRONG,
    Colors,
    darkened,
)
from resdsl.render.pictures.broken import draw_broken
from resdsl.render.pictures.changes import LOOKS
from resdsl.render.pictures.draw import draw
from resdsl.source import Source
from tests.render.looks import SVG, renders
from tests.render.nets import net, sizes

TEXT, LINE = 4.5, 3.0
UI = Path(__file__).parent.parent / "ui"


def _luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    "colors", [*STAGES, NEUTRAL, WRONG, *CATEGORIES.values(), *(look.colors for look in LOOKS.values())]
)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_palette(colors: Colors, theme: str) -> None:
    fill, line, ink, black, grey, paper = (
        darkened(c) if theme == "dark" else c for c in (*colors, INK, BLACK, GREY, PAPER)
    )
    pairs = ((ink, fill), (black, fill), (line, fill), (line, paper), (ink, paper), (grey, paper))
    for text, behind in pairs:
        assert contrast(text, behind) >= TEXT, (text, behind)


def _color(name: str | None) -> str | None:
    return {None: None, "none": None, "transparent": None, "white": PAPER, "black": "#000000"}.get(
        name, (name or "").upper()
    )


def _seen(svg: bytes, paper: str) -> Iterator[tuple[str, str, str, float]]:
    """What is seen: a text or line, its colour, the colour behind it, and the contrast it needs."""
    filled: list[tuple[float, float, float, float, str]] = []

    def behind(x: float, y: float) -> str:
        inside = (c for x0, y0, x1, y1, c in reversed(filled) if x0 <= x <= x1 and y0 <= y <= y1)
        return next(inside, paper)

    for element in ET.fromstring(svg).iter():
        tag = element.tag.removeprefix(SVG)
        if tag == "text":
            words = "".join(element.itertext()).strip()
            if words:
                # Within its first letters, as the text beside a bar begins where the bar ends.
                at = float(element.attrib["x"]) + 4, float(element.attrib["y"]) - 2
                yield words, _color(element.get("fill", "#000000")) or "", behind(*at), TEXT
        elif tag in ("path", "polygon", "ellipse", "polyline"):
            fill, stroke = _color(element.get("fill")), _color(element.get("stroke"))
            if tag == "ellipse":
                cx, cy, rx, ry = (float(element.attrib[k]) for k in ("cx", "cy", "rx", "ry"))
                xs, ys = [cx - rx, cx + rx], [cy - ry, cy + ry]
            else:
                numbers = re.findall(r"-?[\d.]+", element.get("d") or element.get("points") or "")
                xs, ys = [float(n) for n in numbers[::2]], [float(n) for n in numbers[1::2]]
            if stroke:
                yield f"{tag} {xs[0]},{ys[0]}", stroke, behind(xs[0], ys[0]), LINE
            if fill:
                filled.append((min(xs), min(ys), max(xs), max(ys), fill))


def _check(svg: bytes, theme: str) -> None:
    found = list(_seen(svg, DARK[PAPER] if theme == "dark" else PAPER))
    assert found
    for what, color, behind, least in found:
        if color != behind:  # the edge of a shape is of its own colour
            assert contrast(color, behind) >= least, (what, color, behind, contrast(color, behind))


@renders
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "view"),
    [
        *(("resnet:resnet50", view) for view in ("stages", "column", "strip", "graph", "block:conv3_x")),
        ("cifar_resnet:resnet1202", "column"),
        ("mixed", "graph"),
        ("unet", "stages"),
        ("two", "stages"),
    ],
)
def test_pictures(name: str, view: str, theme: str) -> None:
    _check(draw(net(name), "svg", view=view, theme=theme, at=sizes(net(name))), theme)  # type: ignore[arg-type]


@renders
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("pair", [("unet", "unet_resnet34"), ("mobilenet_v2", "mobilenet_v3_small")])
def test_comparisons(pair: tuple[str, str], theme: str) -> None:
    a, b = (resdsl.load(name).net for name in pair)
    _check(picture(compare(a, b), "svg", theme=theme), theme)  # type: ignore[arg-type]


@renders
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_broken_specs(theme: str) -> None:
    path = next(p for p in sorted(UI.glob("nets/*.res")) if not check(Source(p.name, p.read_text()), p).ok)
    checked = check(Source(path.name, path.read_text()), path)
    for made in checked.nets.values():
        _check(draw_broken(made, checked.diagnostics, "svg", theme=theme), theme)  # type: ignore[arg-type]
