"""What the page unfolds: graphs whose nodes are the steps of a net, few enough at each level to be seen at once.

The first level is that of the table's rows. Equal copies in a row become one node, and of a long graph
neighbours become parts. Each distinct graph is made once, whoever runs it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil

from resdsl.graph.cost import Cost, evaluated, shares
from resdsl.graph.model import Feed, Field, Graph, Node, Port
from resdsl.ops.base import Op
from resdsl.render.outline.blocks import shortcut_chain
from resdsl.render.outline.rows import Table
from resdsl.render.outline.tally import Tally, tally_node
from resdsl.sizes import Shape

MOST = 60
"""Nodes at one level; beyond it neighbours become parts."""
PARTS = 20
MOST_AT_FIRST = 25
MANY = 10_000

Ref = tuple[int, int]
"""A value in a `Level`: number of the node, or of a feed (those come first), and index of the output."""


@dataclass(frozen=True)
class Inlet:
    """A value that comes from outside."""

    name: str
    shape: Shape | None
    field: Field | None


@dataclass(frozen=True)
class Item:
    """One step, or several as one.

    Attributes:
        id: address in the graph around it; of a part, what it holds: `12–17`.
        node: the step; of a part, its last.
        graph: the graph of the node.
        inputs: what it takes.
        cost: counts of all copies together.
        shapes: of its outputs.
        field: receptive field of its first output, from the input of the graph around it.
        shortcuts: how many of each kind it holds.
        inside: what it unfolds to.
        copies: addresses, where it stands for several equal steps in a row; `once` is the field after the first.
        label, text: in place of what its step says of itself.
        skip: kind of the shortcut it lies on.
        row: number of its row, at the first level.
    """

    id: str
    node: Node
    graph: Graph
    inputs: tuple[Ref, ...]
    shapes: tuple[Shape | None, ...]
    cost: Cost
    field: Field | None
    shortcuts: dict[str, int]
    inside: Level | None = None
    copies: tuple[str, ...] = ()
    once: Field | None = None
    label: str = ""
    text: str = ""
    skip: str = ""
    row: int | None = None

    @property
    def is_part(self) -> bool:
        """Whether it holds neighbours, not what a step runs."""
        return self.inside is not None and self.inside.graph is None

    @property
    def steps(self) -> int:
        """How many steps of its graph it stands for."""
        if self.is_part and self.inside is not None:
            return sum(item.steps for item in self.inside.items)
        return len(self.copies) or 1


@dataclass(eq=False)
class Level:
    """A graph as it is shown.

    Attributes:
        graph: the graph; None for a part of one.
        inlets: what comes from outside.
        items: in topological order.
        outputs: what it gives.
    """

    graph: Graph | None
    inlets: list[Inlet] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    outputs: list[Ref] = field(default_factory=list)


def folding_note(table: Table) -> str:
    """What to say of a net with so many steps that one may miss those that are folded; else nothing."""
    count: dict[int, int] = {}
    for graph in table.net.graph.signatures():
        steps = (n.content for n in graph.nodes() if not isinstance(n.content, Feed))
        count[id(graph)] = sum(count[id(s)] if isinstance(s, Graph) else 1 for s in steps)
    total = count[id(table.net.graph)]
    return f"{total:,} steps: equal copies and long chains are folded" if total > MANY else ""


def tree(table: Table) -> Level:
    """The levels of a net, from its rows down."""
    known: dict[int, Level] = {}
    live = evaluated(table.net.graph)
    at = table.at if table.at is not None else table.net.least
    for graph in table.net.graph.signatures():
        if graph is not table.net.graph:
            known[id(graph)] = _level(graph, table, at if id(graph) in live else None, known)
    return _first(table, known)


# ---------------------------------------------------------------- the rows


def _first(table: Table, known: dict[int, Level]) -> Level:
    """The level of the rows."""
    steps = table.plan.steps
    feeds = [i for i, step in enumerate(steps) if isinstance(step.node.content, Feed)]
    level = Level(table.net.graph)
    for i in feeds:
        feed = steps[i].node.content
        assert isinstance(feed, Feed)
        level.inlets.append(Inlet(feed.name, steps[i].shape, steps[i].field))
    place = {number: i for i, number in enumerate(feeds)}
    order = [number for row in table.rows for number in row.steps]
    place.update({number: len(feeds) + i for i, number in enumerate(order)})
    level.outputs = [(place[v.step], v.index) for v in table.plan.outputs]
    for number in order:
        step = steps[number]
        mine = Tally()
        tally_node(step.graph, step.node, table.plan.known, table.tally, mine)
        inner = known[id(step.inner)] if step.inner is not None else None
        level.items.append(
            Item(
                step.path,
                step.node,
                step.graph,
                tuple((place[v.step], v.index) for v in step.inputs),
                step.node.shapes,
                step.cost,
                step.field,
                dict(mine.shortcuts),
                inner,
            )
        )
    level.items = _with_skips(level.items, len(feeds))
    groups, start = [], 0
    for row in table.rows:
        groups.append((start, start + len(row.steps)))
        start += len(row.steps)
    level = _joined(level, groups)
    taken = {item.id for item in level.items}
    for number, (item, row) in enumerate(zip(level.items, table.rows, strict=True)):
        name = item.id
        if item.is_part and item.inside is not None:
            name = unused(row.name, taken)
            item = replace(item, inside=_folded(_repeats(item.inside), MOST))
        level.items[number] = replace(
            item, id=name, label=row.name, text=row.text, row=number, field=row.field
        )
    return _folded(level, MOST_AT_FIRST)


# ---------------------------------------------------------------- one graph


def _level(graph: Graph, table: Table, at: dict[str, int] | None, known: dict[int, Level]) -> Level:
    """A graph whose inner graphs are known, counted at input sizes unless it runs in training only."""
    level = Level(graph)
    place: dict[str, int] = {id: number for number, id in enumerate(graph.inputs)}
    for id in graph.inputs:
        feed = graph.node(id)
        assert isinstance(feed.content, Feed)
        level.inlets.append(Inlet(feed.content.name, feed.shapes[0], _unit(feed.shapes[0])))
    for node, cost in shares(graph, table.plan.known, at):
        if node.id in place:
            continue
        place[node.id] = len(place)
        mine = Tally()
        tally_node(graph, node, table.plan.known, table.tally, mine)
        inner = known[_id(node.content)] if isinstance(node.content, Graph) else None
        level.items.append(
            Item(
                node.id,
                node,
                graph,
                tuple((place[p.node], p.index) for p in node.inputs),
                node.shapes,
                cost,
                graph.fields.get(Port(node.id)),
                dict(mine.shortcuts),
                inner,
            )
        )
    level.outputs = [(place[p.node], p.index) for p in graph.outputs]
    level.items = _with_skips(level.items, len(level.inlets))
    return _folded(_repeats(level), MOST)


def _unit(shape: Shape | None) -> Field | None:
    """The field of a value as seen from itself."""
    return None if shape is None else tuple((Fraction(1), Fraction(1)) for _ in shape[1:])


def _id(graph: Graph) -> int:
    return id(graph)


def _with_skips(items: list[Item], feeds: int) -> list[Item]:
    """The items that lie on a shortcut, marked with its kind."""
    kinds: dict[tuple[int, str], str] = {}
    for item in items:
        if item.node.shortcut:
            for node in shortcut_chain(item.graph, item.node):
                kinds[_id(item.graph), node.id] = item.node.shortcut
    return [replace(i, skip=kinds.get((_id(i.graph), i.node.id), "")) for i in items]


# ---------------------------------------------------------------- several as one


def _repeats(level: Level) -> Level:
    """Neighbours that do the same, each with what the one before gives, as one item with copies."""
    first, items = len(level.inlets), level.items
    uses = Counter(ref for item in items for ref in item.inputs) + Counter(level.outputs)
    groups: list[tuple[int, int]] = []
    start = 0
    for number in range(1, len(items) + 1):
        if number < len(items) and _again(items[number - 1], items[number], first + number - 1, uses):
            continue
        least = 2 if items[start].inside else 3
        if number - start >= least:
            groups.append((start, number))
        else:
            groups += [(i, i + 1) for i in range(start, number)]
        start = number
    return _joined(level, groups, copies=True)


def _again(before: Item, item: Item, number: int, uses: Counter[Ref]) -> bool:
    """Whether an item does what the one before does, to its result."""
    same = before.node.content is item.node.content or (
        isinstance(item.node.content, Op)
        and before.node.content == item.node.content
        and before.node.shapes == item.node.shapes
    )
    chained = item.inputs == ((number, 0),) and uses[number, 0] == 1 and len(before.inputs) == 1
    return same and chained and before.cost == item.cost and len(item.node.shapes) == 1


def _folded(level: Level, most: int) -> Level:
    """A long level as parts, and those as parts again."""
    if len(level.items) <= most:
        return level
    size = ceil(len(level.items) / PARTS)
    bounds = [(i, min(i + size, len(level.items))) for i in range(0, len(level.items), size)]
    made = _joined(level, bounds)
    for number, item in enumerate(made.items):
        if item.is_part and item.inside is not None:
            made.items[number] = replace(item, inside=_folded(item.inside, most))
    return made


def _joined(level: Level, groups: Sequence[tuple[int, int]], *, copies: bool = False) -> Level:
    """A level in which each range of items is one: a part, or one item with copies."""
    if all(end - start == 1 for start, end in groups):
        return level
    first = len(level.inlets)
    owner = {first + i: number for number, (start, end) in enumerate(groups) for i in range(start, end)}
    leaves: dict[int, dict[Ref, int]] = {number: {} for number in range(len(groups))}
    wanted = [(ref, owner[first + i]) for i, item in enumerate(level.items) for ref in item.inputs]
    for ref, group in [*wanted, *((ref, -1) for ref in level.outputs)]:
        if ref[0] >= first and owner[ref[0]] != group:
            leaves[owner[ref[0]]].setdefault(ref, len(leaves[owner[ref[0]]]))

    def outside(ref: Ref) -> Ref:
        if ref[0] < first:
            return ref
        group = owner[ref[0]]
        start, end = groups[group]
        return first + group, ref[1] if end - start == 1 else leaves[group][ref]

    made = Level(level.graph, level.inlets)
    for number, (start, end) in enumerate(groups):
        items = level.items[start:end]
        if len(items) == 1:
            made.items.append(replace(items[0], inputs=tuple(map(outside, items[0].inputs))))
        elif copies:
            made.items.append(_copied(items, tuple(map(outside, items[0].inputs))))
        else:
            made.items.append(_part(level, start, end, list(leaves[number]), outside))
    made.outputs = [outside(ref) for ref in level.outputs]
    return made


def _copied(items: list[Item], inputs: tuple[Ref, ...]) -> Item:
    shortcuts = sum((Counter(i.shortcuts) for i in items), Counter[str]())
    return replace(
        items[0],
        inputs=inputs,
        cost=_sum(items),
        field=items[-1].field,
        shortcuts=dict(shortcuts),
        copies=tuple(i.id for i in items),
        once=items[0].field,
    )


def _part(level: Level, start: int, end: int, leaves: list[Ref], outside: Callable[[Ref], Ref]) -> Item:
    """Some neighbours as one item that unfolds to them."""
    first, items = len(level.inlets), level.items[start:end]
    taken = dict.fromkeys(
        ref for item in items for ref in item.inputs if not first + start <= ref[0] < first + end
    )
    place = {ref: (number, 0) for number, ref in enumerate(taken)}

    def within(ref: Ref) -> Ref:
        return place[ref] if ref in place else (ref[0] - first - start + len(taken), ref[1])

    part = Level(None)
    for ref in taken:
        if ref[0] < first:
            part.inlets.append(level.inlets[ref[0]])
        else:
            source = level.items[ref[0] - first]
            part.inlets.append(Inlet(source.id, source.shapes[ref[1]], source.field))
    part.items = [replace(i, inputs=tuple(map(within, i.inputs))) for i in items]
    part.outputs = [within(ref) for ref in leaves]
    ends = [(item.label or item.id).lstrip("#") for item in (items[0], items[-1])]
    shortcuts = sum((Counter(i.shortcuts) for i in items), Counter[str]())
    return Item(
        f"{ends[0]} – {ends[1]}",
        items[-1].node,
        items[-1].graph,
        tuple(outside(ref) for ref in taken),
        tuple(level.items[ref[0] - first].shapes[ref[1]] for ref in leaves),
        _sum(items),
        items[-1].field,
        dict(shortcuts),
        part,
        row=items[0].row,
    )


def unused(name: str, taken: set[str]) -> str:
    """A name that no neighbour has."""
    while name in taken:
        name += "'"
    taken.add(name)
    return name


def _sum(items: list[Item]) -> Cost:
    total = Cost()
    for item in items:
        total += item.cost
    return total
