"""The bundled nets that torchvision has: the same keys, tensors, counts and numbers, bit for bit."""
# ruff: noqa: TID253

from __future__ import annotations

from typing import Any

import pytest
from backend.reference import assert_same

from resdsl import load

torch = pytest.importorskip("torch")

from specs.twins import (  # noqa: E402
    HUGE,
    INCEPTIONS,
    LARGE,
    MVITS,
    SEGMENTERS,
    SWINS,
    TWINS,
    empty,
    layers,
    size,
    theirs,
    theirs_at,
)
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from resdsl.backend.build import build  # noqa: E402
from resdsl.sizes import shape_at  # noqa: E402

each_twin = pytest.mark.parametrize("name", TWINS)


@each_twin
def test_layers(name: str) -> None:
    with torch.device("meta"):
        ours, reference = build(load(name).net), theirs(name)
    assert layers(ours) == layers(reference)
    tensors = ours.state_dict()
    assert list(tensors) == list(reference.state_dict())
    for key, tensor in reference.state_dict().items():
        assert tensors[key].shape == tensor.shape, key
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in reference.named_parameters()]


@pytest.mark.parametrize(
    ("name", "stride", "options"),
    [
        ("resnet50", 16, {"replace_stride_with_dilation": [False, False, True]}),
        ("resnet50", 8, {"replace_stride_with_dilation": [False, True, True]}),
        ("mobilenet_v3_large", 16, {"dilated": True}),
        ("mobilenet_v3_small", 16, {"dilated": True}),
    ],
)
def test_output_stride(name: str, stride: int, options: dict[str, Any]) -> None:
    """Strides become dilations where torchvision's do."""
    with torch.device("meta"):
        assert layers(build(load(name, output_stride=stride).net)) == layers(theirs(name, **options))


@each_twin
def test_counts(name: str) -> None:
    net = load(name)
    with torch.device("meta"):
        reference = theirs(name).eval()
        with FlopCounterMode(display=False) as counter:
            reference(torch.empty(1, *shape_at(net.net.graph.input_shapes[0] or (), net.net.nominal or {})))
    assert net.macs == counter.get_total_flops() / 2
    assert net.params == sum(p.numel() for p in reference.parameters())


@pytest.mark.parametrize("name", [n for n in TWINS if n not in HUGE])
def test_numbers(name: str, request: pytest.FixtureRequest) -> None:
    if name in LARGE and not request.config.getoption("--full"):
        pytest.skip("large; run with --full")
    x = torch.randn(2, 3, *size(name), generator=torch.Generator().manual_seed(1))
    made = (lambda make: make()) if name in SWINS else empty  # their tables are not drawn
    ours = made(lambda: build(load(name).net))
    if name.startswith("mnasnet"):
        ours._version = 2  # version 1 has other widths, and torchvision would turn into it
    # googlenet's side classifiers run where they are written, behind the layers of torchvision that run after them
    assert_same(ours, made(lambda: theirs(name)), x, rounding=name == "googlenet")


@pytest.mark.parametrize("name", MVITS)
def test_short_clips(name: str) -> None:
    """Multiscale transformers for small clips.

    With one clip torch runs the same products of matrices. With several, torchvision multiplies a table of relative
    positions with the queries of all clips at once, so that rounding differs; there the net is compared in float64.
    """
    ours = build(load(name, frames=4, size=64).net)
    reference = theirs_at(name, 4, 64)
    x = torch.randn(2, 3, 4, 64, 64, generator=torch.Generator().manual_seed(1))
    assert_same(ours, reference, x[:1])
    results = []
    for module in (ours.double(), reference.double()):
        module.train().zero_grad()
        torch.manual_seed(0)
        y = module(x.double())
        y.square().mean().backward()
        results.append((y.detach(), {n: p.grad for n, p in module.named_parameters()}))
    torch.testing.assert_close(*results, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", SEGMENTERS[:-1])
def test_auxiliary(name: str, request: pytest.FixtureRequest) -> None:
    """The scores of the features before the last, which torchvision gives in evaluation too."""
    if "mobilenet" not in name and not request.config.getoption("--full"):
        pytest.skip("large; run with --full")
    x = torch.randn(2, 3, 33, 40, generator=torch.Generator().manual_seed(1))
    ours = empty(lambda: build(load(name, aux=True).net))
    assert_same(ours, empty(lambda: theirs(name, aux_loss=True)), x)
    assert {key: value.shape for key, value in ours(x).items()} == dict.fromkeys(
        ("out", "aux"), (2, 21, 33, 40)
    )


@pytest.mark.parametrize("name", INCEPTIONS)
def test_several_outputs(name: str) -> None:
    """Side classifiers are returned in training only."""
    sides = {"googlenet": ["aux2", "aux1"], "inception_v3": ["AuxLogits"]}[name]
    ours, x = build(load(name).net), torch.zeros(2, 3, *size(name))
    assert list(ours.eval()(x)) == ["fc"]
    assert list(ours.train()(x)) == ["fc", *sides]


@pytest.mark.parametrize(
    "name",
    [
        *("resnet18", "vgg11_bn", "inception_v3", "r2plus1d_18", "densenet121", "squeezenet1_1", "googlenet"),
        *("mobilenet_v2", "mobilenet_v3_small", "mnasnet0_5", "efficientnet_b0", "efficientnet_v2_s"),
        *("regnet_y_400mf", "shufflenet_v2_x0_5", "convnext_tiny", "s3d", "deeplabv3_mobilenet_v3_large"),
        *("vit_b_32", "swin_t", "swin_v2_t", *MVITS),
    ],
)
def test_initialisation(name: str) -> None:
    """Fresh weights are drawn from torchvision's distributions."""
    torch.manual_seed(0)
    ours, reference = build(load(name).net).state_dict(), theirs(name)
    buffers = dict(reference.named_buffers())
    for key, tensor in reference.state_dict().items():
        if key in buffers:
            assert torch.equal(ours[key], tensor), key
        elif tensor.numel() >= 4096:
            # 4 standard errors, doubled for the product of two estimates
            close = 8 / tensor.numel() ** 0.5
            assert ours[key].std().item() == pytest.approx(tensor.std().item(), rel=close), key
        elif tensor.std() == 0:
            assert torch.equal(ours[key], tensor), key
