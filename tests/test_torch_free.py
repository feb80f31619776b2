"""The front end runs with torch absent, and never loads it where it is present."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COMMANDS = [
    ["check", "resnet50"],
    ["summary", "resnet50"],
    ["sizes", "resnet50"],
    ["sweep", "resnet", "--set", "unit=basic", "--set", "depths=[[1, 1, 1, 1], [2, 2, 2, 2]]"],
    ["draw", "resnet50", "-o", "net.dot"],
    ["diff", "resnet50", "resnet50"],
    ["draw", "resnet50", "-o", "net.html"],
    ["compile", "resnet50", "-o", "net.py"],
    ["fmt", "--check", str(ROOT / "specs")],
    ["test", str(ROOT / "specs" / "lenet.res")],
    ["ops", "conv"],
    ["ops", "--markdown"],
    ["explain", "shortcut-mismatch"],
    ["list"],
    ["new", "first.res"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: " ".join(c[:2]) if c[0] == "ops" else c[0])
def test_command_without_torch(command: list[str], tmp_path: Path) -> None:
    code = (
        f"import sys; sys.modules['torch'] = None\nfrom resdsl.cli import main\nsys.exit(main({command!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_import_is_light() -> None:
    code = (
        "import sys, resdsl; n = resdsl.load('resnet50'); n.check(); n.source(); n.summary()\n"
        "assert not {'torch', 'graphviz', 'PIL', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_commands_that_need_torch_say_so(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from resdsl.cli import main\n"
        "sys.exit(main(['compile', 'resnet20']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert 'pip install "resdsl[torch]"' in done.stderr
    assert "Traceback" not in done.stderr
