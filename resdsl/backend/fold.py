"""A module as one flat graph for inference: batch norms folded into the layers before them, dropouts left out."""

from __future__ import annotations

from typing import Any

from resdsl.backend.cut import NotCut
from resdsl.backend.errors import MissingTorch

try:
    from torch import fx, nn
    from torch.nn.modules.batchnorm import _BatchNorm
    from torch.nn.modules.conv import _ConvNd
    from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval
except ModuleNotFoundError as missing:
    raise MissingTorch from missing


def folded(module: nn.Module) -> fx.GraphModule:
    """The graph of a module in evaluation mode, with batch norms folded into the layers before them.

    A norm folds where it alone takes what that layer gives. Weights are copies: later changes of the module do not
    reach the graph. Outputs are equal up to rounding: a product of weights is rounded once more.

    Raises:
        NotCut: `forward` does what cannot be followed without values.
    """
    assert not module.training
    try:
        graph = fx.Tracer().trace(module)
    except Exception as reason:  # whatever `forward` does to a stand-in
        raise NotCut(str(reason)) from reason
    made = fx.GraphModule(module, graph)
    layers: dict[str, Any] = dict(made.named_modules())
    for node in list(graph.nodes):
        layer = layers.get(node.target) if node.op == "call_module" else None
        if isinstance(layer, nn.modules.dropout._DropoutNd) or _idle_dropout(node):
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
        elif isinstance(layer, _BatchNorm):
            _fold(graph, node, layer, layers, made)
    graph.lint()
    made.recompile()
    return made


def _idle_dropout(node: fx.Node) -> bool:
    named = node.op == "call_function" and "dropout" in getattr(node.target, "__name__", "")
    return named and False in (*node.args[2:3], node.kwargs.get("training"))


def _fold(graph: fx.Graph, node: fx.Node, norm: Any, layers: dict[str, Any], made: fx.GraphModule) -> None:
    """Fold one norm into the layer before it, if it can be."""
    before = node.args[0]
    if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) != 1:
        return
    if not norm.track_running_stats or norm.running_mean is None:
        return
    layer, target = layers[str(before.target)], str(before.target)
    if sum(n.op == "call_module" and n.target == target for n in graph.nodes) != 1:
        return  # its weights are used elsewhere too
    if isinstance(layer, _ConvNd):
        fused: nn.Module = fuse_conv_bn_eval(layer, norm, transpose=layer.transposed)
    elif isinstance(layer, nn.Linear):
        fused = fuse_linear_bn_eval(layer, norm)
    else:
        return
    name = f"folded_{target.replace('.', '_')}"
    made.add_submodule(name, fused)
    layers[name] = fused
    before.target = name
    node.replace_all_uses_with(before)
    graph.erase_node(node)
