"""Inception-ResNet-v2 and Xception beside plain PyTorch."""
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

Kernel = int | tuple[int, int]


class Conv(nn.Module):
    def __init__(
        self, cin: int, cout: int, k: Kernel, stride: int = 1, padding: Kernel | None = None
    ) -> None:
        super().__init__()
        if padding is None:
            padding = k // 2 if isinstance(k, int) else (k[0] // 2, k[1] // 2)
        self.conv = nn.Conv2d(cin, cout, k, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(cout, eps=0.001)

    def forward(self, x: Any) -> Any:
        return F.relu(self.bn(self.conv(x)))


def chain(cin: int, *layers: tuple[Any, ...]) -> Any:
    """Convolutions, one after the other; a single one stands by itself."""
    made = []
    for width, *options in layers:
        made.append(Conv(cin, width, *options))
        cin = width
    return nn.Sequential(*made) if len(made) > 1 else made[0]


class Branches(nn.Module):
    """Branches beside each other, and a pool after them."""

    def __init__(self, *branches: nn.Module, pool: bool = False) -> None:
        super().__init__()
        for i, branch in enumerate(branches):
            self.add_module(f"branch{i}", branch)
        self.pool = pool

    def forward(self, x: Any) -> Any:
        arms = [branch(x) for branch in self.children()]
        return torch.cat([*arms, F.max_pool2d(x, 3, 2)] if self.pool else arms, 1)


class Residual(Branches):
    def __init__(
        self, width: int, between: int, scale: float, *branches: nn.Module, relu: bool = True
    ) -> None:
        super().__init__(*branches)
        self.conv2d = nn.Conv2d(between, width, 1)
        self.scale, self.relu = scale, relu

    def forward(self, x: Any) -> Any:
        *branches, last = self.children()
        y = last(torch.cat([branch(x) for branch in branches], 1)) * self.scale + x
        return F.relu(y) if self.relu else y


def a() -> Any:
    arms = chain(320, (32, 1)), chain(320, (32, 1), (32, 3)), chain(320, (32, 1), (48, 3), (64, 3))
    return Residual(320, 128, 0.17, *arms)


def b() -> Any:
    return Residual(
        1088, 384, 0.1, chain(1088, (192, 1)), chain(1088, (128, 1), (160, (1, 7)), (192, (7, 1)))
    )


def c(scale: float = 0.2, relu: bool = True) -> Any:
    arms = chain(2080, (192, 1)), chain(2080, (192, 1), (224, (1, 3)), (256, (3, 1)))
    return Residual(2080, 448, scale, *arms, relu=relu)


class InceptionResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1a = Conv(3, 32, 3, 2, 0)
        self.conv2d_2a = Conv(32, 32, 3, 1, 0)
        self.conv2d_2b = Conv(32, 64, 3)
        self.conv2d_3b = Conv(64, 80, 1)
        self.conv2d_4a = Conv(80, 192, 3, 1, 0)
        self.mixed_5b = Branches(
            chain(192, (96, 1)),
            chain(192, (48, 1), (64, 5)),
            chain(192, (64, 1), (96, 3), (96, 3)),
            nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), Conv(192, 64, 1)),
        )
        self.repeat = nn.Sequential(*[a() for _ in range(10)])
        self.mixed_6a = Branches(
            chain(320, (384, 3, 2, 0)), chain(320, (256, 1), (256, 3), (384, 3, 2, 0)), pool=True
        )
        self.repeat_1 = nn.Sequential(*[b() for _ in range(20)])
        self.mixed_7a = Branches(
            chain(1088, (256, 1), (384, 3, 2, 0)),
            chain(1088, (256, 1), (288, 3, 2, 0)),
            chain(1088, (256, 1), (288, 3), (320, 3, 2, 0)),
            pool=True,
        )
        self.repeat_2 = nn.Sequential(*[c() for _ in range(9)])
        self.block8 = c(1, relu=False)
        self.conv2d_7b = Conv(2080, 1536, 1)
        self.classif = nn.Linear(1536, 1000)

    def forward(self, x: Any) -> Any:
        x = F.max_pool2d(self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x))), 3, 2)
        x = self.repeat(self.mixed_5b(F.max_pool2d(self.conv2d_4a(self.conv2d_3b(x)), 3, 2)))
        x = self.repeat_2(self.mixed_7a(self.repeat_1(self.mixed_6a(x))))
        x = F.adaptive_avg_pool2d(self.conv2d_7b(self.block8(x)), 1).flatten(1)
        return self.classif(F.dropout(x, 0.2, self.training))


class Separable(nn.Module):
    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cin, 3, padding=1, groups=cin, bias=False)
        self.pointwise = nn.Conv2d(cin, cout, 1, bias=False)

    def forward(self, x: Any) -> Any:
        return self.pointwise(self.conv1(x))


class Unit(nn.Module):
    def __init__(self, cin: int, widths: list[int], stride: int, raw: bool) -> None:
        super().__init__()
        if stride > 1:
            self.skip = nn.Conv2d(cin, widths[-1], 1, stride, bias=False)
            self.skipbn = nn.BatchNorm2d(widths[-1])
        rep: list[nn.Module] = []
        for width in widths:
            rep += [nn.ReLU(), Separable(cin, width), nn.BatchNorm2d(width)]
            cin = width
        if raw:
            rep = rep[1:]
        if stride > 1:
            rep.append(nn.MaxPool2d(3, stride, 1))
        self.rep = nn.Sequential(*rep)

    def forward(self, x: Any) -> Any:
        return self.rep(x) + (self.skipbn(self.skip(x)) if hasattr(self, "skip") else x)


class Xception(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 32, 3, 2, bias=False), nn.BatchNorm2d(32)
        self.conv2, self.bn2 = nn.Conv2d(32, 64, 3, bias=False), nn.BatchNorm2d(64)
        cin = 64
        rows = [[128] * 2, [256] * 2, [728] * 2, *[[728] * 3] * 8, [728, 1024]]
        for i, widths in enumerate(rows):
            self.add_module(f"block{i + 1}", Unit(cin, widths, 2 if len(widths) == 2 else 1, i == 0))
            cin = widths[-1]
        self.conv3, self.bn3 = Separable(1024, 1536), nn.BatchNorm2d(1536)
        self.conv4, self.bn4 = Separable(1536, 2048), nn.BatchNorm2d(2048)
        self.fc = nn.Linear(2048, 1000)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        for i in range(12):
            x = self.get_submodule(f"block{i + 1}")(x)
        x = F.relu(self.bn4(self.conv4(F.relu(self.bn3(self.conv3(x))))))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


TWINS = {"inception_resnet_v2": InceptionResNet, "xception": Xception}


@pytest.mark.parametrize("name", TWINS)
def test_counts(name: str) -> None:
    assert_counts(name, TWINS[name])


@pytest.mark.parametrize(("name", "size"), [("inception_resnet_v2", (91, 110)), ("xception", (65, 46))])
def test_numbers(name: str, size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    assert_same(build(load(name).net), TWINS[name](), x, rounding=True)
