"""Memory: what a net holds while it runs, in bytes of float32.

Inference holds a value from the op that makes it to its last use, and what a call takes until the call
returns. Training also holds what autograd keeps for the backward pass. Both are those of the emitted source,
run eagerly by PyTorch on the CPU; a compiled net holds less. `tests/backend/test_memory.py` compares them with
torch: convolutional nets are exact, but eager inference may hold up to 30 % more where a local name outlives its
last use; for window attention and highways what is kept differs by up to 8 % and 17 %.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from math import prod

from resdsl.graph.model import Feed, Graph, Net, Node, Port, Tensor
from resdsl.ops.base import Op
from resdsl.sizes import Shape, shape_at

WORD = 4
"""Bytes of a float32."""

VIEWS = frozenset(
    {
        "identity",
        "flatten",
        "crop",
        "crop_like",
        "chunk",
        "select",
        "slice",
        "unbind",
        "rearrange",
        "drop_path",
        "dropout",
        "channel_dropout",
    }
)
"""Ops whose output is memory of their first input. Those that draw noise are so in evaluation."""

KEEPS_NOTHING = frozenset(
    {
        "add",
        "offset",
        "concat",
        "zero_pad",
        "pad",
        "pixel_shuffle",
        "pixel_unshuffle",
        "global_avgpool",
        "mean",
        "multiply",
        "resize",
        "resize_like",
        "repeat",
        "shake",
        "drop_path",
        "dropout",
        "channel_dropout",
        "gather",
        "relative_positions",
        "pad_to_multiple",
        "window_partition",
        "window_reverse",
        "window_mask",
    }
)
KEEPS_OUTPUT = frozenset(
    {"relu", "sigmoid", "tanh", "softmax", "log_softmax", "exp", "dot_product_attention", "amax"}
)
"""Ops whose gradient is a function of the output. But for the next two sets, the others keep their inputs."""

KEEPS_BOTH = frozenset({"dot_product_attention", "amax"})


@dataclass(frozen=True, slots=True)
class Memory:
    """What running a net takes, in bytes of float32.

    Attributes:
        batch: samples at a time.
        weights: its parameters. Gradients take as much, SGD's momentum too, and Adam's moments twice that.
        peak: the most that values take at one time in inference, with the input.
        saved: what autograd keeps for the backward pass; None where the net does not train at the size.
    """

    batch: int
    weights: int
    peak: int
    saved: int | None

    @property
    def inference(self) -> int:
        """Weights, and values at their peak."""
        return self.weights + self.peak

    @property
    def sgd(self) -> int | None:
        """A training step of SGD with momentum: weights, gradients, momentum, and what autograd keeps."""
        return None if self.saved is None else 3 * self.weights + self.saved

    @property
    def adam(self) -> int | None:
        """As `sgd`, with the two moments of Adam."""
        return None if self.saved is None else 4 * self.weights + self.saved


def memory(net: Net, at: dict[str, int], params: int, batch: int = 1) -> Memory:
    """What a net takes at input sizes by name; `params` is the number of its parameters."""
    trains = all(at[var] in net.training.of(var) for var in net.sizes)
    peak = _run(net.graph, at, False).peak + sum(_bytes(s, at) for s in net.graph.input_shapes)
    trace = _run(net.graph, at, True) if trains else None
    saved = None if trace is None else trace.whole * batch + trace.fixed
    return Memory(batch, params * WORD, peak * batch, saved)


# ---------------------------------------------------------------- one graph


@dataclass(slots=True)
class Value:
    """A piece of memory: made by a step, or (`source`) the input of a graph or a parameter."""

    bytes: int
    saved: bool = False
    source: int | None = None


@dataclass(slots=True)
class Trace:
    """What one run of a graph does.

    Attributes:
        peak: the most it holds at one time, without its inputs.
        saved: bytes autograd keeps, without those of inputs and outputs.
        fixed: bytes it keeps once for a batch: the statistics of batch norms.
        values: the pieces of memory of its outputs, and of its inputs in order.
        outputs: number in `values` of each output.
    """

    peak: int = 0
    saved: int = 0
    fixed: int = 0
    values: list[Value] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)

    @property
    def whole(self) -> int:
        """Bytes autograd keeps, with those of inputs and outputs."""
        return self.saved + sum(v.bytes for v in self.values if v.saved)


def _run(root: Graph, at: dict[str, int], training: bool) -> Trace:
    """Every graph once, inner ones first; `training` runs what training runs."""
    known: dict[int, Trace] = {}
    for graph in _needed(root, training):
        known[id(graph)] = _graph(graph, known, at, training)
    return known[id(root)]


def _needed(root: Graph, training: bool) -> list[Graph]:
    from resdsl.graph.cost import evaluated

    live = evaluated(root)
    return [g for g in root.signatures() if training or id(g) in live]


def _graph(graph: Graph, known: dict[int, Trace], at: dict[str, int], training: bool) -> Trace:
    nodes = [n for n in graph.nodes() if training or n.id in graph.evaluated]
    values: list[Value] = []
    where: dict[Port, int] = {}
    saved = fixed = 0
    made: dict[str, list[int]] = {}
    peaks: dict[str, int] = {}

    def new(value: Value) -> int:
        values.append(value)
        return len(values) - 1

    feeds = count()
    for node in nodes:
        if isinstance(node.content, Feed):
            where[Port(node.id)] = new(Value(_bytes(node.shapes[0], at), source=next(feeds)))
            continue
        if isinstance(node.content, Tensor):
            where[Port(node.id)] = new(Value(0, source=-1))
            continue
        taken = [where[p] for p in node.inputs]
        if isinstance(node.content, Graph):
            inner = known[id(node.content)]
            numbers = []
            for value in inner.values:
                own = value.source is not None
                number = taken[value.source] if value.source is not None and value.source >= 0 else -1
                if not own or number < 0:
                    number = new(Value(value.bytes, source=value.source))
                values[number].saved |= value.saved
                numbers.append(number)
            for index, number in enumerate(inner.outputs):
                where[Port(node.id, index)] = numbers[number]
            saved += inner.saved
            fixed += inner.fixed
            made[node.id] = [n for n, v in zip(numbers, inner.values, strict=True) if v.source is None]
            peaks[node.id] = inner.peak
            continue
        op = node.content
        view = op.name in VIEWS and not (training and _noise(op))
        fresh = [] if view else [new(Value(_bytes(s, at))) for s in node.shapes]
        for index in range(len(node.shapes)):
            where[Port(node.id, index)] = taken[0] if view else fresh[index]
        made[node.id] = fresh
        peaks[node.id] = sum(values[n].bytes for n in fresh) + _inside(op, graph, node, at)[0]
        if training and not view:
            takes = op.name not in KEEPS_NOTHING | KEEPS_OUTPUT or op.name in KEEPS_BOTH
            for number in taken if takes else ():
                values[number].saved = True
            if op.name in KEEPS_OUTPUT:
                for number in fresh:
                    values[number].saved = True
            saved += _inside(op, graph, node, at)[1]
            if op.name == "batchnorm":
                fixed += 2 * WORD * shape_at(graph.operands(node)[0], at)[0]

    outputs = [where[p] for p in graph.outputs if p in where]
    if training:
        kept = [i for i, v in enumerate(values) if v.source is not None or i in outputs]
        saved += sum(v.bytes for i, v in enumerate(values) if v.saved and i not in set(kept))
    else:
        kept = [i for i, v in enumerate(values) if (v.source is not None and v.source >= 0) or i in outputs]
    place = {number: i for i, number in enumerate(kept)}
    peak = _peak(nodes, values, where, made, peaks, set(outputs))
    return Trace(peak, saved, fixed, [values[i] for i in kept], [place[n] for n in outputs])


def _peak(
    nodes: list[Node],
    values: list[Value],
    where: dict[Port, int],
    made: dict[str, list[int]],
    peaks: dict[str, int],
    outputs: set[int],
) -> int:
    """The most that is held at one time, when each value is let go after its last use."""
    last = {where[port]: node.id for node in nodes for port in node.inputs}
    live = most = 0
    for node in nodes:
        most = max(most, live + peaks.get(node.id, 0))
        live += sum(values[n].bytes for n in made.get(node.id, ()))
        most = max(most, live)
        done = {where[p] for p in node.inputs} | set(made.get(node.id, ()))
        for number in done - outputs:
            if values[number].source is None and last.get(number, node.id) == node.id:
                live -= values[number].bytes
    return most


def _inside(op: Op, graph: Graph, node: Node, at: dict[str, int]) -> tuple[int, int]:
    """Bytes that an op holds while it runs, and bytes it makes and keeps, beside inputs and output."""
    shapes = [shape_at(s, at) for s in graph.operands(node)]
    x, out = prod(shapes[0]) if shapes else 0, sum(_bytes(s, at) for s in node.shapes)
    match op.name:
        case "instancenorm":
            return 0, 2 * WORD * shapes[0][0]
        case "layernorm":
            return 0, 2 * WORD * prod(shapes[0][:-1])
        case "maxpool" | "global_maxpool":
            return 2 * out, 2 * out  # indices are int64
        case "dropout" if _noise(op):
            return 0, out  # the mask
        case "attention":
            return 3 * out, 4 * out  # queries, keys, values; and the result before the last linear layer
        case "local_response_norm":
            return 2 * WORD * x, 3 * WORD * x
        case _:
            return 0, 0


def _noise(op: Op) -> bool:
    """Whether it draws noise in training."""
    return op.name in ("dropout", "channel_dropout", "drop_path") and bool(getattr(op, "p", 0))


def _bytes(shape: Shape | None, at: dict[str, int]) -> int:
    return 0 if shape is None else prod(shape_at(shape, at)) * WORD
