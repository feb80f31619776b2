from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from resdsl.graph.cost import Cost, cost
from resdsl.graph.model import Graph
from resdsl.render.outline.blocks import SHORT, Around, chips, op_label
from resdsl.render.outline.detail import detailed
from resdsl.render.outline.rows import flows, rows
from tests.diff.pairs import everything
from tests.render.nets import SOME, file, net, sizes


def _shortcuts(graph: Graph, found: Counter[str]) -> Counter[str]:
    for node in graph.nodes():
        if node.shortcut:
            found[node.shortcut] += 1
        if isinstance(node.content, Graph):
            _shortcuts(node.content, found)
    return found


@pytest.mark.parametrize("name", SOME)
def test_rows_sum_to_the_total(name: str) -> None:
    made = net(name)
    table = rows(made, sizes(made))
    total = Cost()
    for row in table.rows:
        total += row.cost
    assert total == table.total == cost(made.graph, sizes(made))
    assert sum(row.layers for row in table.rows) == table.layers


@pytest.mark.parametrize("name", SOME)
def test_every_shortcut_is_counted(name: str) -> None:
    made = net(name)
    table = rows(made, sizes(made))
    counted = Counter[str]()
    for row in table.rows:
        counted.update(row.shortcuts)
    assert counted == Counter(table.shortcuts) == _shortcuts(made.graph, Counter())


@pytest.mark.parametrize("name", SOME)
def test_each_step_is_in_one_row(name: str) -> None:
    table = rows(net(name), sizes(net(name)))
    numbers = sorted(n for row in table.rows for n in row.steps)
    inputs = len(table.net.graph.inputs)
    assert numbers == list(range(inputs, len(table.plan.steps)))
    assert all(tail < head for tail, head, _ in flows(table)), "rows are in a topological order"
    names = [row.name for row in table.rows]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", [n for n in SOME if n != "deep"])
def test_inner_rows_sum_to_their_stage(name: str) -> None:
    made = net(name)
    table = rows(made, sizes(made))
    for depth in ("block", "op"):
        lines = detailed(table, depth)
        deepest: Cost = Cost()
        for row, after in zip(lines, [*lines[1:], None], strict=True):
            if after is None or after.level <= row.level:
                deepest += row.cost
        if depth == "op":
            assert deepest == table.total


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("resnet:resnet50", 50),
        ("resnet:plain34", 34),
        ("cifar_resnet:resnet1202", 1202),
        ("se_resnet:se_resnet50", 50),
        ("vgg:vgg16", 16),
    ],
)
def test_layers_are_counted_as_in_the_papers(name: str, layers: int) -> None:
    assert rows(net(name), sizes(net(name))).layers == layers


def test_long_nets_fold_to_few_rows() -> None:
    assert len(rows(net("deep")).rows) == 1
    assert rows(net("deep")).rows[0].repeat == 5001
    assert len(rows(net("cifar_resnet:resnet1202")).rows) == 5


def test_only_what_repeats_is_counted() -> None:
    """What a stage begins with is no copy of the block after it."""
    found = {(name, row): (text, n) for name in REPEATING for row, text, n in names(name)}
    assert found["resnet_rs:resnetrs50", "conv2_x"] == ("3×3, 64, /2 · bottleneck(64)", 3)
    assert found["inception_resnet:inception_resnet_v2", "inception_b"][1] == 20
    assert found["inception_resnet:inception_resnet_v2", "stem"][1] == 1
    assert found["convnext:convnext_tiny", "res4"][1] == 9


REPEATING = ("resnet_rs:resnetrs50", "inception_resnet:inception_resnet_v2", "convnext:convnext_tiny")


def test_a_row_repeats_a_block_as_often_as_it_has_it() -> None:
    for name, made in everything():
        for row in rows(made).rows:
            counts = Counter[str]()
            for run in row.runs:
                assert run.first == counts[run.graph.name] + 1
                counts[run.graph.name] = run.last
                assert row.copies(run) >= run.last
            if row.repeat > 1 and row.runs:
                assert row.repeat in counts.values(), (name, made.name, row.name)


def test_fields_are_absolute_in_opened_scopes() -> None:
    by_name = {row.name: row for row in rows(net("mixed")).rows}
    assert by_name["stem"].field == ((4, 4), (4, 4))
    assert by_name["more"].field is not None
    assert by_name["more"].field[0][1] == 4


def names(net: str) -> list[tuple[str, str, int]]:
    made = file(net.partition(":")[0])[net.partition(":")[2]]
    return [(row.name, row.text, row.repeat) for row in rows(made).rows]


def test_stages_are_those_of_the_papers() -> None:
    """MobileNetV2's Table 2, MobileNetV3's Table 1, DenseNet's and SqueezeNet's Tables 1, and ViT's Table 1."""
    widths = [16, 24, 32, 64, 96, 160, 320]
    blocks = [(text, n) for _, text, n in names("mobilenet_v2:mobilenet_v2") if "residual" in text]
    assert [text.partition(",")[0] for text, _ in blocks] == [f"inverted_residual({w})" for w in widths]
    assert [n for _, n in blocks] == [1, 2, 3, 4, 3, 3, 1]
    assert [n for _, t, n in names("mobilenet_v3:mobilenet_v3_large") if "bneck" in t] == [1, 2, 3, 4, 2, 3]
    assert [n for _, t, n in names("densenet:densenet121") if "dense_layer" in t] == [6, 12, 24, 16]
    assert [n for _, t, n in names("squeezenet:squeezenet1_0") if "fire" in t] == [2, 2, 2, 2]
    assert [(name, n) for name, t, n in names("vit:vit_b_16") if "encoder_layer" in t] == [("layers", 12)]


def test_what_prepares_a_layer_is_in_its_row() -> None:
    found = {name: text for name, text, _ in names("unet:unet_resnet34")}
    assert not any(name.isdigit() for name in found)
    assert found["decoder.blocks.0"] == "resize by 2 · concat · normed(256)"
    assert found["decoder.blocks.4"] == "resize by 2 · normed(16)"


def test_blocks_in_the_papers_words() -> None:
    graph = rows(net("resnet:resnet50"), {"H": 224, "W": 224}).rows[2].runs[0].graph
    assert chips(graph) == (Around(("1×1, 128", "3×3, 128", "1×1, 512"), "projection"),)
    full = replace(SHORT, label=lambda graph, node: op_label(node.content, graph.operands(node)))
    assert chips(graph, full) == (
        Around(("1×1 conv, 128", "3×3 conv, 128, /2", "1×1 conv, 512"), "projection"),
    )
    found = {row.name: chips(row.runs[0].graph) for row in rows(net("mixed")).rows if row.runs}
    assert found["body"] == (Around(("1×1, 32",), "identity"), Around(("1×1, 128", "1×1, 32"), "identity"))
    assert found["tail"] == (Around(("3×3, 32", "scale"), "identity"),)
    assert found["more"] == (Around(("3×3, 8",), "concat"),)
