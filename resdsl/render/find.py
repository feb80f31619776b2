"""Finding a block by what it is called: its stage, its address, or its own name."""

from __future__ import annotations

from dataclasses import dataclass

from resdsl.graph.model import Graph
from resdsl.render.options import unknown
from resdsl.render.rows import Table


@dataclass(frozen=True)
class Found:
    """A block, its address, what it is called in words, and what is before and after it."""

    graph: Graph
    path: str
    title: str
    before: str = ""
    after: str = ""


def find_block(table: Table, name: str) -> Found:
    """A block by the name of its row, by address, or by its own name: where it first runs."""
    runs = [(place, row, run) for place, row in enumerate(table.rows) for run in row.runs]
    for wanted in (lambda row, run: name in (row.name, run.path), lambda _, run: name == run.graph.name):
        for place, row, run in runs:
            if wanted(row, run):
                here = f"{row.name}, block " if row.repeat > 1 else row.name
                before = table.rows[place - 1].name if place else "input"
                after = table.rows[place + 1].name if place + 1 < len(table.rows) else "output"
                return Found(
                    run.graph,
                    run.path,
                    f"{here}{run.first}" if row.repeat > 1 else here,
                    f"from {here}{run.first - 1}" if run.first > 1 else f"from {before}",
                    f"to {here}{run.first + 1}" if run.first < row.repeat else f"to {after}",
                )
    inner = {g.name: g for g in reversed(table.net.graph.signatures()) if g.kind == "block"}
    graph = inner.get(name) or _at(table.net.graph, name)
    if graph is None:
        known = dict.fromkeys([row.name for _, row, _ in runs] + list(inner))
        raise ValueError(unknown("block", name, known) + ", or an address as in the state_dict")
    return Found(graph, name, name)


def _at(graph: Graph, address: str) -> Graph | None:
    """The graph at an address such as `layer2.0.downsample`; the names in it may have dots themselves."""
    for node in graph.nodes():
        if isinstance(node.content, Graph):
            if address == node.id:
                return node.content
            if address.startswith(f"{node.id}.") and (
                found := _at(node.content, address[len(node.id) + 1 :])
            ):
                return found
    return None
