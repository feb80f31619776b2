"""Highway networks beside plain PyTorch."""
# ruff: noqa: TID253

from __future__ import annotations

from typing import Any

import pytest
from backend.reference import assert_same

from resdsl import load

torch = pytest.importorskip("torch")

from backend.specs import net  # noqa: E402
from specs.counted import assert_counts  # noqa: E402
from torch import nn  # noqa: E402

from resdsl.backend.build import build  # noqa: E402


class Layer(nn.Module):
    def __init__(self, transform: nn.Module, gate: nn.Module) -> None:
        super().__init__()
        self.transform, self.gate = transform, gate

    def forward(self, x: Any) -> Any:
        h, t = torch.relu(self.transform(x)), torch.sigmoid(self.gate(x))
        return h * t + x * (1 - t)


class Highway(nn.Module):
    def __init__(self, depth: int) -> None:
        super().__init__()
        self.first = nn.Linear(784, 50)
        layers = [Layer(nn.Linear(50, 50), nn.Linear(50, 50)) for _ in range(depth - 1)]
        self.layers = nn.Sequential(*layers)
        self.last = nn.Linear(50, 10)

    def forward(self, x: Any) -> Any:
        return self.last(self.layers(torch.relu(self.first(x.flatten(1)))))


@pytest.mark.parametrize("depth", [10, 20, 50, 100])
def test_counts(depth: int) -> None:
    assert_counts(f"highway{depth}", lambda: Highway(depth))


def test_numbers() -> None:
    x = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    assert_same(build(load("highway10").net), Highway(10), x, rounding=True)


def test_gates_begin_by_carrying() -> None:
    """Of the transform at most its share at a bias of -2 for inputs of 0."""
    layer = build(load("highway10").net).layers[0]
    assert (layer.gate.bias == -2).all()
    assert torch.sigmoid(layer.gate(torch.zeros(1, 50))).max() < 0.12


CONVOLUTIONAL = """
use std.highway { highway_layer }

net n {
  input image: [3, H, W]
  first = conv(8, 3x3, bias = true); relu
  layers = highway_layer(conv(8, 3x3), relu, -1) x 3
}
"""


def test_of_convolutions() -> None:
    """The layer takes a convolution as well (section 3.2)."""
    ours = build(net(CONVOLUTIONAL))

    def conv(cin: int) -> nn.Module:
        return nn.Conv2d(cin, 8, 3, padding=1)

    theirs = nn.Sequential()
    theirs.add_module("first", conv(3))
    theirs.add_module("relu", nn.ReLU())
    theirs.add_module("layers", nn.Sequential(*[Layer(conv(8), conv(8)) for _ in range(3)]))
    x = torch.randn(2, 3, 9, 12, generator=torch.Generator().manual_seed(1))
    assert_same(ours, theirs, x, rounding=True)
