"""The check of sizes in emitted source: what it says, and that it refuses exactly what does not fit."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from resdsl.emit import emit, net_class
from resdsl.emit.checks import SizeCheck
from resdsl.emit.layout import WIDTH
from resdsl.graph.model import Net

from .specs import bundled, net
from .test_emit import ruff

DIVISIBLE = """edition 2026
net n {
  input image: [3, H, W] where H % 4 == 0, W % 4 == 0
  down = { conv = conv(4, 3x3, stride = 2, bias = true); relu } as small
  pool = conv(4, 3x3, stride = 2, bias = true)
  upsample = conv_transpose(4, 2x2, stride = 2, bias = true)
  from upsample, small -> add
}"""
CLASSES = """edition 2026
net n {
  input x: [2, H, 8] where ceil(H / 4) % 2 == 0
  conv1 = conv(4, 1x1, stride = 4x1); batchnorm
  residual { conv2 = conv(4, 1x1, stride = 2x1); batchnorm; conv3 = conv_transpose(4, 2x1, stride = 2x1); batchnorm }
    shortcut: identity
}"""
HEADS = """edition 2026
block score(classes) { global_avgpool; flatten; fc = linear(classes) }
block side(classes) { conv = conv(4, 5x5, padding = 0, bias = true); fc = score(classes) }
net n {
  input image: [3, H, W]
  body = conv(4, 3x3, padding = 0, bias = true)
  aux = side(2)
  head = from body -> score(2)
  output head
  output aux if training
}"""
TWO = """edition 2026
net n {
  input image: [3, H, W], mask: [1, H, W]
  from image, mask -> concat
  conv = conv(2, 3x3, bias = true)
}"""
CHAIN = "edition 2026\nnet n { input x: [3, T]\n conv(4, 5, padding = 0, bias = true); relu; conv(4, 3, bias = true) }"


def check(made: Net) -> str:
    """The statements of the check in the emitted source, without indentation."""
    lines = emit(made).splitlines()
    (start,) = (i for i, line in enumerate(lines) if "def forward" in line and ".shape[" in lines[i + 1])
    (end,) = (i for i, line in enumerate(lines) if line.startswith("        raise ") or "ValueError(" in line)
    return "\n".join(line[8:] for line in lines[start + 1 : end + 1])


def test_words() -> None:
    assert "\nFits inputs with H % 16 == 0 and W % 16 == 0; the smallest is 16x16.\n" in emit(
        bundled("unet", "unet")
    )
    assert "\nFits inputs with H >= 63 and W >= 63.\n" in emit(bundled("alexnet", "alexnet"))
    text = emit(bundled("inception_v3", "inception_v3"))
    assert "\nFits inputs with H >= 75 and W >= 75. In training, H >= 299 and W >= 299.\n" in text


def test_divisible() -> None:
    assert check(net(DIVISIBLE)) == (
        "height, width = x.shape[-2:]\n"
        "if height % 4 != 0 or width % 4 != 0:\n"
        '    raise ValueError(f"n takes inputs with H % 4 == 0 and W % 4 == 0, not {height}x{width}")'
    )


def test_one_axis_of_two() -> None:
    assert check(net(CLASSES)) == (
        "height = x.shape[-2]\n"
        "if (-(-height // 4)) % 2 != 0:\n"
        '    raise ValueError(f"n takes inputs with ceil(H / 4) % 2 == 0, not {height}")'
    )


def test_training_only() -> None:
    source = emit(net(HEADS))
    assert "if height < 3 or width < 3:" in source
    assert "if self.training and (height < 7 or width < 7):" in source
    assert "H >= 7 and W >= 7 in training, not {height}x{width}" in source


def test_sizes_of_two_inputs() -> None:
    source = emit(net(TWO))
    assert (
        "        height, width = image.shape[-2:]\n"
        "        if mask.shape[-2] != height or mask.shape[-1] != width:\n"
    ) in source
    assert "n takes inputs [3, H, W] and [1, H, W], not" in source


def test_one_size_twice() -> None:
    source = emit(net("edition 2026\nnet n { input x: [3, H, H]\n conv(2, 3x3, bias = true) }"))
    assert "height = x.shape[-2]\n        if x.shape[-1] != height:" in source
    assert 'ValueError(f"n takes an input [3, H, H], not {tuple(x.shape)}")' in source


def test_chain() -> None:
    source = emit(net(CHAIN))
    assert "class N(nn.Sequential)" in source
    assert "if time < 5:" in source
    assert "return super().forward(x)" in source


def test_names_are_new() -> None:
    twice = (
        "relu as width\n from width -> conv(2, 1x1, bias = true)\n concat { identity; from width -> relu }"
    )
    text = TWO.replace("image", "height").replace("conv = conv(2, 3x3, bias = true)", twice)
    source = emit(net(text))
    assert "height2, width2 = height.shape[-2:]" in source
    assert "width = F.relu(" in source


def test_left_out_where_every_size_fits() -> None:
    for made in (bundled("resnet", "resnet50"), bundled("lenet", "lenet5")):
        assert emit(made) == emit(made, check_sizes=False)
        assert "Fits" not in emit(made)
    assert "ValueError" not in emit(net(DIVISIBLE), check_sizes=False)


@pytest.mark.parametrize("text", [DIVISIBLE, CLASSES, HEADS, TWO, CHAIN])
def test_clean(text: str) -> None:
    source = emit(net(text))
    assert ruff(source) == []
    assert max(map(len, source.splitlines())) <= WIDTH


def test_long_conditions_are_broken() -> None:
    """Many remainders, which no short condition says."""
    from dataclasses import replace

    from resdsl.domain import Domain
    from resdsl.sets import periodic

    odd = periodic(47, sum(1 << r for r in (0, 3, 5, 6, 11, 17, 19, 23, 29, 30, 31, 37, 41, 43)))
    made = replace(net(HEADS), name="n" * 30, where=Domain({"H": odd, "W": odd}))
    source = emit(made)
    assert max(map(len, source.splitlines())) <= WIDTH
    ast.parse(source)
    lines = SizeCheck(made, [("x", made.graph.input_shapes[0] or ())], ()).lines()
    found = {"x": type("X", (), {"shape": (1, 3, 47, 50)})(), "self": type("S", (), {"training": False})()}
    code = "\n".join(line[8:] for line in lines)
    exec(code, found)
    for height, width in ((48, 50), (47, 48)):
        found["x"].shape = (1, 3, height, width)
        with pytest.raises(ValueError, match=f"not {height}x{width}"):
            exec(code, found)


# ---------------------------------------------------------------- with torch

torch = pytest.importorskip("torch")

from resdsl.backend.build import build, load  # noqa: E402


def run(module: Any, sizes: dict[str, int]) -> bool:
    """Whether the module takes images of these sizes."""
    try:
        module(torch.zeros(2, 3, sizes["H"], sizes["W"]))
    except ValueError as error:
        return "takes inputs" not in str(error)
    return True


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("text", [DIVISIBLE, HEADS])
def test_it_refuses_exactly_what_does_not_fit(text: str, training: bool) -> None:
    made = net(text)
    module = build(made).train(training)
    bare: Any = load(emit(made, check_sizes=False), net_class(made), "n").train(training)
    for h in range(1, 14):
        for w in (1, 4, 7, 8):
            sizes = {"H": h, "W": w}
            domain = made.training if training else made.needed
            fits = all(v in domain.of(k) and v in made.where.of(k) for k, v in sizes.items())
            assert run(module, sizes) == fits, sizes
            if fits:
                bare(torch.zeros(2, 3, h, w))


def test_it_refuses_what_torch_would_stretch() -> None:
    """At 1x1 the arm gives 1x1 and the rest 1x2, which torch adds without a word."""
    made = net(CLASSES)
    bare: Any = load(emit(made, check_sizes=False), net_class(made), "n").eval()
    x = torch.zeros(2, 2, 1, 8)
    assert bare(x).shape[-2] == 2
    with pytest.raises(ValueError, match="not 1"):
        build(made).eval()(x)


def test_inputs_of_unequal_sizes() -> None:
    module: Any = build(net(TWO))
    assert module(torch.zeros(1, 3, 5, 6), torch.zeros(1, 1, 5, 6)).shape == (1, 2, 5, 6)
    with pytest.raises(ValueError, match=r"\(1, 3, 5, 6\) and \(1, 1, 5, 7\)"):
        module(torch.zeros(1, 3, 5, 6), torch.zeros(1, 1, 5, 7))


@pytest.mark.parametrize("dynamic", [False, True, None])
@pytest.mark.parametrize("text", [DIVISIBLE, HEADS, CHAIN])
def test_it_compiles_in_one_graph(text: str, dynamic: bool | None) -> None:
    torch._dynamo.reset()
    module = build(net(text)).eval()
    compiled = torch.compile(module, fullgraph=True, dynamic=dynamic, backend="eager")
    for size in (8, 12, 16):
        x = torch.rand(2, 3, *[size] * (1 if text is CHAIN else 2))
        wanted, got = module(x), compiled(x)
        assert torch.equal(wanted["head"], got["head"]) if isinstance(got, dict) else torch.equal(wanted, got)
