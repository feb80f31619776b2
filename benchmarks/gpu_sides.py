"""The sides of `gpu.py`, each in a process of its own: more ways to run a net than `resdsl bench` has.

A side is named `WHO` or `WHO/HOW`. Who: `resdsl`, `twin` (torchvision's model, or the emitted module where torchvision
is not installed), `eager` (the same, not compiled) or `cudnn`. How: a mode of `torch.compile`; `benchmark`, which lets
cuDNN try its algorithms; `tf32`, which lets float32 be multiplied in fewer bits; for `cudnn` also `matmul`.

`cudnn` is an experiment, for inference: each convolution is one call with its bias, addition and ReLU, as with oneDNN
on the CPU, with no generated code. Where these calls do not exist, on the CPU, the same graph makes plain ones.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from resdsl.backend.bench import side
from resdsl.backend.bench.side import Answer, Runner, tensors
from resdsl.backend.compile import Compiled, compile_net
from resdsl.backend.inference.fold import cast, fold
from resdsl.backend.inference.generated import Replay, trying_algorithms

SETTINGS = ("", "benchmark", "tf32", "matmul")
"""What comes after the name of a side that is no mode of `torch.compile`."""


class Variant(Runner):
    """A net, run in one way; see the top of this file."""

    def __init__(self, name: str, *what: Any) -> None:
        self.who, _, self.how = name.partition("/")
        self.mode = None if self.how in SETTINGS else self.how
        torch.backends.cudnn.benchmark = self.how == "benchmark"
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = self.how == "tf32"
        self.twin = ""
        super().__init__(self.who, *what)

    def _compiled(self) -> Compiled:
        return compile_net(self.net, device=self.device, dtype=self.dtype, mode=self.mode)

    def _plain(self) -> nn.Module:
        module = super()._plain()
        self.twin = "the emitted module"
        if self.who in ("twin", "eager"):
            try:
                from torchvision import models

                twin = models.get_model(self.net.name)
                twin.load_state_dict(module.state_dict())
            except (ImportError, RuntimeError, ValueError):  # not here, or not the same net
                return module
            self.twin = "torchvision"
            return twin
        return module

    def _function(self) -> Callable[..., Any]:
        if self.who == "twin":
            return torch.compile(self.module, mode=self.mode)
        if self.who == "cudnn":
            if self.train:
                raise side.Unable("it does not train")
            with torch.no_grad(), trying_algorithms():
                graph = fused(self.module, self.dtype, matmul=self.how == "matmul")
                return Replay(graph, self.inputs) if self.device.type == "cuda" else graph
        return self.module

    def _cast(self) -> None:
        if self.who != "cudnn":  # which casts after the norms are folded
            super()._cast()

    def compile(self) -> Answer:
        """As `Runner.compile`, and what the twin is."""
        return super().compile() | {"twin": self.twin}

    def answer(self, file: str) -> Answer:
        """Write the outputs and gradients of a call to a file."""
        torch.manual_seed(0)
        found = [t.detach().float().cpu() for t in tensors(self.call())]
        plain = getattr(self.module, "_orig_mod", self.module)
        gradients = [p.grad.float().cpu() for _, p in sorted(plain.named_parameters()) if p.grad is not None]
        torch.save({"outputs": found, "gradients": gradients}, file)
        return {"outputs": len(found), "gradients": len(gradients)}

    def error(self, file: str) -> Answer:
        """How far a call is from what is in a file: the norm of the difference over that of what is there."""
        mine = f"{file}.{self.side}"
        self.answer(mine)
        ours, theirs = (torch.load(f, weights_only=True) for f in (mine, file))
        return {kind: distance(ours[kind], theirs[kind]) for kind in ("outputs", "gradients")}


def distance(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    """The norm of the difference of two lists over that of the second; 0 for none, 1e9 where it is no number."""
    if not theirs or len(ours) != len(theirs):
        return 0.0 if len(ours) == len(theirs) else 1e9
    a, b = (torch.cat([t.flatten().double() for t in each]) for each in (ours, theirs))
    found = float((a - b).norm() / b.norm())
    return found if found < 1e9 else 1e9  # which NaN is not


# ---------------------------------------------------------------- cuDNN's own fusions


def fused(module: nn.Module, dtype: torch.dtype, *, matmul: bool = False) -> fx.GraphModule:
    """The folded graph, with each convolution and the addition and ReLU behind it as one call.

    Args:
        module: in evaluation mode.
        dtype: to compute in.
        matmul: a 1x1 convolution with a ReLU is a product of matrices.
    """
    graph, layers = fold(module)
    layers = cast(layers, dtype)
    for node in list(graph.nodes):
        layer = layers.get(str(node.target)) if node.op == "call_module" else None
        # Of wide kernels cuDNN's fused ones are many times slower.
        if type(layer) is nn.Conv2d and layer.padding_mode == "zeros" and max(layer.kernel_size) <= 3:
            _fuse(graph, node, layer, layers, matmul)
    made = fx.GraphModule(layers, graph).requires_grad_(False)
    return made.to(memory_format=torch.channels_last)


def _fuse(graph: fx.Graph, node: fx.Node, layer: nn.Conv2d, layers: dict[str, Any], matmul: bool) -> None:
    after = _only_user(node)
    if after is None:
        return
    other = None
    relu: fx.Node | None = after
    if after.op == "call_function" and after.target in (operator.add, torch.add):
        others = [a for a in after.args if a is not node]
        if len(others) != 1 or not isinstance(others[0], fx.Node):
            return
        other, relu = others[0], _only_user(after)
    if relu is None or not _is_relu(relu, layers):
        return
    product = matmul and other is None and layer.kernel_size == (1, 1) and layer.stride == (1, 1)
    with graph.inserting_before(after):
        name = f"fused_{len(layers)}"
        layers[name], layers[f"{name}_bias"] = layer.weight.detach(), layer.bias
        weight = graph.get_attr(name)
        bias = graph.get_attr(f"{name}_bias") if layer.bias is not None else None
        window = (layer.stride, layer.padding, layer.dilation, layer.groups)
        start = (node.args[0], weight, *([] if other is None else [other]), bias)
        function: Any = conv_relu if other is None else conv_add_relu
        if product and layer.groups == 1 and bias is not None:
            call = graph.call_function(product_relu, start)
        else:
            call = graph.call_function(function, (*start, *window))
    relu.replace_all_uses_with(call)
    for old in (relu, after, node):
        if not old._erased and not old.users:
            graph.erase_node(old)


def _only_user(node: fx.Node) -> fx.Node | None:
    users = list(node.users)
    return users[0] if len(users) == 1 else None


def _is_relu(node: fx.Node, layers: dict[str, Any]) -> bool:
    if node.op == "call_module":
        return type(layers[str(node.target)]) is nn.ReLU
    return node.op == "call_function" and node.target in (F.relu, torch.relu)


def conv_relu(x: Tensor, weight: Tensor, bias: Tensor | None, *window: Any) -> Tensor:
    """A convolution, its bias and ReLU; `window` is stride, padding, dilation and groups."""
    if x.is_cuda:
        made: Tensor = torch.ops.aten.cudnn_convolution_relu(x, weight, bias, *window)
        return made
    return torch.relu(torch.conv2d(x, weight, bias, *window))


def conv_add_relu(x: Tensor, weight: Tensor, other: Tensor, bias: Tensor | None, *window: Any) -> Tensor:
    """The same, with another value added before the ReLU."""
    if x.is_cuda:
        made: Tensor = torch.ops.aten.cudnn_convolution_add_relu(x, weight, other, 1.0, bias, *window)
        return made
    return torch.relu(torch.conv2d(x, weight, bias, *window) + other)


def product_relu(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """A 1x1 convolution, its bias and ReLU, as one product: images are channels last."""
    n, c, h, w = x.shape
    rows = x.permute(0, 2, 3, 1).reshape(-1, c)
    made = torch._addmm_activation(bias, rows, weight.flatten(1).t())
    return made.view(n, h, w, -1).permute(0, 3, 1, 2)


def main() -> None:
    """Answer until there are no more questions."""
    side.main(Variant)
