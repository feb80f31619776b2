"""Nets compiled once for every size: how many graphs torch makes of them, and what it exports."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from resdsl.cli import main
from resdsl.graph.model import Net

from .specs import bundled, net

torch = pytest.importorskip("torch")

from resdsl.backend import compile as compiling  # noqa: E402
from resdsl.backend.bench.measure import survey  # noqa: E402
from resdsl.backend.build import build  # noqa: E402
from resdsl.backend.compile import Compiled, block_calls, compile_net  # noqa: E402
from resdsl.backend.dynamic import (  # noqa: E402
    dynamic_shapes,
    example,
    one_graph,
    other_sizes,
    usual_sizes,
    varying,
)
from resdsl.backend.dynamo import allow_variants, graphs_made, mark_dynamic  # noqa: E402

pytestmark = pytest.mark.usefixtures("fresh_dynamo")

OLD = tuple(map(int, torch.__version__.split(".")[:2])) < (2, 13)
"""Torch 2.11 makes one graph where a pool rounds and one where it does not (`div_rtn` of its shape rules)."""

UNET = """edition 2026
block double(width) { conv1 = conv(width, 3x3); bn1 = batchnorm; relu; conv2 = conv(width, 3x3); bn2 = batchnorm; relu }
block up(width) {
  input x, skip
  up = from x -> conv_transpose(width, 2x2, stride = 2, bias = true)
  from skip, up -> concat
  convs = double(width)
}
net n {
  input image: [3, H, W] where H % 16 == 0, W % 16 == 0 at [3, 64, 64]
  for i in range(4) { "down{i}" = double(4 * 2 ** i); maxpool(2x2, 2) }
  bottom = double(64) as up4
  for i in [3, 2, 1, 0] { "up{i}" = from "up{i + 1}", "down{i}" -> up(4 * 2 ** i) }
  head = conv(2, 1x1, bias = true)
}"""
SOUND = """edition 2026
net n {
  input sound: [4, T] at [4, 64]
  conv1 = conv(8, 9, stride = 2); bn1 = batchnorm; relu
  avgpool(2, 2)
  residual { conv2 = conv(8, 3, stride = 2); bn2 = batchnorm; relu; conv3 = conv(8, 3); bn3 = batchnorm }
    shortcut: projection
  global_avgpool; flatten
  fc = linear(5)
}"""
REST = """edition 2026
net n {
  input image: [1, H, W] where H % 4 == 3, W % 4 == 3 at [1, 31, 31]
  conv = conv(4, 3x3, padding = 0, bias = true)
  down = conv(4, 3x3, stride = 2, bias = true)
}"""
CLASSES = """edition 2026
net n {
  input x: [2, H, 8] where ceil(H / 4) % 2 == 0 at [2, 64, 8]
  conv1 = conv(4, 1x1, stride = 4x1); batchnorm
  residual { conv2 = conv(4, 1x1, stride = 2x1); batchnorm; conv3 = conv_transpose(4, 2x1, stride = 2x1); batchnorm }
    shortcut: identity
}"""
TWO = """edition 2026
net n {
  input image: [3, H, W], mask: [1, H, W]
  from image, mask -> concat
  conv = conv(4, 3x3, stride = 2); bn = batchnorm; relu
}"""


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Counts what is compiled, and runs it without compiling further."""
    from torch._dynamo.testing import CompileCounterWithBackend

    counter, compile_ = CompileCounterWithBackend("eager"), torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **o: compile_(f, backend=counter, **o))
    return counter


def agrees(made: Compiled, batch: int, *sizes: int) -> bool:
    inputs = example(made.net, batch, dict(zip(made.net.sizes, sizes, strict=True)))
    with torch.no_grad():
        return torch.equal(made(*inputs), made.eager(*inputs))


# ---------------------------------------------------------------- what varies


def test_what_varies() -> None:
    assert varying(bundled("resnet", "resnet18").graph, is_net=True) == ((0, 2, 3),)
    assert varying(bundled("lenet", "lenet5").graph, is_net=True) == ((0,),)
    assert varying(net(TWO).graph, is_net=True) == ((0, 2, 3), (0, 2, 3))
    blocks = dict(block_calls(net(UNET).graph))
    assert varying(blocks["up0"], is_net=False) == ((0, 2, 3), (0, 2, 3))


def test_sizes_that_one_graph_serves() -> None:
    assert {v: s.least for v, s in one_graph(bundled("resnet", "resnet18")).items()} == {"H": 33, "W": 33}
    assert {v: s.least for v, s in one_graph(bundled("alexnet", "alexnet")).items()} == {"H": 95, "W": 95}
    assert {v: (s.least, s.every) for v, s in one_graph(net(UNET)).items()} == {
        "H": (32, (16, 0)),
        "W": (32, (16, 0)),
    }
    # The classifier on the side, which needs 299, runs in training only.
    assert one_graph(bundled("inception_v3", "inception_v3"))["H"].least == 107


def test_sizes_to_check_at() -> None:
    made = bundled("resnet", "resnet18")
    assert usual_sizes(made) == {"H": 224, "W": 224}
    assert other_sizes(made, usual_sizes(made)) == [{"H": 33, "W": 33}, {"H": 149, "W": 224}]
    assert other_sizes(net(UNET), {"H": 64, "W": 64}) == [{"H": 32, "W": 32}, {"H": 48, "W": 64}]
    assert other_sizes(bundled("lenet", "lenet5"), {}) == []


# ---------------------------------------------------------------- graphs


@pytest.mark.parametrize(
    ("made", "calls"),
    [
        (bundled("resnet", "resnet18"), [(2, 224, 224), (3, 225, 224), (5, 240, 240), (2, 256, 320)]),
        (net(UNET), [(2, 64, 64), (3, 80, 80), (5, 32, 48), (2, 96, 64)]),
        (net(SOUND), [(2, 64), (3, 65), (5, 99), (2, 1000), (3, 30)]),
        (net(CLASSES), [(2, 61), (3, 62), (5, 64), (2, 32)]),
        (net(TWO), [(2, 32, 32), (3, 33, 32), (5, 7, 40)]),
    ],
    ids=["resnet18", "unet", "sound", "classes", "two inputs"],
)
def test_one_graph(made: Net, calls: list[tuple[int, ...]], graphs: Any) -> None:
    compiled = compile_net(made, device="cpu", dynamic=True).train(False)
    for batch, *sizes in calls:
        assert agrees(compiled, batch, *sizes)
    assert graphs.frame_count == compiled.graphs == 1 or OLD
    assert graphs.frame_count <= 4
    before = graphs.frame_count
    assert agrees(compiled, 1, *calls[0][1:])
    assert graphs.frame_count == before + 1, "a batch of 1 is compiled on its own"
    assert agrees(compiled, 4, *calls[0][1:])
    assert graphs.frame_count == before + 1


def test_a_batch_of_one_comes_first(graphs: Any) -> None:
    compiled = compile_net(net(UNET), device="cpu", dynamic=True).train(False)
    for batch, height, width in [(1, 64, 64), (1, 48, 64), (2, 64, 64), (3, 48, 32)]:
        assert agrees(compiled, batch, height, width)
    assert graphs.frame_count == 2


def test_maps_of_one_row_are_other_graphs(graphs: Any) -> None:
    compiled = compile_net(bundled("resnet", "resnet18"), device="cpu", dynamic=True).train(False)
    found = []
    for height, width in [(64, 64), (33, 64), (32, 64), (17, 96), (16, 64), (32, 32)]:
        assert agrees(compiled, 2, height, width)
        found.append(graphs.frame_count)
    assert [b - a for a, b in pairwise(found)] == [OLD, 1, OLD, 1, 1] or OLD


def test_training_is_one_graph_more(graphs: Any) -> None:
    compiled = compile_net(net(SOUND), device="cpu", dynamic=True)
    for training, most in [(False, 1), (True, 2)]:
        compiled.train(training)
        for batch, size in [(2, 64), (3, 76), (4, 128)]:
            kept = {k: v.clone() for k, v in compiled.eager.state_dict().items()}
            (x,) = example(compiled.net, batch, {"T": size})
            got = compiled(x)
            compiled.eager.load_state_dict(kept)
            assert torch.allclose(got, compiled.eager(x), rtol=1e-5, atol=1e-6)
        assert graphs.frame_count <= most or OLD


def test_by_block(graphs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "WHOLE_AT_MOST", 2)
    compiled = compile_net(net(UNET), device="cpu", dynamic=True).train(False)
    assert compiled.way == "blocks"
    for batch, height, width in [(2, 64, 64), (3, 80, 80), (5, 32, 48), (2, 96, 64)]:
        assert agrees(compiled, batch, height, width)
    assert graphs.frame_count == compiled.signatures == 9
    assert list(compiled.module.state_dict()) == list(compiled.eager.state_dict())


def test_sizes_that_do_not_fit(graphs: Any) -> None:
    compiled = compile_net(net(UNET), device="cpu", dynamic=True).train(False)
    assert agrees(compiled, 2, 64, 64)
    for height, width in [(65, 64), (64, 8)]:
        with pytest.raises(ValueError, match=r"n: `[HW]`"):
            agrees(compiled, 2, height, width)
    assert agrees(compiled, 3, 80, 64)
    assert graphs.frame_count == 1


def test_a_pool_that_torch_does_not_keep_open(graphs: Any) -> None:
    """`torch.max_pool1d` takes the length for a constant: a graph for each, but no error."""
    made = net("edition 2026\nnet n { input x: [4, T]\n conv(4, 3, bias = true); maxpool(2, 2) }")
    compiled = compile_net(made, device="cpu", dynamic=True).train(False)
    for count, length in enumerate((32, 33, 50), start=1):
        assert agrees(compiled, 2, length)
        assert graphs.frame_count == count, "torch has changed: say so where this is documented"


def test_survey(graphs: Any) -> None:
    compiled = compile_net(net(UNET), device="cpu", dynamic=True)
    found = survey(compiled)
    assert found.agrees
    assert [shape for shape, _ in found.checked] == [
        (2, 3, 64, 64),
        (3, 3, 32, 32),
        (3, 3, 48, 64),
        (1, 3, 64, 64),
    ]
    assert found.graphs == 2
    assert "H % 16 == 0; one graph from 32 on" in str(found)


def test_command(graphs: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "n.res").write_text(UNET)
    assert main(["compile", str(tmp_path / "n.res"), "--dynamic", "--device", "cpu"]) == 0
    shown = capsys.readouterr().out
    assert "varies      batch: any; one graph from 2 on" in shown
    assert "            3x3x48x64  0 of the largest output from eager" in shown
    assert "graphs      2 for all of these" in shown
    assert main(["compile", str(tmp_path / "n.res"), "--dynamic", "-o", "n.py"]) == 2


def test_inductor() -> None:
    """The same with torch's own backend, on the smallest of these nets."""
    compiled = compile_net(net(SOUND), device="cpu", dynamic=True)
    found = survey(compiled)
    assert found.agrees, str(found)
    assert found.graphs == 2 or OLD


# ---------------------------------------------------------------- torch.export


@pytest.mark.parametrize(
    ("text", "sample", "calls"),
    [
        (UNET, (64, 64), [(1, 64, 64), (2, 32, 48), (17, 80, 32)]),
        (SOUND, (64,), [(1, 64), (3, 65), (17, 1001), (2, 11)]),
        (REST, (31, 31), [(1, 31, 31), (2, 7, 11), (17, 35, 7)]),
        (CLASSES, (64,), [(1, 61), (2, 62), (3, 64), (2, 13)]),
        (TWO, (32, 32), [(1, 32, 32), (2, 7, 9), (17, 3, 64)]),
        ("edition 2026\nnet n { input x: [3, 8, 8]\n conv(2, 3x3, bias = true) }", (), [(1,), (5,)]),
    ],
    ids=["unet", "sound", "rest", "classes", "two inputs", "fixed"],
)
def test_export(text: str, sample: tuple[int, ...], calls: list[tuple[int, ...]]) -> None:
    made = net(text)
    module = build(made).eval()
    named = dict(zip(made.sizes, sample, strict=True))
    exact = not (OLD and text is SOUND)
    with torch.no_grad():
        exported = torch.export.export(
            module, tuple(example(made, 2, named)), dynamic_shapes=dynamic_shapes(made, exact=exact)
        )
        run: Any = exported.module()
        for batch, *sizes in calls:
            if not exact and sizes[0] % 4:
                continue
            inputs = example(made, batch, dict(zip(made.sizes, sizes, strict=True)))
            assert torch.allclose(run(*inputs), module(*inputs), rtol=1e-5, atol=1e-6), sizes
        for var in made.sizes:
            bad = {**named, var: named[var] + 2}
            if bad[var] not in made.fits[var]:
                with pytest.raises((AssertionError, RuntimeError, ValueError)):
                    run(*example(made, 2, bad))


def test_export_of_rounding_pools() -> None:
    """Every size from 33 on, the odd ones too; torch 2.11 wants to be told that it may narrow them."""
    made = bundled("resnet", "resnet18")
    module, inputs = build(made).eval(), tuple(example(made, 2, {"H": 64, "W": 64}))
    if OLD:
        with pytest.raises(Exception, match="Constraints violated"):
            torch.export.export(module, inputs, dynamic_shapes=dynamic_shapes(made))
    shapes = dynamic_shapes(made, exact=not OLD)
    run: Any = torch.export.export(module, inputs, dynamic_shapes=shapes).module()
    for batch, height, width in [(1, 64, 96), (3, 64, 64), *([] if OLD else [(2, 33, 47), (5, 65, 64)])]:
        (x,) = example(made, batch, {"H": height, "W": width})
        with torch.no_grad():
            assert torch.allclose(run(x), module(x), rtol=1e-5, atol=1e-6)


def test_dims() -> None:
    def shown(text: str) -> str:
        return str([{axis: str(dim) for axis, dim in one.items()} for one in dynamic_shapes(net(text))])

    assert shown(UNET) == "[{0: \"Dim('batch', min=1)\", 2: '16*h', 3: '16*w'}]"
    assert shown(REST) == "[{0: \"Dim('batch', min=1)\", 2: '4*h + 3', 3: '4*w + 3'}]"
    assert shown(SOUND) == "[{0: \"Dim('batch', min=1)\", 2: \"Dim('T', min=11)\"}]"
    assert shown(CLASSES) == "[{0: 'DimHint(DYNAMIC)', 2: 'DimHint(DYNAMIC, min=13)'}]"
    one, two = dynamic_shapes(net(TWO))
    assert one[2] is two[2]
    finite = UNET.replace("H % 16 == 0, W % 16 == 0", "H % 16 == 0, H <= 96, W == 64")
    assert shown(finite) == "[{0: 'DimHint(DYNAMIC)', 2: 'DimHint(DYNAMIC, min=32, max=96)'}]"


# ---------------------------------------------------------------- what resdsl uses of dynamo


def test_what_is_used_of_dynamo() -> None:
    """If this fails, torch has changed: see `resdsl/backend/dynamo.py`."""

    def double(x: Any) -> Any:
        return x * 2

    before, compiled = graphs_made(), torch.compile(double, backend="eager", dynamic=False)
    for length, made in [(4, 1), (5, 1), (1, 2), (7, 2)]:
        x = torch.zeros(length, 3)
        mark_dynamic(x, 0)
        compiled(x)
        assert graphs_made() - before == made
    option = allow_variants(77)
    assert option == {"recompile_limit": 77} or torch._dynamo.config.recompile_limit == 77
    torch.compile(double, backend="eager", **option)(torch.zeros(2))
