"""The steps of a net at the level of its stages: scopes that only group are opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from resdsl.elaborate.builder import compose
from resdsl.graph.cost import Cost, shares, totals
from resdsl.graph.model import Feed, Field, Graph, Net, Node, Port
from resdsl.ops.base import Op
from resdsl.render.outline.blocks import is_linear, is_weighted
from resdsl.sizes import Shape

MAX_OPEN = 8
"""How many scopes inside each other are opened."""
LAYERS = ("conv", "linear", "pool")
TRUNK = 6
"""A block that is a chain of this many is opened as a scope is."""


@dataclass(frozen=True, slots=True)
class Value:
    """An output of a step, by the step's number."""

    step: int
    index: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        path: address from the net: `features.denseblock1`.
        node: what runs.
        graph: where the node is.
        inputs: the values it takes.
        cost: its counts; weights that an earlier step owns are not counted again.
        field: receptive field of its first output.
        stage: name of the stage around it.
    """

    path: str
    node: Node
    graph: Graph
    inputs: tuple[Value, ...]
    cost: Cost
    field: Field | None
    stage: str | None

    @property
    def shape(self) -> Shape | None:
        """Shape of its first output."""
        return self.node.shapes[0] if self.node.shapes else None

    @property
    def inner(self) -> Graph | None:
        """The graph it runs."""
        return self.node.content if isinstance(self.node.content, Graph) else None


@dataclass(frozen=True)
class Steps:
    """All steps in a topological order, the values returned, and the counts of every graph."""

    steps: list[Step]
    outputs: list[Value]
    known: dict[int, Cost]


def steps(net: Net, at: dict[str, int]) -> Steps:
    """The steps of a net at input sizes."""
    flat = all(g.kind in ("scope", "net") for g in net.graph.signatures())
    opener = _Opener(totals(net.graph, at), at, flat)
    outputs = opener.open(net.graph, "", None, None, 0)
    return Steps(opener.made, outputs, opener.known)


class _Opener:
    """Collects steps, opening scopes on the way."""

    def __init__(self, known: dict[int, Cost], at: dict[str, int], flat: bool) -> None:
        self.flat = flat
        self.known = known
        self.at = at
        self.made: list[Step] = []
        self.fields: dict[Value, Field | None] = {}
        self.owners: set[str] = set()

    def open(
        self, graph: Graph, prefix: str, inputs: list[Value] | None, stage: str | None, depth: int
    ) -> list[Value]:
        """Append the steps of a graph; the values it returns. The net's own inputs are steps."""
        given = dict(zip(graph.inputs, inputs, strict=True)) if inputs is not None else {}
        before = self.fields[inputs[0]] if inputs else None
        values: dict[Port, Value] = {}
        for node, part in shares(graph, self.known, self.at):
            if node.id in given:
                values[Port(node.id)] = given[node.id]
                continue
            path, taken = prefix + node.id, [values[p] for p in node.inputs]
            staged = stage or node.stage
            first = node.module is None or prefix + node.module not in self.owners
            self.owners.add(prefix + (node.module or ""))
            inner = node.content if isinstance(node.content, Graph) else None
            if inner is not None and staged is None and first and depth < MAX_OPEN and self.opens(inner):
                found = self.open(inner, f"{path}.", taken, staged, depth + 1)
                values.update({Port(node.id, i): v for i, v in enumerate(found)})
                continue
            number = len(self.made)
            for index, shape in enumerate(node.shapes):
                value = values[Port(node.id, index)] = Value(number, index)
                field = graph.fields.get(Port(node.id, index))
                if isinstance(node.content, Feed) and shape is not None:
                    field = tuple((Fraction(1), Fraction(1)) for _ in shape[1:])
                self.fields[value] = compose(before, field) if inputs is not None else field
            made = self.fields.get(Value(number))
            self.made.append(Step(path, node, graph, tuple(taken), part, made, staged))
        return [values[p] for p in graph.outputs]

    def opens(self, graph: Graph) -> bool:
        """Whether a scope is shown by what is in it; in a net without blocks also a chain of layers."""
        return opens(graph) or (self.flat and is_linear(graph) and sum(map(is_weighted, graph.nodes())) > 2)


def opens(graph: Graph) -> bool:
    """Whether a scope only groups: it has stages of its own, or blocks of several kinds."""
    inner = [n for n in graph.nodes() if isinstance(n.content, Graph)]
    if graph.kind == "block":  # the whole trunk of a net, as MobileNetV3's
        chained = len(graph.inputs) == 1 and all(
            len(n.inputs) <= 1 and len(graph.users[n.id]) <= 1 for n in graph.nodes()
        )
        return chained and len(inner) >= TRUNK and len({_kind(n) for n in inner}) > 1
    if graph.kind not in ("scope", "net"):
        return False
    if any(n.stage for n in graph.nodes()):
        return True
    if len(graph.steps) > len(graph.inputs) + 1 and any(_repeats(n) for n in inner):
        return True
    if len(inner) > 2 and any(
        isinstance(n.content, Op) and n.content.category in LAYERS for n in graph.nodes()
    ):
        return True
    if len({_kind(n) for n in inner}) > 1 and len(inner) > 2:
        return True
    return any(isinstance(n.content, Graph) and opens(n.content) for n in inner)


def _repeats(node: Node) -> bool:
    """Whether a node is a scope around copies of one block, as the layers of ViT's encoder."""
    graph = node.content
    return isinstance(graph, Graph) and graph.kind in ("scope", "repeat") and _uniform(graph)


def _uniform(graph: Graph) -> bool:
    """Whether it is three or more copies of one block in a row and nothing else."""
    inner = [n for n in graph.nodes() if not isinstance(n.content, Feed)]
    named = {n.content.name if isinstance(n.content, Graph) else None for n in inner}
    return len(inner) > 2 and len(named) == 1 and None not in named and is_linear(graph)


def _kind(node: Node) -> str:
    assert isinstance(node.content, Graph)
    return node.content.name


def copies(step: Step) -> Iterator[tuple[str, Graph]]:
    """The blocks that run in a row in a step, with their addresses: those of a repeat, or itself."""
    graph = step.inner
    if graph is None:
        return
    nodes = [n for n in graph.nodes() if not isinstance(n.content, Feed)]
    chained = graph.kind in ("scope", "repeat") and nodes and is_linear(graph)
    # A block that only repeats another, as DenseNet's, is shown by that one too.
    if _uniform(graph) or (chained and all(isinstance(n.content, Graph) for n in nodes)):
        for node in nodes:
            assert isinstance(node.content, Graph)
            yield f"{step.path}.{node.id}", node.content
    else:
        yield step.path, graph
