"""Arithmetic on single values, and vectors of length 1."""

from __future__ import annotations

from typing import Any

from resdsl.ops.base import Op, Reject, Text, arg, axis_at, call, dim, eg, op
from resdsl.sizes import Shape


class Pointwise(Op):
    """What these share: the shape stays."""

    functional = True

    def infer(self, x: Shape) -> Shape:
        """The input's shape."""
        return x


@op("multiply", category="merge")
class Multiply(Pointwise):
    """x times a number.

    Shape: S -> S.
    Matches torch.mul.
    """

    examples = (eg("multiply(0.17)", (384, 35, 35)), eg("multiply(16)", (3, 49, 49)))
    factor: float = arg("float", "the number")

    def text(self, x: Shape) -> Text:
        """`x * 0.17`."""
        return Text("{0} * {factor}", (("factor", self.factor),))

    def label(self) -> str:
        """`× 0.17`."""
        return f"× {self.factor:g}"


@op("exp", category="activation")
class Exp(Pointwise):
    """e to the power of x.

    Shape: S -> S.
    Matches torch.exp.
    """

    examples = (eg("exp", (3, 1, 1)),)

    def text(self, x: Shape) -> Text:
        """`x.exp()`."""
        return Text("{0}.exp()")


@op("clamp", category="activation")
class Clamp(Pointwise):
    """x, but at least `low` and at most `high`, where these are given.

    Shape: S -> S.
    Matches torch.clamp.
    """

    examples = (eg("clamp(high = 4.6)", (3, 1, 1)), eg("clamp(low = 0, high = 1)", (8, 4, 4)))
    low: float | None = arg("float", "least value", default=None)
    high: float | None = arg("float", "greatest value", default=None)

    def infer(self, x: Shape) -> Shape:
        """The input's shape."""
        if self.low is None and self.high is None:
            raise Reject("needs `low`, `high` or both", None, code="missing-argument")
        return x

    def text(self, x: Shape) -> Text:
        """`x.clamp(max=4.6)`."""
        ends = (("min", self.low), ("max", self.high))
        given: tuple[tuple[str, Any], ...] = tuple((n, v) for n, v in ends if v is not None)
        return Text(f"{{0}}.clamp({', '.join(f'{n}={{{n}}}' for n, _ in given)})", given)


@op("l2norm", category="norm")
class L2Norm(Pointwise):
    """Vectors along an axis, divided by their length.

    Shape: S -> S.
    Matches torch.nn.functional.normalize.
    """

    examples = (eg("l2norm(-1)", (12, 197, 64)), eg("l2norm(0, eps = 1e-6)", (512, 38, 38)))
    axis: int = arg("int", "the axis")
    eps: float = arg("float", "least length", default=1e-12, at_least=0)

    def infer(self, x: Shape) -> Shape:
        """The input's shape."""
        axis_at(self.axis, x)
        return x

    def text(self, x: Shape) -> Text:
        """`F.normalize(x, dim=-1)`."""
        options: tuple[tuple[str, Any], ...] = (("dim", dim(self.axis)),)
        return call("F.normalize", kwargs=options + ((("eps", self.eps),) if self.eps != 1e-12 else ()))
