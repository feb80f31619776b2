"""Trading channels for positions."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from resdsl.ops.base import Need, New, Op, Reject, Text, arg, axes_of, call, eg, fixed, op
from resdsl.sizes import Shape


@op("pixel_shuffle", category="shape")
class PixelShuffle(Op):
    """Move channels into a grid of factor x factor positions.

    Shape: (C, H, W) -> (C / f**2, H * f, W * f).
    Matches torch.nn.PixelShuffle.
    """

    functional = True
    examples = (eg("pixel_shuffle(2)", (64, 14, 14)),)
    factor: int = arg("int", "positions along each axis of the grid", at_least=1)

    def infer(self, x: Shape) -> Shape:
        """Fewer channels, more positions."""
        height, width = axes_of(x, 2, 2)
        channels = fixed(x[0], "the number of channels")
        if channels % self.factor**2:
            raise Reject(f"{channels} channels do not divide into {self.factor**2}", "factor")
        return (channels // self.factor**2, height * self.factor, width * self.factor)

    def window(self, x: Shape) -> tuple[tuple[int, int | Fraction], ...]:
        """Single positions."""
        return ((1, Fraction(1, self.factor)),) * 2

    def module(self, x: Shape) -> New:
        """`nn.PixelShuffle(2)`."""
        return New("nn.PixelShuffle", (self.factor,))

    def text(self, x: Shape) -> Text:
        """`F.pixel_shuffle(x, 2)`."""
        return call("F.pixel_shuffle", self.factor)


@op("pixel_unshuffle", category="shape")
class PixelUnshuffle(Op):
    """Move each grid of factor x factor positions into channels.

    Shape: (C, H, W) -> (C * f**2, H / f, W / f).
    Matches torch.nn.PixelUnshuffle.
    """

    functional = True
    examples = (eg("pixel_unshuffle(2)", (16, 28, 28)),)
    factor: int = arg("int", "positions along each axis of the grid", at_least=1)

    def needs(self, x: Shape) -> Iterator[Need]:
        """The grid covers the input."""
        for axis, size in enumerate(axes_of(x, 2, 2), 1):
            reject = Reject(f"`{size}` positions do not divide by {self.factor}", "factor")
            yield Need(size % self.factor, "==", 0, reject, axis=axis)

    def infer(self, x: Shape) -> Shape:
        """More channels, fewer positions."""
        axes_of(x, 2, 2)
        return (x[0] * self.factor**2, *(size // self.factor for size in x[1:]))

    def window(self, x: Shape) -> tuple[tuple[int, int | Fraction], ...]:
        """One cell of the grid."""
        return ((self.factor, self.factor),) * 2

    def module(self, x: Shape) -> New:
        """`nn.PixelUnshuffle(2)`."""
        return New("nn.PixelUnshuffle", (self.factor,))

    def text(self, x: Shape) -> Text:
        """`F.pixel_unshuffle(x, 2)`."""
        return call("F.pixel_unshuffle", self.factor)
