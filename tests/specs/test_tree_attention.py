"""ECA and CBAM in torchvision's residual networks, whose blocks are written out here."""
# ruff: noqa: TID253

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from backend.reference import assert_same, torchvision

from resdsl import load

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from backend.specs import net  # noqa: E402
from specs.counted import assert_counts  # noqa: E402
from torch import nn  # noqa: E402

from resdsl.backend.build import build  # noqa: E402


class ECA(nn.Module):
    """A 1-d convolution over the means of the channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        k = int(math.log2(width) / 2 + 0.5)
        k += k % 2 == 0
        self.conv = nn.Conv1d(1, 1, k, padding=k // 2, bias=False)

    def forward(self, x: Any) -> Any:
        y = self.conv(F.adaptive_avg_pool2d(x, 1).flatten(1)[:, None])
        return x * torch.sigmoid(y[:, 0, :, None, None])


class CBAM(nn.Module):
    """A factor for each channel, then one for each position."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(width, width // 16), nn.ReLU(), nn.Linear(width // 16, width))
        self.spatial = nn.Sequential(
            nn.Conv2d(2, 1, 7, padding=3, bias=False), nn.BatchNorm2d(1, momentum=0.01)
        )

    def forward(self, x: Any) -> Any:
        mean, most = F.adaptive_avg_pool2d(x, 1).flatten(1), F.adaptive_max_pool2d(x, 1).flatten(1)
        x = x * torch.sigmoid(self.mlp(mean) + self.mlp(most))[:, :, None, None]
        seen = torch.stack([x.max(1).values, x.mean(1)], dim=1)
        return x * torch.sigmoid(self.spatial(seen))


class Basic(nn.Module):
    expansion = 1
    attend: str

    def __init__(self, cin: int, width: int, stride: int = 1, down: Any = None, *_: Any, **__: Any) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(cin, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.add_module(self.attend, MODULES[self.attend](width))
        if down:
            self.downsample = down

    def forward(self, x: Any) -> Any:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        y = getattr(self, self.attend)(y)
        return F.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


class Bottleneck(nn.Module):
    expansion = 4
    attend: str

    def __init__(self, cin: int, width: int, stride: int = 1, down: Any = None, *_: Any, **__: Any) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(cin, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.add_module(self.attend, MODULES[self.attend](4 * width))
        if down:
            self.downsample = down

    def forward(self, x: Any) -> Any:
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        y = getattr(self, self.attend)(self.bn3(self.conv3(y)))
        return F.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


MODULES: dict[str, Callable[[int], Any]] = {"eca": ECA, "cbam": CBAM}
BLOCKS = {18: (Basic, [2, 2, 2, 2]), 50: (Bottleneck, [3, 4, 6, 3]), 101: (Bottleneck, [3, 4, 23, 3])}


def twin(kind: str, depth: int) -> Any:
    block, depths = BLOCKS[depth]
    return torchvision().resnet.ResNet(type("Unit", (block,), {"attend": kind}), depths)


@pytest.mark.parametrize("kind", MODULES)
@pytest.mark.parametrize("depth", BLOCKS)
def test_counts(kind: str, depth: int) -> None:
    assert_counts(f"{kind}_resnet{depth}", lambda: twin(kind, depth))


@pytest.mark.parametrize("kind", MODULES)
@pytest.mark.parametrize("depth", [18, 50])
def test_numbers(kind: str, depth: int) -> None:
    x = torch.randn(2, 3, 64, 47, generator=torch.Generator().manual_seed(1))
    assert_same(build(load(f"{kind}_resnet{depth}").net), twin(kind, depth), x)


THROUGH_A_SEQUENCE = """
net n {
  input image: [8, H, W]
  residual {
    conv(16, 3x3, stride = 2); batchnorm
    scale { global_avgpool; rearrange([c, 1, 1] -> [1, c]); conv(1, 3, bias = true); rearrange([1, c] -> [c, 1, 1]) }
  } shortcut down: projection
}
"""


def test_a_factor_of_other_rank_keeps_the_stride() -> None:
    """The projection strides as the arm does, whatever the factor went through."""
    assert build(net(THROUGH_A_SEQUENCE)).down[0].stride == (2, 2)
