"""The picture of every op, and of one block."""

from __future__ import annotations

import re

import pytest

from resdsl.find import bundled_files
from resdsl.graph.model import Feed, Graph
from resdsl.render.boxes import count_ops, folded
from resdsl.render.draw import draw
from resdsl.render.palette import LINES
from resdsl.render.rows import rows
from tests.render.nets import file, net, sizes


def _nodes(text: str) -> list[str]:
    return re.findall(r'^ +"((?:[^"\\]|\\.)*)" \[(?!pos)[^\n]*label=', text, re.MULTILINE)


@pytest.mark.parametrize("name", ["tiny", "mixed", "unet", "two", "shared", "resnet:resnet50"])
def test_every_op_is_drawn(name: str) -> None:
    made = net(name)
    text = draw(made, "dot", view="graph", fold="none", depth=99, at=sizes(made)).decode()

    def ops(graph: Graph) -> int:
        contents = [n.content for n in graph.nodes() if not isinstance(n.content, Feed)]
        return sum(ops(c) if isinstance(c, Graph) else 1 for c in contents)

    drawn = [n for n in _nodes(text) if not n.startswith("result ")]
    assert len(drawn) == ops(made.graph) + len(made.graph.inputs)
    assert len(set(drawn)) == len(drawn)


@pytest.mark.filterwarnings("ignore:.*ops are many")
@pytest.mark.parametrize("stem", [path.stem for path in bundled_files()])
def test_bundled_nets_are_small_by_default(stem: str) -> None:
    for made in list(file(stem).values())[:2]:
        text = draw(made, "dot", view="graph", at=sizes(made)).decode()
        assert len(_nodes(text)) < 700
        kinds = rows(made, sizes(made)).shortcuts
        for kind, count in kinds.items():
            assert re.search(rf"shortcuts?: {count:,}</font>", text), kind


def test_depth_and_fold() -> None:
    graph = net("resnet:resnet50").graph
    counts = count_ops(graph, "none")
    assert counts == sorted(counts)
    for depth, count in enumerate(counts):
        text = draw(net("resnet:resnet50"), "dot", view="graph", fold="none", depth=depth).decode()
        assert sum(not n.startswith("result ") for n in _nodes(text)) <= count
    assert [len(folded(graph.node("layer3").content, fold)) for fold in (1, 2, 4, "none")] == [3, 4, 6, 7]  # type: ignore[arg-type]


def test_a_folded_picture_is_small() -> None:
    assert draw(net("cifar_resnet:resnet1202"), "dot").count(b"\n") < 120
    assert draw(net("cifar_resnet:resnet1202"), "dot", view="graph").count(b"\n") < 160


def test_lines_of_the_kinds() -> None:
    for name, kind in (
        ("resnet:resnet50", "projection"),
        ("cifar_resnet:resnet20", "zero_pad"),
        ("resnet:resnet50", "identity"),
    ):
        text = draw(net(name), "dot", view="graph").decode()
        styles = re.findall(rf'class="shortcut {kind}", style="(\w+)"', text)
        assert styles
        assert set(styles) == {LINES[kind]}


def test_a_block_has_norms_in_its_boxes() -> None:
    text = draw(net("resnet:resnet50"), "dot", view="block:conv3_x").decode()
    assert "BN · ReLU · 33,024 params" in text
    assert "BN · 132,096 params" in text
    assert "379,392 params · 373 MMACs" in text
    assert "rank=same" in text


@pytest.mark.parametrize(
    ("name", "title", "around"),
    [
        ("conv3_x", "conv3_x, block 1", ("from conv2_x", "to conv3_x, block 2")),
        ("layer2.1", "conv3_x, block 2", ("from conv3_x, block 1", "to conv3_x, block 3")),
        ("bottleneck", "conv2_x, block 1", ("from conv1", "to conv2_x, block 2")),
        ("layer2.0.downsample", "layer2.0.downsample", ("x", "output")),
    ],
)
def test_a_block_by_each_of_its_names(name: str, title: str, around: tuple[str, str]) -> None:
    text = draw(net("resnet:resnet50"), "dot", view=f"block:{name}").decode()
    assert f"<b>{title}</b>" in text
    for word in around:
        assert f'label="{word}"' in text


@pytest.mark.parametrize("stem", [path.stem for path in bundled_files()])
def test_every_block_of_every_bundled_net(stem: str) -> None:
    for made in list(file(stem).values())[:1]:
        for row in rows(made, sizes(made)).rows:
            if row.runs:
                text = draw(made, "dot", view=f"block:{row.name}", at=sizes(made)).decode()
                assert text.startswith("digraph")
