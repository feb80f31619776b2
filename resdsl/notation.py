"""Sizes as text, in the shortest true form, which the language reads back as the same size."""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resdsl.sizes import Size

MOST_PAIRS = 64  # longest period for which a size is taken apart into two quotients


@lru_cache(4096)
def notation(size: Size) -> str:
    """`H`, `H / 32` where it divides, `ceil(H / 4)`, `floor((H - 3) / 2)`, `2 * floor(H / 2) + 1`, and sums."""
    return _whole(size) or _best(size.slope, size.offsets, str(size.var))


def _whole(size: Size) -> str | None:
    """Without rounding, where every admitted input size leaves the same remainder."""
    modulus, rest = size.every
    period = len(size.offsets)
    if period == 1 or modulus % period:
        return None
    add = period * size.offsets[rest % period] - size.slope * (rest % period)
    common = gcd(size.slope, add, period)
    slope, add, period = size.slope // common, add // common, period // common
    if period == 1:
        return linear(slope, size.var, add)
    if add % period == 0:
        return linear(1, f"{linear(slope, size.var, 0)} / {period}", add // period)
    return f"({linear(slope, size.var, add)}) / {period}"


def _best(slope: int, offsets: tuple[int, ...], var: str) -> str:
    """The shortest of the forms it can be written in."""
    if len(offsets) == 1:
        return linear(slope, var, offsets[0])
    found = _single(slope, offsets, var)
    if found is None:
        found = _nested(slope, offsets, var) or _double(slope, offsets, var) or _sum(slope, offsets, var)
    return found


def _single(slope: int, offsets: tuple[int, ...], var: str) -> str | None:
    """`c * floor((n * H + a) / p) + b` or with `ceil`; `H % p` for what only repeats. None if it is neither."""
    period = len(offsets)
    factor = gcd(slope, *(o - offsets[0] for o in offsets))
    if slope == 0:
        return _remainder(offsets, factor, var)
    base = offsets[0] % factor
    bare = [(o - base) // factor for o in offsets]
    slope //= factor
    # bare[r] == floor((slope * r + a) / period) for every r bounds `a` from both sides.
    lows = [period * o - slope * r for r, o in enumerate(bare)]
    low, high = max(lows), min(lows) + period - 1
    if low > high:
        return None
    for rest, word in ((0, "floor"), (period - 1, "ceil")):
        whole = -((rest - low) // period)
        if whole * period + rest <= high:
            term = f"{word}({linear(slope, var, 0)} / {period})"
            return linear(factor, term, factor * whole + base)
    inner = linear(slope, var, low if low > 0 else high if high < 0 else 0)
    return linear(factor, f"floor(({inner}) / {period})", base)


def _remainder(offsets: tuple[int, ...], factor: int, var: str) -> str | None:
    period = len(offsets)
    for shift in range(period):
        turn = [(v + shift) % period for v in range(period)]
        base = offsets[0] - factor * turn[0]
        if all(o == factor * t + base for o, t in zip(offsets, turn, strict=True)):
            inner = f"({linear(1, var, shift)})" if shift else var
            return linear(factor, f"{inner} % {period}" if factor == 1 else f"({inner} % {period})", base)
    return None


def _nested(slope: int, offsets: tuple[int, ...], var: str) -> str | None:
    """As a size of a quotient: `ceil((ceil(H / 2) + 1) / 3)`."""
    period = len(offsets)
    for block in sorted((d for d in range(2, period) if period % d == 0), reverse=True):
        for shift in range(block):
            # With `q = floor((v + shift) / block)`: does the size depend on `q` only?
            values = [
                slope * ((v - shift) // period) + offsets[(v - shift) % period] for v in range(period + block)
            ]
            if all(values[i] == values[i - i % block] for i in range(period)):
                outer = tuple(values[0:period:block])
                term = _quotient(var, shift, block)
                found = _single(slope, outer, term) or _nested(slope, outer, term)
                if found is not None:
                    return found
    return None


def _quotient(var: str, shift: int, by: int) -> str:
    if shift == by - 1:
        return f"ceil({var} / {by})"
    return f"floor({var} / {by})" if shift == 0 else f"floor(({var} + {shift}) / {by})"


def _double(slope: int, offsets: tuple[int, ...], var: str) -> str | None:
    """As the sum of two quotients with smaller periods."""
    period = len(offsets)
    if period > MOST_PAIRS:
        return None
    for block in (d for d in range(2, period) if period % d == 0):
        for shift in (0, block - 1, *range(1, block - 1)):
            rest = tuple(o - (v + shift) // block for v, o in enumerate(offsets))
            left = slope - period // block
            small = _shortest_period(left, rest)
            if small < period:
                step, rest = left * small // period, rest[:small]
                if small == 1:
                    return plus(_quotient(var, shift, block), linear(step, var, rest[0]))
                term = _single(step, rest, var) or _nested(step, rest, var)
                if term is not None:
                    return plus(_quotient(var, shift, block), term)
    return None


def _shortest_period(slope: int, offsets: tuple[int, ...]) -> int:
    period = len(offsets)
    for small in (d for d in range(1, period) if period % d == 0 and slope * d % period == 0):
        step = slope * small // period
        if all(offsets[i] == offsets[i % small] + step * (i // small) for i in range(small, period)):
            return small
    return period


def _sum(slope: int, offsets: tuple[int, ...], var: str) -> str:
    """As the sum of its steps: `floor((H + p - r) / p)` counts the sizes up to H that leave r by p."""
    period = len(offsets)
    after = (*offsets[1:], offsets[0] + slope)
    text = ""
    for r, (here, there) in enumerate(zip(offsets, after, strict=True), 1):
        if there != here:
            term = linear(there - here, _quotient(var, period - r, period), 0)
            text = plus(text, term) if text else term
    return linear(1, text, offsets[0])


def linear(slope: int, var: str, add: int) -> str:
    """`var`, `2 * var + 1`."""
    head = {1: var, -1: f"-{var}"}.get(slope, f"{slope} * {var}")
    return head if add == 0 else f"{head} {'+' if add > 0 else '-'} {abs(add)}"


def plus(a: str, b: str) -> str:
    """A sum of two texts."""
    return f"{a} - {b[1:]}" if b.startswith("-") else f"{a} + {b}"


def is_factor(text: str) -> bool:
    """Whether it can be multiplied as it stands: a word, or a call that spans all of it."""
    if " " not in text:
        return True
    depth = 0
    for i, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0 and char in " )":
            return i == len(text) - 1 and text.startswith(("ceil(", "floor("))
    return False
