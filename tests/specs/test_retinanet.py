"""RetinaNet says what torchvision's does: the same keys, counts, first weights and numbers for odd sizes."""
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

each_version = pytest.mark.parametrize("name", ["retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2"])


class Heads(nn.Module):
    """What comes before boxes: images of one size in, scores and ways to boxes out."""

    def __init__(self, name: str) -> None:
        super().__init__()
        net = getattr(torchvision().detection, name)(weights=None, weights_backbone=None)
        self.backbone, self.head = net.backbone, net.head

    def forward(self, x: Any) -> Any:
        return self.head(list(self.backbone(x).values()))


@each_version
def test_numbers(name: str) -> None:
    x = torch.randn(2, 3, 75, 90, generator=torch.Generator().manual_seed(1))
    ours, theirs = build(load(name).net), Heads(name)
    assert_same(ours, theirs, x)
    expected = theirs(x)
    assert list(ours(x)) == list(expected) == ["cls_logits", "bbox_regression"]
    assert [out.shape for out in ours(x).values()] == [out.shape for out in expected.values()]


@each_version
def test_counts(name: str) -> None:
    net = load(name)
    with torch.device("meta"):
        theirs = Heads(name).eval()
        with FlopCounterMode(display=False) as counter:
            theirs(torch.empty(1, 3, 800, 800))
    assert net.params == sum(p.numel() for p in theirs.parameters())
    assert net.macs == counter.get_total_flops() / 2


@each_version
def test_initialisation(name: str) -> None:
    """Fresh weights of the pyramid and the heads are drawn from torchvision's distributions."""
    torch.manual_seed(0)
    ours = build(load(name).net).state_dict()
    for key, tensor in Heads(name).state_dict().items():
        if not tensor.is_floating_point() or "body" in key:
            continue
        if tensor.std() == 0:
            assert torch.equal(ours[key], tensor), key
        else:
            assert tensor.numel() >= 4096, key
            close = 8 / tensor.numel() ** 0.5
            assert ours[key].std().item() == pytest.approx(tensor.std().item(), rel=close), key
            assert ours[key].abs().max().item() == pytest.approx(tensor.abs().max().item(), rel=0.3), key
