from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resdsl.diagnostics.suggest import closest, did_you_mean, listed, replace_fix
from resdsl.source import Source, Span

OPS = ["batchnorm", "conv", "gelu", "linear", "maxpool", "relu", "relu6"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("batchnrom", "batchnorm"),  # swapped
        ("batchnom", "batchnorm"),
        ("BatchNorm", "batchnorm"),
        ("ReLU", "relu"),
        ("convv", "conv"),
        ("cov", "conv"),
        ("cnov", "conv"),
        ("xelu", "gelu"),  # `relu` is as near: the first by name
        ("relu7", "relu"),
        ("dropout", None),
        ("linea_layer", None),
        ("x", None),
        ("", None),
    ],
)
def test_closest(word, expected):
    assert closest(word, OPS) == expected
    assert closest(word, reversed(OPS)) == expected


def test_help():
    assert did_you_mean("batchnrom", OPS) == "did you mean `batchnorm`?"
    assert did_you_mean("nothing_like_it", OPS) is None


def test_short_words_need_one_slip():
    assert closest("hw", ["ab"]) is None
    assert closest("ab", ["ba"]) == "ba"
    assert closest("x", ["y"]) is None


@pytest.mark.parametrize(("word", "safe"), [("batchnrom", True), ("xelu", False)])
def test_fix(word, safe):
    span = Span(Source("s.res", word), 0, len(word))
    fix = replace_fix(span, word, OPS)
    assert fix is not None
    assert fix.safe is safe
    assert [edit.span for edit in fix.edits] == [span]


def test_list_of_names():
    assert listed([]) == ""
    assert listed("ab") == "`a`, `b`"
    assert listed("abc", most=3) == "`a`, `b`, `c`"
    assert listed("abcde", most=3) == "`a`, `b`, `c` and 2 more"


def test_no_fix():
    assert replace_fix(Span(Source("s.res", "zzzzzz"), 0, 6), "zzzzzz", OPS) is None


@given(st.text("abcd", min_size=5, max_size=9), st.data())
def test_two_slips_are_found(word, data):
    slipped = list(word)
    for _ in range(2):
        i = data.draw(st.integers(0, len(slipped) - 1))
        slipped[i] = "z"
    found = closest("".join(slipped), [word, "unrelated_name"])
    assert found == (word if "".join(slipped) != word else None)
