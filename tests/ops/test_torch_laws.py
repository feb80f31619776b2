"""What holds for every op against torch, with its examples and with arguments at random."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402, TID253

from resdsl.ops import OPS  # noqa: E402
from resdsl.ops.base import Op, Reject  # noqa: E402
from resdsl.sizes import Shape  # noqa: E402

from .calls import drawn, inputs  # noqa: E402
from .test_laws import each_example, each_op  # noqa: E402
from .torch_text import forward, module, run, tensors  # noqa: E402


@each_example
def test_shape(op: Op, shapes: tuple[Shape, ...]) -> None:
    outputs = forward(op, shapes, "meta")
    assert tuple((2, *shape) for shape in op.shapes(*shapes)) == tuple(out.shape for out in outputs)


@each_example
def test_params_and_macs(op: Op, shapes: tuple[Shape, ...]) -> None:
    check_counts(op, shapes)


@each_example
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_module_equals_text(op: Op, shapes: tuple[Shape, ...], training: bool) -> None:
    """A module in an `nn.Sequential` and the text in `forward` give the same bits and gradients."""
    made = module(op, shapes, training)
    if made is None or not op.chains(*shapes):
        return
    results = []
    for way in (made, lambda x: run(op, [x], made, training)):
        torch.manual_seed(0)
        (x,) = tensors(shapes)
        x.requires_grad_()
        y = way(x)
        y.square().sum().backward()
        results.append((y, x.grad))
    (y, dx), (z, dz) = results
    assert torch.equal(y, z)
    assert torch.equal(dx, dz)


@each_example
def test_window(op: Op, shapes: tuple[Shape, ...]) -> None:
    """No output depends on more of the input than `window` says, and a convolution on no less."""
    field = op.window(*shapes)
    if op.category not in ("conv", "pool", "shape") or field is None:
        return
    made = module(op, shapes)
    xs = [x.requires_grad_() for x in tensors(shapes, batch=1)]
    y = run(op, xs, made)
    y = y if isinstance(y, torch.Tensor) else y[0]
    extents = field or ((1, 1),) * (len(shapes[0]) - 1)
    if y.dim() != xs[0].dim():
        return
    middle = tuple(size // 2 for size in y.shape[2:])
    (grad,) = torch.autograd.grad(y[(0, slice(None), *middle)].sum(), xs[0])
    seen = grad[0].abs().sum(0).nonzero()
    spans = (seen.amax(0) - seen.amin(0) + 1).tolist()
    assert all(span <= extent for span, (extent, _) in zip(spans, extents, strict=True)), spans
    if op.name == "conv":
        assert spans == [extent for extent, _ in extents]


@each_op
@given(st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_sound(cls: type[Op], data: st.DataObject) -> None:
    """What is accepted runs and has the shape inferred; what is rejected, torch rejects too."""
    op, shapes = data.draw(drawn(cls)), data.draw(inputs(cls.arity))
    try:
        expected = op.shapes(*shapes)
    except Reject as reject:
        allowed = STRICTER.get(op.name)
        if (allowed is not None and allowed(op, shapes)) or own_rule(op, shapes[0], reject):
            return
        try:
            forward_quietly(op, shapes)
        except Exception:
            return
        raise AssertionError(f"torch takes {op} of {shapes}, but: {reject.message}") from None
    outputs = forward_quietly(op, shapes)
    assert tuple((2, *shape) for shape in expected) == tuple(out.shape for out in outputs)
    check_counts(op, shapes)


def own_rule(op: Op, shape: Shape, reject: Reject) -> bool:
    """Rules of the language, which torch does not have."""
    if reject.code == "missing-argument":  # a padding without a default
        return True
    value = getattr(op, reject.blame, None) if isinstance(reject.blame, str) else None
    if reject.blame in ("weight", "bias"):  # an initialiser for what does not exist
        return not getattr(op, "affine", True)
    if reject.blame == "axis":  # the batch is no axis
        return isinstance(value, int) and value < -len(shape)
    return isinstance(value, tuple) and len(value) != len(shape) - 1  # a size for each axis


STRICTER: dict[str, Callable[[Any, tuple[Shape, ...]], bool]] = {
    # Torch stretches either operand.
    "add": lambda op, xs: len(set(xs)) > 1,
    "mul": lambda op, xs: len(set(xs)) > 1,
    "scale": lambda op, xs: True,
    # Torch makes empty results, of size 0 but not of less.
    "conv_transpose": lambda op, xs: op.padding not in (None, 0),
    # In evaluation, a batch of 1 fails.
    "groupnorm": lambda op, xs: xs[0][:1] == (op.groups,) and set(xs[0][1:]) <= {1},
    # Torch makes unequal parts, so that the number of outputs varies.
    "chunk": lambda op, xs: xs[0] != () and xs[0][op.axis % len(xs[0])] % op.n != 0,
    # Torch takes further axes in front.
    "pixel_shuffle": lambda op, xs: len(xs[0]) != 3,
    "pixel_unshuffle": lambda op, xs: len(xs[0]) != 3,
    # Without spatial axes there is nothing to slice, and F.pad with a negative amount crops.
    "zero_pad": lambda op, xs: len(xs[0]) not in (2, 3, 4) or op.channels < xs[0][0],
    # Torch makes empty results in this mode.
    "resize": lambda op, xs: op.mode == "area",
    # A slice takes what there is; test_crop.py and test_slice.py have these.
    "crop": lambda op, xs: True,
    "crop_like": lambda op, xs: True,
    "slice": lambda op, xs: True,
    # Without a second axis the batch would be taken for tokens.
    "attention": lambda op, xs: any(len(x) != 2 for x in xs),
    # Torch stretches either operand, or the leading axes.
    "lerp": lambda op, xs: len(set(xs)) > 1,
    "shake": lambda op, xs: len(set(xs)) > 1,
    "offset": lambda op, xs: True,
    "matmul": lambda op, xs: True,
    "dot_product_attention": lambda op, xs: True,
    # A name that is neither split nor merged leaves no trace; test_rearrange.py has these.
    "rearrange": lambda op, xs: True,
    "repeat": lambda op, xs: True,
    # Torch stretches an axis of size 1.
    "einsum": lambda op, xs: any(1 in x for x in xs),
    # Torch takes a table with more rows, or with more axes.
    "relative_positions": lambda op, xs: True,
    # What the op it runs is stricter about.
    "vmap": lambda op, xs: True,
    # Torch takes positions of any shape.
    "gather": lambda op, xs: len(xs[1]) != 1,
    # The functions take what can be stretched, or is no map; test_window.py has these.
    "window_partition": lambda op, xs: len(xs[0]) < 2,
    "window_reverse": lambda op, xs: True,
    "window_mask": lambda op, xs: True,
    # A value that is not used.
    "pad": lambda op, xs: op.mode != "constant" and op.value != 0,
}
"""Where an op takes less than torch, with the reason."""


def forward_quietly(op: Op, shapes: tuple[Shape, ...]) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return forward(op, shapes, training=True)


def check_counts(op: Op, shapes: tuple[Shape, ...]) -> None:
    made = module(op, shapes)
    stored = sum(p.numel() for p in made.parameters()) if made is not None else 0
    assert op.params(*shapes) == stored
    if made is not None:
        made.to("meta")
    with FlopCounterMode(display=False) as counter:
        run(op, tensors(shapes, "meta", batch=1, op=op), made)
    assert 2 * op.macs(*shapes) == counter.get_total_flops()


def test_drop_path_is_torchvisions() -> None:
    """The draws of `torchvision.ops.stochastic_depth(x, p, "row")`, written out."""

    def expected(x: Any, p: float) -> Any:
        if p == 0:
            return x
        noise = torch.empty([x.shape[0]] + [1] * (x.ndim - 1)).bernoulli_(1.0 - p)
        return x * (noise.div_(1.0 - p) if p < 1 else noise)

    for p in (0.0, 0.3, 1.0):
        x = torch.rand(8, 3, 4, 4)
        torch.manual_seed(1)
        y = expected(x, p)
        torch.manual_seed(1)
        assert torch.equal(y, run(OPS["drop_path"](p), [x], training=True))  # type: ignore[call-arg]
        assert torch.equal(x, run(OPS["drop_path"](p), [x], training=False))  # type: ignore[call-arg]
