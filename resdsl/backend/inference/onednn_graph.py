"""Inference on the CPU by oneDNN Graph, oneDNN's own compiler of whole graphs, which TorchScript has a bridge to.

What `onednn` calls one by one is planned here as a whole: kernels are looked up once and not at each call, and pools
and linear layers are oneDNN's too. Planning takes some milliseconds a layer, so it waits until a kind of call has
come a few times.

TorchScript is deprecated in torch: where it has gone, or fuses nothing, a net stays with `onednn`.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from resdsl.backend.errors import MissingTorch
from resdsl.backend.inference.fold import folded

try:
    import torch
    from torch import Tensor, fx, nn
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

WAITS = 2
"""Calls of a kind before its graph is planned."""

MOST_NODES = 700
"""Nodes of a packed graph up to which it is planned: the time grows faster than the graph. ResNet-152 has 471."""

Run = Callable[..., Any]


class Warmed:
    """Runs a kind of call by packed weights, which are ready at once, and as planned when it comes often.

    Args:
        packed: the graph as `onednn.packed` makes it.
        plan: given the inputs, what is faster, or None: `planned`, for the module that the graph was made of.
    """

    def __init__(self, packed: fx.GraphModule, plan: Callable[[Sequence[Tensor]], Run | None]) -> None:
        self.run: Run = packed.forward
        self.plan = plan if len(packed.graph.nodes) <= MOST_NODES else None
        self._calls = count()

    def __call__(self, *inputs: Tensor) -> Any:
        """What `forward` gives."""
        if self.plan is not None and next(self._calls) == WAITS:  # so for one thread only
            plan, self.plan = self.plan, None
            self.run = plan(inputs) or self.run
        return self.run(*inputs)


def planned(module: nn.Module, inputs: Sequence[Tensor], dtype: torch.dtype | None = None) -> Run | None:
    """A module in evaluation mode as oneDNN Graph runs it, for inputs of these sizes; None where it does not.

    Weights are copies, and outputs equal up to rounding.

    Args:
        module: with its own weights.
        inputs: of the type to compute in.
        dtype: that type, where it is not that of the weights.
    """
    try:
        before = torch.jit.onednn_fusion_enabled()  # type: ignore[no-untyped-call]
        torch.jit.enable_onednn_fusion(True)
    except (AttributeError, RuntimeError):
        return None
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # that it is deprecated, and that sizes become constants
            graph = folded(module, dtype).requires_grad_(False)
            if _crashes(graph):
                return None
            jit: Any = torch.jit
            traced = jit.trace(graph, tuple(inputs), check_trace=False, strict=False)
            frozen: Run = jit.freeze(traced.eval(), optimize_numerics=False)
            for _ in range(2):  # the first call is watched, the second one plans
                frozen(*inputs)
            fused = "oneDNNFusionGroup" in str(jit.last_executed_optimized_graph())
    except Exception:  # whatever a tracer that is no longer cared for makes of a graph
        return None
    finally:
        torch.jit.enable_onednn_fusion(before)
    return frozen if fused else None


def _crashes(graph: fx.GraphModule) -> bool:
    """Whether three values are added in a row: oneDNN Graph ends the process on `conv(y) + x + y` (torch 2.13)."""
    sums = {node for node in graph.graph.nodes if node.target in (operator.add, operator.iadd, torch.add)}
    return any(node.users.keys() <= sums for node in sums)
