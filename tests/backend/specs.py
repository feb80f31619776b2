"""Nets of the bundled specs and of small texts, for the tests of the backend."""

from __future__ import annotations

from functools import cache

import pytest

from resdsl import resources
from resdsl.elaborate.files import read_source
from resdsl.graph.model import Net
from resdsl.pipeline import check
from resdsl.source import Source

RESIDUAL = """edition 2026
block basic(width, stride = 1) {
  residual {
    conv1 = conv(width, 3x3, stride = stride); bn1 = batchnorm; relu
    conv2 = conv(width, 3x3); bn2 = batchnorm
  } shortcut downsample: identity else projection
  relu
}
net n {
  input x: [3, H, W]
  conv1 = conv(16, 3x3); bn1 = batchnorm; relu
  layer1 = basic(16) x 3
  layer2 = basic(32, stride = 2 then 1) x 3
  global_avgpool; flatten
  fc = linear(10)
}"""
"""A small residual net."""


@cache
def bundled(file: str, name: str) -> Net:
    """A net of `specs/FILE.res`; skips while there is none."""
    path = resources.specs() / f"{file}.res"
    if not path.exists():
        pytest.skip(f"no {path.name}")
    checked = check(read_source(path, path.name), path, [name])
    assert checked.ok, checked.diagnostics
    return checked.nets[name]


def net(text: str, name: str = "n") -> Net:
    """A net of a text."""
    checked = check(Source("test.res", text))
    assert checked.ok, [d.message for d in checked.diagnostics]
    return checked.nets[name]
