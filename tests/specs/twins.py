"""The models of torchvision that are bundled nets too, and how to make and feed them."""
# ruff: noqa: TID253

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from backend.reference import torchvision

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
MVITS = ["mvit_v1_b", "mvit_v2_s"]
SWINS = [f"swin_{v2}{size}" for v2 in ("", "v2_") for size in "tsb"]
VIDEO_SWINS = [f"swin3d_{size}" for size in "tsb"]
TWINS = [
    *(*VITS, *SWINS, *RESNETS, *VGGS, *VIDEOS, *INCEPTIONS, *DENSENETS, *MOBILES, *SMALL),
    *(*REGNETS, *SHUFFLES, *CONVNEXTS, *SEGMENTERS, *MVITS, *VIDEO_SWINS, "maxvit_t"),
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
TABLES = {*SWINS, *VIDEO_SWINS, "maxvit_t"}
"""Those with buffers that are computed, not drawn or loaded."""
HUGE = {"vit_l_16", "vit_l_32", "vit_h_14", "regnet_y_128gf", *MVITS, *VIDEO_SWINS, "maxvit_t"}


def theirs(name: str, **options: Any) -> Any:
    models = torchvision()
    of_clips = name in VIDEOS + MVITS + VIDEO_SWINS
    home = models.video if of_clips else models.segmentation if name in SEGMENTERS else models
    if name in INCEPTIONS:
        options["init_weights"] = True
    if name in SEGMENTERS:
        options["weights_backbone"] = None
    with computing_widths(models.regnet.BlockParams):
        return getattr(home, name)(weights=None, **options)


def theirs_at(name: str, frames: int, side: int) -> Any:
    """A multiscale transformer for clips of another size than torchvision's."""
    module = torchvision().video.mvit
    made = module.MViT

    def smaller(**given: Any) -> Any:
        return made(**given | {"spatial_size": (side, side), "temporal_size": frames})

    with patch.object(module, "MViT", smaller):
        return theirs(name)


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
    if name in MVITS + VIDEO_SWINS:
        return 16, 224, 224
    if name in VITS or name == "maxvit_t":
        return 224, 224
    if name in SWINS:
        return 33, 61
    if name == "alexnet":
        return 95, 67
    if name == "googlenet":
        return 97, 64
    if name == "inception_v3":
        return 299, 307
    return (32, 45) if name in VGGS else (65, 48) if name in MOBILES else (64, 47)


def layers(module: Any) -> list[tuple[str, str]]:
    """The layers with weights and their options: widths, kernels, strides, dilations, what a norm adds."""
    return [(name, m.extra_repr()) for name, m in module.named_modules() if m._parameters]
