"""DenseNet and DenseNet-BC for CIFAR-10, beside plain PyTorch."""
# ruff: noqa: TID253

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest
from backend.reference import assert_same

from resdsl import load

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from specs.counted import assert_counts  # noqa: E402
from torch import nn  # noqa: E402

from resdsl.backend.build import build  # noqa: E402

# Layers, growth rate, whether BC, and Table 2's parameters in millions.
TABLE_2 = {
    "densenet40_k12": (40, 12, False, 1.0),
    "densenet100_k12": (100, 12, False, 7.0),
    "densenet100_k24": (100, 24, False, 27.2),
    "densenet_bc100_k12": (100, 12, True, 0.8),
    "densenet_bc250_k24": (250, 24, True, 15.3),
    "densenet_bc190_k40": (190, 40, True, 25.6),
}


class Layer(nn.Module):
    def __init__(self, cin: int, growth: int, bc: bool) -> None:
        super().__init__()
        between = 4 * growth if bc else cin
        self.norm1 = nn.BatchNorm2d(cin)
        if bc:
            self.conv1 = nn.Conv2d(cin, between, 1, bias=False)
            self.norm2 = nn.BatchNorm2d(between)
            self.conv2 = nn.Conv2d(between, growth, 3, padding=1, bias=False)
        else:
            self.conv1 = nn.Conv2d(cin, growth, 3, padding=1, bias=False)
        self.bc = bc

    def forward(self, x: Any) -> Any:
        y = self.conv1(F.relu(self.norm1(x)))
        if self.bc:
            y = self.conv2(F.relu(self.norm2(y)))
        return torch.cat([x, y], 1)


class Transition(nn.Module):
    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(cin)
        self.conv = nn.Conv2d(cin, cout, 1, bias=False)

    def forward(self, x: Any) -> Any:
        return F.avg_pool2d(self.conv(F.relu(self.norm(x))), 2)


class DenseNet(nn.Module):
    def __init__(self, depth: int, growth: int, bc: bool) -> None:
        super().__init__()
        width = 2 * growth if bc else 16
        count = (depth - 4) // (6 if bc else 3)
        parts: OrderedDict[str, nn.Module] = OrderedDict(conv0=nn.Conv2d(3, width, 3, padding=1, bias=False))
        for i in (1, 2, 3):
            block: OrderedDict[str, nn.Module] = OrderedDict()
            for j in range(count):
                block[f"denselayer{j + 1}"] = Layer(width, growth, bc)
                width += growth
            parts[f"denseblock{i}"] = nn.Sequential(block)
            if i < 3:
                parts[f"transition{i}"] = Transition(width, width // 2 if bc else width)
                width = width // 2 if bc else width
        parts["norm3"] = nn.BatchNorm2d(width)
        self.features = nn.Sequential(parts)
        self.classifier = nn.Linear(width, 10)

    def forward(self, x: Any) -> Any:
        return self.classifier(F.adaptive_avg_pool2d(F.relu(self.features(x)), 1).flatten(1))


@pytest.mark.parametrize("name", TABLE_2)
def test_counts(name: str) -> None:
    *sizes, millions = TABLE_2[name]
    assert_counts(name, lambda: DenseNet(*sizes))
    assert load(name).params / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("name", ["densenet40_k12", "densenet_bc100_k12"])
def test_numbers(name: str) -> None:
    x = torch.randn(2, 3, 16, 21, generator=torch.Generator().manual_seed(1))
    assert_same(build(load(name).net), DenseNet(*TABLE_2[name][:-1]), x)
