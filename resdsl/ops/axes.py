"""Named axes: which axes of a value become which, and the torch calls that do it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

Axis: TypeAlias = tuple[str, ...]
"""An axis as a product of names; the empty product is an axis of size 1."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """`[c, h, w] -> [h * w, c]`: every name stands once on each side, or is new on the right.

    `others` are the axes of further values: `[n, d], [m, d] -> [n, m]`.
    """

    source: tuple[Axis, ...]
    target: tuple[Axis, ...]
    others: tuple[tuple[Axis, ...], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of the inputs, then new ones."""
        sides = (self.source, *self.others, self.target)
        return tuple(dict.fromkeys(name for side in sides for axis in side for name in axis))

    def __str__(self) -> str:
        return f"{', '.join(map(listed, (self.source, *self.others)))} -> {listed(self.target)}"


def product(axis: Axis) -> str:
    """`h * w`."""
    return " * ".join(axis) or "1"


def listed(axes: tuple[Axis, ...]) -> str:
    """`[h * w, c]`."""
    return f"[{', '.join(map(product, axes))}]"


Unit: TypeAlias = tuple[str, ...]
"""Names that stay side by side."""


def steps(mapping: Mapping, sizes: Callable[[list[Unit]], str]) -> str:
    """The shortest chain of calls that does it: `.flatten(2).transpose(1, 2)`.

    Args:
        mapping: the axes.
        sizes: how the sizes of the parts of one axis are written in `unflatten`.
    """
    source, target = _keep_ones(mapping.source, mapping.target)
    calls = _squeeze(source)
    before = [_units(axis, target) for axis in source if axis]
    after = [_units(axis, source) for axis in target if axis]
    calls += _flatten_first(before, after)
    place = 1
    for axis in before:
        if len(axis) > 1:
            calls.append(f".unflatten({place}, ({sizes(axis)}))")
        place += len(axis)
    calls += _permute([u for axis in before for u in axis], [u for axis in after for u in axis])
    for place, axis in enumerate(after, 1):
        if len(axis) > 1:
            last = place + len(axis) - 1
            rest = sum(map(len, after[place:]))
            calls.append(f".flatten({place}, {last})" if rest else f".flatten({place})")
    return "".join(calls + opened(target))


def _keep_ones(source: tuple[Axis, ...], target: tuple[Axis, ...]) -> tuple[tuple[Axis, ...], ...]:
    """Axes of size 1 that both sides begin or end with stay: they get names."""
    pairs = list(zip(source, target, strict=False))
    first = next((i for i, pair in enumerate(pairs) if any(pair)), len(pairs))
    pairs = list(zip(source[first:][::-1], target[first:][::-1], strict=False))
    last = next((i for i, pair in enumerate(pairs) if any(pair)), len(pairs))
    names = [(f"1{i}",) for i in range(first + last)]
    return tuple(
        (*names[:first], *side[first : len(side) - last], *names[first:]) for side in (source, target)
    )


def _units(axis: Axis, others: tuple[Axis, ...]) -> list[Unit]:
    """The names of an axis, with those together that are neighbours in an axis of the other side too."""
    together = {pair for other in others for pair in pairwise(other)}
    made: list[list[str]] = []
    for name in axis:
        if made and (made[-1][-1], name) in together:
            made[-1].append(name)
        else:
            made.append([name])
    return [tuple(unit) for unit in made]


def _flatten_first(before: list[list[Unit]], after: list[list[Unit]]) -> list[str]:
    """Join whole axes that are neighbours on both sides, before anything moves."""
    together = {pair: axis for axis in after for pair in pairwise(axis)}
    calls, place = list[str](), 0
    while place < len(before):
        end = place
        while end + 1 < len(before) and len(before[end]) == len(before[end + 1]) == 1:
            if (before[end][0], before[end + 1][0]) not in together:
                break
            end += 1
        if end > place:
            run = [axis[0] for axis in before[place : end + 1]]
            home, joined = together[run[0], run[1]], tuple(name for unit in run for name in unit)
            at = home.index(run[0])
            home[at : at + len(run)] = [joined]
            last = end + 1 == len(before)
            before[place : end + 1] = [[joined]]
            calls.append(f".flatten({place + 1})" if last else f".flatten({place + 1}, {end + 1})")
        place += 1
    return calls


def _permute(before: list[Unit], after: list[Unit]) -> list[str]:
    order = [before.index(unit) for unit in after]
    moved = [i for i, j in enumerate(order) if i != j]
    if not moved:
        return []
    if len(moved) == 2:
        return [f".transpose({moved[0] + 1}, {moved[1] + 1})"]
    return [f".permute({', '.join(map(str, (0, *(j + 1 for j in order))))})"]


def _squeeze(source: tuple[Axis, ...]) -> list[str]:
    places = [i for i, axis in enumerate(source, 1) if not axis]
    if not places:
        return []
    return [f".squeeze({places[0] if len(places) == 1 else tuple(places)})"]


def opened(target: tuple[Axis, ...]) -> list[str]:
    """The calls that put in the axes of size 1."""
    places = [i for i, axis in enumerate(target, 1) if not axis]
    if len(places) < 2:
        return [f".unsqueeze({i})" for i in places]
    return [f"[:, {', '.join('None' if i in places else ':' for i in range(1, places[-1] + 1))}]"]
