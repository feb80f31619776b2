"""I3D beside plain PyTorch with TensorFlow's padding, computed from the sizes."""
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

Triple = tuple[int, int, int]

# GoogLeNet's rows.
ROWS = {
    "3b": (64, 96, 128, 16, 32, 32),
    "3c": (128, 128, 192, 32, 96, 64),
    "4b": (192, 96, 208, 16, 48, 64),
    "4c": (160, 112, 224, 24, 64, 64),
    "4d": (128, 128, 256, 24, 64, 64),
    "4e": (112, 144, 288, 32, 64, 64),
    "4f": (256, 160, 320, 32, 128, 128),
    "5b": (256, 160, 320, 32, 128, 128),
    "5c": (384, 192, 384, 48, 128, 128),
}


def same(x: Any, kernel: Triple, stride: Triple) -> Any:
    """As many zeros as it takes for ceil(size / stride) positions; one more at the end if that is odd."""
    pads: list[int] = []
    for size, k, s in zip(x.shape[:1:-1], kernel[::-1], stride[::-1], strict=True):
        total = max((-(-size // s) - 1) * s + k - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads) if any(pads) else x


def pool(x: Any, kernel: Triple, stride: Triple) -> Any:
    return F.max_pool3d(same(x, kernel, stride), kernel, stride)


class Unit(nn.Module):
    def __init__(self, cin: int, cout: int, k: int, stride: int = 1) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(cin, cout, k, stride, bias=False)
        self.bn = nn.BatchNorm3d(cout, eps=0.001, momentum=0.01)

    def forward(self, x: Any) -> Any:
        x = same(x, self.conv3d.kernel_size, self.conv3d.stride)  # type: ignore[arg-type]
        return F.relu(self.bn(self.conv3d(x)))


class Inception(nn.Module):
    def __init__(self, cin: int, a: int, b1: int, b2: int, c1: int, c2: int, d: int) -> None:
        super().__init__()
        self.b0 = Unit(cin, a, 1)
        self.b1a, self.b1b = Unit(cin, b1, 1), Unit(b1, b2, 3)
        self.b2a, self.b2b = Unit(cin, c1, 1), Unit(c1, c2, 3)
        self.b3b = Unit(cin, d, 1)

    def forward(self, x: Any) -> Any:
        arms = (
            self.b0(x),
            self.b1b(self.b1a(x)),
            self.b2b(self.b2a(x)),
            self.b3b(pool(x, (3, 3, 3), (1, 1, 1))),
        )
        return torch.cat(arms, 1)


class I3D(nn.Module):
    def __init__(self, channels: int, drop: float = 0.5) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit(channels, 64, 7, 2)
        self.Conv3d_2b_1x1 = Unit(64, 64, 1)
        self.Conv3d_2c_3x3 = Unit(64, 192, 3)
        cin = 192
        for name, row in ROWS.items():
            self.add_module(f"Mixed_{name}", Inception(cin, *row))
            cin = row[0] + row[2] + row[4] + row[5]
        self.logits = nn.Sequential()
        self.logits.conv3d = nn.Conv3d(cin, 400, 1)
        self.drop = drop

    def forward(self, x: Any) -> Any:
        x = pool(self.Conv3d_1a_7x7(x), (1, 3, 3), (1, 2, 2))
        x = pool(self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x)), (1, 3, 3), (1, 2, 2))
        for name in ROWS:
            if name == "4b":
                x = pool(x, (3, 3, 3), (2, 2, 2))
            if name == "5b":
                x = pool(x, (2, 2, 2), (2, 2, 2))
            x = self.get_submodule(f"Mixed_{name}")(x)
        x = F.dropout(F.avg_pool3d(x, (2, 7, 7), 1), self.drop, self.training)
        return F.adaptive_avg_pool3d(self.logits.conv3d(x), 1).flatten(1)


@pytest.mark.parametrize(("name", "channels"), [("i3d_rgb", 3), ("i3d_flow", 2)])
def test_counts(name: str, channels: int) -> None:
    assert_counts(name, lambda: I3D(channels))


def test_numbers(request: pytest.FixtureRequest) -> None:
    """Also where a size is odd before the last pool. Padding apart or in a convolution rounds float32 differently."""
    x = torch.randn(1, 3, 12, 208, 208, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    ours, theirs = build(load("i3d_rgb").net).double(), I3D(3).double()
    full = request.config.getoption("--full")
    assert_same(ours, theirs, x, training=full, rounding=True)
