"""`rearrange` against the definition: split every axis, permute, merge."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resdsl.ops.base import Reject
from resdsl.ops.rearrange import Rearrange
from resdsl.sizes import Dim, Shape, evaluate, shape_at, variable

from .calls import mapped, read
from .text import source

torch = pytest.importorskip("torch")

from .torch_text import NAMES  # noqa: E402

H, W = variable("H"), variable("W")
h, w = H // 4, W // 4


def sizes_of(op: Rearrange, shape: tuple[int, ...]) -> dict[str, int] | None:
    """The size of each name; None where they do not fit."""
    sizes: Any = dict(op.sizes)
    if len(shape) != len(op.mapping.source):
        return None
    for axis, size in zip(op.mapping.source, shape, strict=True):
        rest, remainder = divmod(size, prod(sizes.get(name, 1) for name in axis))
        unknown = [name for name in axis if name not in sizes]
        if remainder or (not unknown and rest != 1):
            return None
        sizes.update(dict.fromkeys(unknown, rest))
    return sizes  # type: ignore[no-any-return]


def expected(op: Rearrange, x: Any, sizes: dict[str, int]) -> Any:
    names = op.mapping.names
    order = [names.index(name) + 1 for axis in op.mapping.target for name in axis]
    parts = x.reshape(len(x), *(sizes[name] for name in names)).permute(0, *order)
    return parts.reshape(len(x), *(prod(sizes[n] for n in axis) for axis in op.mapping.target))


def run(op: Rearrange, symbolic: tuple[Shape, ...], xs: list[Any]) -> Any:
    return eval(source(op.text(*symbolic), len(xs)), NAMES | {f"x{i}": x for i, x in enumerate(xs)})


@given(mapped(Rearrange), st.data())
@settings(max_examples=500)
def test_definition(op: Rearrange, data: st.DataObject) -> None:
    known = dict(op.sizes)
    drawn = {name: known.get(name) or data.draw(st.integers(1, 3)) for name in op.mapping.names}
    shape = [prod(drawn[name] for name in axis) for axis in op.mapping.source]
    if shape and data.draw(st.integers(0, 3)) == 0:
        shape[data.draw(st.integers(0, len(shape) - 1))] += 1
    sizes = sizes_of(op, tuple(shape))
    if sizes is None:
        with pytest.raises(Reject):
            op.shapes(tuple(shape))
        return
    x = torch.rand(2, *shape)
    y = run(op, (tuple(shape),), [x])
    assert torch.equal(y, expected(op, x, sizes))
    assert op.shapes(tuple(shape)) == (tuple(y.shape[1:]),)


VARYING: list[tuple[str, tuple[tuple[str, Dim], ...], tuple[Shape, ...], Shape, str]] = [
    ("[c, h, w] -> [h * w, c]", (), ((8, h, w),), (h * w, 8), "x0.flatten(2).transpose(1, 2)"),
    (
        "[h * w, c] -> [c, h, w]",
        (("h", h),),
        ((h * w, 8), (4, h, w)),
        (8, h, w),
        "x0.unflatten(1, (x1.shape[2], -1)).permute(0, 3, 1, 2)",
    ),
    (
        "[h * w, c] -> [c, h, w]",
        (("h", h), ("w", w)),
        ((h * w, 8), (3, 1, W // 4 * 4)),
        (8, h, w),
        "x0.unflatten(1, (-1, x1.shape[3] // 4)).permute(0, 3, 1, 2)",
    ),
    (
        "[n * a, m * b, c] -> [n, m, a * b, c]",
        (("a", 7), ("b", 7)),
        ((7 * h, 7 * w, 8),),
        (h, w, 49, 8),
        "x0.unflatten(1, (-1, 7)).unflatten(3, (-1, 7)).transpose(2, 3).flatten(3, 4)",
    ),
    (
        "[n, m, a * b, c] -> [n * a, m * b, c]",
        (("a", 7),),
        ((h, w, 49, 8),),
        (7 * h, 7 * w, 8),
        "x0.unflatten(3, (7, -1)).transpose(2, 3).flatten(1, 2).flatten(2, 3)",
    ),
    (
        "[h * w] -> [w, h]",
        (("w", w),),
        ((4 * h * w,), (w,)),
        (w, 4 * h),
        "x0.unflatten(1, (-1, x1.shape[1])).transpose(1, 2)",
    ),
    (
        "[h * g] -> [g, h]",
        (("g", h),),
        ((3 * h,),),
        (h, 3),
        "x0.unflatten(1, (-1, x0.shape[1] // 3)).transpose(1, 2)",
    ),
]


@pytest.mark.parametrize(
    ("mapping", "known", "shapes", "result", "text"), VARYING, ids=[v[0] for v in VARYING]
)
def test_varying(
    mapping: str, known: tuple[tuple[str, Dim], ...], shapes: tuple[Shape, ...], result: Shape, text: str
) -> None:
    """Sizes that vary are followed exactly, and read off the values at hand."""
    call = read(f"rearrange({mapping}, {', '.join(f'{name} = 1' for name, _ in known)})")
    assert isinstance(call, Rearrange)
    op = Rearrange(call.mapping, known)
    assert op.shapes(*shapes) == (result,)
    assert source(op.text(*shapes), len(shapes)) == text
    for values in ({"H": 24, "W": 20}, {"H": 9, "W": 31}):
        concrete = [shape_at(shape, values) for shape in shapes]
        xs = [torch.rand(2, *shape) for shape in concrete]
        at = Rearrange(op.mapping, tuple((n, evaluate(size, values)) for n, size in known))
        sizes = sizes_of(at, concrete[0])
        assert sizes is not None
        assert torch.equal(run(op, shapes, xs), expected(at, xs[0], sizes))


@pytest.mark.parametrize(
    ("call", "shapes", "code", "says"),
    [
        ("rearrange([h * w] -> [w, h], h = 1)", ((h * w,),), "varying-size", "is no size of what arrives"),
        ("rearrange([a * b] -> [b, a], a = 1)", ((8,),), "varying-size", "cannot be followed"),
        ("rearrange([a * b] -> [b, a], a = 1)", ((W,),), "varying-size", "cannot be followed"),
        ("rearrange([a, b] -> [b, a])", ((4, 6), (4, 6)), "bad-shape", "takes one value"),
    ],
)
def test_cannot_be_followed(call: str, shapes: tuple[Shape, ...], code: str, says: str) -> None:
    op = read(call)
    assert isinstance(op, Rearrange)
    if op.sizes:
        op = Rearrange(op.mapping, ((op.sizes[0][0], h),))
    with pytest.raises(Reject, match=says) as caught:
        op.shapes(*shapes)
    assert caught.value.code == code


def test_conditions() -> None:
    """What the input sizes must meet."""
    op = read("rearrange([n * a, c] -> [n, a, c], a = 7)")
    assert [(n.left, n.relation, n.right) for n in op.needs((H, 8))] == [(H % 7, "==", 0)]


def test_shuffle_keeps_the_memory_format() -> None:
    op = read("rearrange([g * c, h, w] -> [c * g, h, w], g = 2)")
    assert isinstance(op, Rearrange)
    x = torch.rand(2, 8, 5, 5).to(memory_format=torch.channels_last)
    y = run(op, ((8, 5, 5),), [x])
    assert y.is_contiguous(memory_format=torch.channels_last)
