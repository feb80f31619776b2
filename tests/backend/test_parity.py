"""Bundled specs against torchvision: the same keys, and bit for bit the same results."""

from __future__ import annotations

import pytest

from .specs import bundled

torch = pytest.importorskip("torch")

from resdsl.backend.build import build  # noqa: E402

from .reference import assert_same, torchvision  # noqa: E402

NETS = [
    ("resnet", "resnet18"),
    ("resnet", "resnet50"),
    ("resnet", "resnext50_32x4d"),
    ("resnet", "wide_resnet50_2"),
    ("vgg", "vgg11_bn"),
    ("alexnet", "alexnet"),
    ("mobilenet_v2", "mobilenet_v2"),
    ("mobilenet_v3", "mobilenet_v3_large"),
    ("densenet", "densenet121"),
    ("shufflenet_v2", "shufflenet_v2_x1_0"),
]


@pytest.mark.parametrize(("file", "name"), NETS, ids=[n for _, n in NETS])
def test_parity(file: str, name: str) -> None:
    net = bundled(file, name)
    reference = getattr(torchvision(), name)()
    torch.manual_seed(0)
    assert_same(build(net), reference, torch.rand(2, 3, 64, 64))
