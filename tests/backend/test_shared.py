"""A block applied to maps of several sizes: one set of weights, and torch's results at each."""

from __future__ import annotations

import pytest

from resdsl.api import loads

torch = pytest.importorskip("torch")

SPEC = """\
block tower(width) {
  conv = { conv(width, 3x3, bias = true); relu } x 2
  residual { conv(width, 3x3); batchnorm } shortcut: identity
  pred = conv(9, 3x3, bias = true)
}
net heads {
  input image: [3, H, W] at [3, 64, 64]
  body = conv(16, 3x3, stride = 2, bias = true) as p3
  down = conv(16, 3x3, stride = 2, bias = true) as p4
  layer head = tower(16)
  from p3 -> apply head as a
  from p4 -> apply head as b
  from a -> flatten as c
  from b -> flatten as d
  from c, d -> concat as all
  output a, b, all
}
"""


def test_one_set_of_weights_for_all_sizes() -> None:
    net = loads(SPEC)
    module = net.module().eval()
    assert sum(p.numel() for p in module.parameters()) == net.params
    names = {name.partition(".")[0] for name, _ in module.named_parameters()}
    assert names == {"body", "down", "head"}
    for height, width in ((64, 64), (33, 50)):
        x = torch.rand(2, 3, height, width)
        found = module(x)
        p3 = module.body(x)
        p4 = module.down(p3)
        assert torch.equal(found["a"], module.head(p3))
        assert torch.equal(found["b"], module.head(p4))
        assert found["all"].shape == (2, found["a"][0].numel() + found["b"][0].numel())
        sizes = {"H": height, "W": width}
        assert net.net.graph.output_shapes[2][0].at(**sizes) == found["all"].shape[1]
