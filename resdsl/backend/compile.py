"""Compiles a net, each kind of call in the way that serves it best.

On the CPU that is `dispatch`: packed weights for inference, block signatures for training. Elsewhere, and for what
these do not serve, it is `torch.compile`: of the whole net, or block by block where it is deep, since a whole graph
takes time in proportion to the depth. Then every distinct block has one compiled `forward`, which its instances share,
and the rest (stem, head) runs eagerly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FunctionType, MethodType
from typing import Any

from resdsl.backend.build import load
from resdsl.backend.dispatch import Dispatch
from resdsl.backend.dynamic import Axes, mark, refuse_misfits, varying
from resdsl.backend.dynamo import allow_variants, graphs_made
from resdsl.backend.errors import MissingTorch
from resdsl.emit import emit, net_class
from resdsl.emit.plan import Planner
from resdsl.graph.model import Graph, Net
from resdsl.ops.base import Op

try:
    import torch
    from torch import Tensor, nn
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

WHOLE_AT_MOST = 64
"""Block calls up to which `torch.compile` takes a net as a whole."""

RECOMPILE_LIMIT = 64
"""Variants of one compiled function: batch sizes, training or not, with or without gradients."""


@dataclass
class Compiled:
    """A compiled net.

    Attributes:
        net: what it was made from.
        module: the compiled module; `eager` runs the same weights without compiling.
        device: where the weights are.
        source: the emitted source.
        way: how `torch.compile` takes it, "whole" or "blocks".
        signatures: distinct block graphs; `calls`: instances of them.
        dynamic: it was compiled for every size at which the net fits.
        dispatch: what chooses for each call; None where all go to `torch.compile`.
    """

    net: Net
    module: Any
    eager: nn.Module
    device: torch.device
    source: str
    way: str
    signatures: int
    calls: int
    options: dict[str, Any] = field(default_factory=dict)
    dynamic: bool = False
    dispatch: Dispatch | None = None
    _before: int = field(default_factory=graphs_made, init=False, repr=False)

    @property
    def graphs(self) -> int:
        """How many graphs were compiled since this was made."""
        own = sum(way.graphs for way in self.dispatch.ways.values()) if self.dispatch else 0
        return own + graphs_made() - self._before

    @property
    def how(self) -> str:
        """The way taken by the last new kind of call, in words."""
        ways = list(self.dispatch.ways.values()) if self.dispatch else []
        if ways and ways[-1].name != "torch.compile":
            return f"by {ways[-1].name}: {ways[-1].why}"
        if self.way == "whole":
            return "as a whole"
        return f"by block: {self.signatures} graphs for {self.calls} blocks"

    def __call__(self, *inputs: Any) -> Any:
        """Run the compiled module. Raises ValueError for sizes at which the net does not fit."""
        refuse_misfits(self.net, inputs, training=self.module.training)
        return self.module(*inputs)

    def train(self, mode: bool = True) -> Compiled:
        """Put both modules in training mode, or out of it."""
        self.module.train(mode)
        self.eager.train(mode)
        return self


def compile_net(
    net: Net,
    *,
    device: str | torch.device | None = None,
    dynamic: bool | None = None,
    mode: str | None = None,
    by_torch: bool = False,
) -> Compiled:
    """Compile a net with fresh weights. Nothing is compiled before the first call.

    Args:
        net: a checked net.
        device: where it runs; a GPU if there is one.
        dynamic: with True, what is compiled serves every batch and every size at which the net fits, and nothing
            else varies in it; see `resdsl.backend.dynamic`. Otherwise as in `torch.compile`.
        mode: as in `torch.compile`, which then compiles all of it.
        by_torch: let `torch.compile` do all of it in any case.
    """
    source = emit(net)
    place = torch.device(device) if device is not None else best_device()
    eager = load(source, net_class(net), net.name).to(place)
    marked = dynamic is True
    options: dict[str, Any] = {"fullgraph": True, "dynamic": False if marked else dynamic, "mode": mode}
    options |= allow_variants(RECOMPILE_LIMIT)
    blocks = block_calls(net.graph)
    way = "whole" if len(blocks) <= WHOLE_AT_MOST else "blocks"
    units = blocks if way == "blocks" else [("", net.graph)]

    def compiled(module: nn.Module) -> Any:
        """The same weights in a module that `torch.compile` compiled."""
        made = twin(module, source)
        if way == "whole" and not marked:
            return torch.compile(made, **options)
        _compile_units(made, units, options, marked=marked)
        return made

    def twin(module: nn.Module, source: str) -> nn.Module:
        made = load(source, net_class(net), net.name).to(place)
        share(module, made)
        return made

    dispatch = None
    if place.type == "cpu" and dynamic is None and mode is None and not by_torch:
        module: Any = twin(eager, emit(net, check_sizes=False))
        layout = memory_format(module)
        module.to(memory_format=layout)

        def refuse(inputs: Sequence[Tensor]) -> None:
            refuse_misfits(net, inputs, training=module.training)

        signatures = {address: id(graph) for address, graph in blocks}
        dispatch = Dispatch(module, signatures, layout, refuse, lambda own: _in_step(own, compiled(own)))
        object.__setattr__(module, "forward", dispatch)
    else:
        module = compiled(eager)
    kinds = len({id(graph) for _, graph in blocks})
    return Compiled(
        net, module, eager, place, source, way, kinds, len(blocks), options, dynamic=marked, dispatch=dispatch
    )


def memory_format(module: nn.Module) -> torch.memory_format:
    """The layout of images that is fast on the CPU: channels last, where that is safe.

    The backward pass of a strided 1x1 convolution of fewer than 16 channels writes out of bounds there (oneDNN, as of
    torch 2.13: with two threads and a batch of 3 the process aborts, in eager torch too).
    """
    for m in module.modules():
        if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1) and max(m.stride) > 1 and m.in_channels < 16:
            return torch.contiguous_format
    images = any(isinstance(m, nn.Conv2d) for m in module.modules())
    return torch.channels_last if images else torch.contiguous_format


def _in_step(module: nn.Module, compiled: Any) -> Callable[..., Any]:
    """A compiled module that is in training mode where another is."""
    pairs = list(zip(module.modules(), getattr(compiled, "_orig_mod", compiled).modules(), strict=True))

    def run(*inputs: Tensor) -> Any:
        for ours, theirs in pairs:
            theirs.training = ours.training
        return compiled(*inputs)

    return run


def best_device() -> torch.device:
    """A GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def share(source: nn.Module, target: nn.Module) -> None:
    """Let two instances of one class have the same weights and statistics."""
    for (_, a), (_, b) in zip(source.named_modules(), target.named_modules(), strict=True):
        b._parameters = a._parameters
        b._buffers = a._buffers


# ---------------------------------------------------------------- by block


def block_calls(root: Graph) -> list[tuple[str, Graph]]:
    """Address and graph of every block instance that is a unit of compilation.

    These are the blocks that hold layers themselves, and no more than a few blocks.
    """
    classes = {id(m.graph) for c in Planner(root).classes for m in c.members}
    found: dict[str, Graph] = {}
    todo = [("", root)]
    while todo:
        path, graph = todo.pop()
        for node in graph.modules():
            if not isinstance(node.content, Graph):
                continue
            address = f"{path}{node.module}"
            if id(node.content) in classes and _is_unit(node.content):
                found[address] = node.content
            else:
                todo.append((f"{address}.", node.content))
    return list(found.items())


def _is_unit(graph: Graph) -> bool:
    """Whether a block is compiled as one: it has at most a few layers, at any depth."""
    return graph.kind == "block" and _layers(graph) <= 32


def _layers(graph: Graph) -> int:
    inner = [n.content for n in graph.modules()]
    return sum(_layers(c) if isinstance(c, Graph) else isinstance(c, Op) for c in inner)


def _compile_units(
    module: nn.Module, units: list[tuple[str, Graph]], options: dict[str, Any], *, marked: bool
) -> None:
    """Give the instances of each signature one compiled `forward`; the whole net is a unit without an address.

    What torch keeps of a compilation hangs on the code object, so each signature has its own. With `marked`,
    what varies in the inputs is marked before each call.
    """
    compiled: dict[int, Callable[..., Any]] = {}
    for address, graph in units:
        unit = module.get_submodule(address)
        if id(graph) not in compiled:
            forward = torch.compile(_own_code(type(unit).forward, f"forward_{len(compiled)}"), **options)
            compiled[id(graph)] = _marking(forward, varying(graph, is_net=not address)) if marked else forward
        object.__setattr__(unit, "forward", MethodType(compiled[id(graph)], unit))


def _marking(compiled: Callable[..., Any], axes: Axes) -> Callable[..., Any]:
    """The same `forward`, with what varies in its inputs marked."""

    def forward(self: nn.Module, *inputs: Tensor) -> Any:
        mark(inputs, axes)
        return compiled(self, *inputs)

    return forward


def _own_code(function: Any, name: str) -> FunctionType:
    """The same function with a code object of its own."""
    code = function.__code__.replace(co_name=name, co_qualname=name)
    made = FunctionType(code, function.__globals__, name, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made
