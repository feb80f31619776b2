"""What the documents show of `resdsl diff` is what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from resdsl import api
from resdsl.diff.compare import Verdict

ROOT = Path(__file__).parent.parent.parent


def _block(file: str, holds: str) -> str:
    text = (ROOT / file).read_text(encoding="utf-8")
    return next(b for b in re.findall(r"```text\n(.*?)```", text, re.DOTALL) if holds in b)


def test_the_page_shows_it_whole() -> None:
    said = str(api.load("resnet50_v1").diff(api.load("resnet50")))
    assert _block("docs/diff.md", "--- resnet50_v1") == said


def test_the_readme_shows_its_core() -> None:
    lines = iter(str(api.load("resnet50_v1").diff(api.load("resnet50"))).splitlines())
    for line in _block("README.md", "$ resdsl diff").splitlines()[1:]:
        assert line in lines  # in this order


def test_every_verdict_is_explained() -> None:
    page = (ROOT / "docs" / "diff.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(get_args(Verdict))
