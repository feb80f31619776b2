"""The state_dict of a net, without torch: key, shape and dtype of every parameter and buffer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import Any

from resdsl.graph.model import Graph, Node, Tensor
from resdsl.ops.base import New, Op


@dataclass(frozen=True, slots=True)
class Stored:
    """One entry of a state_dict.

    Attributes:
        key: joined addresses: `layer1.0.conv1.weight`.
        shape: as torch stores it; None for a module of an extension, whose tensors are not known.
        trained: a parameter, not a buffer.
        dtype: torch's word for it.
        start: what it is filled from; None is the default of torch's module. Without a shape, the module.
        module: the address of the layer that holds it.
    """

    key: str
    shape: tuple[int, ...] | None
    trained: bool = True
    dtype: str = "float32"
    start: Any = None
    module: str = ""

    @property
    def params(self) -> int:
        """Number of trained values."""
        return prod(self.shape) if self.trained and self.shape is not None else 0

    def takes(self, other: Stored) -> bool:
        """Whether torch loads the value of the other into it, as far as its shape says."""
        return self.shape == other.shape and (self.shape is not None or self.start == other.start)


def state(net: Graph) -> dict[str, Stored]:
    """Every entry of the state_dict of a net, by key, in torch's order."""
    known: dict[int, list[Stored]] = {}
    for graph in net.signatures():
        known[id(graph)] = list(_entries(graph, known))
    return {entry.key: entry for entry in known[id(net)]}


def _entries(graph: Graph, known: dict[int, list[Stored]]) -> Iterator[Stored]:
    """Torch lists a module's own parameters, its own buffers, then what its children hold."""
    nodes = graph.modules()
    own = [n.content for n in nodes if isinstance(n.content, Tensor)]
    for trained in (True, False):
        for node in nodes:
            if isinstance(node.content, Tensor) and node.content.trained == trained:
                yield _own(node, node.content)
    if len(own) == len(nodes):
        return
    for node in nodes:
        if isinstance(node.content, Graph):
            inner = known[id(node.content)]
        elif isinstance(node.content, Op):
            inner = _started(node, tensors(node.content, graph.operands(node)))
        else:
            continue
        for e in inner:
            module = f"{node.module}.{e.module}" if e.module else str(node.module)
            yield Stored(f"{node.module}.{e.key}", e.shape, e.trained, e.dtype, e.start, module)


def _started(node: Node, made: list[Stored]) -> list[Stored]:
    """The tensors of a module with what the spec fills them from."""
    given: dict[str, Any] = dict(node.inits)
    begins = getattr(node.content, "start", None)
    if begins is not None:
        given.setdefault("weight", begins)
    return [replace(e, start=given[e.key]) if e.key in given else e for e in made] if given else made


def _own(node: Node, tensor: Tensor) -> Stored:
    shape = tuple(d for d in tensor.shape if isinstance(d, int))
    table = tensor.init is not None and tensor.init.function == "relative_position_index"
    dtype = "int64" if table else "float32"
    stored = (1, *shape) if tensor.batched else shape
    return Stored(node.module or node.id, stored, tensor.trained, dtype, tensor.init, node.module or node.id)


@lru_cache(maxsize=4096)
def tensors(op: Op, operands: tuple[Any, ...]) -> list[Stored]:
    """What the module of an op stores."""
    if op.functional:
        return []
    new = op.module(*operands)
    if new is None:
        return []
    family = new.target.rstrip("123d") if new.target[-2:] in ("1d", "2d", "3d") else new.target
    if family in _FAMILIES:
        return _FAMILIES[family](new, dict(new.kwargs))
    return [] if new.target.startswith("nn.") else [Stored("*", None, start=new)]


def _conv(new: New, given: dict[str, Any]) -> list[Stored]:
    inputs, outputs, kernel = new.args
    rank = int(new.target[-2])
    taps = (kernel,) * rank if isinstance(kernel, int) else tuple(kernel)
    groups = given.get("groups", 1)
    ends = (inputs, outputs // groups) if "Transpose" in new.target else (outputs, inputs // groups)
    return _with_bias((*ends, *taps), outputs, given)


def _linear(new: New, given: dict[str, Any]) -> list[Stored]:
    return _with_bias((new.args[1], new.args[0]), new.args[1], given)


def _with_bias(weight: tuple[int, ...], outputs: int, given: dict[str, Any]) -> list[Stored]:
    bias = [Stored("bias", (outputs,))] if given.get("bias", True) else []
    return [Stored("weight", weight), *bias]


def _batchnorm(new: New, given: dict[str, Any]) -> list[Stored]:
    shape = new.args
    statistics = [Stored(f"running_{name}", shape, trained=False) for name in ("mean", "var")]
    count = Stored("num_batches_tracked", (), trained=False, dtype="int64")
    return [*_affine(shape, given.get("affine", True)), *statistics, count]


def _affine(shape: tuple[int, ...], trained: bool) -> list[Stored]:
    return [Stored("weight", shape), Stored("bias", shape)] if trained else []


def _layernorm(new: New, given: dict[str, Any]) -> list[Stored]:
    (features,) = new.args
    shape = (features,) if isinstance(features, int) else tuple(features)
    return _affine(shape, given.get("elementwise_affine", True))


def _attention(new: New, given: dict[str, Any]) -> list[Stored]:
    width, _ = new.args
    keys, values = given.get("kdim", width), given.get("vdim", width)
    bias = given.get("bias", True)
    if keys == values == width:
        made = [Stored("in_proj_weight", (3 * width, width))]
    else:
        sides = zip("qkv", (width, keys, values), strict=True)
        made = [Stored(f"{name}_proj_weight", (width, size)) for name, size in sides]
    made += [Stored("in_proj_bias", (3 * width,))] if bias else []
    out = _with_bias((width, width), width, {"bias": bias})
    return made + [replace(entry, key=f"out_proj.{entry.key}") for entry in out]


_FAMILIES: dict[str, Callable[[New, dict[str, Any]], list[Stored]]] = {
    "nn.Conv": _conv,
    "nn.ConvTranspose": _conv,
    "nn.Linear": _linear,
    "nn.BatchNorm": _batchnorm,
    "nn.LayerNorm": _layernorm,
    "nn.GroupNorm": lambda new, given: _affine(new.args[1:], given.get("affine", True)),
    "nn.InstanceNorm": lambda new, given: _affine(new.args, given.get("affine", False)),
    "nn.MultiheadAttention": _attention,
    "nn.PReLU": lambda new, given: [Stored("weight", (given.get("num_parameters", 1),))],
}
