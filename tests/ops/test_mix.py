"""Mixtures and gates say what their papers do, in training and outside."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from .calls import read  # noqa: E402
from .torch_text import run  # noqa: E402


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(5, 3, 4, 4, requires_grad=True), torch.randn(5, 3, 4, 4, requires_grad=True)


@pytest.mark.parametrize("shape", [(5, 1, 1, 1), (5, 3, 1, 1), (5, 3, 4, 4)])
def test_lerp_is_torchs(shape: tuple[int, ...]) -> None:
    x, y = pair()
    weight = torch.rand(shape)
    torch.testing.assert_close(run(read("lerp"), [x, y, weight]), torch.lerp(x, y, weight))


def test_lerp_chooses_exactly() -> None:
    x, y = pair()
    weight = torch.tensor([0.0, 1, 0, 1, 1]).view(5, 1, 1, 1)
    chosen = run(read("lerp"), [x, y, weight])
    assert all(torch.equal(chosen[i], (y if weight[i] else x)[i]) for i in range(5))


def test_shake_draws_for_each_sample_and_again_for_gradients() -> None:
    x, y = pair()
    torch.manual_seed(1)
    a, b = torch.rand(2, 5, 1, 1, 1)
    torch.manual_seed(1)
    mixed = run(read("shake"), [x, y], training=True)
    assert torch.equal(mixed, a * x + (1 - a) * y)
    assert len(set(a.flatten().tolist() + b.flatten().tolist())) == 10
    mixed.sum().backward()
    assert torch.equal(x.grad, b.expand_as(x))
    assert torch.equal(y.grad, (1 - b).expand_as(y))


def test_shake_is_the_mean_in_evaluation() -> None:
    x, y = pair()
    assert torch.equal(run(read("shake"), [x, y]), (x + y) / 2)


@pytest.mark.parametrize("straight_through", ["false", "true"])
def test_hard_gate(straight_through: str) -> None:
    gate = read(f"hard_gate(straight_through = {straight_through})")
    x = torch.tensor([[0.2, 0.5, 0.7, 1.0]], requires_grad=True)
    hard = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    assert torch.equal(run(gate, [x]), hard)
    trained = run(gate, [x], training=True)
    assert torch.equal(trained, hard if straight_through == "true" else x)
    (trained * torch.arange(4.0)).sum().backward()
    assert torch.equal(x.grad, torch.arange(4.0)[None])
