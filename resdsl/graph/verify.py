"""Invariants of a graph. A violation is a bug in resdsl, never a user's mistake: these are asserts."""

from __future__ import annotations

from resdsl.graph.model import Feed, Graph, Node


def verify(root: Graph) -> None:
    """Assert that every graph is in topological order, so without a cycle, and fully shaped."""
    for graph in root.signatures():
        seen: set[str] = set()
        for node in graph.nodes():
            _verify_node(graph, node, seen)
            seen.add(node.id)
        assert graph.outputs, f"{graph.name}: no output"
        for port in graph.outputs:
            assert port.index < len(graph.node(port.node).shapes)
        assert sorted(graph.order) == sorted({n.module for n in graph.nodes() if n.module is not None})


def _verify_node(graph: Graph, node: Node, seen: set[str]) -> None:
    assert all(p.node in seen for p in node.inputs), f"{node.id}: takes a later value"
    assert all(s is not None for s in node.shapes), f"{node.id}: unknown shape"
    if isinstance(node.content, Graph):
        assert len(node.content.inputs) == len(node.inputs), f"{node.id}: inputs"
        assert len(node.content.outputs) == len(node.shapes), f"{node.id}: outputs"
    if isinstance(node.content, Feed):
        assert node.id in graph.inputs
