"""Activations with a bounded result, which act as gates, probabilities or attention."""

from __future__ import annotations

from resdsl.ops.activation import Pointwise
from resdsl.ops.base import New, Op, Reject, Text, arg, axis_at, call, dim, eg, op, show
from resdsl.sizes import Shape


@op("sigmoid", category="activation")
class Sigmoid(Pointwise):
    """1 / (1 + exp(-x)).

    Shape: S -> S.
    Matches torch.nn.Sigmoid.
    """

    examples = (eg("sigmoid", (64, 1, 1)),)
    torch_module, torch_function = "nn.Sigmoid", "torch.sigmoid"


@op("hardsigmoid", category="activation")
class Hardsigmoid(Pointwise):
    """relu6(x + 3) / 6.

    Shape: S -> S.
    Matches torch.nn.Hardsigmoid.
    """

    examples = (eg("hardsigmoid", (64, 1, 1)),)
    torch_module, torch_function = "nn.Hardsigmoid", "F.hardsigmoid"


@op("tanh", category="activation")
class Tanh(Pointwise):
    """Hyperbolic tangent.

    Shape: S -> S.
    Matches torch.nn.Tanh.
    """

    examples = (eg("tanh", (64,)),)
    torch_module, torch_function = "nn.Tanh", "torch.tanh"


@op("softplus", category="activation")
class Softplus(Pointwise):
    """log(1 + exp(beta * x)) / beta.

    Shape: S -> S.
    Matches torch.nn.Softplus.
    """

    examples = (eg("softplus(beta = 2)", (64,)),)
    torch_module, torch_function = "nn.Softplus", "F.softplus"
    beta: float = arg("float", "sharpness of the bend", default=1.0)
    threshold: float = arg("float", "beta * x from which it is x itself", default=20.0)


class AlongAxis(Op):
    """What these share: the values along an axis are seen together."""

    functional = True
    axis: int

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
    axis: int = arg("int", "the axis along which the result sums to 1")

    def module(self, x: Shape) -> New:
        """`nn.Softmax(dim=1)`."""
        return New("nn.Softmax", (), (("dim", dim(self.axis)),))

    def text(self, x: Shape) -> Text:
        """`F.softmax(x, dim=1)`."""
        return call("F.softmax", kwargs=(("dim", dim(self.axis)),))


@op("log_softmax", category="activation")
class LogSoftmax(AlongAxis):
    """Logarithm of softmax.

    Shape: S -> S.
    Matches torch.nn.LogSoftmax.
    """

    examples = (eg("log_softmax(0)", (1000,)),)
    axis: int = arg("int", "the axis along which the probabilities sum to 1")

    def module(self, x: Shape) -> New:
        """`nn.LogSoftmax(dim=1)`."""
        return New("nn.LogSoftmax", (), (("dim", dim(self.axis)),))

    def text(self, x: Shape) -> Text:
        """`F.log_softmax(x, dim=1)`."""
        return call("F.log_softmax", kwargs=(("dim", dim(self.axis)),))


@op("glu", category="activation")
class Glu(AlongAxis):
    """First half along an axis times the sigmoid of the second half.

    Shape: (2C, *) -> (C, *).
    Matches torch.nn.GLU.
    """

    examples = (eg("glu(0)", (64, 8, 8)),)
    axis: int = arg("int", "the axis that is halved")

    def infer(self, x: Shape) -> Shape:
        """Half the size along the axis."""
        axis = axis_at(self.axis, x)
        if x[axis] % 2 != 0:
            raise Reject(f"axis {axis} of `{show(x)}` does not divide into halves", "axis")
        return (*x[:axis], x[axis] // 2, *x[axis + 1 :])

    def module(self, x: Shape) -> New:
        """`nn.GLU(dim=1)`."""
        return New("nn.GLU", (), (("dim", dim(self.axis)),))

    def text(self, x: Shape) -> Text:
        """`F.glu(x, dim=1)`."""
        return call("F.glu", kwargs=(("dim", dim(self.axis)),))
