"""What specs mean that no diagnostic shows: the nets they make."""

from __future__ import annotations

import pytest

from resdsl.graph.model import Graph, Net
from resdsl.pipeline import check
from resdsl.source import Source


def nets(text: str, only: str | None = None, settings: dict[str, str] | None = None) -> dict[str, Net]:
    """The nets of a spec without mistakes and warnings."""
    checked = check(Source("test.res", text), nets=[only] if only else None, settings=settings)
    assert not checked.diagnostics
    return checked.nets


def errors(text: str, settings: dict[str, str] | None = None) -> list[str]:
    return [d.message for d in check(Source("test.res", text), settings=settings).diagnostics]


FAMILY = """
net base(width, classes = 10) {
  input image: [3, H, W] at [3, 32, 32]
  conv(width, 3x3, bias = true)
  global_avgpool; flatten; linear(classes)
}
net wide = base(64)
net twice(encoder) {
  input image: [3, H, W] at [3, 32, 32]
  layer encoder = encoder
  from image -> apply encoder
  linear(in.channels + 1)
}
"""


@pytest.mark.parametrize(
    ("encoder", "classes"),
    [
        ("wide", 10),
        ("wide(classes = 7)", 7),
        ("base(64, classes = 7)", 7),
        ("seven", 7),
        ("later", 7),
    ],
)
def test_a_member_of_a_family_is_a_recipe(encoder: str, classes: int) -> None:
    more = "let seven = wide(classes = 7)\nnet later = wide(classes = 7)\n"
    made = nets(f"{FAMILY}{more}net whole = twice({encoder})\n")["whole"]
    assert made.graph.output_shapes == ((classes + 1,),)
    made = nets(FAMILY + more, "twice", {"encoder": encoder})["twice"]
    assert made.graph.output_shapes == ((classes + 1,),)


@pytest.mark.parametrize("circle", ["net a = twice(a)", "let b = a\nnet a = twice(b)", "net a = max(a)"])
def test_a_net_that_is_given_itself(circle: str) -> None:
    assert errors(f"{FAMILY}{circle}\n") == ["net `a` is defined by itself"]


PATCHES = """
block cells(size, patch) {
  conv(8, [patch, patch], stride = patch, bias = true)
  let side = size / patch
  linear(8 * side)
  expect size % patch == 0
}
net n(size = 96, patch = 16) {
  input image: [3, size, size]
  cells(size, patch)
}
"""


def test_a_precondition_comes_before_the_body() -> None:
    assert nets(PATCHES)
    assert errors(PATCHES, {"size": "100"}) == ["`size % patch == 0` does not hold"]


def test_a_precondition_may_be_computed_from_lists() -> None:
    text = """
let widths = [8, 16]
net n(depths = [1, 1]) {
  input image: [3, 32, 32]
  for i, depth in enumerate(depths) { conv(widths[i], 3x3, bias = true) x depth }
  expect max([d for d in depths]) <= 4 and len(depths) <= len(widths)
}
"""
    assert nets(text)
    for depths in ("[1, 1, 1]", "[5, 1]"):
        (said,) = errors(text, {"depths": depths})
        assert said.endswith("does not hold")
    (said,) = errors(text, {"depths": "3"})
    assert said.startswith("`for` needs a list")


def test_what_is_no_precondition_is_checked_in_its_place() -> None:
    text = """
net n(width = 8) {
  input image: [3, 32, 32]
  conv(width, 3x3, bias = true)
  let made = in.channels
  if width > 4 { expect made == 8 }
  expect made == width and in.channels == width
}
"""
    assert nets(text, settings={"width": "4"})
    assert errors(text, {"width": "16"}) == ["`made == 8` does not hold"]


def test_let_takes_lists_apart() -> None:
    text = """
let t, _, [h, w] = [8, 1, 7x5]
let _, five = [1, 5]
block unit(shape) {
  let channels, height, _ = in.shape
  let _, _, width = in.shape
  let [a, b] = [channels, t]
  expect height == h and width == five and shape == [h, w]
  conv(a + b, 3x3, bias = true)
}
net n {
  input image: [3, 7, 5]
  unit([h, w])
}
"""
    assert nets(text)["n"].graph.output_shapes == ((11, 7, 5),)


PYRAMID = """
block extra(width) {
  p6 = conv(width, 1x1, stride = 2, bias = true)
  p7 = conv(width, 1x1, stride = 2, bias = true)
  output p6, p7
}
block pyramid(width) {
  p5 = conv(width, 1x1, bias = true)
  extra_blocks = extra(2 * width)
  output p5, extra_blocks.p6
}
net n {
  input image: [3, 32, 32]
  fpn = pyramid(8)
  from PATH -> relu
  output 1
}
"""


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("fpn.p5", (8, 32, 32)),
        ("fpn.p6", (16, 16, 16)),
        ("fpn.extra_blocks.p6", (16, 16, 16)),
        ("fpn.extra_blocks.p7", (16, 8, 8)),
    ],
)
def test_outputs_of_a_block_by_path(path: str, shape: tuple[int, ...]) -> None:
    text = PYRAMID.replace("PATH", path).replace("  output 1\n", "")
    checked = check(Source("test.res", text))
    assert checked.ok
    assert checked.nets["n"].graph.output_shapes == (shape,)


def test_an_unknown_output_of_a_block() -> None:
    text = PYRAMID.replace("PATH", "fpn.p9").replace("  output 1\n", "")
    (found,) = [d for d in check(Source("test.res", text)).diagnostics if "p9" in d.message]
    assert "`fpn.p" in found.help[0]


@pytest.mark.parametrize(("pool", "kind"), [("true", "body"), ("false", "identity")])
@pytest.mark.parametrize("name", ["", " down"])
def test_a_shortcut_that_runs_nothing_is_the_identity(name: str, pool: str, kind: str) -> None:
    text = f"""
net n(pool = {pool}) {{
  input image: [8, 32, 32]
  residual {{ conv(8, 3x3, bias = true) }} shortcut{name}: {{ if pool {{ avgpool(3x3, 1) }} }}
}}
"""
    graph: Graph = nets(text)["n"].graph
    assert [node.shortcut for node in graph.nodes() if node.shortcut] == [kind]


def test_sizes_of_zero() -> None:
    text = "net n {\n  input image: [3, 8, 8]\n  pad(1x0, after = 0)\n  pad(0x2, after = 1x0)\n}\n"
    assert nets(text)["n"].graph.output_shapes == ((3, 10, 10),)


@pytest.mark.parametrize(
    "body",
    [
        "input series: [100, 1]; linear(8)",
        "input x: [1, 50]; global_avgpool; linear(8)",
        "input x: [8, 6, 6]; global_avgpool; rearrange([c, h, w] -> [h, w, c]); linear(4)",
        "input video: [1, 16, 32, 32]; conv(8, 3x3x3, bias = true)",
        "input features: [64, 7, 3]; conv(8, 3x3, bias = true)",
        "input image: [28, 28, 1]; flatten; linear(10)",
        "input image: [28, 28, 1]; rearrange([h, w, c] -> [c, h, w]); conv(8, 3x3, bias = true)",
        "input x: [8, H, W]; concat { identity; relu; tanh }",
        "input x: [8, H, W]; add {\n identity\n { conv(8, 3x3); batchnorm }\n}",
        "input x: [8, H, W]; residual { relu } shortcut: identity -> tanh",
        "input x: [8, H, W]; residual { relu } shortcut: projection(norm = none)\n -> tanh",
    ],
)
def test_what_only_looks_like_a_mistake(body: str) -> None:
    assert nets(f"net n {{\n{body}\n}}\n")
