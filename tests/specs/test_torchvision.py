"""The bundled nets that torchvision has: the same keys, tensors, counts and numbers, bit for bit."""
# ruff: noqa: TID253

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from backend.reference import assert_same, logits, randomise, torchvision

from resdsl import load

torch = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from resdsl.backend.build import build  # noqa: E402
from resdsl.sizes import shape_at  # noqa: E402

RESNETS = [
    *(f"resnet{n}" for n in (18, 34, 50, 101, 152)),
    *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2"),
]
VGGS = [f"vgg{n}{bn}" for bn in ("", "_bn") for n in (11, 13, 16, 19)]
VIDEOS = ["r3d_18", "mc3_18", "r2plus1d_18", "s3d"]
INCEPTIONS = ["googlenet", "inception_v3"]
DENSENETS = [f"densenet{n}" for n in (121, 161, 169, 201)]
MOBILES = [
    *("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"),
    *(f"mnasnet{alpha}" for alpha in ("0_5", "0_75", "1_0", "1_3")),
    *(f"efficientnet_{n}" for n in ("b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "v2_s", "v2_m", "v2_l")),
]
SMALL = ["alexnet", "squeezenet1_0", "squeezenet1_1"]
VITS = ["vit_b_16", "vit_b_32", "vit_l_16", "vit_l_32", "vit_h_14"]
REGNETS = [
    *(f"regnet_x_{flops}" for flops in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")),
    *(f"regnet_y_{flops}" for flops in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf", "128gf")),
]
SHUFFLES = [f"shufflenet_v2_{width}" for width in ("x0_5", "x1_0", "x1_5", "x2_0")]
CONVNEXTS = [f"convnext_{size}" for size in ("tiny", "small", "base", "large")]
SEGMENTERS = [
    *("fcn_resnet50", "fcn_resnet101", "deeplabv3_resnet50", "deeplabv3_resnet101"),
    *("deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"),
]
SWINS = [f"swin_{v2}{size}" for v2 in ("", "v2_") for size in "tsb"]
TWINS = [
    *(*VITS, *SWINS, *RESNETS, *VGGS, *VIDEOS, *INCEPTIONS, *DENSENETS, *MOBILES, *SMALL),
    *(*REGNETS, *SHUFFLES, *CONVNEXTS, *SEGMENTERS),
]
LARGE = {
    *("vit_b_16", "swin_s", "swin_b", "swin_v2_s", "swin_v2_b"),
    *("resnet152", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2"),
    *("vgg13", "vgg16", "vgg19", "vgg13_bn", "vgg16_bn", "vgg19_bn"),
    *("densenet161", "densenet169", "densenet201", "mnasnet0_75", "mnasnet1_3"),
    *(f"efficientnet_{n}" for n in ("b2", "b3", "b4", "b5", "b6", "b7", "v2_m", "v2_l")),
    *(n for n in REGNETS if n != "regnet_y_400mf"),
    *("s3d", *SHUFFLES[1:], *CONVNEXTS[1:], *SEGMENTERS[:-1]),
}
HUGE = {"vit_l_16", "vit_l_32", "vit_h_14", "regnet_y_128gf"}
each_twin = pytest.mark.parametrize("name", TWINS)


def theirs(name: str, **options: Any) -> Any:
    models = torchvision()
    home = models.video if name in VIDEOS else models.segmentation if name in SEGMENTERS else models
    if name in INCEPTIONS:
        options["init_weights"] = True
    if name in SEGMENTERS:
        options["weights_backbone"] = None
    with computing_widths(models.regnet.BlockParams):
        return getattr(home, name)(weights=None, **options)


@contextmanager
def computing_widths(params: Any) -> Iterator[None]:
    """RegNet's widths are computed with tensors, which need values also where a net is made without."""
    compute = params.from_init_params

    def on_cpu(**given: Any) -> Any:
        with torch.device("cpu"):
            return compute(**given)

    with patch.object(params, "from_init_params", on_cpu):
        yield


def empty(make: Any) -> Any:
    """A module whose tensors nobody filled."""
    with torch.device("meta"):
        return make().to_empty(device="cpu")


def size(name: str) -> tuple[int, ...]:
    if name == "s3d":
        return 13, 209, 209
    if name in VIDEOS:
        return 5, 33, 40
    if name in VITS:
        return 224, 224
    if name in SWINS:
        return 33, 61
    if name == "alexnet":
        return 95, 67
    return (32, 45) if name in VGGS else (65, 48) if name in MOBILES else (64, 47)


def layers(module: Any) -> list[tuple[str, str]]:
    """The layers with weights and their options: widths, kernels, strides, dilations, what a norm adds."""
    return [(name, m.extra_repr()) for name, m in module.named_modules() if m._parameters]


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


@pytest.mark.parametrize("name", [n for n in TWINS if n not in {*INCEPTIONS, *HUGE}])
def test_numbers(name: str, request: pytest.FixtureRequest) -> None:
    if name in LARGE and not request.config.getoption("--full"):
        pytest.skip("large; run with --full")
    x = torch.randn(2, 3, *size(name), generator=torch.Generator().manual_seed(1))
    made = (lambda make: make()) if name in SWINS else empty  # their tables are not drawn
    ours = made(lambda: build(load(name).net))
    if name.startswith("mnasnet"):
        ours._version = 2  # version 1 has other widths, and torchvision would turn into it
    assert_same(ours, made(lambda: theirs(name)), x)


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
    """Side classifiers are returned in training only, and run last.

    So GoogLeNet's dropout would draw in another order than torchvision's, and gradients add up in another.
    """
    if name == "googlenet":
        net = load(name, drop=0.0, side_drop=0.0).net
        reference = empty(lambda: theirs(name, dropout=0.0, dropout_aux=0.0))
        sides, size = 2, (97, 64)
    else:
        net, reference = load(name).net, empty(lambda: theirs(name))
        sides, size = 1, (299, 307)
    ours = empty(lambda: build(net))
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


@pytest.mark.parametrize(
    "name",
    [
        *("resnet18", "vgg11_bn", "inception_v3", "r2plus1d_18", "densenet121", "squeezenet1_1", "googlenet"),
        *("mobilenet_v2", "mobilenet_v3_small", "mnasnet0_5", "efficientnet_b0", "efficientnet_v2_s"),
        *("regnet_y_400mf", "shufflenet_v2_x0_5", "convnext_tiny", "s3d", "deeplabv3_mobilenet_v3_large"),
        *("vit_b_32", "swin_t", "swin_v2_t"),
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
