"""torchvision as a reference: its models, loaded where its compiled operators are absent."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align(Tensor i, Tensor r, float s, SymInt h, SymInt w, int n, bool a) -> Tensor",
    "qroi_align(Tensor i, Tensor r, float s, SymInt h, SymInt w, int n, bool a) -> Tensor",
    "_roi_align_backward(Tensor g, Tensor r, float s, SymInt h, SymInt w, SymInt b, SymInt c, SymInt e, "
    "SymInt f, int n, bool a) -> Tensor",
    "roi_pool(Tensor i, Tensor r, float s, SymInt h, SymInt w) -> (Tensor, Tensor)",
    "_roi_pool_backward(Tensor g, Tensor r, Tensor a, float s, SymInt h, SymInt w, SymInt b, SymInt c, "
    "SymInt e, SymInt f) -> Tensor",
    "ps_roi_align(Tensor i, Tensor r, float s, SymInt h, SymInt w, int n) -> (Tensor, Tensor)",
    "_ps_roi_align_backward(Tensor g, Tensor r, Tensor m, float s, SymInt h, SymInt w, int n, SymInt b, "
    "SymInt c, SymInt e, SymInt f) -> Tensor",
    "ps_roi_pool(Tensor i, Tensor r, float s, SymInt h, SymInt w) -> (Tensor, Tensor)",
    "_ps_roi_pool_backward(Tensor g, Tensor r, Tensor m, float s, SymInt h, SymInt w, SymInt b, SymInt c, "
    "SymInt e, SymInt f) -> Tensor",
    "deform_conv2d(Tensor i, Tensor w, Tensor o, Tensor m, Tensor b, SymInt sh, SymInt sw, SymInt ph, "
    "SymInt pw, SymInt dh, SymInt dw, SymInt g, SymInt og, bool um) -> Tensor",
    "_deform_conv2d_backward(Tensor g, Tensor i, Tensor w, Tensor o, Tensor m, Tensor b, SymInt sh, "
    "SymInt sw, SymInt ph, SymInt pw, SymInt dh, SymInt dw, SymInt gr, SymInt og, bool um) -> "
    "(Tensor, Tensor, Tensor, Tensor, Tensor)",
)


def torchvision() -> Any:
    """`torchvision.models`; skips where it cannot be loaded."""
    kept = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        name = schema.partition("(")[0]
        try:
            getattr(torch.ops.torchvision, name)
        except AttributeError:
            kept.define(schema)
    globals()["_kept"] = kept
    try:
        import torchvision
    except Exception as reason:
        pytest.skip(f"torchvision does not load: {reason}")
    return torchvision.models


def randomise(module: Any, seed: int = 0) -> None:
    """Random weights, biases and statistics, of a size that keeps values in range."""
    made = torch.Generator().manual_seed(seed)
    for name, tensor in module.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=made)
        elif name.endswith("num_batches_tracked"):
            tensor.fill_(3)
        elif not tensor.is_floating_point():
            continue
        elif tensor.dim() > 1:
            fan = tensor[0].numel()
            tensor.normal_(0, (1.5 / fan) ** 0.5, generator=made)
        else:
            tensor.uniform_(0.3, 0.9, generator=made)


def logits(out: Any) -> Any:
    """The outputs as one vector."""
    if isinstance(out, dict):
        out = tuple(out.values())
    if isinstance(out, tuple):
        return torch.cat([logits(o) for o in out])
    return out.flatten()


def assert_same(ours: Any, theirs: Any, x: Any, *, training: bool = True, rounding: bool = False) -> None:
    """The same keys in the same order, and bit for bit the same logits and gradients.

    With `rounding`, gradients may differ by rounding: where several ways meet, they add up in another order.
    """
    assert list(ours.state_dict()) == list(theirs.state_dict())
    randomise(theirs)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    for mode in (False, True) if training else (False,):
        results = []
        for module in (ours, theirs):
            module.train(mode)
            module.zero_grad()
            torch.manual_seed(0)
            out = logits(module(x))
            out.square().mean().backward()
            results.append((out.detach(), {n: p.grad for n, p in module.named_parameters()}))
        (a, grads), (b, expected) = results
        assert torch.isfinite(b).all()
        assert torch.equal(a, b)
        for name, grad in grads.items():
            other = expected[name]
            if rounding and grad is not None:
                torch.testing.assert_close(grad, other)
            else:
                assert grad is other is None or torch.equal(grad, other), name
        for (name, s), t in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
            assert torch.equal(s, t), name
