"""Counts of a bundled net beside those of a plain PyTorch twin, as torch counts them."""
# ruff: noqa: TID253

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from resdsl import load
from resdsl.sizes import shape_at


def assert_counts(name: str, twin: Callable[[], Any]) -> None:
    """The same parameters and multiply-accumulates."""
    net = load(name)
    with torch.device("meta"):
        reference = twin().eval()
        x = torch.empty(1, *shape_at(net.net.graph.input_shapes[0] or (), net.net.nominal or {}))
        with FlopCounterMode(display=False) as counter:
            reference(x)
    assert net.params == sum(p.numel() for p in reference.parameters())
    assert net.macs == counter.get_total_flops() / 2
