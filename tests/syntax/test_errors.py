"""Each `errors/*.res` shows the syntax errors of its `.stderr`."""

from pathlib import Path

import pytest

from resdsl.diagnostics.fixes import apply_fixes
from resdsl.diagnostics.model import Sink
from resdsl.diagnostics.render import render
from resdsl.source import Source
from resdsl.syntax.parser import parse

CASES = sorted((Path(__file__).parent / "errors").glob("*.res"))


def _parse(text: str, name: str = "spec.res") -> tuple[Source, Sink]:
    source, sink = Source(name, text), Sink()
    parse(source, sink)
    return source, sink


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_message(path, golden):
    _, sink = _parse(path.read_text(encoding="utf-8"), path.name)
    assert sink.items
    golden(path.with_suffix(".stderr"), render(sink.sorted(), "full"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_safe_fixes_cure(path):
    source, sink = _parse(path.read_text(encoding="utf-8"))
    safe = [d for d in sink.items if d.fix and d.fix.safe]
    if not safe:
        return
    text, applied = apply_fixes(source, sink.items)
    assert len(applied) == len(safe)
    assert len(_parse(text)[1].items) <= len(sink.items) - len(safe)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_a_fix_gives_parses(path):
    source, sink = _parse(path.read_text(encoding="utf-8"))
    for diagnostic in sink.items:
        text, applied = apply_fixes(source, [diagnostic], unsafe=True)
        if applied:
            others = {other.message for other in sink.items if other is not diagnostic}
            assert {left.message for left in _parse(text)[1].items} <= others


def test_messages_are_in_the_words_of_the_user():
    for path in CASES:
        _, sink = _parse(path.read_text(encoding="utf-8"))
        for diagnostic in sink.items:
            assert not any(word in diagnostic.message for word in ("_NL", "LPAR", "ANON", "$END", "NAME,"))
