"""`resdsl compile`, run in this process: what it says of how it compiled."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from resdsl.cli import main

torch = pytest.importorskip("torch")

from resdsl.backend.bench import measure  # noqa: E402

SPEC = """net n {
  input image: [3, H, W] at [3, 8, 8]
  residual { conv(3, 3x3); batchnorm } shortcut: identity
  relu
  global_avgpool; flatten
  linear(5)
}
"""


@pytest.fixture
def cli(capsys: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs a command in a folder of its own, with torch's code generator left out: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    Path("n.res").write_text(SPEC)
    compile_ = torch.compile
    options = {"backend": "eager", "mode": None}
    monkeypatch.setattr(torch, "compile", lambda f, **given: compile_(f, **(given | options)))
    torch._dynamo.reset()

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["compile", *arguments])
        return (code, *capsys.readouterr())

    return run


def test_the_report(cli: Any) -> None:
    code, out, err = cli("n.res", "--device", "cpu", "--batch", "2", "--report")
    assert (code, err) == (0, "")
    rows = [re.sub(r"\d+\.\d\d s", "T", line) for line in out.splitlines()]
    start = next(i for i, row in enumerate(rows) if row.startswith("inference"))
    assert rows[start:-2] == [
        "inference   by onednn: 1 convolution with packed weights, 1 norm folded, 1 activation fused, "
        "1 addition fused, 2 other calls",
        "            graphs: none, no code is generated; first call T",
        "training    by torch.compile: the net as a whole",
        "            not signatures: no block comes again",
        "            graphs: 1; first call T",
        "layout      channels last",
        "dtype       float32",
    ]
    assert not any(row.startswith("training") for row in cli("n.res", "--device", "cpu")[1].splitlines())


def test_what_is_left_out(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = cli("n.res", "--device", "cpu", "--report", "--dynamic")
    assert code == 0
    assert "inference   by torch.compile: the net as a whole" in out
    assert "training    left out: sizes are left open" in out
    monkeypatch.setattr(measure, "MOST_MACS", 1)
    code, out, _ = cli("n.res", "--device", "cpu", "--report")
    assert "training    left out: it takes long; `resdsl bench --train` does it" in out


def test_it_runs_eagerly_with_a_warning(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied", "/cache")

    monkeypatch.setattr(torch, "compile", full)
    code, out, err = cli("n.res", "--device", "cpu", "--report")
    assert code == 0
    assert "training    eager\n            not compiled: the compiler cannot write its files" in out
    assert err.count("\n") == 1
    assert err.startswith("warning: `n` runs eagerly where torch would compile it: the compiler cannot write")
    assert "'/cache'" in err
    assert "TORCHINDUCTOR_CACHE_DIR" in err


def test_too_large(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def large(*_: Any) -> Any:
        raise RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"
        )

    monkeypatch.setattr(measure, "report", large)
    text = "resdsl: `n` does not fit into memory; --at and --batch make it smaller\n"
    assert cli("n.res", "--device", "cpu") == (2, "", text)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_no_such_device(cli: Any) -> None:
    text = "resdsl: there is no CUDA device here; leave --device out to run on the CPU\n"
    assert cli("n.res", "--device", "cuda") == (2, "", text)


def test_a_report_is_no_file(cli: Any) -> None:
    assert cli("n.res", "--report", "-o", "n.py") == (
        2,
        "",
        "resdsl: a .py holds no report: leave --report out\n",
    )
