"""Cropping: to the size of another value, or by fixed amounts."""

from __future__ import annotations

from collections.abc import Iterator

from resdsl.ops.base import Need, Op, Reject, Text, Window, arg, axes_of, by, eg, op, show, sides
from resdsl.sizes import Shape


def sliced(amounts: tuple[tuple[int, int], ...]) -> Text:
    """`x[:, :, 1:-1, 1:-1]`: without so many positions at the start and the end of each axis."""
    if not any(map(any, amounts)):
        return Text("{0}")
    same = len(set(amounts)) == 1
    slices, literals = [], dict[str, int]()
    for i, (before, after) in enumerate(amounts):
        start, stop = (word if same else f"{word}{i}" for word in ("start", "stop"))
        slices.append(f"{{{start}}}" * (before > 0) + ":" + f"{{{stop}}}" * (after > 0))
        literals |= ({start: before} if before else {}) | ({stop: -after} if after else {})
    return Text(f"{{0}}[:, :, {', '.join(slices)}]", tuple(literals.items()))


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
        eg("crop(1x2, after = 0x3)", (3, 8, 8)),
        eg("crop(2)", (8, 50)),
    )
    before: Window = arg("size", "positions cut at the start", at_least=0)
    after: Window | None = arg("size", "positions cut at the end; by default as many", None, at_least=0)

    def needs(self, x: Shape) -> Iterator[Need]:
        """Something is left."""
        amounts = sides(self.before, self.after, len(axes_of(x)))
        for axis, (size, cut) in enumerate(zip(x[1:], amounts, strict=True), 1):
            reject = Reject(
                f"nothing is left of {size} positions without {sum(cut)}", code="input-too-small"
            )
            yield Need(size, ">=", sum(cut) + 1, reject, axis=axis)

    def infer(self, x: Shape) -> Shape:
        """Sizes without what is cut."""
        amounts = sides(self.before, self.after, len(axes_of(x)))
        return (x[0], *(size - sum(cut) for size, cut in zip(x[1:], amounts, strict=True)))

    def text(self, x: Shape) -> Text:
        """`x[:, :, 1:-1, 1:-1]`."""
        return sliced(sides(self.before, self.after, len(x) - 1))

    def label(self) -> str:
        """`crop 1`."""
        return f"crop {by(self.before)}"


@op("crop_like", category="shape", arity=2)
class CropLike(Op):
    """Cut the first input to the spatial size of the second, around its centre.

    Of an odd difference the larger part is cut at the end.

    Shape: (C, H, W), (D, h, w) -> (C, h, w).
    Matches torch.Tensor.narrow along each axis.
    """

    functional = True
    examples = (
        eg("crop_like", (64, 64, 64), (128, 56, 56)),
        eg("crop_like", (8, 9, 10), (3, 6, 10)),
        eg("crop_like", (8, 50), (4, 47)),
    )

    def needs(self, x: Shape, like: Shape) -> Iterator[Need]:
        """The first input is nowhere smaller."""
        axes_of(x)
        reject = Reject(
            f"cannot crop `{show(x)}` to the size of `{show(like)}`", 0, code="shape-mismatch"
        )
        if len(x) != len(like):
            raise reject
        for axis in range(1, len(x)):
            yield Need(x[axis], ">=", like[axis], reject, (0, 1), axis)

    def infer(self, x: Shape, like: Shape) -> Shape:
        """Channels of the first, sizes of the second."""
        return (x[0], *like[1:])

    def text(self, x: Shape, like: Shape) -> Text:
        """`x[:, :, 4:-4, 4:-4]`; where it depends on the input, `x.narrow(...)` along each axis."""
        cuts = [size - target for size, target in zip(x[1:], like[1:], strict=True)]
        known = [cut for cut in cuts if isinstance(cut, int)]
        if len(known) == len(cuts):
            return sliced(tuple((cut // 2, cut - cut // 2) for cut in known))
        narrow = "".join(
            f".narrow({axis}, ({{0}}.shape[{axis}] - {{1}}.shape[{axis}]) // 2, {{1}}.shape[{axis}])"
            for axis in range(2, len(x) + 1)
        )
        return Text("{0}" + narrow)

    def label(self) -> str:
        """`crop like`."""
        return "crop like"
