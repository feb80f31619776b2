"""Compiles a net with torch.compile: as a whole, or block by block where it is deep.

A whole graph takes time in proportion to the depth. A net with many equal blocks is compiled by block
signature instead: every distinct graph has one compiled `forward`, which its instances share. The rest
(stem, head) then runs eagerly.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from types import FunctionType, MethodType
from typing import Any

from resdsl.backend.build import load
from resdsl.backend.emit import emit, net_class
from resdsl.backend.errors import MissingTorch
from resdsl.backend.plan import Planner
from resdsl.graph.model import Graph, Net
from resdsl.ops.base import Op

try:
    import torch
    from torch import nn
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

WHOLE_AT_MOST = 64
"""Block calls up to which a net is compiled as a whole."""

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
        way: "whole", or "blocks" when compiled by block signature.
        signatures: distinct block graphs; `calls`: instances of them.
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

    @property
    def how(self) -> str:
        """The way taken, in words."""
        if self.way == "whole":
            return "as a whole"
        return f"by block: {self.signatures} graphs for {self.calls} blocks"

    def __call__(self, *inputs: Any) -> Any:
        """Run the compiled module."""
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
) -> Compiled:
    """Compile a net with fresh weights. Nothing is compiled before the first call.

    Args:
        net: a checked net.
        device: where it runs; a GPU if there is one.
        dynamic: as in `torch.compile`.
        mode: as in `torch.compile`.
    """
    source = emit(net)
    place = torch.device(device) if device is not None else best_device()
    eager = load(source, net_class(net), net.name).to(place)
    module: Any = load(source, net_class(net), net.name).to(place)
    share(eager, module)
    options: dict[str, Any] = {"fullgraph": True, "dynamic": dynamic, "mode": mode}
    options |= _limit()
    blocks = block_calls(net.graph)
    signatures = {id(graph) for _, graph in blocks}
    if len(blocks) <= WHOLE_AT_MOST:
        module = torch.compile(module, **options)
        way = "whole"
    else:
        _compile_blocks(module, blocks, options)
        way = "blocks"
    return Compiled(net, module, eager, place, source, way, len(signatures), len(blocks), options)


def best_device() -> torch.device:
    """A GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def share(source: nn.Module, target: nn.Module) -> None:
    """Let two instances of one class have the same weights and statistics."""
    for (_, a), (_, b) in zip(source.named_modules(), target.named_modules(), strict=True):
        b._parameters = a._parameters
        b._buffers = a._buffers


def _limit() -> dict[str, Any]:
    """The limit on variants as an option; for all of torch where it is not an option yet."""
    if "recompile_limit" in inspect.signature(torch.compile).parameters:
        return {"recompile_limit": RECOMPILE_LIMIT}
    config: Any = torch._dynamo.config
    config.recompile_limit = max(config.recompile_limit, RECOMPILE_LIMIT)
    return {}


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


def _compile_blocks(module: nn.Module, blocks: list[tuple[str, Graph]], options: dict[str, Any]) -> None:
    """Give the instances of each signature one compiled `forward`.

    What torch keeps of a compilation hangs on the code object, so each signature has its own.
    """
    compiled: dict[int, Any] = {}
    for address, graph in blocks:
        block = module.get_submodule(address)
        if id(graph) not in compiled:
            forward = _own_code(type(block).forward, f"forward_{len(compiled)}")
            compiled[id(graph)] = torch.compile(forward, **options)
        object.__setattr__(block, "forward", MethodType(compiled[id(graph)], block))


def _own_code(function: Any, name: str) -> FunctionType:
    """The same function with a code object of its own."""
    code = function.__code__.replace(co_name=name, co_qualname=name)
    made = FunctionType(code, function.__globals__, name, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made
