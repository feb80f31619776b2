"""Norms fold into the layers before them, and outputs stay what they were, up to rounding."""

from __future__ import annotations

from typing import Any

import pytest

from .specs import bundled, net

torch = pytest.importorskip("torch")

from resdsl.backend.build import load  # noqa: E402
from resdsl.backend.dynamic import example, usual_sizes  # noqa: E402
from resdsl.backend.inference.fold import folded  # noqa: E402
from resdsl.emit.source import emit, net_class  # noqa: E402

from .reference import logits, randomise  # noqa: E402


def made(checked: Any) -> Any:
    module = load(emit(checked, check_sizes=False), net_class(checked), checked.name).eval()
    randomise(module)
    return module.double()


def norms(module: Any) -> int:
    return sum(isinstance(m, torch.nn.modules.batchnorm._BatchNorm) for m in module.modules())


@pytest.mark.parametrize(
    ("file", "name", "left"),
    [
        ("cifar_resnet", "resnet20", 0),
        ("mobilenet_v2", "mobilenet_v2_0_35", 0),
        ("s3d", "s3d", 0),
        ("audio_resnet", "m3", 0),
        ("inception_v3", "inception_v3_no_aux", 0),
        ("preact_resnet", "preact_resnet110", 54),  # those in front of a convolution
    ],
)
def test_nets(file: str, name: str, left: int) -> None:
    checked = bundled(file, name)
    module = made(checked)
    graph = folded(module)
    graph.delete_all_unused_submodules()
    assert norms(graph) == left
    inputs = [x.double() for x in example(checked, 1, usual_sizes(checked))]
    with torch.no_grad():
        a, b = logits(graph(*inputs)), logits(module(*inputs))
    torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9 * float(b.abs().max()))


def test_what_does_not_fold() -> None:
    """A norm behind a value that is used elsewhere too, or behind weights that are."""
    module = made(
        net(
            """net n { input x: [4, H, W]
              layer shared = conv(4, 3x3, bias = true)
              apply shared; batchnorm; relu; apply shared as y; batchnorm
              from y, in -> add }""".replace("from y, in -> add", "relu as z\nfrom y, z -> add")
        )
    )
    graph = folded(module)
    assert norms(graph) == 2
    x = torch.randn(2, 4, 8, 8, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(graph(x), module(x))


def test_dropouts_are_left_out() -> None:
    graph = folded(made(net("net n { input x: [4, H, W]\n conv(4, 3x3, bias = true); dropout(0.5); relu }")))
    assert not any("dropout" in str(node.target) for node in graph.graph.nodes)
    assert not any(
        isinstance(m, torch.nn.Dropout)
        for m in dict(graph.named_children()).values()
        if m in graph.graph.nodes
    )
