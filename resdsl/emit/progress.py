"""Numbers that grow evenly from copy to copy, as a formula that gives exactly the same values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

_LARGEST = 100_000


def formula(values: Sequence[Any]) -> str | None:
    """An expression of `i` = 0, 1, ... for these values; None if there is no simple one."""
    if all(type(v) is int for v in values):
        step = values[1] - values[0]
        if any(b - a != step for a, b in pairwise(values)):
            return None
        return _sum(values[0], step)
    if not all(type(v) is float for v in values):
        return None
    for text, compute in _float_formulas(values):
        if all(compute(i) == v for i, v in enumerate(values)):
            return text
    return None


def _sum(start: int, step: int) -> str:
    """`64 + 32 * i`."""
    grown = "i" if abs(step) == 1 else f"{abs(step)} * i"
    if start == 0 and step > 0:
        return grown
    return f"{start} {'+' if step > 0 else '-'} {grown}"


def _float_formulas(values: Sequence[float]) -> Iterator[tuple[str, Callable[[int], float]]]:
    """Candidates `rate * (i + 1)` and `1.0 - rate * (i + 1)`."""
    slope = (values[-1] - values[0]) / (len(values) - 1)
    if slope == 0:
        return
    for whole in (0.0, 1.0):
        first = round((values[0] - whole) / slope)
        if first < 0 or first > _LARGEST:
            continue
        rate = abs(slope)
        near = float(Fraction(rate).limit_denominator(_LARGEST))
        exact = [abs(v - whole) / (i + first) for i, v in enumerate(values) if i + first]
        for r in dict.fromkeys((near, float(f"{rate:.10g}"), *exact[-3:])):
            count = f"(i + {first})" if first else "i"
            if whole == 0.0 and slope > 0:
                yield f"{r!r} * {count}", lambda i, r=r, first=first: r * (i + first)  # type: ignore[misc]
            elif whole == 1.0 and slope < 0:
                yield f"1.0 - {r!r} * {count}", lambda i, r=r, first=first: 1.0 - r * (i + first)  # type: ignore[misc]
