"""Compiled modules next to eager ones."""

from __future__ import annotations

from typing import Any

import pytest

from .specs import RESIDUAL, net

torch = pytest.importorskip("torch")

from resdsl.backend.compile import Compiled, compile_net  # noqa: E402

from .reference import logits, randomise  # noqa: E402


def made(text: str = RESIDUAL) -> Compiled:
    found = compile_net(net(text), device="cpu")
    randomise(found.eager)
    return found


def step(module: Any, x: Any) -> dict[str, Any]:
    """The outputs, gradients and statistics of one step from the same weights."""
    kept = {k: v.clone() for k, v in module.state_dict().items()}
    module.zero_grad()
    torch.manual_seed(0)
    out = logits(module(x))
    out.square().mean().backward()
    found = {"out": out.detach()} | {n: p.grad for n, p in module.named_parameters() if p.grad is not None}
    found |= {f"{k}, after": v.clone() for k, v in module.state_dict().items()}
    module.load_state_dict(kept)
    return found


def agree(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert a.keys() == b.keys()
    for name, value in a.items():
        scale = max(1e-3, float(b[name].abs().max()))
        assert float((value - b[name]).abs().max()) <= 2e-3 * scale, name
