"""Formatting keeps the meaning and the comments, and is done once."""

import re
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from resdsl import resources
from resdsl.diagnostics.model import Sink
from resdsl.source import Source
from resdsl.syntax.formatter import format_source
from resdsl.syntax.parser import parse
from resdsl.syntax.tokens import Kind, tokens

CASES = sorted((Path(__file__).parent / "format").glob("*.res"))
SPECS = [*CASES, *sorted(resources.specs().rglob("*.res"))]
WORDS = (Kind.WORD, Kind.PATH, Kind.SIZE, Kind.NUMBER)


def _read(path):
    return path.read_bytes().decode()


def _parse(text):
    return parse(Source("spec.res", text), Sink())


def _format(text):
    return format_source(Source("spec.res", text))


def _comments(text):
    found = (token.text for token in tokens(text) if token.kind is Kind.COMMENT)
    return [re.sub(r"\s+", "", comment) for comment in found]


def check(text):
    formatted = _format(text)
    assert _parse(formatted) == _parse(text)
    assert _format(formatted) == formatted
    assert _comments(formatted) == _comments(text)
    assert formatted.endswith("\n")
    assert not re.search(r"[ \t\r]\n|\n\n\n|^\n.|\n\n$", formatted)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_look(path, golden):
    golden(path.with_suffix(".fmt"), _format(_read(path)))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_keeps_meaning(path):
    check(_read(path))
    check(_read(path).replace("\n", "\r\n"))


def test_refuses_what_does_not_parse():
    with pytest.raises(ValueError, match="syntax"):
        _format("net {")


@st.composite
def _respaced(draw):
    """A spec with other blanks, newlines, comments and semicolons between its tokens."""
    text = _read(draw(st.sampled_from(SPECS)))
    source = draw(st.randoms(use_true_random=False))
    out, open_brackets, before = [], [], None
    for token in tokens(text):
        if token.kind is Kind.NEWLINE:
            out.append(
                source.choice(["\n", "\n", "\n\n\n", "\r\n", " \t\n", "  # note\n", "\n#x\n", "\n;\n", ";\n"])
            )
            if ";" in out[-1] and (open_brackets and open_brackets[-1] != "{"):
                out[-1] = "\n"
        elif before and before.kind is not Kind.NEWLINE:
            close = not (before.kind in WORDS and token.kind in WORDS) and source.random() < 0.5
            blanks = ["", ""] if close else [" ", "   ", "\t"]
            if open_brackets and open_brackets[-1] != "{" and before.text != "-" and token.text != "-":
                blanks += ["\n", " \n\n  ", " #in\n", "\n##a\n #b\n"]
            out.append(source.choice(blanks))
        if token.text in ("(", "[", "{"):
            open_brackets.append(token.text)
        elif token.text in (")", "]", "}"):
            open_brackets.pop()
        out.append(token.text.rstrip() if token.kind is not Kind.NEWLINE else "")
        before = token
    return "".join(out)


@given(_respaced())
@settings(max_examples=80, deadline=None, phases=[Phase.reuse, Phase.generate])  # shrinking takes minutes
def test_any_spacing(text):
    if _parse(text) is not None:  # a `;` before `->` or `else` is an error
        check(text)


def test_most_respaced_specs_parse():
    parsed = []

    @given(_respaced())
    @settings(max_examples=50, deadline=None, database=None)
    def count(text):
        parsed.append(_parse(text) is not None)

    count()
    assert sum(parsed) > len(parsed) / 3
