"""Sets of input sizes: those at which something holds.

A statement about quasi-affine sizes (`f(H) == g(H)`, `f(H) >= 1`) holds at sizes that repeat with a period
from some size on. Such sets are closed under `&`, `|` and `~`, and each has one shortest form, so that two
sets are equal exactly when the objects are equal. `resdsl.conditions` writes them as text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import lcm

from resdsl.sizes import MAX_PERIOD, Dim, NotClosed, Pattern, Size, divisors

MAX_START = 1 << 22


@dataclass(frozen=True, slots=True)
class SizeSet:
    """Sizes `v >= 1`: below `start` those whose bit is set in `head`, from there by `v % period`.

    Attributes:
        start: the size from which the set repeats, at least 1.
        head: bit `v` says whether `v < start` is in the set.
        period: of the rest.
        residues: bit `r` says whether the sizes with `v % period == r` are in the set.
    """

    start: int
    head: int
    period: int
    residues: int

    def __contains__(self, value: int) -> bool:
        if value < self.start:
            return value >= 1 and bool(self.head >> value & 1)
        return bool(self.residues >> value % self.period & 1)

    def __and__(self, other: SizeSet) -> SizeSet:
        if self == other or other == EVERY:
            return self
        start, period, ours, theirs = _aligned(self, other)
        return _made(start, ours[0] & theirs[0], period, ours[1] & theirs[1])

    def __or__(self, other: SizeSet) -> SizeSet:
        start, period, ours, theirs = _aligned(self, other)
        return _made(start, ours[0] | theirs[0], period, ours[1] | theirs[1])

    def __invert__(self) -> SizeSet:
        below = (1 << self.start) - 2
        return _made(self.start, below & ~self.head, self.period, _full(self.period) & ~self.residues)

    def __sub__(self, other: SizeSet) -> SizeSet:
        return self & ~other

    def __le__(self, other: SizeSet) -> bool:
        """Whether every size of this set is in the other."""
        return not self - other

    def __bool__(self) -> bool:
        return bool(self.head or self.residues)

    def after(self, value: int) -> int | None:
        """The smallest size in the set that is at least `value`; None if there is none."""
        value = max(value, 1)
        if value < self.start:
            rest = self.head >> value
            if rest:
                return value + _lowest(rest)
            value = self.start
        if not self.residues:
            return None
        turn = value % self.period
        later = self.residues >> turn
        if later:
            return value + _lowest(later)
        return value + self.period - turn + _lowest(self.residues)

    @property
    def least(self) -> int | None:
        """The smallest size in the set; None for the empty set."""
        return self.after(1)

    @property
    def most(self) -> int | None:
        """The largest size of a finite set; None for one without an end, and for the empty set."""
        return None if self.residues or not self.head else self.head.bit_length() - 1

    @property
    def finite(self) -> bool:
        """Whether it ends."""
        return not self.residues

    @property
    def upward(self) -> bool:
        """Whether it has every size from its smallest on: all it asks for is a least size."""
        return self.period == 1 and self.residues == 1 and not self.head

    @property
    def every(self) -> tuple[int, int]:
        """`(m, r)` with the largest `m` such that all its sizes leave `r` by `m`; (1, 0) when none does."""
        if not self.residues:
            return (1, 0)
        rests = [r for r in range(self.period) if self.residues >> r & 1]
        if len(rests) > 1 or any(self.head >> v & 1 and v % self.period != rests[0] for v in self._below()):
            return (1, 0)
        return (self.period, rests[0])

    def _below(self) -> range:
        return range(1, self.start)

    def __iter__(self) -> Iterator[int]:
        """Its sizes in rising order, without an end if it has none."""
        value = self.after(1)
        while value is not None:
            yield value
            value = self.after(value + 1)


EVERY = SizeSet(1, 0, 1, 1)
NONE = SizeSet(1, 0, 1, 0)


def periodic(period: int, residues: int) -> SizeSet:
    """The sizes whose remainder by `period` has its bit set in `residues`."""
    return _made(1, 0, period, residues)


def at_least(size: Dim, bound: int) -> SizeSet:
    """The input sizes at which a dimension is at least `bound`. Raises NotClosed for a product."""
    if isinstance(size, int):
        return EVERY if size >= bound else NONE
    if not isinstance(size, Size):
        raise NotClosed(f"an order on the product `{size}`")
    return _at_least(size.pattern, bound - size.add)


def zero(size: Dim) -> SizeSet:
    """The input sizes at which a dimension is 0. Raises NotClosed for a product."""
    if isinstance(size, int):
        return NONE if size else EVERY
    if not isinstance(size, Size):
        raise NotClosed(f"the zeros of the product `{size}`")
    return _level(size.pattern, -size.add)


def common(sets: Iterable[SizeSet]) -> SizeSet:
    """The sizes in all of them."""
    met = EVERY
    for one in sorted(set(sets), key=lambda s: (s.period, s.start)):
        met &= one
    return met


@lru_cache(4096)
def _at_least(pattern: Pattern, bound: int) -> SizeSet:
    slope, offsets = pattern.slope, pattern.offsets
    period = len(offsets)
    if slope > 0 and pattern.rises:
        return _from(_first(pattern, bound))
    if slope == 0:
        return _made(1, 0, period, _mask(r for r, o in enumerate(offsets) if o >= bound))
    turns = [-((o - bound) // slope) if slope > 0 else (o - bound) // -slope for o in offsets]
    if slope > 0:
        firsts = [r + period * max(0, k) for r, k in enumerate(turns)]
        start = max(firsts)
        _check_start(start)
        head = _mask(v for v in range(1, start) if v >= firsts[v % period])
        return _made(max(start, 1), head, 1, 1)
    lasts = [r + period * k for r, k in enumerate(turns)]  # negative where it never holds
    start = max(0, *lasts) + 1
    _check_start(start)
    return _made(start, _mask(v for v in range(1, start) if v <= lasts[v % period]), 1, 0)


def _first(pattern: Pattern, bound: int) -> int:
    """The smallest `v >= 1` with `p(v) >= bound`, for a pattern that never falls."""
    turn = max(0, -((pattern.offsets[-1] - bound) // pattern.slope))
    rest = bisect_left(pattern.offsets, bound - pattern.slope * turn)
    value = turn * len(pattern.offsets) + rest
    _check_start(value)
    return max(value, 1)


def _from(value: int) -> SizeSet:
    """All sizes from `value` on."""
    return EVERY if value <= 1 else SizeSet(value, 0, 1, 1)


@lru_cache(4096)
def _level(pattern: Pattern, value: int) -> SizeSet:
    """Where a pattern has a value."""
    slope, offsets = pattern.slope, pattern.offsets
    period = len(offsets)
    if slope == 0:
        return _made(1, 0, period, _mask(r for r, o in enumerate(offsets) if o == value))
    found = []
    for r, o in enumerate(offsets):
        turn, rest = divmod(value - o, slope)
        if rest == 0 and turn >= 0 and r + period * turn >= 1:
            found.append(r + period * turn)
    start = max(found, default=0) + 1
    _check_start(start)
    return _made(start, _mask(found), 1, 0)


def _check_start(start: int) -> None:
    if start > MAX_START:
        raise NotClosed(f"a size of more than {MAX_START:,}")


def _mask(values: Iterator[int] | list[int]) -> int:
    bits = bytearray()
    for v in values:
        if v >> 3 >= len(bits):
            bits.extend(bytes((v >> 3) + 1 - len(bits)))
        bits[v >> 3] |= 1 << (v & 7)
    return int.from_bytes(bits, "little")


def _full(period: int) -> int:
    return (1 << period) - 1


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _repeat(residues: int, period: int, times: int) -> int:
    """The mask of one period, written `times` times one after the other."""
    return residues * (_full(period * times) // _full(period))


def _aligned(a: SizeSet, b: SizeSet) -> tuple[int, int, tuple[int, int], tuple[int, int]]:
    """Both sets with one start and one period: start, period, (head, residues) of each."""
    period, start = lcm(a.period, b.period), max(a.start, b.start)
    if period > MAX_PERIOD:
        raise NotClosed(f"conditions that repeat after {period:,} sizes")
    return start, period, _stretched(a, start, period), _stretched(b, start, period)


def _stretched(s: SizeSet, start: int, period: int) -> tuple[int, int]:
    head = s.head
    if start > s.start:
        tail = _repeat(s.residues, s.period, -(-start // s.period))
        head |= (tail & ((1 << start) - 1)) >> s.start << s.start
    return head, _repeat(s.residues, s.period, period // s.period)


def _made(start: int, head: int, period: int, residues: int) -> SizeSet:
    """In the shortest form: the smallest period, then the smallest start."""
    for small in divisors(period):
        if residues == _repeat(residues & _full(small), small, period // small):
            period, residues = small, residues & _full(small)
            break
    while start > 1 and head >> (start - 1) & 1 == residues >> (start - 1) % period & 1:
        start -= 1
        head &= ~(1 << start)
    return SizeSet(start, head, period, residues)
