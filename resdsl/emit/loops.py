"""Folds statements that differ only in a position that counts up: layers without names in a class."""

from __future__ import annotations

import re

_POSITION = re.compile(r'"(\d+)"')
_LEAST = 3


def fold_lines(lines: list[str]) -> list[str]:
    """`x = getattr(self, "1")(x)`, and the same for 2, 3, ..., as a loop."""
    made: list[str] = []
    at = 0
    while at < len(lines):
        end = at + 1
        while end < len(lines) and _next(lines[at], lines[end], end - at):
            end += 1
        found = _POSITION.search(lines[at])
        if end - at >= _LEAST and found is not None:
            first = int(found[1])
            text = _POSITION.sub("str(i)", lines[at])
            indent = " " * (len(text) - len(text.lstrip(" ")))
            bounds = f"{first}, {first + end - at}" if first else str(end - at)
            made += [f"{indent}for i in range({bounds}):", f"    {text}"]
        else:
            end = at + 1
            made.append(lines[at])
        at = end
    return made


def _next(line: str, later: str, steps: int) -> bool:
    """Whether a line is another with its only position raised."""
    a, b = _POSITION.findall(line), _POSITION.findall(later)
    if len(a) != 1 or len(b) != 1 or int(b[0]) != int(a[0]) + steps or line.lstrip().startswith("return "):
        return False
    return _POSITION.sub("", line) == _POSITION.sub("", later)
