"""`einsum` against the definition: all products, and sums of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resdsl.ops.base import Reject
from resdsl.ops.einsum import Einsum
from resdsl.sizes import variable

from .calls import joined, read
from .test_torch_laws import check_counts
from .text import source

torch = pytest.importorskip("torch")

from .torch_text import run  # noqa: E402

H, W = variable("H"), variable("W")


def expected(op: Einsum, a: Any, b: Any, sizes: dict[str, int]) -> Any:
    """Both values on the axes of all names, multiplied and summed."""
    whole = []
    for axes, x in zip((op.mapping.source, *op.mapping.others), (a, b), strict=True):
        here = [name for (name,) in axes]
        order = [here.index(name) + 1 for name in sizes if name in here]
        shape = [n if name in here else 1 for name, n in sizes.items()]
        whole.append(x.permute(0, *order).reshape(-1, *shape))
    products = whole[0] * whole[1]
    kept = [name for (name,) in op.mapping.target]
    summed = [i for i, name in enumerate(sizes, 1) if name not in kept]
    names = [name for name in sizes if name in kept]
    left = products.sum(summed) if summed else products
    return left.permute(0, *(names.index(name) + 1 for name in kept))


@given(joined(Einsum), st.integers(1, 2), st.integers(1, 2), st.data())
@settings(max_examples=300)
def test_definition(op: Einsum, first: int, second: int, data: st.DataObject) -> None:
    """Also where one value is the same for all samples."""
    sizes = {name: data.draw(st.integers(1, 3)) for name in op.mapping.names}
    sides = (op.mapping.source, *op.mapping.others)
    shapes = [tuple(sizes[name] for (name,) in side) for side in sides]
    a, b = (torch.rand(n, *shape).double() for n, shape in zip((first, second), shapes, strict=True))
    y = run(op, [a, b])
    torch.testing.assert_close(y, expected(op, a, b, sizes))
    assert op.shapes(*shapes) == (tuple(y.shape[1:]),)
    check_counts(op, tuple(shapes))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("einsum([n, d], [m, d] -> [n, m])", "bnd,bmd->bnm"),
        ("einsum([b, n], [n, c] -> [b, c])", "Bbn,Bnc->Bbc"),
        ("einsum([query, dim], [key, dim] -> [query, key])", "bqd,bkd->bqk"),
        ("einsum([row, r], [rank, r] -> [rank, row])", "bRr,bar->baR"),
    ],
)
def test_letters(call: str, text: str) -> None:
    assert source(read(call).text((4, 5), (3, 5)), 2) == f'torch.einsum("{text}", x0, x1)'


def test_varying() -> None:
    """Equal names are conditions on the input."""
    op = read("einsum([h, d], [w, d] -> [h, w])")
    assert op.shapes((H, 8), (W // 2, 8)) == ((H, W // 2),)
    needs = read("einsum([h, d], [h, d] -> [d])").needs((H, 8), (7, 8))
    assert [(need.left, need.right) for need in needs] == [(H, 7), (8, 8)]
    needs = Einsum(op.mapping, (("h", 7),)).needs((H, 8), (5, 8))  # type: ignore[attr-defined]
    assert [(need.left, need.right) for need in needs] == [(8, 8), (H, 7)]


@pytest.mark.parametrize(
    ("shapes", "says"),
    [(((8,), (4, 8)), "names 2 axes"), (((6, 8), (4, 6)), "`d` is 8 in the first value and 6")],
)
def test_rejects(shapes: Any, says: str) -> None:
    with pytest.raises(Reject, match=says):
        read("einsum([n, d], [m, d] -> [n, m])").shapes(*shapes)
