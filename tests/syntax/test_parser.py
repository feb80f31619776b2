"""The tree holds what was written, and each part knows its place."""

from dataclasses import fields, is_dataclass

import pytest

from resdsl.diagnostics.model import Sink
from resdsl.source import Source, Span
from resdsl.syntax import ast
from resdsl.syntax.parser import parse

TEXT = """\
## A file.
edition 2026
use "blocks.res" { cna, squeeze }
use std.blocks { up, }
## A value.
let width = 64 * 2 ** 3 - 1
block one(width, size = 3x3) {
  conv1 = conv(width, size) -> relu as y, z
  residual { relu } shortcut down: identity else projection(norm = none)
  residual shortcut: { relu } { gelu }
  "layer{width + 1}": [64, _] = one(64, stride = 2 then 1) x (3 + 1)
}
net two {
  input image: [3, H, W], mask where H % 32 == 0, W > -3 at [3, 224, 224]
  param token: [batch, 1] = zeros
  buffer table: [4]
  init conv.weight = normal(std = 0.02)
  stage conv2_x: [64] { body = one(64) until layer4 }
  layer head = linear(10)
  for i, [d, e] in enumerate([2 * d for d in depths[1:]]) { concat(axis = 0) { from p, q.r; apply head } }
  if n > 3 and not b { relu } else if a or c { gelu } else { identity }
  rearrange([h * w] -> [h, w], n = a if b else in[-1])
  output x, y if training
  expect params == 1_000 at [3, 32, 32]
  expect head: [10]
}
net three = two(1.5e3, true) { expect macs > 1 }
"""

SPANS = {
    "Edition": ["edition 2026"],
    "Use": ['use "blocks.res" { cna, squeeze }', "use std.blocks { up, }"],
    "Let": ["let width = 64 * 2 ** 3 - 1"],
    "Param": ["width", "size = 3x3"],
    "Residual": [
        "residual { relu } shortcut down: identity else projection(norm = none)",
        "residual shortcut: { relu } { gelu }",
    ],
    "Shortcut": ["shortcut down: identity else projection(norm = none)", "shortcut: { relu }"],
    "Text": ['"blocks.res"', '"layer{width + 1}"'],
    "Schedule": ["2 then 1"],
    "Mapping": ["[h * w] -> [h, w]"],
    "Conditional": ["a if b else in[-1]"],
    "Arriving": ["in"],
    "Slice": ["1:"],
    "Unary": ["-3", "not b", "-1"],
    "PortDecl": ["image: [3, H, W]", "mask"],
    "Input": ["input image: [3, H, W], mask where H % 32 == 0, W > -3 at [3, 224, 224]"],
    "State": ["param token: [batch, 1] = zeros", "buffer table: [4]"],
    "Init": ["init conv.weight = normal(std = 0.02)"],
    "Stage": ["stage conv2_x: [64] { body = one(64) until layer4 }"],
    "Layer": ["layer head = linear(10)"],
    "For": [
        "for i, [d, e] in enumerate([2 * d for d in depths[1:]]) { concat(axis = 0) { from p, q.r; apply head } }"
    ],
    "Targets": ["[d, e]"],
    "Comprehension": ["[2 * d for d in depths[1:]]"],
    "WithBody": ["concat(axis = 0) { from p, q.r; apply head }"],
    "From": ["from p, q.r"],
    "Apply": ["apply head"],
    "If": [
        "if n > 3 and not b { relu } else if a or c { gelu } else { identity }",
        "if a or c { gelu } else { identity }",
    ],
    "Output": ["output x, y if training"],
    "Expect": ["expect params == 1_000 at [3, 32, 32]", "expect head: [10]", "expect macs > 1"],
    "Family": ["net three = two(1.5e3, true) { expect macs > 1 }"],
    "SizeLit": ["3x3"],
    "Path": ["std.blocks", "conv.weight", "q.r"],
}


def _parse(text: str) -> ast.File:
    sink = Sink()
    file = parse(Source("spec.res", text), sink)
    assert file is not None, sink.items
    assert not sink.items
    return file


def _nodes(value):
    if isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)
    elif is_dataclass(value) and not isinstance(value, Span):
        yield value
        for field in fields(value):
            yield from _nodes(getattr(value, field.name))


@pytest.mark.parametrize("kind", SPANS)
def test_spans(kind):
    nodes = [node for node in _nodes(_parse(TEXT)) if type(node).__name__ == kind]
    assert {node.span.text for node in nodes} == set(SPANS[kind])


def test_every_kind_of_node_is_in_the_text():
    kinds = {type(node).__name__ for node in _nodes(_parse(TEXT))}
    assert kinds == {name for name, kind in vars(ast).items() if is_dataclass(kind) and name != "Span"}


def test_inner_parts_lie_inside():
    for node in _nodes(_parse(TEXT)):
        assert node.span.text.strip() == node.span.text or isinstance(node, ast.File)
        for field in fields(node):
            for inner in _nodes(getattr(node, field.name)):
                assert node.span.start <= inner.span.start <= inner.span.end <= node.span.end


def _let(text: str) -> ast.Expr:
    (let,) = _parse(f"let a = {text}\n").items
    assert isinstance(let, ast.Let)
    return let.value


@pytest.mark.parametrize(
    ("text", "grouped"),
    [
        ("1 - 2 - 3", "(1 - 2) - 3"),
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("-2 ** 2", "-(2 ** 2)"),
        ("2 ** 3 ** 2", "2 ** (3 ** 2)"),
        ("2 ** -1", "2 ** (-1)"),
        ("a or b and not c == d", "a or (b and (not (c == d)))"),
        ("a if b else c if d else e", "a if b else (c if d else e)"),
        ("x[0][1]", "(x[0])[1]"),
    ],
)
def test_precedence(text, grouped):
    assert _let(text) == _let(grouped)


def test_slices():
    for text, start, stop in [("a[1:]", 1, None), ("a[:2]", None, 2), ("a[1:2]", 1, 2), ("a[:]", None, None)]:
        index = _let(text)
        assert isinstance(index, ast.Index)
        assert isinstance(index.index, ast.Slice)
        values = [part and part.value for part in (index.index.start, index.index.stop)]
        assert values == [start, stop]


def test_soft_words_are_names():
    file = _parse(
        "net a { x = conv(x, at = 3); from x -> x(2) x 3; until until then; shortcut = where as as }\n"
    )
    assert len(file.items[0].body.statements) == 4


def test_docs():
    file = _parse(
        "## File.\n## More.\n\n## One.\nlet a = 1\n# no doc\nlet b = 2\n\n"
        "block c {\n  ## In.\n  let d = 3\n}\n"
    )
    assert file.doc == "File.\nMore."
    a, b, c = file.items
    assert (a.doc, b.doc, c.doc) == ("One.", None, None)
    assert c.body.statements[0].doc == "In."


def test_numbers_beyond_reason():
    for text in ["1" * 30, "1" * 5000, "9x" * 3 + "9" * 30, "1e999"]:
        sink = Sink()
        assert parse(Source("spec.res", f"let a = {text}\n"), sink) is not None
        assert [d.code.slug for d in sink.items] == ["bad-value"]
