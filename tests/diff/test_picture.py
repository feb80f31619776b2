"""The picture of a comparison: on one page, readable, and clear without its colours."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

import resdsl
from resdsl.diff.compare import Difference, compare
from resdsl.diff.picture import _note, changes_canvas_of, changes_dot, picture
from resdsl.diff.words import Line
from resdsl.render.drawing.paper import READABLE, SMALLEST, scale
from resdsl.render.pictures.changes import LOOKS, Note, _lines, wrapped
from tests.conftest import Golden
from tests.diff.pairs import BASE, BUNDLED, everything, readme, text
from tests.render.looks import BOTH, installed, renders, texts, titles

GOLDEN = Path(__file__).parent / "golden"
PAIRS = (
    *BUNDLED,
    ("resnet50", "resnet152"),
    ("unet", "unet_resnet34"),
    ("swin_t", "swin_s"),
    ("vit_b_16", "swin_t"),
    ("densenet121", "densenet201"),
    ("efficientnet_b0", "efficientnet_b4"),
    ("resnet20", "resnet1202"),
    ("googlenet", "inception_v3"),
    ("hourglass8", "resnet50"),
    ("hourglass8", "unet"),
)
MOVED = BASE.replace("  layer2 = unit(16,", "  layer3 = unit(16,").replace("unit(8) x 2", "unit(8) x 4")
"""The small net with one stage removed, one added, one that differs, and the others as they are."""


def _found(a: str, b: str) -> Difference:
    return compare(resdsl.load(a).net, resdsl.load(b).net)


def _small() -> Difference:
    return compare(text(BASE), text(MOVED.replace("split = concat", "parts = concat")))


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_it_fits_a_page_and_can_be_read(a: str, b: str) -> None:
    canvas = changes_canvas_of(_found(a, b))
    assert SMALLEST * scale(canvas.width, canvas.height) >= READABLE, (canvas.width, canvas.height)


def test_any_two_nets_fit_a_page() -> None:
    nets = [net for _, net in everything()]
    for a, b in zip(nets[::5], nets[33::5], strict=False):
        canvas = changes_canvas_of(compare(a, b))
        assert SMALLEST * scale(canvas.width, canvas.height) >= READABLE, (a.name, b.name)


def test_very_many_stages_are_folded() -> None:
    def net(count: int, kernel: int) -> str:
        stages = "".join(f" stage s{i} {{ conv({8 + i}, {kernel}x{kernel}) }}\n" for i in range(count))
        return f"net n {{ input x: [3, 32, 32]\n{stages} }}\n"

    found = compare(text(net(90, 3)), text(net(70, 1)))
    canvas = changes_canvas_of(found)
    assert SMALLEST * scale(canvas.width, canvas.height) >= READABLE
    assert canvas.dot.text() == changes_dot(found).text()
    assert "s0" in canvas.dot.description
    assert "–89" in canvas.dot.description


def test_golden_dot(golden: Golden) -> None:
    golden(GOLDEN / "picture.dot", picture(_small(), "dot").decode())


@pytest.mark.skipif(not installed("graphviz-pure"), reason="no graphviz-pure")
def test_golden_svg(golden: Golden) -> None:
    if version("graphviz-pure") != "0.2.2":
        pytest.skip("another version draws other bytes")
    made = picture(_small(), "svg", theme="auto", renderer="graphviz-pure")
    golden(GOLDEN / "picture.svg", made.decode())


def test_notes_stand_in_even_lines() -> None:
    """Lines with and without a sign are as high: each has two pieces, which Graphviz sets alike."""
    notes = [
        line for line in changes_dot(_found("resnet34", "resnet50")).text().splitlines() if '"note ' in line
    ]
    assert len(notes) > 8
    assert {line.count("<font") for line in notes} == {2}


@pytest.mark.parametrize(("a", "b"), [("resnet50", "se_resnet50"), ("unet", "unet_resnet34")])
def test_what_is_removed_and_what_is_added_both_show(a: str, b: str) -> None:
    """Whatever is left out: what a row lost and what it gained is told by the first note of each sign."""
    found = _found(a, b)
    drawn = changes_dot(found).text()
    for number, pair in enumerate(found.stages, 1):
        if pair.a is None or pair.b is None:
            return  # what follows has other numbers
        lines = [line for line in drawn.splitlines() if f'"note {number}.' in line]
        marks = {LOOKS[mark].sign for mark in "+-" for c in pair.changes if c.mark == mark}
        assert all(any(f"{mark} <" in line for line in lines) for mark in marks), pair.name


def test_few_lines_show_every_sign() -> None:
    gone = [Note(0, "-", f"layer {i}") for i in range(9)]
    inner = [Note(0, "~", "block"), *[Note(1, "~", "conv")] * 5, Note(1, "+", "gate")]
    for notes, left in (([*gone, Note(0, "+", "new")], 7), (inner, 4)):
        lines = ["".join(piece.text for piece in pieces) for _, pieces in _lines(notes, 100, 4)]
        assert lines[2].startswith("+ ")
        assert lines[3].endswith(f"… and {left} more")


def test_names_that_are_numbers_are_left_out() -> None:
    assert _note(Line("-", ("3", "3×3 max pool, /2", "")), 0).text == "3×3 max pool, /2"
    assert _note(Line("+", ("zero_pad1", "zero_pad", "")), 0).text == "zero_pad"
    assert _note(Line("-", ("conv1", "7×7 conv, 64", "")), 0).text == "conv1 7×7 conv, 64"


def test_what_is_said_of_all_rows_stands_above_them() -> None:
    canvas = changes_canvas_of(compare(text(readme()), resdsl.load("resnet152").net))
    drawn = canvas.dot.text()
    assert drawn.count("all 53 conv layers") == 1
    assert '"head 1"' in drawn
    assert SMALLEST * scale(canvas.width, canvas.height) >= READABLE


def test_what_was_lost_stands_beside_what_was_gained() -> None:
    rows = [
        line for line in changes_dot(_small()).text().splitlines() if 'class="' in line and "pos=" in line
    ]
    height = {
        css: line.partition('pos="')[2].partition('"')[0].split(",")[1]
        for line in rows
        for css in ("removed", "added")
        if f'class="{css}"' in line
    }
    assert height["removed"] == height["added"]


def test_signs_and_outlines_tell_changes_apart_without_colour() -> None:
    assert len({look.sign for look in LOOKS.values()}) == len(LOOKS)
    assert len({tuple(look.outline.items()) for look in (LOOKS["-"], LOOKS["+"], LOOKS["~"])}) == 3
    drawn = changes_dot(_small()).text()
    for look in LOOKS.values():
        assert f"<b>{look.sign}</b>" in drawn
        assert look.legend in drawn


@renders
@pytest.mark.parametrize("renderer", BOTH)
def test_every_part_has_a_name(renderer: str) -> None:
    data = picture(_small(), "svg", theme="auto", renderer=renderer)
    text = data.decode()
    assert 'role="img"' in text
    for css in ("removed", "added", "changed", "equal"):
        assert f'class="node {css}"' in text
    for words in ("only in the first: ", "only in the second: ", "in both, and differs: "):
        assert words in text
    # The reds of what is removed have a dark side too.
    assert '[fill="#fde8e8"]{fill:#451A1A}' in text


@renders
def test_two_renderers_write_the_same() -> None:
    if not (installed("dot") and installed("graphviz-pure")):
        pytest.skip("needs both")
    for a, b in (
        ("resnet50_v1", "resnet50"),
        ("unet", "unet_resnet34"),
        ("mobilenet_v2", "mobilenet_v3_small"),
    ):
        pure, system = (picture(_found(a, b), "svg", renderer=r) for r in ("graphviz-pure", "dot"))
        assert sorted(texts(pure)) == sorted(texts(system))
        assert sorted(titles(pure)) == sorted(titles(system))


def test_lines_are_wrapped() -> None:
    assert wrapped("one two three", 8, 30) == ["one two", "three"]
    assert wrapped("averyveryverylongword in", 8, 40)[0].endswith("…")
    assert wrapped("", 8, 40) == []
