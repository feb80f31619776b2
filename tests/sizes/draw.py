"""Draws single layers at random: what keeps, divides, takes from or multiplies the sizes.

Most windows are drawn so that a stride of `s` leaves `floor((h + a) / s)` positions with `0 <= a < s`. Ways of
one nominal stride then agree always or at some remainders. Now and then a window is drawn without such care.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Literal, TypeAlias

from .program import (
    Conv,
    Crop,
    Fold,
    Pad,
    Pointwise,
    Pool,
    Resize,
    Shuffle,
    Slice,
    Step,
    Transposed,
    Window,
    ZeroPad,
)

LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
DEEPEST = Fraction(1, 30)
POINTWISE = ("relu", "relu", "batchnorm", "sigmoid", "tanh", "silu", "gelu", "identity", "dropout(0.1)")
Mood: TypeAlias = Literal["tame", "plain", "wild", "rare"]
"""A tame net fits at every size, most plain ones at some, wild ones at any set of sizes, rare ones at few."""


@dataclass(frozen=True)
class Flow:
    """What is known of a value while steps are drawn: channels, and about how large it is by the input."""

    channels: int
    scale: tuple[Fraction, ...]

    def by(self, channels: int, factors: tuple[Fraction, ...] | None = None) -> Flow:
        """Behind a layer."""
        factors = factors or (Fraction(1),) * len(self.scale)
        return Flow(channels, tuple(a * b for a, b in zip(self.scale, factors, strict=True)))


Drawn: TypeAlias = tuple[list[Step], Flow]


class Layers:
    """Draws layers; `wild` says how often a window is drawn without care."""

    def __init__(self, rng: random.Random, rank: int, mood: Mood) -> None:
        self.rng, self.rank, self.mood = rng, rank, mood
        self.wild = rng.choice((0.02, 0.08)) if mood == "wild" else 0.0
        self.tame = mood in ("tame", "rare")  # in a rare net one step decides, in a tame one none

    def chance(self, p: float) -> bool:
        """True so often."""
        return self.rng.random() < p

    def all(self, value: int) -> Window:
        """The same along each axis."""
        return (value,) * self.rank

    # ---------------------------------------------------------------- windows

    def axis(self, stride: int, kind: str, shift: int | None, ceil: bool) -> tuple[int, ...]:
        """Kernel, dilation, padding on both sides, and what else to lay before and behind."""
        while True:
            kernel = self.rng.choice((1, 2, 2, 3, 3, 3, 4, 5, 5, 6, 7))
            dilation = self.rng.choice((1, 1, 1, 1, 2, 3)) if kind != "avg" else 1
            reach = dilation * (kernel - 1) + 1
            add = stride - 1 if self.tame else self.rng.randrange(stride)
            if shift is not None:
                add = shift
            elif self.chance(self.wild):
                add = self.rng.randint(-3, stride + 2)
            total = add + reach - stride - (stride - 1 if ceil else 0)
            if total < 0:
                continue
            half = total // 2
            if total % 2 == 0 and (kind == "conv" or total <= kernel) and self.chance(0.9):
                return kernel, dilation, half, 0, 0
            if total <= 6:
                before = self.rng.choice((0, half, total))
                return kernel, dilation, 0, before, total - before

    def window(self, kind: str, strides: Window, out: int, shift: int | None = None) -> list[Step]:
        """A convolution or pool that divides the sizes by the strides, padded before it if need be."""
        ceil = kind != "conv" and not self.tame and self.chance(0.35)
        if len(set(strides)) == 1 and self.chance(0.6):
            drawn = [self.axis(strides[0], kind, shift, ceil)] * self.rank
        else:
            drawn = [self.axis(s, kind, shift, ceil) for s in strides]
        kernel, dilation, padding, before, after = zip(*drawn, strict=True)
        steps: list[Step] = [Pad(before, after)] if any(before + after) else []
        if kind == "conv":
            modes = ("replicate",) if self.tame else ("reflect", "circular", "replicate")
            mode = self.rng.choice(modes) if self.chance(0.08) else "zeros"
            return [*steps, Conv(out, kernel, strides, padding, dilation, mode, bias=self.chance(0.3))]
        counted = kind == "max" or self.chance(0.7)
        return [*steps, Pool(kind, kernel, strides, padding, dilation, ceil, counted)]

    def widen(self, flow: Flow, out: int) -> list[Step]:
        """A 1x1 convolution where the channels differ."""
        one = self.all(1)
        return [] if flow.channels == out else [Conv(out, one, one, self.all(0), one)]

    # ---------------------------------------------------------------- layers

    def pointwise(self) -> Pointwise:
        """Keeps every shape."""
        return Pointwise(self.rng.choice(POINTWISE))

    def keep(self, flow: Flow, out: int | None = None) -> Drawn:
        """Keeps the sizes."""
        out = flow.channels if out is None else out
        kind = self.rng.choices(("conv", "max", "avg", "pointwise", "transposed"), (6, 1, 1, 2, 1))[0]
        if kind == "pointwise":
            return [*self.widen(flow, out), self.pointwise()], flow.by(out)
        if kind == "transposed":
            kernel = self.rng.choice((1, 3, 5))
            pad, one = self.all(kernel // 2), self.all(1)
            return [Transposed(out, self.all(kernel), one, pad, self.all(0), one)], flow.by(out)
        if kind == "avg" and self.tame and self.rank == 3:
            kind = "max"  # torch's average pool in three axes takes no window larger than the input
        steps = self.window(kind, self.all(1), out, shift=None if self.chance(self.wild) else 0)
        return [*steps, *(self.widen(flow, out) if kind != "conv" else [])], flow.by(out)

    def strides(self, flow: Flow) -> Window:
        """Strides that leave something."""
        made = list(self.all(self.rng.choice((2, 2, 2, 3, 4))))
        if self.rank > 1 and self.chance(0.25):
            made[self.rng.randrange(self.rank)] = self.rng.choice((1, 2, 3))
        return tuple(s if f / s >= DEEPEST else 1 for s, f in zip(made, flow.scale, strict=True))

    def reduce(self, flow: Flow, strides: Window, out: int, only: tuple[str, ...] = ()) -> Drawn:
        """Divides the sizes, rounding somehow."""
        kinds = ("conv", "max", "avg", "zero_pad", "unshuffle", "fold", "resize", "twice")
        weights = (16, 6, 8, 4, 2, 1, 1, 4)
        kind = self.rng.choice(only) if only else self.rng.choices(kinds, weights)[0]
        end = flow.by(out, tuple(Fraction(1, s) for s in strides))
        if kind == "twice" and set(strides) == {4}:
            steps, middle = self.reduce(flow, self.all(2), out)
            return [*steps, *self.reduce(middle, self.all(2), out)[0]], end
        if kind == "unshuffle" and self.rank == 2 and strides in ((2, 2), (3, 3)) and not self.tame:
            cells = Flow(flow.channels * strides[0] ** 2, end.scale)
            return [Shuffle(strides[0], back=True), *self.widen(cells, out)], end
        if kind == "fold" and not self.tame and prod(strides) <= 16:
            cells = Flow(flow.channels * prod(strides), end.scale)
            return [Fold(strides), *self.widen(cells, out)], end
        if kind == "resize" and set(strides) in ({2}, {4}) and not self.tame:
            mode = self.rng.choice(("nearest", "nearest-exact", "area", LINEAR[self.rank]))
            return [Resize(1 / strides[0], mode), *self.widen(flow, out)], end
        if kind == "zero_pad" and out >= flow.channels:
            return [ZeroPad(out, strides)], end
        if kind == "max" or (kind == "avg" and not (self.tame and self.rank == 3)):
            return [*self.window(kind, strides, out), *self.widen(flow, out)], end
        return self.window("conv", strides, out), end

    def shrink(self, flow: Flow) -> Drawn:
        """Takes positions away at the borders, or needs a least size otherwise."""
        if self.chance(0.3):
            before = self.all(self.rng.randint(1, 5))
            after = self.all(self.rng.randint(0, before[0]))
            return [Pad(before, after, self.rng.choice(("reflect", "circular")))], flow
        if self.chance(0.15):
            return [Crop(*(tuple(self.rng.randint(0, 3) for _ in range(self.rank)) for _ in range(2)))], flow
        if self.chance(0.15):
            ends = self.rng.choice(((1, None), (3, None), (0, -2), (2, -1), (1, -4)))
            return [Slice(self.rng.randint(1, self.rank), *ends)], flow
        kind = self.rng.choice(("conv", "max", "avg"))
        return self.window(kind, self.all(1), flow.channels, -self.rng.randint(1, 6)), flow

    def grow(self, flow: Flow, factors: Window, out: int) -> Drawn:
        """Multiplies the sizes."""
        end = flow.by(out, tuple(Fraction(f) for f in factors))
        kind = self.rng.choice(
            ("transposed", "transposed", "transposed", "resize", "resize", "shuffle", "fold")
        )
        same = len(set(factors)) == 1
        if kind == "resize" and same:
            mode = self.rng.choice(("nearest", "nearest-exact", "area", LINEAR[self.rank]))
            return [Resize(factors[0], mode), *self.widen(flow, out)], end
        if kind == "fold" and prod(factors) <= 8:
            return [*self.widen(flow, out * prod(factors)), Fold(factors, back=True)], end
        if kind == "shuffle" and same and self.rank == 2 and factors[0] <= 2:
            return [*self.widen(flow, out * factors[0] ** 2), Shuffle(factors[0])], end
        drawn = [self.transposed_axis(f) for f in factors]
        kernel, padding, extra, dilation = zip(*drawn, strict=True)
        return [Transposed(out, kernel, factors, padding, extra, dilation)], end

    def transposed_axis(self, stride: int) -> tuple[int, ...]:
        """Kernel, padding, output padding and dilation that multiply a size by the stride, mostly."""
        while True:
            kernel, dilation = self.rng.randint(1, 6), self.rng.choice((1, 1, 1, 2))
            padding, extra = self.rng.randint(0, 3), self.rng.randint(0, max(stride, dilation) - 1)
            off = dilation * (kernel - 1) + 1 + extra - 2 * padding - stride
            if off == 0 or (abs(off) <= 3 and self.chance(self.wild)):
                return kernel, padding, extra, dilation
