"""What holds for every op, with its examples; no torch needed."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resdsl.ops import OPS
from resdsl.ops.base import Need, Op, Reject, arguments
from resdsl.sizes import Dim, NotClosed, Shape, evaluate, shape_at, variable

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
    assert ("{self}" in op.text(*shapes).template) == (not op.functional)
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
    for made in MADE:
        check_symbolic(op, shapes, made, (1, 2, 3, 5, 7, 8, 15, 16, 31, 64, 225))


@each_op
@given(st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_symbolic(cls: type[Op], data: st.DataObject) -> None:
    op, shapes = data.draw(drawn(cls)), data.draw(inputs(cls.arity))
    check_symbolic(op, shapes, data.draw(st.sampled_from(MADE)), range(1, 10))


MADE: tuple[Callable[[Dim], Dim], ...] = (lambda v: v, lambda v: v // 2 + 1, lambda v: v * 2, lambda v: v + 1)
"""Sizes of the inputs after the first, where that of the first varies."""


def check_symbolic(
    op: Op, shapes: tuple[Shape, ...], made: Callable[[Dim], Dim], sizes: Iterable[int]
) -> None:
    """With sizes left open, an op takes exactly what it takes of each size, and infers its shape."""
    for freed in ({0}, {1}, {2}, {1, 2}, {1, 2, 3}):
        symbolic = tuple(
            _free(shape, shapes[0], freed, made if i else MADE[0]) for i, shape in enumerate(shapes)
        )
        rejected = None
        try:
            needs, general = list(op.needs(*symbolic)), op.shapes(*symbolic)
        except NotClosed:
            continue
        except Reject as reject:
            if reject.code == "varying-size":
                continue
            rejected = reject
        for size in sizes:
            values = {f"v{i}": max(1, size + i - 1) for i in range(6)}
            try:
                expected = op.shapes(*(shape_at(shape, values) for shape in symbolic))
            except Reject as reject:
                expected, reason = None, reject
            if rejected is not None:
                assert expected is None, (symbolic, size, rejected.message)
                continue
            outputs = tuple(shape_at(shape, values) for shape in general)
            met = not any(_at(need, values).fails for need in needs)
            if not met or any(d < 1 for shape in outputs for d in shape):
                assert expected is None, (symbolic, size)
            elif expected is not None or not _unsaid(op, symbolic[0]):
                assert expected == outputs, (symbolic, size, expected is None and reason.message)


def _unsaid(op: Op, shape: Shape) -> bool:
    """Whether a norm needs several positions along one of several axes, which is no condition on one size."""
    return op.name in ("groupnorm", "instancenorm") and sum(d != 1 for d in shape[1:]) > 1


def _at(need: Need, values: dict[str, int]) -> Need:
    """What is needed at given input sizes."""
    return replace(need, left=evaluate(need.left, values), right=evaluate(need.right, values))


def _free(shape: Shape, first: Shape, axes: set[int], made: Callable[[Dim], Dim]) -> Shape:
    """A shape with sizes that vary on some axes, where it agrees with the first."""
    dims: list[Dim] = list(shape)
    for i in axes:
        if i < len(shape) and i < len(first) and shape[i] == first[i]:
            dims[i] = made(variable(f"v{i}"))
    return tuple(dims)


def test_ops_do_not_import_torch() -> None:
    check = "import sys, resdsl.ops; assert not {'torch', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
