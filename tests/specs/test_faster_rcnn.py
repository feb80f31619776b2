"""Faster R-CNN's two nets say what torchvision's parts do, and together have all of its keys."""
# ruff: noqa: TID253

from __future__ import annotations

from typing import Any

import pytest
from backend.reference import assert_same, torchvision

from resdsl import load

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from resdsl.backend.build import build  # noqa: E402


def theirs() -> Any:
    return torchvision().detection.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)


class Proposals(nn.Module):
    """Images of one size in, features and a row for each anchor out."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.backbone, self.rpn = net.backbone, net.rpn

    def forward(self, x: Any) -> Any:
        rows = torchvision().detection.rpn.permute_and_flatten
        features = self.backbone(x)
        objectness, deltas = self.rpn.head(list(features.values()))
        return (
            *(level for name, level in features.items() if name != "pool"),
            torch.cat([rows(m, len(m), 3, 1, *m.shape[2:]) for m in objectness], 1),
            torch.cat([rows(m, len(m), 3, 4, *m.shape[2:]) for m in deltas], 1),
        )


class Boxes(nn.Module):
    """Features of boxes in, scores and ways to better boxes out."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.roi_heads = net.roi_heads

    def forward(self, x: Any) -> Any:
        return self.roi_heads.box_predictor(self.roi_heads.box_head(x))


def test_proposals() -> None:
    x = torch.randn(2, 3, 75, 90, generator=torch.Generator().manual_seed(1))
    ours, reference = build(load("fasterrcnn_resnet50_fpn").net), Proposals(theirs())
    assert_same(ours, reference, x)
    assert [out.shape for out in ours(x).values()] == [out.shape for out in reference(x)]


def test_boxes() -> None:
    x = torch.randn(5, 256, 7, 7, generator=torch.Generator().manual_seed(1))
    ours, reference = build(load("fasterrcnn_box_head").net), Boxes(theirs())
    assert_same(ours, reference, x)
    assert [out.shape for out in ours(x).values()] == [out.shape for out in reference(x)]


def test_together() -> None:
    """The keys and the counts of the whole, with 1000 proposals."""
    first, second = load("fasterrcnn_resnet50_fpn"), load("fasterrcnn_box_head")
    with torch.device("meta"):
        whole = theirs().eval()
        keys = [*build(first.net).state_dict(), *build(second.net).state_dict()]
        with FlopCounterMode(display=False) as counter:
            Proposals(whole)(torch.empty(1, 3, 800, 800))
            Boxes(whole)(torch.empty(1000, 256, 7, 7))
    assert keys == list(whole.state_dict())
    assert first.params + second.params == sum(p.numel() for p in whole.parameters())
    assert first.macs + 1000 * second.macs == counter.get_total_flops() / 2


def test_initialisation() -> None:
    """Fresh weights of the heads are drawn from torchvision's distributions."""
    torch.manual_seed(0)
    ours = {
        **build(load("fasterrcnn_resnet50_fpn").net).state_dict(),
        **build(load("fasterrcnn_box_head").net).state_dict(),
    }
    for key, tensor in theirs().state_dict().items():
        if key.startswith("backbone"):
            continue
        if tensor.std() == 0:
            assert torch.equal(ours[key], tensor), key
        else:
            close = 8 / tensor.numel() ** 0.5
            assert ours[key].std().item() == pytest.approx(tensor.std().item(), rel=close), key
