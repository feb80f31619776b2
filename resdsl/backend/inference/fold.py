"""A module as one flat graph for inference: batch norms folded into the layers before them, dropouts left out."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

from resdsl.backend.errors import MissingTorch
from resdsl.backend.signature.cut import NotCut
from resdsl.backend.tracer import Tracer

try:
    import torch
    from torch import Tensor, fx, nn
    from torch.nn.modules.batchnorm import _BatchNorm
    from torch.nn.modules.conv import _ConvNd
    from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

Layers = dict[str, Any]
"""What the calls and attributes of a graph stand for, by target."""


def folded(module: nn.Module, dtype: torch.dtype | None = None) -> fx.GraphModule:
    """The graph of a module in evaluation mode, with batch norms folded into the layers before them.

    A norm folds where it alone takes what that layer gives. Weights are copies: later changes of the module do not
    reach the graph. Outputs are equal up to rounding: a product of weights is rounded once more.

    Args:
        module: in evaluation mode.
        dtype: to compute in. Norms are folded before, in the type they have.

    Raises:
        NotCut: `forward` does what cannot be followed without values.
    """
    graph, layers = fold(module)
    return fx.GraphModule(cast(layers, dtype), graph)


def fold(module: nn.Module) -> tuple[fx.Graph, Layers]:
    """As `folded`, without code: the graph, and its layers and tensors."""
    assert not module.training
    try:
        graph = Tracer().trace(module)
    except Exception as reason:  # whatever `forward` does to a stand-in
        raise NotCut(str(reason)) from reason
    modules = dict(module.named_modules())
    uses = Counter(str(node.target) for node in graph.nodes if node.op == "call_module")
    layers: Layers = {target: modules[target] for target in uses}
    layers |= {str(n.target): _attribute(module, str(n.target)) for n in graph.nodes if n.op == "get_attr"}
    for node in list(graph.nodes):
        layer = layers.get(str(node.target)) if node.op == "call_module" else None
        if isinstance(layer, nn.modules.dropout._DropoutNd) or _idle_dropout(node):
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
        elif isinstance(layer, _BatchNorm):
            _fold(graph, node, layer, layers, uses)
    return graph, layers


def cast(layers: Layers, dtype: torch.dtype | None) -> Layers:
    """Copies of layers and tensors, in another type.

    Batch norms that are left stay as they are: they take values of any type, and their statistics are not rounded.
    """
    return {target: _cast(layer, dtype) for target, layer in layers.items()}


def _cast(layer: Any, dtype: torch.dtype | None) -> Any:
    if isinstance(layer, Tensor):
        return layer.detach().to(dtype if layer.is_floating_point() else None, copy=True)
    made = copy.deepcopy(layer)
    return made if isinstance(layer, _BatchNorm) else made.to(dtype=dtype)


def _attribute(module: nn.Module, target: str) -> Any:
    owner, _, name = target.rpartition(".")
    return getattr(module.get_submodule(owner), name)


def _idle_dropout(node: fx.Node) -> bool:
    named = node.op == "call_function" and "dropout" in getattr(node.target, "__name__", "")
    return named and False in (*node.args[2:3], node.kwargs.get("training"))


def _fold(graph: fx.Graph, node: fx.Node, norm: Any, layers: Layers, uses: Counter[str]) -> None:
    """Fold one norm into the layer before it, if it can be."""
    before = node.args[0]
    if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) != 1:
        return
    if not norm.track_running_stats or norm.running_mean is None or uses[str(before.target)] != 1:
        return  # or its weights are used elsewhere too
    layer: Any = layers[str(before.target)]
    statistics = (norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias)
    if isinstance(layer, _ConvNd):
        weights = fuse_conv_bn_weights(layer.weight, layer.bias, *statistics, transpose=layer.transposed)
    elif isinstance(layer, nn.Linear):
        weights = fuse_linear_bn_weights(layer.weight, layer.bias, *statistics)
    else:
        return
    made = copy.copy(layer)
    made._parameters = dict(zip(("weight", "bias"), weights, strict=True))
    name = f"folded_{str(before.target).replace('.', '_')}"
    layers[name] = made
    before.target = name
    node.replace_all_uses_with(before)
    graph.erase_node(node)
