"""Crops against `torch.Tensor.narrow`, which takes no more than there is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from resdsl.ops import OPS  # noqa: E402
from resdsl.ops.base import Op, Reject  # noqa: E402
from resdsl.sizes import Shape, variable  # noqa: E402

from .calls import read  # noqa: E402
from .text import source  # noqa: E402
from .torch_text import run  # noqa: E402

RANKS = st.integers(1, 3)
CASES = settings(max_examples=200, deadline=None, derandomize=True)


def amounts(rank: int, low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(*[st.integers(low, high)] * rank)


def check(op: Op, shapes: tuple[Shape, ...], kept: list[tuple[int, int]]) -> None:
    """A crop takes (start, length) of each axis, and is rejected where there is no such part, or none."""
    xs = [torch.rand(2, *shape) for shape in shapes]  # type: ignore[arg-type]
    expected = xs[0]
    try:
        for axis, (start, length) in enumerate(kept, 2):
            expected = expected.narrow(axis, start, length)
    except (RuntimeError, IndexError):
        expected = torch.empty(0)
    if expected.numel() == 0:
        with pytest.raises(Reject):
            op.shapes(*shapes)
        return
    assert op.shapes(*shapes) == (tuple(expected.shape[1:]),)
    assert torch.equal(run(op, xs), expected)
    varying = [
        (shape[0], *(variable(f"v{i}") // n for i, _ in enumerate(shape[1:])))
        for n, shape in enumerate(shapes, 1)
    ]
    text = source(op.text(*varying), len(xs))
    assert torch.equal(eval(text, {f"x{i}": x for i, x in enumerate(xs)}), expected)


@CASES
@given(st.data(), RANKS)
def test_crop(data: st.DataObject, rank: int) -> None:
    sizes, before, after = (data.draw(amounts(rank, low, 6)) for low in (1, 0, 0))
    op: Any = OPS["crop"]
    rows = list(zip(sizes, before, after, strict=True))
    check(op(before, after=after), ((3, *sizes),), [(b, h - b - a) for h, b, a in rows])
    check(op(before), ((3, *sizes),), [(b, h - 2 * b) for h, b, _ in rows])


@CASES
@given(st.data(), RANKS)
def test_crop_like_is_centred(data: st.DataObject, rank: int) -> None:
    """U-Net: as much is cut at the start as at the end, or one less."""
    sizes, like = (data.draw(amounts(rank, 1, 9)) for _ in range(2))
    kept = [((h - target) // 2, target) for h, target in zip(sizes, like, strict=True)]
    check(read("crop_like"), ((3, *sizes), (2, *like)), kept)
