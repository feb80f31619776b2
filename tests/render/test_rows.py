from __future__ import annotations

from collections import Counter

import pytest

from resdsl.graph.cost import Cost, cost
from resdsl.graph.model import Graph
from resdsl.render.blocks import Around, chips, op_label
from resdsl.render.detail import detailed
from resdsl.render.rows import flows, rows
from tests.render.nets import SOME, net, sizes


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


def test_fields_are_absolute_in_opened_scopes() -> None:
    by_name = {row.name: row for row in rows(net("mixed")).rows}
    assert by_name["stem"].field == ((4, 4), (4, 4))
    assert by_name["more"].field is not None
    assert by_name["more"].field[0][1] == 4


def test_blocks_in_the_papers_words() -> None:
    graph = rows(net("resnet:resnet50"), {"H": 224, "W": 224}).rows[2].runs[0].graph
    assert chips(graph) == (Around(("1×1, 128", "3×3, 128", "1×1, 512"), "projection"),)
    assert chips(graph, op_label) == (
        Around(("1×1 conv, 128", "3×3 conv, 128, /2", "1×1 conv, 512"), "projection"),
    )
    found = {row.name: chips(row.runs[0].graph) for row in rows(net("mixed")).rows if row.runs}
    assert found["body"] == (Around(("1×1, 32",), "identity"), Around(("1×1, 128", "1×1, 32"), "identity"))
    assert found["tail"] == (Around(("3×3, 32", "scale"), "identity"),)
    assert found["more"] == (Around(("3×3, 8",), "concat"),)
