"""The input sizes a net admits, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

from resdsl.conditions import condition
from resdsl.sets import EVERY, SizeSet, at_least, zero
from resdsl.sizes import MOST_ELEMENTS, Dim, NotClosed, Product, Shape, Size, Sum

Sets = Mapping[str, SizeSet]
"""For each variable the input sizes at which something holds; a variable left out may take any."""


def equal(a: Dim, b: Dim) -> Sets | None:
    """Where two dimensions are equal; None if nowhere.

    Sizes of two variables, which vary on their own, and products that differ in more than one factor are
    taken to differ, be they equal at some sizes.
    """
    if a == b:
        return {}
    if isinstance(a, Product) and isinstance(b, Product):
        return _equal_products(a, b)
    if isinstance(a, Sum) and isinstance(b, Sum):
        return _equal_sums(a, b)
    try:
        return _sets(a - b, zero)
    except NotClosed:
        return None


def not_less(a: Dim, b: Dim) -> Sets | None:
    """Where `a >= b`; None if nowhere. Raises NotClosed for sizes of two variables and for products."""
    return _sets(a - b, lambda gap: at_least(gap, 0))


def _sets(gap: Dim, holds: Any) -> Sets | None:
    found: SizeSet = holds(gap)
    if not found:
        return None
    return {gap.var: found} if isinstance(gap, Size) and found != EVERY else {}


def _equal_products(a: Product, b: Product) -> Sets | None:
    if a.coefficient != b.coefficient or len(a.factors) != len(b.factors):
        return None
    found: Sets | None = {}
    for x, y in zip(a.factors, b.factors, strict=True):
        found = both(found, equal(x, y))
    return found


def _equal_sums(a: Sum, b: Sum) -> Sets | None:
    if a.add != b.add or len(a.terms) != len(b.terms):
        return None
    found: Sets | None = {}
    for x, y in zip(a.terms, b.terms, strict=True):
        found = both(found, equal(x, y))
    return found


def both(a: Sets | None, b: Sets | None) -> Sets | None:
    """Where both hold; None if nowhere."""
    if a is None or b is None:
        return None
    met = {var: a.get(var, EVERY) & b.get(var, EVERY) for var in {**a, **b}}
    return met if all(met.values()) else None


def either(a: Sets | None, b: Sets | None) -> Sets | None:
    """Where one of two holds that speak of one variable, or of none. Raises NotClosed for two."""
    if a is None or b is None:
        return b if a is None else a
    if not a or not b:
        return {}
    names = {*a, *b}
    if len(names) > 1:
        raise NotClosed(f"a choice between conditions on {' and '.join(sorted(names))}")
    (var,) = names
    met = a[var] | b[var]
    return {} if met == EVERY else {var: met}


def compare(operator: str, a: Dim, b: Dim) -> Sets | None:
    """Where a comparison holds; None if nowhere. Raises NotClosed where sizes have no order."""
    match operator:
        case "==":
            return equal(a, b)
        case "!=":
            return opposite(equal(a, b))
        case ">=":
            return not_less(a, b)
        case ">":
            return not_less(a, b + 1)
        case "<=":
            return not_less(b, a)
        case _:
            return not_less(b, a + 1)


def opposite(sets: Sets | None) -> Sets | None:
    """Where something does not hold. Raises NotClosed for conditions on two variables."""
    if not sets:
        return {} if sets is None else None
    if len(sets) > 1:
        raise NotClosed(f"the opposite of conditions on {' and '.join(sorted(sets))}")
    ((var, inside),) = sets.items()
    return {var: ~inside} if ~inside else None


@dataclass(slots=True)
class Domain:
    """Conditions on the input sizes.

    Attributes:
        sets: the admitted sizes, by variable; one left out may take any.
    """

    sets: dict[str, SizeSet] = field(default_factory=dict)

    def of(self, var: str) -> SizeSet:
        """The admitted sizes of a variable."""
        return self.sets.get(var, EVERY)

    def restrict(self, sets: Sets) -> None:
        """Keep only sizes that are also in `sets`."""
        for var, more in sets.items():
            self.sets[var] = self.of(var) & more

    def admits(self, var: str, value: int) -> bool:
        """Whether an input size is allowed."""
        return value in self.of(var)

    def always(self, sets: Sets | None) -> bool:
        """Whether something that holds at `sets` holds for every admitted size."""
        return sets is not None and all(self.of(var) <= s for var, s in sets.items())

    def never(self, sets: Sets | None) -> bool:
        """Whether something that holds at `sets` holds for no admitted size."""
        return sets is None or any(not self.of(var) & s for var, s in sets.items())

    def hardly(self, sets: Sets | None) -> bool:
        """Whether something holds for a few sizes, where endlessly many are admitted: no condition, a mistake."""
        return sets is not None and any(s.finite and not self.of(var).finite for var, s in sets.items())

    def outside(self, sets: Sets | None) -> dict[str, int] | None:
        """The smallest admitted size that is not in `sets`, by variable; {} if any will do, None if there is none."""
        if sets is None:
            return {}
        for var, s in sets.items():
            least = (self.of(var) - s).least
            if least is not None:
                return {var: least}
        return None

    def differ(self, a: Dim, b: Dim) -> dict[str, int] | None:
        """An admitted input size for which two dimensions differ, the smallest; None if they never do."""
        return self.outside(equal(a, b))

    def mismatch(self, a: Shape, b: Shape) -> dict[str, int] | None:
        """As `differ` for whole shapes: None if they agree for every admitted size."""
        if len(a) != len(b):
            return {}
        for x, y in zip(a, b, strict=True):
            witness = self.differ(x, y)
            if witness is not None:
                return witness
        return None

    def meet(self, a: Shape, b: Shape) -> Literal["never", "hardly", "often"]:
        """Whether two shapes agree for some admitted size, and for more than a few."""
        if len(a) != len(b):
            return "never"
        sets = [equal(x, y) for x, y in zip(a, b, strict=True)]
        if None in sets:
            return "never"
        return "hardly" if any(self.hardly(s) for s in sets) else "often"

    def multiple(self, size: Size, by: int) -> bool:
        """Whether `size` is divisible for every admitted input size."""
        return self.differ(size % by, 0) is None

    def key(self) -> tuple[tuple[str, SizeSet], ...]:
        """Hashable contents."""
        return tuple(sorted(self.sets.items(), key=lambda item: item[0]))


def match_sizes(shape: Any, dims: tuple[int, ...], domain: Domain | None, into: dict[str, int]) -> str | None:
    """Read the sizes of a declared shape off a concrete one; says why when it does not fit."""
    written = "[" + ", ".join(map(str, shape)) + "]"
    if len(shape) != len(dims):
        return f"the input is {written}, which has {len(shape)} dimensions"
    if prod(dims) > MOST_ELEMENTS:
        return f"{'x'.join(map(str, dims))} has more elements than a tensor can have"
    for declared, given in zip(shape, dims, strict=True):
        if isinstance(declared, int):
            if declared != given:
                return f"the input is {written}"
        elif into.setdefault(declared.var, given) != given:
            return f"`{declared.var}` cannot be {into[declared.var]} and {given}"
        elif domain is not None and not domain.admits(declared.var, given):
            return refusal(domain.of(declared.var), declared.var, given)
    return None


def refusal(admitted: SizeSet, var: str, value: int) -> str:
    """Why a size is not admitted, and the next that is."""
    least, after = admitted.least, admitted.after(value)
    if least is not None and value < least:
        return f"`{var}` must be at least {least}, this is {value}"
    nearest = f"; the next that does is {after}" if after is not None else ""
    return f"`{var}` = {value} does not meet `{condition(admitted, var)}`{nearest}"
