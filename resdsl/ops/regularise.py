"""Noise in training."""

from __future__ import annotations

from typing import ClassVar

from resdsl.ops.base import New, Op, Text, arg, axes_of, eg, op
from resdsl.sizes import Shape


class Noise(Op):
    """What these share: shapes stay, and outside training nothing happens."""

    functional = True
    p: float
    word: ClassVar[str]

    def infer(self, x: Shape) -> Shape:
        """The input's shape."""
        return x

    def label(self) -> str:
        """`dropout 0.5`."""
        return f"{self.word} {self.p:g}"


@op("dropout", category="regularisation")
class Dropout(Noise):
    """Set each value to zero with probability p in training, and enlarge the rest by 1 / (1 - p).

    Shape: S -> S.
    Matches torch.nn.Dropout.
    """

    examples = (eg("dropout(0.5)", (4096,)), eg("dropout(0.1)", (197, 768)))
    word = "dropout"
    p: float = arg("float", "probability of a zero", at_least=0, at_most=1)

    def module(self, x: Shape) -> New:
        """`nn.Dropout(0.5)`."""
        return New("nn.Dropout", (self.p,))

    def text(self, x: Shape) -> Text:
        """`F.dropout(x, 0.5, self.training)`."""
        return Text("F.dropout({0}, {p}, self.training)", (("p", self.p),))


@op("channel_dropout", category="regularisation")
class ChannelDropout(Noise):
    """Set whole channels to zero with probability p in training, and enlarge the rest by 1 / (1 - p).

    Shape: (C, *) -> (C, *), with 1 to 3 spatial axes.
    Matches torch.nn.Dropout1d, torch.nn.Dropout2d, torch.nn.Dropout3d.
    """

    examples = (eg("channel_dropout(0.2)", (64, 8, 8)), eg("channel_dropout(0.2)", (64, 8)))
    word = "channel dropout"
    p: float = arg("float", "probability that a channel is zero", at_least=0, at_most=1)

    def infer(self, x: Shape) -> Shape:
        """The input's shape."""
        axes_of(x)
        return x

    def module(self, x: Shape) -> New:
        """`nn.Dropout2d(0.2)`."""
        return New(f"nn.Dropout{len(x) - 1}d", (self.p,))

    def text(self, x: Shape) -> Text:
        """`F.dropout2d(x, 0.2, self.training)`."""
        return Text(f"F.dropout{len(x) - 1}d({{0}}, {{p}}, self.training)", (("p", self.p),))


@op("drop_path", category="regularisation")
class DropPath(Noise):
    """Stochastic depth: set whole samples to zero with probability p in training.

    The rest are enlarged by 1 / (1 - p). At the end of a residual's body it skips the body.

    Shape: S -> S.
    Matches torchvision.ops.StochasticDepth in its "row" mode.
    """

    examples = (eg("drop_path(0.2)", (64, 56, 56)), eg("drop_path(0)", (197, 768)))
    word = "drop path"
    p: float = arg("float", "probability that a sample is zero", at_least=0, at_most=1)

    def text(self, x: Shape) -> Text:
        """The input times a random row of 0 and 1 / (1 - p)."""
        if self.p == 0:
            return Text("{0}")
        size = ", ".join(["{0}.shape[0]", *("1" for _ in x)])
        keep = 1.0 - self.p
        noise = f"{{0}}.new_empty({size}).bernoulli_({{keep}})" + (".div_({keep})" if keep else "")
        return Text(f"{{0}} * {noise} if self.training else {{0}}", (("keep", keep),))
