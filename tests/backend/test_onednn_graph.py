"""oneDNN Graph, which torch has a deprecated bridge to, runs a net as its module does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from .specs import bundled, net

torch = pytest.importorskip("torch")

from resdsl.backend.build import load  # noqa: E402
from resdsl.backend.compile import compile_net  # noqa: E402
from resdsl.backend.dynamic import example, usual_sizes  # noqa: E402
from resdsl.backend.inference.onednn import available, fast, packed  # noqa: E402
from resdsl.backend.inference.onednn_graph import WAITS, Warmed, planned  # noqa: E402
from resdsl.emit.source import emit, net_class  # noqa: E402

from .reference import logits, randomise  # noqa: E402

pytestmark = pytest.mark.skipif(not available(), reason="this torch has no oneDNN")


def made(checked: Any, *sizes: int) -> tuple[Any, list[Any]]:
    """The emitted module with random norms, in channels last, and inputs."""
    module = load(emit(checked, check_sizes=False), net_class(checked), checked.name).eval()
    randomise(module)
    at = dict(zip(checked.sizes, sizes, strict=False))
    inputs = example(checked, 2, {**usual_sizes(checked), **at})
    return module.to(memory_format=torch.channels_last), inputs


def close(a: Any, b: Any, error: float = 1e-4) -> bool:
    return float((logits(a) - logits(b)).abs().max()) <= error * float(logits(b).abs().max())


@pytest.fixture(params=[None, torch.bfloat16], ids=["float32", "bfloat16"])
def dtype(request: pytest.FixtureRequest) -> Any:
    """What is computed in."""
    if request.param is not None and not fast(request.param):
        pytest.skip("this processor does not compute in it")
    return request.param


def same(checked: Any, dtype: Any, *sizes: int) -> None:
    module, inputs = made(checked, *sizes)
    given = [x.to(dtype or x.dtype) for x in inputs]
    kept = [x.clone() for x in given]
    run = planned(module, given, dtype)
    assert run is not None
    assert not torch.jit.onednn_fusion_enabled()
    with torch.no_grad():
        for _ in range(3):
            assert close(run(*given), module(*inputs), 1e-4 if dtype is None else 0.05)
    assert all(map(torch.equal, given, kept))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("cifar_resnet", "resnet20"),
        ("cifar_resnet", "resnet20_b"),
        ("resnet", "resnet18"),
        ("resnet", "resnext50_32x4d"),
        ("mobilenet_v2", "mobilenet_v2_0_35"),
        ("mobilenet_v3", "mobilenet_v3_small"),
        ("vgg", "vgg11_bn"),
        ("unet", "unet"),
    ],
)
def test_nets(file: str, name: str, dtype: Any) -> None:
    same(bundled(file, name), dtype, 64, 48)


BODIES = (
    "residual { conv(4, 3x3, bias = true) } shortcut: identity; relu",
    "relu as y; residual { conv(4, 3x3); batchnorm } shortcut: identity; relu as z; from y, z -> add",
    "conv(4, 3x3, bias = true) as y; conv(4, 3x3, bias = true) as z; from z, y -> add; from y -> sigmoid as w;"
    " from w, z -> mul",
    "conv(4, 3x3, dilation = 2, bias = true); relu6; conv(8, 3x3, groups = 2, bias = true); silu;"
    " conv(4, 1x1, bias = true); gelu",
    "conv(4, 3x3, bias = true) as y; conv(1, 1x1, bias = true) as g; from y, g -> scale",
)


@pytest.mark.parametrize("body", BODIES)
def test_bodies(body: str, dtype: Any) -> None:
    same(net(f"net n {{ input x: [4, H, W]\n{body.replace('; ', chr(10))} }}"), dtype, 13, 11)


def test_sums_that_end_the_process() -> None:
    """Nothing is planned where a sum goes into another one."""
    body = "conv(4, 3x3) as y; residual { residual { conv(4, 3x3) } shortcut: identity } shortcut: identity"
    module, inputs = made(net(f"net n {{ input x: [4, H, W]\n{body.replace('; ', chr(10))} }}"), 13, 11)
    assert planned(module, inputs) is None


def test_what_oneDNN_does_not_take() -> None:
    module, inputs = made(bundled("cifar_resnet", "resnet20"))
    assert planned(module.double(), [x.double() for x in inputs]) is None
    assert not torch.jit.onednn_fusion_enabled()


def test_planned_when_it_comes_often() -> None:
    module, inputs = made(bundled("cifar_resnet", "resnet20"))
    plans = []

    def plan(given: Any) -> Any:
        plans.append(given)
        return planned(module, given)

    warmed = Warmed(packed(module, inputs), plan)
    with torch.no_grad():
        expected = module(*inputs)
        for call in range(WAITS + 3):
            assert close(warmed(*inputs), expected)
            assert len(plans) == (call >= WAITS)
        with ThreadPoolExecutor(4) as pool:
            assert all(close(out, expected) for out in pool.map(lambda _: warmed(*inputs), range(16)))


def test_weights_and_modes() -> None:
    """A compiled net follows its weights, and what it gives is an ordinary tensor."""
    compiled = compile_net(bundled("cifar_resnet", "resnet20"), device="cpu")
    compiled.train(False)
    randomise(compiled.eager)
    x = torch.randn(2, 3, 32, 32)
    for _ in range(2):
        with torch.no_grad():
            for _ in range(WAITS + 2):
                out = compiled.module(x)
            assert close(out, compiled.eager(x))
            assert out.add_(1).requires_grad is False
            for p in compiled.module.parameters():
                p.mul_(1.1)
    with torch.inference_mode():
        for _ in range(WAITS + 2):
            assert close(compiled.module(x), compiled.eager(x))
    compiled.module.requires_grad_(False)
    assert close(compiled.module(x), compiled.eager(x))
    assert not compiled.module(x).requires_grad
