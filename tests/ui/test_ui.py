"""Each `*/NAME.res` shows exactly the diagnostics of its `NAME.stderr`. Those in `texts` lie in no file."""

from pathlib import Path

import pytest
from reached import CASES, checked

from resdsl.diagnostics.render import render

HERE = Path(__file__).parent


def _id(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", CASES, ids=_id)
def test_message(path, golden):
    found = checked(path)
    assert len(found.source.text.splitlines()) <= (30 if path.parent.name == "threads" else 15)
    assert found.diagnostics
    golden(path.with_suffix(".stderr"), render(found.diagnostics, "full"))


def test_no_golden_is_left_over():
    assert {path.with_suffix(".res") for path in HERE.glob("*/*.stderr")} == set(CASES)
