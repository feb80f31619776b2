"""A bar chart as SVG: one horizontal bar for each row."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

BAR, GAP, LEFT, LONGEST, RIGHT, TOP = 22, 10, 110, 400, 110, 44
STYLE = "text { font: 13px sans-serif; fill: #222 } rect { fill: #9aa7b4 } rect.first { fill: #2f6f9f }"


def bars(title: str, rows: Sequence[tuple[str, float, str]]) -> str:
    """A chart of (name, value, value as text); the first bar stands out."""
    longest = max(value for _, value, _ in rows)
    width, height = LEFT + LONGEST + RIGHT, TOP + len(rows) * (BAR + GAP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" style="fill: white"/>',
        f'<text x="12" y="24">{escape(title)}</text>',
    ]
    for i, (name, value, text) in enumerate(rows):
        y, long = TOP + i * (BAR + GAP), LONGEST * value / longest
        first = ' class="first"' if i == 0 else ""
        lines += [
            f'<text x="{LEFT - 10}" y="{y + 16}" text-anchor="end">{escape(name)}</text>',
            f'<rect{first} x="{LEFT}" y="{y}" width="{long:.1f}" height="{BAR}"/>',
            f'<text x="{LEFT + long + 8:.1f}" y="{y + 16}">{escape(text)}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
