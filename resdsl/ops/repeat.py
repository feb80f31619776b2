"""Repeating a value along new axes, which are called by names."""

from __future__ import annotations

from typing import ClassVar

from resdsl.ops.axes import Axis, Mapping, listed, steps
from resdsl.ops.base import Reject, Text, arg, eg, op
from resdsl.ops.rearrange import Rearrange, times, where
from resdsl.sizes import Shape


@op("repeat", category="shape", arity=None)
class Repeat(Rearrange):
    """`rearrange` with new axes on the right, along which the value is the same: `repeat([c] -> [n, c], n = 8)`.

    The size of a new axis is given; in a product it says where the copies are:
    `repeat([t, c] -> [t * n, c], n = 49)` puts those of one row behind each other, and
    `repeat([t, c] -> [n * t, c], n = 49)` all rows again and again.

    Shape: (T, C) -> (T * n, C) for [t, c] -> [t * n, c].
    Matches torch.Tensor.expand, and torch.repeat_interleave or torch.Tensor.repeat for a product.
    """

    functional = True
    grows: ClassVar[bool] = True
    examples = (
        eg("repeat([c] -> [n, c], n = 8)", (96,)),
        eg("repeat([t, c] -> [t * n, c], n = 49)", (8, 96)),
        eg("repeat([n, c] -> [t * n, c], t = 8)", (49, 96)),
        eg("repeat([h, w] -> [h, a, w, b], a = 2, b = 3)", (4, 5)),
        eg("repeat([h, w] -> [h * a, w * b], a = 2, b = 2)", (4, 5)),
    )
    mapping: Mapping = arg("mapping", "the axes of the input, and those of the output")

    def __post_init__(self) -> None:
        super().__post_init__()
        for (name,) in self._new():
            if name not in dict(self.sizes):
                raise Reject(
                    f"the size of the new axis `{name}` is not given", "mapping", f"give it: {name} = ..."
                )

    def _new(self) -> tuple[Axis, ...]:
        """The axes that only the output has."""
        known = {name for axis in self.mapping.source for name in axis}
        return tuple((name,) for axis in self.mapping.target for name in axis if name not in known)

    def infer(self, x: Shape, *more: Shape) -> Shape:
        """Each axis is the product of its names."""
        sizes = dict(self.sizes) | {n: size for part in self._parts(x) for n, size in part.sizes.items()}
        return tuple(times(*(sizes[name] for name in axis)) for axis in self.mapping.target)

    def text(self, x: Shape, *more: Shape) -> Text:
        """`x.unsqueeze(2).expand(-1, -1, 49, -1).flatten(1, 2)`."""
        new, literals = self._new(), dict[str, int]()
        if not new:
            return super().text(x, *more)
        axes = self._stretched()
        sizes = [self._size(axis[0], (x, *more), literals) if axis[:1] in new else "-1" for axis in axes]
        places = [i for i, axis in enumerate(axes, 1) if axis[:1] in new]
        kept = ", ".join("None" if i in places else ":" for i in range(1, places[-1] + 1))
        opened = f".unsqueeze({places[0]})" if len(places) == 1 else f"[:, {kept}]"
        whole = Mapping(axes, self.mapping.target)
        chain = steps(whole, lambda units: self._written(units, (x, *more), literals))
        return Text(f"{{0}}{opened}.expand(-1, {', '.join(sizes)}){chain}", tuple(literals.items()))

    def _stretched(self) -> tuple[Axis, ...]:
        """The axes of the input with the new ones between them, each where the output has it."""
        axes = list(self.mapping.source)
        place = 0
        for name in (name for axis in self.mapping.target for name in axis):
            if (name,) in self._new():
                axes.insert(place, (name,))
            place = next(i for i, axis in enumerate(axes, 1) if name in axis)
        return tuple(axes)

    def _size(self, name: str, inputs: tuple[Shape, ...], literals: dict[str, int]) -> str:
        """How the size of a new axis is written."""
        size = dict(self.sizes)[name]
        if isinstance(size, int):
            word = name if name != "self" else "self_"
            literals[word] = size
            return f"{{{word}}}"
        text = where(size, inputs)
        if text is None:
            raise Reject(
                f"the size `{name}` varies, and is no size of what arrives",
                name,
                "pass a value that has this size too: `from x, y -> repeat(...)`",
                code="varying-size",
            )
        return text

    def label(self) -> str:
        """`repeat [c] → [n, c]`."""
        return f"repeat {listed(self.mapping.source)} → {listed(self.mapping.target)}".replace(" * ", "·")
