from __future__ import annotations

import re
from pathlib import Path

import pytest

from resdsl.diagnostics import codes
from resdsl.diagnostics.codes import CODES
from resdsl.diagnostics.explain import page, parse_page
from resdsl.pipeline import check
from resdsl.source import Source

# One spec alone cannot show these: they need other files, a command line, weights or an image.
WITHOUT_SPEC = {
    "unreadable", "import-outside", "import-cycle", "bad-setting", "bad-weights", "bad-image",
    "bad-artefact",
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


@pytest.mark.parametrize("slug", [slug for slug in CODES if slug not in WITHOUT_SPEC])
def test_examples_do_what_the_page_says(slug):
    parsed = parse_page(page(slug) or "")
    assert parsed is not None
    bad = check(Source("bad.res", parsed.bad)).diagnostics
    assert [d.code.slug for d in bad] == [slug]
    assert check(Source("good.res", parsed.good)).diagnostics == ()


@pytest.mark.parametrize("slug", CODES)
def test_code_is_used(slug):
    package = Path(codes.__file__).parent.parent
    name = slug.upper().replace("-", "_")
    files = [path for path in package.rglob("*.py") if path.name != "codes.py"]
    used = any(re.search(rf"\bcodes\.{name}\b", path.read_text("utf-8")) for path in files)
    raised = any(f'"{slug}"' in path.read_text("utf-8") for path in (package / "ops").glob("*.py"))
    assert used or raised


def test_no_page_is_left_over():
    folder = Path(codes.__file__).parent / "explain"
    assert {path.stem for path in folder.iterdir()} == set(CODES)


def test_no_page_for_other_words():
    assert page("no-such-code") is None
    assert page("../../source") is None
