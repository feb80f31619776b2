"""Fully connected layers."""

from __future__ import annotations

from math import prod

from resdsl.ops.base import Init, New, Op, Reject, Text, arg, eg, fixed, inits, keywords, op
from resdsl.sizes import Shape


@op("linear", category="linear")
class Linear(Op):
    """Fully connected layer on the last axis.

    Features in `unbiased` have no bias, although one is stored: the keys of Swin Transformer V2.

    Shape: (*, F) -> (*, out).
    Params: F * out, plus out with a bias.
    MACs: F * out at every position of the other axes.
    Matches torch.nn.Linear.
    """

    examples = (
        eg("linear(1000)", (2048,)),
        eg("linear(3072, bias = false)", (197, 768)),
        eg("linear(10, weight = normal(std = 0.01), bias = zeros)", (64,)),
        eg("linear(288, unbiased = [96, 192])", (49, 96)),
    )
    out: int = arg("int", "output features", at_least=1)
    bias: bool | Init = arg("bias", "add a learned value per feature; an initialiser adds one", default=True)
    weight: Init | None = arg("init", "initialiser of the weight; by default torch's", default=None)
    unbiased: tuple[int, ...] = arg("axes", "the first feature without bias, and the first after", default=())

    def _features(self, x: Shape) -> int:
        if not x:
            raise Reject("needs an input with features, got a scalar", 0)
        if self.unbiased and (self.bias is False or not _within(self.unbiased, self.out)):
            raise Reject("`unbiased` is a range of features that have a bias, as in [8, 16]", "unbiased")
        return fixed(x[-1], "the number of input features", "pool to a fixed size first")

    def infer(self, x: Shape) -> Shape:
        """The last axis becomes `out`."""
        self._features(x)
        return (*x[:-1], self.out)

    def params(self, x: Shape) -> int:
        """Weight, and bias if any."""
        return self._features(x) * self.out + (self.out if self.bias is not False else 0)

    def macs(self, x: tuple[int, ...]) -> int:
        """Every weight at every position."""
        return prod(x) * self.out

    def module(self, x: Shape) -> New:
        """`nn.Linear(2048, 1000)`."""
        options = keywords(bias=(self.bias is not False, True))
        return New("nn.Linear", (self._features(x), self.out), options)

    def inits(self) -> tuple[tuple[str, Init], ...]:
        """Those given for `weight` and `bias`."""
        return inits(weight=self.weight, bias=self.bias)

    def text(self, x: Shape) -> Text:
        """Calls the module; with a part of its bias, `F.linear`."""
        if not self.unbiased:
            return super().text(x)
        literals = tuple(zip(("start", "stop"), self.unbiased, strict=True))
        return Text("F.linear({0}, {self}.weight, unbiased({self}.bias, {start}, {stop}))", literals)

    def label(self) -> str:
        """`fc 1000`."""
        return f"fc {self.out}"


def _within(part: tuple[int, ...], size: int) -> bool:
    return len(part) == 2 and 0 <= part[0] < part[1] <= size
