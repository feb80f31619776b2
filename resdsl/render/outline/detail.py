"""Rows below the stages: the blocks of each stage, and the ops of each block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from string import digits
from typing import Literal

from resdsl.elaborate.builder import compose
from resdsl.graph.cost import Cost, shares
from resdsl.graph.model import Feed, Field, Graph, Node, Port, Tensor
from resdsl.ops.base import Op
from resdsl.render.outline.blocks import call_text, is_linear, op_label, stride_text
from resdsl.render.outline.rows import Row, Table
from resdsl.render.outline.steps import Step
from resdsl.render.outline.tally import Tally, tally_node


def detailed(table: Table, depth: Literal["block", "op"]) -> list[Row]:
    """The rows with the rows inside each. Equal neighbours are one row, `layer3.1–5`, with their sum."""
    made: list[Row] = []
    for row in table.rows:
        inner: list[Row] = []
        for number in row.steps:
            step = table.plan.steps[number]
            if step.inner is not None or depth == "op":
                inner.extend(_step(table, step, depth))
        if inner and inner[0].name == row.name and len(row.steps) == 1:
            del inner[0]  # the row itself
        made.append(row)
        if len(inner) > 1:
            made.extend(inner)
    return made


def _step(table: Table, step: Step, depth: str) -> Iterator[Row]:
    graph = step.inner
    if graph is None:
        yield _line(table, step.graph, step.node, step.path.replace("#", ""), step.cost, step.field, 1)
        return
    before = table.plan.steps[step.inputs[0].step].field if step.inputs else None
    free = step.cost.params == 0
    if (
        graph.kind != "block"
        and is_linear(graph)
        and all(isinstance(n.content, Graph | Feed) for n in graph.nodes())
    ):
        yield from _inside(table, graph, step.path, before, depth, 1, 1, free)
        return
    whole = _line(table, step.graph, step.node, step.path, step.cost, step.field, 1)
    yield whole
    if depth == "op":
        yield from _inside(table, graph, step.path, before, depth, 1, 2, free)


def _inside(
    table: Table,
    graph: Graph,
    path: str,
    before: Field | None,
    depth: str,
    times: int,
    level: int,
    free: bool,
) -> Iterator[Row]:
    """Rows of the nodes of a graph that runs `times` times; `free` when its weights are counted elsewhere."""
    for node, last, count, cost in _folded(table, graph):
        name = f"{path}.{node.id.lstrip('#')}"
        if count > 1:
            end = last.removeprefix(node.id.rstrip(digits))
            name += f"–{end if end.isdigit() else last}"
        own = Cost(0 if free else cost.params, cost.macs, cost.activations, cost.layers)
        total = _times(own, times)
        field = compose(before, graph.fields.get(Port(last)))
        inner = node.content if isinstance(node.content, Graph) else None
        start = _start(graph, node, before)
        if inner is not None and depth == "op" and level == 2:
            yield from _inside(table, inner, name, start, depth, times * count, level, free)
            continue
        row = _line(table, graph, node, name, total, field, level, times * count)
        yield row
        if inner is not None and depth == "op":
            yield from _inside(table, inner, name, start, depth, times * count, 2, free)


def _start(graph: Graph, node: Node, before: Field | None) -> Field | None:
    """Receptive field of what a node takes."""
    if not node.inputs or isinstance(graph.node(node.inputs[0].node).content, Feed):
        return before
    return compose(before, graph.fields.get(node.inputs[0]))


def _folded(table: Table, graph: Graph) -> list[tuple[Node, str, int, Cost]]:
    """The nodes that do something, equal neighbours as one: node, id of the last, how many, counts of all."""
    made: list[tuple[Node, str, int, Cost]] = []
    at = table.at if table.at is not None else table.net.least
    for node, cost in shares(graph, table.plan.known, at):
        if isinstance(node.content, Feed):
            continue
        if made:
            first, last, count, sum_ = made[-1]
            follows = len(node.inputs) == 1 and node.inputs[0].node == last
            if isinstance(node.content, Graph) and node.content is first.content and follows:
                made[-1] = (first, node.id, count + 1, sum_ + cost)
                continue
        made.append((node, node.id, 1, cost))
    return made


def _times(cost: Cost, times: int) -> Cost:
    return Cost(cost.params * times, cost.macs * times, cost.activations * times, cost.layers * times)


def _line(
    table: Table,
    graph: Graph,
    node: Node,
    name: str,
    cost: Cost,
    field: Field | None,
    level: int,
    times: int = 1,
) -> Row:
    mine = Tally()
    tally_node(graph, node, table.plan.known, table.tally, mine)
    counted = {kind: n * times for kind, n in mine.shortcuts.items()}
    return replace(
        Row(
            name,
            _text(graph, node),
            times,
            node.shapes[0] if node.shapes else None,
            cost,
            field,
            counted,
            cost.layers,
        ),
        level=level,
    )


def _text(graph: Graph, node: Node) -> str:
    match node.content:
        case Graph() as inner:
            return call_text(inner) + stride_text(inner)
        case Op() as op:
            label = op_label(op, graph.operands(node))
            return f"{label} {node.shortcut.replace('_', '-')}" if node.shortcut else label
        case Tensor() as tensor:
            return f"{'param' if tensor.trained else 'buffer'} {tensor.name}"
        case _:
            return ""
