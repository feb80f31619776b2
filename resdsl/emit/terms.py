"""What `__init__` creates, as terms: calls with literals in slots, that can be compared and filled.

Two graphs have one class when their terms differ in the slots only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from resdsl.emit.names import Word
from resdsl.emit.progress import formula
from resdsl.graph.model import Graph, Tensor
from resdsl.ops.base import New

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
    "MultiheadAttention": ("embed_dim", "num_heads"),
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
    if tensor.init is not None and tensor.init.elements is not None:
        given = tuple(("", Slot(name, value)) for name, value in tensor.init.arguments)
        return Call(tensor.init.function, (*given, *(("", Slot("size", d)) for d in shape)))
    known = {"zeros_": "torch.zeros", "ones_": "torch.ones"}
    start = "torch.zeros" if tensor.init is None else known.get(tensor.init.function, "torch.empty")
    sizes = [Slot("size", d) for d in shape] or [Slot("size", ())]
    return Call(start, tuple(("", s) for s in sizes))


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
