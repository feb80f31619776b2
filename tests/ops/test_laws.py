"""What holds for every op, with its examples; no torch needed."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resdsl.ops import OPS
from resdsl.ops.base import Op, Reject, arguments
from resdsl.sizes import Dim, NotClosed, Shape, shape_at, variable

from .calls import drawn, inputs, read
from .text import created, source

EXAMPLES = [(read(eg.call), eg.inputs) for cls in OPS.values() for eg in cls.examples]
NAMES = [eg.call for cls in OPS.values() for eg in cls.examples]

each_op = pytest.mark.parametrize("cls", OPS.values(), ids=OPS)
each_example = pytest.mark.parametrize(("op", "shapes"), EXAMPLES, ids=NAMES)


@each_op
def test_documented(cls: type[Op]) -> None:
    doc = inspect.getdoc(cls) or ""
    lines = doc.splitlines()
    assert lines[0].endswith("."), "a summary line"
    assert "Shape: " in doc
    assert "Matches torch" in doc
    for name, (declared, _) in arguments(cls).items():
        assert declared.doc, f"{name} is not documented"
        assert not declared.doc.endswith("."), name
    assert cls.examples
    examples = [(read(e.call), e.inputs) for e in cls.examples]
    assert all(type(op) is cls for op, _ in examples)
    assert ("Params: " in doc) == any(op.params(*xs) for op, xs in examples)
    assert ("MACs: " in doc) == any(op.macs(*xs) for op, xs in examples)


@each_example
def test_text_is_python(op: Op, shapes: tuple[Shape, ...]) -> None:
    text = source(op.text(*shapes), len(shapes))
    ast.parse(text, mode="eval")
    assert text == source(op.text(*shapes), len(shapes))
    assert ("{self}(" in op.text(*shapes).template) == (not op.functional)
    new = op.module(*shapes)
    if new is not None:
        ast.parse(created(new), mode="eval")
    assert new is not None or op.functional
    assert op.label()


@each_example
def test_one_answer(op: Op, shapes: tuple[Shape, ...]) -> None:
    outputs = op.shapes(*shapes)
    assert outputs[0] == op.infer(*shapes)
    field = op.window(*shapes)
    assert field is None or field == () or len(field) == len(shapes[0]) - 1
    assert hash(op) == hash(read(NAMES[EXAMPLES.index((op, shapes))]))


@each_example
def test_symbolic_examples(op: Op, shapes: tuple[Shape, ...]) -> None:
    check_symbolic(op, shapes, (1, 2, 3, 5, 7, 8, 15, 16, 31, 64, 225))


@each_op
@given(st.data())
@settings(max_examples=30, deadline=None, derandomize=True)
def test_symbolic(cls: type[Op], data: st.DataObject) -> None:
    check_symbolic(data.draw(drawn(cls)), data.draw(inputs(cls.arity)), range(1, 10))


def check_symbolic(op: Op, shapes: tuple[Shape, ...], sizes: range | tuple[int, ...]) -> None:
    """Where a shape is inferred with sizes left open, it is right for every size that is accepted."""
    for freed in ({0}, {1}, {2}, {1, 2}, {1, 2, 3}):
        symbolic = tuple(_free(shape, shapes[0], freed) for shape in shapes)
        try:
            general = op.shapes(*symbolic)
        except (Reject, NotClosed):
            continue
        for size in sizes:
            values = {f"v{i}": size + i for i in range(6)}
            actual = tuple(shape_at(shape, values) for shape in symbolic)
            try:
                expected = op.shapes(*actual)
            except Reject:
                continue
            assert tuple(shape_at(shape, values) for shape in general) == expected, (symbolic, size)


def _free(shape: Shape, first: Shape, axes: set[int]) -> Shape:
    """A shape with a variable on some axes, where it agrees with the first."""
    dims: list[Dim] = list(shape)
    for i in axes:
        if i < len(shape) and i < len(first) and shape[i] == first[i]:
            dims[i] = variable(f"v{i}")
    return tuple(dims)


def test_ops_do_not_import_torch() -> None:
    check = "import sys, resdsl.ops; assert not {'torch', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
