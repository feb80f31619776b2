"""The transformer's encoder is torch.nn.TransformerEncoder, bit for bit, with and without dropout."""
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

TABLE_3 = {  # width, heads, hidden width, dropout
    "transformer_base_encoder": (512, 8, 2048, 0.1),
    "transformer_big_encoder": (1024, 16, 4096, 0.3),
}
each_net = pytest.mark.parametrize("name", TABLE_3)


def theirs(name: str, depth: int = 6) -> Any:
    width, heads, hidden, drop = TABLE_3[name]
    layer = nn.TransformerEncoderLayer(width, heads, hidden, drop, batch_first=True)
    return nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)


def in_running_order(encoder: Any) -> Any:
    """torch lists both norms last."""
    for layer in encoder.layers:
        for name in ("self_attn", "norm1", "linear1", "linear2", "norm2"):
            setattr(layer, name, layer._modules.pop(name))
    return encoder


@each_net
def test_numbers(name: str) -> None:
    ours = build(load(name, depth=2).net)
    x = torch.randn(3, 7, TABLE_3[name][0], generator=torch.Generator().manual_seed(1))
    assert_same(ours, in_running_order(theirs(name, 2)), x)


@each_net
def test_keys(name: str) -> None:
    with torch.device("meta"):
        ours, reference = build(load(name).net).state_dict(), theirs(name).state_dict()
    assert {key: t.shape for key, t in ours.items()} == {key: t.shape for key, t in reference.items()}


@each_net
def test_counts(name: str) -> None:
    assert_counts(name, lambda: theirs(name))
