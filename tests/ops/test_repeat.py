"""`repeat` against the definition: split every axis, put in the new ones, permute, merge."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resdsl.ops.base import Reject
from resdsl.ops.repeat import Repeat
from resdsl.sizes import variable

from .calls import mapped, read
from .text import source

torch = pytest.importorskip("torch")

from .torch_text import NAMES  # noqa: E402


def run(op: Repeat, x: Any) -> Any:
    return eval(source(op.text(tuple(x.shape[1:])), 1), NAMES | {"x0": x})


def expected(op: Repeat, x: Any, sizes: dict[str, int]) -> Any:
    old = [name for axis in op.mapping.source for name in axis]
    new = [name for name in sizes if name not in old]
    parts = x.reshape(len(x), *(sizes[name] for name in old), *(1 for _ in new))
    parts = parts.repeat(1, *(1 for _ in old), *(sizes[name] for name in new))
    names = [*old, *new]
    parts = parts.permute(0, *(names.index(name) + 1 for axis in op.mapping.target for name in axis))
    return parts.reshape(len(x), *(prod(sizes[n] for n in axis) for axis in op.mapping.target))


@given(mapped(Repeat), st.data())
@settings(max_examples=500)
def test_definition(op: Repeat, data: st.DataObject) -> None:
    known = dict(op.sizes)
    sizes = {name: known.get(name) or data.draw(st.integers(1, 3)) for name in op.mapping.names}
    x = torch.rand(2, *(prod(sizes[name] for name in axis) for axis in op.mapping.source))
    y = run(op, x)
    assert torch.equal(y, expected(op, x, sizes))
    assert op.shapes(tuple(x.shape[1:])) == (tuple(y.shape[1:]),)


@pytest.mark.parametrize(
    ("call", "function"),
    [
        ("repeat([t, c] -> [t * n, c], n = 3)", lambda x: x.repeat_interleave(3, dim=1)),
        ("repeat([t, c] -> [n * t, c], n = 3)", lambda x: x.repeat(1, 3, 1)),
        ("repeat([t, c] -> [n, t, c], n = 3)", lambda x: torch.stack([x] * 3, dim=1)),
    ],
)
def test_torch_has(call: str, function: Any) -> None:
    op = read(call)
    assert isinstance(op, Repeat)
    x = torch.rand(2, 4, 5)
    assert torch.equal(run(op, x), function(x))


def test_varying() -> None:
    """A size that varies is read off a value that has it."""
    h = variable("H")
    op = Repeat(read("repeat([c] -> [h, c], h = 1)").mapping, (("h", h),))  # type: ignore[attr-defined]
    assert op.shapes((8,), (4, h)) == ((h, 8),)
    assert source(op.text((8,), (4, h)), 2) == "x0.unsqueeze(1).expand(-1, x1.shape[2], -1)"
    with pytest.raises(Reject, match="is no size of what arrives") as caught:
        op.shapes((8,))
    assert caught.value.code == "varying-size"


def test_size_of_a_new_axis() -> None:
    with pytest.raises(Reject, match="the size of the new axis `n` is not given"):
        read("repeat([c] -> [n, c])")
