"""Inference on the CPU by oneDNN's own fused convolutions, without generated code.

The graph of a net with its norms folded (`fold`) is a chain of convolutions, each with an activation or an addition
behind it. oneDNN computes each of these in one call, with weights in the layout it likes best. So nothing is
compiled: a net is ready when its weights are packed.

The calls, `torch.ops.mkldnn`, are what torch's own compiler uses and no public API: `tests/backend/test_onednn.py`
notices when they change, and without them a net goes another way.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from resdsl.backend.errors import MissingTorch
from resdsl.backend.inference.fold import Layers, cast, fold

try:
    import torch
    from torch import Tensor, fx, nn
    from torch.nn import functional as F
    from torch.nn.modules.batchnorm import _BatchNorm
    from torch.nn.modules.conv import _ConvNd
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

ACTIVATIONS: dict[Any, tuple[str, list[Any], str | None]] = {
    F.relu: ("relu", [], None),
    F.relu6: ("hardtanh", [0.0, 6.0], None),
    F.silu: ("swish", [], None),
    F.hardswish: ("hardswish", [], None),
    F.hardsigmoid: ("hardsigmoid", [], None),
    F.sigmoid: ("sigmoid", [], None),
    torch.sigmoid: ("sigmoid", [], None),
    torch.tanh: ("tanh", [], None),
    nn.ReLU: ("relu", [], None),
    nn.ReLU6: ("hardtanh", [0.0, 6.0], None),
    nn.SiLU: ("swish", [], None),
    nn.Hardswish: ("hardswish", [], None),
    nn.Hardsigmoid: ("hardsigmoid", [], None),
    nn.Sigmoid: ("sigmoid", [], None),
}
"""What oneDNN computes with the convolution before it, by function or module: its name and constants there."""

MOST_OTHERS = 5
"""Calls to a convolution that are not part of it, up to which packed weights were measured to be faster."""

VIEWS = {
    "getitem",
    "getattr",
    "flatten",
    "view",
    "reshape",
    "size",
    "chunk",
    "unbind",
    "permute",
    "unsqueeze",
}


def available() -> bool:
    """Whether this torch has oneDNN and the calls used here."""
    names = ("_convolution_pointwise", "_convolution_pointwise_", "_reorder_convolution_weight")
    there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return there and all(hasattr(torch.ops.mkldnn, name) for name in names)


def fast(dtype: torch.dtype) -> bool:
    """Whether oneDNN computes in this type, and the processor has instructions for it."""
    if dtype == torch.float32:
        return available()
    asked = {torch.bfloat16: "_is_mkldnn_bf16_supported", torch.float16: "_is_mkldnn_fp16_supported"}.get(
        dtype
    )
    return available() and asked is not None and bool(getattr(torch.ops.mkldnn, asked, lambda: False)())


def packed(module: nn.Module, like: Sequence[Tensor], dtype: torch.dtype | None = None) -> fx.GraphModule:
    """The graph of a module for inference, made of oneDNN's calls.

    Args:
        module: in evaluation mode, on the CPU.
        like: inputs, in the type to compute in; weights are packed for the sizes that they lead to.
        dtype: that type, where it is not that of the weights. Norms are folded before.

    Raises:
        NotCut: `forward` does what cannot be followed without values.
    """
    graph, layers = fold(module)
    if dtype is not None:
        layers = cast(layers, dtype)
    shapes = _shapes(module, graph, layers, like)
    order = {node: i for i, node in enumerate(graph.nodes)}
    fresh: set[fx.Node] = set()
    for node in list(graph.nodes):
        if node.op == "call_module" and node in shapes:
            layer = layers[str(node.target)]
            if (
                type(layer) is nn.Conv2d
                and layer.padding_mode == "zeros"
                and not isinstance(layer.padding, str)
            ):
                _pack(graph, node, layer, shapes, order, layers, fresh)
    made = fx.GraphModule(layers, graph)
    for name in list(made._buffers):  # found at once as plain attributes, and there are many
        made.__dict__[name] = made._buffers.pop(name)
    return made


def parts(module: nn.Module, graph: fx.GraphModule) -> str:
    """What a graph that `packed` made of a module is made of, in words."""
    calls = [n for n in graph.graph.nodes if n.op.startswith("call_") and _works(n)]
    packs = [n for n in calls if "_convolution_pointwise" in str(n.target)]
    sums = [n for n in packs if "add" in n.args]
    acts = [n for n in packs if n.args[-3] not in ("none", None)]
    norms = [sum(isinstance(m, _BatchNorm) for m in root.modules()) for root in (module, graph)]
    counts = {
        "convolution{} with packed weights": len(packs),
        "norm{} folded": norms[0] - norms[1],
        "activation{} fused": len(acts),
        "addition{} fused": len(sums),
        "other call{}": len(calls) - len(packs),
    }
    return ", ".join(f"{n} {what.format('' if n == 1 else 's')}" for what, n in counts.items() if n)


def unsuited(graph: fx.GraphModule) -> str:
    """Why generated code is likely faster than this graph; empty where it is not.

    Each call that is left between convolutions reads and writes a whole map, which a compiler would fuse. But packed
    weights gain more, up to `MOST_OTHERS` such calls to a convolution, and a norm to two of them.
    """
    convolutions, norms, others = _counts(graph)
    if 2 * norms > convolutions:
        return f"{norms} batch norms do not follow a convolution"
    if others > MOST_OTHERS * convolutions:
        return f"{others} other calls between {convolutions} convolutions"
    return ""


def chained(graph: fx.GraphModule) -> bool:
    """Whether nearly all of a graph is convolutions: no norm is left, and few other calls are."""
    convolutions, norms, others = _counts(graph)
    return not norms and others <= convolutions


def _counts(graph: fx.GraphModule) -> tuple[int, int, int]:
    """How many convolutions, batch norms and calls other than convolutions there are."""
    layers = dict(graph.named_modules())
    called = [n for n in graph.graph.nodes if n.op.startswith("call_") and _works(n)]
    norms = sum(isinstance(layers.get(str(n.target)), _BatchNorm) for n in called)
    convolutions = sum(
        "_convolution_pointwise" in str(n.target) or isinstance(layers.get(str(n.target)), _ConvNd)
        for n in called
    )
    return convolutions, norms, len(called) - convolutions


def _works(node: fx.Node) -> bool:
    """Whether a call reads and writes values, and not only looks at them in another way."""
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    return name not in VIEWS


def _pack(
    graph: fx.Graph,
    node: fx.Node,
    layer: nn.Conv2d,
    shapes: dict[fx.Node, tuple[int, ...]],
    order: dict[fx.Node, int],
    layers: Layers,
    fresh: set[fx.Node],
) -> None:
    """Replace a convolution, and what follows it alone, by one call."""
    op: Any = torch.ops.mkldnn
    (value,) = node.args
    assert isinstance(value, fx.Node)
    window = [list(layer.padding), list(layer.stride), list(layer.dilation), layer.groups]
    weight = op._reorder_convolution_weight(layer.weight.detach(), *window, list(shapes[value]))
    name = f"packed_{len(fresh)}"
    layers[name] = weight
    bias = None
    if layer.bias is not None:
        layers[f"{name}_bias"] = layer.bias.detach().clone()
    after = _only_user(node)
    other = _addend(after, node)
    with graph.inserting_before(after if other is not None and after is not None else node):
        kernel = graph.get_attr(name)
        bias = graph.get_attr(f"{name}_bias") if layer.bias is not None else None
    if other is not None and after is not None and shapes.get(other) == shapes.get(node):
        last = _only_user(after)
        fused = last if last is not None and _activation(last, layers) == ("relu", [], None) else after
        relu = "relu" if fused is last else None
        inplace = other in fresh and max(order[user] for user in other.users) <= order[after]
        target = op._convolution_pointwise_.binary if inplace else op._convolution_pointwise.binary
        pair = (other, value) if inplace else (value, other)
        arguments: tuple[Any, ...] = (*pair, kernel, bias, *window, "add", 1.0, relu, [], None)
        place = after
    else:
        found = _activation(after, layers) if after is not None else None
        fused = after if found is not None and after is not None else node
        arguments = (value, kernel, bias, *window, *(found or ("none", [], None)))
        target, place = op._convolution_pointwise.default, node
    with graph.inserting_before(place):
        call = graph.call_function(target, arguments)
    order[call] = order[fused]
    shapes[call] = shapes[node]
    fresh.add(call)
    fused.replace_all_uses_with(call)
    for old in (fused, after, node):
        if old is not None and not old.users and old.op != "output" and not old._erased:
            graph.erase_node(old)


def _only_user(node: fx.Node) -> fx.Node | None:
    users = list(node.users)
    return users[0] if len(users) == 1 else None


def _addend(node: fx.Node | None, arm: fx.Node) -> fx.Node | None:
    """What is added to a value, if this node is a sum of it and another."""
    if (
        node is None
        or node.op != "call_function"
        or node.target not in (operator.add, torch.add)
        or node.kwargs
    ):
        return None
    others = [a for a in node.args if a is not arm]
    return others[0] if len(others) == 1 and isinstance(others[0], fx.Node) else None


def _activation(node: fx.Node, layers: Layers) -> tuple[str, list[Any], str | None] | None:
    """How oneDNN names an activation."""
    if node.op == "call_function" and len(node.args) == 1 and not (node.kwargs.keys() - {"inplace"}):
        return ACTIVATIONS.get(node.target)
    if node.op == "call_module":
        return ACTIVATIONS.get(type(layers[str(node.target)]))
    return None


def _shapes(
    module: nn.Module, graph: fx.Graph, layers: Layers, like: Sequence[Tensor]
) -> dict[fx.Node, tuple[int, ...]]:
    """The shapes of all images on the way, by node; found by running it once."""
    found: dict[fx.Node, tuple[int, ...]] = {}

    class Watch(fx.Interpreter):
        def run_node(self, node: fx.Node) -> Any:
            value = super().run_node(node)
            if isinstance(value, Tensor) and value.dim() == 4:
                found[node] = tuple(value.shape)
            return value

        def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
            return layers[target](*args, **kwargs)

        def get_attr(self, target: Any, args: Any, kwargs: Any) -> Any:
            return layers[target]

    with torch.no_grad():
        Watch(module, graph=graph).run(*like)
    return found
