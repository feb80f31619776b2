"""Windows of positions that attend to each other: padding to whole windows, shifting them, and their mask."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from resdsl.ops.base import Need, Op, Reject, Text, Window, arg, by, call, eg, one, op, picked, show, spread
from resdsl.sizes import Shape


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


@op("roll", category="shape")
class Roll(Op):
    """Move all positions along axes; what leaves at one end comes in at the other.

    Axes of at most `longer_than` positions stay as they are: windows are shifted only where there are several.

    Shape: S -> S.
    Matches torch.roll.
    """

    functional = True
    examples = (
        eg("roll([-3, -3], [0, 1])", (56, 56, 96)),
        eg("roll([-3, 3], [0, 1], longer_than = 7)", (7, 14, 96)),
        eg("roll([-4, -3, -3], [0, 1, 2], longer_than = 8x7x7)", (8, 14, 7, 96)),
        eg("roll([1], [-1])", (8, 50)),
    )
    shifts: tuple[int, ...] = arg("axes", "how far along each axis; negative towards the start")
    axes: tuple[int, ...] = arg("axes", "the axes")
    longer_than: Window = arg("size", "axes of at most so many positions stay", default=0, at_least=0)

    def infer(self, x: Shape) -> Shape:
        """The input's shape."""
        axes = picked(self.axes, x)
        if len(axes) != len(self.shifts):
            raise Reject(f"{len(self.shifts)} shifts for {len(axes)} axes", "shifts", "one for each axis")
        spread(self.longer_than, len(axes), "longer_than")
        return x

    def text(self, x: Shape) -> Text:
        """`x.roll((-3, -3), (1, 2))`; `-3 if x.shape[1] > 7 else 0` where it depends on the input."""
        shifts, dims, literals = list[str](), list[int](), dict[str, Any]()
        axes = picked(self.axes, x)
        longest = spread(self.longer_than, len(axes), "longer_than")
        for i, (axis, shift, least) in enumerate(zip(axes, self.shifts, longest, strict=True)):
            size = x[axis]
            if shift == 0 or (isinstance(size, int) and size <= least):
                continue
            word = "shift" if len(set(self.shifts)) == 1 else f"shift{i}"
            literals[word] = shift
            shifts.append(f"{{{word}}}")
            dims.append(axis + 1)
            if not isinstance(size, int) and least:
                word = "longest" if len(set(longest)) == 1 else f"longest{i}"
                literals[word] = least
                shifts[-1] += f" if {{0}}.shape[{axis + 1}] > {{{word}}} else 0"
        if not dims:
            return Text("{0}")
        if len(dims) == 1:
            return Text(f"{{0}}.roll({shifts[0]}, {dims[0]})", tuple(literals.items()))
        return Text(f"{{0}}.roll(({', '.join(shifts)}), {tuple(dims)})", tuple(literals.items()))

    def label(self) -> str:
        """`roll -3, -3`."""
        return f"roll {', '.join(map(str, self.shifts))}"


@op("window_mask", category="merge")
class WindowMask(Op):
    """Lower by 100 what pairs positions of a window that only `roll` made neighbours.

    The first axes count the windows, the last two are the positions in one, each paired with each. Nothing
    is lowered along an axis of a single window, which `roll` does not move.

    Shape: (N, M, *, w * w, w * w) -> the same, for `size` = wxw.
    Matches torch.Tensor.masked_fill on the products of queries and keys.
    """

    functional = True
    examples = (
        eg("window_mask(7x7, 3x3)", (8, 8, 3, 49, 49)),
        eg("window_mask(4x4, 2x0)", (1, 2, 16, 16)),
        eg("window_mask(2x2x2, 1x1x1)", (2, 2, 1, 4, 8, 8)),
    )
    size: Window = arg("size", "positions of a window along each axis", at_least=1)
    shift: Window = arg("size", "how far `roll` moved each axis towards the start", at_least=0)

    def needs(self, x: Shape) -> Iterator[Need]:
        """The last two axes are a window's positions."""
        window, shift = self._each(self.size, "size"), self._each(self.shift, "shift")
        if len(window) != len(shift) or any(s >= w for s, w in zip(shift, window, strict=True)):
            raise Reject(f"a shift of {by(shift)} is not within a window of {by(window)}", "shift")
        if len(x) < len(window) + 2:
            raise Reject(f"`{show(x)}` has no axes for the windows and two for the positions in one", 0)
        for axis in (-2, -1):
            message = f"a window of {by(window)} has {prod(window)} positions, but {x[axis]} arrive"
            yield Need(x[axis], "==", prod(window), Reject(message, "size"), axis=len(x) + axis)

    @staticmethod
    def _each(size: Window, name: str) -> tuple[int, ...]:
        if isinstance(size, int):
            raise Reject(f"`{name}` is a number for each axis of windows, as in `7x7`", name)
        return size

    def infer(self, x: Shape) -> Shape:
        """The input's shape."""
        return x

    def window(self, x: Shape) -> None:
        """All positions."""

    def text(self, x: Shape) -> Text:
        """`x + window_mask(x, (7, 7), (3, 3))`."""
        literals = (("size", self.size), ("shift", self.shift))
        return Text("{0} + window_mask({0}, {size}, {shift})", literals)

    def label(self) -> str:
        """`mask`."""
        return "mask of shifted windows"
