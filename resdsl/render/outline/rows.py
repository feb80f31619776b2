"""The rows of the table and of the picture: one for each stage, or for each named layer of the net."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from resdsl.graph.cost import Cost
from resdsl.graph.model import Feed, Field, Graph, Net, Tensor
from resdsl.ops.base import Op
from resdsl.render.numbers import shape_text
from resdsl.render.outline.blocks import (
    Run,
    call_text,
    chip_text,
    chips,
    kinds,
    op_label,
    runs,
    stride_text,
)
from resdsl.render.outline.grouping import counted, group
from resdsl.render.outline.steps import Step, Steps, Value, copies, steps
from resdsl.render.outline.tally import Tally, tallies, tally_node
from resdsl.sizes import Shape

QUIET = ("norm", "activation", "regularisation")
"""Categories of ops that a description leaves out."""


class Part(NamedTuple):
    """Neighbours in a row that have one description: ops, which are written once, or copies of a block."""

    text: str
    key: str = ""
    """What is counted: the name of the block, or its layer where that is written instead; empty for an op."""
    graphs: tuple[Graph, ...] = ()


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        name: of the stage or layer; `stem`, `head` for steps without one.
        text: what it does: `bottleneck(128), /2`.
        repeat: number of copies of the block that comes most often; 0 where rows that do different things were
            joined.
        shape: of its last output.
        cost: its counts.
        field: receptive field of its last output.
        shortcuts: how many of each kind.
        layers: weighted layers off shortcuts and gates, as the papers count them.
        runs: the copies of its blocks, equal neighbours together.
        steps: numbers of its steps.
        level: 0 for a stage, 1 for blocks in it, 2 for ops.
        parts: what it does, in order.
    """

    name: str
    text: str
    repeat: int
    shape: Shape | None
    cost: Cost
    field: Field | None
    shortcuts: dict[str, int]
    layers: int
    runs: tuple[Run, ...] = ()
    steps: tuple[int, ...] = ()
    level: int = 0
    parts: tuple[Part, ...] = ()

    def copies(self, run: Run) -> int:
        """How many blocks of the name of a run it has."""
        return sum(r.count for r in self.runs if r.graph.name == run.graph.name)


@dataclass(frozen=True)
class Table:
    """The rows of a net.

    Attributes:
        net: the net.
        at: the input sizes; None when they are not known, and then MACs and activations are not either.
        rows: without the inputs.
        total: counts of the whole net.
        shortcuts: how many of each kind.
        layers: weighted layers off shortcuts and gates.
        blocks: blocks with a shortcut.
        plan: the steps behind the rows.
        tally: shortcuts and layers of every graph, by its `id`.
        title: written over a picture; empty for none.
    """

    net: Net
    at: dict[str, int] | None
    rows: list[Row]
    total: Cost
    shortcuts: dict[str, int]
    layers: int
    blocks: int
    plan: Steps
    tally: dict[int, Tally]
    title: str

    @property
    def given(self) -> str:
        """What it was counted for: `input 3×224×224  classes=10`."""
        inputs = ", ".join(shape_text(shape, self.at) for shape in self.net.graph.input_shapes)
        return f"input {inputs}" + "".join(f"  {name}={value}" for name, value in self.net.settings)

    @property
    def depth(self) -> str:
        """`50 weighted layers, 16 blocks`."""
        made = f"{self.layers:,} weighted layer{'s' if self.layers != 1 else ''}"
        return made + (f", {self.blocks:,} block{'s' if self.blocks != 1 else ''}" if self.blocks else "")


def rows(net: Net, at: dict[str, int] | None = None) -> Table:
    """The table of a net at input sizes by name, its own by default."""
    if at is None:
        at = net.nominal if net.sizes else {}
    plan = steps(net, at if at is not None else net.least)
    tally = tallies(net.graph, plan.known)
    made = [_row(name, numbers, plan, tally) for name, numbers in group(plan)]
    made = _merge(made)
    whole = tally[id(net.graph)]
    total = plan.known[id(net.graph)]
    return Table(
        net,
        at,
        _short_names(made),
        total,
        dict(whole.shortcuts),
        total.layers - whole.beside,
        whole.blocks,
        plan,
        tally,
        net.name,
    )


# ---------------------------------------------------------------- one row


def _row(name: str, numbers: list[int], plan: Steps, tally: dict[int, Tally]) -> Row:
    chosen = [plan.steps[i] for i in numbers]
    mine = Tally()
    cost = Cost()
    for step in chosen:
        tally_node(step.graph, step.node, plan.known, tally, mine)
        cost += step.cost
    blocks = runs(copy for step in chosen for copy in copies(step))
    last = chosen[-1]
    parts = _parts(chosen)
    counts = Counter[str]()
    for part in parts:
        counts[part.key] += len(part.graphs)
    return Row(
        name,
        " · ".join(part.text for part in parts),
        max(counts.values(), default=0) or 1,
        last.shape,
        cost,
        last.field,
        dict(mine.shortcuts),
        cost.layers - mine.beside,
        tuple(blocks),
        tuple(numbers),
        parts=tuple(parts),
    )


def _parts(chosen: list[Step]) -> list[Part]:
    """The steps that matter, neighbours of one description together."""
    found: list[Part] = []
    for step in chosen:
        content = step.node.content
        if isinstance(content, Op):
            if content.category not in QUIET and content.name not in ("identity", "flatten"):
                found.append(Part(op_label(content, step.graph.operands(step.node))))
        elif isinstance(content, Tensor):
            found.append(Part(f"param {content.name}" if content.trained else f"buffer {content.name}"))
        else:
            found.extend(_graph_parts(step))
    if not found:
        found = [Part(s.node.content.label()) for s in chosen if isinstance(s.node.content, Op)]
    return _together(found)


def _together(parts: Iterable[Part]) -> list[Part]:
    """Equal neighbours once."""
    made: list[Part] = []
    for part in parts:
        if made and made[-1].text == part.text:
            made[-1] = made[-1]._replace(graphs=made[-1].graphs + part.graphs)
        else:
            made.append(part)
    return made


def _graph_parts(step: Step) -> list[Part]:
    made: list[Part] = []
    groups: list[list[Graph]] = []
    for _, graph in copies(step):
        if groups and groups[-1][0].name == graph.name:
            groups[-1].append(graph)
        else:
            groups.append([graph])
    for graphs in groups:
        boxes = chips(graphs[0])
        one = all(graph is graphs[0] for graph in graphs)
        if boxes is not None and one and len(boxes) == 1 and "×" in str(boxes[0]) and not kinds(boxes):
            text = f"{boxes[0]}{stride_text(graphs[0])}"
            made.append(Part(text, text, tuple(graphs)))  # a convolution under another name
            continue
        if graphs[0].kind != "scope" and len(groups) <= 3:
            boxes = None
        short = graphs[0].kind != "repeat" and one and boxes is not None and 0 < len(boxes) <= 4
        if graphs[0].kind == "scope" and boxes and len(boxes) > 4 and not kinds(boxes):
            text = f"{chip_text(boxes[0])} · … · {chip_text(boxes[-1])}"
        elif short and boxes is not None and not kinds(boxes):
            text = " · ".join(map(chip_text, boxes))
        else:
            called = {call_text(g) for g in graphs}
            text = (called.pop() if len(called) == 1 else graphs[0].name) + stride_text(graphs[0])
        made.append(Part(text, graphs[0].name, tuple(graphs)))
    return made


# ---------------------------------------------------------------- rows that are alike


def _merge(made: list[Row]) -> list[Row]:
    """Join unnamed neighbours that hold one kind of block and give one shape, as papers do: `features.4–6`."""
    merged: list[Row] = []
    for row in made:
        if merged and _alike(merged[-1], row):
            first = merged[-1].name.partition("–")[0]
            called = replace(row, text=merged[-1].text)
            merged[-1] = joined(merged[-1], called, f"{first}–{row.name.rpartition('.')[2]}")
        else:
            merged.append(row)
    return merged


def _alike(a: Row, b: Row) -> bool:
    if a.shape != b.shape or not (counted(a.name) and counted(b.name)):
        return False
    if not (a.runs and b.runs):
        return not a.runs and not b.runs and a.text == b.text
    x, y = a.runs[-1].graph, b.runs[0].graph
    return x is y or (x.kind == "block" and x.name == y.name)


def joined(a: Row, b: Row, name: str) -> Row:
    """Two rows as one: counts are added, and the copies of the second follow those of the first."""
    all_runs = list(a.runs)
    for new in b.runs:
        offset = a.copies(new)
        run = replace(new, first=new.first + offset, last=new.last + offset)
        if all_runs and all_runs[-1].graph is run.graph:
            all_runs[-1] = replace(all_runs[-1], last=run.last)
        else:
            all_runs.append(run)
    return replace(
        a,
        name=name,
        text=a.text if a.text == b.text else f"{a.text} · {b.text}",
        repeat=a.repeat + b.repeat,
        shape=b.shape,
        cost=a.cost + b.cost,
        field=b.field,
        shortcuts=dict(Counter(a.shortcuts) + Counter(b.shortcuts)),
        layers=a.layers + b.layers,
        runs=tuple(all_runs),
        steps=a.steps + b.steps,
        parts=tuple(_together(a.parts + b.parts)),
    )


def _short_names(made: list[Row]) -> list[Row]:
    """Names without the scope around them where that is still clear; numbered where they are equal."""
    tails = Counter(row.name.rpartition(".")[2] for row in made)
    seen = Counter[str]()
    found = []
    for row in made:
        tail = row.name.rpartition(".")[2]
        name = tail if tails[tail] == 1 and not counted(tail) else row.name
        seen[name] += 1
        found.append(replace(row, name=f"{name} ({seen[name]})" if seen[name] > 1 else name))
    return found


def flows(table: Table) -> list[tuple[int, int, Value]]:
    """Edges between rows: (from, to, value); -1 - i stands for input i of the net, in order of the rows."""
    feeds = [i for i, s in enumerate(table.plan.steps) if isinstance(s.node.content, Feed)]
    owner = {number: -1 - place for place, number in enumerate(feeds)}
    owner.update({number: place for place, row in enumerate(table.rows) for number in row.steps})
    found: dict[tuple[int, int, Value], None] = {}
    for place, row in enumerate(table.rows):
        for number in row.steps:
            for value in table.plan.steps[number].inputs:
                if owner[value.step] != place:
                    found[owner[value.step], place, value] = None
    return list(found)


def is_chain(table: Table) -> bool:
    """Whether each row takes only the last value of the one before."""
    edges = flows(table)
    return (
        [(a, b) for a, b, _ in edges] == list(pairwise(range(-1, len(table.rows))))
        and len(table.plan.outputs) == 1
        and table.plan.outputs[0].step == table.rows[-1].steps[-1]
    )
