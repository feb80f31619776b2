"""The bundled specs: without complaint, counted, documented, in canonical layout."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from resdsl import load
from resdsl.diagnostics import render
from resdsl.diagnostics.model import Sink
from resdsl.elaborate.files import read_source
from resdsl.graph.cost import cost
from resdsl.graph.model import Graph, Tensor
from resdsl.ops.base import Op
from resdsl.pipeline import Checked, check
from resdsl.resources import specs
from resdsl.source import Source
from resdsl.syntax import ast
from resdsl.syntax.formatter import format_source
from resdsl.syntax.parser import parse

HERE = Path(__file__).parent
BUNDLED = sorted(specs().rglob("*.res"))
OTHERS = sorted(HERE.glob("*.res"))

each_bundled = pytest.mark.parametrize("path", BUNDLED, ids=lambda p: p.stem)
each_checked = pytest.mark.parametrize("path", [*BUNDLED, *OTHERS], ids=lambda p: p.stem)
each_file = pytest.mark.parametrize("path", [*BUNDLED, *OTHERS], ids=lambda p: p.stem)


def source(path: Path) -> Source:
    read = read_source(path, path.name)
    assert isinstance(read, Source), read
    return read


@cache
def checked(path: Path) -> Checked:
    return check(source(path), path)


def nets(file: ast.File) -> Iterator[ast.Block | ast.Family]:
    for item in file.items:
        if isinstance(item, ast.Family) or (isinstance(item, ast.Block) and item.is_net):
            yield item


def expects(net: ast.Block | ast.Family) -> list[ast.Expect]:
    if isinstance(net, ast.Family):
        return list(net.expects)
    return [s for s in net.body.statements if isinstance(s, ast.Expect)]


@each_file
def test_layout(path: Path) -> None:
    assert format_source(source(path)) == source(path).text


@each_file
def test_parses(path: Path) -> None:
    sink = Sink()
    assert parse(source(path), sink) is not None
    assert not sink.sorted()


@each_checked
def test_no_complaint(path: Path) -> None:
    result = checked(path)
    assert not result.diagnostics, render(result.diagnostics, "full")
    assert result.nets or (result.module is not None and result.module.blocks)


@each_bundled
def test_documented(path: Path) -> None:
    file = parse(source(path), Sink())
    assert file is not None
    assert file.doc
    assert any(isinstance(i, ast.Edition) for i in file.items)
    for item in file.items:
        if isinstance(item, ast.Block | ast.Family):
            assert item.doc, item.name.id


@each_bundled
def test_expectations(path: Path) -> None:
    """Each net says its parameters and MACs, and each base of a family has such a net."""
    file = parse(source(path), Sink())
    assert file is not None
    for net in nets(file):
        if net.name.id in checked(path).nets:
            said = [e.condition.span.text for e in expects(net) if e.condition is not None]
            assert any(s.startswith("params == ") for s in said), net.name.id
            assert any(s.startswith("macs == ") for s in said), net.name.id
    for name, built in checked(path).nets.items():
        assert built.nominal is not None, name


def test_names_are_unique() -> None:
    """A bundled net is asked for by name alone."""
    names = [name for path in BUNDLED for name in checked(path).nets]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["resnet50", "resnet110_b", "wrn_28_10", "vgg16_bn", "mobilenet_v2_1_4"])
def test_load_by_name(name: str) -> None:
    assert load(name).name == name


def tensors(graph: Graph, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Address and module text of every layer with weights, in the order of the state_dict."""
    for node in graph.modules():
        if isinstance(node.content, Graph):
            yield from tensors(node.content, f"{prefix}{node.module}.")
        elif isinstance(node.content, Op) and node.content.params(*graph.operands(node)):
            yield f"{prefix}{node.module}", node.content.module(*graph.operands(node))
        elif isinstance(node.content, Tensor):
            yield f"{prefix}{node.module}", node.content.shape


def test_short_resnet50() -> None:
    """The README's: 25 lines, and the same net as the bundled one."""
    path = HERE / "resnet50_short.res"
    assert len(source(path).text.splitlines()) <= 25
    short, long = checked(path).nets["resnet50"], load("resnet50").net
    assert list(tensors(short.graph)) == list(tensors(long.graph))
    for sizes in ({"H": 224, "W": 224}, {"H": 97, "W": 64}):
        assert cost(short.graph, sizes) == cost(long.graph, sizes)


@pytest.mark.parametrize("n", [20, 32, 44, 56, 110])
def test_options_of_cifar_resnet(n: int) -> None:
    """Option A has the parameters of the plain net; two projections are 2752 more (section 4.2)."""
    a, b = load(f"resnet{n}"), load(f"resnet{n}_b")
    assert b.params - a.params == 2752
    if n < 110:
        plain = load(f"plain{n}")
        assert (plain.params, plain.macs) == (a.params, a.macs)


def test_stochastic_depth_keeps_the_keys() -> None:
    ours, base = load("stochastic_depth110").net.graph, load("resnet110").net.graph
    assert list(tensors(ours)) == list(tensors(base))


def test_survival_falls_linearly() -> None:
    graph = load("stochastic_depth110").net.graph
    found = [p for inner in walk(graph) if (p := dict(inner.args).get("drop")) is not None]
    assert found == pytest.approx([0.5 * block / 54 for block in range(1, 55)])


def walk(graph: Graph) -> Iterator[Graph]:
    yield graph
    for node in graph.nodes():
        if isinstance(node.content, Graph):
            yield from walk(node.content)


def test_settings() -> None:
    """The parameters of a family can be set from outside."""
    assert load("mobilenet_v2", width_mult=0.5).params == load("mobilenet_v2_0_5").params
    assert load("wrn_28_10", classes=100).params == 36_536_884
    assert load("resnet50", output_stride=8).macs > 3 * load("resnet50").macs
