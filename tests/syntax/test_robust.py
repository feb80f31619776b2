"""Any text gives a file or errors with places in it, and never an exception."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resdsl import resources
from resdsl.diagnostics.fixes import apply_fixes
from resdsl.diagnostics.model import Severity, Sink
from resdsl.source import Source
from resdsl.syntax import ast
from resdsl.syntax.parser import parse, stops_at
from resdsl.syntax.tokens import tokens

SPECS = sorted((Path(__file__).parent / "format").glob("*.res"))
TEXTS = [path.read_bytes().decode() for path in SPECS]
WORDS = sorted(
    {token.text for text in TEXTS for token in tokens(text)} | {"\r\n", "\r", "\t", "'", "\0", "×"}
)

NETS = [path.read_text("utf-8") for path in sorted(resources.specs().glob("resnet*.res"))]
HABITS = [
    " : ", "=", ": int", "=>", "|", "+", "..", "?", "“a”", "'a'", "// a\n", "def ", "let ", "{", "}", "(", ")",
]  # fmt: skip


def check(text: str) -> ast.File | None:
    source, sink = Source("spec.res", text), Sink()
    started = time.perf_counter()
    file = parse(source, sink)
    assert time.perf_counter() - started < 60
    errors = [d for d in sink.items if d.severity is Severity.ERROR]
    assert file is not None or errors
    for diagnostic in sink.items:
        spans = [diagnostic.primary.span, *(label.span for label in diagnostic.secondary)]
        spans += [edit.span for edit in diagnostic.fix.edits] if diagnostic.fix else []
        for span in spans:
            assert span.source is source
            assert 0 <= span.start <= span.end <= len(text)
    return file


@given(st.text())
def test_any_text(text):
    check(text)


@given(st.lists(st.sampled_from(WORDS), max_size=60), st.sampled_from([" ", "", "\n"]))
@settings(max_examples=300)
def test_any_words(words, between):
    check(between.join(words))
    check("net a {\n" + between.join(words) + "\n}\n")


@given(st.data())
@settings(max_examples=200)
def test_changed_specs(data):
    text = data.draw(st.sampled_from(TEXTS))
    parts = list(tokens(text))
    at = data.draw(st.integers(0, len(parts) - 1))
    new = data.draw(st.one_of(st.just(""), st.sampled_from(WORDS), st.text(max_size=3)))
    keep = data.draw(st.booleans())
    token = parts[at]
    check(text[: token.start] + new + (" " if keep else "") + text[token.start if keep else token.end :])


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_with_a_fix_the_parser_goes_on(data):
    text = data.draw(st.sampled_from(NETS))
    parts = list(tokens(text))
    at = data.draw(st.integers(0, len(parts) - 1))
    new = data.draw(st.sampled_from(["", "", *WORDS, *HABITS]))
    behind = parts[at].start if data.draw(st.booleans()) else parts[at].end
    goes_on(text[: parts[at].start] + new + text[behind:])


def goes_on(text: str) -> None:
    """Each first fix takes the parser further than it came before."""
    source, sink = Source("spec.res", text), Sink()
    parse(source, sink)
    stop = stops_at(text, "start")
    for diagnostic in sink.sorted()[:1]:
        fixed, applied = apply_fixes(source, [diagnostic], unsafe=True)
        after = stops_at(fixed, "start")
        if applied and stop is not None and after is not None:
            assert len(fixed) - after < len(text) - stop


@pytest.mark.parametrize("count", [20, 300, 20_000])
@pytest.mark.parametrize(
    ("opening", "middle", "closing"),
    [
        ("(", "1", ")"),
        ("[", "", "]"),
        ("f(", "1", ")"),
        ("{", "", "}"),
        ("f({ a -> ", "b", "})"),
        ("- ", "1", ""),
        ("not ", "1", ""),
        ("2 ** ", "1", ""),
        ("1 + ", "1", ""),
        ("1 * ", "1", ""),
        ("a or ", "b", ""),
        ("a if b else ", "c", ""),
        ("a", "", "[0]"),
        ("a.", "b", ""),
        ("f(1, ", "", ""),
        ("{ a; ", "", ""),
        ("residual { ", "a", " } shortcut: identity"),
        ("9", "", ""),
        ("9x", "9", ""),
        ("\n", "", ""),
        (";", "1", ""),
    ],
)
def test_deep_and_long(opening, middle, closing, count):
    text = opening * count + middle + closing * count
    check(text)
    check("let a = " + text)
    check("net a { b = " + text + " }")
    check(f'net a {{ "{text}" = b }}')


@pytest.mark.parametrize("count", [20, 300, 5_000])
def test_else_chain(count):
    check("net a { if b { c }" + " else if b { c }" * count + " }")
    check("net a { b" + " -> c" * count + " }")
    check("net a { " + "for i in b { " * count + "c" + " }" * count + " }")


def test_depth_in_use_is_admitted():
    brackets = "net a {\n" + "b = {" * 12 + "f(" * 12 + "[1 + 2 * -3]" + ")" * 12 + "}" * 12 + "\n}\n"
    assert check(brackets)
    assert check("let a = " + "1 + " * 60 + "1\n")


@pytest.mark.parametrize("text", TEXTS, ids=[path.stem for path in SPECS])
def test_line_ends_do_not_matter(text):
    unix = text.replace("\r\n", "\n").removeprefix("\ufeff")
    file = check(unix)
    assert file is not None
    assert check(unix.replace("\n", "\r\n")) == file
    assert check(unix.replace("\n", " \t\n")) == file
    assert check(unix.replace("\n", " \r\n")) == file
    assert check("\ufeff" + unix) == file


def test_words_end_where_they_end():
    assert check("letter = 3") is None
    assert check("network a { b }") is None
    assert check("net a { b xs }") is None


@pytest.mark.parametrize("text", ["", " ", "\n", "\ufeff", "\ufeff\n", "\r"])
def test_empty(text):
    assert check(text) is None
