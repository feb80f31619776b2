"""The bundled nets that torchvision has: the same keys, tensors, counts and numbers, bit for bit."""
# ruff: noqa: TID253

from __future__ import annotations

from typing import Any

import pytest
from backend.reference import assert_same, randomise

from resdsl import load
from resdsl.api import loads

torch = pytest.importorskip("torch")

from specs.twins import (  # noqa: E402
    HUGE,
    INCEPTIONS,
    LARGE,
    MVITS,
    SEGMENTERS,
    SWINS,
    TWINS,
    VIDEO_SWINS,
    empty,
    layers,
    size,
    theirs,
    theirs_at,
    torchvision,
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

    Logits are the same bit for bit. So are the gradients for one clip; for several, torchvision copies what its first
    block pools into another memory format, in which a convolution rounds differently.
    """
    ours, reference = build(load(name, frames=4, size=64).net), theirs_at(name, 4, 64)
    x = torch.randn(2, 3, 4, 64, 64, generator=torch.Generator().manual_seed(1))
    assert_same(ours, reference, x[:1])
    assert_same(ours, reference, x, rounding=True)


@pytest.mark.parametrize("shape", [(3, 5, 40, 61), (3, 18, 20, 60)])
@pytest.mark.parametrize("name", VIDEO_SWINS)
def test_small_videos(name: str, shape: tuple[int, ...], request: pytest.FixtureRequest) -> None:
    """Windows shrink where a map is shorter than they are."""
    if name != "swin3d_t" and not request.config.getoption("--full"):
        pytest.skip("large; run with --full")
    net = loads(f"use std.swin3d {{ {name} }}\nnet n {{ input x: {[*shape]}; {name}(small = true) }}").net
    x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1))
    # Many positions add to one row of the table of biases, and with several threads in no fixed order.
    assert_same(build(net).get_submodule("0"), theirs(name), x, rounding=True)


def test_large_videos() -> None:
    """A narrow video Swin, at the least size without `small`."""
    depths, heads = [2, 2, 2, 2], [1, 2, 4, 8]
    ours = build(load("swin3d", width=8, depths=depths, heads=heads).net)
    family = torchvision().video.swin_transformer.SwinTransformer3d
    reference = family([2, 4, 4], 8, depths, heads, [8, 7, 7], stochastic_depth_prob=0.1)
    x = torch.randn(2, 3, 15, 193, 193, generator=torch.Generator().manual_seed(1))
    assert_same(ours, reference, x, rounding=True)


def test_several_windows() -> None:
    """A narrow MaxViT at 448x448.

    At 224x224 the last stage has one window. There the order of an addition decides the memory format of what
    follows, and with it how GELU rounds.
    """
    widths, depths = [32, 32, 64, 64], [1, 1, 2, 1]
    ours = build(load("maxvit", stem=8, widths=widths, depths=depths, drop=0.2).net)
    reference = torchvision().maxvit.MaxVit((448, 448), 8, 7, widths, depths, 32, 0.2)
    x = torch.randn(2, 3, 448, 448, generator=torch.Generator().manual_seed(1))
    assert_same(ours, reference, x)


def test_one_window() -> None:
    ours, reference = build(load("maxvit_t").net).eval(), theirs("maxvit_t").eval()
    randomise(reference)
    ours.load_state_dict(reference.state_dict(), strict=True)
    reference.load_state_dict(ours.state_dict(), strict=True)
    x = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(ours(x), reference(x))


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
        *("vit_b_32", "swin_t", "swin_v2_t", "swin3d_t", "maxvit_t", *MVITS),
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
