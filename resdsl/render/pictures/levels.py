"""The levels of a net that goes down and up again, as a U-Net."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from operator import add

from resdsl.render.outline.rows import Table
from resdsl.render.pictures.labels import outputs
from resdsl.render.pictures.places import Edge, edges_of
from resdsl.sizes import Shape, shape_at


@dataclass(frozen=True)
class Levels:
    """The rows of an encoder and a decoder.

    Attributes:
        down: for each level the rows of the encoder; the skip leaves from the last.
        up: for each level the rows of the decoder; the skip arrives at the first.
        bottom: the rows between.
        skips: the skip of each level.
        edges: all edges by tail and head.
    """

    down: list[list[int]]
    up: list[list[int]]
    bottom: list[int]
    skips: list[Edge]
    edges: dict[tuple[int, int], Edge]

    def numbers(self) -> dict[int, int]:
        """The level of each row, from 0 at the top."""
        sides = [*map(add, self.down, self.up), self.bottom]
        return {row: number for number, rows in enumerate(sides) for row in rows}


def levels(table: Table) -> Levels | None:
    """The levels of an encoder and decoder; None when the net is of another form.

    Each row takes the one before, and two or more skips lie inside each other, the inner ones of smaller images.
    """
    edges = {(e.tail, e.head): e for e in edges_of(table)}
    count = len(table.rows)
    if not all((row - 1, row) in edges for row in range(count)) or set(outputs(table)) != {count - 1}:
        return None
    skips = sorted((e for (tail, head), e in edges.items() if head != tail + 1), key=lambda e: e.tail)
    if len(skips) < 2 or skips[0].tail < 0:
        return None
    at = table.at if table.at is not None else table.net.least
    for outer, inner in pairwise(skips):
        if not (outer.tail < inner.tail and inner.head < outer.head):
            return None
        if not _pixels(outer.shapes[0], at) > _pixels(inner.shapes[0], at):
            return None
    starts = [0, *(e.tail + 1 for e in skips)]
    ends = [count, *(e.head for e in skips)]
    down = [list(range(a, b)) for a, b in pairwise(starts)]
    up = [list(range(b, a)) for a, b in pairwise(ends)]
    return Levels(down, up, list(range(starts[-1], ends[-1])), skips, edges)


def _pixels(shape: Shape | None, at: dict[str, int]) -> int:
    return 0 if shape is None else prod(shape_at(shape, at)[1:])
