"""The picture of every op, and of one block."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from resdsl.find import bundled_files
from resdsl.graph.model import Feed, Graph
from resdsl.render.drawing.palette import LINES
from resdsl.render.outline.rows import rows
from resdsl.render.pictures.boxes import count_ops, folded
from resdsl.render.pictures.draw import draw
from tests.render.looks import BOTH, SVG, renders
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
        assert len(_nodes(text)) < 150
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
        ("bottleneck", "bottleneck", ("from conv1", "to conv2_x, block 2")),
        ("layer2.0.downsample", "layer2.0.downsample", ("x", "output")),
        ("downsample", "downsample", ("x", "output")),
    ],
)
def test_a_block_by_each_of_its_names(name: str, title: str, around: tuple[str, str]) -> None:
    text = draw(net("resnet:resnet50"), "dot", view=f"block:{name}").decode()
    assert f"<b>{title}</b>" in text
    for word in around:
        assert f'label="{word}"' in text


def test_a_block_by_its_own_name_says_where_it_was_found() -> None:
    text = draw(net("se_resnet:se_resnet50"), "dot", view="block:bottleneck").decode()
    assert "bottleneck(64) · from conv2_x, block 1 · 83,472 params" in text
    for name in ("se_module", "squeeze_excite"):
        text = draw(net("se_resnet:se_resnet50"), "dot", view=f"block:{name}").decode()
        assert f"<b>{name}</b>" in text
        assert "squeeze_excite(16) · from layer1.0.se_module · 8,464 params" in text
    with pytest.raises(ValueError, match="did you mean `se_module`"):
        draw(net("se_resnet:se_resnet50"), "dot", view="block:se_modul")
    both = draw(net("unet:unet"), "dot", view="block:up").decode()
    assert '"input x1"' in both
    assert '"input x2"' in both


@renders
@pytest.mark.parametrize("renderer", BOTH)
@pytest.mark.parametrize(
    "name",
    ["se_resnet:se_resnet50", "mobilenet_v3:mobilenet_v3_small", "googlenet:googlenet", "vit:vit_b_16"],
)
def test_lines_stay_clear_of_frames(name: str, renderer: str) -> None:
    root = ET.fromstring(draw(net(name), "svg", view="graph", renderer=renderer))
    groups = [g for g in root.iter(f"{SVG}g") if g.get("class")]
    titles, frames = [], []
    for frame in (g for g in groups if str(g.get("class")).startswith("cluster")):
        title = next(frame.iter(f"{SVG}text"))
        middle, base, wide = (float(str(title.get(key))) for key in ("x", "y", "textLength"))
        titles.append((middle - wide / 2, base - 6, middle + wide / 2, base))
        outline = _points(str(next(frame.iter(f"{SVG}path")).get("d")))
        (left, *_, right), (top, *_, bottom) = (sorted(axis) for axis in zip(*outline, strict=True))
        frames.append((left, top, right, bottom))
    assert titles
    for edge in (g for g in groups if str(g.get("class")).startswith("edge")):
        points = _points(str(next(edge.iter(f"{SVG}path")).get("d")))
        curve = [
            _cubic(points[start : start + 4], step / 40)
            for start in range(0, len(points) - 3, 3)
            for step in range(41)
        ]
        said = edge.findtext(f"{SVG}title")
        assert not any(_inside(point, title) for point in curve for title in titles), said
        for frame in frames:  # what begins and ends in one stays in it
            if _inside(curve[0], frame) and _inside(curve[-1], frame):
                assert all(_inside(point, frame) for point in curve), said


def _points(path: str) -> list[tuple[float, float]]:
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _inside(point: tuple[float, float], box: tuple[float, float, float, float]) -> bool:
    return box[0] < point[0] < box[2] and box[1] < point[1] < box[3]


def _cubic(points: list[tuple[float, float]], t: float) -> tuple[float, float]:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    x, y = (sum(w * p[axis] for w, p in zip(weights, points, strict=True)) for axis in (0, 1))
    return x, y


def test_a_row_of_several_copies_may_be_typed_with_a_hyphen() -> None:
    made = net("mobilenet_v3:mobilenet_v3_large")
    dash, hyphen = (draw(made, "dot", view=f"block:features.4{sign}6") for sign in "–-")
    assert dash == hyphen


def test_blocks_alike_are_opened_once() -> None:
    text = draw(net("resnet:resnet50"), "dot", view="graph").decode()
    assert re.findall(r'subgraph "cluster ([^"]*)"', text) == [
        "layer1",
        "layer1.0",
        "layer1.1–2",
        "layer2",
        "layer3",
        "layer4",
    ]
    everything = draw(net("resnet:resnet50"), "dot", view="graph", fold=1).decode()
    assert everything.count("subgraph") == 4 + 8


def test_lines_end_at_the_frames_they_enter() -> None:
    text = draw(net("resnet:resnet50"), "dot", view="graph").decode()
    # Of a frame in a frame, at the outer one.
    assert re.search(r'"3: 3×3 max pool, /2" -> "layer1.0.x, used twice" .*lhead="cluster layer1"', text)
    assert 'lhead="cluster layer1.0"' not in text
    assert 'lhead="cluster layer1.1–2"' in text


@pytest.mark.parametrize("stem", [path.stem for path in bundled_files()])
def test_every_block_of_every_bundled_net(stem: str) -> None:
    for made in list(file(stem).values())[:1]:
        for row in rows(made, sizes(made)).rows:
            if row.runs:
                text = draw(made, "dot", view=f"block:{row.name}", at=sizes(made)).decode()
                assert text.startswith("digraph")
