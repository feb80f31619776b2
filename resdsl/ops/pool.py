"""Pooling over windows of fixed size."""

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
    keywords,
    one,
    op,
    show,
    step,
)
from resdsl.ops.geometry import Windows, slide, windows
from resdsl.sizes import Shape

PADDING = "positions added on each side; by default 0 where the window equals the stride, else (k - 1) / 2"


class Pool(Op):
    """What the pools share: a window with a stride, and no weights."""

    functional = True
    size: Window
    stride: Window
    padding: Window | None
    ceil_mode: bool

    def _windows(self, x: Shape) -> Windows:
        return windows(len(axes_of(x)), self.size, self.stride, self.padding)

    def _options(self, x: Shape) -> tuple[tuple[str, Any], ...]:
        """Keyword arguments, the same for module and function."""
        raise NotImplementedError

    def infer(self, x: Shape) -> Shape:
        """Channels stay; the window sets the sizes."""
        move = self._windows(x)
        for k, p in zip(move.kernel, move.padding, strict=True):
            if 2 * p > k:
                raise Reject(f"`padding` = {p} is more than half the window of {k}", "padding")
        return (x[0], *slide(x[1:], *move, ceil_mode=self.ceil_mode))

    def window(self, x: Shape) -> tuple[tuple[int, int | Fraction], ...]:
        """The window."""
        return self._windows(x).field


@op("maxpool", category="pool")
class MaxPool(Pool):
    """Largest value in each window.

    Shape: (C, H, W) -> (C, H', W') with H' = floor((H + 2p - d(k - 1) - 1) / s) + 1.
    Matches torch.nn.MaxPool1d, torch.nn.MaxPool2d, torch.nn.MaxPool3d.
    """

    examples = (
        eg("maxpool(3x3, 2)", (64, 112, 112)),
        eg("maxpool(2x2, stride = 2)", (64, 224, 224)),
        eg("maxpool(3x3, 2, padding = 0, ceil_mode = true)", (64, 112, 112)),
        eg("maxpool(2, 2)", (8, 100)),
    )
    size: Window = arg("size", "size of the window", at_least=1)
    stride: Window = arg("size", "how far the window moves", at_least=1)
    padding: Window | None = arg("size", PADDING, default=None, at_least=0)
    dilation: Window = arg("size", "spacing of the positions in a window", default=1, at_least=1)
    ceil_mode: bool = arg("bool", "also take the last window that does not fit", default=False)

    def _windows(self, x: Shape) -> Windows:
        return windows(len(axes_of(x)), self.size, self.stride, self.padding, self.dilation)

    def _options(self, x: Shape) -> tuple[tuple[str, Any], ...]:
        move = self._windows(x)
        return (
            ("stride", one(move.stride)),
            *keywords(
                padding=(move.padding, 0),
                dilation=(move.dilation, 1),
                ceil_mode=(self.ceil_mode, False),
            ),
        )

    def module(self, x: Shape) -> New:
        """`nn.MaxPool2d(3, stride=2, padding=1)`."""
        return New(f"nn.MaxPool{len(x) - 1}d", (one(self.size),), self._options(x))

    def text(self, x: Shape) -> Text:
        """`F.max_pool2d(x, 3, stride=2, padding=1)`."""
        return call(f"F.max_pool{len(x) - 1}d", one(self.size), kwargs=self._options(x))

    def label(self) -> str:
        """`3×3 max pool, /2`."""
        return f"{by(self.size)} max pool{step(self.stride)}"


@op("avgpool", category="pool")
class AvgPool(Pool):
    """Mean of each window.

    Shape: (C, H, W) -> (C, H', W') with H' = floor((H + 2p - k) / s) + 1.
    Matches torch.nn.AvgPool1d, torch.nn.AvgPool2d, torch.nn.AvgPool3d.
    """

    examples = (
        eg("avgpool(2x2, 2)", (64, 56, 56)),
        eg("avgpool(3x3, stride = 1, count_include_pad = false)", (8, 14, 14)),
        eg("avgpool(2x2, 2, ceil_mode = true)", (8, 7, 7)),
    )
    size: Window = arg("size", "size of the window", at_least=1)
    stride: Window = arg("size", "how far the window moves", at_least=1)
    padding: Window | None = arg("size", PADDING, default=None, at_least=0)
    ceil_mode: bool = arg("bool", "also take the last window that does not fit", default=False)
    count_include_pad: bool = arg("bool", "count the padding in the mean", default=True)

    def needs(self, x: Shape) -> Iterator[Need]:
        """In three axes torch.nn.AvgPool3d takes no window larger than the input, be it padded."""
        if len(x) != 4:
            return
        for axis, (h, k) in enumerate(zip(x[1:], self._windows(x).kernel, strict=True), 1):
            reject = Reject(
                f"a window of {by(self.size)} does not fit an input of {show(x[1:])}, "
                "and torch.nn.AvgPool3d does not count the padding here",
                "size",
                "use a larger input or a smaller window",
                code="input-too-small",
            )
            yield Need(h, ">=", k, reject, axis=axis)

    def _options(self, x: Shape) -> tuple[tuple[str, Any], ...]:
        move = self._windows(x)
        return (
            ("stride", one(move.stride)),
            *keywords(
                padding=(move.padding, 0),
                ceil_mode=(self.ceil_mode, False),
                count_include_pad=(self.count_include_pad, True),
            ),
        )

    def module(self, x: Shape) -> New:
        """`nn.AvgPool2d(2, stride=2)`."""
        return New(f"nn.AvgPool{len(x) - 1}d", (one(self.size),), self._options(x))

    def text(self, x: Shape) -> Text:
        """`F.avg_pool2d(x, 2, stride=2)`."""
        return call(f"F.avg_pool{len(x) - 1}d", one(self.size), kwargs=self._options(x))

    def label(self) -> str:
        """`2×2 avg pool, /2`."""
        return f"{by(self.size)} avg pool{step(self.stride)}"
