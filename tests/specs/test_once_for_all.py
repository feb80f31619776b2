"""Nets of the once-for-all family are those of plain PyTorch, for any choice of depths, kernels and expansions."""
# ruff: noqa: TID253

from __future__ import annotations

from typing import Any

import pytest
from backend.reference import assert_same

from resdsl import load

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from resdsl.backend.build import build  # noqa: E402

UNITS = [  # width, whether channels are weighed, activation, stride
    (24, False, F.relu, 2),
    (40, True, F.relu, 2),
    (80, False, F.hardswish, 2),
    (112, True, F.hardswish, 1),
    (160, True, F.hardswish, 2),
]
LARGEST = {"depths": [4] * 5, "kernels": [7] * 20, "expansions": [6] * 20, "width": 1}
SMALLEST = {"depths": [2] * 5, "kernels": [3] * 20, "expansions": [3] * 20, "width": 1}
MIXED = {
    "depths": [3, 4, 3, 2, 4],
    "kernels": [5, 5, 3, 5, 7, 5, 5, 5, 5, 5, 7, 3, 7, 3, 5, 3, 3, 7, 5, 7],
    "expansions": [6, 6, 3, 4, 3, 6, 3, 6, 4, 4, 6, 3, 4, 4, 4, 6, 6, 3, 6, 4],
    "width": 1.2,
}


def multiple_of_8(x: float) -> int:
    near = max(8, int(x + 4) // 8 * 8)
    return near + 8 if near < 0.9 * x else near


class SqueezeExcite(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = multiple_of_8(width // 4)
        self.fc = nn.ModuleDict(
            {"reduce": nn.Conv2d(width, hidden, 1), "expand": nn.Conv2d(hidden, width, 1)}
        )

    def forward(self, x: Any) -> Any:
        weights = F.relu(self.fc["reduce"](F.adaptive_avg_pool2d(x, 1)))
        return x * F.hardsigmoid(self.fc["expand"](weights))


class Layer(nn.Module):
    def __init__(
        self, before: int, width: int, kernel: int = 1, stride: int = 1, groups: int = 1, act: Any = None
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, width, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.act = act or (lambda x: x)

    def forward(self, x: Any) -> Any:
        return getattr(self, "se", nn.Identity())(self.act(self.bn(self.conv(x))))


class Inverted(nn.Module):
    def __init__(
        self, before: int, width: int, kernel: int, expand: int, se: bool, act: Any, stride: int
    ) -> None:
        super().__init__()
        hidden = expand * before
        self.conv = nn.Sequential()
        if expand > 1:
            self.conv.add_module("inverted_bottleneck", Layer(before, hidden, act=act))
        filters = Layer(hidden, hidden, kernel, stride, hidden, act)
        if se:
            filters.se = SqueezeExcite(hidden)
        self.conv.add_module("depth_conv", filters)
        self.conv.add_module("point_linear", Layer(hidden, width))
        self.adds = stride == 1 and before == width

    def forward(self, x: Any) -> Any:
        return x + self.conv(x) if self.adds else self.conv(x)


class OnceForAll(nn.Module):
    def __init__(self, depths: list[int], kernels: list[int], expansions: list[int], width: float) -> None:
        super().__init__()
        before = multiple_of_8(16 * width)
        self.first_conv = Layer(3, before, 3, 2, act=F.hardswish)
        self.blocks = nn.Sequential(Inverted(before, before, 3, 1, False, F.relu, 1))
        for unit, (base, se, act, stride) in enumerate(UNITS):
            for i in range(depths[unit]):
                layer = 4 * unit + i
                after = multiple_of_8(base * width)
                shape = kernels[layer], expansions[layer]
                self.blocks.append(Inverted(before, after, *shape, se, act, 1 if i else stride))
                before = after
        wide, wider = multiple_of_8(960 * width), multiple_of_8(1280 * width)
        self.final_expand_layer = Layer(before, wide, act=F.hardswish)
        self.feature_mix_layer = nn.ModuleDict({"conv": nn.Conv2d(wide, wider, 1, bias=False)})
        self.classifier = nn.ModuleDict({"linear": nn.Linear(wider, 1000)})

    def forward(self, x: Any) -> Any:
        x = self.final_expand_layer(self.blocks(self.first_conv(x)))
        x = F.hardswish(self.feature_mix_layer["conv"](F.adaptive_avg_pool2d(x, 1))).flatten(1)
        return self.classifier["linear"](F.dropout(x, 0.1, self.training))


# Counted in what the authors' code (ofa 0.1.0, OFAMobileNetV3.get_active_subnet) makes, which has the same keys.
@pytest.mark.parametrize(
    ("setting", "params", "macs"),
    [
        (LARGEST, 7_664_760, 566_170_656),
        (SMALLEST, 3_410_792, 121_278_672),
        (MIXED | {"width": 1}, 5_316_280, 293_339_712),
        (MIXED, 7_330_976, 451_705_840),
    ],
)
def test_counts(setting: dict[str, Any], params: int, macs: int) -> None:
    net = load("once_for_all", **setting)
    assert (net.params, net.macs) == (params, macs)
    assert sum(p.numel() for p in OnceForAll(**setting).parameters()) == params


@pytest.mark.parametrize("setting", [SMALLEST, MIXED], ids=["smallest", "mixed"])
def test_numbers(setting: dict[str, Any]) -> None:
    x = torch.randn(2, 3, 65, 48, generator=torch.Generator().manual_seed(1))
    assert_same(build(load("once_for_all", **setting).net), OnceForAll(**setting), x)


def test_members() -> None:
    """A number for the whole net is a list of it for each unit or layer."""
    assert load("once_for_all").params == load("once_for_all", **LARGEST).params
    assert load("once_for_all_smallest").macs == load("once_for_all", **SMALLEST).macs
    assert load("once_for_all", depth=3).params == load("once_for_all", depths=[3] * 5).params
