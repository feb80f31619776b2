"""What a misspelt word was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable

from resdsl.diagnostics.model import Edit, Fix
from resdsl.source import Span


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate nearest to a word, if it is near; of equally near ones the first by name."""
    return next(iter(_nearest(word, candidates)), None)


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """A help text that names the nearest candidate."""
    found = closest(word, candidates)
    return _question(found) if found else None


def listed(names: Iterable[str], most: int = 12) -> str:
    """Names in backticks; of many the first, and how many more there are."""
    every = [f"`{name}`" for name in names]
    more = [f"and {len(every) - most} more"] if len(every) > most else []
    return " ".join([", ".join(every[:most]), *more])


def replace_fix(span: Span, word: str, candidates: Iterable[str]) -> Fix | None:
    """Replace a word by the nearest candidate: safe unless another one is as near."""
    found = _nearest(word, candidates)
    if not found:
        return None
    # The title is the help text, so that a message which has both says it once.
    return Fix(_question(found[0]), (Edit(span, found[0]),), safe=len(found) == 1)


def _question(found: str) -> str:
    return f"did you mean `{found}`?"


def _nearest(word: str, candidates: Iterable[str]) -> list[str]:
    """All candidates at the smallest distance, by name; none beyond what a slip explains."""
    # A short word is near to many: one letter has no near ones but itself in the other case.
    most = 2 if len(word) >= 5 else min(1, len(word) - 1)
    best: list[str] = []
    for candidate in sorted(set(candidates)):
        if candidate == word or abs(len(candidate) - len(word)) > most:
            continue
        distance = _distance(word.casefold(), candidate.casefold())
        if distance < most or (distance == most and not best):
            best, most = [candidate], distance
        elif distance == most:
            best.append(candidate)
    return best


def _distance(a: str, b: str) -> int:
    """Letters to add, drop, replace or swap with their neighbour to make `b` from `a`."""
    above: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        earlier, above, row = above, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]
