"""Tensors stored without a batch: the same for all samples, wherever they meet values with one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from resdsl.backend.build import build  # noqa: E402
from resdsl.emit.source import emit  # noqa: E402

from .specs import net  # noqa: E402

HEAD = "edition 2026\nnet n { input x: [4, 6]; param p: [4, 6] = normal(std = 1)\n"


@pytest.mark.parametrize(
    ("body", "expected", "text"),
    [
        ("add { identity; from p }", lambda x, p: x + p, "x + self.p"),
        ("scale { from p -> sigmoid }", lambda x, p: x * p.sigmoid(), "torch.sigmoid(self.p[None])"),
        (
            "concat { from p; identity }",
            lambda x, p: torch.cat([p.expand(3, 4, 6), x], 1),
            "self.p[None].expand(x.shape[0], -1, -1)",
        ),
        (
            "concat { identity; from p -> relu }",
            lambda x, p: torch.cat([x, p.relu().expand(3, 4, 6)], 1),
            "expand",
        ),
        (
            "relu as y; from p -> rearrange([i, j] -> [j, i]) as q; from y, q -> matmul",
            lambda x, p: x.relu() @ p.T,
            "self.p[None].transpose(1, 2)",
        ),
        (
            "flatten as y; from p -> flatten as q; from y, q -> add",
            lambda x, p: x.flatten(1) + p.flatten(),
            "torch.flatten(self.p[None], 1)",
        ),
        (
            "from p, x -> joined",
            lambda x, p: torch.cat([p.flatten().expand(3, 24), x.flatten(1)], 1),
            "self.p[None].expand(x.shape[0], -1, -1)",
        ),
        (
            "inner = { relu; from p -> tanh as q }; from inner, x -> add",
            lambda x, p: x + p.tanh(),
            "self.inner",
        ),
    ],
)
def test_meets(body: str, expected: Callable[[Any, Any], Any], text: str) -> None:
    block = (
        "block joined { input a, b; from a -> flatten as c; from b -> flatten as d; from c, d -> concat }\n"
    )
    made = net(HEAD.replace("net n", block + "net n", 1) + body + " }")
    assert text in emit(made)
    module, x = build(made), torch.rand(3, 4, 6)
    y = module(x)
    assert y.shape[0] == 3
    assert torch.equal(y, expected(x, module.p))


def test_initialisers_of_linear_layers_spare_attention() -> None:
    """Its output projection is an `nn.Linear` to torch, but not to the spec."""
    spec = "init linear.weight = zeros; init linear.bias = zeros; attn = attention(2); fc = linear(6)"
    module = build(net(f"edition 2026\nnet n {{ input x: [4, 6]; {spec} }}"))
    assert module.fc.weight.abs().sum() == module.fc.bias.abs().sum() == 0
    assert module.attn.out_proj.weight.abs().sum() > 0
