"""What a block does, in the paper's words: its convolutions in order, and the shortcuts around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction

from resdsl.graph.model import Graph, Node, Port
from resdsl.ops.base import Op, step
from resdsl.sizes import Shape

WEIGHTED = ("conv", "linear")
MOST_NESTED = 8
MOST_NODES = 400


@dataclass(frozen=True, slots=True)
class Around:
    """A shortcut around some steps; `kind` is a `ShortcutKind`, or `concat` as in DenseNet.

    It stands for `times` of them where steps are folded into one box.
    """

    inner: tuple[Chip, ...]
    kind: str
    times: int = 1


Chip = str | Around
"""A box: `3×3, 64`; or some with a shortcut around them."""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive copies of one block.

    Attributes:
        graph: the block.
        first: number of the first copy among the blocks of its name in the row, from 1.
        last: number of the last copy.
        path: address of the first copy.
    """

    graph: Graph
    first: int
    last: int
    path: str

    @property
    def count(self) -> int:
        """Number of copies."""
        return self.last - self.first + 1


def runs(graphs: Iterable[tuple[str, Graph]]) -> list[Run]:
    """Group neighbours that run the same graph."""
    made: list[Run] = []
    seen = Counter[str]()
    for path, graph in graphs:
        seen[graph.name] += 1
        number = seen[graph.name]
        if made and made[-1].graph is graph:
            made[-1] = replace(made[-1], last=number)
        else:
            made.append(Run(graph, number, number, path))
    return made


def op_label(op: Op, shapes: Sequence[Shape]) -> str:
    """Label of an op, where a window given as one int is spread: `1×1 conv`, not `1 conv`."""
    size = getattr(op, "size", None)
    if op.category in ("conv", "pool") and type(size) is int and shapes and len(shapes[0]) > 1:
        op = replace(op, size=(size,) * (len(shapes[0]) - 1))  # type: ignore[type-var]
    return op.label()


def chip_label(op: Op, shapes: Sequence[Shape]) -> str:
    """Label of an op without its stride and without the word `conv`: `3×3, 64`."""
    if op.category == "conv":
        if any(f.name == "stride" for f in fields(op)):  # type: ignore[arg-type]
            op = replace(op, stride=1)  # type: ignore[type-var]
        text = op_label(op, shapes).replace(" conv", "")
        groups = getattr(op, "groups", 1)
        if groups > 1 and groups == getattr(op, "out", 0):
            text = text.replace(f", {groups} groups", "").replace(", ", " depthwise, ", 1)
        return text
    return op_label(op, shapes)


def is_weighted(node: Node) -> bool:
    """Whether it is a convolution or a linear layer."""
    return isinstance(node.content, Op) and node.content.category in WEIGHTED


def is_linear(graph: Graph) -> bool:
    """Whether every node takes one value and every value is taken once."""
    return (
        len(graph.inputs) == 1
        and len(graph.outputs) == 1
        and all(len(n.inputs) <= 1 and len(graph.users[n.id]) <= 1 for n in graph.nodes())
    )


@dataclass(frozen=True, slots=True)
class Writing:
    """How chips are written.

    Attributes:
        label: the box of an op.
        closed: the boxes of a block that is not opened.
        deepest: how many blocks inside each other are opened.
    """

    label: Callable[[Graph, Node], str]
    closed: Callable[[Graph], tuple[Chip, ...]]
    deepest: int = MOST_NESTED


SHORT = Writing(
    lambda graph, node: chip_label(node.content, graph.operands(node)),  # type: ignore[arg-type]
    lambda graph: (graph.name,),
)
"""`3×3, 64`, and only the names of blocks that branch."""


def chips(graph: Graph, writing: Writing = SHORT, depth: int = 0) -> tuple[Chip, ...] | None:
    """The steps of a block along its main path; None when it branches in another way than by shortcuts."""
    if (
        len(graph.inputs) != 1
        or len(graph.outputs) != 1
        or depth > MOST_NESTED
        or len(graph.steps) > MOST_NODES
    ):
        return None
    return _walk(graph, graph.outputs[0], graph.inputs[0], writing, depth)


def _walk(graph: Graph, end: Port, start: str, writing: Writing, depth: int) -> tuple[Chip, ...] | None:
    """The chips on the way from node `start` to a value, found backwards."""
    made: list[Chip] = []
    port = end
    while port.node != start:
        node = graph.node(port.node)
        if not node.inputs:
            return None
        origin = _fork(graph, node)
        if origin is not None:
            fork, arm, kind = origin
            inner = _walk(graph, arm, fork, writing, depth)
            if inner is None:
                return None
            made.insert(0, Around(inner, kind))
            port = Port(fork) if fork == start else _into(graph, node, fork)
            continue
        if len(node.inputs) > 1:
            if not (isinstance(node.content, Op) and node.content.name == "scale"):
                return None
            made.insert(0, "scale")
        elif isinstance(node.content, Graph):
            made[:0] = _inner(node.content, writing, depth)
        elif isinstance(node.content, Op) and shown(node.content):
            made.insert(0, writing.label(graph, node))
        port = node.inputs[0]
    return tuple(made)


def _inner(graph: Graph, writing: Writing, depth: int) -> tuple[Chip, ...]:
    """The chips of a block inside a block; one that branches is a single box with its name."""
    if graph.kind == "block" and depth + 1 >= writing.deepest:
        return writing.closed(graph)
    inner = chips(graph, writing, depth + 1)
    return writing.closed(graph) if inner is None or "scale" in inner else inner


def shown(op: Op) -> bool:
    """Whether an op is a box of its own: it has weights, pools, or moves values between places."""
    return op.category in WEIGHTED or (op.category == "pool") or op.name in ("attention", "resize")


def _into(graph: Graph, join: Node, fork: str) -> Port:
    """The value of node `fork` that a shortcut carries."""
    seen, stack = set[str](), list(join.inputs)
    while stack:
        port = stack.pop()
        if port.node == fork:
            return port
        if port.node not in seen:
            seen.add(port.node)
            stack.extend(graph.node(port.node).inputs)
    raise AssertionError(fork)


def _fork(graph: Graph, join: Node) -> tuple[str, Port, str] | None:
    """Where a shortcut that ends in `join` begins, the value of its arm, and its kind."""
    if join.shortcut:
        start = chain_start(graph, join.inputs[-1].node)
        return start, join.inputs[0], join.shortcut
    if isinstance(join.content, Op) and join.content.name == "concat" and len(join.inputs) == 2:
        for skip, arm in (join.inputs, join.inputs[::-1]):
            node = graph.node(skip.node)
            if isinstance(node.content, Op) and node.content.name == "identity":
                return node.inputs[0].node, arm, "concat"
    return None


def chain_start(graph: Graph, node: str) -> str:
    """Where the branch that ends in `node` leaves: the first node before it whose value is used twice."""
    while len(graph.users[node]) < 2 and graph.node(node).inputs:
        node = graph.node(node).inputs[0].node
    return node


def shortcut_chain(graph: Graph, join: Node) -> list[Node]:
    """The branch that is the last input: a projection's convolution and norm, a gate's layers."""
    found: list[Node] = []
    node = graph.node(join.inputs[-1].node)
    while len(graph.users[node.id]) < 2 and node.inputs:
        found.append(node)
        node = graph.node(node.inputs[0].node)
    return found


def stride_of(graph: Graph) -> tuple[Fraction, ...]:
    """Stride of a block along each axis; empty when it is not known."""
    field = graph.fields.get(graph.outputs[0]) if graph.outputs else None
    return tuple(stride for _, stride in field) if field else ()


def stride_text(graph: Graph) -> str:
    """`, /2`, `, ×2` when it enlarges, or nothing."""
    strides = stride_of(graph)
    if not strides or all(s == 1 for s in strides):
        return ""
    if all(s >= 1 and s.denominator == 1 for s in strides):
        return step(tuple(map(int, strides)))
    return f", ×{float(1 / strides[0]):g}"


def call_text(graph: Graph) -> str:
    """A block as it was called, with its first argument: `bottleneck(64)`."""
    if graph.kind in ("block", "net") and graph.args and type(graph.args[0][1]) is int:
        return f"{graph.name}({graph.args[0][1]})"
    return graph.name


def chip_text(chip: Chip) -> str:
    """A box as text."""
    return chip if isinstance(chip, str) else " · ".join(map(chip_text, chip.inner))


def kinds(items: Iterable[Chip]) -> list[str]:
    """Kinds of the shortcuts in some boxes."""
    found: list[str] = []
    for item in items:
        if isinstance(item, Around):
            found += [item.kind, *kinds(item.inner)]
    return found


def form(items: tuple[Chip, ...]) -> tuple[Chip, ...]:
    """The boxes with the kinds of shortcuts forgotten: equal for blocks that are drawn alike."""
    return tuple(Around(form(i.inner), "", i.times) if isinstance(i, Around) else i for i in items)
