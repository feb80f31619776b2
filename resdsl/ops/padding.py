"""Padding: of positions, and of channels for shortcuts."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from resdsl.ops.base import (
    Need,
    New,
    Op,
    Reject,
    Text,
    Window,
    arg,
    axes_of,
    by,
    call,
    eg,
    fixed,
    op,
    spread,
    step,
)
from resdsl.ops.geometry import both_sides, padding_needs
from resdsl.sizes import Shape


@op("zero_pad", category="shape")
class ZeroPad(Op):
    """Shortcut without weights: take every stride-th position and append channels of zeros.

    Shape: (C, H, W) -> (channels, ceil(H / s), ceil(W / s)).
    Matches torch.nn.functional.pad after slicing; option A of the residual networks on CIFAR-10.
    """

    functional = True
    examples = (
        eg("zero_pad(32, 2)", (16, 32, 32)),
        eg("zero_pad(32, 1)", (16, 8)),
        eg("zero_pad(16, stride = 2x1)", (16, 8, 8)),
    )
    channels: int = arg("int", "output channels", at_least=1)
    stride: Window = arg("size", "keep one position of so many", at_least=1)

    def infer(self, x: Shape) -> Shape:
        """Channels become `channels`; sizes are divided by the stride, rounding up."""
        strides = spread(self.stride, len(axes_of(x)), "stride")
        if (have := fixed(x[0], "the number of channels")) > self.channels:
            raise Reject(
                f"cannot pad {have} channels to {self.channels}, which is fewer",
                "channels",
                "`projection` makes fewer channels as well",
            )
        return (self.channels, *((h + (s - 1)) // s for h, s in zip(x[1:], strides, strict=True)))

    def window(self, x: Shape) -> tuple[tuple[int, int | Fraction], ...]:
        """Single positions."""
        return tuple((1, s) for s in spread(self.stride, len(x) - 1, "stride"))

    def text(self, x: Shape) -> Text:
        """`F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, 16))`."""
        strides = spread(self.stride, len(x) - 1, "stride")
        kept, literals = "{0}", []
        if any(s > 1 for s in strides):
            slices = ", ".join(f"::{{s{i}}}" for i, _ in enumerate(strides))
            kept = f"{{0}}[:, :, {slices}]"
            literals = [(f"s{i}", s) for i, s in enumerate(strides)]
        added = self.channels - fixed(x[0], "the number of channels")
        if not added:
            return Text(kept, tuple(literals))
        pad: tuple[tuple[str, Any], ...] = (("pad", (0, 0) * len(strides) + (0, added)),)
        return Text(f"F.pad({kept}, {{pad}})", (*literals, *pad))

    def label(self) -> str:
        """`zero pad, 32, /2`."""
        return f"zero pad, {self.channels}{step(self.stride)}"


@op("pad", category="shape")
class Pad(Op):
    """Add positions on both sides of each spatial axis.

    Shape: (C, H, W) -> (C, H + before + after, W + before + after).
    Matches torch.nn.functional.pad.
    """

    functional = True
    examples = (
        eg("pad(1)", (3, 32, 32)),
        eg("pad(0, after = 1)", (3, 32, 32)),
        eg("pad(1x0, after = 0)", (3, 8, 8)),
        eg('pad(1x2, mode = "reflect")', (3, 8, 8)),
        eg("pad(2, value = -1.5)", (3, 8)),
    )
    before: Window = arg("size", "positions before", at_least=0)
    after: Window | None = arg("size", "positions after; by default as before", default=None, at_least=0)
    mode: str = arg(
        "str",
        "what the new positions hold",
        default="constant",
        choices=("constant", "reflect", "replicate", "circular"),
    )
    value: float = arg("float", "the constant", default=0.0)

    def _amounts(self, x: Shape) -> tuple[tuple[int, int], ...]:
        return both_sides(self.before, self.after, len(axes_of(x)))

    def needs(self, x: Shape) -> Iterator[Need]:
        """What is taken from the input fits into it."""
        return padding_needs(self.mode, x[1:], (max(sides) for sides in self._amounts(x)), "mode")

    def infer(self, x: Shape) -> Shape:
        """Sizes grow by what is added."""
        amounts = self._amounts(x)
        if self.mode != "constant" and self.value:
            raise Reject(f"`{self.mode}` padding takes no `value`", "value")
        return (x[0], *(h + sum(sides) for h, sides in zip(x[1:], amounts, strict=True)))

    def _flat(self, x: Shape) -> tuple[int, ...]:
        """Torch's order: the last axis first."""
        return tuple(amount for sides in reversed(self._amounts(x)) for amount in sides)

    def module(self, x: Shape) -> New:
        """`nn.ZeroPad2d((1, 1, 1, 1))`."""
        word = {"reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}
        name, args = word.get(self.mode, "Zero"), (self._flat(x),)
        if self.value:
            return New(f"nn.ConstantPad{len(x) - 1}d", (*args, self.value))
        return New(f"nn.{name}Pad{len(x) - 1}d", args)

    def text(self, x: Shape) -> Text:
        """`F.pad(x, (1, 1, 1, 1))`."""
        mode = (("mode", self.mode),) if self.mode != "constant" else ()
        value = (("value", self.value),) if self.value else ()
        return call("F.pad", self._flat(x), kwargs=mode + value)

    def label(self) -> str:
        """`pad 1`."""
        return f"pad {by(self.before)}"
