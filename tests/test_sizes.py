"""Sizes are exact: every operation agrees with integers at every input size."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from math import lcm
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from resdsl.domain import Domain
from resdsl.sets import at_least, periodic
from resdsl.sizes import Dim, NotClosed, Size, evaluate, variable

H = variable("H")
Step = tuple[str, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "times", "divide"]), st.integers(1, 6)), min_size=1, max_size=7
)
ACTIONS: dict[str, Callable[..., object]] = {
    "add": lambda v, k: v + (k - 3),
    "times": lambda v, k: v * k,
    "divide": lambda v, k: v // k,
}


def _walk(start: object, steps: list[Step]) -> object:
    for name, k in steps:
        try:
            start = ACTIONS[name](start, k)
        except NotClosed:
            reject()  # a stride product beyond what is followed
    return start


@given(STEPS)
def test_agrees_with_integers(steps: list[Step]) -> None:
    size = _walk(variable("H"), steps)
    for h in range(1, 120):
        assert evaluate(size, {"H": h}) == _walk(h, steps)  # type: ignore[arg-type]


@given(STEPS, STEPS)
def test_equal_exactly_when_the_same(first: list[Step], second: list[Step]) -> None:
    a, b = _walk(variable("H"), first), _walk(variable("H"), second)
    far = 2 * lcm(*(len(s.offsets) for s in (a, b) if isinstance(s, Size))) + 1
    same = all(_walk(h, first) == _walk(h, second) for h in range(1, min(far, 3_000)))
    if a == b:
        assert same
    elif far < 3_000:
        assert not same


@given(STEPS)
def test_notation_says_the_same(steps: list[Step]) -> None:
    size = _walk(variable("H"), steps)
    text = str(size)
    for h in range(1, 60):
        value = eval(text, {"H": h, "floor": math.floor, "ceil": math.ceil})
        assert value == evaluate(size, {"H": h}), text  # type: ignore[arg-type]


@given(st.integers(1, 12), st.integers(0, 11), STEPS, STEPS)
def test_differ_finds_the_smallest(period: int, rest: int, first: list[Step], second: list[Step]) -> None:
    domain = Domain()
    domain.restrict({"H": periodic(period, 1 << rest % period)})
    a, b = _walk(variable("H"), first), _walk(variable("H"), second)
    try:
        witness = domain.differ(a, b)  # type: ignore[arg-type]
    except NotClosed:
        return
    admitted = [h for h in range(1, 500) if h % period == rest % period]
    first_difference = next((h for h in admitted if _walk(h, first) != _walk(h, second)), None)
    if witness is None:
        assert first_difference is None
    elif witness:
        assert witness["H"] == first_difference or (first_difference is None and witness["H"] >= 500)


@given(STEPS, st.integers(1, 12), st.integers(0, 11))
def test_notation_of_some_sizes(steps: list[Step], modulus: int, rest: int) -> None:
    """Where all input sizes leave one remainder, what divides is written as a quotient."""
    rest %= modulus
    size = _walk(variable("H", (modulus, rest)), steps)
    for h in range(rest or modulus, 120, modulus):
        value = eval(str(size), {"H": Fraction(h), "floor": math.floor, "ceil": math.ceil})
        assert value == evaluate(size, {"H": h})  # type: ignore[arg-type]
    if isinstance(size, Size) and modulus % len(size.offsets) == 0:
        assert "floor" not in str(size)
        assert "ceil" not in str(size)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ((H + 1) // 2, "ceil(H / 2)"),
        ((H - 3) // 2, "ceil(H / 2) - 2"),
        ((H + 1) // 2 * 2, "2 * ceil(H / 2)"),
        (H // 2 * 2 + 1, "2 * floor(H / 2) + 1"),
        ((H + 3) // 4 - 2, "ceil(H / 4) - 2"),
        (((H + 1) // 2 * 2 + 1) // 3, "floor((2 * ceil(H / 2) + 1) / 3)"),
        (H // 2 + (H + 2) // 3, "floor(H / 2) + ceil(H / 3)"),
        (3 * H // 2, "floor(3 * H / 2)"),
        (H % 4, "H % 4"),
        (variable("H", (32, 0)) // 32, "H / 32"),
        (variable("H", (16, 12)) // 2 - 3, "H / 2 - 3"),
        (variable("H", (16, 12)) // 4 * 3, "3 * H / 4"),
        (variable("H", (2, 1)) // 2, "(H - 1) / 2"),
    ],
)
def test_shortest_notation(size: Dim, text: str) -> None:
    assert str(size) == text


TERMS = st.lists(
    st.tuples(st.sampled_from(["H", "W"]), st.integers(1, 4), st.integers(-3, 3), st.integers(-2, 9)),
    max_size=4,
)


@given(TERMS, TERMS, st.integers(-4, 4))
def test_sums_and_products(first: list[tuple[str, int, int, int]], second: Any, by: int) -> None:
    """What joining and flattening make of sizes that vary on their own."""

    def total(terms: Any, values: dict[str, Any]) -> Any:
        made: Any = 1
        for name, d, a, c in terms:
            made = made * (values[name] // d + a) + c
        return made

    free: dict[str, Any] = {"H": variable("H"), "W": variable("W")}
    a, b = total(first, free), total(second, free)
    results = {"sum": a + b, "gap": a - b, "times": a * by, "product": a * b}
    for h, w in ((1, 1), (7, 4), (30, 31)):
        x, y = (total(t, {"H": h, "W": w}) for t in (first, second))
        wanted = {"sum": x + y, "gap": x - y, "times": x * by, "product": x * y}
        for name, result in results.items():
            assert evaluate(result, {"H": h, "W": w}) == wanted[name], name
            names: dict[str, Any] = {"H": h, "W": w, "floor": math.floor, "ceil": math.ceil}
            assert eval(str(result), names) == wanted[name], str(result)
    assert a + b == b + a
    assert a * b == b * a
    assert a - a == 0


def test_least_is_least() -> None:
    size = ((H - 7) // 2 + 1 - 3) // 2 + 1
    assert isinstance(size, Size)
    least = at_least(size, 1).least
    assert least is not None
    assert size.at(least) >= 1
    assert least == 1 or size.at(least - 1) < 1
