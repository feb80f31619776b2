"""Activations with a bounded result, which act as gates, probabilities or attention."""

from __future__ import annotations

from collections.abc import Iterator

from resdsl.ops.activation import Activation
from resdsl.ops.base import Need, Reject, arg, axis_at, dim, eg, op, show
from resdsl.sizes import Shape


@op("sigmoid", category="activation")
class Sigmoid(Activation):
    """1 / (1 + exp(-x)).

    Shape: S -> S.
    Matches torch.nn.Sigmoid.
    """

    examples = (eg("sigmoid", (64, 1, 1)),)
    torch_module, torch_function = "nn.Sigmoid", "torch.sigmoid"


@op("hardsigmoid", category="activation")
class Hardsigmoid(Activation):
    """relu6(x + 3) / 6.

    Shape: S -> S.
    Matches torch.nn.Hardsigmoid.
    """

    examples = (eg("hardsigmoid", (64, 1, 1)),)
    torch_module, torch_function = "nn.Hardsigmoid", "F.hardsigmoid"


@op("tanh", category="activation")
class Tanh(Activation):
    """Hyperbolic tangent.

    Shape: S -> S.
    Matches torch.nn.Tanh.
    """

    examples = (eg("tanh", (64,)),)
    torch_module, torch_function = "nn.Tanh", "torch.tanh"


@op("softplus", category="activation")
class Softplus(Activation):
    """log(1 + exp(beta * x)) / beta.

    Shape: S -> S.
    Matches torch.nn.Softplus.
    """

    examples = (eg("softplus(beta = 2)", (64,)),)
    torch_module, torch_function = "nn.Softplus", "F.softplus"
    beta: float = arg("float", "sharpness of the bend", default=1.0)
    threshold: float = arg("float", "beta * x from which it is x itself", default=20.0)


class AlongAxis(Activation):
    """What these share: the values along an axis are seen together."""

    axis: int

    def _options(self) -> tuple[tuple[str, int], ...]:
        return (("dim", dim(self.axis)),)

    def infer(self, x: Shape) -> Shape:
        """The input's shape."""
        axis_at(self.axis, x)
        return x


@op("softmax", category="activation")
class Softmax(AlongAxis):
    """exp(x), divided by its sum along an axis.

    Shape: S -> S.
    Matches torch.nn.Softmax.
    """

    examples = (eg("softmax(0)", (1000,)), eg("softmax(-1)", (12, 197, 197)))
    torch_module, torch_function = "nn.Softmax", "F.softmax"
    axis: int = arg("int", "the axis along which the result sums to 1")


@op("log_softmax", category="activation")
class LogSoftmax(AlongAxis):
    """Logarithm of softmax.

    Shape: S -> S.
    Matches torch.nn.LogSoftmax.
    """

    examples = (eg("log_softmax(0)", (1000,)),)
    torch_module, torch_function = "nn.LogSoftmax", "F.log_softmax"
    axis: int = arg("int", "the axis along which the probabilities sum to 1")


@op("glu", category="activation")
class Glu(AlongAxis):
    """First half along an axis times the sigmoid of the second half.

    Shape: (2C, *) -> (C, *).
    Matches torch.nn.GLU.
    """

    examples = (eg("glu(0)", (64, 8, 8)),)
    torch_module, torch_function = "nn.GLU", "F.glu"
    axis: int = arg("int", "the axis that is halved")

    def needs(self, x: Shape) -> Iterator[Need]:
        """The halves are equal."""
        axis = axis_at(self.axis, x)
        reject = Reject(f"axis {axis} of `{show(x)}` does not divide into halves", "axis")
        yield Need(x[axis] % 2, "==", 0, reject, axis=axis)

    def infer(self, x: Shape) -> Shape:
        """Half the size along the axis."""
        axis = axis_at(self.axis, x)
        return (*x[:axis], x[axis] // 2, *x[axis + 1 :])
