"""SimCLR and MoCo say what plain PyTorch does around torchvision's ResNet-50."""
# ruff: noqa: TID253

from __future__ import annotations

from typing import Any

import pytest
from backend.reference import assert_same, torchvision

from resdsl import load

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from resdsl.backend.build import build  # noqa: E402


class WithHidden(nn.Module):
    """A ResNet-50 whose classifier is a network with one hidden layer."""

    def __init__(self) -> None:
        super().__init__()
        self.body = torchvision().resnet50()
        self.body.fc = nn.Identity()
        self.fc = nn.Sequential(nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, 128))

    def forward(self, x: Any) -> Any:
        return self.fc(self.body(x))


class SimCLR(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = WithHidden()

    def forward(self, one: Any, two: Any) -> Any:
        return F.normalize(self.encoder(one), dim=1), F.normalize(self.encoder(two), dim=1)


class MoCo(nn.Module):
    def __init__(self, version: int) -> None:
        super().__init__()
        make = WithHidden if version == 2 else lambda: torchvision().resnet50(num_classes=128)
        self.encoder_q, self.encoder_k = make(), make()

    def forward(self, query: Any, key: Any) -> Any:
        return F.normalize(self.encoder_q(query), dim=1), F.normalize(self.encoder_k(key), dim=1)


class Pair(nn.Module):
    """Takes its two views as one tensor, as the comparison does."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Any) -> Any:
        return self.net(*x.unbind(0))


TWINS = {"simclr_resnet50": SimCLR, "moco_resnet50": lambda: MoCo(1), "moco_v2_resnet50": lambda: MoCo(2)}
each_twin = pytest.mark.parametrize("name", TWINS)


@each_twin
def test_numbers(name: str) -> None:
    x = torch.randn(2, 3, 3, 64, 49, generator=torch.Generator().manual_seed(1))
    ours = Pair(build(load(name).net))
    assert_same(ours, Pair(TWINS[name]()), x)
    for out in ours(x).values():
        torch.testing.assert_close(out.norm(dim=1), torch.ones(3))


@each_twin
def test_counts(name: str) -> None:
    net = load(name)
    with torch.device("meta"):
        theirs = TWINS[name]().eval()
        with FlopCounterMode(display=False) as counter:
            theirs(*torch.empty(2, 1, 3, 224, 224))
    assert net.params == sum(p.numel() for p in theirs.parameters())
    assert net.macs == counter.get_total_flops() / 2
