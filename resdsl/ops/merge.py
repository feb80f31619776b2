"""Ops that join several values."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from resdsl.ops.base import Need, Op, Reject, Text, arg, axis_at, dim, eg, op, show
from resdsl.sizes import Dim, Shape


class Elementwise(Op):
    """What addition and product share: all inputs have one shape."""

    functional = elementwise = True

    def needs(self, *xs: Shape) -> Iterator[Need]:
        """All sizes are equal."""
        return _equal(xs, None, "shapes differ")

    def infer(self, *xs: Shape) -> Shape:
        """The shape of all."""
        return xs[0]


@op("add", category="merge", arity=None, body="arms")
class Add(Elementwise):
    """Sum of all inputs.

    Shape: S, S, ... -> S. Nothing is stretched: the shapes must be equal.
    Matches torch.add.
    """

    examples = (
        eg("add", (64, 56, 56), (64, 56, 56)),
        eg("add", (10,), (10,), (10,)),
    )

    def text(self, *xs: Shape) -> Text:
        """`x + y`."""
        return Text(" + ".join(f"{{{i}}}" for i in range(len(xs))))

    def label(self) -> str:
        """`+`."""
        return "+"


@op("mul", category="merge", arity=None, body="arms")
class Mul(Elementwise):
    """Product of all inputs, element by element.

    Shape: S, S, ... -> S. Nothing is stretched: the shapes must be equal.
    Matches torch.mul.
    """

    examples = (eg("mul", (64, 56, 56), (64, 56, 56)),)

    def text(self, *xs: Shape) -> Text:
        """`x * y`."""
        return Text(" * ".join(f"{{{i}}}" for i in range(len(xs))))

    def label(self) -> str:
        """`×`."""
        return "×"


@op("concat", category="merge", arity=None, body="arms")
class Concat(Op):
    """Put the inputs one after the other along an axis, by default the channels.

    Shape: (C1, *), (C2, *), ... -> (C1 + C2 + ..., *). The other axes must be equal.
    Matches torch.cat.
    """

    functional = one_batch = True
    examples = (
        eg("concat", (64, 56, 56), (32, 56, 56)),
        eg("concat(axis = -1)", (4, 8), (4, 8), (4, 2)),
    )
    axis: int = arg("int", "the axis that grows", default=0)

    def needs(self, *xs: Shape) -> Iterator[Need]:
        """The other sizes are equal."""
        axis = axis_at(self.axis, xs[0])
        return _equal(xs, axis, f"shapes differ beside axis {axis}")

    def infer(self, *xs: Shape) -> Shape:
        """Sizes along the axis add up."""
        first = xs[0]
        axis = axis_at(self.axis, first)
        total: Dim = first[axis]
        for x in xs[1:]:
            total = total + x[axis]
        return (*first[:axis], total, *first[axis + 1 :])

    def text(self, *xs: Shape) -> Text:
        """`torch.cat([x, y], dim=1)`."""
        return Text("torch.cat([{*}], dim={dim})", (("dim", dim(self.axis)),))


class Stretching(Op):
    """What these share: size-1 axes of the second input are stretched to those of the first."""

    functional = elementwise = True
    second: ClassVar[str]

    def needs(self, value: Shape, other: Shape) -> Iterator[Need]:
        """Each size of the second is the first's, or 1."""
        reject = Reject(
            lambda: (
                f"`{self.name}` only stretches size-1 axes: the {self.second} `{show(other)}` does not fit"
                f" `{show(value)}`"
            ),
            1,
            code="shape-mismatch",
        )
        if len(value) != len(other):
            raise reject
        for axis, (v, o) in enumerate(zip(value, other, strict=True)):
            yield Need(v, "==", o, reject, (0, 1), axis, stretches=True)

    def infer(self, value: Shape, other: Shape) -> Shape:
        """The value's shape."""
        return value


@op("scale", category="merge", arity=2, body="steps")
class Scale(Stretching):
    """Multiply a value by a factor whose size-1 axes are stretched.

    With a body, the factor is what the steps make of the value.

    Shape: (C, H, W), (C, 1, 1) -> (C, H, W). Each axis of the factor is equal to the value's, or 1.
    Matches torch.mul.
    """

    examples = (
        eg("scale", (64, 56, 56), (64, 1, 1)),
        eg("scale", (64, 56, 56), (1, 56, 56)),
    )
    second = "factor"

    def text(self, value: Shape, factor: Shape) -> Text:
        """`x * factor`."""
        return Text("{0} * {1}")


@op("offset", category="merge", arity=2, body="steps")
class Offset(Stretching):
    """Add to a value an offset whose size-1 axes are stretched, such as a bias for each head.

    With a body, the offset is what the steps make of the value.

    Shape: (C, H, W), (C, 1, 1) -> (C, H, W). Each axis of the offset is equal to the value's, or 1.
    Matches torch.add.
    """

    examples = (
        eg("offset", (64, 56, 56), (64, 1, 1)),
        eg("offset", (64, 3, 49, 49), (1, 3, 49, 49)),
    )
    second = "offset"

    def text(self, value: Shape, offset: Shape) -> Text:
        """`x + offset`."""
        return Text("{0} + {1}")

    def label(self) -> str:
        """`+`."""
        return "+"


def _equal(xs: tuple[Shape, ...], beside: int | None, differ: str) -> Iterator[Need]:
    """Every size is that of the first input, but for those along the axis `beside`."""
    for i, x in enumerate(xs[1:], 1):
        if x == xs[0]:
            continue
        reject = Reject(partial(_differ, differ, xs[0], x), i, code="shape-mismatch")
        if len(x) != len(xs[0]):
            raise reject
        for axis, (a, b) in enumerate(zip(xs[0], x, strict=True)):
            if axis != beside and a != b:
                yield Need(a, "==", b, reject, (0, i), axis)


def _differ(what: str, first: Shape, other: Shape) -> str:
    return f"{what}: `{show(first)}` and `{show(other)}`"
