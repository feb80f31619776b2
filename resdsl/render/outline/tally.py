"""Shortcuts and weighted layers of every graph, each graph looked at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from resdsl.graph.cost import Cost
from resdsl.graph.model import Graph, Node
from resdsl.ops.base import Op
from resdsl.render.outline.blocks import is_weighted, shortcut_chain


@dataclass
class Tally:
    """Shortcuts by kind, weighted layers on them and on gates, and residual blocks of one graph."""

    shortcuts: Counter[str] = field(default_factory=Counter)
    beside: int = 0
    blocks: int = 0


def tallies(root: Graph, known: dict[int, Cost]) -> dict[int, Tally]:
    """Shortcuts of every graph, each graph looked at once."""
    found: dict[int, Tally] = {}
    for graph in root.signatures():
        mine = Tally()
        for node in graph.nodes():
            tally_node(graph, node, known, found, mine)
        own = any(n.shortcut for n in graph.nodes())
        if own and graph.kind == "block":
            mine.blocks += 1
        found[id(graph)] = mine
    return found


def tally_node(
    graph: Graph, node: Node, known: dict[int, Cost], found: dict[int, Tally], into: Tally
) -> None:
    """Add what one node holds."""
    if isinstance(node.content, Graph):
        inner = found[id(node.content)]
        into.shortcuts.update(inner.shortcuts)
        into.beside += inner.beside
        into.blocks += inner.blocks
    gate = isinstance(node.content, Op) and node.content.name == "scale"
    if node.shortcut:
        into.shortcuts[node.shortcut] += 1
    if node.shortcut or gate:
        for beside in shortcut_chain(graph, node):
            if isinstance(beside.content, Graph):
                into.beside += known[id(beside.content)].layers - found[id(beside.content)].beside
            else:
                into.beside += is_weighted(beside)
