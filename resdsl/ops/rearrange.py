"""Splitting, permuting and merging axes by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import mul
from typing import ClassVar

from resdsl.ops.axes import Axis, Mapping, Unit, listed, product, steps
from resdsl.ops.base import Example, Need, Op, Reject, Text, arg, eg, op, show
from resdsl.sizes import Dim, Product, Shape, Size


@op("rearrange", category="shape", arity=None)
class Rearrange(Op):
    """Split, permute and merge axes, which are called by names: `rearrange([c, h, w] -> [h * w, c])`.

    An axis is a name, a product of names, or 1 for one of size 1, which is left out or put in. Every name
    stands once on each side. Sizes are given by name: `rearrange([g * c, n] -> [c * g, n], g = 2)`; in
    each product on the left one may be left open, and is what the others leave. A size that varies with
    the input is read off the value itself, or off further ones, which do nothing else:
    `from tokens, map -> rearrange([h * w, c] -> [c, h, w], h = map.size[0])`.

    Shape: (C, H, W) -> (H * W, C) for [c, h, w] -> [h * w, c].
    Matches torch.Tensor.unflatten, torch.permute and torch.flatten, one after the other.
    """

    functional = True
    examples: ClassVar[tuple[Example, ...]] = (
        eg("rearrange([c, h, w] -> [h * w, c])", (768, 14, 14)),
        eg("rearrange([g * c, h, w] -> [c * g, h, w], g = 2)", (116, 28, 28)),
        eg("rearrange([n * a, m * b, c] -> [n, m, a * b, c], a = 7, b = 7)", (56, 56, 96)),
        eg("rearrange([h * w, c] -> [c, h, w], h = 14)", (196, 768)),
        eg("rearrange([n, k * h * d] -> [k, h, n, d], k = 3, h = 12)", (197, 2304)),
        eg("rearrange([c, 1, 1] -> [1, c])", (64, 1, 1)),
    )
    mapping: Mapping = arg("mapping", "the axes of the input, and those of the output")
    sizes: tuple[tuple[str, Dim], ...] = field(default=())

    def __post_init__(self) -> None:
        known = dict(self.sizes)
        for axis in self.mapping.source:
            unknown = [f"`{name}`" for name in axis if name not in known]
            if len(unknown) > 1:
                raise Reject(
                    f"`{product(axis)}` does not say how large {' and '.join(unknown)} are",
                    "mapping",
                    f"give {'one' if len(unknown) == 2 else 'all but one'} of these sizes: {unknown[0][:-1]} = ...`",
                )

    # ---------------------------------------------------------------- sizes

    def needs(self, x: Shape, *more: Shape) -> Iterator[Need]:
        """Every axis divides into the sizes that are given."""
        for place, part in enumerate(self._parts(x)):
            for need in part.needs:
                yield Need(need.left, "==", need.right, need.reject, axis=place)
        if more and not self.sizes:
            raise Reject("takes one value; others only to give sizes, and no size is given", 1)
        self.text(x, *more)  # which has a word on sizes that vary

    def infer(self, x: Shape, *more: Shape) -> Shape:
        """Each axis is the product of its names."""
        sizes = {name: size for part in self._parts(x) for name, size in part.sizes.items()}
        return tuple(times(*(sizes[name] for name in axis)) for axis in self.mapping.target)

    def _parts(self, x: Shape) -> list[_Part]:
        source, known = self.mapping.source, dict(self.sizes)
        if len(x) != len(source):
            axes = f"{len(source)} {'axis' if len(source) == 1 else 'axes'}"
            raise Reject(f"`{listed(source)}` names {axes}, but `{show(x)}` arrives", "mapping")
        return [divided(axis, size, known) for axis, size in zip(source, x, strict=True)]

    def window(self, x: Shape, *more: Shape) -> tuple[()] | None:
        """Single positions, where the spatial axes stay as they are."""
        return () if self.mapping.source[1:] == self.mapping.target[1:] else None

    # ---------------------------------------------------------------- text

    def text(self, x: Shape, *more: Shape) -> Text:
        """`x.flatten(2).transpose(1, 2)`."""
        groups = self._shuffles(x)
        if groups is not None:
            return Text("F.channel_shuffle({0}, {groups})", (("groups", groups),))
        literals: dict[str, int] = {}
        chain = steps(self.mapping, lambda units: self._written(units, (x, *more), literals))
        return Text("{0}" + chain, tuple(literals.items()))

    def _shuffles(self, x: Shape) -> int | None:
        """The groups of a channel shuffle, which torch does without another memory format."""
        (first, *rest), (shuffled, *same) = self.mapping.source or ((),), self.mapping.target or ((),)
        if len(first) != 2 or first != shuffled[::-1] or rest != same or not rest or () in rest:
            return None
        groups = self._parts(x)[0].sizes[first[0]]
        return groups if isinstance(groups, int) else None

    def _written(self, units: list[Unit], inputs: tuple[Shape, ...], literals: dict[str, int]) -> str:
        """The sizes of the parts of one axis; one may be left to torch, as -1."""
        known = dict(self.sizes)
        texts: list[str | None] = []
        for unit in units:
            size = times(*(known[name] for name in unit)) if all(n in known for n in unit) else None
            if isinstance(size, int):
                word = "_".join(unit) if unit != ("self",) else "self_"
                literals[word] = size
                texts.append(f"{{{word}}}")
            else:
                texts.append("-1" if size is None else where(size, inputs))
        if None in texts and "-1" not in texts:
            texts[texts.index(None)] = "-1"
        if None in texts:
            lost = units[texts.index(None)]
            raise Reject(
                f"the size `{product(lost)}` varies, and is no size of what arrives",
                lost[0],
                "pass a value that has this size too: `from x, y -> rearrange(...)`",
                code="varying-size",
            )
        return ", ".join(map(str, texts))

    def label(self) -> str:
        """`[c, h, w] → [h*w, c]`."""
        return str(self.mapping).replace("->", "→").replace(" * ", "·")


def times(*sizes: Dim) -> Dim:
    """The product of sizes."""
    start: Dim = 1
    return reduce(mul, sizes, start)


def where(size: Dim, inputs: tuple[Shape, ...]) -> str | None:
    """How a size that varies is read off an axis of the inputs."""
    for i, shape in enumerate(inputs):
        for axis, other in enumerate(shape, 1):
            text = f"{{{i}}}.shape[{axis}]"
            if other == size:
                return text
            if isinstance(size, Size) and isinstance(other, Size) and other.var == size.var:
                down, up = ratio(other, size), ratio(size, other)
                if down is not None and other == size * down:
                    return f"{text} // {down}"
                if up is not None and size == other * up:
                    return f"{up} * {text}"
    return None


def ratio(a: Size, b: Size) -> int | None:
    """How many times `b` is in `a` for large inputs, if that is a whole number."""
    top, bottom = a.slope * b.period, b.slope * a.period
    return top // bottom if bottom and top and top % bottom == 0 and top * bottom > 0 else None


# ---------------------------------------------------------------- dividing sizes


@dataclass
class _Part:
    """One axis of the input, divided: the size of each name, and what must hold."""

    sizes: dict[str, Dim]
    needs: list[Need]


def divided(axis: Axis, size: Dim, known: dict[str, Dim]) -> _Part:
    """The sizes of the names of an axis. Raises `Reject` where they cannot be followed."""
    given = [name for name in axis if name in known]
    made = _Part({name: known[name] for name in given}, [])
    total = times(*made.sizes.values())
    if len(given) == len(axis):
        values = f", which is {total}," if isinstance(total, int) else ""
        message = f"`{product(axis)}`{values} is not the size of the axis, {size}"
        made.needs.append(Need(size, "==", total, Reject(message, given[0] if given else "mapping")))
        return made
    (left,) = (name for name in axis if name not in known)
    made.sizes[left] = size
    if given:
        reject = Reject(f"{size} does not divide by `{product(tuple(given))}` = {total}", given[0])
        made.sizes[left] = _quotient(size, total, made.needs, reject)
    return made


def _quotient(size: Dim, by: Dim, needs: list[Need], reject: Reject) -> Dim:
    """`size / by`, exactly; what must hold for it goes into `needs`."""
    if size == by:
        return 1
    if isinstance(by, int):
        needs.append(Need(size % by, "==", 0, reject))
        return size // by
    if isinstance(by, Product):
        for factor in by.factors:
            size = _quotient(size, factor, needs, reject)
        return _quotient(size, by.coefficient, needs, reject)
    if isinstance(size, Size) and isinstance(by, Size) and size.var == by.var:
        many = ratio(size, by)
        if many is not None:
            needs.append(Need(size, "==", by * many, reject))
            return many
    if isinstance(size, Product) and isinstance(by, Size):
        one = Product(1, ()) * by
        assert isinstance(one, Product)
        (bare,) = one.factors
        alike = [f for f in size.factors if f.var == by.var and ratio(f, bare) == 1]
        if alike and size.coefficient % one.coefficient == 0:
            chosen = bare if bare in alike else alike[0]
            needs.append(Need(chosen, "==", bare, reject))
            rest = list(size.factors)
            rest.remove(chosen)
            return times(size.coefficient // one.coefficient, *rest)
    raise Reject(
        f"whether `{size}` divides by `{by}` cannot be followed",
        reject.blame,
        "divide by a number, or write one size for both where they are equal, as in `[3, S, S]`",
        code="varying-size",
    )
