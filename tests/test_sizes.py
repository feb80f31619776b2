"""Sizes are exact: every operation agrees with integers at every input size."""

from __future__ import annotations

import math
from collections.abc import Callable
from math import lcm

from hypothesis import given, reject
from hypothesis import strategies as st

from resdsl.domain import Domain
from resdsl.sizes import NotClosed, Size, evaluate, variable

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
    if "f(" in text or " mod " in text:
        return  # sums without a short form
    for h in range(1, 60):
        value = eval(text, {"H": h, "floor": math.floor, "ceil": math.ceil})
        assert value == evaluate(size, {"H": h}), text  # type: ignore[arg-type]


@given(st.integers(1, 12), st.integers(0, 11), STEPS, STEPS)
def test_differ_finds_the_smallest(period: int, rest: int, first: list[Step], second: list[Step]) -> None:
    domain = Domain()
    domain.restrict("H", period, frozenset({rest % period}))
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


def test_least_is_least() -> None:
    size = ((variable("H") - 7) // 2 + 1 - 3) // 2 + 1
    assert isinstance(size, Size)
    least = size.least(1)
    assert least is not None
    assert size.at(least) >= 1
    assert least == 1 or size.at(least - 1) < 1
