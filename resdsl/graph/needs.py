"""Where a net runs: its conditions on the input sizes taken together, and where a size was rounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from resdsl.domain import Domain
from resdsl.graph.model import Condition, Feed, Graph, Node
from resdsl.ops.base import Op
from resdsl.sets import EVERY, SizeSet, common
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

    def asks_least(self, var: str) -> bool:
        """Whether it only asks for inputs that are large enough."""
        return self.condition.relation == ">=" and self.condition.sets.get(var, EVERY).upward


def conditions(net: Graph) -> list[Needed]:
    """The conditions of a net in the order of the text, each graph's once; those of evaluation first."""
    seen: set[int] = set()
    found = list(_walk(net, (), False, seen))
    later: list[Needed] = []
    for graph, way in list(_training_calls(net, ())):
        later.extend(_walk(graph, way, True, seen))
    return [*(n for n in found if not n.training), *(n for n in found if n.training), *later]


def _walk(graph: Graph, way: Way, training: bool, seen: set[int]) -> Iterator[Needed]:
    """The conditions of a graph and of those it calls; calls that are for training only are left for later."""
    seen.add(id(graph))
    own: dict[str, list[Condition]] = {}
    for condition in graph.conditions:
        own.setdefault(condition.node, []).append(condition)
    for node in graph.nodes():
        only = training or node.id not in graph.evaluated
        for condition in own.get(node.id, ()):
            yield Needed(condition, graph, way, only)
        inner = node.content
        if isinstance(inner, Graph) and id(inner) not in seen and only == training:
            yield from _walk(inner, (*way, (graph, node)), training, seen)


def _training_calls(graph: Graph, way: Way) -> Iterator[tuple[Graph, Way]]:
    """The graphs that a net calls for training only, each with the way to it."""
    for node in graph.nodes():
        if isinstance(node.content, Graph):
            here = (*way, (graph, node))
            if node.id not in graph.evaluated:
                yield node.content, here
            elif node.content.training_outputs:
                yield from _training_calls(node.content, here)


def needed(found: list[Needed], *, training: bool) -> Domain:
    """The input sizes at which all conditions hold."""
    asked: dict[str, list[SizeSet]] = {}
    for one in found:
        if training or not one.training:
            for var, sizes in one.condition.sets.items():
                asked.setdefault(var, []).append(sizes)
    return Domain({var: common(sets) for var, sets in asked.items()})


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


def parted(one: Needed, at: dict[str, int]) -> list[dict[str, Change]]:
    """For each value that meets in a condition the steps that changed its size, without those on all ways."""
    ways = [changes(one, which, at) for which, _ in enumerate(one.condition.ports)]
    shared = set(ways[0]).intersection(*ways[1:]) if len(ways) > 1 else set()
    return [{address: step for address, step in way.items() if address not in shared} for way in ways]


def _stride(op: Op, graph: Graph, node: Node, axis: int) -> int:
    window = op.window(*graph.operands(node))
    if not window or not 0 < axis <= len(window):
        return 1
    stride = window[axis - 1][1]
    return stride if isinstance(stride, int) else 1
