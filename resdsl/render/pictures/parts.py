"""A row of the table as the parts of a column: layers, blocks, and cards that stand for many blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from resdsl.graph.model import Feed, Graph, Node, Tensor
from resdsl.ops.base import Op
from resdsl.render.outline.blocks import (
    MOST_NESTED,
    Around,
    Chip,
    Writing,
    call_text,
    chips,
    op_label,
    shown,
    stride_text,
)
from resdsl.render.outline.rows import Row, Table
from resdsl.render.pictures.options import Options
from resdsl.sizes import Shape

UNFOLDED = 8
"""Rows of more blocks than this are folded by default."""
MOST_LAYERS = 200
"""Longer rows of layers that are in no block are folded too."""
FEW_LAYERS = 4
"""The same for a net with very many such rows."""
TOO_MANY = 6_000
"""More parts than this take more than a few seconds to draw."""
DRAWN = 2
"""How many copies are drawn before the card that stands for the others."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is never split between two columns.

    Attributes:
        boxes: the steps in it, for a card those of one copy.
        shape: of its output.
        block: the block it is, if it is one.
        copies: how many it stands for.
        title: of the card that is drawn for these; empty for what is drawn itself.
    """

    boxes: tuple[Chip, ...]
    shape: Shape | None
    block: Graph | None = None
    copies: int = 1
    title: str = ""


class Parts:
    """Reads the parts of rows; blocks are looked at once."""

    def __init__(self, table: Table, options: Options) -> None:
        self.table = table
        self.fold = options.fold
        self.names = options.shows("names", otherwise=False)
        self.writing = Writing(
            self.label, self.closed, MOST_NESTED if options.depth is None else options.depth
        )
        self.opened: dict[int, tuple[Chip, ...]] = {}
        self.most_layers = MOST_LAYERS

    def rows(self) -> list[list[Part]]:
        """The parts of all rows. Raises ValueError when all are asked for and they are too many."""
        found = [self.row(row) for row in self.table.rows]
        made = [list(self.folded(parts)) for parts in found]
        count = sum(map(len, made))
        if count > TOO_MANY and self.fold == "none":
            raise ValueError(f"{count:,} layers and blocks are too many for a column; fold them (`fold`)")
        if count > TOO_MANY:
            self.most_layers = FEW_LAYERS
            made = [list(self.folded(parts)) for parts in found]
        return [
            parts or [Part((row.text or row.name,), row.shape)]
            for row, parts in zip(self.table.rows, made, strict=True)
        ]

    def row(self, row: Row) -> list[Part]:
        """The parts of a row, with a shortcut around those it goes round outside any block."""
        steps, made = self.table.plan.steps, list[tuple[int, Part]]()
        uses = Counter(value for step in steps for value in step.inputs)
        for number in row.steps:
            step = steps[number]
            if not step.node.shortcut:
                made += [(number, part) for part in self.node(step.graph, step.node)]
                continue
            start, beside = step.inputs[-1], set[int]()
            while uses[start] < 2 and steps[start.step].inputs:
                beside.add(start.step)
                start = steps[start.step].inputs[0]
            inner = [p for n, p in made if n > start.step and n not in beside]
            boxes = tuple(box for part in inner for box in part.boxes)
            made = [(n, p) for n, p in made if n <= start.step]
            made.append((number, Part((Around(boxes, step.node.shortcut),), step.shape)))
        return [part for _, part in made]

    def node(self, graph: Graph, node: Node) -> Iterator[Part]:
        """The parts of a node; what only groups is opened."""
        content, shape = node.content, node.shapes[0] if node.shapes else None
        if isinstance(content, Op):
            if shown(content):
                yield Part((self.label(graph, node),), shape)
        elif isinstance(content, Graph):
            inner = spine(content) if content.kind != "block" or self.series(content) else None
            if inner is None:
                yield Part(self.block(content), shape, content)
            for each in inner or ():
                yield from self.node(content, each)

    def series(self, graph: Graph) -> bool:
        """Whether a block to be opened is many of one other block, as in DenseNet."""
        inner = [n.content for n in graph.nodes() if not isinstance(n.content, Feed)]
        names = {g.name for g in inner if isinstance(g, Graph) and g.kind == "block"}
        alike = len(names) == 1 and all(isinstance(g, Graph) and g.kind == "block" for g in inner)
        return alike and len(inner) > 1 and self.writing.deepest > 0

    def label(self, graph: Graph, node: Node) -> str:
        """The box of an op: `3×3 conv, 64`."""
        assert isinstance(node.content, Op)
        text = op_label(node.content, graph.operands(node))
        return f"{node.id}: {text}" if self.names and not node.id.startswith("#") else text

    def block(self, graph: Graph) -> tuple[Chip, ...]:
        """The boxes of a block."""
        found = self.opened.get(id(graph))
        if found is None:
            boxes = chips(graph, self.writing) if self.writing.deepest else None
            found = self.opened[id(graph)] = boxes or self.closed(graph)
        return found

    def closed(self, graph: Graph) -> tuple[Chip, ...]:
        """A block as one box, with all shortcuts in it around."""
        return around((call_text(graph) + stride_text(graph),), dict(self.table.tally[id(graph)].shortcuts))

    def folded(self, parts: list[Part]) -> Iterator[Part]:
        """The parts, where the middle of a long repeat is one card, and of a very long row of layers."""
        number = 0
        blocks = sum(part.block is not None for part in parts)
        for block, group in groupby(parts, key=lambda p: p.block and p.boxes):
            copies = list(group)
            if self.fold == "none":
                before = len(copies)
            elif block:
                before = max((self.fold or DRAWN) - number, 0)
                number += len(copies)
            else:
                before = self.most_layers // 2
            # The last copy is drawn too: what follows begins where it ends. A card for one would say nothing.
            hidden = copies[before:-1] if block else copies[before:-before]
            few = UNFOLDED if block and self.fold is None else self.most_layers if not block else 0
            # A block that differs, as the first of a stage often does, leaves the stage as long as it is.
            if len(hidden) < 2 or (blocks if block else len(copies)) <= few:
                yield from copies
                continue
            same = "identical" if len({id(p.block) for p in hidden}) == 1 else "similar"
            title = f"{len(hidden):,} {same} blocks" if block else f"{len(hidden):,} more layers"
            yield from copies[:before]
            yield Part(hidden[0].boxes if block else (), hidden[-1].shape, None, len(hidden), title)
            yield from copies[before + len(hidden) :]


def spine(graph: Graph) -> list[Node] | None:
    """The nodes of a graph in which each takes the value of the one before; None when it branches."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return None
    made, before = [], graph.inputs[0]
    for node in graph.nodes():
        if isinstance(node.content, Tensor) or node.id == before:
            continue
        values = {p.node for p in node.inputs if not isinstance(graph.node(p.node).content, Tensor)}
        if values != {before} or node.shortcut:
            return None
        made.append(node)
        before = node.id
    return made if graph.outputs[0].node == before else None


def around(boxes: tuple[Chip, ...], counts: dict[str, int]) -> tuple[Chip, ...]:
    """Boxes with a shortcut of each kind around them, which stand for so many."""
    for kind, times in counts.items():
        boxes = (Around(boxes, kind, times),)
    return boxes
