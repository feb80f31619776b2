"""The stages of several nets in line: those of one name, and where names differ those that do alike in one place."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from resdsl.render.outline.rows import Row, Table
from resdsl.sizes import Shape, shape_at

Line: TypeAlias = "tuple[Row | None, ...]"
"""A row of each net; None where it has no such stage."""

MOST_COMPARED = 250_000
"""Product of two numbers of stages beyond which only names tell."""


class _Stage(NamedTuple):
    """What tells a stage: its output beside the inputs, its blocks or the parts of its text, and its place."""

    inputs: tuple[Shape | None, ...]
    """Without their channels."""
    output: Shape | None
    strides: tuple[Fraction, ...] | None
    residual: bool
    plain: bool
    """Without blocks."""
    does: frozenset[str]
    first: bool
    last: bool


def aligned(tables: Sequence[Table]) -> list[Line]:
    """A line for each stage, with its row in each table.

    Stages of one name that come in the same order share a line. Between them, in order, so do those of which both
    are the first or the last, both do the same or run the same blocks to a map of one size or as many channels,
    or both are residual with maps of one size. Where nets take inputs of other sizes, maps of one size are those
    that are the same part of them. What cannot be told stands alone.
    """
    known = {id(row): _stage(table, row) for table in tables for row in table.rows}

    def likeness(line: Line, row: Row) -> int:
        return max(_likeness(known[id(other)], known[id(row)]) for other in line if other is not None)

    made: list[Line] = [(row,) for row in tables[0].rows]
    for count, table in enumerate(tables[1:], 1):
        names = [row.name for row in table.rows]
        keys = [_name(line, names) for line in made]
        lines: list[Line] = []
        for tag, i, i2, j, j2 in SequenceMatcher(None, keys, names, autojunk=False).get_opcodes():
            ours, theirs = made[i:i2], table.rows[j:j2]
            pairs: list[tuple[int, int]] = []
            if tag == "equal":
                pairs = [(place, place) for place in range(i2 - i)]
            elif tag == "replace" and len(ours) * len(theirs) <= MOST_COMPARED:
                grid = [[likeness(line, row) for row in theirs] for line in ours]
                pairs = _matched(grid, swap=keys[i:i2] > names[j:j2])
            x = y = 0
            for a, b in [*pairs, (len(ours), len(theirs))]:
                lines += [(*line, None) for line in ours[x:a]]
                lines += [(*[None] * count, row) for row in theirs[y:b]]
                lines += [(*line, row) for line, row in zip(ours[a : a + 1], theirs[b : b + 1], strict=True)]
                x, y = a + 1, b + 1
        made = lines
    return made


def _name(line: Line, names: list[str]) -> str:
    """Its name, if it has several one of those."""
    own = [row.name for row in line if row is not None]
    return next((name for name in own if name in names), own[0])


def _matched(likeness: list[list[int]], *, swap: bool) -> list[tuple[int, int]]:
    """Places of two lists in pairs, in the order of both, that are most alike in sum; none that are not alike.

    Swapped so that both ways round give the same.
    """
    if swap:
        turned = [list(column) for column in zip(*likeness, strict=True)]
        return [(i, j) for j, i in _matched(turned, swap=False)]
    high, wide = len(likeness), len(likeness[0])
    best = [[0] * (wide + 1) for _ in range(high + 1)]
    for i in reversed(range(high)):
        for j in reversed(range(wide)):
            both = likeness[i][j] + best[i + 1][j + 1] if likeness[i][j] else 0
            best[i][j] = max(both, best[i + 1][j], best[i][j + 1])
    made: list[tuple[int, int]] = []
    i = j = 0
    while i < high and j < wide:
        if likeness[i][j] and best[i][j] == likeness[i][j] + best[i + 1][j + 1]:
            made.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return made


def _stage(table: Table, row: Row) -> _Stage:
    shapes = [row.shape, *table.net.graph.input_shapes]
    own, *inputs = [shape_at(s, table.at) if s is not None and table.at is not None else s for s in shapes]
    return _Stage(
        inputs=tuple(shape and shape[1:] for shape in inputs),
        output=own,
        strides=None if row.field is None else tuple(stride for _, stride in row.field),
        residual=bool(row.shortcuts),
        plain="(" not in row.text,
        does=frozenset(run.graph.name for run in row.runs) or frozenset(row.text.split(" · ")),
        first=row is table.rows[0],
        last=row is table.rows[-1],
    )


def _likeness(a: _Stage, b: _Stage) -> int:
    """How much two stages have in common; 0 where that does not make them the same."""
    if a.output is None or b.output is None or len(a.output) != len(b.output):
        return 0
    if (a.first, a.last) == (b.last, b.first) != (b.first, b.last):
        return 0  # a stem and a head
    beside = a.inputs == b.inputs
    size = a.output[1:] == b.output[1:] if beside else a.strides is not None and a.strides == b.strides
    wide = a.output[:1] == b.output[:1]
    does = bool(a.does & b.does)
    ends = (a.first and b.first) + (a.last and b.last)
    if not (
        (does and (size or wide))
        or (ends and (a.residual, a.plain) == (b.residual, b.plain))
        or (a.residual and b.residual and size and (beside or wide))
    ):
        return 0
    return 2 * does + 2 * size + wide + ends
