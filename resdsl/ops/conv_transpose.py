"""Transposed convolution."""

from __future__ import annotations

from fractions import Fraction
from math import prod

from resdsl.ops.base import (
    Init,
    New,
    Reject,
    Window,
    arg,
    by,
    eg,
    keywords,
    one,
    op,
    show,
    spread,
)
from resdsl.ops.conv import Convolution
from resdsl.sizes import Dim, Shape


@op("conv_transpose", category="conv")
class ConvTranspose(Convolution):
    """Transposed convolution, which enlarges by its stride.

    Shape: (C, H, W) -> (out, H', W') with H' = (H - 1) * s - 2p + d(k - 1) + output_padding + 1.
    Params: C * (out / groups) * kh * kw, plus out with a bias.
    MACs: C * (out / groups) * kh * kw * H * W.
    Matches torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d.
    """

    examples = (
        eg("conv_transpose(64, 2x2, stride = 2)", (128, 28, 28)),
        eg("conv_transpose(64, 4x4, stride = 2, padding = 1)", (128, 7, 7)),
        eg("conv_transpose(8, 3, stride = 2, output_padding = 1, bias = true)", (4, 10)),
    )
    out: int = arg("int", "output channels", at_least=1)
    size: Window = arg("size", "size of the kernel", at_least=1)
    stride: Window = arg("size", "how much it enlarges", default=1, at_least=1)
    padding: Window | None = arg(
        "size",
        "positions cut from each side; by default 0 where the kernel equals the stride, else "
        "dilation * (k - 1) / 2",
        default=None,
        at_least=0,
    )
    output_padding: Window = arg("size", "positions added at the end", default=0, at_least=0)
    dilation: Window = arg("size", "spacing of the kernel's taps", default=1, at_least=1)
    groups: int = arg("int", "groups of channels that do not see each other", default=1, at_least=1)
    bias: bool | Init = arg("bias", "add a learned value per channel; an initialiser adds one", default=False)
    weight: Init | None = arg("init", "initialiser of the kernel; by default torch's", default=None)

    def infer(self, x: Shape) -> Shape:
        """Channels become `out`; sizes as the convolution whose gradient this is would take."""
        self._kernel(x)
        move = self._windows(x)
        extra = spread(self.output_padding, len(x) - 1, "output_padding")
        sizes: list[Dim] = []
        for h, s, p, d, reach, e in zip(
            x[1:], move.stride, move.padding, move.dilation, move.reach, extra, strict=True
        ):
            if e >= max(s, d):
                raise Reject(
                    f"`output_padding` = {e} must be less than the stride or the dilation",
                    "output_padding",
                )
            size = (h - 1) * s + (reach - 2 * p + e)
            if isinstance(size, int) and size < 1:
                raise Reject(f"`padding` = {p} leaves nothing of {show(x[1:])}", "padding")
            sizes.append(size)
        return (self.out, *sizes)

    def macs(self, x: tuple[int, ...]) -> int:
        """Every kernel value at every input position."""
        return self._kernel(x) * prod(x[1:])

    def window(self, x: Shape) -> tuple[tuple[int, int | Fraction], ...]:
        """The taps that meet one output position."""
        move = self._windows(x)
        return tuple((-(-r // s), Fraction(1, s)) for r, s in zip(move.reach, move.stride, strict=True))

    def module(self, x: Shape) -> New:
        """`nn.ConvTranspose2d(128, 64, 2, stride=2, bias=False)`."""
        move = self._windows(x)
        return New(
            f"nn.ConvTranspose{len(x) - 1}d",
            (x[0], self.out, one(move.kernel)),
            keywords(
                stride=(move.stride, 1),
                padding=(move.padding, 0),
                output_padding=(self.output_padding, 0),
                groups=(self.groups, 1),
                bias=(self.bias is not False, True),
                dilation=(move.dilation, 1),
            ),
        )

    def label(self) -> str:
        """`2×2 transposed conv, 64, ×2`."""
        enlarged = f", ×{by(one(self.stride))}" if one(self.stride) != 1 else ""
        return f"{by(self.size)} transposed conv, {self.out}{enlarged}"
