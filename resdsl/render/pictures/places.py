"""Where cards stand: a level for each step from the input, and columns for branches side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resdsl.render.outline.rows import Table, flows
from resdsl.sizes import Shape

Route = Literal["down", "side", "over", "late", "lane"]
"""Straight down; out at the right and then down; to another column and then down, or the other way round; or
around at the left of all."""


@dataclass(frozen=True)
class Edge:
    """All values that one row takes from another.

    Attributes:
        tail: a row, or -1 - i for input i of the net.
        head: a row.
        shapes: of the values.
        route: how it gets there.
        lane: for a route around, how far out, from 0.
    """

    tail: int
    head: int
    shapes: tuple[Shape | None, ...]
    route: Route = "down"
    lane: int = 0


@dataclass(frozen=True)
class Places:
    """Level and column of each row and input, the levels from 0 for the inputs, and the edges."""

    levels: dict[int, int]
    columns: dict[int, int]
    edges: list[Edge]

    @property
    def width(self) -> int:
        """Number of columns."""
        return max(self.columns.values()) + 1


def edges_of(table: Table) -> list[Edge]:
    """The edges between rows in their order, those back to an earlier row left out."""
    shapes: dict[tuple[int, int], list[Shape | None]] = {}
    for tail, head, value in flows(table):
        if tail < head:
            shape = table.plan.steps[value.step].node.shapes[value.index]
            shapes.setdefault((tail, head), []).append(shape)
    return [Edge(tail, head, tuple(found)) for (tail, head), found in shapes.items()]


def places(table: Table) -> Places | None:
    """Where the rows of a table stand; None where edges cannot be drawn without crossing cards."""
    edges = edges_of(table)
    feeds = [-1 - i for i in range(len(table.net.graph.inputs))]
    levels = dict.fromkeys(feeds, 0)
    columns: dict[int, int] = {}
    lowest: dict[int, int] = {}
    into: dict[int, list[int]] = {}
    for edge in edges:
        into.setdefault(edge.head, []).append(edge.tail)
    for feed in feeds:
        columns[feed] = len(columns)
        lowest[columns[feed]] = 0
    for row in range(len(table.rows)):
        before = sorted(into.get(row, ()), key=lambda t: (-levels[t], columns[t]))
        levels[row] = level = 1 + max((levels[t] for t in before), default=0)
        wanted = [columns[t] for t in before] + list(range(len(columns) + 1))
        columns[row] = column = next(c for c in wanted if lowest.get(c, -1) < level)
        lowest[column] = level
    taken = {(columns[r], levels[r]) for r in levels}

    def clear(column: int, edge: Edge) -> bool:
        return not any((column, k) in taken for k in range(levels[edge.tail] + 1, levels[edge.head]))

    def beside(edge: Edge) -> bool:
        return any(
            (c, levels[edge.tail]) in taken for c in range(columns[edge.tail] + 1, columns[edge.head] + 1)
        )

    made = []
    for edge in edges:
        tail, head = columns[edge.tail], columns[edge.head]
        if tail == head and clear(tail, edge):
            route: Route = "down"
        elif tail < head and clear(head, edge) and not beside(edge):
            route = "side"
        elif clear(tail, edge):
            route = "late"
        elif clear(head, edge):
            route = "over"
        elif tail == head == 0:
            route = "lane"
        else:
            return None
        made.append(Edge(edge.tail, edge.head, edge.shapes, route))
    return Places(levels, columns, _lanes(made, levels))


def _lanes(edges: list[Edge], levels: dict[int, int]) -> list[Edge]:
    """The edges around, the short ones inside the long ones."""
    used: list[list[tuple[int, int]]] = []
    found: dict[Edge, int] = {}
    around = [e for e in edges if e.route == "lane"]
    for edge in sorted(around, key=lambda e: (levels[e.head] - levels[e.tail], e.tail)):
        low, high = levels[edge.tail], levels[edge.head]
        lane = next(
            (k for k, spans in enumerate(used) if all(b <= low or a >= high for a, b in spans)), len(used)
        )
        if lane == len(used):
            used.append([])
        used[lane].append((low, high))
        found[edge] = lane
    return [Edge(e.tail, e.head, e.shapes, e.route, found.get(e, 0)) for e in edges]
