"""The pure functions of the language: `min max sum round ceil floor div log exp make_divisible len range ...`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from resdsl.elaborate.values import Ratio, Recipe, Value, described, write
from resdsl.sizes import Product, Size, Sum

MAX_LIST = 100_000


def weight(value: Value, room: int = MAX_LIST) -> int:
    """How many values it holds, itself included, counted up to one more than `room`."""
    parts: Sequence[Value] = ()
    if isinstance(value, tuple):
        parts = value
    elif isinstance(value, Recipe):
        parts = [v for _, v in value.bound]
    total = 1
    for part in parts:
        total += weight(part, room - total)
        if total > room:
            break
    return total


class Refuse(Exception):
    """A function or operator does not take these values; the text says why."""


def make_divisible(value: float, by: int, least: int | None = None) -> int:
    """Nearest multiple of `by`, but never less than 0.9 of the value (MobileNet, Sandler et al. 2018)."""
    least = by if least is None else least
    rounded = max(least, int(value + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * value else rounded


def numbers(*values: Value) -> None:
    """Refuse what is not a number, fixed or varying."""
    for v in values:
        if isinstance(v, (Product, Sum)):
            raise Refuse(f"takes the size of one axis, and `{v}` is made of several")
        if isinstance(v, bool) or not isinstance(v, (int, float, Size, Ratio)):
            raise Refuse(f"needs numbers, got {described(v)}")


def divisor(value: Any) -> int:
    """What divides a size that varies; refuses all but positive integers."""
    if isinstance(value, Size):
        raise Refuse(f"divides by integers only, and `{value}` varies with the input")
    if value < 1:
        raise Refuse(f"divides a size that varies by positive integers only, this is {value}")
    return int(value)


def _fold(choose: Callable[..., Any]) -> Callable[..., Any]:
    def run(*values: Value) -> Value:
        items = values[0] if len(values) == 1 and isinstance(values[0], tuple) else values
        numbers(*items)
        if not items and choose is not sum:
            raise Refuse("needs at least one number")
        if any(isinstance(v, (Size, Ratio)) for v in items):
            raise Refuse("needs numbers that do not vary with the input")
        return choose(items)

    return run


def _rounding(whole: Callable[[float], int], varying: Callable[[Ratio], Value]) -> Callable[..., Any]:
    def run(value: Value) -> Value:
        numbers(value)
        if isinstance(value, Ratio):
            return varying(value)
        return value if isinstance(value, Size) else whole(value)

    return run


def _lists(*values: Value) -> None:
    for v in values:
        if not isinstance(v, tuple):
            raise Refuse(f"needs a list, got {described(v)}")


def _range(*values: Value) -> tuple[int, ...]:
    if not 1 <= len(values) <= 3 or not all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        raise Refuse("needs one to three integers")
    if len(values) == 3 and values[2] == 0:
        raise Refuse("needs a step other than 0")
    made = range(*values)
    if len(made) > MAX_LIST:
        raise Refuse(f"would make {len(made):,} items, more than {MAX_LIST:,}")
    return tuple(made)


def _len(value: Value) -> int:
    if not isinstance(value, (tuple, str)):
        raise Refuse(f"needs a list, got {described(value)}")
    return len(value)


def _div(a: Value, b: Value) -> Value:
    numbers(a, b)
    if b == 0:
        raise Refuse("divides by zero")
    if isinstance(b, bool) or not isinstance(b, int):
        raise Refuse(f"needs an integer to divide by, got {described(b)}")
    if isinstance(a, Ratio):
        raise Refuse(
            f"needs a whole number, which `{write(a)}` is not at every input: divide once, by the product"
        )
    if isinstance(a, float):
        return math.floor(a / b)
    return a // (divisor(b) if isinstance(a, Size) else b)


def _real(run: Callable[[float], float], refuse: str) -> Callable[..., Any]:
    def real(value: Value) -> Value:
        _fold(max)(value)
        try:
            return run(value)
        except (ValueError, OverflowError):
            raise Refuse(refuse) from None

    return real


def _zip(*values: Value) -> tuple[Any, ...]:
    _lists(*values)
    if len({len(v) for v in values}) > 1:
        raise Refuse(f"needs lists of one length, got {' and '.join(str(len(v)) for v in values)} items")
    return tuple(zip(*values, strict=True))


def _enumerate(value: Value) -> tuple[Any, ...]:
    _lists(value)
    return tuple(enumerate(value))


FUNCTIONS: dict[str, tuple[Callable[..., Any], str]] = {
    "min": (_fold(min), "min(a, b, ...) or min(list) is the smallest"),
    "max": (_fold(max), "max(a, b, ...) or max(list) is the largest"),
    "sum": (_fold(sum), "sum(list) is the total"),
    "round": (
        _rounding(round, lambda r: (2 * r.top + r.bottom) // (2 * r.bottom)),
        "round(x) is the nearest integer",
    ),
    "ceil": (_rounding(math.ceil, lambda r: (r.top + (r.bottom - 1)) // r.bottom), "ceil(x) rounds up"),
    "floor": (_rounding(math.floor, lambda r: r.top // r.bottom), "floor(x) rounds down"),
    "div": (_div, "div(a, b) is a / b rounded down"),
    "log": (_real(math.log, "needs a number above 0"), "log(x) is the natural logarithm"),
    "exp": (_real(math.exp, "gives a number that is too large"), "exp(x) is e to the power of x"),
    "make_divisible": (make_divisible, "make_divisible(x, by) is the nearest multiple, at least 0.9 x"),
    "len": (_len, "len(list) is how many items it has"),
    "range": (_range, "range(stop), range(start, stop) or range(start, stop, step) counts up"),
    "enumerate": (_enumerate, "enumerate(list) makes pairs of index and item"),
    "zip": (_zip, "zip(a, b) makes pairs of items"),
}
