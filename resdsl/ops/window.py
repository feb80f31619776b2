"""Windows of positions that attend to each other: cutting a map into them, their mask, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from resdsl.ops.base import Need, Op, Reject, Text, Window, arg, by, call, eg, one, op, picked, show, spread
from resdsl.ops.rearrange import times
from resdsl.sizes import Dim, Shape


@op("pad_to_multiple", category="shape")
class PadToMultiple(Op):
    """Add zeros at the end of axes, so that their sizes are multiples of a number.

    Shape: (C, H, W) -> (C, ceil(H / n) * n, ceil(W / n) * n).
    Matches torch.nn.functional.pad.
    """

    functional = True
    examples = (
        eg("pad_to_multiple(32)", (3, 50, 65)),
        eg("pad_to_multiple(7, axes = [0, 1])", (56, 60, 96)),
        eg("pad_to_multiple(2x4)", (8, 6, 8)),
    )
    of: Window = arg("size", "what divides the sizes afterwards", at_least=1)
    axes: tuple[int, ...] | None = arg("axes", "which axes; by default the spatial ones", default=None)

    def _multiples(self, x: Shape) -> dict[int, int]:
        axes = picked(self.axes, x)
        return dict(zip(axes, spread(self.of, len(axes), "of"), strict=True))

    def infer(self, x: Shape) -> Shape:
        """Sizes are rounded up."""
        multiples = self._multiples(x)
        return tuple(
            (size + (multiples[i] - 1)) // multiples[i] * multiples[i] if i in multiples else size
            for i, size in enumerate(x)
        )

    def text(self, x: Shape) -> Text:
        """`F.pad(x, (0, 3, 0, 1))`; where it depends on the input, `F.pad(x, (0, -x.shape[3] % 7))`."""
        multiples = self._multiples(x)
        amounts: list[int | str] = []
        literals: dict[str, Any] = {}
        for axis in range(len(x) - 1, min(multiples, default=len(x)) - 1, -1):
            size, of = x[axis], multiples.get(axis, 1)
            if isinstance(size, int) or of == 1:
                amounts += [0, -size % of if isinstance(size, int) else 0]
                continue
            word = "of" if isinstance(one(self.of), int) else f"of{axis}"
            literals[word] = of
            minus = "-" if of > 2 else ""  # by 2, both leave the same
            amounts += [0, f"{minus}{{0}}.shape[{axis + 1}] % {{{word}}}"]
        if not any(amounts):
            return Text("{0}")
        if not literals:
            return call("F.pad", tuple(amounts))
        return Text(f"F.pad({{0}}, ({', '.join(map(str, amounts))}))", tuple(literals.items()))

    def label(self) -> str:
        """`pad to multiple of 7`."""
        return f"pad to multiple of {by(self.of)}"


class Windows(Op):
    """What the ops on windows share: how a map is cut into them."""

    functional = True
    size: Window
    shifted: bool

    def _sizes(self, whole: Shape, blame: int) -> tuple[int, ...]:
        """The positions of a window along each axis of a map."""
        if len(whole) < 2:
            raise Reject(f"`{show(whole)}` is no map: it has no axes before its last, the channels", blame)
        return spread(self.size, len(whole) - 1, "size")

    def _count(self, whole: Shape, blame: int) -> Dim:
        """How many windows a map has."""
        sizes = self._sizes(whole, blame)
        return times(*((length + (size - 1)) // size for length, size in zip(whole, sizes, strict=False)))

    def window(self, *xs: Shape) -> None:
        """All positions."""

    def _call(self, function: str, *xs: Shape) -> Text:
        """`window_partition(x, (7, 7), shifted=True)`."""
        given = ", shifted=True" * self.shifted
        return Text(f"{function}({{*}}, {{size}}{given})", (("size", self._sizes(xs[-1], len(xs) - 1)),))

    def label(self) -> str:
        """`window partition 7×7, shifted`."""
        return f"{self.name.replace('_', ' ')} {by(self.size)}{', shifted' * self.shifted}"


SHIFTED = "begin half a window further along each axis of several windows; the last ones end at its start"


@op("window_partition", category="shape")
class WindowPartition(Windows):
    """Cut a map into windows, each a list of its positions; zeros fill up the last ones.

    Shape: (H, W, C) -> (ceil(H / w) * ceil(W / w), w * w, C) for `size` = wxw.
    Matches torch.nn.functional.pad, torch.roll, and torch.Tensor.unflatten along each axis.
    """

    examples = (
        eg("window_partition(7)", (56, 60, 96)),
        eg("window_partition(4x7, shifted = true)", (4, 10, 8)),
        eg("window_partition(2x2x2, shifted = true)", (5, 4, 2, 3)),
    )
    size: Window = arg("size", "positions of a window along each axis", at_least=1)
    shifted: bool = arg("bool", SHIFTED, default=False)

    def infer(self, x: Shape) -> Shape:
        """All windows as one axis, and the positions of one as another."""
        return (self._count(x, 0), prod(self._sizes(x, 0)), x[-1])

    def text(self, x: Shape) -> Text:
        """`window_partition(x, (7, 7))`."""
        return self._call("window_partition", x)


@op("window_reverse", category="shape", arity=2)
class WindowReverse(Windows):
    """Put windows back to where `window_partition` took them from, in a map of the size of the second input.

    Shape: (ceil(h / w) * ceil(v / w), w * w, C), (h, v, D) -> (h, v, C) for `size` = wxw.
    Matches torch.Tensor.unflatten and torch.roll, without what was added.
    """

    examples = (
        eg("window_reverse(7)", (72, 49, 96), (56, 60, 8)),
        eg("window_reverse(4x7, shifted = true)", (2, 28, 8), (4, 10, 8)),
        eg("window_reverse(2x2x2, shifted = true)", (6, 8, 3), (5, 4, 2, 3)),
    )
    size: Window = arg("size", "positions of a window along each axis", at_least=1)
    shifted: bool = arg("bool", "as `window_partition` had it", default=False)

    def needs(self, x: Shape, like: Shape) -> Iterator[Need]:
        """As many windows as the map has, each with all its positions."""
        if len(x) != 3:
            raise Reject(f"needs a list of windows, each a list of positions, but `{show(x)}` arrives", 0)
        yield from windows_of(x, (0, 1), self._count(like, 1), self._sizes(like, 1))

    def infer(self, x: Shape, like: Shape) -> Shape:
        """The sizes of the second input, with the channels of the first."""
        return (*like[:-1], x[-1])

    def text(self, x: Shape, like: Shape) -> Text:
        """`window_reverse(x, like, (7, 7))`."""
        return self._call("window_reverse", x, like)


@op("window_mask", category="merge", arity=2)
class WindowMask(Windows):
    """Lower by 100 what pairs positions of a window that only shifting it has made neighbours.

    The second input is the map that `window_partition` cut. Windows that are not shifted stay as they are.

    Shape: (N, *, w * w, w * w), (H, W, C) -> (N, *, w * w, w * w) for N windows of `size` = wxw.
    Matches torch.Tensor.masked_fill on the products of queries and keys.
    """

    examples = (
        eg("window_mask(7, shifted = true)", (64, 3, 49, 49), (56, 50, 96)),
        eg("window_mask(4x2, shifted = true)", (3, 8, 8), (4, 5, 6)),
        eg("window_mask(2x2x2, shifted = true)", (4, 1, 3, 8, 8), (4, 3, 2, 6)),
        eg("window_mask(2)", (4, 3, 2, 2), (8, 6)),
    )
    size: Window = arg("size", "positions of a window along each axis", at_least=1)
    shifted: bool = arg("bool", "as `window_partition` had it", default=False)

    def needs(self, x: Shape, like: Shape) -> Iterator[Need]:
        """As many windows as the map has, and each of its positions with each."""
        if len(x) < 3:
            raise Reject(f"needs a square of products for each window, but `{show(x)}` arrives", 0)
        yield from windows_of(x, (0, -2, -1), self._count(like, 1), self._sizes(like, 1))

    def infer(self, x: Shape, like: Shape) -> Shape:
        """The first input's shape."""
        return x

    def text(self, x: Shape, like: Shape) -> Text:
        """`x + window_mask(x, like, (7, 7))`."""
        if not self.shifted:
            return Text("{0}")
        return Text("{0} + window_mask({0}, {1}, {size})", (("size", self._sizes(like, 1)),))


def windows_of(x: Shape, axes: tuple[int, ...], count: Dim, size: tuple[int, ...]) -> Iterator[Need]:
    """The first of these axes counts the windows of a map, the others the positions of one."""
    first, *others = axes
    message = f"the map has {count} windows of {by(size)}, but {x[first]} arrive"
    yield Need(x[first], "==", count, Reject(message, 0), axis=first)
    for axis in others:
        message = f"a window of {by(size)} has {prod(size)} positions, but {x[axis]} arrive"
        yield Need(x[axis], "==", prod(size), Reject(message, "size"), axis=axis % len(x))
