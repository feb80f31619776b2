"""Sizes that depend on the input size, exactly.

Every spatial rule maps a size by `floor((h + a) / s) + b` or by a constant multiple. So each size in a
net is a quasi-affine function of one input size `v`: with some period `P`, `f(v + P) = f(v) + slope`.
`Size` stores `P` values and the slope, in lowest terms, so that two sizes are equal for every input
exactly when the objects are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import gcd, lcm, prod
from typing import TypeAlias

from resdsl.notation import is_factor, notation

MAX_PERIOD = 1 << 16
MOST_ELEMENTS = 2**63 - 1
"""What a tensor can have: torch counts with 64 bits."""


class NotClosed(Exception):
    """An operation left the class of sizes that can be reasoned about; the text says which."""


@dataclass(frozen=True, slots=True)
class Size:
    """`f(v) = slope * (v // P) + offsets[v % P]` with `P = len(offsets)`, in lowest terms.

    `every` is for print only: `(32, 0)` says that each input size asked about is a multiple of 32.
    """

    var: str
    slope: int
    offsets: tuple[int, ...]
    every: tuple[int, int] = (1, 0)

    def at(self, value: int) -> int:
        """Its value for an input size."""
        period = len(self.offsets)
        return self.slope * (value // period) + self.offsets[value % period]

    def __add__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            return Size(self.var, self.slope, tuple(o + other for o in self.offsets), self.every)
        if isinstance(other, Size) and other.var == self.var:
            return _plus(self, other)
        raise NotClosed(f"the sum of `{self}` and `{other}`")

    def __radd__(self, other: int) -> Dim:
        return self + other

    def __sub__(self, other: Dim) -> Dim:
        return self + (-1) * other

    def __rsub__(self, other: int) -> Dim:
        return other + (-1) * self

    def __mul__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            return _size(self, self.slope * other, tuple(o * other for o in self.offsets))
        return _product(1, (self,)) * other

    def __rmul__(self, other: int) -> Dim:
        return self * other

    def __floordiv__(self, other: int) -> Dim:
        return _divide(self, other)

    def __mod__(self, other: int) -> Dim:
        return self - (self // other) * other

    def __str__(self) -> str:
        return notation(self)


@dataclass(frozen=True, slots=True)
class Product:
    """`coefficient * a * b ...`: what flattening leaves of sizes that vary."""

    coefficient: int
    factors: tuple[Size, ...]

    def __mul__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            return Product(self.coefficient * other, self.factors) if other else 0
        more = other.factors if isinstance(other, Product) else (other,)
        scale = other.coefficient if isinstance(other, Product) else 1
        return _product(self.coefficient * scale, (*self.factors, *more))

    def __rmul__(self, other: int) -> Dim:
        return self * other

    def _refuse(self, other: object) -> Dim:
        raise NotClosed(f"arithmetic on the product `{self}`")

    __add__ = __radd__ = __sub__ = __rsub__ = __floordiv__ = __mod__ = _refuse

    def at(self, **values: int) -> int:
        """Its value for given input sizes."""
        return self.coefficient * prod(f.at(values[f.var]) for f in self.factors)

    def __str__(self) -> str:
        parts = [_factor(f) for f in self.factors]
        return " * ".join(([str(self.coefficient)] if self.coefficient != 1 else []) + parts)


Dim: TypeAlias = int | Size | Product
Shape: TypeAlias = tuple[Dim, ...]


def _product(coefficient: int, factors: tuple[Size, ...]) -> Product:
    """A product in one form: what divides a factor is in the coefficient."""
    bare = []
    for f in factors:
        common = gcd(f.slope, *f.offsets)
        coefficient *= common
        bare.append(
            Size(f.var, f.slope // common, tuple(o // common for o in f.offsets), f.every)
            if common > 1
            else f
        )
    return Product(coefficient, tuple(sorted(bare, key=_order)))


def variable(name: str, every: tuple[int, int] = (1, 0)) -> Size:
    """The input size itself."""
    return Size(name, 1, (0,), every)


def evaluate(dim: Dim, values: dict[str, int]) -> int:
    """Value of a dimension at input sizes by name."""
    if isinstance(dim, int):
        return dim
    return dim.at(values[dim.var]) if isinstance(dim, Size) else dim.at(**values)


def shape_at(shape: Shape, values: dict[str, int]) -> tuple[int, ...]:
    """A shape with every dimension evaluated."""
    return tuple(evaluate(d, values) for d in shape)


def variables(dim: Dim) -> tuple[str, ...]:
    """The input sizes it depends on."""
    if isinstance(dim, Size):
        return (dim.var,)
    return tuple(f.var for f in dim.factors) if isinstance(dim, Product) else ()


def _order(size: Size) -> tuple[str, int, tuple[int, ...]]:
    return size.var, size.slope, size.offsets


def _size(like: Size, slope: int, offsets: tuple[int, ...]) -> Dim:
    """Bring to lowest terms; a constant becomes an int."""
    period = len(offsets)
    for small in range(1, period // 2 + 1):
        if period % small == 0 and slope * small % period == 0:
            step = slope * small // period
            if offsets[small:] == tuple(o + step for o in offsets[: period - small]):
                slope, offsets = step, offsets[:small]
                break
    if slope == 0 and len(offsets) == 1:
        return offsets[0]
    return Size(like.var, slope, offsets, like.every)


def _check_period(period: int) -> None:
    if period > MAX_PERIOD:
        raise NotClosed(f"a size that repeats after {period:,} input sizes")


@lru_cache(4096)
def _plus(a: Size, b: Size) -> Dim:
    period = lcm(len(a.offsets), len(b.offsets))
    _check_period(period)
    slope = a.slope * (period // len(a.offsets)) + b.slope * (period // len(b.offsets))
    return _size(a, slope, tuple(map(sum, zip(_turns(a, period), _turns(b, period), strict=True))))


@lru_cache(4096)
def _divide(size: Size, by: int) -> Dim:
    times = by // gcd(size.slope, by)
    period = len(size.offsets) * times
    _check_period(period)
    return _size(size, size.slope * times // by, tuple(o // by for o in _turns(size, period)))


def _turns(size: Size, period: int) -> list[int]:
    """Its values from 0 on, over a multiple of its period."""
    return [o + size.slope * turn for turn in range(period // len(size.offsets)) for o in size.offsets]


def _factor(size: Size) -> str:
    text = str(size)
    return text if is_factor(text) else f"({text})"
