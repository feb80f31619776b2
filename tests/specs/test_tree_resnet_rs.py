"""ResNet-RS beside plain PyTorch."""
# ruff: noqa: TID253

from __future__ import annotations

from typing import Any

import pytest
from backend.reference import assert_same

from resdsl import load

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from specs.counted import assert_counts  # noqa: E402
from torch import nn  # noqa: E402

from resdsl.backend.build import build  # noqa: E402

# Depths, and the paper's millions of parameters and GFLOPs, two for each multiply-add.
NETS = {
    "resnetrs50": ([3, 4, 6, 3], 36, 4.6),
    "resnetrs101": ([3, 4, 23, 3], 64, 12),
    "resnetrs152": ([3, 8, 36, 3], 87, 31),
    "resnetrs200": ([3, 24, 36, 3], 93, 40),
    "resnetrs270": ([4, 29, 53, 4], 130, 54),
    "resnetrs350": ([4, 36, 72, 4], 164, 107),
    "resnetrs420": ([4, 44, 87, 4], 192, 128),
}


def conv(cin: int, cout: int, size: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(cin, cout, size, stride, padding=size // 2, bias=False)


class SE(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(width, width // 4, 1), nn.Conv2d(width // 4, width, 1)

    def forward(self, x: Any) -> Any:
        y = F.adaptive_avg_pool2d(x, 1)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(y))))


class Bottleneck(nn.Module):
    def __init__(self, cin: int, width: int, stride: int, skip: float) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(cin, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv(width, 4 * width, 1), nn.BatchNorm2d(4 * width)
        self.se = SE(4 * width)
        self.skip = skip
        if cin != 4 * width:
            pool = nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)
            self.downsample = nn.Sequential(
                pool if stride > 1 else nn.Identity(), conv(cin, 4 * width, 1), nn.BatchNorm2d(4 * width)
            )

    def forward(self, x: Any) -> Any:
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        y = self.se(self.bn3(self.conv3(y)))
        if self.training and self.skip:
            kept = y.new_empty(len(y), 1, 1, 1).bernoulli_(1 - self.skip)
            y = y * kept.div_(1 - self.skip)
        return F.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


class ResNetRS(nn.Module):
    def __init__(self, depths: list[int], skip: float = 0.0, drop: float = 0.25) -> None:
        super().__init__()
        bn = nn.BatchNorm2d
        self.conv1 = nn.Sequential(
            conv(3, 32, 3, 2), bn(32), nn.ReLU(), conv(32, 32, 3), bn(32), nn.ReLU(), conv(32, 64, 3)
        )
        self.bn1 = bn(64)
        self.maxpool = nn.Sequential(conv(64, 64, 3, 2), bn(64), nn.ReLU())
        cin = 64
        for i, depth in enumerate(depths):
            width, rate = 64 * 2**i, skip * (i + 2) / 5
            blocks = [Bottleneck(cin, width, 2 if i else 1, rate)]
            cin = 4 * width
            blocks += [Bottleneck(cin, width, 1, rate) for _ in range(depth - 1)]
            self.add_module(f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(cin, 1000)
        self.drop = drop

    def forward(self, x: Any) -> Any:
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        for i in range(4):
            x = self.get_submodule(f"layer{i + 1}")(x)
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.fc(F.dropout(x, self.drop, self.training))


@pytest.mark.parametrize("name", NETS)
def test_counts(name: str) -> None:
    depths, millions, gflops = NETS[name]
    assert_counts(name, lambda: ResNetRS(depths))
    net = load(name)
    assert net.params / 1e6 == pytest.approx(millions, abs=0.5)
    assert 2 * (net.macs or 0) / 1e9 == pytest.approx(gflops, rel=0.015)


def test_numbers() -> None:
    x = torch.randn(2, 3, 64, 47, generator=torch.Generator().manual_seed(1))
    assert_same(build(load("resnetrs50").net), ResNetRS([3, 4, 6, 3]), x)


def test_stochastic_depth() -> None:
    """The same samples skip the same blocks."""
    depths = [1, 2, 1, 1]
    x = torch.randn(2, 3, 40, 47, generator=torch.Generator().manual_seed(1))
    ours = build(load("resnetrs200", depths=depths, skip=0.5, drop=0.4).net)
    assert_same(ours, ResNetRS(depths, skip=0.5, drop=0.4), x)
