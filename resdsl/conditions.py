"""Sets of input sizes as text: the shortest true condition, for a spec (`where`) and for Python."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from math import gcd

from resdsl.notation import linear
from resdsl.sets import EVERY, SizeSet, periodic


@dataclass(frozen=True, slots=True)
class _Term:
    """`(var + shift) / by`, rounded down, where `by` is not 1: up for `shift == by - 1`."""

    shift: int = 0
    by: int = 1

    def write(self, var: str, python: bool) -> str:
        if self.by == 1:
            return linear(1, var, self.shift)
        if self.shift == self.by - 1:
            return f"-(-{var} // {self.by})" if python else f"ceil({var} / {self.by})"
        inner = f"({linear(1, var, self.shift)})" if self.shift else var
        return f"{inner} // {self.by}" if python else f"floor({inner} / {self.by})"


@dataclass(frozen=True, slots=True)
class _Remainder:
    """`term % by == value`, or with another relation."""

    term: _Term
    by: int
    relation: str
    value: int

    def write(self, var: str, python: bool) -> str:
        term = self.term.write(var, python)
        bare = term == var or (not python and self.term.by > 1)
        return f"{term if bare else f'({term})'} % {self.by} {self.relation} {self.value}"


@dataclass(frozen=True, slots=True)
class _Order:
    """`var >= value`, or with another relation."""

    relation: str
    value: int

    def write(self, var: str, python: bool) -> str:
        return f"{var} {self.relation} {self.value}"


@dataclass(frozen=True, slots=True)
class _Range:
    """`var` from `first` to `last`."""

    first: int
    last: int

    def write(self, var: str, python: bool) -> str:
        if self.first == self.last:
            return f"{var} == {self.first}"
        if self.first == 1:
            return f"{var} <= {self.last}"
        if python:
            return f"{self.first} <= {var} <= {self.last}"
        return f"({var} >= {self.first} and {var} <= {self.last})"


_Atom = _Remainder | _Order | _Range


def condition(sizes: SizeSet, var: str, *, python: bool = False) -> str:
    """`H % 32 == 0`, `H >= 33 and H % 2 == 1`; empty where every size is in the set.

    With `python`, an expression of Python on integers.
    """
    return " and ".join(
        " or ".join(a.write(var, python) for a in part) if len(part) == 1 else _any(part, var, python)
        for part in _parts(sizes)
    )


def clauses(sizes: SizeSet, var: str) -> list[str]:
    """As `condition`, in the parts that a `where` separates by commas."""
    return [" or ".join(a.write(var, False) for a in part) for part in _parts(sizes)]


def _any(part: list[_Atom], var: str, python: bool) -> str:
    return "(" + " or ".join(a.write(var, python) for a in part) + ")"


@lru_cache(1024)
def _parts(sizes: SizeSet) -> list[list[_Atom]]:
    """The set as a conjunction of disjunctions."""
    if not sizes:
        return [[_Order("<", 1)]]
    least = sizes.least
    assert least is not None
    if sizes.finite:
        return _finite(sizes)
    tail = SizeSet(1, 0, sizes.period, sizes.residues)
    parts = _periodic(sizes.period, sizes.residues)
    more = list(_up_to(sizes, sizes.start, sizes - tail))
    missing = list(_up_to(sizes, sizes.start, tail - sizes))
    gaps = [v for v in missing if v > least]
    first = tail.after(sizes.start)
    assert first is not None
    # A periodic set from `first` on, and single sizes below: each part holds for those too.
    alone = _ranges([v for v in range(1, sizes.start) if v in sizes])
    joined: list[list[_Atom]] = [[*part, *alone] for part in (*parts, *_from(first, 0))]
    if more or len(gaps) > sum(map(len, joined)):
        return joined
    if least > 1 and any(v < least for v in missing):
        parts.extend(_from(least, 1))
    for v in gaps:
        parts.append([_Order("!=", v)])
    return parts


def _ranges(members: list[int]) -> list[_Atom]:
    found: list[_Atom] = []
    for _, group in groupby(enumerate(members), key=lambda pair: pair[1] - pair[0]):
        run = [v for _, v in group]
        found.append(_Range(run[0], run[-1]))
    return found


def _up_to(sizes: SizeSet, end: int, part: SizeSet) -> list[int]:
    found = []
    for v in part:
        if v >= end:
            break
        found.append(v)
    return found


def _finite(sizes: SizeSet) -> list[list[_Atom]]:
    """Single sizes, or all from one to another, or a periodic set of those."""
    members = list(sizes)
    least, most = members[0], members[-1]
    if len(members) == most - least + 1 > 1:
        return [*_from(least, 1), [_Order("<=", most)]]
    step = _common_step(members)
    if step > 1 and len(members) == (most - least) // step + 1 > 2:
        return [[_Remainder(_Term(), step, "==", least % step)], *_from(least, step), [_Order("<=", most)]]
    return [_ranges(members)]


def _from(least: int, step: int) -> list[list[_Atom]]:
    part: list[_Atom] = [_Order(">=", least)]
    return [part] if least > step else []


def _common_step(members: list[int]) -> int:
    return gcd(*(v - members[0] for v in members[1:]))


def _periodic(period: int, residues: int) -> list[list[_Atom]]:
    """A periodic set as conditions with smaller periods where that is shorter: `H % 8 == 0, H % 3 != 1`."""
    if period == 1:
        return []
    whole = [_residues(period, residues)]
    if len(whole[0]) == 1:
        return whole
    parts, covered = [], EVERY
    for small in (d for d in range(2, period) if period % d == 0):
        seen = 0
        for r in range(period):
            seen |= (residues >> r & 1) << r % small
        part = periodic(small, seen)
        if not covered <= part:
            covered &= part
            parts.append(_residues(part.period, part.residues))
        if covered == SizeSet(1, 0, period, residues):
            return parts if sum(map(len, parts)) <= len(whole[0]) else whole
    return whole


def _residues(period: int, residues: int) -> list[_Atom]:
    """A periodic set: the shortest of the ways to say it."""
    rests = [r for r in range(period) if residues >> r & 1]
    if len(rests) == 1:
        return [_Remainder(_Term(), period, "==", rests[0])]
    if len(rests) == period - 1:
        (missing,) = set(range(period)) - set(rests)
        return [_Remainder(_Term(), period, "!=", missing)]
    nested = _of_quotient(period, residues)
    if nested is not None:
        return nested
    runs = _runs(period, rests)
    if len(runs) == 1:
        return [_between(period, *runs[0])]
    return [atom for start, length in runs for atom in _run(period, start, length)]


def _run(period: int, start: int, length: int) -> list[_Atom]:
    if length <= 2:
        return [_Remainder(_Term(), period, "==", (start + i) % period) for i in range(length)]
    return [_between(period, start, length)]


def _between(period: int, start: int, length: int) -> _Atom:
    if start == 0:
        return _Remainder(_Term(), period, "<", length)
    if start + length == period:
        return _Remainder(_Term(), period, ">=", start)
    return _Remainder(_Term(-start if start <= period // 2 else period - start), period, "<", length)


def _runs(period: int, rests: list[int]) -> list[tuple[int, int]]:
    """Neighbouring remainders as (first, how many); the last and the first are neighbours."""
    runs = []
    for _, group in groupby(enumerate(rests), key=lambda pair: pair[1] - pair[0]):
        members = [r for _, r in group]
        runs.append((members[0], len(members)))
    if len(runs) > 1 and runs[0][0] == 0 and sum(runs[-1]) == period:
        (_, first), (start, last) = runs[0], runs[-1]
        runs = [*runs[1:-1], (start, last + first)]
    return runs


def _of_quotient(period: int, residues: int) -> list[_Atom] | None:
    """`ceil(H / 4) % 8 == 0`: what depends on a rounded quotient only, where that is one remainder of it."""
    for by in sorted((d for d in range(2, period) if period % d == 0), reverse=True):
        for shift in (0, by - 1, *range(1, by - 1)):
            quotients = 0
            for q in range(period // by):
                block = [residues >> (q * by + i - shift) % period & 1 for i in range(by)]
                if any(block) and not all(block):
                    break
                quotients |= block[0] << q
            else:
                count = quotients.bit_count()
                outer = period // by
                if count == 1:
                    value = quotients.bit_length() - 1
                    return [_Remainder(_Term(shift, by), outer, "==", value)]
                if count == outer - 1:
                    value = (~quotients & ((1 << outer) - 1)).bit_length() - 1
                    return [_Remainder(_Term(shift, by), outer, "!=", value)]
    return None
