"""Which stages of several nets stand in one row."""

from __future__ import annotations

import pytest

from resdsl import load
from resdsl.pipeline import check
from resdsl.render.outline.alignment import MOST_COMPARED, aligned
from resdsl.render.outline.rows import Row, Table, rows
from resdsl.source import Source

BLOCK = """
block unit(width, stride = 1) {
  residual {
    conv1 = conv(width, 1x1); bn1 = batchnorm; relu
    conv2 = conv(width, 3x3, stride = stride); bn2 = batchnorm; relu
    conv3 = conv(4 * width, 1x1); bn3 = batchnorm
  } shortcut downsample: identity else projection
  relu
}
"""
HEAD = "global_avgpool; flatten; fc = linear(10)"
OTHER = ("resnet50", "resnet101", "wide_resnet50_2", "resnext50_32x4d")
FAMILIES = ("resnet18", "resnet20", "unet", "vgg11", "swin_t", "googlenet", "densenet121", "mobilenet_v2")


def _bundled(name: str) -> Table:
    return rows(load(name).net)


def _of(steps: str, size: int = 224) -> Table:
    text = f"{BLOCK}net n {{\n  input image: [3, H, W] at [3, {size}, {size}]\n  {steps}\n}}\n"
    checked = check(Source("n.res", text))
    assert checked.ok, [d.message for d in checked.diagnostics]
    return rows(checked.nets["n"])


def _unnamed(stages: int = 4, size: int = 224) -> Table:
    """A ResNet whose text names layers and no stages."""
    layers = [f"layer{i + 1} = unit({64 << i}, stride = {1 + (i > 0)} then 1) x 2" for i in range(stages)]
    stem = "conv1 = conv(64, 7x7, stride = 2); bn1 = batchnorm; relu; maxpool(3x3, stride = 2)"
    return _of("\n  ".join([stem, *layers, HEAD]), size)


def _names(*tables: Table) -> list[tuple[str, ...]]:
    return [tuple(row.name if row else "" for row in line) for line in aligned(tables)]


@pytest.mark.parametrize("other", OTHER)
def test_stages_without_names_find_those_of_the_paper(other: str) -> None:
    assert _names(_unnamed(), _bundled(other)) == [
        ("stem", "conv1"),
        *((f"layer{i}", f"conv{i + 1}_x") for i in range(1, 5)),
        ("head", "head"),
    ]


def test_several_nets_share_the_rows() -> None:
    lines = _names(*map(_bundled, OTHER), _unnamed(), _bundled("mobilenet_v2"))
    assert [line[0] for line in lines if line[0]] == ["conv1", *(f"conv{i}_x" for i in range(2, 6)), "head"]
    assert all(all(line[1:5]) for line in lines if line[0])
    assert ("conv3_x", "features.4–6") in [(line[0], line[5]) for line in lines]


def test_one_stage_less_leaves_the_others_in_their_place() -> None:
    assert _names(_unnamed(3), _bundled("resnet50"))[-2:] == [("", "conv5_x"), ("head", "head")]


def test_at_another_input_size_strides_tell() -> None:
    assert _names(_unnamed(size=256), _bundled("resnet50")) == _names(_unnamed(), _bundled("resnet50"))


def test_what_cannot_be_told_stands_alone() -> None:
    cifar = _bundled("resnet20")  # stages of other blocks, at another input size
    lines = _names(_unnamed(), cifar)
    assert [line for line in lines if all(line)] == [("stem", "conv1"), ("head", "head")]
    assert [a for a, _ in lines if a] == [row.name for row in _unnamed().rows]


def test_a_stem_is_no_head() -> None:
    conv, top = "stage {} {{ conv(8, 3x3) }}", "stage {} {{ global_avgpool; flatten }}"
    unit = "stage {} {{ unit(8) }}"
    assert _names(_of(conv.format("a")), _of(top.format("b"))) == [("a", ""), ("", "b")]
    one, two = _of("\n".join([conv, unit]).format("a", "b")), _of("\n".join([unit, conv]).format("c", "d"))
    assert ("a", "d") not in _names(one, two)


def test_names_decide_first() -> None:
    one = _of("stage a { conv(8, 3x3) }\n stage b { unit(8) }\n stage c { unit(16, stride = 2) }")
    two = _of("stage b { conv(8, 3x3) }\n stage x { unit(8) }\n stage c { unit(16, stride = 2) }")
    assert _names(one, two) == [("a", ""), ("b", "b"), ("", "x"), ("c", "c")]


def test_laws() -> None:
    """Every row is in one line, in its order, and both ways round give the same pairs."""
    tables = [*map(_bundled, FAMILIES), _unnamed(), _unnamed(3, 96)]
    for a in tables:
        assert aligned([a]) == [(row,) for row in a.rows]
        assert aligned([a, a]) == [(row, row) for row in a.rows]
        for b in tables:
            lines = aligned([a, b])
            for side, table in enumerate((a, b)):
                assert [line[side] for line in lines if line[side]] == table.rows
            assert {*map(_ids, lines)} == {_ids(line)[::-1] for line in aligned([b, a])}


def _ids(line: tuple[Row | None, ...]) -> tuple[int, ...]:
    return tuple(map(id, line))


def test_of_very_many_stages_names_alone_tell() -> None:
    count = int(MOST_COMPARED**0.5) + 1
    one, two = (_of("\n  ".join(f"{x}{i} = conv(8, 1x1)" for i in range(count)), 8) for x in "ab")
    assert len(one.rows) == count
    assert len(aligned([one, two])) == 2 * count
    assert len(aligned([one, one])) == count
