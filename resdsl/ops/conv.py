"""Convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import prod

from resdsl.ops.base import (
    Init,
    Need,
    New,
    Op,
    Window,
    arg,
    axes_of,
    by,
    eg,
    fixed,
    inits,
    keywords,
    one,
    op,
    step,
)
from resdsl.ops.geometry import Windows, divides, padding_needs, slide, windows
from resdsl.sizes import Shape


class Convolution(Op):
    """What convolutions share: a kernel, in groups of channels, and a bias."""

    out: int
    size: Window
    stride: Window
    padding: Window | None
    dilation: Window
    groups: int
    bias: bool | Init
    weight: Init | None

    def _windows(self, x: Shape) -> Windows:
        return windows(len(axes_of(x)), self.size, self.stride, self.padding, self.dilation)

    def _kernel(self, x: Shape) -> int:
        """The number of values in the kernel; rejects groups that do not divide the channels."""
        taps = prod(self._windows(x).kernel)
        channels = fixed(x[0], "the number of input channels")
        divides(channels, self.groups, "input channels")
        divides(self.out, self.groups, "output channels")
        return channels * self.out // self.groups * taps

    def params(self, x: Shape) -> int:
        """Kernel, and bias if any."""
        return self._kernel(x) + (self.out if self.bias is not False else 0)

    def inits(self) -> tuple[tuple[str, Init], ...]:
        """Those given for `weight` and `bias`."""
        return inits(weight=self.weight, bias=self.bias)


@op("conv", category="conv")
class Conv(Convolution):
    """Convolution over 1, 2 or 3 spatial axes, as many as the input has.

    Shape: (C, H, W) -> (out, H', W') with H' = floor((H + 2p - d(k - 1) - 1) / s) + 1.
    Params: out * (C / groups) * kh * kw, plus out with a bias.
    MACs: out * (C / groups) * kh * kw * H' * W'.
    Matches torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d.
    """

    examples = (
        eg("conv(64, 3x3)", (3, 32, 32)),
        eg("conv(64, 7x7, stride = 2)", (3, 224, 224)),
        eg("conv(96, 11x11, stride = 4, padding = 0, bias = true)", (3, 227, 227)),
        eg("conv(32, 3x3, groups = 32)", (32, 14, 14)),
        eg("conv(8, 3, dilation = 2)", (4, 100)),
        eg("conv(8, 3x3x3, stride = 1x2x2)", (3, 8, 16, 16)),
    )
    out: int = arg("int", "output channels", at_least=1)
    size: Window = arg("size", "size of the kernel", at_least=1)
    stride: Window = arg("size", "how far the kernel moves", default=1, at_least=1)
    padding: Window | None = arg(
        "size",
        "positions added on each side; by default 0 where the kernel equals the stride, else "
        "dilation * (k - 1) / 2, which keeps the size at stride 1",
        default=None,
        at_least=0,
    )
    dilation: Window = arg("size", "spacing of the kernel's taps", default=1, at_least=1)
    groups: int = arg("int", "groups of channels that do not see each other", default=1, at_least=1)
    bias: bool | Init = arg("bias", "add a learned value per channel; an initialiser adds one", default=False)
    weight: Init | None = arg("init", "initialiser of the kernel; by default torch's", default=None)
    padding_mode: str = arg(
        "str",
        "what the padding holds",
        default="zeros",
        choices=("zeros", "reflect", "replicate", "circular"),
    )

    def needs(self, x: Shape) -> Iterator[Need]:
        """Padding taken from the input fits into it."""
        return padding_needs(self.padding_mode, x[1:], self._windows(x).padding)

    def infer(self, x: Shape) -> Shape:
        """Channels become `out`; the window sets the sizes."""
        self._kernel(x)
        return (self.out, *slide(x[1:], *self._windows(x)))

    def macs(self, x: tuple[int, ...]) -> int:
        """Every kernel value at every output position."""
        positions = prod(fixed(size, "a size") for size in slide(x[1:], *self._windows(x)))
        return self._kernel(x) * positions

    def window(self, x: Shape) -> tuple[tuple[int, int | Fraction], ...]:
        """The dilated kernel."""
        return self._windows(x).field

    def module(self, x: Shape) -> New:
        """`nn.Conv2d(3, 64, 3, padding=1, bias=False)`."""
        move = self._windows(x)
        return New(
            f"nn.Conv{len(x) - 1}d",
            (x[0], self.out, one(move.kernel)),
            keywords(
                stride=(move.stride, 1),
                padding=(move.padding, 0),
                dilation=(move.dilation, 1),
                groups=(self.groups, 1),
                bias=(self.bias is not False, True),
                padding_mode=(self.padding_mode, "zeros"),
            ),
        )

    def label(self) -> str:
        """`3×3 conv, 64, /2`, with dilation and groups where not 1."""
        spaced = f", dilation {by(self.dilation)}" if one(self.dilation) != 1 else ""
        grouped = f", {self.groups} groups" if self.groups != 1 else ""
        return f"{by(self.size)} conv, {self.out}{step(self.stride)}{spaced}{grouped}"
