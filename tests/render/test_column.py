"""The column: what is folded adds up, columns are even, and lines are those of the kinds of shortcuts."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from resdsl.api import loads
from resdsl.find import bundled_files
from resdsl.render.drawing.palette import LINES
from resdsl.render.outline.blocks import Around, Chip
from resdsl.render.outline.rows import is_chain, rows
from resdsl.render.pictures.draw import draw
from resdsl.render.pictures.options import Options
from resdsl.render.pictures.parts import Parts
from tests.render.nets import file, net

ASKED = (
    Options(),
    Options(fold=1),
    Options(fold=3),
    Options(fold="none"),
    Options(depth=0),
    Options(depth=1),
)


def _held(boxes: tuple[Chip, ...]) -> Counter[str]:
    found = Counter[str]()
    for box in boxes:
        if isinstance(box, Around):
            found[box.kind] += box.times
            found += _held(box.inner)
    return found


@pytest.mark.parametrize("stem", [path.stem for path in bundled_files()])
def test_shortcuts_that_are_drawn_add_up(stem: str) -> None:
    for made in file(stem).values():
        table = rows(made)
        if not is_chain(table):
            continue
        for options in ASKED:
            found = Counter[str]()
            for row in Parts(table, options).rows():
                for part in row:
                    found += Counter({kind: n * part.copies for kind, n in _held(part.boxes).items()})
            del found["concat"]
            assert found == table.shortcuts, (made.name, options)


def test_shortcuts_outside_blocks() -> None:
    made = loads("""net n {
      input image: [8, 16, 16]
      layer cell = conv(8, 3x3, bias = true)
      for i in range(3) { residual { apply cell; tanh } shortcut: identity }
      head = conv(2, 1x1, bias = true)
    }""").net
    text = draw(made, "dot", view="column").decode()
    assert text.count('class="shortcut identity"') == 3
    assert text.count('label="3×3 conv, 8"') == 3


@pytest.mark.parametrize("name", ["resnet:resnet152", "cifar_resnet:resnet1202", "cifar_resnet:resnet20_b"])
def test_lines_of_the_kinds(name: str) -> None:
    text = draw(net(name), "dot", view="column").decode()
    for kind in rows(net(name)).shortcuts:
        lines = re.findall(rf'style="(\w+)", class="shortcut {kind}"', text)
        assert set(lines) == {LINES[kind]}
    legend = text[text.index('"legend ') :]
    assert all(f'style="{LINES[kind]}"' in legend for kind in rows(net(name)).shortcuts)


def test_folding() -> None:
    def cards(**options: object) -> list[str]:
        text = draw(net("cifar_resnet:resnet1202"), "dot", view="column", **options).decode()  # type: ignore[arg-type]
        return re.findall(r">([\d,]+ identical blocks)<", text)

    assert cards() == ["197 identical blocks"] * 3
    assert cards(fold=1) == ["198 identical blocks"] * 3
    assert cards(fold=197) == ["2 identical blocks"] * 3
    assert cards(fold=198) == cards(fold="none") == []
    dense = draw(net("densenet:densenet121"), "dot", view="column").decode()
    assert "21 similar blocks" in dense  # each takes more channels than the one before


def test_stages_of_equal_length_are_folded_alike() -> None:
    text = draw(net("cifar_resnet:resnet56"), "dot", view="column").decode()
    assert re.findall(r"<b>(\d+ identical blocks)</b>", text) == ["6 identical blocks"] * 3


def test_the_sum_of_a_folded_stage_is_said() -> None:
    text = draw(net("cifar_resnet:resnet1202"), "dot", view="column").decode()
    assert 'tooltip="conv3_x: 197 identity shortcuts"' in text


@pytest.mark.parametrize("columns", [1, 2, 5, 9])
def test_wrapping(columns: int) -> None:
    text = draw(net("resnet:resnet152"), "dot", view="column", fold="none", wrap=columns).decode()
    spots = [
        tuple(map(float, spot.split(",")))
        for spot in re.findall(r'^ "[^"]*step \d+: [^"]*" \[pos="([^"]+)"', text, re.MULTILINE)
    ]
    by_column: dict[float, list[float]] = {}
    for x, y in spots:
        by_column.setdefault(x, []).append(-y)
    assert len(by_column) == columns
    tallest = max(max(ys) - min(ys) for ys in by_column.values())
    whole = sum(max(ys) - min(ys) for ys in by_column.values())
    # Even but for the parts that are not split: a block is 100 points high.
    assert tallest <= whole / columns + 130
    assert len(spots) == 154  # 151 convolutions, two pools and the last layer


def test_names_and_counts_in_words() -> None:
    text = draw(net("tiny"), "dot", view="column", show=["names", "macs"]).decode()
    assert "conv1: 3×3 conv, 8, /2" in text
    assert "MACs" in text
    assert "params" not in text.partition("title")[0]


def test_depth_closes_blocks() -> None:
    closed = draw(net("resnet:resnet50"), "dot", view="column", depth=0).decode()
    assert closed.count('label="bottleneck(64)"') == 3
    assert "1×1 conv" not in closed


def test_a_net_that_branches_says_so() -> None:
    with pytest.raises(ValueError, match="`unet` branches between its stages, which one column cannot show"):
        draw(net("unet"), "dot", view="column")
