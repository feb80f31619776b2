"""A compiled module on the CPU: an ordinary module, whatever runs its calls."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from .specs import RESIDUAL, bundled

torch = pytest.importorskip("torch")

from resdsl.backend import dispatch  # noqa: E402
from resdsl.backend.inference import onednn  # noqa: E402
from resdsl.backend.signature import aot  # noqa: E402

from .compiled import agree, made, step  # noqa: E402


@pytest.mark.usefixtures("eager_compiler")
@pytest.mark.parametrize("training", [True, False])
def test_steps_of_several_batches(training: bool) -> None:
    """Forward, gradients and statistics are those of eager, and each signature is lowered once a batch size."""
    found = made()
    found.train(training)
    for batch in (2, 1, 3, 5, 2):
        x = torch.randn(batch, 3, 12, 20)
        agree(step(found.module, x), step(found.eager, x))
    assert found.dispatch is not None
    ways = list(found.dispatch.ways.values())
    assert [w.name for w in ways] == ["signatures"] * 4
    assert all("6 kinds of 8 steps" in w.why for w in ways)


def test_generated_code() -> None:
    """With torch's generated code, gradients are those of `torch.compile`, bit for bit."""
    found = made()
    whole = torch.compile(found.eager, dynamic=False)
    x = torch.randn(2, 3, 12, 12).contiguous(memory_format=torch.channels_last)
    ours, theirs = step(found.module.train(), x), step(found.eager.train(), x)
    agree(ours, theirs)
    twin = {name.removeprefix("_orig_mod."): value for name, value in step(whole, x).items()}
    for name, value in ours.items():
        if "after" not in name:
            assert torch.equal(value, twin[name]), name
    assert found.graphs >= 12


def test_inference_follows_the_weights() -> None:
    """Packed weights are packed again when a weight or statistic changes, in whatever way."""
    found = made().train(False)
    x = torch.randn(2, 3, 12, 20)

    def same() -> None:
        with torch.no_grad():
            torch.testing.assert_close(found.module(x), found.eager(x), rtol=1e-4, atol=1e-5)

    same()
    assert found.dispatch is not None
    assert [w.name for w in found.dispatch.ways.values()] == ["onednn"]
    with torch.no_grad():
        found.module.conv1.weight.mul_(1.5)
    same()
    found.module.bn1.running_mean.add_(0.3)
    same()
    found.module.load_state_dict({k: v * 0.9 for k, v in found.module.state_dict().items()})
    same()


def test_inputs_are_left_alone() -> None:
    found = made("net n { input x: [4, H, W]\n residual { conv(4, 3x3, bias = true) } shortcut: identity }")
    x = torch.randn(1, 4, 6, 6)
    kept = x.clone()
    with torch.no_grad():
        first = found.train(False).module(x)
        assert torch.equal(found.module(x), first)
    assert torch.equal(x, kept)


def test_it_is_an_ordinary_module() -> None:
    found = made().train(False)
    assert list(found.module.state_dict()) == list(found.eager.state_dict())
    x = torch.randn(2, 3, 12, 12)
    other = copy.deepcopy(found.module)
    seen: list[Any] = []
    with torch.no_grad():
        assert torch.equal(other(x), found.module(x))
        other.fc.bias.add_(1)
        assert torch.allclose(other(x), found.module(x) + 1)
        handle = found.module.layer1[0].register_forward_hook(lambda *_: seen.append(1))
        torch.testing.assert_close(found.module(x), found.eager(x))
        handle.remove()
    assert seen == [1]
    with pytest.raises(ValueError, match="the input is"):
        found.module(torch.randn(2, 4, 12, 12))


@pytest.mark.usefixtures("eager_compiler")
def test_frozen_layers() -> None:
    """Parameters without gradients get none, and norms that are set to evaluation keep their statistics."""
    found = made().train()
    for module in (found.module, found.eager):
        module.layer1.requires_grad_(False)
        module.bn1.eval()
    x = torch.randn(2, 3, 12, 12)
    agree(step(found.module, x), step(found.eager, x))
    assert found.module.layer1[0].conv1.weight.grad is None


@pytest.mark.usefixtures("eager_compiler")
def test_gradients_of_the_input_and_of_two_branches() -> None:
    found = made(
        """block unit { residual { conv(4, 3x3); batchnorm; relu } shortcut: identity }
        net n { input x: [4, H, W]
          unit x 2 as y
          a = from y -> conv(2, 1x1, bias = true)
          b = from y -> unit x 2
          from y, b -> add as c
          output a, c }"""
    ).train()
    results = []
    for module in (found.module, found.eager):
        x = torch.ones(2, 4, 6, 6, requires_grad=True)
        step(module, x)
        results.append(x.grad)
    torch.testing.assert_close(*results)


@pytest.mark.usefixtures("eager_compiler")
def test_a_second_backward_pass_says_why() -> None:
    found = made().train()
    loss = found.module(torch.randn(2, 3, 8, 8)).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="second"):
        loss.backward()


def test_without_the_private_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where torch has changed, `torch.compile` serves, and says why."""
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **o: compile_(f, backend="eager", **o))
    monkeypatch.setattr(dispatch, "available", lambda: False)

    def changed(*_: Any) -> Any:
        raise aot.NotLowered("torch has changed")

    monkeypatch.setattr(dispatch.Lowering, "program", changed)
    found = made()
    x = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(found.train(False).module(x), found.eager(x))
    agree(step(found.train().module, x), step(found.eager, x))
    assert found.dispatch is not None
    assert [(w.name, w.why) for w in found.dispatch.ways.values()][1] == (
        "torch.compile",
        "torch has changed",
    )


def test_layout() -> None:
    """Channels last, but for what is not safe there: a strided 1x1 convolution of few channels."""
    wide, narrow = made(), made(RESIDUAL.replace("16", "8"))
    assert wide.module.conv1.weight.is_contiguous(memory_format=torch.channels_last)
    assert narrow.module.layer1[0].conv1.weight.is_contiguous()
    assert not narrow.module.layer1[0].conv1.weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("file", "name", "way"),
    [
        ("cifar_resnet", "resnet20", "onednn"),
        ("mobilenet_v2", "mobilenet_v2_0_35", "onednn"),
        ("se_resnet", "se_resnet18", "onednn"),
        ("preact_resnet", "preact_resnet18", "onednn"),
        ("lenet", "lenet5", "onednn"),
        ("audio_resnet", "m3", "onednn"),
        ("densenet", "densenet40_k12", "norms do not follow"),
        ("vit", "vit_b_32", "other calls"),
    ],
)
def test_what_suits(file: str, name: str, way: str) -> None:
    from resdsl.backend.build import load
    from resdsl.backend.dynamic import example, usual_sizes
    from resdsl.emit import emit, net_class

    checked = bundled(file, name)
    module = load(emit(checked, check_sizes=False), net_class(checked), name).eval()
    graph = onednn.packed(module, example(checked, 1, usual_sizes(checked)))
    assert way in (onednn.unsuited(graph) or "onednn")


@pytest.mark.usefixtures("eager_compiler")
def test_distributed_and_autocast() -> None:
    """Wrapped for data parallel training, and in another type, gradients arrive as from eager."""
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        found = made().train()
        x = torch.randn(2, 3, 12, 12)
        wrapped = torch.nn.parallel.DistributedDataParallel(found.module)
        ours = {name.removeprefix("module."): value for name, value in step(wrapped, x).items()}
        agree(ours, step(found.eager, x))
    finally:
        torch.distributed.destroy_process_group()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = found.module(x)
    assert out.dtype == torch.bfloat16
    out.float().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in found.module.parameters())


@pytest.mark.usefixtures("eager_compiler")
def test_an_optimiser() -> None:
    """Three steps of SGD lead where eager goes, and inference follows."""
    found = made()
    other = copy.deepcopy(found.eager)
    x, y = torch.randn(4, 3, 12, 12), torch.tensor([0, 1, 2, 3])
    for module in (found.module, other):
        module.train()
        optimiser = torch.optim.SGD(module.parameters(), lr=1e-3, momentum=0.9)
        for _ in range(3):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(module(x), y).backward()
            optimiser.step()
        module.eval()
    with torch.no_grad():
        torch.testing.assert_close(found.module(x), other(x), rtol=1e-3, atol=1e-3)
    with torch.inference_mode():
        torch.testing.assert_close(found.module(x), other(x), rtol=1e-3, atol=1e-3)


def test_weights_of_inference_mode() -> None:
    """They do not count their changes, so they are packed for each call."""
    with torch.inference_mode():
        found = made().train(False)
        x = torch.randn(1, 3, 12, 12)
        for _ in range(2):
            torch.testing.assert_close(found.module(x), found.eager(x), rtol=1e-4, atol=1e-5)
            found.module.fc.bias.add_(1)
