"""Where a net runs: its conditions on the input sizes taken together, and where a size was rounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from resdsl.domain import Domain
from resdsl.graph.model import Condition, Feed, Graph, Node
from resdsl.ops.base import Op
from resdsl.sizes import Shape, evaluate
from resdsl.source import Span

Way = tuple[tuple[Graph, Node], ...]
"""The calls from a net to one of its graphs: each graph and the node in it that runs the next."""


@dataclass(frozen=True, slots=True)
class Needed:
    """A condition of a net, the first way to it, and whether it is for training only."""

    condition: Condition
    graph: Graph
    way: Way
    training: bool

    @property
    def place(self) -> str:
        """Address of the block that holds the step: `layer2.0`; empty at net level."""
        return ".".join(node.id for _, node in self.way)


def conditions(net: Graph) -> list[Needed]:
    """The conditions of a net in the order of the text, each graph's once; those of evaluation first seen."""
    found: list[Needed] = []
    for training in (False, True):
        seen: set[int] = set()
        found.extend(n for n in _walk(net, (), training, seen) if n.training == training)
    return found


def _walk(net: Graph, way: Way, training: bool, seen: set[int]) -> Iterator[Needed]:
    stack: list[tuple[Graph, Way, bool]] = [(net, way, False)]
    while stack:
        graph, way, only_training = stack.pop()
        if id(graph) in seen or (only_training and not training):
            continue
        seen.add(id(graph))
        plain = _evaluated(graph)
        for condition in graph.conditions:
            yield Needed(condition, graph, way, only_training or condition.node not in plain)
        inner = [
            (node.content, (*way, (graph, node)), only_training or node.id not in plain)
            for node in graph.nodes()
            if isinstance(node.content, Graph)
        ]
        stack.extend(reversed(inner))


def _evaluated(graph: Graph) -> set[str]:
    """The nodes that run in evaluation: all, but for those that only outputs of training need."""
    if not graph.training_outputs:
        return set(graph.steps)
    kept = [
        port.node
        for port, name in zip(graph.outputs, graph.output_names, strict=False)
        if name not in graph.training_outputs
    ]
    found: set[str] = set()
    while kept:
        id = kept.pop()
        if id not in found:
            found.add(id)
            kept.extend(port.node for port in graph.node(id).inputs)
    return found


def needed(found: list[Needed], *, training: bool) -> Domain:
    """The input sizes at which all conditions hold."""
    domain = Domain()
    for one in found:
        if training or not one.training:
            domain.restrict(one.condition.sets)
    return domain


# ---------------------------------------------------------------- rounding


@dataclass(frozen=True, slots=True)
class Change:
    """A step at which one size changes: from `before` to `after`, at given input sizes."""

    span: Span
    op: Op
    before: int
    after: int
    stride: int
    taken: tuple[Shape, ...]

    @property
    def rounded(self) -> str:
        """`down` or `up` where the size is no multiple of the stride and the division was rounded."""
        if self.stride <= 1 or self.before % self.stride == 0:
            return ""
        down = self.before // self.stride
        return {down: "down", down + 1: "up"}.get(self.after, "")


def changes(one: Needed, which: int, at: dict[str, int]) -> dict[str, Change]:
    """The steps that changed the size of a port of a condition, by address, from the input on."""
    found: list[tuple[str, Change]] = []
    graph, way, port, axis = one.graph, list(one.way), one.condition.ports[which], one.condition.axis
    while True:
        node = graph.node(port.node)
        if isinstance(node.content, Feed):
            if not way:
                break
            caller, call = way.pop()
            port = call.inputs[graph.inputs.index(node.id)]
            graph = caller
            continue
        if isinstance(node.content, Graph):
            way.append((graph, node))
            graph, port = node.content, node.content.outputs[port.index]
            continue
        if not isinstance(node.content, Op) or not node.inputs:
            break
        source = node.inputs[-1 if node.content.name.endswith("_like") else 0]
        before, after = graph.shape(source), node.shapes[port.index]
        if before is None or after is None or len(before) != len(after):
            break
        old, new = evaluate(before[axis], at), evaluate(after[axis], at)
        if old != new:
            address = ".".join((*(call.id for _, call in way), node.id))
            stride = _stride(node.content, graph, node, axis)
            found.append((address, Change(node.span, node.content, old, new, stride, graph.operands(node))))
        port = source
    return dict(reversed(found))


def _stride(op: Op, graph: Graph, node: Node, axis: int) -> int:
    window = op.window(*graph.operands(node))
    if not window or not 0 < axis <= len(window):
        return 1
    stride = window[axis - 1][1]
    return stride if isinstance(stride, int) else 1
