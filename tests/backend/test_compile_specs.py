"""Every bundled net compiles without a graph break, and the compiled net says what the eager one says.

By default dynamo takes one net of each spec file, and inductor a few; `--full` takes all of them (hours on two
cores).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resdsl import load, resources
from resdsl.diagnostics.model import Sink
from resdsl.elaborate.files import Loader, read_source
from resdsl.graph.model import Net
from resdsl.source import Source

torch = pytest.importorskip("torch")

from resdsl.backend.bench.measure import report  # noqa: E402
from resdsl.backend.build import build  # noqa: E402
from resdsl.backend.compile import compile_net  # noqa: E402
from resdsl.backend.dynamic import example, usual_sizes  # noqa: E402

from .reference import logits  # noqa: E402

pytestmark = pytest.mark.usefixtures("fresh_dynamo")

# Inductor takes from ten seconds to minutes for each of these.
COMPILED = {"lenet5", "mobilenet_v2_0_35", "resnet18d", "resnet20", "se_resnet18", "m3"}
QUICK = {
    *("alexnet", "lenet5", "mobilenet_v2_0_35", "preact_resnet18", "resnet18", "resnet20", "resnet18d"),
    *("se_resnet18", "stochastic_depth110", "vgg11", "wrn_16_4"),
    *("fpn_resnet50", "hourglass2", "inception_v3_no_aux", "m3", "mc3_18", "unet"),
    *("densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet_no_aux", "mnasnet0_5"),
    *("mobilenet_v3_small", "squeezenet1_1", "swin_t", "vit_b_32"),
    *("convnext_tiny", "lraspp_mobilenet_v3_large", "regnet_x_800mf", "s3d", "shufflenet_v2_x0_5"),
    *("eca_resnet18", "highway10", "i3d_rgb", "inception_resnet_v2", "resnetrs50", "shake_shake26_2x32d"),
    *("skipnet38", "xception", "unet_resnet34"),
    *("simclr_resnet50", "fasterrcnn_box_head", "mixer_s_32", "once_for_all_smallest", "protonet_omniglot"),
    *("retinanet_resnet50_fpn", "transformer_base_encoder"),
    *("maxvit_t", "mvit_v2_s", "swin3d_t"),
}
SMALLER = {name: {"frames": 4, "size": 64} for name in ("mvit_v1_b", "mvit_v2_s")}
"""Settings of nets whose input is fixed, and large."""


def _nets() -> list[str]:
    found = []
    for path in sorted(resources.specs().glob("*.res")):
        source = read_source(path)
        assert isinstance(source, Source)
        module = Loader(Sink(), path.parent).load(source, path)
        assert module is not None
        found.extend(module.closed_nets)
    return found


def _net(name: str) -> Net:
    return load(name, **SMALLER.get(name, {})).net


def _small(name: str) -> dict[str, int] | None:
    """Sizes for quick runs: what compiles at 64x64 compiles at 224x224."""
    net = _net(name)
    meant = net.nominal or {}
    return {
        size: max(64 if meant.get(size, 32) > 64 else min(32, meant.get(size, 32)), net.least[size])
        for size in net.sizes
    }


def _skip_unless_full(request: pytest.FixtureRequest, name: str, quick: set[str]) -> None:
    if name not in quick and not request.config.getoption("--full"):
        pytest.skip("--full")


def test_quick_takes_one_of_each_file() -> None:
    for path in sorted(resources.specs().glob("*.res")):
        text = Path(path).read_text()
        if re.search(r"^net ", text, re.MULTILINE) is None:
            continue  # blocks only
        assert any(f"net {name} " in text or f"net {name}(" in text for name in QUICK), path.name


@pytest.mark.parametrize("name", _nets())
def test_compiled_is_eager(name: str, request: pytest.FixtureRequest) -> None:
    _skip_unless_full(request, name, COMPILED)
    made = compile_net(_net(name), device="cpu")
    found = report(made, batch=1, sizes=_small(name), runs=1)
    assert found.agrees, str(found)


@pytest.mark.parametrize("name", _nets())
def test_one_graph(name: str, request: pytest.FixtureRequest) -> None:
    """The whole net, also where it is compiled by block, is one graph to dynamo."""
    _skip_unless_full(request, name, QUICK)
    net = _net(name)
    module = build(net).eval().double()  # the deepest untrained nets exceed float32's range
    whole = torch.compile(module, fullgraph=True, backend="eager")
    inputs = [
        x.double() for x in example(net, 1, {**usual_sizes(net), **(_small(name) or {})}, torch.device("cpu"))
    ]
    with torch.no_grad():
        # not bit for bit: eager, attention of torch takes a way of its own
        torch.testing.assert_close(logits(whole(*inputs)), logits(module(*inputs)))
