"""What Graphviz's SVG lacks: a dark theme, alternative text, and the same bytes from each version."""

from __future__ import annotations

import re
from html import escape
from typing import Literal
from zlib import crc32

from resdsl.render.cards import subtitle
from resdsl.render.dot import Dot
from resdsl.render.numbers import shape_text
from resdsl.render.palette import DARK, DARK_WRONG, PAPER, WRONG
from resdsl.render.rows import Table

Theme = Literal["light", "dark", "auto"]
FONTS = "Arial,'Liberation Sans',Arimo,Helvetica,'Nimbus Sans',sans-serif"
"""Fonts with the widths of Arial."""


def polish(svg: str, dot: Dot, table: Table | None, theme: Theme) -> str:
    """The SVG with a title, a description in words, and for `auto` the rules of a dark theme."""
    svg = re.sub(r"<\?xml[^>]*\?>|<!DOCTYPE[^>]*>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = svg.replace(' xml:space="preserve"', "")
    # All text is in one font, said once; the anchor is where it is by default.
    svg = re.sub(r' font-family="Arial[^"]*"| text-anchor="start"', "", svg)
    # `node1` would stand for something in each of two pictures on a page.
    svg = re.sub(r'(<g) id="\w+"', r"\1", svg)
    svg = "\n".join(line for line in svg.splitlines() if line.strip())
    prefix = f"r{crc32(svg.encode()):x}"
    said = subtitle(table) if table is not None else "not right yet"
    about = dot.description or (describe(table) if table is not None else said)
    head = (
        f'<title id="{prefix}-t">{escape(dot.name)}: {escape(said)}</title>\n'
        f'<desc id="{prefix}-d">{escape(about)}</desc>\n'
    )
    if theme == "auto":
        # On paper of its own: the page around may be dark where the reader's setting is light.
        own = f'[aria-labelledby="{prefix}-t"]'
        red = WRONG.line.lower() in svg.lower()
        head += f"<style>{own}{{background:{PAPER}}}{_dark_rules(own, red)}</style>\n"
    role = f' font-family="{FONTS}" role="img" aria-labelledby="{prefix}-t" aria-describedby="{prefix}-d"'
    return re.sub(r"<svg([^>]*)>\n?", lambda m: f"<svg{m[1]}{role}>\n{head}", svg, count=1) + "\n"


def _dark_rules(own: str, red: bool) -> str:
    """CSS that recolours by attribute, as presentation attributes give way to it."""
    rules = [f"{own}{{background:{DARK[PAPER]}}}"]
    for light, dark in (DARK | DARK_WRONG if red else DARK).items():
        spellings = {light.lower(), "white"} if light == "#FFFFFF" else {light.lower()}
        for spelling in sorted(spellings):
            rules.append(f'[fill="{spelling}"]{{fill:{dark}}}[stroke="{spelling}"]{{stroke:{dark}}}')
    return "@media (prefers-color-scheme:dark){" + "".join(rules) + "}"


def describe(table: Table) -> str:
    """The picture in words."""
    made = [f"{len(table.rows)} stages."]
    for row in table.rows:
        times = f" × {row.repeat}" if row.repeat > 1 else ""
        made.append(f"{row.name}: {row.text}{times}, giving {shape_text(row.shape, table.at)}.")
    kinds = ", ".join(f"{count} {kind.replace('_', '-')}" for kind, count in sorted(table.shortcuts.items()))
    made.append(f"Shortcuts: {kinds or 'none'}.")
    return " ".join(made)
