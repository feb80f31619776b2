"""The benchmark of a GPU runs without one: the same code, and no side counts that gives a wrong answer."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from .specs import bundled

torch = pytest.importorskip("torch")

from resdsl.backend.bench.compare import Job  # noqa: E402
from resdsl.backend.build import build  # noqa: E402

from .reference import randomise  # noqa: E402

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def gpu() -> dict[str, Any]:
    return runpy.run_path(str(BENCHMARKS / "gpu.py"))


@pytest.fixture
def sides() -> dict[str, Any]:
    return runpy.run_path(str(BENCHMARKS / "gpu_sides.py"))


@pytest.fixture
def run(gpu: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return gpu["Run"]({"name_of_device": "a card"}, 300.0, 1, tmp_path / "found.json")


def small(**more: Any) -> Job:
    return Job("resnet18", at={"H": 32, "W": 32}, batch=2, device="cpu", dtype="bf16", **more)


def test_a_row_that_compiles_nothing(gpu: dict[str, Any], run: Any) -> None:
    """oneDNN's way, and sides that run eagerly; what cannot take part is named."""
    run.measure(gpu["Row"]("inference", small(), {"eager": 1e-3}, ("cudnn", "nobody knows/him"), needs=1))
    found = json.loads(run.file.read_text())
    assert [v["side"] for v in found["variants"]][:3] == ["resdsl", "eager", "cudnn"]
    for each in found["variants"]:
        assert each["call_s"] > 0
        assert 0 < each["share_of_peak_flops"] < 1.5
        assert 0 < each["error"]["outputs"] < 0.8
        assert each["error"]["gradients"] == 0
    titles = [claim["title"] for claim in found["claims"]]
    assert titles[0].startswith("inference, eager of ")
    assert titles[1] == "inference, error over eager's"
    assert found["claims"][0]["holds"]


def test_what_does_not_fit_or_fails_is_left_out(gpu: dict[str, Any], run: Any) -> None:
    run.measure(gpu["Row"]("long", small(), {}, needs=10_000))
    run.measure(
        gpu["Row"]("no such net", Job("resnet18", at={"H": 32, "W": 32}, device="nowhere"), {}, needs=1)
    )
    found = json.loads(run.file.read_text()) if run.file.exists() else {"claims": []}
    assert "it takes 10000 s, and " in run.left_out["long"]
    assert "there is no device `nowhere` here" in run.left_out["no such net"]
    assert found["claims"] == []


def test_rows(gpu: dict[str, Any]) -> None:
    """The claims come first, and every row has ours."""
    rows = gpu["rows"](Job("resnet50", batch=256, dtype="bf16"))
    bars = [(row.title, row.bars) for row in rows[:3]]
    assert bars == [
        ("inference bf16, batch 256", {"twin": 1.3}),
        ("inference bf16, batch 1", {"twin/reduce-overhead": 1.0}),
        ("training bf16, batch 256", {"twin": 1.05}),
    ]
    assert sum(row.needs for row in rows) < 600


def test_a_wrong_answer_is_far(sides: dict[str, Any]) -> None:
    distance = sides["distance"]
    a = [torch.ones(3), torch.zeros(2)]
    assert distance(a, a) == 0
    assert distance([torch.ones(3), torch.ones(2)], a) == pytest.approx((2 / 3) ** 0.5)
    assert distance([torch.full((3,), torch.nan), torch.zeros(2)], a) == 1e9
    assert distance([], a) == 1e9
    assert distance([], []) == 0


@pytest.mark.parametrize("matmul", [False, True])
def test_the_graph_of_cudnns_calls(sides: dict[str, Any], matmul: bool) -> None:
    """Every convolution but the first, and those that no ReLU follows, is one call; outputs are the net's."""
    module = build(bundled("resnet", "resnet50")).eval()
    randomise(module)
    x = torch.randn(1, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    graph = sides["fused"](module, torch.float32, matmul=matmul)
    with torch.no_grad():
        a, b = graph(x), module(x)
    assert float((a - b).abs().max() / b.abs().max()) < 1e-5
    names = [getattr(n.target, "__name__", "") for n in graph.graph.nodes if n.op == "call_function"]
    assert names.count("conv_add_relu") == 16
    assert (names.count("conv_relu"), names.count("product_relu")) == ((16, 16) if matmul else (32, 0))


def test_without_a_gpu(
    gpu: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    monkeypatch.setattr("sys.argv", ["gpu.py"])
    assert gpu["main"]() == 2
    assert "to try this script: --device cpu" in capsys.readouterr().err
