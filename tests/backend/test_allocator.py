"""A training step keeps its memory; nothing else does, and what the user has set holds."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("torch")

CODE = """
import torch
from resdsl.backend import allocator

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

allocator.{call}
held = [torch.ones(2**20) for _ in range(64)]
most = resident()
held.clear()
print((most - resident()) // 2**20)
"""


def given_back(call: str, **variables: str) -> int:
    """MiB of 256 that the system has again when they are freed."""
    ran = subprocess.run(
        [sys.executable, "-c", CODE.format(call=call)],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(ran.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_memory_is_kept() -> None:
    assert given_back("keep_memory") > 200, "by default"
    assert given_back("keep_memory()") < 50
    assert given_back("keep_memory()", MALLOC_TRIM_THRESHOLD_="131072") > 200


def test_training_keeps_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """And inference does not ask for it."""
    import torch

    from resdsl import load
    from resdsl.backend import dispatch

    asked: list[bool] = []
    monkeypatch.setattr(dispatch, "keep_memory", lambda: asked.append(True))
    monkeypatch.setattr(
        dispatch.Dispatch, "_lowered", lambda self, *_: self._compiled("not now", "signatures")
    )
    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")
    module = load("resnet20").compile(device="cpu").module
    x = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        module.eval()(x)
    assert not asked
    module.train()(x)
    assert asked
