"""The networkx view of a net is the net: same nodes, same edges, no cycle."""

from __future__ import annotations

import networkx as nx
import pytest

from resdsl import load


@pytest.mark.parametrize("name", ["resnet18", "resnet20", "mobilenet_v2", "preact_resnet1001", "se_resnet18"])
def test_networkx_view(name: str) -> None:
    for graph in load(name).net.graph.signatures():
        view = graph.nx
        assert nx.is_directed_acyclic_graph(view)
        assert list(view.nodes) == [node.id for node in graph.nodes()]
        for node in graph.nodes():
            taken = sorted((k, a, d["index"]) for a, _, k, d in view.in_edges(node.id, keys=True, data=True))
            assert taken == [(slot, p.node, p.index) for slot, p in enumerate(node.inputs)]
            assert [n.id for n in dict.fromkeys(graph.users[node.id])] == list(view.successors(node.id))


def test_networkx_algorithms_apply() -> None:
    """The shortest way through ResNet-18's first block is its identity shortcut."""
    net = load("resnet18").net.graph
    block = next(g for g in net.signatures() if g.name == "basic")
    way = nx.shortest_path(block.nx, block.inputs[0], block.outputs[0].node)
    assert len(way) == 3
    assert {d["shortcut"] for *_, d in block.nx.edges(data=True)} == {"", "identity"}
