"""Feature pyramids say what torchvision's does, at every level and for odd sizes."""
# ruff: noqa: TID253

from __future__ import annotations

from typing import Any

import pytest
from backend.reference import assert_same, logits, randomise, torchvision

from resdsl import load

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from resdsl.backend.build import build  # noqa: E402


def theirs() -> Any:
    """ResNet-50 and the pyramid on it, with norms that train."""
    backbone = torchvision().detection.backbone_utils.resnet_fpn_backbone
    return backbone(backbone_name="resnet50", weights=None, norm_layer=nn.BatchNorm2d, trainable_layers=5)


class Levels(nn.Module):
    """Without the fifth level, which only subsamples the fourth."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.body, self.fpn = net.body, net.fpn

    def forward(self, x: Any) -> Any:
        return tuple(level for name, level in self.fpn(self.body(x)).items() if name != "pool")


@pytest.mark.parametrize("size", [(64, 96), (75, 50)])
def test_pyramid(size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    ours, reference = build(load("fpn_resnet50").net), Levels(theirs())
    assert_same(ours, reference, x)
    assert [level.shape for level in ours(x).values()] == [level.shape for level in reference(x)]


def test_doubling_is_resizing() -> None:
    """The two nets agree where both are defined."""
    resized, doubled = build(load("fpn_resnet50").net), build(load("fpn_resnet50_double").net)
    randomise(resized)
    doubled.load_state_dict(resized.state_dict(), strict=True)
    x = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(logits(resized.eval()(x)), logits(doubled.eval()(x)))
