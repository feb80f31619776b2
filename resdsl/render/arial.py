"""Widths of text in Arial, so that boxes fit their labels without a renderer."""

from __future__ import annotations

from functools import lru_cache

_WIDTHS = {
    191: "'",
    222: "ijl",
    260: "|",
    278: " !,./:;I[\\]ft",
    333: "()-`r·",
    334: "{}",
    355: '"',
    389: "*",
    400: "°",
    469: "^",
    500: "Jckssvxyz",
    556: "#$0123456789?Labdeghnopqu_–",
    584: "+<=>~×÷−±",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1000: "—→…",
    1015: "@",
}
_EACH = {char: width for width, chars in _WIDTHS.items() for char in chars}
_UNKNOWN = 1000
_BOLD = 1.08
"""Bold letters are wider, by 7.5 % on average."""


@lru_cache(4096)
def text_width(text: str, size: float, bold: bool = False) -> float:
    """Width in points, rounded up a little."""
    return sum(_EACH.get(char, _UNKNOWN) for char in text) * size / 1000 * (_BOLD if bold else 1)


def fitted(text: str, size: float, room: float, bold: bool = False) -> str:
    """The text, cut with an ellipsis to fit `room` points."""
    if text_width(text, size, bold) <= room:
        return text
    kept = text
    while kept and text_width(kept + "…", size, bold) > room:
        kept = kept[:-1]
    return kept.rstrip(" ·,") + "…"
