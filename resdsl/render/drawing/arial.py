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
    549: "÷±",
    556: "#$0123456789?Labdeghnopqu_–",
    584: "+<=>~×−",
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
_BOLD = {
    238: "'",
    278: " ,./I\\ijl",
    280: "|",
    333: "!()-:;[]`ft·",
    389: "*r{}",
    400: "°",
    474: '"',
    500: "z",
    549: "÷±",
    556: "#$0123456789J_aceksvxy–",
    584: "+<=>^~×−",
    611: "?FLTZbdghnopqu",
    667: "EPSVXY",
    722: "&ABCDHKNRU",
    778: "GOQw",
    833: "M",
    889: "%m",
    944: "W",
    975: "@",
    1000: "—→…",
}
_EACH, _EACH_BOLD = (
    {char: width for width, chars in widths.items() for char in chars} | {"\xa0": 278}
    for widths in (_WIDTHS, _BOLD)
)
_UNKNOWN = 1000


@lru_cache(4096)
def text_width(text: str, size: float, bold: bool = False) -> float:
    """Width in points; of letters beyond Latin at most."""
    each = _EACH_BOLD if bold else _EACH
    return sum(each.get(char, _UNKNOWN) for char in text) * size / 1000


def is_known(text: str) -> bool:
    """Whether the width of each letter is known."""
    return all(char in _EACH for char in text)


def fitted(text: str, size: float, room: float, bold: bool = False) -> str:
    """The text, cut with an ellipsis to fit `room` points."""
    if text_width(text, size, bold) <= room:
        return text
    kept = text
    while kept and text_width(kept + "…", size, bold) > room:
        kept = kept[:-1]
    return kept.rstrip(" ·,") + "…"
