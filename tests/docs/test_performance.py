"""The page on performance is what the committed measurements say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_page_is_current() -> None:
    made = subprocess.run([sys.executable, ROOT / "benchmarks" / "performance.py", "--check"], check=False)
    assert made.returncode == 0, "run `python benchmarks/performance.py`"
