"""A net as notebooks show it: its picture over its table. A display never raises; it shows what it can."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import TypeVar

from resdsl.graph.model import Net
from resdsl.render.tables.summary import summary

T = TypeVar("T")


def as_text(net: Net) -> str:
    """The table, or the name where even that fails."""
    return _tried(lambda: summary(net)) or f"{net.name}\n"


def as_svg(net: Net) -> str | None:
    """The picture as wide as its place, but never larger than drawn; None where nothing can draw it."""
    from resdsl.render.pictures.draw import draw

    svg = _tried(lambda: draw(net, "svg").decode("utf-8"))
    wide = '<svg width="100%" style="max-width:{};height:auto"'
    return svg and re.sub(
        r'<svg width="([\d.]+\w*)" height="[\d.]+\w*"', lambda m: wide.format(m[1]), svg, count=1
    )


def as_html(net: Net) -> str:
    """The picture and the table. What the picture refers to inside itself has names of its own."""
    table = f'<pre style="font-size:12px;line-height:1.2;overflow-x:auto">{escape(as_text(net))}</pre>'
    return f"<div>{as_svg(net) or ''}{table}</div>"


def _tried(made: Callable[[], T]) -> T | None:
    try:
        return made()
    except Exception:  # no renderer, or a fault of ours: a cell that only shows a net goes on
        return None
