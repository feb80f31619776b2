"""oneDNN's calls, which are no public API, take what is passed; a net made of them is the net."""

from __future__ import annotations

from typing import Any

import pytest

from .specs import bundled, net

torch = pytest.importorskip("torch")

from resdsl.backend.build import load  # noqa: E402
from resdsl.backend.dynamic import example, usual_sizes  # noqa: E402
from resdsl.backend.inference.onednn import available, packed  # noqa: E402
from resdsl.emit.source import emit, net_class  # noqa: E402

from .reference import logits, randomise  # noqa: E402

pytestmark = pytest.mark.skipif(not available(), reason="this torch has no oneDNN")

SCHEMAS = {
    "_convolution_pointwise.default": "X W B padding stride dilation groups attr scalars algorithm",
    "_convolution_pointwise.binary": "X other W B padding stride dilation groups binary_attr alpha unary_attr"
    " unary_scalars unary_algorithm",
    "_convolution_pointwise_.binary": "other X W B padding stride dilation groups binary_attr alpha unary_attr"
    " unary_scalars unary_algorithm",
    "_reorder_convolution_weight.default": "self padding stride dilation groups input_size",
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas(name: str) -> None:
    op, _, overload = name.partition(".")
    found = getattr(getattr(torch.ops.mkldnn, op), overload)._schema
    assert [a.name for a in found.arguments] == SCHEMAS[name].split()


def same(checked: Any, *sizes: int) -> Any:
    module = load(emit(checked, check_sizes=False), net_class(checked), checked.name).eval()
    randomise(module)
    module.to(memory_format=torch.channels_last)
    at = dict(zip(checked.sizes, sizes, strict=False)) if sizes else {}
    inputs = example(checked, 2, {**usual_sizes(checked), **at})
    graph = packed(module, inputs)
    kept = [x.clone() for x in inputs]
    with torch.no_grad():
        for _ in range(2):
            a, b = logits(graph(*inputs)), logits(module(*inputs))
            assert float((a - b).abs().max()) <= 1e-4 * float(b.abs().max())
    assert all(map(torch.equal, inputs, kept))
    return graph


@pytest.mark.parametrize(
    ("file", "name", "fused"),
    [
        ("cifar_resnet", "resnet20", {"default": 10, "binary": 9}),
        ("cifar_resnet", "resnet20_b", {"default": 12, "binary": 9}),
        ("resnet", "resnet18", {"default": 12, "binary": 8}),
        ("mobilenet_v2", "mobilenet_v2_0_35", {"default": 42, "binary": 10}),
        ("mobilenet_v3", "mobilenet_v3_small", None),
        ("vgg", "vgg11_bn", {"default": 8, "binary": 0}),
        ("densenet", "densenet121", None),
        ("unet", "unet", None),
    ],
)
def test_nets(file: str, name: str, fused: dict[str, int] | None) -> None:
    checked = bundled(file, name)
    graph = same(checked, 64, 48)
    calls = [
        str(n.target).rpartition(".")[2]
        for n in graph.graph.nodes
        if "_convolution_pointwise" in str(n.target)
    ]
    assert fused is None or {kind: calls.count(kind) for kind in fused} == fused


BODIES = (
    "residual { conv(4, 3x3, bias = true) } shortcut: identity; relu",  # the input is not ours to write on
    "relu as y; residual { conv(4, 3x3); batchnorm } shortcut: identity; relu as z; from y, z -> add",
    "conv(4, 3x3, bias = true) as y; conv(4, 3x3, bias = true) as z; from z, y -> add; from y -> sigmoid as w;"
    " from w, z -> mul",
    "conv(4, 3x3, bias = true) as y; add { from y; conv(4, 1x1, bias = true) }",
    "conv(4, 3x3, bias = true); relu6; conv(8, 3x3, groups = 2, bias = true); silu; conv(4, 1x1, bias = true); gelu",
    "conv(4, 3x3, bias = true) as y; conv(1, 1x1, bias = true) as g; from y, g -> scale",
)


@pytest.mark.parametrize("body", BODIES)
def test_who_may_be_written_on(body: str) -> None:
    """A sum is written over its second operand only where nobody reads that later."""
    same(net(f"net n {{ input x: [4, H, W]\n{body.replace('; ', chr(10))} }}"), 12, 10)
