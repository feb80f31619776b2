"""Activations that look at one value at a time, and the trained one."""

from __future__ import annotations

from typing import Any, ClassVar

from resdsl.ops.base import Init, New, Op, Reject, Text, arg, arguments, call, eg, fixed, inits, keywords, op
from resdsl.sizes import Shape


class Activation(Op):
    """What most share: the shape stays, and the arguments are torch's keywords with torch's defaults."""

    functional = True
    torch_module: ClassVar[str]
    torch_function: ClassVar[str]

    def _options(self) -> tuple[tuple[str, Any], ...]:
        declared = arguments(type(self)).items()
        return keywords(**{name: (getattr(self, name), f.default) for name, (_, f) in declared})

    def infer(self, x: Shape) -> Shape:
        """The input's shape."""
        return x

    def module(self, x: Shape) -> New:
        """`nn.ReLU()`."""
        return New(self.torch_module, (), self._options())

    def text(self, x: Shape) -> Text:
        """`F.relu(x)`."""
        return call(self.torch_function, kwargs=self._options())

    def label(self) -> str:
        """The name in papers: `ReLU`."""
        return self.torch_module.removeprefix("nn.")


@op("relu", category="activation")
class Relu(Activation):
    """max(x, 0).

    Shape: S -> S.
    Matches torch.nn.ReLU.
    """

    examples = (eg("relu", (64, 56, 56)),)
    torch_module, torch_function = "nn.ReLU", "F.relu"


@op("relu6", category="activation")
class Relu6(Activation):
    """min(max(x, 0), 6).

    Shape: S -> S.
    Matches torch.nn.ReLU6.
    """

    examples = (eg("relu6", (32, 8, 8)),)
    torch_module, torch_function = "nn.ReLU6", "F.relu6"


@op("leaky_relu", category="activation")
class LeakyRelu(Activation):
    """x, times a small slope where negative.

    Shape: S -> S.
    Matches torch.nn.LeakyReLU.
    """

    examples = (eg("leaky_relu", (64,)), eg("leaky_relu(negative_slope = 0.1)", (64,)))
    torch_module, torch_function = "nn.LeakyReLU", "F.leaky_relu"
    negative_slope: float = arg("float", "slope below zero", default=0.01)


@op("elu", category="activation")
class Elu(Activation):
    """x, or alpha * (exp(x) - 1) where negative.

    Shape: S -> S.
    Matches torch.nn.ELU.
    """

    examples = (eg("elu(alpha = 0.5)", (64,)),)
    torch_module, torch_function = "nn.ELU", "F.elu"
    alpha: float = arg("float", "minus the limit far below zero", default=1.0)


@op("selu", category="activation")
class Selu(Activation):
    """ELU scaled so that activations normalise themselves.

    Shape: S -> S.
    Matches torch.nn.SELU.
    """

    examples = (eg("selu", (64,)),)
    torch_module, torch_function = "nn.SELU", "F.selu"


@op("gelu", category="activation")
class Gelu(Activation):
    """x times the normal distribution function of x.

    Shape: S -> S.
    Matches torch.nn.GELU.
    """

    examples = (eg("gelu", (197, 768)), eg('gelu(approximate = "tanh")', (197, 768)))
    torch_module, torch_function = "nn.GELU", "F.gelu"
    approximate: str = arg(
        "str", "how the distribution is computed", default="none", choices=("none", "tanh")
    )


@op("silu", category="activation")
class Silu(Activation):
    """x * sigmoid(x), also called swish.

    Shape: S -> S.
    Matches torch.nn.SiLU.
    """

    examples = (eg("silu", (64, 56, 56)),)
    torch_module, torch_function = "nn.SiLU", "F.silu"


@op("mish", category="activation")
class Mish(Activation):
    """x * tanh(softplus(x)).

    Shape: S -> S.
    Matches torch.nn.Mish.
    """

    examples = (eg("mish", (64, 56, 56)),)
    torch_module, torch_function = "nn.Mish", "F.mish"


@op("hardswish", category="activation")
class Hardswish(Activation):
    """x * relu6(x + 3) / 6.

    Shape: S -> S.
    Matches torch.nn.Hardswish.
    """

    examples = (eg("hardswish", (16, 112, 112)),)
    torch_module, torch_function = "nn.Hardswish", "F.hardswish"


@op("prelu", category="activation")
class Prelu(Op):
    """x, times a trained slope where negative.

    Shape: S -> S.
    Params: 1, or the number of channels.
    Matches torch.nn.PReLU.
    """

    examples = (eg("prelu", (64, 56, 56)), eg("prelu(per_channel = true, start = 0.1)", (64,)))
    per_channel: bool = arg("bool", "train a slope for each channel", default=False)
    start: float = arg("float", "slope before training", default=0.25)
    weight: Init | None = arg("init", "initialiser instead of `start`", default=None)

    def infer(self, x: Shape) -> Shape:
        """The input's shape."""
        self.params(x)
        return x

    def params(self, x: Shape) -> int:
        """The slopes."""
        if self.per_channel and not x:
            raise Reject("needs an input with channels, got a scalar", 0)
        return fixed(x[0], "the number of channels") if self.per_channel else 1

    def module(self, x: Shape) -> New:
        """`nn.PReLU(64)`."""
        count = self.params(x)
        return New("nn.PReLU", (), keywords(num_parameters=(count, 1), init=(self.start, 0.25)))

    def inits(self) -> tuple[tuple[str, Init], ...]:
        """The one given for `weight`."""
        return inits(weight=self.weight)

    def label(self) -> str:
        """`PReLU`."""
        return "PReLU"
