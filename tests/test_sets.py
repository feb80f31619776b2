"""Sets of sizes, and their texts: everything agrees with sets of plain integers."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resdsl.conditions import clauses, condition
from resdsl.sets import EVERY, NONE, SizeSet, at_least, periodic, zero
from resdsl.sizes import MAX_PERIOD, NotClosed, Size, variable

FAR = 250
H = variable("H")


def _simple(data: tuple[str, int, int]) -> SizeSet:
    kind, a, b = data
    size = (H + b % 3) // (a % 4 + 1) - b
    match kind:
        case "periodic":
            return periodic(a, b % (1 << a))
        case "at_least":
            return at_least(size, a - 3)
        case "zero":
            return zero(size - a)
        case _:
            return zero((H + 1) // a * a - H)


simple = st.tuples(
    st.sampled_from(["periodic", "at_least", "zero", "multiple"]), st.integers(1, 9), st.integers(0, 40)
).map(_simple)
drawn = st.recursive(
    simple,
    lambda inner: (
        st.tuples(inner, inner).map(lambda p: p[0] & p[1])
        | st.tuples(inner, inner).map(lambda p: p[0] | p[1])
        | inner.map(lambda s: ~s)
    ),
    max_leaves=5,
)


def _members(s: SizeSet) -> set[int]:
    return {v for v in range(1, FAR) if v in s}


@given(drawn, drawn)
def test_algebra(a: SizeSet, b: SizeSet) -> None:
    everything = set(range(1, FAR))
    assert _members(a & b) == _members(a) & _members(b)
    assert _members(a | b) == _members(a) | _members(b)
    assert _members(~a) == everything - _members(a)
    assert _members(a - b) == _members(a) - _members(b)
    assert ~~a == a
    assert (a <= b) == (not a - b)
    assert (a & ~a, a | ~a) == (NONE, EVERY)


@given(drawn, drawn)
def test_one_form(a: SizeSet, b: SizeSet) -> None:
    """Equal sets are equal objects."""
    assert ((a - b) == NONE and (b - a) == NONE) == (a == b)
    assert ~(~a & ~b) == a | b


@given(drawn, st.integers(1, FAR))
def test_after(a: SizeSet, value: int) -> None:
    found = a.after(value)
    assert found is None or (found in a and found >= value)
    assert not any(v in a for v in range(value, min(found or FAR, FAR)))
    assert a.least == a.after(1)
    if a.finite and a:
        assert list(a)[-1] == a.most


@given(drawn)
def test_every_and_upward(a: SizeSet) -> None:
    modulus, rest = a.every
    assert all(v % modulus == rest for v in _members(a))
    if a.upward:
        assert a.least is not None
        assert _members(a) == set(range(a.least, FAR))


@given(drawn)
def test_text_says_the_same(a: SizeSet) -> None:
    names: dict[str, Any] = {"floor": math.floor, "ceil": math.ceil}
    texts = [
        condition(a, "H"),
        condition(a, "H", python=True),
        " and ".join(f"({c})" for c in clauses(a, "H")),
    ]
    for text in texts:
        for h in range(1, FAR):
            assert bool(eval(text or "True", {**names, "H": h})) == (h in a), text


@pytest.mark.parametrize(
    ("sizes", "text", "python"),
    [
        (EVERY, "", ""),
        (zero(H % 32), "H % 32 == 0", "H % 32 == 0"),
        (at_least(H, 33), "H >= 33", "H >= 33"),
        (zero(H % 32) & at_least(H, 33), "H % 32 == 0 and H >= 64", "H % 32 == 0 and H >= 64"),
        (zero((H + 3) // 4 % 8), "ceil(H / 4) % 8 == 0", "(-(-H // 4)) % 8 == 0"),
        (zero(H // 4 % 8 - 1), "floor(H / 4) % 8 == 1", "(H // 4) % 8 == 1"),
        (~zero(H % 3), "H % 3 != 0", "H % 3 != 0"),
        (periodic(8, 0b00111000), "(H - 3) % 8 < 3", "(H - 3) % 8 < 3"),
        (zero(H % 2) & ~zero(H % 3), "H % 2 == 0 and H % 3 != 0", "H % 2 == 0 and H % 3 != 0"),
        (zero(H - 2 - H // 2), "H >= 3 and H <= 4", "H >= 3 and H <= 4"),
        (zero(H - 5), "H == 5", "H == 5"),
        (at_least(H, 7) | zero(H - 3), "(H >= 7 or H == 3)", "(H >= 7 or H == 3)"),
        (~zero(H - 3), "H != 3", "H != 3"),
    ],
)
def test_shortest_text(sizes: SizeSet, text: str, python: str) -> None:
    assert condition(sizes, "H") == text
    assert condition(sizes, "H", python=True) == python


def test_limits() -> None:
    """What grows beyond what is followed says so."""
    with pytest.raises(NotClosed):
        _ = zero(H % 257) & zero(H % 263)
    with pytest.raises(NotClosed):
        at_least(H // MAX_PERIOD, 1 << 10)
    with pytest.raises(NotClosed):
        zero(variable("H") * variable("W"))
    assert isinstance(H % 257, Size)
