"""Each `*/NAME.res` shows exactly the diagnostics of its `NAME.stderr`."""

from pathlib import Path

import pytest

from resdsl.diagnostics.render import render
from resdsl.elaborate.files import read_source
from resdsl.pipeline import check
from resdsl.source import Source

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("*/*.res"))


def _id(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", CASES, ids=_id)
def test_message(path, golden):
    source = read_source(path, path.name)
    assert isinstance(source, Source)
    assert len(source.text.splitlines()) <= (30 if path.parent.name == "threads" else 15)
    checked = check(source, path)
    assert checked.diagnostics
    golden(path.with_suffix(".stderr"), render(checked.diagnostics, "full"))


def test_no_golden_is_left_over():
    assert {path.with_suffix(".res") for path in HERE.glob("*/*.stderr")} == set(CASES)
