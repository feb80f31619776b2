from __future__ import annotations

import re
from pathlib import Path

import pytest

from resdsl.diagnostics import codes
from resdsl.diagnostics.codes import CODES
from resdsl.diagnostics.explain import page, parse_page

# One spec alone cannot show these: they need other files, a command line, weights or an image.
WITHOUT_SPEC = {
    "unreadable", "import-outside", "import-cycle", "bad-setting", "bad-weights", "bad-image",
}  # fmt: skip


@pytest.mark.parametrize("slug", CODES)
def test_page_has_the_form(slug):
    text = page(slug)
    assert text is not None
    assert text.startswith(f"# {slug}\n\n")
    assert re.findall(r"^## (.+)", text, re.MULTILINE) == ["Why", "Example", "Instead"]
    assert text.endswith("\n")
    assert all(len(line) <= 100 for line in text.splitlines())

    parsed = parse_page(text)
    assert (parsed is None) == (slug in WITHOUT_SPEC)
    if parsed:
        assert parsed.title == slug
        assert parsed.bad != parsed.good
        assert len(parsed.bad.splitlines()) <= 12


def test_no_page_is_left_over():
    folder = Path(codes.__file__).parent / "explain"
    assert {path.stem for path in folder.iterdir()} == set(CODES)


def test_no_page_for_other_words():
    assert page("no-such-code") is None
    assert page("../../source") is None
