"""Compiles a net, each kind of call in the way that serves it best.

`dispatch` chooses: packed weights or a folded graph for inference, block signatures for training on the CPU. What these
do not serve is for `torch.compile`: of the whole net, or block by block where it is deep, since a whole graph takes
time in proportion to the depth. Then every distinct block has one compiled `forward`, which its instances share, and
the rest (stem, head) runs eagerly.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import FunctionType, MethodType
from typing import Any

from resdsl.backend.build import load
from resdsl.backend.dispatch import Dispatch, in_type, name_of
from resdsl.backend.dynamic import Axes, mark, refuse_misfits, varying
from resdsl.backend.dynamo import allow_variants, graphs_made
from resdsl.backend.errors import MissingTorch
from resdsl.backend.fallback import Fallback
from resdsl.backend.inference.onednn import fast
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

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""What a net computes in, by the names of `--dtype`."""

AUTOTUNE = ("max-autotune", "max-autotune-no-cudagraphs")
"""Modes of `torch.compile` that try several kernels for each layer."""

RECOMPILE_LIMIT = 64
"""Variants of one compiled function: batch sizes, training or not, with or without gradients."""


class Slow(UserWarning):
    """What was asked for is slower here than what is usual; the text says why."""


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
        fallback: what runs eagerly where `torch.compile` fails.
        dtype: what it computes in, and the type of its outputs.
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
    fallback: Fallback | None = None
    dtype: torch.dtype = torch.float32
    _before: int = field(default_factory=graphs_made, init=False, repr=False)

    @property
    def graphs(self) -> int:
        """How many graphs were compiled since this was made."""
        own = sum(way.graphs for way in self.dispatch.ways.values()) if self.dispatch else 0
        return own + graphs_made() - self._before

    @property
    def how(self) -> str:
        """The way taken by the last new kind of call, in words."""
        typed = "" if self.dtype == torch.float32 else f", in {name_of(self.dtype)}"
        return self._how() + typed

    def _how(self) -> str:
        ways = list(self.dispatch.ways.values()) if self.dispatch else []
        if ways and ways[-1].name != "torch.compile":
            return f"by {ways[-1].name}: {ways[-1].why}"
        if self.fallback is not None and self.fallback.reason:
            return f"eagerly: {self.fallback.reason}"
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
    dtype: torch.dtype = torch.float32,
) -> Compiled:
    """Compile a net with fresh weights. Nothing is compiled before the first call.

    With another `dtype` than float32 the parameters stay float32, and a `state_dict` is an ordinary one. Inference
    folds batch norms in float32 and has its own copy of the weights in that type; training runs under autocast of that
    type (float16 wants a `torch.amp.GradScaler`, as always). Inputs may be float32 or of that type; outputs are of it.

    Args:
        net: a checked net.
        device: where it runs; a GPU if there is one.
        dynamic: with True, what is compiled serves every batch and every size at which the net fits, and nothing
            else varies in it; see `resdsl.backend.dynamic`. Otherwise as in `torch.compile`.
        mode: as in `torch.compile`. With "max-autotune" the first call takes minutes to find what is fastest.
        by_torch: let `torch.compile` do all of it in any case.
        dtype: float32, bfloat16 or float16, to compute in.

    Raises:
        ValueError: there is no such type to compute in.
    """
    if dtype not in DTYPES.values():
        raise ValueError(f"dtype is one of {', '.join(map(name_of, DTYPES.values()))}, not {name_of(dtype)}")
    source = emit(net)
    place = torch.device(device) if device is not None else best_device()
    eager = load(source, net_class(net), net.name).to(place)
    doubt = slow(dtype, place)
    if doubt:
        warnings.warn(doubt, Slow, stacklevel=2)
    marked = dynamic is True
    options: dict[str, Any] = {"fullgraph": True, "dynamic": False if marked else dynamic, "mode": mode}
    options |= allow_variants(RECOMPILE_LIMIT)
    blocks = block_calls(net.graph)
    way = "whole" if len(blocks) <= WHOLE_AT_MOST else "blocks"
    units = blocks if way == "blocks" else [("", net.graph)]

    fallback = Fallback(net.name)

    def compiled(module: nn.Module) -> Any:
        """The same weights in a module that `torch.compile` compiled."""
        made = twin(module, source)
        _compile_units(made, units, options, fallback, marked=marked)
        return made

    def twin(module: nn.Module, source: str) -> nn.Module:
        made = load(source, net_class(net), net.name).to(place)
        share(module, made)
        return made

    dispatch = None
    tune = mode in AUTOTUNE
    if place.type in ("cpu", "cuda") and dynamic is None and (mode is None or tune) and not by_torch:
        module: Any = twin(eager, emit(net, check_sizes=False))
        layout = memory_format(module, place.type, dtype)
        module.to(memory_format=layout)

        def refuse(inputs: Sequence[Tensor]) -> None:
            refuse_misfits(net, inputs, training=module.training)

        signatures = {address: id(graph) for address, graph in blocks}
        dispatch = Dispatch(
            module,
            signatures,
            layout,
            refuse,
            lambda own: _in_step(own, compiled(own)),
            None if dtype == torch.float32 else dtype,
            options | {"dynamic": False, "mode": "max-autotune-no-cudagraphs" if tune else None},
            tune,
            place.type,
        )
        object.__setattr__(module, "forward", dispatch)
    else:
        module = compiled(eager)
        if dtype != torch.float32:
            _compute_in(dtype, module, place.type)
    kinds = len({id(graph) for _, graph in blocks})
    return Compiled(
        net,
        module,
        eager,
        place,
        source,
        way,
        kinds,
        len(blocks),
        options,
        dynamic=marked,
        dispatch=dispatch,
        fallback=fallback,
        dtype=dtype,
    )


def slow(dtype: torch.dtype, device: torch.device) -> str:
    """Why a net is slower in this type than in float32 on this device; empty where it is not."""
    if dtype == torch.float32:
        return ""
    if device.type == "cpu" and not fast(dtype):
        better = "; bfloat16 is faster" if fast(torch.bfloat16) else ""
        return f"this processor does not compute in {name_of(dtype)}: it is slower here than float32{better}"
    if (
        device.type == "cuda"
        and dtype == torch.bfloat16
        and torch.cuda.get_device_capability(device) < (8, 0)
    ):
        return "this GPU does not compute in bfloat16, but imitates it: float16 is faster"
    return ""


def memory_format(
    module: nn.Module, kind: str = "cpu", dtype: torch.dtype = torch.float32
) -> torch.memory_format:
    """The layout of images that is fast on a kind of device: channels last, where that is safe.

    On the CPU the backward pass of a strided 1x1 convolution of fewer than 16 channels writes out of bounds there
    (oneDNN, as of torch 2.13: with two threads and a batch of 3 the process aborts, in eager torch too). On a GPU it is
    the layout of the tensor cores, which compute in 16 bits.
    """
    if kind == "cuda" and dtype == torch.float32:
        return torch.contiguous_format
    for m in module.modules() if kind == "cpu" else ():
        if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1) and max(m.stride) > 1 and m.in_channels < 16:
            return torch.contiguous_format
    images = any(isinstance(m, nn.Conv2d) for m in module.modules())
    return torch.channels_last if images else torch.contiguous_format


def _compute_in(dtype: torch.dtype, module: nn.Module, kind: str) -> None:
    """Let a compiled module run under autocast, and give outputs of that type."""
    forward = module.forward

    def typed(*inputs: Tensor) -> Any:
        with torch.autocast(kind, dtype):
            return in_type(forward(*inputs), dtype)

    object.__setattr__(module, "forward", typed)


def _in_step(module: nn.Module, compiled: Any) -> Callable[..., Any]:
    """A compiled module that is in training mode where another is."""
    pairs = list(zip(module.modules(), compiled.modules(), strict=True))

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
    module: nn.Module,
    units: list[tuple[str, Graph]],
    options: dict[str, Any],
    fallback: Fallback,
    *,
    marked: bool,
) -> None:
    """Give the instances of each signature one compiled `forward`; the whole net is a unit without an address.

    What torch keeps of a compilation hangs on the code object, so each signature has its own. With `marked`,
    what varies in the inputs is marked before each call.
    """
    compiled: dict[int, Callable[..., Any]] = {}
    for address, graph in units:
        unit = module.get_submodule(address)
        if id(graph) not in compiled:
            forward = _own_code(type(unit).forward, f"forward_{len(compiled)}")
            axes = varying(graph, is_net=not address) if marked else ()
            compile = partial(_compiled, forward, options, axes)
            compiled[id(graph)] = fallback.guarded(compile, type(unit).forward)
        object.__setattr__(unit, "forward", MethodType(compiled[id(graph)], unit))


def _compiled(function: Callable[..., Any], options: dict[str, Any], axes: Axes) -> Callable[..., Any]:
    """A compiled `forward`; what varies in its inputs is marked."""
    compiled = torch.compile(function, **options)
    if not axes:
        return compiled

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
