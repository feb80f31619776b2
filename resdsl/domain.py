"""The input sizes a net admits, and what holds for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import lcm
from typing import Any

from resdsl.sizes import Dim, NotClosed, Shape, Size


@dataclass(slots=True)
class Domain:
    """Conditions on the input sizes, one entry for each variable.

    Attributes:
        least: smallest size.
        residues: (period, admitted remainders) from a `where` like `H % 32 == 0`.
    """

    least: dict[str, int] = field(default_factory=dict)
    residues: dict[str, tuple[int, frozenset[int]]] = field(default_factory=dict)

    def restrict(self, var: str, period: int, kept: frozenset[int]) -> None:
        """Keep only sizes whose remainder by `period` is in `kept`."""
        old_period, old = self.residues.get(var, (1, frozenset({0})))
        both = lcm(old_period, period)
        admitted = frozenset(r for r in range(both) if r % old_period in old and r % period in kept)
        self.residues[var] = (both, admitted)

    def at_least(self, var: str, value: int) -> None:
        """Keep only sizes from `value`."""
        self.least[var] = max(self.least.get(var, 1), value)

    def admits(self, var: str, value: int) -> bool:
        """Whether an input size is allowed."""
        period, kept = self.residues.get(var, (1, frozenset({0})))
        return value >= self.least.get(var, 1) and value % period in kept

    def samples(self, var: str, period: int) -> list[int]:
        """One admitted size for each remainder by `period`, the smallest; in rising order."""
        own, _ = self.residues.get(var, (1, frozenset({0})))
        start = self.least.get(var, 1)
        return [v for v in range(start, start + lcm(own, period)) if self.admits(var, v)]

    def differ(self, a: Dim, b: Dim) -> dict[str, int] | None:
        """An admitted input size for which two dimensions differ, the smallest; None if they never do."""
        if a == b:
            return None
        try:
            gap = a - b
        except NotClosed:
            return {}
        if isinstance(gap, int):
            return {}
        assert isinstance(gap, Size)
        for value in self.samples(gap.var, len(gap.offsets) * (1 if gap.slope == 0 else 2)):
            if gap.at(value) != 0:
                return {gap.var: value}
        return None

    def mismatch(self, a: Shape, b: Shape) -> dict[str, int] | None:
        """As `differ` for whole shapes: None if they agree for every admitted size."""
        if len(a) != len(b):
            return {}
        for x, y in zip(a, b, strict=True):
            witness = self.differ(x, y)
            if witness is not None:
                return witness
        return None

    def multiple(self, size: Size, by: int) -> bool:
        """Whether `size` is divisible for every admitted input size."""
        rest = size % by
        return self.differ(rest, 0) is None

    def key(self) -> tuple[object, ...]:
        """Hashable contents."""
        return (tuple(sorted(self.residues.items())), tuple(sorted(self.least.items())))


def match_sizes(shape: Any, dims: tuple[int, ...], domain: Domain | None, into: dict[str, int]) -> str | None:
    """Read the sizes of a declared shape off a concrete one; says why when it does not fit."""
    written = "[" + ", ".join(map(str, shape)) + "]"
    if len(shape) != len(dims):
        return f"the input is {written}, which has {len(shape)} dimensions"
    for declared, given in zip(shape, dims, strict=True):
        if isinstance(declared, int):
            if declared != given:
                return f"the input is {written}"
        elif into.setdefault(declared.var, given) != given:
            return f"`{declared.var}` cannot be {into[declared.var]} and {given}"
        elif domain is not None and not domain.admits(declared.var, given):
            least = domain.least.get(declared.var, 1)
            if given < least:
                return f"`{declared.var}` must be at least {least}, this is {given}"
            return f"`{declared.var}` = {given} does not meet the conditions of the input"
    return None
