"""The 3-d residual networks of Hara et al. beside plain PyTorch."""
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


class Basic(nn.Module):
    def __init__(self, cin: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(cin, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm3d(width)
        self.stride = stride

    def forward(self, x: Any) -> Any:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        x = F.avg_pool3d(x, 1, self.stride)
        zeros = x.new_zeros(len(x), y.shape[1] - x.shape[1], *x.shape[2:])
        return F.relu(y + torch.cat([x, zeros], 1))


class Bottleneck(nn.Module):
    def __init__(self, cin: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv3d(cin, width, 1, bias=False), nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm3d(width)
        self.conv3, self.bn3 = nn.Conv3d(width, 4 * width, 1, bias=False), nn.BatchNorm3d(4 * width)
        if cin != 4 * width:
            self.downsample = nn.Sequential(
                nn.Conv3d(cin, 4 * width, 1, stride, bias=False), nn.BatchNorm3d(4 * width)
            )

    def forward(self, x: Any) -> Any:
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


class ResNet3d(nn.Module):
    def __init__(self, block: type[nn.Module], depths: list[int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(3, 64, 7, (1, 2, 2), padding=3, bias=False)
        self.bn1 = nn.BatchNorm3d(64)
        cin = 64
        for i, depth in enumerate(depths):
            blocks = []
            for j in range(depth):
                blocks.append(block(cin, 64 * 2**i, 2 if i and not j else 1))
                cin = 64 * 2**i * (4 if block is Bottleneck else 1)
            self.add_module(f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(cin, 400)

    def forward(self, x: Any) -> Any:
        x = F.max_pool3d(F.relu(self.bn1(self.conv1(x))), 3, 2, padding=1)
        for i in range(4):
            x = self.get_submodule(f"layer{i + 1}")(x)
        return self.fc(F.adaptive_avg_pool3d(x, 1).flatten(1))


# The block, the depths, and millions of parameters; for 50 layers those without the last layer are known.
NETS = {
    "resnet3d18": (Basic, [2, 2, 2, 2], 33.2),
    "resnet3d34": (Basic, [3, 4, 6, 3], 63.5),
    "resnet3d50": (Bottleneck, [3, 4, 6, 3], 46.2 + 0.82),
    "resnet3d101": (Bottleneck, [3, 4, 23, 3], None),
}


@pytest.mark.parametrize("name", NETS)
def test_counts(name: str) -> None:
    block, depths, millions = NETS[name]
    assert_counts(name, lambda: ResNet3d(block, depths))
    assert millions is None or load(name).params / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("name", ["resnet3d18", "resnet3d50"])
def test_numbers(name: str) -> None:
    block, depths, _ = NETS[name]
    depths = [1 + (d > 3) for d in depths]
    x = torch.randn(2, 3, 7, 37, 40, generator=torch.Generator().manual_seed(1))
    assert_same(build(load(name, depths=depths).net), ResNet3d(block, depths), x, rounding=True)
