"""Ops that make one value of all along an axis."""

from __future__ import annotations

from typing import ClassVar

from resdsl.ops.base import Op, Text, arg, axis_at, dim, eg, op
from resdsl.sizes import Shape


class Reduce(Op):
    """What these share: an axis goes away, or keeps size 1."""

    functional = True
    torch_method: ClassVar[str]
    axis: int
    keep: bool

    def infer(self, x: Shape) -> Shape:
        """The other axes."""
        axis = axis_at(self.axis, x)
        return (*x[:axis], *((1,) if self.keep else ()), *x[axis + 1 :])

    def window(self, x: Shape) -> tuple[()] | None:
        """Each position, where only channels are reduced."""
        return () if self.keep and axis_at(self.axis, x) == 0 else None

    def text(self, x: Shape) -> Text:
        """`x.mean(1, keepdim=True)`."""
        keep = ", keepdim=True" if self.keep else ""
        return Text(f"{{0}}.{self.torch_method}({{dim}}{keep})", (("dim", dim(self.axis)),))


@op("mean", category="pool")
class Mean(Reduce):
    """Mean of the values along an axis.

    Shape: (N, F) -> (F) for `axis` = 0.
    Matches torch.mean.
    """

    examples = (eg("mean(0)", (197, 768)), eg("mean(0, keep = true)", (64, 56, 56)))
    torch_method = "mean"
    axis: int = arg("int", "the axis")
    keep: bool = arg("bool", "keep the axis, with size 1", default=False)


@op("amax", category="pool")
class Amax(Reduce):
    """Largest of the values along an axis.

    Shape: (N, F) -> (F) for `axis` = 0.
    Matches torch.amax.
    """

    examples = (eg("amax(-1)", (8, 4, 16)), eg("amax(0, keep = true)", (64, 56, 56)))
    torch_method = "amax"
    axis: int = arg("int", "the axis")
    keep: bool = arg("bool", "keep the axis, with size 1", default=False)
