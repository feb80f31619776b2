"""The steps of a net at the level of its stages: scopes that only group are opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from resdsl.elaborate.builder import compose
from resdsl.graph.cost import Cost, shares, totals
from resdsl.graph.model import Feed, Field, Graph, Net, Node, Port
from resdsl.sizes import Shape

MAX_OPEN = 8
"""How many scopes inside each other are opened."""


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
    known = totals(net.graph, at)
    made: list[Step] = []
    owners: set[str] = set()
    outputs = _open(net.graph, "", (), None, None, 0, known, at, made, owners)
    return Steps(made, outputs, known)


def _open(
    graph: Graph,
    prefix: str,
    inputs: tuple[Value, ...],
    before: Field | None,
    stage: str | None,
    depth: int,
    known: dict[int, Cost],
    at: dict[str, int],
    made: list[Step],
    owners: set[str],
) -> list[Value]:
    """Append the steps of a graph whose inputs are the given values; the values it returns."""
    values: dict[Port, Value] = {}
    feeds = iter(inputs)
    for node, part in shares(graph, known, at):
        given = next(feeds, None) if isinstance(node.content, Feed) and depth else None
        if given is not None:
            values[Port(node.id)] = given
            continue
        path = prefix + node.id
        taken = tuple(values[p] for p in node.inputs)
        inner_stage = stage or node.stage
        field = graph.fields.get(Port(node.id))
        if isinstance(node.content, Graph) and node.module not in owners and inner_stage is None:
            if depth < MAX_OPEN and opens(node.content):
                first = graph.fields.get(node.inputs[0]) if node.inputs else None
                here = compose(before, first) if depth else first
                if node.inputs and isinstance(graph.node(node.inputs[0].node).content, Feed):
                    here = before
                found = _open(
                    node.content, f"{path}.", taken, here, inner_stage, depth + 1, known, at, made, owners
                )
                values.update({Port(node.id, i): v for i, v in enumerate(found)})
                continue
        number = len(made)
        whole = compose(before, field) if depth and before is not None else field
        made.append(Step(path, node, graph, taken, part, whole, inner_stage))
        values.update({Port(node.id, i): Value(number, i) for i in range(max(len(node.shapes), 1))})
    return [values[p] for p in graph.outputs]


def opens(graph: Graph) -> bool:
    """Whether a scope only groups: it has stages of its own, or blocks of several kinds."""
    if graph.kind not in ("scope", "net"):
        return False
    inner = [n for n in graph.nodes() if isinstance(n.content, Graph)]
    if any(n.stage for n in graph.nodes()):
        return True
    if len({_kind(n) for n in inner}) > 1 and len(inner) > 2:
        return True
    return any(isinstance(n.content, Graph) and opens(n.content) for n in inner)


def _kind(node: Node) -> str:
    assert isinstance(node.content, Graph)
    return node.content.name


def copies(step: Step) -> Iterator[tuple[str, Graph]]:
    """The blocks that run one after the other in a step, with their addresses: those of a repeat, or itself."""
    graph = step.inner
    if graph is None:
        return
    if graph.kind == "block":
        yield step.path, graph
        return
    if graph.kind == "net":
        yield step.path, graph
        return
    nodes = [n for n in graph.nodes() if not isinstance(n.content, Feed)]
    if nodes and all(isinstance(n.content, Graph) for n in nodes):
        for node in nodes:
            assert isinstance(node.content, Graph)
            yield f"{step.path}.{node.id}", node.content
        return
    yield step.path, graph
