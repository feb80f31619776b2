"""U-Nets with a residual encoder, beside torchvision's residual networks and a decoder in plain PyTorch."""
# ruff: noqa: TID253

from __future__ import annotations

from typing import Any

import pytest
from backend.reference import assert_same, torchvision

from resdsl import load

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from specs.counted import assert_counts  # noqa: E402
from torch import nn  # noqa: E402

from resdsl.backend.build import build  # noqa: E402


def cbr(cin: int, cout: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU())


class Twice(nn.Module):
    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = cbr(cin, cout), cbr(cout, cout)

    def forward(self, x: Any) -> Any:
        return self.conv2(self.conv1(x))


class Decoder(nn.Module):
    def __init__(self, grow: int) -> None:
        super().__init__()
        skips = [256 * grow, 128 * grow, 64 * grow, 64, 0]
        ways = [512 * grow, 256, 128, 64, 32, 16]
        widths = [(ways[i] + skips[i], ways[i + 1]) for i in range(5)]
        self.blocks = nn.ModuleList([Twice(*pair) for pair in widths])

    def forward(self, x: Any, skips: list[Any]) -> Any:
        for i, block in enumerate(self.blocks):
            x = F.interpolate(x, scale_factor=2)
            x = block(torch.cat([x, skips[i]], dim=1) if i < len(skips) else x)
        return x


class UNet(nn.Module):
    def __init__(self, backbone: str) -> None:
        super().__init__()
        self.encoder = getattr(torchvision(), backbone)(weights=None)
        grow = self.encoder.fc.in_features // 512
        del self.encoder.fc
        self.decoder = Decoder(grow)
        self.segmentation_head = nn.Sequential(nn.Conv2d(16, 1, 3, padding=1))

    def forward(self, x: Any) -> Any:
        e = self.encoder
        stem = e.relu(e.bn1(e.conv1(x)))
        c2 = e.layer1(e.maxpool(stem))
        c3 = e.layer2(c2)
        c4 = e.layer3(c3)
        return self.segmentation_head(self.decoder(e.layer4(c4), [c4, c3, c2, stem]))


BACKBONES = ["resnet18", "resnet34", "resnet50"]


@pytest.mark.parametrize("backbone", BACKBONES)
def test_counts(backbone: str) -> None:
    assert_counts(f"unet_{backbone}", lambda: UNet(backbone))


@pytest.mark.parametrize("backbone", BACKBONES)
def test_numbers(backbone: str) -> None:
    x = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    assert_same(build(load(f"unet_{backbone}").net), UNet(backbone), x)
