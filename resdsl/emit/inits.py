"""Initialisers: which apply to a whole net, and how single ones are written."""

from __future__ import annotations

from resdsl.emit.names import Word
from resdsl.emit.terms import Call, Slot, Term
from resdsl.graph.model import Graph, Tensor
from resdsl.ops.base import Init, New, Op


def needs_fill(tensor: Tensor) -> bool:
    """Whether a stored tensor is filled after it was created."""
    init = tensor.init
    return init is not None and init.elements is None and init.function not in ("zeros_", "ones_")


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


def has_tensor(new: New, tensor: str) -> bool:
    """Whether a module has the tensor: `bias` may be off, and so may all that is affine."""
    given = dict(new.kwargs)
    if not given.get("affine", not new.target.startswith("nn.InstanceNorm")):
        return False
    if not given.get("elementwise_affine", True):
        return False
    return tensor != "bias" or bool(given.get("bias", True))


def uniform_inits(graphs: list[Graph]) -> dict[tuple[str, str], Init]:
    """The initialiser of each tensor of a torch class, where all modules of that class agree."""
    found: dict[tuple[str, str], set[Init | None]] = {}
    for graph in graphs:
        for node in graph.nodes():
            if not isinstance(node.content, Op) or node.module is None:
                continue
            new = node.content.module(*graph.operands(node))
            if new is None or (node.content.functional and not node.inits):
                continue
            given = dict(node.inits)
            if new.target == "nn.MultiheadAttention":  # its `out_proj` is an nn.Linear
                found.setdefault(("nn.Linear", "weight"), set()).add(None)
                found.setdefault(("nn.Linear", "bias"), set()).add(None)
            for tensor in ("weight", "bias", *given):
                if has_tensor(new, tensor):
                    found.setdefault((new.target, tensor), set()).add(given.get(tensor))
    return {
        key: next(iter(inits))  # type: ignore[misc]
        for key, inits in found.items()
        if len(inits) == 1 and None not in inits
    }
