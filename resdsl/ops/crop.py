"""Cropping: to the size of another value, or by fixed amounts."""

from __future__ import annotations

from collections.abc import Iterator

from resdsl.ops.base import Need, Op, Reject, Text, Window, arg, axes_of, by, eg, op, picked, show
from resdsl.ops.geometry import both_sides
from resdsl.sizes import Shape


def sliced(amounts: tuple[tuple[int, int], ...], first: int = 1) -> Text:
    """`x[:, :, 1:-1, 1:-1]`: without so many positions at both ends of the axes from the first on."""
    if not any(map(any, amounts)):
        return Text("{0}")
    same = len({sides for sides in amounts if any(sides)}) == 1
    slices, literals = [], dict[str, int]()
    for i, (before, after) in enumerate(amounts):
        start, stop = (word if same else f"{word}{i}" for word in ("start", "stop"))
        slices.append(f"{{{start}}}" * (before > 0) + ":" + f"{{{stop}}}" * (after > 0))
        literals |= ({start: before} if before else {}) | ({stop: -after} if after else {})
    return Text(f"{{0}}[{':, ' * (first + 1)}{', '.join(slices)}]", tuple(literals.items()))


@op("crop", category="shape")
class Crop(Op):
    """Cut positions from both sides of each spatial axis.

    Shape: (C, H, W) -> (C, H - before - after, W - before - after).
    Matches torch.Tensor.narrow along each axis.
    """

    functional = True
    examples = (
        eg("crop(1)", (3, 32, 32)),
        eg("crop(0, after = 1)", (3, 32, 32)),
        eg("crop(1x2, after = 0)", (3, 8, 8)),
        eg("crop(2)", (8, 50)),
    )
    before: Window = arg("size", "positions cut at the start", at_least=0)
    after: Window | None = arg("size", "positions cut at the end; by default as many", None, at_least=0)

    def needs(self, x: Shape) -> Iterator[Need]:
        """Something is left."""
        amounts = both_sides(self.before, self.after, len(axes_of(x)))
        for axis, (size, cut) in enumerate(zip(x[1:], amounts, strict=True), 1):
            reject = Reject(f"nothing is left of {size} positions without {sum(cut)}", code="input-too-small")
            yield Need(size, ">=", sum(cut) + 1, reject, axis=axis)

    def infer(self, x: Shape) -> Shape:
        """Sizes without what is cut."""
        amounts = both_sides(self.before, self.after, len(axes_of(x)))
        return (x[0], *(size - sum(cut) for size, cut in zip(x[1:], amounts, strict=True)))

    def text(self, x: Shape) -> Text:
        """`x[:, :, 1:-1, 1:-1]`."""
        return sliced(both_sides(self.before, self.after, len(x) - 1))

    def label(self) -> str:
        """`crop 1`."""
        return f"crop {by(self.before)}"


@op("crop_like", category="shape", arity=2)
class CropLike(Op):
    """Cut the first input to the spatial size of the second, around its centre or from its start.

    Around the centre, the larger part of an odd difference is cut at the end.

    Shape: (C, H, W), (D, h, w) -> (C, h, w).
    Matches torch.Tensor.narrow along each axis.
    """

    functional = True
    examples = (
        eg("crop_like", (64, 64, 64), (128, 56, 56)),
        eg("crop_like", (8, 9, 10), (3, 6, 10)),
        eg("crop_like", (8, 50), (4, 47)),
        eg('crop_like(keep = "start", axes = [0, 1])', (56, 63, 96), (56, 60, 96)),
    )
    keep: str = arg("str", "what is kept", default="centre", choices=("centre", "start"))
    axes: tuple[int, ...] | None = arg("axes", "axes that are cut; by default the spatial ones", default=None)

    def needs(self, x: Shape, like: Shape) -> Iterator[Need]:
        """The first input is nowhere smaller."""
        axes = picked(self.axes, x)
        reject = Reject(
            lambda: f"cannot crop `{show(x)}` to the size of `{show(like)}`", 0, code="shape-mismatch"
        )
        if len(x) != len(like):
            raise reject
        for axis in axes:
            yield Need(x[axis], ">=", like[axis], reject, (0, 1), axis)

    def infer(self, x: Shape, like: Shape) -> Shape:
        """The sizes of the second along the axes that are cut."""
        axes = picked(self.axes, x)
        return tuple(like[i] if i in axes else size for i, size in enumerate(x))

    def text(self, x: Shape, like: Shape) -> Text:
        """`x[:, :, 4:-4, 4:-4]`; where it varies how much is cut, `x.narrow(...)` along each axis."""
        cuts = {axis: x[axis] - like[axis] for axis in picked(self.axes, x)}
        starts = {axis: 0 if self.keep == "start" else cut // 2 for axis, cut in cuts.items()}
        upto = range(max(cuts, default=-1) + 1)
        ends = {axis: cut - starts[axis] for axis, cut in cuts.items()}
        if all(isinstance(cut, int) for cut in cuts.values()):
            return sliced(tuple((starts.get(i, 0), ends.get(i, 0)) for i in upto), 0)  # type: ignore[misc]
        if not any(starts.values()):
            kept = (f": {{1}}.shape[{i + 1}]" if i in cuts else ":" for i in upto)
            return Text(f"{{0}}[:, {', '.join(kept)}]")
        text, literals = "{0}", []
        for d, start in ((axis + 1, start) for axis, start in starts.items()):
            known = isinstance(start, int)
            word = f"{{start{d}}}" if known else f"({{0}}.shape[{d}] - {{1}}.shape[{d}]) // 2"
            literals += [(f"start{d}", start)] if known else []
            text += f".narrow({d}, {word}, {{1}}.shape[{d}])"
        return Text(text, tuple(literals))

    def label(self) -> str:
        """`crop like`."""
        return "crop like"
