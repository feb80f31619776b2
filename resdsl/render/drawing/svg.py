"""What Graphviz's SVG lacks: a dark theme, alternative text, and the same bytes from each version."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Literal
from zlib import crc32

from resdsl.render.drawing.arial import is_known, text_width
from resdsl.render.drawing.palette import DARK, DARK_WRONG, PAPER, WRONG

Theme = Literal["light", "dark", "auto"]
FONTS = "Arial,'Liberation Sans',Arimo,Helvetica,'Nimbus Sans',sans-serif"
"""Fonts with the widths of Arial."""


def polish(svg: str, title: str, about: str, theme: Theme) -> str:
    """The SVG with a title, a description in words, and for `auto` the rules of a dark theme."""
    svg = re.sub(r"<\?xml[^>]*\?>|<!DOCTYPE[^>]*>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = svg.replace(' xml:space="preserve"', "")
    # All text is in one font, said once; the anchor is where it is by default.
    svg = re.sub(r' font-family="Arial[^"]*"| text-anchor="start"', "", svg)
    svg = measured(svg)
    # `node1` would stand for something in each of two pictures on a page.
    svg = re.sub(r'(<g) id="\w+"', r"\1", svg)
    svg = "\n".join(line for line in svg.splitlines() if line.strip())
    prefix = f"r{crc32(svg.encode()):x}"
    head = f'<title id="{prefix}-t">{escape(title)}</title>\n<desc id="{prefix}-d">{escape(about)}</desc>\n'
    if theme == "auto":
        # On paper of its own: the page around may be dark where the reader's setting is light.
        own = f'[aria-labelledby="{prefix}-t"]'
        red = WRONG.line.lower() in svg.lower()
        head += f"<style>{own}{{background:{PAPER}}}{_dark_rules(own, red)}</style>\n"
    # What opens a file by itself shows it on white, where light text cannot be read.
    paper = f' style="background:{DARK[PAPER]}"' if theme == "dark" else ""
    role = f' font-family="{FONTS}" role="img" aria-labelledby="{prefix}-t" aria-describedby="{prefix}-d"'
    return re.sub(r"<svg([^>]*)>\n?", lambda m: f"<svg{m[1]}{paper}{role}>\n{head}", svg, count=1) + "\n"


def measured(svg: str) -> str:
    """The SVG with the width each text has in Arial: where it is missing, another font is fitted into the boxes."""
    return re.sub(r"<text([^>]*)>([^<]*)</text>", _measured, svg)


def _measured(text: re.Match[str]) -> str:
    attributes, content = text.groups()
    said = unescape(content)
    # Blanks at the ends would be dropped; the place of the text counts them.
    kept = re.sub("^ +| +$", lambda blanks: "\xa0" * len(blanks[0]), content)
    size = re.search(r'font-size="([\d.]+)"', attributes)
    if size is None or not is_known(said):
        return f"<text{attributes}>{kept}</text>"
    width = text_width(said, float(size[1]), 'font-weight="bold"' in attributes)
    fit = f' textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs"' if len(said) > 1 else ""
    return f"<text{attributes}{fit}>{kept}</text>"


def _dark_rules(own: str, red: bool) -> str:
    """CSS that recolours by attribute, as presentation attributes give way to it."""
    rules = [f"{own}{{background:{DARK[PAPER]}}}"]
    for light, dark in (DARK | DARK_WRONG if red else DARK).items():
        spellings = {light.lower(), "white"} if light == "#FFFFFF" else {light.lower()}
        for spelling in sorted(spellings):
            rules.append(f'[fill="{spelling}"]{{fill:{dark}}}[stroke="{spelling}"]{{stroke:{dark}}}')
    return "@media (prefers-color-scheme:dark){" + "".join(rules) + "}"
