"""Computing in another type than float32: close to float32, ordinary weights, and no way that is quietly slow."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from resdsl.cli import main

from .specs import RESIDUAL as TEXT
from .specs import net

torch = pytest.importorskip("torch")

from resdsl.backend import compile as compiling  # noqa: E402
from resdsl.backend.build import build  # noqa: E402
from resdsl.backend.compile import Compiled, Slow, compile_net, memory_format  # noqa: E402
from resdsl.backend.inference import generated  # noqa: E402
from resdsl.backend.inference.fold import folded  # noqa: E402
from resdsl.backend.inference.onednn import fast  # noqa: E402

from .compiled import step  # noqa: E402
from .reference import randomise  # noqa: E402

pytestmark = pytest.mark.usefixtures("fresh_dynamo")

BF16 = torch.bfloat16


@pytest.fixture
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphs run as they are, which takes no time to compile."""
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **o: compile_(f, backend="eager"))


def made(dtype: Any = BF16, **options: Any) -> Compiled:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Slow)  # whatever this processor computes in
        found = compile_net(net(TEXT), device="cpu", dtype=dtype, **options)
    randomise(found.eager)
    return found


def off(a: Any, b: Any) -> float:
    return float((a.float() - b).norm() / b.norm())


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("dtype", [BF16, torch.float16])
@pytest.mark.parametrize("given", ["float32", "the same"])
def test_inference(dtype: Any, given: str) -> None:
    """As far from float32 as eager is under autocast, or nearer, and of the type that was asked for."""
    found = made(dtype).train(False)
    x = torch.randn(4, 3, 12, 20)
    with torch.no_grad():
        exact = found.eager(x)
        with torch.autocast("cpu", dtype):
            autocast = found.eager(x)
        got = found.module(x if given == "float32" else x.to(dtype))
    assert got.dtype == dtype
    assert off(got, exact) <= 1.5 * off(autocast, exact) + torch.finfo(dtype).eps
    assert all(t.dtype == torch.float32 for t in found.module.state_dict().values() if t.is_floating_point())
    assert found.how.endswith(f"in {str(dtype).removeprefix('torch.')}")
    assert found.dispatch is not None
    assert [w.name for w in found.dispatch.ways.values()] == ["onednn" if fast(dtype) else "folded"]


@pytest.mark.usefixtures("uncompiled")
def test_it_follows_the_weights() -> None:
    found = made().train(False)
    x = torch.randn(2, 3, 12, 12)
    with torch.no_grad():
        first = found.module(x)
        found.module.fc.bias.add_(8)
        assert off(found.module(x), first.float() + 8) < 0.02
        with torch.autocast("cpu", torch.float16):  # its own type comes first
            assert torch.equal(found.module(x), found.module(x).to(BF16))


def test_statistics_are_not_rounded() -> None:
    """Norms fold in float32: a mean that bfloat16 cannot hold still cancels exactly."""
    text = "net n { input x: [3, 4, 4]\n conv(4, 1x1, bias = true)\n batchnorm }"
    found = compile_net(net(text), device="cpu").eager.eval()
    conv, norm = (m for m in found.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.BatchNorm2d)))
    with torch.no_grad():
        conv.bias.fill_(1000.5)
        norm.running_mean.fill_(1000.5)
        x = torch.randn(2, 3, 4, 4)
        assert off(folded(found, BF16)(x.to(BF16)), found(x)) < 0.02
        assert off(found.to(BF16)(x.to(BF16)), found.float()(x)) > 0.1


@pytest.mark.usefixtures("eager_compiler")
def test_a_training_step() -> None:
    """Under autocast: gradients in float32, near those of float32, and statistics as they come."""
    found = made().train()
    x = torch.randn(8, 3, 12, 12)
    ours, exact = step(found.module, x), step(found.eager, x)
    with torch.autocast("cpu", BF16):
        autocast = step(found.eager, x)
    assert ours["out"].dtype == BF16
    weights = [name for name, _ in found.module.named_parameters()]
    assert all(ours[name].dtype == torch.float32 for name in weights)
    far, as_far = (sum(off(step_[n], exact[n]) for n in weights) for step_ in (ours, autocast))
    assert far <= 1.5 * as_far
    assert found.dispatch is not None
    assert [w.name for w in found.dispatch.ways.values()] == ["signatures"]


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("options", [{"by_torch": True}, {"dynamic": True}, {"mode": "default"}])
def test_by_torch(options: dict[str, Any]) -> None:
    found = made(**options).train(False)
    x = torch.randn(2, 3, 12, 12)
    with torch.no_grad():
        got = found(x)
        assert got.dtype == BF16
        assert off(got, found.eager(x)) < 0.05


def test_float32_is_the_same_as_nothing() -> None:
    found = compile_net(net(TEXT), device="cpu", dtype=torch.float32)
    assert found.dispatch is not None
    assert found.dispatch.dtype is None
    with pytest.raises(ValueError, match="dtype is one of float32, bfloat16, float16, not float64"):
        compile_net(net(TEXT), device="cpu", dtype=torch.float64)


def test_a_slow_type_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(compiling, "fast", lambda dtype: dtype == BF16)
    with pytest.warns(Slow, match="does not compute in float16: it is slower here than float32; bfloat16 is"):
        compile_net(net(TEXT), device="cpu", dtype=torch.float16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile_net(net(TEXT), device="cpu", dtype=BF16)


def test_layout_on_a_gpu() -> None:
    """Tensor cores want channels last; float32 does not run on them."""
    module = compile_net(net(TEXT), device="cpu").eager
    assert memory_format(module, "cuda", BF16) == torch.channels_last
    assert memory_format(module, "cuda", torch.float32) == torch.contiguous_format


# ---------------------------------------------------------------- generated code


@pytest.mark.usefixtures("uncompiled")
def test_refreshing() -> None:
    """On a GPU, code reads weights where they are: new ones are written there, also over those of another layout."""
    module = build(net(TEXT)).eval()
    randomise(module)
    ours = generated.Generated(module, BF16, torch.channels_last, {}, constant=False)
    before = [t.data_ptr() for t in ours.graph.parameters()]
    x = torch.randn(2, 3, 12, 12)
    with torch.no_grad():
        run = ours.runs([x.to(BF16)])
        for _ in range(2):
            assert off(run(x.to(BF16)), module(x)) < 0.05
            randomise(module, seed=1)
            ours.refresh()
    assert [t.data_ptr() for t in ours.graph.parameters()] == before
    assert module.conv1.weight.dtype == torch.float32
    assert module.conv1.weight.is_contiguous()


class _Graph:
    """A CUDA graph as it is used here: what was captured runs again, on the same tensors."""

    def __init__(self, function: Any, replay: Any) -> None:
        self.replay = lambda: replay.outputs.copy_(function(*replay.inputs))


def test_replaying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs are copied in and outputs out: a later call changes nothing that an earlier one gave."""
    replay = generated.Replay.__new__(generated.Replay)
    replay.inputs, replay.outputs = [torch.zeros(2, 3)], torch.zeros(2, 3)
    replay.graph = _Graph(torch.square, replay)
    replay.lock, replay.done = generated.Lock(), type("Event", (), {"record": lambda self: None})()
    monkeypatch.setattr(
        torch.cuda, "current_stream", lambda: type("S", (), {"wait_event": lambda *_: None})()
    )
    x, y = torch.randn(2, 3), torch.randn(2, 3)
    first, second = replay(x), replay(y)
    assert torch.equal(first, x.square())
    assert torch.equal(second, y.square())
    with torch.inference_mode():
        assert torch.equal(replay(x), first)


def test_constants_of_the_code() -> None:
    """On the CPU weights become constants, and the code is made again when they change."""
    found = made(BF16, mode="max-autotune").train(False)
    assert found.dispatch is not None
    x = torch.randn(2, 3, 12, 12)
    with torch.no_grad():
        assert off(found.module(x), found.eager(x)) < 0.05
        way = found.dispatch._folded([x.to(BF16)])
        assert (way.name, way.refresh) == ("folded", None)
        assert off(way.run(x.to(BF16)), found.eager(x)) < 0.05


def test_algorithms_are_tried_here_alone() -> None:
    before = torch.backends.cudnn.benchmark
    with generated.trying_algorithms():
        assert torch.backends.cudnn.benchmark
    assert torch.backends.cudnn.benchmark == before


# ---------------------------------------------------------------- the command


def test_the_command(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "n.res"
    spec.write_text(TEXT)
    command = ["compile", str(spec), "--at", "3x12x12", "--device", "cpu"]
    assert main([*command, "--dtype", "bf16"]) == 0
    assert "in bfloat16" in capsys.readouterr().out
    assert main([*command, "--dtype", "bf16", "-o", str(tmp_path / "n.py")]) == 2
    assert "is written in float32: leave --dtype out" in capsys.readouterr().err
    assert not (tmp_path / "n.py").exists()
    for wrong in (["--dtype", "int8"], ["--mode", "fast"]):
        with pytest.raises(SystemExit, match="2"):
            main([*command, *wrong])
    if not torch.cuda.is_available():
        assert main([*command[:-1], "cuda", "--dtype", "bf16"]) == 2
        assert "there is no CUDA device here" in capsys.readouterr().err
