"""Changing the number of positions by interpolation."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from resdsl.ops.base import New, Op, Reject, Text, arg, axes_of, by, call, eg, keywords, op, show
from resdsl.ops.geometry import pieces
from resdsl.sizes import Dim, Shape

AXES = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
MODES = ("nearest", "nearest-exact", "area", *AXES)
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

    Shape: (C, H, W) -> (C, h, w) for size = hxw, (C, n * H, n * W) for size = n.
    Matches torch.nn.Upsample.
    """

    functional = True
    examples = (
        eg("resize(2)", (256, 7, 7)),
        eg('resize(14x20, mode = "bilinear")', (8, 7, 9)),
        eg('resize(4, mode = "linear", align_corners = true)', (8, 7)),
    )
    size: int | tuple[Dim, ...] = arg("value", "a factor, or the output size of each axis", at_least=1)
    mode: str = arg("str", "how values between positions are made", default="nearest", choices=MODES)
    align_corners: bool = arg("bool", "keep the corner values in place", default=False)

    def infer(self, x: Shape) -> Shape:
        """The spatial axes become `size`, or are multiplied by it."""
        spatial = axes_of(x)
        check_mode(self.mode, self.align_corners, len(spatial))
        return (x[0], *self._targets(spatial))

    def _targets(self, spatial: Shape) -> Shape:
        size: Any = self.size
        if isinstance(size, bool) or not isinstance(size, int | tuple | list):
            raise Reject("`size` must be a factor like 2 or a size like 14x14", "size")
        if isinstance(size, int):
            if size < 1:
                raise Reject(f"`size` = {size} is no factor", "size")
            return tuple(d * size for d in spatial)
        for d in size:
            if not isinstance(d, int):
                raise Reject(
                    f"`size` must be fixed, but is `{d}`",
                    "size",
                    "`resize_like` takes the size of another value",
                    code="varying-size",
                )
            if d < 1:
                raise Reject(f"`size` must be positive, but is {d}", "size")
        if len(size) != len(spatial):
            raise Reject(
                f"`size` has {len(size)} sizes, but the input has {len(spatial)} spatial axes", "size"
            )
        return tuple(size)

    def window(self, x: Shape) -> tuple[tuple[int, int | Fraction], ...] | None:
        """The neighbours that are interpolated; everything where the factor varies."""
        if isinstance(self.size, int):
            size = REACH.get(self.mode, 1 if self.mode == "area" else 2)
            return ((size, Fraction(1, self.size)),) * (len(x) - 1)
        return reach(self.mode, x[1:], self.size)

    def _options(self) -> tuple[tuple[str, Any], ...]:
        factor = isinstance(self.size, int)
        size = ("scale_factor" if factor else "size", self.size if factor else tuple(self.size))  # type: ignore[arg-type]
        rest = keywords(mode=(self.mode, "nearest"), align_corners=(self.align_corners, False))
        return (size, *rest)

    def module(self, x: Shape) -> New:
        """`nn.Upsample(scale_factor=2)`."""
        return New("nn.Upsample", (), self._options())

    def text(self, x: Shape) -> Text:
        """`F.interpolate(x, scale_factor=2)`."""
        return call("F.interpolate", kwargs=self._options())

    def label(self) -> str:
        """`resize to 14x14`."""
        if isinstance(self.size, int):
            return f"resize by {self.size}"
        return f"resize to {by(tuple(self.size))}"  # type: ignore[arg-type]


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
