"""Windows of maps: cutting, the mask and the way back, position by position."""

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


SIZES = [((3, 3), (2, 7, 9)), ((4, 2), (4, 5)), ((2, 3, 2), (2, 5)), ((4,), (3, 9))]
"""Windows, and sizes of maps along each axis."""


def moved(window: tuple[int, ...], sizes: tuple[int, ...], shifted: bool) -> list[int]:
    """How far windows begin from the start of each axis."""
    return [w // 2 if shifted and size > w else 0 for w, size in zip(window, sizes, strict=True)]


def places(window: tuple[int, ...], sizes: tuple[int, ...]) -> list[list[tuple[int, ...]]]:
    """For each window of a map that is not shifted, its positions."""
    counts = [-(-size // w) for w, size in zip(window, sizes, strict=True)]
    return [
        [
            tuple(c * w + i for c, w, i in zip(cell, window, inside, strict=True))
            for inside in product(*map(range, window))
        ]
        for cell in product(*map(range, counts))
    ]


def written(name: str, window: tuple[int, ...], shifted: bool) -> Op:
    size = "x".join(map(str, window)) if len(window) > 1 else str(window[0])
    return read(f"{name}({size}, shifted = {str(shifted).lower()})")


@pytest.mark.parametrize(("window", "lengths"), SIZES)
@pytest.mark.parametrize("shifted", [False, True])
def test_partition(window: tuple[int, ...], lengths: tuple[int, ...], shifted: bool) -> None:
    """Windows hold the positions they are said to, and go back to where they were."""
    partition, reverse = (written(f"window_{name}", window, shifted) for name in ("partition", "reverse"))
    for sizes in product(lengths, repeat=len(window)):
        x = torch.rand(2, *sizes, 3)
        shape = tuple(x.shape[1:])
        y = run(partition, (shape,), x)
        expected = []
        for cell in places(window, sizes):
            for place in cell:
                padded = [-(-size // w) * w for w, size in zip(window, sizes, strict=True)]
                shift = moved(window, sizes, shifted)
                at = tuple((p + s) % n for p, s, n in zip(place, shift, padded, strict=True))
                inside = all(p < size for p, size in zip(at, sizes, strict=True))
                expected.append(x[(slice(None), *at)] if inside else torch.zeros(2, 3))
        assert torch.equal(y, torch.stack(expected, 1).view(2, -1, prod(window), 3))
        assert partition.shapes(shape) == (tuple(y.shape[1:]),)
        assert torch.equal(run(reverse, (tuple(y.shape[1:]), shape), y, x), x)
        assert reverse.shapes(tuple(y.shape[1:]), shape) == (shape,)


@pytest.mark.parametrize(("window", "lengths"), SIZES)
@pytest.mark.parametrize("more", [(), (2,)])
def test_mask(window: tuple[int, ...], lengths: tuple[int, ...], more: tuple[int, ...]) -> None:
    """Lowered are pairs that were not in reach of each other before the windows were shifted."""
    op = written("window_mask", window, True)
    tokens = prod(window)
    for sizes in product(lengths, repeat=len(window)):
        cells, shift = places(window, sizes), moved(window, sizes, True)
        x, like = torch.zeros(2, len(cells), *more, tokens, tokens), torch.zeros(2, *sizes, 3)
        shapes = tuple(x.shape[1:]), tuple(like.shape[1:])
        y = run(op, shapes, x, like)
        assert op.shapes(*shapes) == shapes[:1]
        for n, cell in enumerate(cells):
            expected = torch.tensor(
                [[-100.0 * apart(p, q, sizes, window, shift) for q in cell] for p in cell]
            )
            assert (y[:, n] == expected).all()


def apart(p: Any, q: Any, sizes: Any, window: Any, shift: Any) -> bool:
    """Whether one of two positions of a window came round an end, and the other did not."""
    ends = [-(-size // w) * w for size, w in zip(sizes, window, strict=True)]
    return any((a + s) // end != (b + s) // end for a, b, end, s in zip(p, q, ends, shift, strict=True))


def test_mask_of_windows_in_place() -> None:
    x, like = torch.rand(2, 4, 4, 4), torch.rand(2, 4, 4, 3)
    op = written("window_mask", (2, 2), False)
    assert torch.equal(run(op, ((4, 4, 4), (4, 4, 3)), x, like), x)


@pytest.mark.parametrize(
    ("call", "shapes"),
    [
        ("pad_to_multiple(7)", ((3, H, W),)),
        ("pad_to_multiple(4x6)", ((3, H, W),)),
        ("pad_to_multiple(7, axes = [0, 1])", ((H, W, 3),)),
        ("pad_to_multiple(5, axes = [1])", ((H, 12, 3),)),
        ("window_partition(7)", ((H, W, 3),)),
        ("window_partition(7x4, shifted = true)", ((H, 20, 3),)),
        ("window_reverse(4, shifted = true)", (((H + 3) // 4 * ((W + 3) // 4), 16, 3), (H, W, 2))),
        ("window_mask(4, shifted = true)", (((H + 3) // 4 * ((W + 3) // 4), 2, 16, 16), (H, W, 3))),
        ('crop_like(keep = "start", axes = [0, 1])', ((H, W, 3), (H // 2, W // 3, 4))),
        ('crop_like(keep = "start")', ((2, H, W), (1, H // 2, W))),
        ("crop_like(axes = [1])", ((H, W, 3), (5, W // 3, 4))),
    ],
)
@settings(max_examples=20)
@given(h=st.integers(3, 40), w=st.integers(3, 40))
def test_varying(call: str, shapes: tuple[Shape, ...], h: int, w: int) -> None:
    """The text for sizes that vary does what the text for each size does."""
    op = read(call)
    sizes = {"H": h, "W": w}
    concrete = tuple(shape_at(shape, sizes) for shape in shapes)
    xs = [torch.rand(2, *shape) for shape in concrete]
    y = run(op, shapes, *xs)
    assert torch.equal(y, run(op, concrete, *xs))
    assert tuple(y.shape[1:]) == shape_at(op.infer(*shapes), sizes)
