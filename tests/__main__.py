"""The one command: `python -m tests`. Runs all that CI runs; further arguments go to pytest."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable
STEPS = (
    ("format", [PYTHON, "-m", "ruff", "format", "--check", "resdsl", "tests", "benchmarks", "docs"]),
    ("lint", [PYTHON, "-m", "ruff", "check", "resdsl", "tests", "benchmarks", "docs"]),
    ("types", [PYTHON, "-m", "mypy"]),
    ("specs", [PYTHON, "-m", "resdsl", "test", "specs"]),
    ("specs' format", [PYTHON, "-m", "resdsl", "fmt", "--check", "specs"]),
    ("tests", [PYTHON, "-m", "pytest"]),
)


def main(extra: list[str]) -> int:
    """Run every step, also after one failed; the exit code says whether all passed."""
    failed = []
    for name, command in STEPS:
        print(f"--- {name}: {' '.join(command[1:])}", flush=True)
        started = time.monotonic()
        if subprocess.run([*command, *(extra if name == "tests" else [])], cwd=ROOT).returncode:
            failed.append(name)
        print(f"    {time.monotonic() - started:.0f} s", flush=True)
    print(f"failed: {', '.join(failed)}" if failed else "all passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
