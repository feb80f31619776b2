"""The embeddings of prototypical networks are those of plain PyTorch."""
# ruff: noqa: TID253

from __future__ import annotations

from typing import Any

import pytest
from backend.reference import assert_same

from resdsl import load

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from resdsl.backend.build import build  # noqa: E402

NETS = [("protonet_omniglot", 1, 28, 64), ("protonet_miniimagenet", 3, 84, 1600)]
each_net = pytest.mark.parametrize(("name", "channels", "size", "out"), NETS)


class Conv4(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(*(self.block(c) for c in (channels, 64, 64, 64)))

    def block(self, width: int) -> nn.Module:
        conv = nn.Conv2d(width, 64, 3, padding=1)
        return nn.Sequential(conv, nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2))

    def forward(self, x: Any) -> Any:
        return self.encoder(x).flatten(1)


@each_net
def test_numbers(name: str, channels: int, size: int, out: int) -> None:
    made = torch.Generator().manual_seed(1)
    ours, theirs = build(load(name).net), Conv4(channels)
    assert_same(ours, theirs, torch.randn(3, channels, 21, 35, generator=made))
    assert ours(torch.randn(3, channels, size, size, generator=made)).shape == (3, out)


@each_net
def test_counts(name: str, channels: int, size: int, out: int) -> None:
    net, theirs = load(name), Conv4(channels).eval()
    with FlopCounterMode(display=False) as counter:
        theirs(torch.empty(1, channels, size, size))
    assert net.macs == counter.get_total_flops() / 2
    assert net.params == sum(p.numel() for p in theirs.parameters())
