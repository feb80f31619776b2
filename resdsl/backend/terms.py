"""What `__init__` creates, as terms: calls with literals in slots, that can be compared and filled.

Two graphs have one class when their terms differ in the slots only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from resdsl.backend.names import Word, fits_container
from resdsl.backend.progress import formula
from resdsl.graph.model import Graph, Node, Tensor
from resdsl.ops.base import Init, New, Op

MISSING = Word("MISSING")


@dataclass(frozen=True, slots=True)
class Slot:
    """A literal.

    Attributes:
        role: what torch calls it.
        value: the literal.
        default: where it is left out.
        name: of the parameter of a class; `owner`: the block of that class.
    """

    role: str
    value: Any
    default: Any = MISSING
    name: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A call, whose function may be a slot too (`activation()`). Keywords are '' for positions."""

    head: str | Slot
    args: tuple[tuple[str, Term], ...] = ()


@dataclass(frozen=True, slots=True)
class Make:
    """An instance of the class for a graph."""

    graph: Graph


@dataclass(frozen=True, slots=True)
class Run:
    """`count` copies. Numbers may grow evenly from copy to copy: `copies` then holds them all.

    `name` is the part before a counter from `start` (the whole name of a single); None for positions.
    """

    first: Term
    count: int
    copies: tuple[Term, ...] = ()
    name: str | None = None
    start: int = 0


@dataclass(frozen=True, slots=True)
class Chain:
    """`nn.Sequential`; with names, an `OrderedDict`."""

    runs: tuple[Run, ...]
    named: bool


Term: TypeAlias = "Slot | Call | Make | Chain"

# Torch's names of positional arguments, by the start of the class name.
_POSITIONS = {
    "ConvTranspose": ("in_channels", "out_channels", "kernel_size"),
    "Conv": ("in_channels", "out_channels", "kernel_size"),
    "Linear": ("in_features", "out_features"),
    "BatchNorm": ("num_features",),
    "InstanceNorm": ("num_features",),
    "LayerNorm": ("normalized_shape",),
    "GroupNorm": ("num_groups", "num_channels"),
    "Adaptive": ("output_size",),
    "Dropout": ("p",),
    "MaxPool": ("kernel_size",),
    "AvgPool": ("kernel_size",),
}
# Keywords that are left out when they are torch's default: added here, so that calls can be compared.
_OPTIONAL: dict[str, tuple[tuple[str, Any], ...]] = {
    "ConvTranspose": (),
    "Conv": (("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1)),
    "MaxPool": (("padding", 0),),
    "AvgPool": (("padding", 0),),
}
_ORDER = ("stride", "padding", "output_padding", "dilation", "groups", "bias")


def positions(target: str) -> tuple[str, ...]:
    """Torch's names of the positional arguments of a class."""
    name = target.removeprefix("nn.")
    return next((names for start, names in _POSITIONS.items() if name.startswith(start)), ())


def created(new: New) -> Call:
    """The call that creates a module."""
    roles = positions(new.target)
    args: list[tuple[str, Term]] = [
        ("", Slot(roles[i] if i < len(roles) else "value", value)) for i, value in enumerate(new.args)
    ]
    given = dict(new.kwargs)
    name = new.target.removeprefix("nn.")
    optional = dict(next((o for start, o in _OPTIONAL.items() if name.startswith(start)), ()))
    for key in sorted(optional | given, key=lambda k: _ORDER.index(k) if k in _ORDER else len(_ORDER)):
        default = optional.get(key, MISSING)
        args.append((key, Slot(key, given.get(key, default), default)))
    return Call(new.target, tuple(args))


def tensor_term(tensor: Tensor) -> Call:
    """The call that creates a stored tensor."""
    shape = ((1,) if tensor.batched else ()) + tensor.shape
    known = {"zeros_": "torch.zeros", "ones_": "torch.ones"}
    start = "torch.zeros" if tensor.init is None else known.get(tensor.init.function, "torch.empty")
    sizes = [Slot("size", d) for d in shape] or [Slot("size", ())]
    return Call(start, tuple(("", s) for s in sizes))


def needs_fill(tensor: Tensor) -> bool:
    """Whether a stored tensor is filled after it was created."""
    return tensor.init is not None and tensor.init.function not in ("zeros_", "ones_")


# ---------------------------------------------------------------- chains


def used_inputs(graph: Graph) -> list[int]:
    """Positions of the inputs that are read. A net keeps all of its own."""
    read = {p.node for n in graph.nodes() for p in n.inputs} | {p.node for p in graph.outputs}
    return [i for i, id in enumerate(graph.inputs) if id in read]


def links(graph: Graph) -> list[Node] | None:
    """The nodes of a graph that is one chain of modules, in order; None for another."""
    inputs = used_inputs(graph)
    if len(inputs) != 1 or len(graph.outputs) != 1 or graph.output_names:
        return None
    last, nodes = graph.inputs[inputs[0]], [n for n in graph.nodes() if n.id not in graph.inputs]
    for node in nodes:
        sources = live_inputs(node)
        if len(sources) != 1 or sources[0] != (last, 0) or not _is_module(graph, node):
            return None
        last = node.id
    if graph.outputs[0].node != last or graph.outputs[0].index or [n.module for n in nodes] != graph.order:
        return None
    return nodes


def live_inputs(node: Node) -> list[tuple[str, int]]:
    """The inputs of a node, without those that a graph does not read."""
    kept = used_inputs(node.content) if isinstance(node.content, Graph) else range(len(node.inputs))
    return [(node.inputs[i].node, node.inputs[i].index) for i in kept]


def _is_module(graph: Graph, node: Node) -> bool:
    name = node.module
    if name is None or name != node.id or "." in name or not fits_container(name) or len(node.shapes) != 1:
        return False
    return isinstance(node.content, Graph) or (
        isinstance(node.content, Op) and node.content.module(*graph.operands(node)) is not None
    )


def is_positional(nodes: list[Node]) -> bool:
    """Whether the addresses are 0, 1, 2, ..."""
    return all(node.id == str(i) for i, node in enumerate(nodes))


def fold(
    terms: list[Term], names: list[str] | None, measure: Callable[[Term], tuple[Any, tuple[Any, ...]]]
) -> tuple[Run, ...]:
    """Join equal neighbours, and four or more that grow by a fixed step. `measure` gives (key, values)."""
    measured = [measure(t) for t in terms]
    runs: list[Run] = []
    at = 0
    while at < len(terms):
        same = _reach(measured, names, at, grows=False)
        more = _reach(measured, names, at, grows=True) if same == 1 else 0
        grows = more >= 4 and _is_even([m[1] for m in measured[at : at + more]])
        count = more if grows else same
        copies = tuple(terms[at : at + more]) if grows else ()
        if names is None:
            runs.append(Run(terms[at], count, copies))
        else:
            counted = _counted(names[at]) if count > 1 else None
            name, start = counted or (names[at], 0)
            runs.append(Run(terms[at], count, copies, name, start))
        at += count
    return tuple(runs)


def _reach(measured: list[tuple[Any, tuple[Any, ...]]], names: list[str] | None, at: int, grows: bool) -> int:
    """How many terms from `at` on are equal, or grow by one step."""
    step = _delta(measured[at], measured[at + 1]) if at + 1 < len(measured) else None
    end = at + 1
    while (
        step is not None
        and end < len(measured)
        and (grows or not any(step))
        and _delta(measured[end - 1], measured[end]) == step
        and _follows(names, at, end)
    ):
        end += 1
    return end - at


def _is_even(copies: list[tuple[Any, ...]]) -> bool:
    """Whether every value stays, or follows a formula."""
    columns = zip(*copies, strict=True)
    return all(all(v == c[0] for v in c) or formula(c) is not None for c in columns)


def _delta(a: tuple[Any, tuple[Any, ...]], b: tuple[Any, tuple[Any, ...]]) -> tuple[Any, ...] | None:
    """What is added to the values of one term to give the next; None where they differ otherwise."""
    if a[0] != b[0]:
        return None
    steps = tuple(_step(x, y) for x, y in zip(a[1], b[1], strict=True))
    return None if None in steps else steps


def _step(a: Any, b: Any) -> int | str | None:
    if type(a) is int and type(b) is int:
        return b - a
    if type(a) is float and type(b) is float and a != b:
        return "grows"
    return 0 if a == b and type(a) is type(b) else None


def _counted(name: str) -> tuple[str, int] | None:
    """`denselayer12` as ("denselayer", 12)."""
    head = name.rstrip("0123456789")
    digits = name[len(head) :]
    return (head, int(digits)) if digits and str(int(digits)) == digits else None


def _follows(names: list[str] | None, first: int, at: int) -> bool:
    if names is None:
        return True
    a, b = _counted(names[first]), _counted(names[at])
    return a is not None and b is not None and (a[0], a[1] + at - first) == b


# ---------------------------------------------------------------- walking


def slots(term: Term, inside: Callable[[Graph], list[Slot]]) -> Iterator[Slot]:
    """All slots of a term, in the order in which they are filled. `inside` gives those of a class."""
    match term:
        case Slot():
            yield term
        case Make(graph):
            yield from inside(graph)
        case Call(head, args):
            if isinstance(head, Slot):
                yield head
            for _, arg in args:
                yield from slots(arg, inside)
        case Chain(runs):
            for run in runs:
                if not run.copies:
                    yield from slots(run.first, inside)
                for slot, values in grown(run, inside):
                    if values is None:
                        yield slot
                    elif type(slot.value) is int:
                        yield slot
                        yield Slot("step", values[1] - values[0])
                if run.name is None or run.count > 1:
                    yield Slot("depth", run.count)


def grown(run: Run, inside: Callable[[Graph], list[Slot]]) -> Iterator[tuple[Slot, list[Any] | None]]:
    """The slots of the first of copies that grow, with all values of those that do."""
    for column in zip(*(slots(c, inside) for c in run.copies), strict=True):
        values = [s.value for s in column]
        yield column[0], None if all(v == values[0] for v in values) else values


def skeleton(term: Term, inside: Callable[[Graph], tuple[Any, list[Slot]]]) -> Any:
    """What is left of a term without its values."""
    match term:
        case Slot(role=role):
            return role
        case Make(graph):
            return ("make", inside(graph)[0])
        case Call(head, args):
            name = head if isinstance(head, str) else f"<{head.role}>"
            return (name, *((k, skeleton(a, inside)) for k, a in args))
        case Chain(runs, named):
            return ("chain", named, *(_run_skeleton(r, inside) for r in runs))


def _run_skeleton(run: Run, inside: Callable[[Graph], tuple[Any, list[Slot]]]) -> Any:
    columns = grown(run, lambda g: inside(g)[1])
    # Growing floats are part of the structure: their formula is no literal.
    grows = tuple(v and (type(v[0]) is int or formula(v)) for _, v in columns)
    return (run.name, run.start, run.name is not None and run.count > 1, grows, skeleton(run.first, inside))


def filled(call: Term, init: tuple[tuple[str, Init], ...]) -> Term:
    """A module whose tensors start from initialisers, as one expression."""
    if not init:
        return call
    fills = tuple((tensor, init_term(i)) for tensor, i in init)
    return Call("initialised", (("", call), *fills))


def init_term(init: Init) -> Term:
    """`nn.init.zeros_`, or a partial call."""
    name = Slot("init", Word(f"nn.init.{init.function}"))
    if not init.arguments:
        return name
    return Call("partial", (("", name), *((k, Slot(k, v)) for k, v in init.arguments)))
