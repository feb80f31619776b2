"""The bundled nets that torchvision does not have: PyTorch counts in them what the specs say."""
# ruff: noqa: TID253

from __future__ import annotations

import pytest

from resdsl import load
from resdsl.sizes import shape_at

torch = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from resdsl.backend.build import build  # noqa: E402

ONE_OF_EACH = [
    *("resnet34_a", "resnet34_c", "plain34", "resnet50_v1", "mobilenet_v2_0_35", "mobilenet_v2_1_4"),
    *("resnet110", "resnet20_b", "resnet20_c", "plain20", "stochastic_depth110"),
    *("preact_resnet18", "preact_resnet50", "preact_resnet110", "preact_resnet164"),
    *("wrn_40_1", "wrn_28_10_dropout", "se_resnet18", "se_resnet50", "resnet18d", "resnet50d", "lenet5"),
]


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_counts(name: str) -> None:
    net = load(name)
    [shape] = net.net.graph.input_shapes
    assert shape is not None
    assert net.net.nominal is not None
    with torch.device("meta"):
        made = build(net.net)
        x = torch.empty(2, *shape_at(shape, net.net.nominal))
        with FlopCounterMode(display=False) as counter:
            out = made(x)
    assert out.shape[0] == 2
    assert net.params == sum(p.numel() for p in made.parameters())
    assert net.macs == counter.get_total_flops() / 4


@pytest.mark.parametrize("name", ["preact_resnet110", "preact_resnet164", "wrn_40_1"])
def test_identity_is_clean(name: str) -> None:
    """Nothing stands on the shortcuts: with arms that give zero, a unit hands on what it got."""
    made = build(load(name).net).eval()
    unit = made.get_submodule("layer2.1")
    last = max((n for n, _ in unit.named_children() if n.startswith("conv")))
    torch.nn.init.zeros_(unit.get_submodule(last).weight)
    x = torch.randn(2, unit.get_submodule("bn1").num_features, 8, 8)
    assert torch.equal(unit(x), x)
