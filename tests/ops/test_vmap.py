"""`vmap` against a loop over the items, and against a batch of them."""

from __future__ import annotations

from typing import Any

import pytest

from resdsl.backend.build import build
from resdsl.graph.cost import Cost, cost
from resdsl.sizes import variable

from .calls import read
from .text import source
from .torch_text import module, run, tensors

torch = pytest.importorskip("torch")

from backend.specs import net  # noqa: E402

CALLS = [
    ("conv(8, 3x3, bias = true)", (3, 9, 8)),
    ("conv(6, 3x3x3, stride = 1x2x2, groups = 6)", (6, 4, 8, 8)),
    ("maxpool(3x3, stride = 2)", (3, 9, 8)),
    ("groupnorm(2)", (4, 5, 6)),
    ("attention(2)", (5, 8)),
]


@pytest.mark.parametrize(("call", "shape"), CALLS, ids=[c for c, _ in CALLS])
def test_items_one_by_one(call: str, shape: tuple[int, ...]) -> None:
    op, inner = read(f"vmap({call})"), read(call)
    made = module(op, ((5, *shape),))
    (x,) = tensors(((5, *shape),))
    samples = [[run(inner, [item[None]], made)[0] for item in sample] for sample in x]
    expected = torch.stack([torch.stack(items) for items in samples])
    torch.testing.assert_close(run(op, [x], made), expected)


def test_items_are_samples_of_a_batch_norm() -> None:
    op, shapes = read("vmap(batchnorm)"), ((5, 3, 8, 8),)
    made: Any = module(op, shapes, training=True)
    (x,) = tensors(shapes)
    y = run(op, [x], made, training=True)
    assert torch.equal(y.flatten(0, 1), torch.nn.BatchNorm2d(3)(x.flatten(0, 1)))
    assert made.num_batches_tracked == 1


def test_keys_and_initialisers() -> None:
    """The layer has the name of the statement, and `init conv.weight` fills it."""
    made: Any = build(
        net(
            """
            net n {
              input clip: [T, 3, H, W] at [4, 3, 16, 16]
              init conv.weight = constant(2)
              frames = vmap(conv(8, 3x3, stride = 2, bias = zeros))
              expect frames: [T, 8, ceil(H / 2), ceil(W / 2)]
              expect params == 224
              expect macs == 4 * 8 * 27 * 64
              expect activations == 4 * 8 * 64
            }
            """
        )
    )
    assert list(made.state_dict()) == ["frames.weight", "frames.bias"]
    assert (made.frames.weight == 2).all()
    assert (made.frames.bias == 0).all()
    assert made(torch.rand(2, 5, 3, 9, 8)).shape == (2, 5, 8, 5, 4)


def test_a_pool_is_no_weighted_layer() -> None:
    made = net("net n {\n  input clip: [4, 3, 16, 16]\n  vmap(maxpool(2x2, 2))\n}")
    assert cost(made.graph, {}) == Cost()


def test_number_of_items_varies() -> None:
    op, inner = read("vmap(conv(8, 3x3))"), read("conv(8, 3x3)")
    t, h = variable("T"), variable("H")
    assert op.shapes((t, 3, h, h)) == ((t, 8, h, h),)
    assert source(op.text((t, 3, h, h)), 1) == "m(x0.flatten(0, 1)).unflatten(0, (-1, x0.shape[1]))"
    assert op.layer == inner
