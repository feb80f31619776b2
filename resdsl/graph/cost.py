"""Counting: parameters, multiply-accumulates, activations.

One MAC is one multiply-add; FLOPs are twice that. As in PyTorch's FlopCounterMode only convolutions and
linear layers (and attention) count: bias, norm, activation and pooling are 0, and so is what runs in
training only. Activations are the outputs of those layers, as in Radosavovic et al. 2020 ("Designing
Network Design Spaces", section 3.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from resdsl.graph.model import Graph, Node, Tensor
from resdsl.ops.base import Op
from resdsl.sizes import shape_at


@dataclass(frozen=True, slots=True)
class Cost:
    """Counts for one sample.

    Attributes:
        params: trained values.
        macs: multiply-accumulates.
        activations: values in the outputs of convolutions and linear layers.
        layers: convolutions and linear layers (the number in "ResNet-50").
    """

    params: int = 0
    macs: int = 0
    activations: int = 0
    layers: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.params + other.params,
            self.macs + other.macs,
            self.activations + other.activations,
            self.layers + other.layers,
        )


def cost(graph: Graph, at: dict[str, int]) -> Cost:
    """Counts of a whole graph at input sizes by name. Shared weights are counted once."""
    return totals(graph, at)[id(graph)]


def totals(graph: Graph, at: dict[str, int]) -> dict[int, Cost]:
    """Counts of a graph and of every graph it uses, by `id` of the graph."""
    known: dict[int, Cost] = {}
    live = evaluated(graph)
    for inner in graph.signatures():
        total = Cost()
        for _, part in shares(inner, known, at if id(inner) in live else None):
            total += part
        known[id(inner)] = total
    return known


def evaluated(graph: Graph) -> set[int]:
    """The graphs that run in evaluation, by `id`: one for training only may not even fit the sizes."""
    found = {id(graph)}
    stack = [graph]
    while stack:
        caller = stack.pop()
        for node in caller.nodes():
            inner = node.content
            if isinstance(inner, Graph) and node.id in caller.evaluated and id(inner) not in found:
                found.add(id(inner))
                stack.append(inner)
    return found


def shares(graph: Graph, known: dict[int, Cost], at: dict[str, int] | None) -> Iterator[tuple[Node, Cost]]:
    """Every node with its counts, which sum to those of the graph: shared weights count where first used.

    Args:
        graph: a graph whose inner graphs are counted.
        known: the counts of the inner graphs, from `totals`.
        at: input sizes by name; None counts parameters alone.
    """
    owners = set[str]()
    for node in graph.nodes():
        part = _node(graph, node, known, at if node.id in graph.evaluated else None)
        if node.module is not None:
            if node.module in owners:
                part = Cost(0, part.macs, part.activations, 0)
            owners.add(node.module)
        yield node, part


def params(graph: Graph) -> int:
    """Number of trained values; needs no input size."""
    totals: dict[int, int] = {}
    for inner in graph.signatures():
        owners: dict[str, int] = {}
        for node in inner.modules():
            assert node.module is not None
            match node.content:
                case Graph() as content:
                    owners[node.module] = totals[id(content)]
                case Tensor() as tensor:
                    owners[node.module] = _tensor_params(tensor)
                case Op() as op:
                    owners[node.module] = op.params(*inner.operands(node))
                case _:
                    pass
        totals[id(inner)] = sum(owners.values())
    return totals[id(graph)]


def _tensor_params(tensor: Tensor) -> int:
    return prod(d for d in tensor.shape if isinstance(d, int)) if tensor.trained else 0


def _node(graph: Graph, node: Node, totals: dict[int, Cost], at: dict[str, int] | None) -> Cost:
    match node.content:
        case Graph() as inner:
            return totals[id(inner)] if at is not None else Cost(params=totals[id(inner)].params)
        case Tensor() as tensor:
            return Cost(params=_tensor_params(tensor))
        case Op() as op:
            shapes = graph.operands(node)
            params = op.params(*shapes)
            if at is None or type(op).macs is Op.macs:
                return Cost(params=params)
            macs = op.macs(*(shape_at(s, at) for s in shapes))
            if not macs or op.category not in ("conv", "linear"):
                return Cost(params, macs)
            out = node.shapes[0]
            assert out is not None
            return Cost(params, macs, prod(shape_at(out, at)), 1)
        case _:
            return Cost()
