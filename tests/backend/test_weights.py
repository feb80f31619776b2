"""Weights from files: all or nothing, and nothing is executed."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from .specs import net

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

from resdsl.backend.build import build  # noqa: E402
from resdsl.backend.weights import load_weights  # noqa: E402

TEXT = """net n {
  input x: [1, 8, 8]
  conv = conv(2, 3x3); bn = batchnorm; relu
  global_avgpool; flatten
  fc = linear(3)
}"""


@pytest.fixture
def module() -> Any:
    return build(net(TEXT))


@pytest.fixture
def other() -> dict[str, Any]:
    torch.manual_seed(1)
    return {k: v + 1 for k, v in build(net(TEXT)).state_dict().items()}


def save(path: Path, content: Any) -> Path:
    if path.suffix == ".safetensors":
        safetensors.save_file(content, path)
    else:
        torch.save(content, path)
    return path


def is_loaded(module: Any, state: dict[str, Any]) -> bool:
    return all(torch.equal(v, state[k]) for k, v in module.state_dict().items())


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt", ".bin"])
def test_loads(module: Any, other: dict[str, Any], tmp_path: Path, suffix: str) -> None:
    assert load_weights(module, save(tmp_path / f"w{suffix}", other)) == []
    assert is_loaded(module, other)


def test_unwraps(module: Any, other: dict[str, Any], tmp_path: Path) -> None:
    inner = {f"module.{k}": v for k, v in other.items()}
    path = save(tmp_path / "w.pth", {"epoch": 3, "model": {"state_dict": inner}})
    assert load_weights(module, path) == []
    assert is_loaded(module, other)


def test_says_what_does_not_fit(module: Any, other: dict[str, Any], tmp_path: Path) -> None:
    before = {k: v.clone() for k, v in module.state_dict().items()}
    del other["bn.bias"]
    other["head.weight"] = torch.zeros(2, 2)
    other["fc.weight"] = torch.zeros(5, 2)
    problems = load_weights(module, save(tmp_path / "w.pth", other))
    assert problems == [
        "missing: bn.bias 2",
        "other shape: fc.weight is 5x2, the net has 3x2",
        "unexpected: head.weight 2x2",
    ]
    assert is_loaded(module, before)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_truncated(module: Any, other: dict[str, Any], tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"w{suffix}", other)
    whole = path.read_bytes()
    for length in (0, 1, 20, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert "truncated or damaged" in load_weights(module, path)[0]


class _Evil:
    def __reduce__(self) -> Any:
        return os.system, (f"touch {os.environ['EVIL']}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_never_run(
    module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zipped: bool
) -> None:
    mark = tmp_path / "ran"
    monkeypatch.setenv("EVIL", str(mark))
    path = tmp_path / "w.pth"
    if zipped:
        torch.save({"conv.weight": _Evil()}, path)
    else:
        path.write_bytes(pickle.dumps({"conv.weight": _Evil()}))
    problems = load_weights(module, path)
    assert len(problems) == 1
    assert "refused" in problems[0]
    assert not mark.exists()


def test_other_files(module: Any, tmp_path: Path) -> None:
    assert "No such file" in load_weights(module, tmp_path / "none.pth")[0]
    assert "files ending in" in load_weights(module, tmp_path / "w.txt")[0]
    assert "no tensors" in load_weights(module, save(tmp_path / "w.pt", [1, 2]))[0]
    assert "is no tensor" in load_weights(module, save(tmp_path / "w.pt", {"conv.weight": 1}))[0]
