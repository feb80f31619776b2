"""Ops that choose between values or mix them."""

from __future__ import annotations

from collections.abc import Iterator

from resdsl.ops.base import Need, Op, Reject, Text, arg, eg, op, show
from resdsl.ops.merge import Elementwise
from resdsl.sizes import Shape


@op("lerp", category="merge", arity=3)
class Lerp(Op):
    """From a first value to a second, by a weight: x * (1 - w) + y * w.

    Shape: S, S, W -> S. Each axis of the weight is equal to the values', or 1.
    Matches torch.lerp, up to rounding; weights of 0 and 1 give exactly x and y.
    """

    functional = elementwise = True
    examples = (
        eg("lerp", (64, 56, 56), (64, 56, 56), (64, 56, 56)),
        eg("lerp", (16, 32, 32), (16, 32, 32), (1, 1, 1)),
    )

    def needs(self, x: Shape, y: Shape, weight: Shape) -> Iterator[Need]:
        """The values are equal in shape, and the weight stretches to them."""
        for i, other, what in ((1, y, "the second value"), (2, weight, "the weight")):
            reject = Reject(f"{what} `{show(other)}` does not fit `{show(x)}`", i, code="shape-mismatch")
            if len(other) != len(x):
                raise reject
            for axis, (a, b) in enumerate(zip(x, other, strict=True)):
                yield Need(a, "==", b, reject, (0, i), axis, stretches=i == 2)

    def infer(self, x: Shape, y: Shape, weight: Shape) -> Shape:
        """The values' shape."""
        return x

    def text(self, x: Shape, y: Shape, weight: Shape) -> Text:
        """`x * (1 - w) + y * w`."""
        return Text("{0} * (1 - {2}) + {1} * {2}")


@op("shake", category="regularisation", arity=2)
class Shake(Elementwise):
    """A random mix a * x + (1 - a) * y for each sample in training, and the mean of x and y outside.

    Gradients are those of another mix, whose factor is drawn for itself.

    Shape: S, S -> S.
    Matches torch.lerp with such factors; "shake-shake-image" in the paper.
    """

    examples = (eg("shake", (32, 32, 32), (32, 32, 32)),)

    def text(self, x: Shape, y: Shape) -> Text:
        """`shake(x, y)` in training."""
        return Text("shake({0}, {1}) if self.training else 0.5 * ({0} + {1})")


@op("hard_gate", category="activation")
class HardGate(Op):
    """1 above a threshold and 0 elsewhere, in evaluation; the value itself in training.

    So a gate is trained as a factor and used as a decision. With `straight_through` it decides in training
    too, while gradients are those of the value.

    Shape: S -> S.
    Matches torch.gt in evaluation.
    """

    functional = True
    examples = (eg("hard_gate", (1, 1, 1)), eg("hard_gate(threshold = 0, straight_through = true)", (8,)))
    threshold: float = arg("float", "the largest value that gives 0", default=0.5)
    straight_through: bool = arg("bool", "decide in training too", default=False)

    def infer(self, x: Shape) -> Shape:
        """The input's shape."""
        return x

    def text(self, x: Shape) -> Text:
        """`x if self.training else (x > 0.5).to(x.dtype)`."""
        decision = "({0} > {threshold}).to({0}.dtype)"
        if self.straight_through:
            template = f"{decision} + ({{0}} - {{0}}.detach())"
        else:
            template = f"{{0}} if self.training else {decision}"
        return Text(template, (("threshold", self.threshold),))

    def label(self) -> str:
        """`hard gate`."""
        return "hard gate"
