"""The memory a summary names, against what torch holds and what autograd keeps."""

from __future__ import annotations

import weakref
from typing import Any

import pytest

from resdsl import api
from resdsl.graph.memory import memory
from resdsl.sizes import shape_at

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402, TID253
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402, TID253
from torch.utils._pytree import tree_leaves  # noqa: E402, TID253

BATCH = 2

# What autograd keeps: the rule is right to a thousandth where no op copies what the rule takes for a view.
SAVED = {
    "resnet20": 0.001,
    "resnet50": 0.001,
    "mobilenet_v2": 0.001,
    "densenet121": 0.001,
    "efficientnet_b0": 0.001,
    "unet_resnet18": 0.001,
    "alexnet": 0.001,
    "swin_t": 0.07,
    "vit_b_16": 0.02,
}
# The most that values take: the same where Python holds no name longer than the value is used, else less.
EXACT = ("vgg16", "mobilenet_v2", "densenet121", "efficientnet_b0", "googlenet", "alexnet")
LESS = ("resnet20", "resnet50", "se_resnet50", "unet_resnet18")


def prepared(name: str) -> tuple[api.Network, dict[str, int], nn.Module, list[Tensor]]:
    net = api.load(name)
    small = name in ("resnet50", "se_resnet50", "mobilenet_v2", "densenet121", "efficientnet_b0", "vgg16")
    at = net.sizes((3, 64, 64)) if small else net.sizes()
    inputs = [torch.randn(BATCH, *shape_at(s, at)) for s in net.net.graph.input_shapes if s is not None]
    return net, at, net.module(), inputs


@pytest.mark.parametrize(("name", "tolerance"), SAVED.items())
def test_what_autograd_keeps(name: str, tolerance: float) -> None:
    net, at, module, inputs = prepared(name)
    own = {t.untyped_storage().data_ptr() for t in (*module.parameters(), *module.buffers())}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = module.train()(*inputs)
    found = memory(net.net, at, net.params, BATCH).saved
    del result
    assert found == pytest.approx(sum(kept.values()), rel=tolerance)


class Held(TorchDispatchMode):
    """Bytes of all storages that live, and the most there were."""

    def __init__(self, inputs: list[Tensor], module: nn.Module) -> None:
        super().__init__()
        self.now = self.most = 0
        self.seen = {t.untyped_storage()._cdata for t in (*module.parameters(), *module.buffers())}
        for tensor in inputs:
            self.take(tensor)

    def take(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata not in self.seen:
            self.seen.add(storage._cdata)
            self.now += storage.nbytes()
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self.free, storage._cdata, storage.nbytes())

    def free(self, key: int, size: int) -> None:
        self.seen.remove(key)
        self.now -= size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.take(leaf)
        return result


@pytest.mark.parametrize("name", [*EXACT, *LESS])
def test_the_most_that_values_take(name: str) -> None:
    net, at, module, inputs = prepared(name)
    module.eval()
    with torch.inference_mode(), Held(inputs, module) as held:
        module(*inputs)
    ratio = memory(net.net, at, net.params, BATCH).peak / held.most
    low = 0.99 if name in EXACT else 0.7
    assert low <= ratio <= 1.01
