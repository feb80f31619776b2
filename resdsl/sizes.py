"""Sizes that depend on the input size, exactly.

Every spatial rule maps a size by `floor((h + a) / s) + b` or by a constant multiple. So each size in a
net is a quasi-affine function of one input size `v`: with some period `P`, `f(v + P) = f(v) + slope`.
`Size` stores the slope and `P` values, in lowest terms, so that two sizes are equal for every input exactly
when the objects are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import gcd, isqrt, lcm, prod
from operator import add
from typing import TypeAlias
from weakref import WeakValueDictionary

from resdsl.notation import is_factor, notation, plus

MAX_PERIOD = 1 << 16
MOST_ELEMENTS = 2**63 - 1
"""What a tensor can have: torch counts with 64 bits."""


class NotClosed(Exception):
    """An operation left the class of sizes that can be reasoned about; the text says which."""


class Pattern:
    """`p(v) = slope * (v // P) + offsets[v % P]` with `P = len(offsets)` and `p(0) = 0`, in lowest terms.

    There is one object for each pattern, made by `_pattern`: equal patterns are identical, and what is
    worked out of one is kept. A period may have thousands of offsets.
    """

    __slots__ = ("__weakref__", "offsets", "rises", "slope")

    def __init__(self, slope: int, offsets: tuple[int, ...]) -> None:
        self.slope, self.offsets = slope, offsets
        ends = (*offsets, slope)
        self.rises = all(a <= b for a, b in pairwise(ends))

    def turns(self, period: int) -> list[int]:
        """Its values from 0 on, over a multiple of its period."""
        count = period // len(self.offsets)
        return [o + self.slope * turn for turn in range(count) for o in self.offsets]


@dataclass(frozen=True, slots=True)
class Size:
    """`f(v) = p(v) + add` for a pattern `p`: a quasi-affine function of one input size.

    `every` is for print only: `(32, 0)` says that each input size asked about is a multiple of 32.
    """

    var: str
    pattern: Pattern
    add: int = 0
    every: tuple[int, int] = (1, 0)

    @property
    def period(self) -> int:
        """The smallest `P` with `f(v + P) = f(v) + slope`."""
        return len(self.pattern.offsets)

    @property
    def slope(self) -> int:
        """How much it grows in a period."""
        return self.pattern.slope

    @property
    def offsets(self) -> tuple[int, ...]:
        """Its values from 0 on, over one period."""
        return tuple(o + self.add for o in self.pattern.offsets)

    def at(self, value: int) -> int:
        """Its value for an input size."""
        turn, rest = divmod(value, len(self.pattern.offsets))
        return self.pattern.slope * turn + self.pattern.offsets[rest] + self.add

    def __add__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            return Size(self.var, self.pattern, self.add + other, self.every)
        if isinstance(other, Size) and other.var == self.var:
            return self._with(_plus(self.pattern, other.pattern), self.add + other.add)
        return _sum((self, other))

    def __radd__(self, other: int) -> Dim:
        return self + other

    def __sub__(self, other: Dim) -> Dim:
        return self + (-1) * other

    def __rsub__(self, other: int) -> Dim:
        return other + (-1) * self

    def __mul__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            return self._with(_times(self.pattern, other), self.add * other)
        return _product(1, (self,)) * other if not isinstance(other, Sum) else other * self

    def __rmul__(self, other: int) -> Dim:
        return self * other

    def __floordiv__(self, other: int) -> Dim:
        whole, rest = divmod(self.add, other)
        return self._with(_divide(self.pattern, rest, other), whole)

    def __mod__(self, other: int) -> Dim:
        return self - (self // other) * other

    def _with(self, pattern: Pattern, add: int) -> Dim:
        """Of the same variable; a constant is an int."""
        return Size(self.var, pattern, add, self.every) if pattern is not ZERO else add

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
        if isinstance(other, Sum):
            return other * self
        more = other.factors if isinstance(other, Product) else (other,)
        scale = other.coefficient if isinstance(other, Product) else 1
        return _product(self.coefficient * scale, (*self.factors, *more))

    def __rmul__(self, other: int) -> Dim:
        return self * other

    def __add__(self, other: Dim) -> Dim:
        return _sum((self, other))

    __radd__ = __add__

    def __sub__(self, other: Dim) -> Dim:
        return _sum((self, (-1) * other))

    def __rsub__(self, other: Dim) -> Dim:
        return _sum(((-1) * self, other))

    def __floordiv__(self, other: int) -> Dim:
        if self.coefficient % other:
            raise NotClosed(f"a quotient of the product `{self}`")
        return Product(self.coefficient // other, self.factors)

    def __mod__(self, other: int) -> Dim:
        if self.coefficient % other:
            raise NotClosed(f"a remainder of the product `{self}`")
        return 0

    def at(self, **values: int) -> int:
        """Its value for given input sizes."""
        return self.coefficient * prod(f.at(values[f.var]) for f in self.factors)

    def __str__(self) -> str:
        parts = [_factor(f) for f in self.factors]
        return " * ".join(([str(self.coefficient)] if self.coefficient != 1 else []) + parts)


@dataclass(frozen=True, slots=True)
class Sum:
    """`a + b * c + ... + n`: products, and a size for each variable: what joining such axes gives.

    Attributes:
        terms: products first, then sizes without a constant of their own, each kind in order.
        add: the constant.
    """

    terms: tuple[Product | Size, ...]
    add: int

    def __add__(self, other: Dim) -> Dim:
        return _sum((self, other))

    __radd__ = __add__

    def __sub__(self, other: Dim) -> Dim:
        return _sum((self, (-1) * other))

    def __rsub__(self, other: Dim) -> Dim:
        return _sum(((-1) * self, other))

    def __mul__(self, other: Dim) -> Dim:
        if isinstance(other, Sum):
            return _sum((*(self * term for term in other.terms), self * other.add))
        return _sum((*(term * other for term in self.terms), self.add * other))

    def __rmul__(self, other: int) -> Dim:
        return self * other

    def __floordiv__(self, other: int) -> Dim:
        if any(term % other != 0 for term in self.terms):
            raise NotClosed(f"a quotient of the sum `{self}`")
        return _sum((*(term // other for term in self.terms), self.add // other))

    def __mod__(self, other: int) -> Dim:
        if any(term % other != 0 for term in self.terms):
            raise NotClosed(f"a remainder of the sum `{self}`")
        return self.add % other

    def at(self, **values: int) -> int:
        """Its value for given input sizes."""
        return self.add + sum(evaluate(term, values) for term in self.terms)

    def __str__(self) -> str:
        text = ""
        for term in (*map(str, self.terms), *([str(self.add)] if self.add else [])):
            text = plus(text, term) if text else term
        return text


Dim: TypeAlias = int | Size | Product | Sum
Shape: TypeAlias = tuple[Dim, ...]
VARYING = (Size, Product, Sum)


def _product(coefficient: int, factors: tuple[Size, ...]) -> Product:
    """A product in one form: what divides a factor is in the coefficient."""
    bare = []
    for f in factors:
        common = gcd(f.slope, *f.offsets)
        coefficient *= common
        offsets = tuple(o // common for o in f.pattern.offsets)
        bare.append(Size(f.var, _pattern(f.slope // common, offsets), f.add // common, f.every))
    return Product(coefficient, tuple(sorted(bare, key=_order)))


def _sum(parts: tuple[Dim, ...]) -> Dim:
    """A sum in one form: products of the same factors as one, sizes of the same variable as one."""
    products: dict[tuple[Size, ...], int] = {}
    sizes: dict[str, Dim] = {}
    total = 0
    rest = list(parts)
    while rest:
        part = rest.pop()
        match part:
            case int():
                total += part
            case Sum():
                rest += [*part.terms, part.add]
            case Product():
                products[part.factors] = products.get(part.factors, 0) + part.coefficient
            case Size():
                sizes[part.var] = sizes.get(part.var, 0) + part
    terms: list[Product | Size] = [
        Product(count, factors)
        for factors, count in sorted(products.items(), key=lambda item: tuple(map(_order, item[0])))
        if count
    ]
    for _, size in sorted(sizes.items()):
        if isinstance(size, Size):
            terms.append(size - size.add)  # type: ignore[arg-type]  # a size without its constant is one
            total += size.add
        else:
            assert isinstance(size, int)
            total += size
    if not terms:
        return total
    if len(terms) == 1 and isinstance(terms[0], Size):
        return terms[0] + total
    if len(terms) == 1 and total == 0:
        return terms[0]
    return Sum(tuple(terms), total)


def variable(name: str, every: tuple[int, int] = (1, 0)) -> Size:
    """The input size itself."""
    return Size(name, ONE, 0, every)


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
    parts = dim.factors if isinstance(dim, Product) else dim.terms if isinstance(dim, Sum) else ()
    return tuple(dict.fromkeys(var for part in parts for var in variables(part)))


def _order(size: Size) -> tuple[str, int, tuple[int, ...]]:
    return size.var, size.slope, size.offsets


@lru_cache(1024)
def divisors(period: int) -> tuple[int, ...]:
    """The numbers that divide a period, but for itself, from 1 on."""
    low = [d for d in range(1, isqrt(period) + 1) if period % d == 0]
    return tuple(sorted({*low, *(period // d for d in low)} - {period}))


_patterns: WeakValueDictionary[tuple[int, tuple[int, ...]], Pattern] = WeakValueDictionary()


def _pattern(slope: int, offsets: tuple[int, ...]) -> Pattern:
    """The pattern in lowest terms."""
    period = len(offsets)
    for small in divisors(period):
        if slope * small % period == 0:
            step = slope * small // period
            if offsets[small] == step and offsets[small:] == tuple([o + step for o in offsets[:-small]]):
                slope, offsets = step, offsets[:small]
                break
    found = _patterns.get((slope, offsets))
    if found is None:
        found = _patterns[slope, offsets] = Pattern(slope, offsets)
    return found


ONE = _pattern(1, (0,))
ZERO = _pattern(0, (0,))


def _check_period(period: int) -> None:
    if period > MAX_PERIOD:
        raise NotClosed(f"a size that repeats after {period:,} input sizes")


@lru_cache(4096)
def _plus(a: Pattern, b: Pattern) -> Pattern:
    period = lcm(len(a.offsets), len(b.offsets))
    _check_period(period)
    slope = a.slope * (period // len(a.offsets)) + b.slope * (period // len(b.offsets))
    return _pattern(slope, tuple(map(add, a.turns(period), b.turns(period))))


@lru_cache(4096)
def _times(a: Pattern, by: int) -> Pattern:
    return _pattern(a.slope * by, tuple([o * by for o in a.offsets]))


@lru_cache(4096)
def _divide(a: Pattern, plus: int, by: int) -> Pattern:
    """`(p + plus) // by` for `0 <= plus < by`."""
    times = by // gcd(a.slope, by)
    period = len(a.offsets) * times
    _check_period(period)
    return _pattern(a.slope * times // by, tuple([(o + plus) // by for o in a.turns(period)]))


def _factor(size: Size) -> str:
    text = str(size)
    return text if is_factor(text) else f"({text})"
