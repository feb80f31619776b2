"""Compiled nets: the same results, and no limit is hit. Slow parts use few layers."""

from __future__ import annotations

import pytest

from .specs import RESIDUAL, bundled, net

torch = pytest.importorskip("torch")

from resdsl.backend import compile as compiling  # noqa: E402
from resdsl.backend.bench.measure import report, settled  # noqa: E402
from resdsl.backend.compile import block_calls, compile_net  # noqa: E402

pytestmark = pytest.mark.usefixtures("fresh_dynamo")


def test_calls_and_signatures() -> None:
    blocks = block_calls(bundled("cifar_resnet", "resnet1202").graph)
    assert len(blocks) == 600
    assert len({id(g) for _, g in blocks}) == 5


@pytest.mark.parametrize("way", ["whole", "blocks"])
def test_no_limit_is_hit(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several batch sizes, with and without training and gradients, on dynamo alone."""
    monkeypatch.setattr(compiling, "WHOLE_AT_MOST", 64 if way == "whole" else 4)
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **o: compile_(f, backend="eager", **o))
    made = compile_net(net(RESIDUAL), device="cpu", by_torch=True)
    assert (made.way, made.calls, made.signatures) == (way, 6, 3)
    for training in (False, True):
        made.train(training)
        for batch in (1, 2, 3, 5):
            for gradients in (False, True):
                x = torch.rand(batch, 3, 16, 16)
                with torch.set_grad_enabled(gradients):
                    kept = {k: v.clone() for k, v in made.eager.state_dict().items()}
                    got = made(x)
                    made.eager.load_state_dict(kept)
                    assert torch.allclose(got, made.eager(x), rtol=1e-4, atol=1e-5)
    if way == "blocks":
        variants = torch._dynamo.utils.counters["stats"]["unique_graphs"]
        assert variants <= 3 * 12, "instances of one signature share their code"


def test_report() -> None:
    made = compile_net(net(RESIDUAL), device="cpu")
    before = {k: v.clone() for k, v in made.eager.state_dict().items()}
    found = report(made, batch=2, runs=1)
    assert found.relative < 1e-4
    assert found.parameters == sum(p.numel() for p in made.eager.parameters())
    assert "by onednn" in str(found)
    assert all(torch.equal(v, before[k]) for k, v in made.eager.state_dict().items())


def test_settled_statistics_keep_values_in_range() -> None:
    from resdsl.backend.build import build

    module = build(bundled("cifar_resnet", "resnet110")).eval()
    x = torch.rand(2, 3, 32, 32)
    with torch.no_grad(), settled(module, [x]):
        assert module(x).abs().max() < 1e3
