"""Laws of the comparison, without torch."""

from __future__ import annotations

from collections import Counter

import pytest

from resdsl import load
from resdsl.diff.compare import Difference, compare
from resdsl.diff.layers import layers
from resdsl.diff.lists import layer_lines, ranges, weight_lines
from resdsl.diff.words import parts
from resdsl.graph.cost import cost
from resdsl.graph.model import Net
from tests.diff.pairs import BASE, BUNDLED, CHANGES, changed, everything, readme, text

PAIRS = [*((name, "") for name in CHANGES), *BUNDLED]


def _nets(a: str, b: str) -> tuple[Net, Net]:
    return (load(a).net, load(b).net) if b else (text(BASE), changed(a))


def test_a_net_does_not_differ_from_itself() -> None:
    for name, net in everything():
        found = compare(net, net)
        assert found.verdict == "identical", name
        assert not found.changes, name
        assert not any(pair.differs for pair in found.stages), name


def _adds_up(found: Difference) -> None:
    """Each tensor of each side is in exactly one line of the weights."""
    lines = weight_lines(found)
    for tensors, marks in ((found.weights.a, "=~-"), (found.weights.b, "=~+")):
        told = [int(line.cells[0].split()[0].replace(",", "")) for line in lines if line.mark in marks]
        assert sum(told) == len(tensors)
    for line in layer_lines(found):
        assert not line.cells[0].startswith("all 0 ")


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_each_tensor_is_told_once(pair: tuple[str, str]) -> None:
    a, b = _nets(*pair)
    _adds_up(compare(a, b))
    _adds_up(compare(b, a))


def test_each_tensor_of_any_two_nets_is_told_once() -> None:
    nets = [net for _, net in everything()]
    for a, b in [*zip(nets[::17], nets[1::17], strict=False), *zip(nets[::19], nets[40::19], strict=False)]:
        _adds_up(compare(a, b))


def test_nor_from_the_same_read_again() -> None:
    for name in ("resnet50", "unet", "swin_t", "densenet121", "googlenet"):
        one, two = load(name).net, load(name).net
        assert compare(one, two).verdict == "identical"
        assert not layers(one.graph, two.graph).changes


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_mirror(pair: tuple[str, str]) -> None:
    """What is added one way is removed the other way."""
    a, b = _nets(*pair)
    there, back = compare(a, b), compare(b, a)
    assert there.verdict == back.verdict
    one, two = there.weights, back.weights
    assert set(one.carried) == set(two.carried)
    assert (set(one.only_a), set(one.only_b)) == (set(two.only_b), set(two.only_a))
    assert set(one.reshaped) == set(two.reshaped)
    assert one.complete == two.complete
    if one.complete:
        assert {v: k for k, v in one.renames.items()} == two.renames
    assert _marks(there) == _marks(back, "-", "+")
    assert [(p.a.name, p.b.name) for p in there.stages if p.differs and p.a and p.b] == [
        (p.b.name, p.a.name) for p in back.stages if p.differs and p.a and p.b
    ]


def _marks(found: Difference, plus: str = "+", minus: str = "-") -> Counter[tuple[str, str]]:
    """How often each layer is added, removed and changed, seen from the other side."""
    swapped = {"+": plus, "-": minus, "~": "~"}
    return Counter((swapped[c.mark], c.effect) for c in found.layers.changes)


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_numbers_are_those_of_the_nets(pair: tuple[str, str]) -> None:
    found = compare(*_nets(*pair))
    for net, table, tensors in zip(
        (found.a, found.b), found.tables, (found.weights.a, found.weights.b), strict=True
    ):
        total = cost(net.graph, table.at or net.least)
        assert table.total == total
        assert sum(t.params for t in tensors.values()) == total.params
    kept = found.weights
    assert len(kept.carried) + len(kept.reshaped) + len(kept.only_a) == len(kept.a)
    assert len(kept.carried) + len(kept.reshaped) + len(kept.only_b) == len(kept.b)
    names = kept.rename_map
    assert len(set(names.values())) == len(names)
    assert all(kept.b[new].takes(kept.a[old]) for old, new in names.items())


@pytest.mark.parametrize("name", CHANGES)
def test_what_differs_is_found(name: str) -> None:
    """A verdict other than `identical` names a layer or an input."""
    found = compare(text(BASE), changed(name))
    if found.verdict in ("outputs", "training", "start"):
        assert found.changes
        wanted = {"outputs": "evaluation", "training": "training", "start": "start"}[found.verdict]
        assert any(c.effect == wanted for c in found.changes)
    if found.verdict in ("identical", "sizes", "names"):
        assert not found.changes
    assert found.same_sizes == (name not in ("where", "fixed", "input", "padding mode"))


def test_swapped_names() -> None:
    """The same keys and shapes, each for the other layer: torch cannot tell, the structure can."""
    two = "net n {{ input x: [3, H, W] at [3, 8, 8]\n  {} = conv(3, 3x3); relu; {} = conv(3, 3x3) }}\n"
    found = compare(text(two.format("a", "b")), text(two.format("b", "a")))
    assert found.verdict == "outputs"
    assert found.weights.complete
    assert found.weights.renames == {"a.weight": "b.weight", "b.weight": "a.weight"}
    assert set(found.weights.misplaced) == {"a.weight", "b.weight"}


def test_a_layer_in_front_moves_the_numbers() -> None:
    one = "net n { input x: [3, H, W] at [3, 8, 8]\n  conv(3, 3x3); relu; conv(3, 3x3) }\n"
    two = one.replace("conv(3, 3x3); relu", "conv(3, 3x3); conv(3, 1x1); relu")
    found = compare(text(one), text(two))
    assert found.verdict == "partial"
    assert found.weights.renames == {"2.weight": "3.weight"}
    assert [(c.mark, c.address) for c in found.changes] == [("+", "1")]


def test_v1_and_v15() -> None:
    found = compare(load("resnet50_v1").net, load("resnet50").net)
    assert found.verdict == "outputs"
    assert [(c.address, c.fields) for c in found.changes] == [
        (f"layer{stage}.0.{layer}", (("stride", *values),))
        for stage in (2, 3, 4)
        for layer, values in (("conv1", ("2", "1")), ("conv2", ("1", "2")))
    ]
    assert [t.total.macs for t in found.tables] == [3_857_973_248, 4_089_184_256]


def test_a_net_whose_stages_have_no_names() -> None:
    """Its stages stand beside those of the bundled net; how it was cut into stages is no difference."""
    found = compare(text(readme()), load("resnet101").net)
    pairs = [(p.a and p.a.name, p.b and p.b.name, p.differs) for p in found.stages]
    assert pairs == [
        ("stem", "conv1", True),
        *((f"layer{i}", f"conv{i + 1}_x", True) for i in range(1, 5)),
        ("head", "head", False),
    ]
    start = 'init conv.weight = kaiming_normal(mode = "fan_out", nonlinearity = "relu")'
    alike = compare(text(readme().replace("input image", f"{start}\n  input image")), load("resnet50").net)
    assert alike.verdict == "identical"
    assert not any(pair.differs for pair in alike.stages)


def test_stages_of_other_layers_are_renamed() -> None:
    found = compare(text(BASE), changed("stage name"))
    assert [(p.a and p.a.name, p.b and p.b.name) for p in found.stages if p.differs] == [("layer2", "deep")]


def test_ranges() -> None:
    places = ["layer1.0", "layer1.1", "layer2.0", "layer2.1", "layer2.2", "fc", "layer3.1", "layer3.3"]
    assert ranges(places) == "layer1.0, layer1.1, layer2.0 to layer2.2, fc, layer3.1, layer3.3"


def test_parts() -> None:
    found = compare(load("resnet18").net, load("resnet34").net).weights
    assert parts(found.b, set(found.only_b))[:2] == ["layer1.2", "layer2.2"]
    assert parts(found.a, {"fc.bias"}) == ["fc.bias"]
    assert parts(found.a, {"fc.bias", "fc.weight"}) == ["fc"]
