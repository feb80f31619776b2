"""Changing the number of positions by interpolation."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import Any

from resdsl.ops.base import Need, New, Op, Reject, Text, arg, axes_of, call, eg, keywords, op, show, spread
from resdsl.ops.geometry import pieces
from resdsl.sizes import Dim, Product, Shape, Size

AXES = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
MODES = ("nearest", "nearest-exact", "area", *AXES)
MOST_PARTS = 1 << 10
REACH = {"nearest": 1, "nearest-exact": 1, "bicubic": 4}


def check_mode(mode: str, align_corners: bool, rank: int) -> None:
    """Reject a mode for another number of axes, and aligned corners where a mode has none."""
    if AXES.get(mode, rank) != rank:
        raise Reject(f"`{mode}` is for {AXES[mode]} spatial axes, the input has {rank}", "mode")
    if align_corners and mode not in AXES:
        raise Reject(f"`{mode}` has no corners to align", "align_corners")


def reach(mode: str, sizes: Shape, targets: Shape) -> tuple[tuple[int, int | Fraction], ...] | None:
    """What an output position sees; None where sizes vary."""
    found = []
    for size, target in zip(sizes, targets, strict=True):
        if not isinstance(size, int) or not isinstance(target, int):
            return None
        piece = pieces(size, target)
        assert piece is not None
        found.append(piece if mode == "area" else (REACH.get(mode, 2), Fraction(size, target)))
    return tuple(found)


@op("resize", category="shape")
class Resize(Op):
    """Interpolate to a size, or by a factor.

    Shape: (C, H, W) -> (C, h, w) for size = hxw, (C, floor(f * H), floor(f * W)) for size = f.
    Matches torch.nn.Upsample.
    """

    functional = True
    examples = (
        eg("resize(2)", (256, 7, 7)),
        eg("resize(0.5)", (8, 7, 8)),
        eg('resize(14x20, mode = "bilinear")', (8, 7, 9)),
        eg('resize(4, mode = "linear", align_corners = true)', (8, 7)),
    )
    size: float | tuple[Dim, ...] = arg("value", "a factor, or the output size of each axis")
    mode: str = arg("str", "how values between positions are made", default="nearest", choices=MODES)
    align_corners: bool = arg("bool", "keep the corner values in place", default=False)

    def needs(self, x: Shape) -> Iterator[Need]:
        """A factor leaves something."""
        if not isinstance(self.size, int | float):
            return
        least = ceil(1 / self._factor(self.size))
        for axis, size in enumerate(axes_of(x), 1):
            message = f"nothing is left of {size} times {self.size:g}"
            reject = Reject(message, "size", "use a larger input or factor", code="input-too-small")
            yield Need(size, ">=", least, reject, axis=axis)

    def infer(self, x: Shape) -> Shape:
        """The spatial axes become `size`, or are multiplied by it, rounding down."""
        spatial = axes_of(x)
        check_mode(self.mode, self.align_corners, len(spatial))
        if not isinstance(self.size, int | float):
            return (x[0], *self._sizes(len(spatial)))
        factor = self._factor(self.size)
        return (x[0], *(d * factor.numerator // factor.denominator for d in spatial))

    @staticmethod
    def _factor(size: float) -> Fraction:
        """The factor, if torch computes sizes with it exactly: it multiplies in floating point."""
        if isinstance(size, bool) or size <= 0:
            raise Reject(f"`size` = {size} is no factor", "size")
        factor = Fraction(size)
        if factor.denominator > MOST_PARTS:
            raise Reject(
                f"the factor {size:g} is no binary fraction, so that rounding would decide on the sizes",
                "size",
                "write a factor like 0.5, 0.75 or 2, the output size, or `resize_like`",
            )
        return factor

    def _sizes(self, rank: int) -> tuple[int, ...]:
        """The output sizes, which do not depend on the input."""
        if not isinstance(self.size, tuple):
            raise Reject("`size` must be a factor like 2 or a size like 14x14, without quotes", "size")
        for d in self.size:
            if isinstance(d, Size | Product):
                raise Reject(
                    f"`size` must be fixed, but is `{d}`",
                    "size",
                    "`resize_like` takes the size of another value",
                    code="varying-size",
                )
            if type(d) is not int or d < 1:
                raise Reject(f"`size` must be made of positive integers, but has {d}", "size")
        return spread(self.size, rank, "size")  # type: ignore[arg-type]

    def window(self, x: Shape) -> tuple[tuple[int, int | Fraction], ...] | None:
        """The neighbours that are interpolated; everything where they vary."""
        if isinstance(self.size, tuple) or (self.mode == "area" and self.size % 1):
            return reach(self.mode, x[1:], self.infer(x)[1:])
        size = REACH.get(self.mode, 1 if self.mode == "area" else 2)
        return ((size, 1 / Fraction(self.size)),) * (len(x) - 1)

    def _options(self) -> tuple[tuple[str, Any], ...]:
        size = ("size" if isinstance(self.size, tuple) else "scale_factor", self.size)
        rest = keywords(mode=(self.mode, "nearest"), align_corners=(self.align_corners, False))
        return (size, *rest)

    def module(self, x: Shape) -> New:
        """`nn.Upsample(scale_factor=2)`."""
        return New("nn.Upsample", (), self._options())

    def text(self, x: Shape) -> Text:
        """`F.interpolate(x, scale_factor=2)`."""
        return call("F.interpolate", kwargs=self._options())

    def label(self) -> str:
        """`resize to 14×14`."""
        if isinstance(self.size, tuple):
            return f"resize to {'×'.join(map(str, self.size))}"
        return f"resize by {self.size:g}"


@op("resize_like", category="shape", arity=2)
class ResizeLike(Op):
    """Interpolate the first input to the spatial size of the second.

    Shape: (C, h, w), (D, H, W) -> (C, H, W).
    Matches torch.nn.functional.interpolate.
    """

    functional = True
    examples = (
        eg("resize_like", (256, 7, 7), (512, 14, 14)),
        eg('resize_like(mode = "bilinear")', (21, 28, 28), (3, 224, 224)),
    )
    mode: str = arg("str", "how values between positions are made", default="nearest", choices=MODES)
    align_corners: bool = arg("bool", "keep the corner values in place", default=False)

    def infer(self, x: Shape, like: Shape) -> Shape:
        """Channels of the first, sizes of the second."""
        spatial = axes_of(x)
        check_mode(self.mode, self.align_corners, len(spatial))
        if len(like) != len(x):
            raise Reject(
                f"`{show(x)}` has not as many axes as `{show(like)}`",
                1,
                code="shape-mismatch",
            )
        return (x[0], *like[1:])

    def window(self, x: Shape, like: Shape) -> tuple[tuple[int, int | Fraction], ...] | None:
        """The neighbours that are interpolated; everything where the sizes vary."""
        return reach(self.mode, x[1:], like[1:])

    def text(self, x: Shape, like: Shape) -> Text:
        """`F.interpolate(x, size=y.shape[2:])`."""
        options = keywords(mode=(self.mode, "nearest"), align_corners=(self.align_corners, False))
        rest = "".join(f", {name}={{{name}}}" for name, _ in options)
        return Text(f"F.interpolate({{0}}, size={{1}}.shape[2:]{rest})", options)

    def label(self) -> str:
        """`resize like`."""
        return "resize like"
