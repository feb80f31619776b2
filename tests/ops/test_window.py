"""Shifted windows: padding, rolling and the mask, against a net that pairs positions one by one."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resdsl.ops.base import Op
from resdsl.sizes import Shape, shape_at, variable

from .calls import read
from .text import source

torch = pytest.importorskip("torch")

from .torch_text import NAMES  # noqa: E402

H, W = variable("H"), variable("W")


def run(op: Op, shapes: tuple[Shape, ...], *xs: Any) -> Any:
    return eval(source(op.text(*shapes), len(xs)), NAMES | {f"x{i}": x for i, x in enumerate(xs)})


@pytest.mark.parametrize(("window", "shift"), [((3, 3), (1, 1)), ((4, 2), (2, 0)), ((2, 3, 2), (1, 1, 1))])
@pytest.mark.parametrize("more", [(), (2,)])
def test_mask(window: tuple[int, ...], shift: tuple[int, ...], more: tuple[int, ...]) -> None:
    """Lowered are pairs that were not in reach of each other before the values were rolled."""
    op = read(f"window_mask({'x'.join(map(str, window))}, {'x'.join(map(str, shift))})")
    for grid in product((1, 2, 3), repeat=len(window)):
        tokens = prod(window)
        x = torch.zeros(2, *grid, *more, tokens, tokens)
        y = run(op, (tuple(x.shape[1:]),), x)
        assert op.shapes(tuple(x.shape[1:])) == (tuple(y.shape[1:]),)
        for cell in product(*map(range, grid)):
            places = [
                tuple(c * w + i for c, w, i in zip(cell, window, inside, strict=True))
                for inside in product(*map(range, window))
            ]
            for (i, p), (j, q) in product(enumerate(places), repeat=2):
                lowered = apart(p, q, grid, window, shift)
                assert (y[1, *cell, ..., i, j] == (-100 if lowered else 0)).all()


def apart(p: Any, q: Any, grid: Any, window: Any, shift: Any) -> bool:
    """Whether one of two positions of a window came round an end, and the other did not."""
    for a, b, n, w, s in zip(p, q, grid, window, shift, strict=True):
        size = n * w
        if n > 1 and ((a + s) // size != (b + s) // size):
            return True
    return False


@pytest.mark.parametrize(
    ("call", "shapes"),
    [
        ("pad_to_multiple(7)", ((3, H, W),)),
        ("pad_to_multiple(4x6)", ((3, H, W),)),
        ("pad_to_multiple(7, axes = [0, 1])", ((H, W, 3),)),
        ("pad_to_multiple(5, axes = [1])", ((H, 12, 3),)),
        ("roll([-3, -3], [0, 1], longer_than = 14)", ((H, W, 3),)),
        ("roll([2, -3], [0, 1], longer_than = 14)", ((H, 20, 3),)),
        ("roll([5], [1])", ((H, W, 3),)),
        ('crop_like(keep = "start", axes = [0, 1])', ((H, W, 3), (H // 2, W // 3, 4))),
        ('crop_like(keep = "start")', ((2, H, W), (1, H // 2, W))),
        ("crop_like(axes = [1])", ((H, W, 3), (5, W // 3, 4))),
        ("window_mask(7x7, 3x3)", ((H, W, 2, 49, 49),)),
    ],
)
@settings(max_examples=20)
@given(h=st.integers(3, 40), w=st.integers(3, 40))
def test_varying(call: str, shapes: tuple[Shape, ...], h: int, w: int) -> None:
    """The text for sizes that vary does what the text for each size does."""
    op = read(call)
    sizes = {"H": h if "mask" not in call else h % 3 + 1, "W": w if "mask" not in call else w % 3 + 1}
    concrete = tuple(shape_at(shape, sizes) for shape in shapes)
    xs = [torch.rand(2, *shape) for shape in concrete]
    y = run(op, shapes, *xs)
    assert torch.equal(y, run(op, concrete, *xs))
    assert tuple(y.shape[1:]) == shape_at(op.infer(*shapes), sizes)
