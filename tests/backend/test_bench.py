"""What a comparison gives. Nothing here says how fast anything is."""

from __future__ import annotations

import json
import os
import runpy
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from resdsl.backend.bench.compare import CannotRun, Job, Side, TookTooLong, compare, ratio, turns  # noqa: E402
from resdsl.backend.bench.side import Machine  # noqa: E402

TEXT = """edition 2026
net n(width = 4) {
  input x: [3, H, W] at [3, 8, 8]
  conv1 = conv(width, 3x3); bn1 = batchnorm; relu
  conv2 = conv(width, 1x1); bn2 = batchnorm; relu
  conv3 = conv(width, 1x1); bn3 = batchnorm; relu
  global_avgpool; flatten
  fc = linear(2)
}
"""


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def spec(tmp_path: Path) -> str:
    (tmp_path / "n.res").write_text(TEXT)
    return str(tmp_path / "n.res")


@pytest.fixture
def side(spec: str) -> Iterator[Side]:
    with Side("eager", Job(spec, device="cpu")) as made:
        yield made


def test_the_numbers_of_a_comparison(spec: str) -> None:
    told: list[str] = []
    job = Job(spec, {"width": "6"}, {"H": 12, "W": 10}, batch=3, device="cpu")
    found = compare(job, ("eager",), runs=2, progress=told.append)
    data = json.loads(json.dumps(found.data()))
    assert data["net"] == "n"
    assert data["shapes"] == [[3, 12, 10]]
    assert data["environment"]["threads"] == 1
    assert data["environment"]["torch"] == torch.__version__
    assert data["job"]["batch"] == 3
    assert data["call"]["flops"] == 2 * 3 * ((3 * 9 + 6 + 6) * 6 * 12 * 10 + 6 * 2)
    assert data["call"]["bytes"] == 4 * ((162 + 2 * 36 + 3 * 12 + 14) + 2 * 3 * (3 * 6 * 12 * 10 + 2))
    assert data["skipped"] == {}
    ours, eager = data["sides"]
    assert (ours["side"], eager["side"]) == ("resdsl", "eager")
    assert ours["time_over_resdsl"] == 1
    assert ours["how"].startswith("by onednn")
    for each in (ours, eager):
        low, high = each["latency_s"]["quartiles"]
        assert 0 < low <= each["latency_s"]["median"] <= high
        assert each["images_per_s"] == pytest.approx(3 / each["latency_s"]["median"])
        assert 0 < each["share_of_peak"]["flops"] < 1.5
        assert each["first_call_s"] > 0
        assert each["memory_bytes"]["peak"] > 50e6
    assert told[0].startswith("measuring the machine")
    lines = str(found).splitlines()
    assert lines[0] == "n   inference, batch 3 of 3×12×10"
    assert lines[1].endswith(f"1 thread, torch {torch.__version__}")
    assert [line.split()[0] for line in lines[5:7]] == ["resdsl", "eager"]


def test_sides_that_cannot_take_part_are_named(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not train, and what is not installed."""
    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")  # nothing is compiled
    found = compare(Job(spec, batch=2, train=True, device="cpu"), ("eager", "frozen", "onnxruntime"), runs=1)
    assert list(found.skipped) == ["frozen", "onnxruntime"]
    assert [row.side for row in found.rows] == ["resdsl", "eager"]
    assert "onnxruntime  left out: it does not train" in str(found).splitlines()
    folder = Path(spec).parent / "no"
    folder.mkdir()
    (folder / "onnxruntime.py").write_text("raise ImportError\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    assert compare(Job(spec, device="cpu"), ("onnxruntime",), runs=1).skipped == {
        "onnxruntime": "left out: it is not installed"
    }


def test_frozen_is_truly_frozen(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its weights are constants; what is not frozen is no evidence of anything."""
    with Side("frozen", Job(spec, device="cpu")) as frozen:
        assert frozen.ask("compile")["seconds"] > 0
    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")  # nothing is compiled, so nothing is frozen
    with Side("frozen", Job(spec, device="cpu")) as loose, pytest.raises(CannotRun, match="constants"):
        loose.ask("compile")


def test_gradients_are_compared(spec: str, tmp_path: Path) -> None:
    file = str(tmp_path / "gradients.pt")
    with Side("eager", Job(spec, batch=2, train=True, device="cpu")) as made:
        made.ask("compile")
        assert made.ask("gradients", file=file) == {"written": 12}
        assert made.ask("gradients", file=file) == {"of": 12, "differ": 0, "largest": 0}
        kept = torch.load(file)
        kept["fc.bias"] *= 1.5
        torch.save(kept, file)
        found = made.ask("gradients", file=file)
    assert found["differ"] == 1
    assert found["largest"] == pytest.approx(1 / 3)


def test_turns(side: Side) -> None:
    side.ask("compile")
    seen: list[int] = []
    made = turns({"resdsl": side, "again": side}, 3, seen.append)
    assert seen == [0, 1, 2]
    assert all(len(turn[name]) >= 1 for turn in made for name in ("resdsl", "again"))
    assert ratio([{"resdsl": [1.0, 2, 3], "a": [4.0]}, {"resdsl": [1], "a": [3]}], "a") == 2.5


def test_memory_of_a_call(spec: str) -> None:
    """It is that of the largest values, not of the process."""
    with Side("eager", Job(spec, at={"H": 512, "W": 512}, batch=8, device="cpu")) as made:
        made.ask("compile")
        found, tensors = made.ask("memory"), made.ask("tensors")["bytes"]
    assert 8 * 4 * 512 * 512 * 4 <= tensors < found["peak"]
    if found["call"] is None:
        pytest.skip("this system does not say")
    assert 8 * 4 * 512 * 512 * 4 <= found["call"] < found["peak"]


def test_a_side_ends_with_what_it_started(side: Side) -> None:
    process = side._process
    assert process.poll() is None
    folder = Path(side._folder.name)
    side.close()
    assert process.returncode is not None
    assert not folder.exists()


def test_a_side_that_is_late(side: Side) -> None:
    started = time.perf_counter()
    with pytest.raises(TookTooLong, match="stopped after 0 s"):
        side.ask("times", limit=0.2, calls=10**9)
    assert time.perf_counter() - started < 30


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="signals are POSIX")
def test_a_side_that_dies(side: Side) -> None:
    os.kill(side._process.pid, 9)
    with pytest.raises(CannotRun, match="its process was ended by SIGKILL"):
        side.ask("compile")


def test_what_cannot_run(spec: str) -> None:
    if not torch.cuda.is_available():
        with pytest.raises(CannotRun, match=r"there is no device `cuda` here; leave --device out"):
            Side("eager", Job(spec, device="cuda"))
    single = Job(spec, at={"H": 1, "W": 1}, batch=1, train=True, device="cpu")
    with Side("eager", single) as made, pytest.raises(CannotRun, match="ValueError: "):
        made.ask("compile")


def test_the_machine() -> None:
    found = Machine(torch.device("cpu")).peak()
    assert found["flops"] > 1e8
    assert found["bytes"] > 1e8


def test_the_rows_of_the_benchmark() -> None:
    """Titles choose rows, and each claim says whether it holds."""
    made = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "compile.py"))
    rows = made["rows"]()
    assert {"cold resnet110 training", "flat training", "steady resnet326 training, batch 4"} <= rows.keys()
    assert 0 < sum(quick for quick, _ in rows.values()) < 6
    claim = made["Claim"]
    assert claim("a", 0.3, 0.3, True, "").holds
    assert not claim("a", 1.1, 1.2, False, "").holds
    assert "(at least 1.2: MISSED)" in str(claim("a", 1.1, 1.2, False, ""))
    assert made["cifar"](326).settings == {"n": "54"}
