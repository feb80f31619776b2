"""The op as resdsl sees it: arguments, shapes and torch text. Nothing here imports torch."""

from __future__ import annotations

from resdsl.ops.base import New, Op, Reject, arg, axes_of, eg, op, step
from resdsl.ops.geometry import slide
from resdsl.sizes import Shape


@op("blurpool", category="pool")
class BlurPool(Op):
    """Blur with a binomial filter, then keep every stride-th position.

    Zhang 2019, "Making Convolutional Networks Shift-Invariant Again".

    Shape: (C, H, W) -> (C, ceil(H / s), ceil(W / s)).
    Matches blurpool.layers.BlurPool2d.
    """

    imports = ("import blurpool.layers",)
    examples = (eg("blurpool", (8, 32, 32)), eg("blurpool(stride = 4, size = 5)", (3, 17, 9)))
    stride: int = arg("int", "keep one position of so many", default=2, at_least=1)
    size: int = arg("int", "taps of the filter, an odd number", default=3, at_least=1)

    def infer(self, x: Shape) -> Shape:
        """Channels stay; the sizes are divided by the stride, rounding up."""
        spatial = axes_of(x, 2, 2)
        if self.size % 2 == 0:
            raise Reject(f"`size` = {self.size} has no middle", "size", "write an odd number")
        window = ((self.size,) * 2, (self.stride,) * 2, (self.size // 2,) * 2, (1, 1))
        return (x[0], *slide(spatial, *window))

    def window(self, x: Shape) -> tuple[tuple[int, int], ...]:
        """The filter."""
        return ((self.size, self.stride),) * 2

    def module(self, x: Shape) -> New:
        """`blurpool.layers.BlurPool2d(64, size=3, stride=2)`."""
        return New("blurpool.layers.BlurPool2d", (x[0],), (("size", self.size), ("stride", self.stride)))

    def label(self) -> str:
        """`3×3 blur pool, /2`."""
        return f"{self.size}×{self.size} blur pool{step(self.stride)}"
