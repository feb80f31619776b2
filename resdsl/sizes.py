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

MAX_PERIOD = 1 << 16


class NotClosed(Exception):
    """An operation left the class of sizes that can be reasoned about; the text says which."""


@dataclass(frozen=True, slots=True)
class Size:
    """`f(v) = slope * (v // P) + offsets[v % P]` with `P = len(offsets)`, in lowest terms."""

    var: str
    slope: int
    offsets: tuple[int, ...]

    def at(self, value: int) -> int:
        """Its value for an input size."""
        period = len(self.offsets)
        return self.slope * (value // period) + self.offsets[value % period]

    def least(self, bound: int) -> int | None:
        """The smallest input size >= 1 from which the value is at least `bound`; None if there is none."""
        if self.slope <= 0:
            return 1 if min(self.offsets) >= bound else None
        value = 1
        while self.at(value) < bound or min(self.at(value + i) for i in range(len(self.offsets))) < bound:
            value += 1
            if value > MAX_PERIOD * 64:
                return None
        return value

    def __add__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            return _size(self.var, self.slope, tuple(o + other for o in self.offsets))
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
            return _size(self.var, self.slope * other, tuple(o * other for o in self.offsets))
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
            Size(f.var, f.slope // common, tuple(o // common for o in f.offsets)) if common > 1 else f
        )
    return Product(coefficient, tuple(sorted(bare, key=_order)))


def variable(name: str) -> Size:
    """The input size itself."""
    return Size(name, 1, (0,))


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


def _size(var: str, slope: int, offsets: tuple[int, ...]) -> Dim:
    """Bring to lowest terms; a constant becomes an int."""
    period = len(offsets)
    if period > MAX_PERIOD:
        raise NotClosed(f"a stride product of {period}")
    for small in (d for d in range(1, period) if period % d == 0 and slope * d % period == 0):
        step = slope * small // period
        if all(offsets[i] == offsets[i % small] + step * (i // small) for i in range(small, period)):
            slope, offsets = step, offsets[:small]
            break
    return offsets[0] if slope == 0 and len(offsets) == 1 else Size(var, slope, offsets)


@lru_cache(4096)
def _plus(a: Size, b: Size) -> Dim:
    period = lcm(len(a.offsets), len(b.offsets))
    slope = a.slope * (period // len(a.offsets)) + b.slope * (period // len(b.offsets))
    return _size(a.var, slope, tuple(a.at(i) + b.at(i) for i in range(period)))


@lru_cache(4096)
def _divide(size: Size, by: int) -> Dim:
    period = len(size.offsets) * (by // gcd(size.slope, by))
    slope = size.slope * (period // len(size.offsets)) // by
    if period > MAX_PERIOD:
        raise NotClosed(f"a stride product of {period}")
    return _size(size.var, slope, tuple(size.at(i) // by for i in range(period)))


@lru_cache(4096)
def notation(size: Size) -> str:
    """The shortest true way to write it: `H`, `2 * H + 1`, `ceil(H / 4)`, `floor((H - 3) / 2)`."""
    period, slope, var = len(size.offsets), size.slope, size.var
    if period == 1:
        return _linear(slope, var, size.offsets[0])
    if slope == 0:
        return f"{var} % {period}" if size.offsets == tuple(range(period)) else f"[{var} mod {period}]"
    common = gcd(slope, *size.offsets)
    if common > 1:
        inner = notation(Size(var, slope // common, tuple(o // common for o in size.offsets)))
        if inner != f"f({var})":
            return f"{common} * {inner}" if _is_one_factor(inner) else f"{common} * ({inner})"
    lows = [period * o - slope * r for r, o in enumerate(size.offsets)]
    low, high = max(lows), min(lows) + period - 1
    if low > high:
        return f"f({var})"
    for rest, word in ((0, "floor"), (period - 1, "ceil")):
        whole, left = divmod(_nearest(low, high, rest, period) - rest, period)
        if left == 0 and low <= whole * period + rest <= high:
            inner = f"{word}({_linear(slope, var, 0)} / {period})"
            return inner if whole == 0 else f"{inner} {'+' if whole > 0 else '-'} {abs(whole)}"
    add = low if low > 0 else high if high < 0 else 0
    return f"floor(({_linear(slope, var, add)}) / {period})"


def _nearest(low: int, high: int, rest: int, period: int) -> int:
    """The number nearest to zero in [low, high] that leaves `rest` by `period`, or `low` if there is none."""
    first = low + (rest - low) % period
    return first if first <= high else low


def _linear(slope: int, var: str, add: int) -> str:
    head = {1: var, -1: f"-{var}"}.get(slope, f"{slope} * {var}")
    return head if add == 0 else f"{head} {'+' if add > 0 else '-'} {abs(add)}"


def _is_one_factor(text: str) -> bool:
    """Whether it can be multiplied as it stands: a word, or a call that spans all of it."""
    return " " not in text or (text.startswith(("ceil(", "floor(")) and _closes_at_end(text))


def _closes_at_end(text: str) -> bool:
    depth = 0
    for i, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0 and char == ")":
            return i == len(text) - 1
    return False


def _factor(size: Size) -> str:
    text = str(size)
    return text if _is_one_factor(text) else f"({text})"
