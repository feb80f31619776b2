"""Shake-Shake beside plain PyTorch, where the mixture of the backward pass is written as one."""
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

MILLIONS = {32: 2.9, 64: 11.7, 96: 26.2}


class Shake(torch.autograd.Function):
    """Mixes with one random factor forwards and another backwards."""

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        a, b = torch.rand(2, len(x), 1, 1, 1)
        ctx.save_for_backward(b)
        return a * x + (1 - a) * y

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (b,) = ctx.saved_tensors
        return b * grad, (1 - b) * grad


class Arm(nn.Module):
    def __init__(self, cin: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(cin, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Any) -> Any:
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(F.relu(x))))))


class Flows(nn.Module):
    def __init__(self, cin: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(cin, width // 2, 1, bias=False)
        self.conv2 = nn.Conv2d(cin, width // 2, 1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.stride = stride

    def forward(self, x: Any) -> Any:
        x = F.relu(x)
        shifted = F.pad(x, (1, -1, 1, -1))
        flows = [F.avg_pool2d(v, 1, self.stride) for v in (x, shifted)]
        return self.bn(torch.cat([self.conv1(flows[0]), self.conv2(flows[1])], 1))


class Block(nn.Module):
    def __init__(self, cin: int, width: int, stride: int) -> None:
        super().__init__()
        self.arm1, self.arm2 = Arm(cin, width, stride), Arm(cin, width, stride)
        if cin != width:
            self.shortcut = Flows(cin, width, stride)

    def forward(self, x: Any) -> Any:
        y, z = self.arm1(x), self.arm2(x)
        mixed = Shake.apply(y, z) if self.training else 0.5 * (y + z)
        return mixed + (self.shortcut(x) if hasattr(self, "shortcut") else x)


class ShakeShake(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        cin = 16
        for i in range(3):
            blocks = []
            for j in range(4):
                blocks.append(Block(cin, width * 2**i, 2 if i and not j else 1))
                cin = width * 2**i
            self.add_module(f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(cin, 10)

    def forward(self, x: Any) -> Any:
        x = self.bn1(self.conv1(x))
        for i in range(3):
            x = self.get_submodule(f"layer{i + 1}")(x)
        return self.fc(F.adaptive_avg_pool2d(F.relu(x), 1).flatten(1))


@pytest.mark.parametrize("width", MILLIONS)
def test_counts(width: int) -> None:
    name = f"shake_shake26_2x{width}d"
    assert_counts(name, lambda: ShakeShake(width))
    assert load(name).params / 1e6 == pytest.approx(MILLIONS[width], abs=0.05)


def test_numbers() -> None:
    """The same mixtures, and the gradients of the others."""
    x = torch.randn(3, 3, 16, 21, generator=torch.Generator().manual_seed(1))
    assert_same(build(load("shake_shake26_2x32d", width=8).net), ShakeShake(8), x, rounding=True)
