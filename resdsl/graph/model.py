"""The graph: what the user wrote, bound, checked and shaped.

A net is a tree of graphs. A node runs an op or another graph: a block at given argument values and
input shapes is *one* graph (its *signature*), shared by every node that calls it. So checking, counting
and emitting cost by signature, and 1202 layers are 600 small nodes. `flatten` gives the plain graph of
ops where that is wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from resdsl.domain import Domain, Sets, match_sizes
from resdsl.ops.base import Init, Op
from resdsl.sets import SizeSet
from resdsl.sizes import Dim, Shape
from resdsl.source import Span

if TYPE_CHECKING:
    import networkx as nx

Field: TypeAlias = tuple[tuple[Fraction | float, Fraction], ...]
"""Receptive field: for each spatial axis (extent, stride) in positions of the input; inf sees all of it."""
ShortcutKind = Literal["", "identity", "projection", "zero_pad", "body"]
GraphKind = Literal["net", "block", "scope", "repeat"]


@dataclass(frozen=True, slots=True)
class Port:
    """A value inside one graph: output `index` of a node."""

    node: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """An input of a graph."""

    name: str
    shape: Shape | None


@dataclass(frozen=True, slots=True)
class Tensor:
    """A `param` (trained) or `buffer`: `shape` as stored, without the batch unless `batched`.

    `batched` tensors are stored with a leading 1 that stretches over the batch.
    """

    name: str
    shape: Shape
    trained: bool
    batched: bool
    init: Init | None


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of the input sizes for one step to run.

    Attributes:
        node: id of the step in its graph.
        sets: the input sizes at which it holds.
        relation: `left == right`, `left >= right`; `where` for the condition of a net inside a net.
        left, right: the two sizes.
        ports: the values whose sizes they are; one if `right` is a number.
        axis: of those values.
        span: where it was written.
    """

    node: str
    sets: Sets
    relation: Literal["==", ">=", "where"]
    left: Dim
    right: Dim
    ports: tuple[Port, ...]
    axis: int
    span: Span


Content: TypeAlias = "Op | Graph | Feed | Tensor"


@dataclass(frozen=True, slots=True)
class Node:
    """One step.

    Attributes:
        id: unique in its graph. Of a node that owns a module, its address: `conv1`, `layer1`, `0`.
        content: the op, or the graph of the block or scope, that runs.
        inputs: the values it takes, in order. These are the edges of the graph.
        shapes: shape of each output; None where an error upstream left it unknown.
        span: where it was written.
        module: address of the module it runs; the same for several nodes when weights are shared
            (`apply`); None when it has no module (an addition).
        shortcut: on the addition of a residual, the kind of its shortcut, which is its last input.
        stage: name of the `stage` around it, at net level.
        names: the names given with `as`.
        inits: initialisers in force for its tensors, by tensor name.
    """

    id: str
    content: Content
    inputs: tuple[Port, ...]
    shapes: tuple[Shape | None, ...]
    span: Span
    module: str | None = None
    shortcut: ShortcutKind = ""
    stage: str | None = None
    names: tuple[str, ...] = ()
    inits: tuple[tuple[str, Init], ...] = ()


@dataclass(eq=False)
class Graph:
    """A net, block, named scope or repeat at fixed arguments and input shapes.

    Attributes:
        name: of the net or block; of a scope or repeat, its layer name.
        kind: a `net` or `block` was declared with that word; a `scope` is a named brace or chain; a
            `repeat` holds `x N` copies under the addresses `0`, `1`, ...
        args: the arguments it was made with, as compile-time values, by parameter name.
        steps: its nodes by id, in the order of the text.
        inputs: ids of its `Feed` nodes; `outputs` the values it returns, `output_names` their keys
            (empty for the plain flow), `training_outputs` those returned in training only.
        order: module addresses in the order of the text, which is the order of the state_dict.
        values: the values that can be read from outside by path (`encoder.layer3`).
        conditions: what must hold of the input sizes for its own steps to run.
        fields: receptive field of every value in `values` and of every output, by port: for each
            spatial axis (extent, stride) in positions of the first input; None sees all of it.
        refused: of a net with mistakes, where values met that do not fit, and those values.
        unfinished: of a net with mistakes, the blocks called here that have no output.
    """

    name: str
    kind: GraphKind
    span: Span
    doc: str | None = None
    args: tuple[tuple[str, Any], ...] = ()
    steps: dict[str, Node] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    output_names: tuple[str, ...] = ()
    training_outputs: tuple[str, ...] = ()
    order: list[str] = field(default_factory=list)
    values: dict[str, Port] = field(default_factory=dict)
    conditions: list[Condition] = field(default_factory=list)
    fields: dict[Port, Field | None] = field(default_factory=dict)
    refused: list[tuple[Span, tuple[Port, ...]]] = field(default_factory=list)
    unfinished: list[Graph] = field(default_factory=list)

    @cached_property
    def nx(self) -> nx.MultiDiGraph[str]:
        """The graph for networkx's algorithms, made when first asked for, of a finished graph.

        `nx.nodes[id]["node"]` is a `Node`; edges carry `key=slot` and the attributes `index` (output of
        the source) and `shortcut`. Checking and counting need no more than the nodes in order, and are
        done before networkx is loaded.
        """
        import networkx as nx

        made: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        for node in self.nodes():
            made.add_node(node.id, node=node)
            last = len(node.inputs) - 1
            for slot, port in enumerate(node.inputs):
                kind = node.shortcut if slot == last else ""
                made.add_edge(port.node, node.id, key=slot, index=port.index, shortcut=kind)
        return made

    def add(self, node: Node) -> None:
        """Add a node; its inputs are there already."""
        assert node.id not in self.steps, f"duplicate node {node.id}"
        self.steps[node.id] = node

    def replace(self, node: Node) -> None:
        """Replace a node by one with the same id and inputs."""
        assert self.steps[node.id].inputs == node.inputs
        self.steps[node.id] = node

    def node(self, id: str) -> Node:
        """Node by id."""
        return self.steps[id]

    def __contains__(self, id: object) -> bool:
        return id in self.steps

    def nodes(self) -> Iterator[Node]:
        """All nodes in the order they were written, which is topological: a node only takes earlier ones."""
        yield from self.steps.values()

    @cached_property
    def users(self) -> dict[str, list[Node]]:
        """By node of a finished graph, the nodes that take a value of it, as often as they do."""
        found: dict[str, list[Node]] = {id: [] for id in self.steps}
        for node in self.nodes():
            for port in node.inputs:
                found[port.node].append(node)
        return found

    @cached_property
    def evaluated(self) -> set[str]:
        """The nodes of a finished graph that run in evaluation: all, but for those only training outputs need."""
        if not self.training_outputs:
            return set(self.steps)
        named = zip(self.outputs, self.output_names, strict=False)
        stack = [port.node for port, name in named if name not in self.training_outputs]
        found: set[str] = set()
        while stack:
            id = stack.pop()
            if id not in found:
                found.add(id)
                stack.extend(port.node for port in self.node(id).inputs)
        return found

    def shape(self, port: Port) -> Shape | None:
        """Shape of a value."""
        return self.node(port.node).shapes[port.index]

    def operands(self, node: Node) -> tuple[Shape, ...]:
        """Input shapes of a node of a graph without errors."""
        shapes = tuple(self.shape(p) for p in node.inputs)
        assert all(s is not None for s in shapes), f"{node.id}: unknown input shape"
        return shapes  # type: ignore[return-value]

    @property
    def input_shapes(self) -> tuple[Shape | None, ...]:
        """Shapes of its inputs."""
        return tuple(self.node(i).shapes[0] for i in self.inputs)

    @property
    def output_shapes(self) -> tuple[Shape | None, ...]:
        """Shapes of its outputs."""
        return tuple(self.shape(p) for p in self.outputs)

    def modules(self) -> list[Node]:
        """The first node of each module address, in the order of the state_dict."""
        first: dict[str, Node] = {}
        for node in self.nodes():
            if node.module is not None:
                first.setdefault(node.module, node)
        return [first[address] for address in self.order if address in first]

    def signatures(self) -> list[Graph]:
        """This graph and every distinct graph it uses, each once, inner ones first."""
        done: dict[int, Graph] = {}
        stack: list[tuple[Graph, bool]] = [(self, False)]
        while stack:
            graph, ready = stack.pop()
            if id(graph) in done:
                continue
            if ready:
                done[id(graph)] = graph
                continue
            stack.append((graph, True))
            inner = [n.content for n in graph.nodes() if isinstance(n.content, Graph)]
            stack.extend((g, False) for g in reversed(inner) if id(g) not in done)
        return list(done.values())


@dataclass(frozen=True)
class Net:
    """A checked net: its graph, and what is known of its input.

    Attributes:
        name: as it was asked for: `resnet50`.
        graph: the whole net.
        settings: arguments given from outside, as text.
        sizes: the input sizes that vary, in order: `("H", "W")`.
        nominal: the sizes it is counted and drawn at; None when the spec does not say.
        where: the sizes that the `where` of its input admits.
        needed: the sizes at which every step runs, whatever `where` says.
        training: as `needed`, with the steps that run in training only.
    """

    name: str
    graph: Graph
    settings: tuple[tuple[str, str], ...] = ()
    sizes: tuple[str, ...] = ()
    nominal: dict[str, int] | None = None
    doc: str | None = None
    where: Domain = field(default_factory=Domain)
    needed: Domain = field(default_factory=Domain)
    training: Domain = field(default_factory=Domain)

    @cached_property
    def fits(self) -> dict[str, SizeSet]:
        """By variable, exactly the input sizes that the net takes, in evaluation."""
        return {var: self.where.of(var) & self.needed.of(var) for var in self.sizes}

    @property
    def domain(self) -> Domain:
        """As `fits`."""
        return Domain(self.fits)

    @property
    def least(self) -> dict[str, int]:
        """The smallest input size of each variable; 1 where nothing fits."""
        return {var: sizes.least or 1 for var, sizes in self.fits.items()}


def sizes_for(net: Net, at: tuple[int, ...] | None) -> dict[str, int]:
    """Input sizes by name for an input shape, the net's own by default. Raises ValueError with the reason."""
    if at is None:
        if net.nominal is None:
            declared = "[" + ", ".join(map(str, net.graph.input_shapes[0] or ())) + "]"
            raise ValueError(f"the input is {declared}: say which size, or write `at [...]` after the input")
        return net.nominal
    values: dict[str, int] = {}
    reason = match_sizes(net.graph.input_shapes[0], at, net.domain, values)
    if reason is not None:
        raise ValueError(reason)
    return {**(net.nominal or {}), **values}
