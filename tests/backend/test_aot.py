"""What is used of torch's compiler, which is no public API, is as it was; and the borders between blocks are right."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from resdsl.backend.signature.aot import (  # noqa: E402
    Border,
    FakeTensorMode,
    NotLowered,
    Traced,
    overlapped,
    stand_in,
    trace,
)


class Unit(torch.nn.Module):
    """A residual block that ends in a ReLU, or does not."""

    def __init__(self, relu: bool = True) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.bn = torch.nn.BatchNorm2d(4)
        self.relu = relu

    def forward(self, x: Any) -> Any:
        y = self.bn(self.conv(x)) + x
        return torch.relu(y) if self.relu else y


def traced(unit: Any, x: Any) -> tuple[Traced, list[Any], FakeTensorMode]:
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    tensors = [*unit.parameters(), *unit.buffers()]
    names = [name for name, _ in (*unit.named_parameters(), *unit.named_buffers())]
    return trace(unit, [stand_in(mode, x)], names, [stand_in(mode, t) for t in tensors], mode), tensors, mode


def test_graphs() -> None:
    """Statistics change within the forward graph, and what is kept is what the backward graph takes."""
    unit = Unit().train()
    x = torch.randn(2, 4, 6, 6, requires_grad=True)
    found, tensors, _ = traced(unit, x)
    assert found.ends_in_relu
    assert found.masks_first
    assert found.keeps(0)
    assert found.backward is not None
    out, *kept = found.forward(x.detach(), *(t.detach() for t in tensors))
    before = unit.bn.running_mean.clone()
    expected = torch.relu(unit(x))
    torch.testing.assert_close(out, expected)
    assert not torch.equal(before, torch.zeros(4)), "the forward graph has updated the statistics"
    tangent = torch.randn_like(out)
    gradients = found.backward(*kept, tangent)
    wanted = torch.autograd.grad(expected, [x, *unit.parameters()], tangent)
    for gradient, want in zip(gradients, wanted, strict=False):
        torch.testing.assert_close(gradient, want)
    assert not traced(Unit(relu=False).train(), x)[0].ends_in_relu


@pytest.mark.parametrize(
    "border", [Border(), Border(masked=True), Border(masks=True), Border(True, True), Border(kept=True)]
)
def test_borders(border: Border) -> None:
    """With a mask moved across the border, gradients are those of the other side of the ReLU."""
    unit = Unit().train()
    x = torch.randn(2, 4, 6, 6).relu().requires_grad_()
    found, tensors, _ = traced(unit, x)
    found.agree(border)
    assert found.backward is not None
    out, *kept = found.forward(x.detach(), *(t.detach() for t in tensors))
    expected = unit(x)
    tangent = torch.randn_like(out)
    arriving = torch.where(out <= 0, 0.0, tangent) if border.masked else tangent
    first, *others = found.backward(*kept, arriving)
    wanted, *others_wanted = torch.autograd.grad(expected, [x, *unit.parameters()], tangent)
    torch.testing.assert_close(first, torch.where(x <= 0, 0.0, wanted) if border.masks else wanted)
    for gradient, want in zip(others, others_wanted, strict=False):
        torch.testing.assert_close(gradient, want)
    masks = [k for k in kept if k.dtype == torch.bool]
    assert len(masks) == (border in (Border(), Border(masks=True))), (
        "a mask is stored where nothing else serves"
    )
    assert any(torch.equal(k, out) for k in kept) == border.kept


def test_generated_code() -> None:
    """Compiled, both passes give the same."""
    unit = Unit().train()
    x = torch.randn(2, 4, 6, 6, requires_grad=True)
    found, tensors, mode = traced(unit, x)
    found.agree(Border())
    lowered = found.compile(mode)
    out, *kept = lowered.forward([x.detach(), *(t.detach() for t in tensors)])
    expected = unit(x)
    torch.testing.assert_close(out, expected)
    assert lowered.backward is not None
    (shape, stride, dtype), *_ = lowered.tangents
    assert (shape, stride, dtype) == (tuple(out.shape), out.stride(), out.dtype)
    gradients = lowered.backward([*kept, torch.ones_like(out)])
    for gradient, want in zip(
        gradients, torch.autograd.grad(expected.sum(), [x, *unit.parameters()]), strict=False
    ):
        torch.testing.assert_close(gradient, want)


def test_donated() -> None:
    """The backward pass writes into what was kept for it alone: no input, no weight, no result, no view of one."""
    found = traced(Unit().train(), torch.randn(2, 4, 6, 6, requires_grad=True))[0]
    found.agree(Border(kept=True))
    assert found.backward is not None
    own = found._donated()
    taken = [node.name for node in found.backward.graph.find_nodes(op="placeholder")]
    assert own
    others = [name for i, name in enumerate(taken) if i not in own]
    assert [name for name in others if name.startswith("primals")] == ["primals_1", "primals_2", "primals_3"]
    assert any(name.endswith("_kept") for name in others), "the result"
    assert any(name.startswith("tangents") for name in others), "may be the user's"


class Head(torch.nn.Module):
    """A mean, whose gradient torch lays out in another way than the images it was made of."""

    def forward(self, x: Any) -> Any:
        return x.mean((2, 3))


def test_gradients_are_laid_out_like_images() -> None:
    """What comes from behind is in the layout that the block before was lowered for, so that nothing is copied."""
    x = torch.randn(2, 4, 6, 6).to(memory_format=torch.channels_last).requires_grad_()
    found, _, mode = traced(Head(), x)
    lowered = found.compile(mode)
    out, *kept = lowered.forward([x.detach()])
    assert lowered.backward is not None
    (gradient,) = lowered.backward([*kept, torch.ones_like(out)])
    assert gradient.stride() == x.stride()
    torch.testing.assert_close(gradient, torch.full_like(x, 1 / 36))


def test_without_gradients() -> None:
    with torch.no_grad():
        found, _, _ = traced(Unit().eval(), torch.randn(1, 4, 6, 6))
    assert found.backward is None
    assert not found.results[0].requires_grad


def test_overlapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the C++ compiler makes is waited for at the end, here and in no other thread."""
    from torch._inductor.async_compile import AsyncCompile

    waited: list[Any] = []
    monkeypatch.setattr(AsyncCompile, "wait", lambda self, scope: waited.append(scope["number"]))
    with overlapped() as begin:
        assert begin() is None, "the kinds of vectors are known"
        AsyncCompile().wait({"number": 1})
        assert waited == []
        other = Thread(target=AsyncCompile().wait, args=({"number": 2},))
        other.start()
        other.join()
        assert waited == [2]
    assert waited == [2, 1]


def test_overlapped_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the C++ compiler fails, the caller learns it as of any other reason."""
    from torch._inductor.async_compile import AsyncCompile

    def fail(self: Any, scope: Any) -> None:
        raise RuntimeError("no space left")

    monkeypatch.setattr(AsyncCompile, "wait", fail)
    with pytest.raises(NotLowered, match="no space left"), overlapped():
        AsyncCompile().wait({})
