"""Emitted source: short, clean, the same each time, and made without torch."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import pytest

from resdsl.emit import emit, net_class
from resdsl.emit.layout import WIDTH

from .specs import bundled, net

SPECS = [
    ("resnet", "resnet18"),
    ("resnet", "resnet50"),
    ("resnet", "resnext50_32x4d"),
    ("cifar_resnet", "resnet1202"),
    ("preact_resnet", "preact_resnet1001"),
    ("mobilenet_v2", "mobilenet_v2"),
    ("wide_resnet", "wrn_28_10_dropout"),
    ("vgg", "vgg16_bn"),
    ("alexnet", "alexnet"),
    ("se_resnet", "se_resnet50"),
    ("stochastic_depth", "stochastic_depth110"),
    ("densenet", "densenet121"),
    ("mobilenet_v3", "mobilenet_v3_large"),
    ("googlenet", "googlenet"),
    ("vit", "vit_b_16"),
]


def lines(file: str, name: str) -> int:
    return emit(bundled(file, name)).count("\n")


def test_length() -> None:
    assert lines("resnet", "resnet50") <= 120
    assert lines("resnet", "resnet152") <= lines("resnet", "resnet50")


def test_length_does_not_grow_with_depth() -> None:
    assert lines("cifar_resnet", "resnet1202") == lines("cifar_resnet", "resnet20") <= 80


@pytest.mark.parametrize(("file", "name"), SPECS)
def test_clean(file: str, name: str) -> None:
    source = emit(bundled(file, name))
    assert source == emit(bundled(file, name))
    assert source.isascii()
    assert source.endswith("\n")
    assert not source.endswith("\n\n")
    assert max(map(len, source.splitlines())) <= WIDTH
    assert not any(line != line.rstrip() for line in source.splitlines())
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            assert ast.get_docstring(node)
    assert ruff(source) == []


def ruff(source: str) -> list[str]:
    """What `ruff check` finds: pyflakes, imports in order, docstrings."""
    options = ["--isolated", "--select", "E,F,W,I,UP,B,C4,SIM", "--line-length", str(WIDTH)]
    output = ["--output-format", "json", "--stdin-filename", "net.py", "-"]
    command = [sys.executable, "-m", "ruff", "check", *options, *output]
    run = subprocess.run(command, input=source, capture_output=True, text=True)
    if "No module named ruff" in run.stderr:
        pytest.skip("ruff is not installed")
    return [f"{m['location']['row']}: {m['message']}" for m in json.loads(run.stdout)]


def test_torch_free() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from tests.backend.specs import bundled\n"
        "from resdsl.emit.source import emit\n"
        "print(len(emit(bundled('resnet', 'resnet18'))))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_params_are_named_as_in_the_spec() -> None:
    source = emit(bundled("resnet", "resnet50"))
    assert "def __init__(self, in_channels: int, width: int, stride: int) -> None:" in source
    assert "*[Bottleneck(64) for _ in range(2)]," in source
    assert "return F.relu(y + self.downsample(x))" in source


def test_growing_blocks_are_a_loop() -> None:
    source = emit(
        net(
            """edition 2026
            block dense_layer { concat { identity; conv = conv(8, 3x3) } }
            net n { input x: [16, 8, 8]
              dense = { for i in range(6) { "layer{i + 1}" = dense_layer() } }
              global_avgpool; flatten; linear(2) }"""
        )
    )
    assert '(f"layer{i + 1}", DenseLayer(16 + 8 * i)) for i in range(6)' in " ".join(source.split())


def test_layers_without_names_are_a_loop() -> None:
    source = emit(
        net(
            """block basic(width) { residual { conv(width, 3x3); batchnorm } shortcut: identity }
            net n { input x: [8, 8, 8]
              basic(8) x 20 as y
              concat { from y; conv(8, 1x1) } }"""
        )
    )
    assert "for i in range(20):\n            self.add_module(str(i), Basic())" in source
    assert "for i in range(19):\n            x = getattr(self, str(i))(x)" in source


def test_docs_stay_inside_docstrings() -> None:
    text = '## a """ b \\ c\\N{x} "\nnet n { input x: [1, 8, 8]\n conv = conv(2, 3x3) }'
    source = emit(net(text))
    names = [n.name for n in ast.parse(source).body if isinstance(n, ast.ClassDef)]
    assert names == [net_class(net(text))] == ["N"]


def test_names_that_are_taken() -> None:
    source = emit(
        net(
            """edition 2026
            block tensor(width) { conv = conv(width, 3x3); relu }
            block nn(width) { a = conv(width, 3x3); relu }
            net n { input x: [1, 8, 8]
              tensor(2); tensor(3); nn(4) }"""
        )
    )
    assert "class TensorBlock(nn.Module)" in source


def test_a_long_dictionary_is_broken() -> None:
    names = [f"heatmaps_of_stack_{i}" for i in range(6)]
    heads = "\n".join(f"from y; conv(16, 1x1) as {name}" for name in names)
    source = emit(
        net(
            f"net n {{ input x: [8, 8, 8] as y\n{heads}\noutput {', '.join(names)} }}".replace(
                " as y", "\nrelu as y", 1
            )
        )
    )
    assert all(len(line) <= WIDTH for line in source.splitlines())
    assert f'            "{names[0]}": ' in source
    ast.parse(source)
