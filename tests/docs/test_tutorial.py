"""The tutorial is what a reader gets who follows it: its files are written, its commands run, their output compared."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
FENCE = re.compile(r"```(\w+) ?([\w.=]*)\n(.*?)```", re.DOTALL)


def test_tutorial(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for word, name, text in FENCE.findall(TUTORIAL.read_text(encoding="utf-8")):
        if word == "console":
            if "compare.py" in text and importlib.util.find_spec("torch") is None:
                pytest.skip("the comparison needs torch")
            commands = re.findall(r"^\$ (.*)$", text, re.MULTILINE)
            said = [f"$ {command}\n{_run(command, tmp_path, path)}" for command in commands]
            assert "".join(said) == text
        elif name.startswith("replace="):
            _replace(tmp_path / "convmixer.res", name.partition("=")[2], text)
        else:
            assert name, "each file has a name"
            (tmp_path / name).write_text(text, encoding="utf-8")


def _run(command: str, folder: Path, path: str) -> str:
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return done.stdout


def _replace(file: Path, block: str, text: str) -> None:
    """Put a block in place of the one of its name."""
    before = file.read_text(encoding="utf-8")
    after = re.sub(
        rf"^block {block}\b.*?^\}}\n",
        text.replace("\\", r"\\"),
        before,
        count=1,
        flags=re.DOTALL | re.MULTILINE,
    )
    assert after != before
    file.write_text(after, encoding="utf-8")
