"""MLP-Mixers are those of plain PyTorch, and have the parameters of Table 1."""
# ruff: noqa: TID253

from __future__ import annotations

from typing import Any

import pytest
from backend.reference import assert_same

from resdsl import load

torch = pytest.importorskip("torch")

from specs.counted import assert_counts  # noqa: E402
from torch import nn  # noqa: E402

from resdsl.backend.build import build  # noqa: E402

TABLE_1 = {  # patch, layers, width, width across patches and within, millions of parameters
    "mixer_s_32": (32, 8, 512, 256, 2048, 19),
    "mixer_s_16": (16, 8, 512, 256, 2048, 18),
    "mixer_b_32": (32, 12, 768, 384, 3072, 60),
    "mixer_b_16": (16, 12, 768, 384, 3072, 59),
    "mixer_l_32": (32, 24, 1024, 512, 4096, 206),
    "mixer_l_16": (16, 24, 1024, 512, 4096, 207),
    "mixer_h_14": (14, 32, 1280, 640, 5120, 431),
}
each_net = pytest.mark.parametrize("name", TABLE_1)


class Mlp(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Any) -> Any:
        return self.fc2(nn.functional.gelu(self.fc1(x)))


class Layer(nn.Module):
    def __init__(self, patches: int, width: int, across: int, within: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.mlp_tokens = Mlp(patches, across)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp_channels = Mlp(width, within)

    def forward(self, x: Any) -> Any:
        x = x + self.mlp_tokens(self.norm1(x).mT).mT
        return x + self.mlp_channels(self.norm2(x))


class Mixer(nn.Module):
    def __init__(
        self, patch: int, depth: int, width: int, across: int, within: int, size: int = 224, out: int = 1000
    ) -> None:
        super().__init__()
        patches = (size // patch) ** 2
        self.stem = nn.ModuleDict({"proj": nn.Conv2d(3, width, patch, patch)})
        self.blocks = nn.Sequential(*(Layer(patches, width, across, within) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, out)

    def forward(self, x: Any) -> Any:
        x = self.stem["proj"](x).flatten(2).mT
        return self.head(self.norm(self.blocks(x)).mean(1))


@each_net
def test_counts(name: str) -> None:
    *layout, millions = TABLE_1[name]
    assert_counts(name, lambda: Mixer(*layout))
    assert round((load(name).params - 1001 * layout[2]) / 1e6) == millions


@pytest.mark.parametrize("name", ["mixer_s_32", "mixer_h_14"])
def test_numbers(name: str) -> None:
    patch, _, width, across, within, _ = TABLE_1[name]
    size = 3 * patch
    ours = build(load(name, depth=2, size=size, classes=10).net)
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    assert_same(ours, Mixer(patch, 2, width, across, within, size, 10), x)
