from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from samples import SAMPLES, SPEC

from resdsl.diagnostics import Diagnostic, Edit, Fix, Label, codes
from resdsl.diagnostics.fixes import apply_fixes, fix_diff
from resdsl.source import Source, Span

LENGTH = 12


def diagnostic(source: Source, *edits: Edit, safe: bool = True) -> Diagnostic:
    fix = Fix("fix", edits, safe)
    return Diagnostic(codes.SYNTAX, "m", Label(Span(source, 0, 0)), fix=fix)


def edit(source: Source, start: int, end: int, text: str) -> Edit:
    return Edit(Span(source, start, end), text)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Source, list[Diagnostic]]:
    source = Source("s.res", draw(st.text("ab\n", min_size=LENGTH, max_size=LENGTH)))
    places = st.lists(st.integers(0, LENGTH), min_size=2, max_size=2).map(sorted)
    edits = st.builds(lambda p, text: edit(source, *p, text), places, st.text("XY", max_size=2))
    fixes = st.lists(edits, min_size=1, max_size=3)
    made = st.builds(lambda es, safe: diagnostic(source, *es, safe=safe), fixes, st.booleans())
    return source, draw(st.lists(made, max_size=6))


@given(cases(), st.booleans())
def test_whole_fixes_that_do_not_overlap(case, unsafe):
    source, diagnostics = case
    new, applied = apply_fixes(source, diagnostics, unsafe)
    assert (new, applied) == apply_fixes(source, diagnostics, unsafe)
    assert unsafe or all(fix.safe for fix in applied)

    edits = sorted((e for fix in applied for e in fix.edits), key=lambda e: (e.span.start, e.text))
    for one, other in pairwise(edits):
        assert one.span.start < other.span.start
        assert one.span.end <= other.span.start

    # From the last to the first, edits do not move each other: the plainest way to apply them.
    expected = source.text
    for e in reversed(edits):
        expected = expected[: e.span.start] + e.text + expected[e.span.end :]
    assert new == expected


@given(cases())
def test_nothing_left_out_without_cause(case):
    source, diagnostics = case
    new, applied = apply_fixes(source, diagnostics, unsafe=True)
    if not applied:
        assert new == source.text
    for d in diagnostics:
        if d.fix not in applied:
            alone, _ = apply_fixes(source, [d], unsafe=True)
            others = [other for other in diagnostics if other.fix in applied]
            together, _ = apply_fixes(source, [*others, d], unsafe=True)
            assert alone == source.text or together == new


@given(cases())
def test_nothing_to_do_changes_nothing(case):
    source, _ = case
    assert apply_fixes(source, [], unsafe=True) == (source.text, [])
    same = diagnostic(source, edit(source, 0, 3, source.text[:3]))
    assert apply_fixes(source, [same]) == (source.text, [])


def test_unsafe_only_when_asked():
    source = Source("s.res", "abc")
    risky = diagnostic(source, edit(source, 0, 1, "x"), safe=False)
    assert apply_fixes(source, [risky]) == ("abc", [])
    assert apply_fixes(source, [risky], unsafe=True) == ("xbc", [risky.fix])


def test_a_fix_in_two_files_is_left_out():
    assert apply_fixes(SPEC, SAMPLES["files"], unsafe=True) == (SPEC.text, [])


def test_the_same_fix_twice_is_applied_once():
    source = Source("s.res", "abc")
    twice = [diagnostic(source, edit(source, 1, 1, "x")) for _ in range(2)]
    assert apply_fixes(source, twice) == ("axbc", [twice[0].fix])


def test_diff():
    new, _ = apply_fixes(SPEC, SAMPLES["several"])
    changed = [line for line in fix_diff(SPEC, new).splitlines() if line[0] in "+-"]
    assert changed == [
        "--- tiny.res (before)",
        "+++ tiny.res (after)",
        "-    conv1 = conv(width, 3x3, stride = stride); bn1 = batchnrom; relu",
        "+    conv1 = conv(width, 3x3, stride = stride); bn1 = batchnorm; relu",
    ]
    assert fix_diff(SPEC, SPEC.text) == ""


def test_diff_without_newline_at_the_end():
    assert fix_diff(Source("s.res", "a"), "b\n").splitlines()[3:] == [
        "-a",
        "\\ No newline at end of file",
        "+b",
    ]
