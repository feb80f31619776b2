"""The bundled nets that torchvision has: the same keys, tensors, counts and numbers, bit for bit."""
# ruff: noqa: TID253

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from backend.reference import assert_same, logits, randomise, torchvision

from resdsl import load

torch = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from resdsl.backend.build import build  # noqa: E402

RESNETS = [
    *(f"resnet{n}" for n in (18, 34, 50, 101, 152)),
    *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2"),
]
VGGS = [f"vgg{n}{bn}" for bn in ("", "_bn") for n in (11, 13, 16, 19)]
VIDEOS = ["r3d_18", "mc3_18", "r2plus1d_18"]
TWINS = [*RESNETS, *VGGS, *VIDEOS, "alexnet", "inception_v3", "mobilenet_v2"]
LARGE = {
    *("resnet152", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2"),
    *("vgg13", "vgg16", "vgg19", "vgg13_bn", "vgg16_bn", "vgg19_bn"),
}
each_twin = pytest.mark.parametrize("name", TWINS)


def theirs(name: str) -> Any:
    home = torchvision().video if name in VIDEOS else torchvision()
    options = {"init_weights": True} if name == "inception_v3" else {}
    return getattr(home, name)(weights=None, **options)


def empty(make: Any) -> Any:
    """A module whose tensors nobody filled."""
    with torch.device("meta"):
        return make().to_empty(device="cpu")


def size(name: str) -> tuple[int, ...]:
    own = {"alexnet": (95, 67), "mobilenet_v2": (65, 48)}
    return own.get(name, (5, 33, 40) if name in VIDEOS else (32, 45) if name in VGGS else (64, 47))


@each_twin
def test_tensors(name: str) -> None:
    with torch.device("meta"):
        ours, reference = build(load(name).net), theirs(name)
    assert list(ours.state_dict()) == list(reference.state_dict())
    for key, tensor in reference.state_dict().items():
        assert ours.state_dict()[key].shape == tensor.shape, key
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in reference.named_parameters()]


@each_twin
def test_counts(name: str) -> None:
    net = load(name)
    with torch.device("meta"):
        reference = theirs(name).eval()
        with FlopCounterMode(display=False) as counter:
            reference(torch.empty(1, 3, *(net.net.nominal or {}).values()))
    # Layers that run in training only are counted here.
    evaluated = load(name, aux=False) if name == "inception_v3" else net
    assert evaluated.macs == counter.get_total_flops() / 2
    assert net.params == sum(p.numel() for p in reference.parameters())


@pytest.mark.parametrize("name", [n for n in TWINS if n != "inception_v3"])
def test_numbers(name: str, request: pytest.FixtureRequest) -> None:
    if name in LARGE and not request.config.getoption("--full"):
        pytest.skip("large; run with --full")
    x = torch.randn(2, 3, *size(name), generator=torch.Generator().manual_seed(1))
    assert_same(empty(lambda: build(load(name).net)), empty(lambda: theirs(name)), x)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_several_outputs(name: str) -> None:
    """Side classifiers are returned in training only, and run last.

    So GoogLeNet's dropout would draw in another order than torchvision's, and gradients add up in another.
    """
    if name == "googlenet":
        net = load(Path(__file__).parent / "googlenet.res", drop=0.0, side_drop=0.0).net
        options = {"aux_logits": True, "init_weights": False, "dropout": 0.0, "dropout_aux": 0.0}
        ours = empty(lambda: build(net))
        reference = empty(lambda: torchvision().googlenet(weights=None, **options))
        sides, size = 2, (97, 64)
    else:
        ours, reference = empty(lambda: build(load(name).net)), empty(lambda: theirs(name))
        sides, size = 1, (299, 307)
    assert list(ours.state_dict()) == list(reference.state_dict())
    randomise(reference)
    ours.load_state_dict(reference.state_dict(), strict=True)
    reference.load_state_dict(ours.state_dict(), strict=True)
    x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    for training in (False, True):
        results, gradients = [], []
        for module in (ours, reference):
            module.train(training).zero_grad()
            torch.manual_seed(0)
            results.append(logits(module(x)))
            results[-1].square().mean().backward()
            gradients.append({n: p.grad for n, p in module.named_parameters() if p.grad is not None})
        assert len(results[0]) == 2 * 1000 * (1 + (sides if training else 0))
        assert torch.equal(*results)
        torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("name", ["resnet18", "vgg11_bn", "mobilenet_v2", "inception_v3", "r2plus1d_18"])
def test_initialisation(name: str) -> None:
    """Fresh weights are drawn from torchvision's distributions."""
    torch.manual_seed(0)
    ours, reference = build(load(name).net).state_dict(), theirs(name).state_dict()
    for key, tensor in reference.items():
        if tensor.numel() >= 4096:
            # 4 standard errors, doubled for the product of two estimates
            close = 8 / tensor.numel() ** 0.5
            assert ours[key].std().item() == pytest.approx(tensor.std().item(), rel=close), key
        elif tensor.is_floating_point() and tensor.std() == 0:
            assert torch.equal(ours[key], tensor), key
