"""Pooling to a given size, and over everything."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from resdsl.ops.base import New, Op, Text, Window, arg, axes_of, by, call, eg, one, op, spread
from resdsl.ops.geometry import pieces
from resdsl.sizes import Shape


class Global(Op):
    """What the global pools share."""

    functional = True
    kind: ClassVar[str]

    def infer(self, x: Shape) -> Shape:
        """Every spatial axis becomes 1."""
        spatial = axes_of(x)
        return (x[0], *(1 for _ in spatial))

    def window(self, x: Shape) -> None:
        """The whole input."""

    def module(self, x: Shape) -> New:
        """`nn.AdaptiveAvgPool2d(1)`."""
        return New(f"nn.Adaptive{self.kind.title()}Pool{len(x) - 1}d", (1,))

    def text(self, x: Shape) -> Text:
        """`F.adaptive_avg_pool2d(x, 1)`."""
        return call(f"F.adaptive_{self.kind}_pool{len(x) - 1}d", 1)

    def label(self) -> str:
        """`global avg pool`."""
        return f"global {self.kind} pool"


@op("global_avgpool", category="pool")
class GlobalAvgPool(Global):
    """Mean of each channel over all positions.

    Shape: (C, H, W) -> (C, 1, 1).
    Matches torch.nn.AdaptiveAvgPool1d, torch.nn.AdaptiveAvgPool2d, torch.nn.AdaptiveAvgPool3d.
    """

    examples = (eg("global_avgpool", (512, 7, 7)), eg("global_avgpool", (8, 50)))
    kind = "avg"


@op("global_maxpool", category="pool")
class GlobalMaxPool(Global):
    """Largest value of each channel over all positions.

    Shape: (C, H, W) -> (C, 1, 1).
    Matches torch.nn.AdaptiveMaxPool1d, torch.nn.AdaptiveMaxPool2d, torch.nn.AdaptiveMaxPool3d.
    """

    examples = (eg("global_maxpool", (512, 7, 7)), eg("global_maxpool", (8, 5, 6, 7)))
    kind = "max"


@op("adaptive_avgpool", category="pool")
class AdaptiveAvgPool(Op):
    """Mean over windows as large as it takes to give the size asked for.

    Shape: (C, H, W) -> (C, h, w) with h, w = size.
    Matches torch.nn.AdaptiveAvgPool1d, torch.nn.AdaptiveAvgPool2d, torch.nn.AdaptiveAvgPool3d.
    """

    functional = True
    examples = (eg("adaptive_avgpool(7x7)", (512, 16, 13)), eg("adaptive_avgpool(6)", (8, 50)))
    size: Window = arg("size", "output size", at_least=1)

    def infer(self, x: Shape) -> Shape:
        """The spatial axes become `size`."""
        sizes = spread(self.size, len(axes_of(x)), "size")
        return (x[0], *sizes)

    def window(self, x: Shape) -> tuple[tuple[int, int | Fraction], ...] | None:
        """The largest of the windows; everything if the input size varies."""
        sizes = zip(x[1:], spread(self.size, len(x) - 1, "size"), strict=True)
        found = [pieces(h, parts) for h, parts in sizes]
        known = tuple(piece for piece in found if piece is not None)
        return known if len(known) == len(found) else None

    def module(self, x: Shape) -> New:
        """`nn.AdaptiveAvgPool2d(7)`."""
        return New(f"nn.AdaptiveAvgPool{len(x) - 1}d", (one(self.size),))

    def text(self, x: Shape) -> Text:
        """`F.adaptive_avg_pool2d(x, 7)`."""
        return call(f"F.adaptive_avg_pool{len(x) - 1}d", one(self.size))

    def label(self) -> str:
        """`avg pool to 7x7`."""
        return f"avg pool to {by(self.size)}"
