"""Text on a terminal: how many columns it takes, and what to show of a line that is too long."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

TAB = 4
DOTS = "..."
CONTEXT = 40
"""Columns of a cut line to keep before the place of interest."""

REPLACED = "\N{REPLACEMENT CHARACTER}"
# Marks that change the direction of text: they could make a line look like another one.
_DIRECTION = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))


def clean(text: str) -> str:
    """The text without characters that could steer the terminal; newlines stay."""
    return "".join(char if char == "\n" else _visible(char) for char in text.expandtabs(TAB))


def width(text: str) -> int:
    """Columns that a text without tabs and newlines takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _visible(char: str) -> str:
    return REPLACED if unicodedata.category(char) == "Cc" or char in _DIRECTION else char


def _width(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a line of code."""

    text: str
    columns: tuple[int, ...]
    """Column, from 0, of each character of the original line and of its end."""
    first: int
    """Columns to the left of `first` or from `last` on hold no code."""
    last: int

    def sees(self, start: int, end: int) -> bool:
        """Whether the characters `[start, end)` are shown, or a part of them."""
        most = len(self.columns) - 1
        low, high = self.columns[min(start, most)], self.columns[min(end, most)]
        return low <= self.last and (high > self.first or low >= self.first)

    def mark(self, start: int, end: int) -> tuple[int, int]:
        """Columns of the characters `[start, end)`: at least one, and never outside the line."""
        most = len(self.columns) - 1
        low, high = self.columns[min(start, most)], self.columns[min(end, most)]
        low = max(self.first, min(low, self.last))
        return low, max(low + 1, min(high, self.last))


def show(line: str, room: int, focus: int = 0, cut: bool = False) -> Shown:
    """Lay a line out in `room` columns; of a longer one keep what surrounds character `focus`.

    A line that stands below a longer one is `cut` at the same place, also where it would fit.
    """
    pieces, columns, total = [], [], 0
    for char in line:
        piece = " " * (TAB - total % TAB) if char == "\t" else _visible(char)
        pieces.append(piece)
        columns.append(total)
        total += width(piece)
    columns.append(total)
    if total <= room and not cut:
        return Shown("".join(pieces), tuple(columns), 0, total)

    # Near the end of the line this shows less than fits: a label there needs room for its text.
    begin = max(0, columns[min(focus, len(line))] - CONTEXT)
    low = begin + len(DOTS) if begin else 0
    high = begin + room - (len(DOTS) if begin + room < total else 0)
    kept = [i for i in range(len(line)) if low <= columns[i] and columns[i + 1] <= high]
    # A wide character or a tab may lie across the cut: keep the rest in its column.
    text = " " * (columns[kept[0]] - low if kept else 0) + "".join(pieces[i] for i in kept)
    head, tail = DOTS if low else "", DOTS if begin + room < total else ""
    moved = tuple(column - begin for column in columns)
    return Shown(head + text + tail, moved, low - begin, high - begin)
