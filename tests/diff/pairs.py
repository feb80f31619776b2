"""Pairs of nets with what must be said of them: one small net, changed in one place, and bundled ones."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from resdsl.elaborate.files import read_source
from resdsl.find import bundled_files
from resdsl.graph.model import Net
from resdsl.pipeline import check, one_net
from resdsl.source import Source

BASE = """\
block unit(width, stride = 1) {
  residual {
    conv1 = conv(width, 3x3, stride = stride); bn1 = batchnorm; relu
    conv2 = conv(width, 3x3); bn2 = batchnorm
  } shortcut down: identity else projection
  relu
}

net n(classes = 10) {
  input image: [3, H, W] at [3, 32, 32]
  stem = conv(8, 3x3); norm = batchnorm; relu
  maxpool(3x3, stride = 2)
  layer1 = unit(8) x 2
  layer2 = unit(16, stride = 2 then 1) x 3
  split = concat { left = conv(8, 1x1); right = conv(8, 1x1) }
  global_avgpool; flatten
  dropout(0.5)
  fc = linear(classes)
}
"""

CHANGES: dict[str, tuple[str, str, str]] = {
    # the same
    "comment": ("net n", "## A net.\nnet n", "identical"),
    "block name": ("unit", "element", "identical"),
    "padding written out": ("conv2 = conv(width, 3x3)", "conv2 = conv(width, 3x3, padding = 1)", "identical"),
    "bias without effect": ("linear(classes)", "linear(classes, bias = true)", "identical"),
    "identity": ("global_avgpool;", "global_avgpool; identity;", "identical"),
    # training alone
    "dropout": ("dropout(0.5)", "dropout(0.1)", "training"),
    "no dropout": ("  dropout(0.5)\n", "", "training"),
    "momentum": ("norm = batchnorm", "norm = batchnorm(momentum = 0.01)", "training"),
    "drop path": ("bn2 = batchnorm\n", "bn2 = batchnorm; drop_path(0.2)\n", "training"),
    # initial weights
    "init": ("stem = conv(8, 3x3)", "stem = conv(8, 3x3, weight = normal(std = 0.01))", "start"),
    "zero gamma": ("bn2 = batchnorm", "bn2 = batchnorm(weight = zeros)", "start"),
    # input sizes
    "where": ("at [3, 32, 32]", "where H % 8 == 0 at [3, 32, 32]", "sizes"),
    "fixed": ("[3, H, W] at [3, 32, 32]", "[3, 32, 32]", "sizes"),
    # strict load succeeds, and outputs differ
    "stride": ("conv(8, 3x3); norm", "conv(8, 3x3, stride = 2); norm", "outputs"),
    "stride in the other": (
        "conv1 = conv(width, 3x3, stride = stride); bn1 = batchnorm; relu\n    conv2 = conv(width, 3x3)",
        "conv1 = conv(width, 3x3); bn1 = batchnorm; relu\n    conv2 = conv(width, 3x3, stride = stride)",
        "outputs",
    ),
    "dilation": ("conv2 = conv(width, 3x3)", "conv2 = conv(width, 3x3, dilation = 2)", "outputs"),
    "padding mode": ("stem = conv(8, 3x3)", 'stem = conv(8, 3x3, padding_mode = "reflect")', "outputs"),
    "activation": ("bn1 = batchnorm; relu", "bn1 = batchnorm; gelu", "outputs"),
    "one more activation": ("bn2 = batchnorm\n", "bn2 = batchnorm; gelu\n", "outputs"),
    "no activation": ("bn1 = batchnorm; relu", "bn1 = batchnorm", "outputs"),
    "eps": ("norm = batchnorm", "norm = batchnorm(eps = 0.001)", "outputs"),
    "pooling": ("maxpool(3x3, stride = 2)", "avgpool(3x3, stride = 2)", "outputs"),
    "global pooling": ("global_avgpool", "global_maxpool", "outputs"),
    "branches": (
        "left = conv(8, 1x1); right = conv(8, 1x1)",
        "right = conv(8, 1x1); left = conv(8, 1x1)",
        "outputs",
    ),
    "order": ("norm = batchnorm; relu", "relu; norm = batchnorm", "outputs"),
    "no shortcut": ("identity else projection", "none else projection", "outputs"),
    # other names
    "names": ("conv1 = ", "first = ", "names"),
    "a scope": (
        "stem = conv(8, 3x3); norm = batchnorm; relu",
        "head = { stem = conv(8, 3x3); norm = batchnorm; relu }",
        "names",
    ),
    "stage name": ("layer2 = unit", "deep = unit", "names"),
    # some carry over
    "classes": ("classes = 10", "classes = 7", "partial"),
    "deeper": ("then 1) x 3", "then 1) x 5", "partial"),
    "shallower": ("unit(8) x 2", "unit(8) x 1", "partial"),
    "wider": ("layer2 = unit(16", "layer2 = unit(24", "partial"),
    "kernel": ("conv1 = conv(width, 3x3", "conv1 = conv(width, 5x5", "partial"),
    "bias": ("stem = conv(8, 3x3)", "stem = conv(8, 3x3, bias = true)", "partial"),
    "input": ("image: [3, H, W] at [3, 32, 32]", "image: [1, H, W] at [1, 32, 32]", "partial"),
    "norm": ("bn1 = batchnorm", "bn1 = groupnorm(4)", "partial"),
    "a layer more": ("bn1 = batchnorm; relu", "bn1 = batchnorm; relu; more = conv(width, 1x1)", "partial"),
    "names and classes": ("fc = linear(classes)", "classifier = linear(classes - 3)", "partial"),
}
"""By name: what to replace, by what, and the verdict."""

BUNDLED: dict[tuple[str, str], str] = {
    ("resnet50_v1", "resnet50"): "outputs",
    ("resnet101_v1", "resnet101"): "outputs",
    ("resnet34_a", "plain34"): "outputs",
    ("resnet20", "resnet20"): "identical",
    ("unet", "unet_unpadded"): "outputs",
    ("stochastic_depth110", "resnet110"): "training",
    ("resnet20", "plain20"): "outputs",
    ("fpn_resnet50", "fpn_resnet50_double"): "sizes",
    ("skipnet38", "skipnet38_soft"): "training",
    ("wrn_28_10", "wrn_28_10_dropout"): "training",
    ("resnet50d", "resnet50d_floor"): "sizes",
    ("resnet50_v1", "resnet101"): "partial",
    ("resnet18", "resnet34"): "partial",
    ("resnet34", "resnet34_a"): "partial",
    ("resnet34", "resnet34_c"): "partial",
    ("resnet18", "plain18"): "partial",
    ("plain18", "plain34"): "partial",
    ("resnet34", "resnet50"): "partial",
    ("resnet50", "resnet101"): "partial",
    ("resnet50", "resnext50_32x4d"): "partial",
    ("resnet50", "wide_resnet50_2"): "partial",
    ("resnet50", "resnet50d"): "partial",
    ("resnet50", "se_resnet50"): "partial",
    ("se_resnet50", "eca_resnet50"): "partial",
    ("resnet20", "resnet20_b"): "partial",
    ("resnet20_b", "resnet20_c"): "partial",
    ("resnet20", "resnet32"): "partial",
    ("resnet110", "skipnet110"): "partial",
    ("vgg11", "vgg13"): "partial",
    ("vgg11", "vgg11_bn"): "partial",
    ("mobilenet_v2", "mobilenet_v3_small"): "partial",
    ("mobilenet_v3_small", "mobilenet_v3_large"): "partial",
    ("mnasnet0_5", "mnasnet1_0"): "partial",
    ("shufflenet_v2_x0_5", "shufflenet_v2_x1_0"): "partial",
    ("efficientnet_b0", "efficientnet_b1"): "partial",
    ("densenet121", "densenet169"): "partial",
    ("squeezenet1_0", "squeezenet1_1"): "partial",
    ("regnet_y_400mf", "regnet_y_800mf"): "partial",
    ("googlenet", "resnet18"): "partial",
    ("fcn_resnet50", "deeplabv3_resnet50"): "partial",
    ("resnet50", "fcn_resnet50"): "partial",
    ("lenet5", "resnet18"): "nothing",
}
"""Nets that come with resdsl, and the verdict."""


@cache
def text(source: str) -> Net:
    """The net of a text."""
    checked = check(Source("n.res", source))
    assert checked.ok, [d.message for d in checked.diagnostics]
    net = one_net(checked)
    assert isinstance(net, Net)
    return net


def readme() -> str:
    """The ResNet-50 that the README begins with: its stages have no names, its weights torch's initialisation."""
    page = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")
    found = re.search(r"```res\n(.*?)```", page, re.DOTALL)
    assert found is not None
    return found[1]


def changed(name: str) -> Net:
    """The small net with one change."""
    before, after, _ = CHANGES[name]
    assert before in BASE, name
    return text(BASE.replace(before, after))


@cache
def everything() -> list[tuple[str, Net]]:
    """Every net of every bundled file."""
    found: list[tuple[str, Net]] = []
    for file in bundled_files():
        source = read_source(file, f"std/{file.name}")
        assert isinstance(source, Source)
        found += list(check(source, file).nets.items())
    return found


CALLS: tuple[tuple[str, str, str], ...] = (
    ("leaky_relu", "leaky_relu(negative_slope = 0.1)", "outputs"),
    ("leaky_relu", "leaky_relu(negative_slope = 0.01)", "identical"),
    ("gelu", 'gelu(approximate = "tanh")', "outputs"),
    ("elu", "elu(alpha = 0.5)", "outputs"),
    ("softmax(0)", "softmax(1)", "outputs"),
    ("softmax(0)", "log_softmax(0)", "outputs"),
    ("softmax(-1)", "softmax(2)", "identical"),
    ("prelu", "prelu(start = 0.1)", "start"),
    ("prelu", "prelu(per_channel = true)", "nothing"),
    ("groupnorm(4)", "groupnorm(2)", "outputs"),
    ("groupnorm(4)", "groupnorm(4, eps = 0.01)", "outputs"),
    ("instancenorm", "instancenorm(eps = 0.01)", "outputs"),
    ("layernorm", "layernorm(eps = 0.01)", "outputs"),
    ("maxpool(3x3, 1)", "maxpool(3x3, 1, dilation = 2, padding = 1)", "outputs"),
    ("maxpool(2x2, 2)", "maxpool(2x2, 2, ceil_mode = true)", "identical"),
    ("maxpool(3x3, 2, padding = 0)", "maxpool(3x3, 2, padding = 0, ceil_mode = true)", "outputs"),
    ("avgpool(3x3, 1)", "maxpool(3x3, 1)", "outputs"),
    ("resize(2)", "resize(2.0)", "identical"),
    ("resize(2)", 'resize(2, mode = "bilinear")', "outputs"),
    ('resize(2, mode = "bilinear")', 'resize(2, mode = "bilinear", align_corners = true)', "outputs"),
    ("conv(8, 3x3, groups = 1)", "conv(8, 3x3)", "identical"),
    ("conv(8, 3)", "conv(8, 3x3)", "identical"),
    ("conv(8, 3x3)", "conv(8, 3x3, padding = 0)", "outputs"),
    ("conv(8, 3x3, groups = 2)", "conv(4, 3x3)", "nothing"),
    ("dropout(0.1)", "drop_path(0.1)", "training"),
    ("dropout(0)", "identity", "identical"),
    ("channel_dropout(0.1)", "dropout(0.1)", "training"),
    ("batchnorm", "batchnorm(affine = false)", "partial"),
    ("batchnorm", "batchnorm(bias = constant(1))", "start"),
    ("hard_gate", "hard_gate(threshold = 0.2)", "outputs"),
    ("hard_gate", "hard_gate(straight_through = true)", "training"),
    ("global_avgpool", "global_maxpool", "outputs"),
    ("add { relu; conv(8, 1x1) }", "add { conv(8, 1x1); relu }", "names"),
    ("add { a = conv(8, 1x1); relu }", "add { relu; a = conv(8, 1x1) }", "identical"),
    ("add { a = conv(8, 1x1); relu }", "mul { a = conv(8, 1x1); relu }", "outputs"),
    ("concat { a = conv(8, 1x1); relu }", "concat { relu; a = conv(8, 1x1) }", "outputs"),
    (
        "rearrange([c, h, w] -> [h * w, c]); attention(2)",
        "rearrange([c, h, w] -> [h * w, c]); attention(4)",
        "outputs",
    ),
    (
        "rearrange([c, h, w] -> [h * w, c]); attention(2)",
        "rearrange([c, h, w] -> [h * w, c]); attention(2, dropout = 0.3)",
        "training",
    ),
)
"""Steps of a net, and what becomes of its weights in another one with other steps."""


def called(steps: str) -> Net:
    """A net that does some steps with an image of 8 channels."""
    return text(f"net n {{ input x: [8, 12, 12]\n  {steps} }}\n")
