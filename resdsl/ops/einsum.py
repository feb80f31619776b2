"""Products of two values along axes that are called by names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from math import prod
from string import ascii_letters
from typing import ClassVar

from resdsl.ops.axes import Axis, Mapping, listed, opened
from resdsl.ops.base import Example, Need, Op, Reject, Text, arg, eg, op, show
from resdsl.sizes import Dim, Shape


@op("einsum", category="merge", arity=2)
class Einsum(Op):
    """Products of two values, summed over the axes that the right side leaves out.

    The axes of both values stand before the arrow: `einsum([n, d], [m, d] -> [n, m])` multiplies each of n
    vectors by each of m. An axis is a name; it stands once in each list, and one that is summed in both values.
    On the right, 1 puts in an axis of size 1.

    Shape: (N, D), (M, D) -> (N, M) for [n, d], [m, d] -> [n, m].
    MACs: the product of the sizes of all names, where one is summed.
    Matches torch.einsum.
    """

    functional = True
    joins: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        eg("einsum([n, d], [m, d] -> [n, m])", (197, 64), (8, 64)),
        eg("einsum([n, t, h, w, d], [h, j, d] -> [n, t, h, w, j])", (2, 4, 14, 14, 96), (14, 7, 96)),
        eg("einsum([b, n], [n, b_2] -> [b_2, b])", (5, 7), (7, 3)),
        eg("einsum([c, n], [k, n] -> [k, c, n])", (5, 7), (3, 7)),
        eg("einsum([n, d], [n, d] -> [])", (5, 7), (5, 7)),
        eg("einsum([n, d], [m, d] -> [1, n, 1, m])", (5, 7), (3, 7)),
    )
    mapping: Mapping = arg("mapping", "the axes of both values, and those of the output")
    sizes: tuple[tuple[str, Dim], ...] = field(default=())

    def __post_init__(self) -> None:
        sources, target = self._sources, self.mapping.target
        if len(sources) != 2:
            lists = "one list stands" if len(sources) == 1 else f"{len(sources)} lists stand"
            raise Reject(
                f"two values are multiplied, but {lists} before the arrow",
                "mapping",
                "write a list for each value: `einsum([n, d], [m, d] -> [n, m])`",
            )
        for side, least in ((sources[0], 1), (sources[1], 1), (target, 0)):
            if any(not least <= len(axis) <= 1 for axis in side):
                help = "`rearrange` splits and merges axes, and leaves out those of size 1"
                raise Reject(f"an axis of `{listed(side)}` is not a name", "mapping", help)
        for here, there in (sources, sources[::-1]):
            lost = next((name for (name,) in here if (name,) not in (*there, *target)), None)
            if lost is not None:
                raise Reject(
                    f"the axis `{lost}` is lost: it stands in one list only",
                    "mapping",
                    "sum over an axis of both values, or name it on the right",
                )

    @property
    def _sources(self) -> tuple[tuple[Axis, ...], ...]:
        return (self.mapping.source, *self.mapping.others)

    # ---------------------------------------------------------------- sizes

    def needs(self, a: Shape, b: Shape) -> Iterator[Need]:
        """An axis has one size, in both values."""
        for place, (axes, shape) in enumerate(zip(self._sources, (a, b), strict=True)):
            if len(axes) != len(shape):
                count = f"{len(axes)} {'axis' if len(axes) == 1 else 'axes'}"
                raise Reject(f"`{listed(axes)}` names {count}, but `{show(shape)}` arrives", place)
        for axis, (name,) in enumerate(self.mapping.source):
            if (name,) in self._sources[1]:
                other = self._sources[1].index((name,))
                sizes = f"{a[axis]} in the first value and {b[other]} in the second"
                reject = Reject(f"the axis `{name}` is {sizes}", 1, code="shape-mismatch")
                yield Need(a[axis], "==", b[other], reject, (0, 1) if axis == other else (0,), axis)
        found = self._sizes(a, b)
        for name, size in self.sizes:
            message = f"the axis `{name}` is {found[name]}, not {size}"
            yield Need(found[name], "==", size, Reject(message, name, "leave it out: it is what arrives"))

    def _sizes(self, a: Shape, b: Shape) -> dict[str, Dim]:
        """The size of each name."""
        pairs = zip((*self._sources[1], *self._sources[0]), (*b, *a), strict=True)
        return {name: size for (name,), size in pairs}

    def infer(self, a: Shape, b: Shape) -> Shape:
        """The size of each name on the right."""
        sizes: dict[Axis, Dim] = {(name,): size for name, size in self._sizes(a, b).items()}
        return tuple(sizes[axis] if axis else 1 for axis in self.mapping.target)

    def macs(self, a: tuple[int, ...], b: tuple[int, ...]) -> int:
        """Every product that is summed with others."""
        sizes = self._sizes(a, b)
        summed = [size for name, size in sizes.items() if (name,) not in self.mapping.target]
        return prod(sizes.values()) if any(size != 1 for size in summed) else 0  # type: ignore[arg-type]

    def window(self, a: Shape, b: Shape) -> None:
        """The whole second value."""

    # ---------------------------------------------------------------- text

    def text(self, a: Shape, b: Shape) -> Text:
        """`torch.einsum("bnd,bmd->bnm", x, y)`."""
        letters = self._letters()
        first, second, result = (
            letters[""] + "".join(letters[name] for axis in side for name in axis)
            for side in (*self._sources, self.mapping.target)
        )
        ones = "".join(opened(self.mapping.target))
        return Text(f'torch.einsum("{first},{second}->{result}", {{0}}, {{1}}){ones}')

    def _letters(self) -> dict[str, str]:
        """A letter for the batch, which has no name, and for each axis: its own, its first, or another."""
        names = self.mapping.names
        letters = {name: name for name in names if name in ascii_letters}
        for name in ("", *names):
            if name not in letters:
                wanted = (name or "b")[0]
                free = (c for c in (wanted + wanted.upper() + ascii_letters) if c not in letters.values())
                letters[name] = next(c for c in free if c in ascii_letters)
        return letters

    def label(self) -> str:
        """`[n, d], [m, d] → [n, m]`."""
        return str(self.mapping).replace("->", "→")
