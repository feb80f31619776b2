"""Finding a block by what it is called: its stage, its address, its own name, or the name of its step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from resdsl.graph.model import Graph
from resdsl.render.outline.grouping import counted
from resdsl.render.outline.rows import Table
from resdsl.render.pictures.options import unknown


@dataclass(frozen=True)
class Found:
    """A block, its address, what it is called in words, what is before and after it, and where it was found."""

    graph: Graph
    path: str
    title: str
    before: str = ""
    after: str = ""
    place: str = ""


def find_block(table: Table, name: str) -> Found:
    """A block by the name of its row, by address, by its own name or that of its step: where it first runs.

    Raises ValueError.
    """
    runs = [(place, row, run) for place, row in enumerate(table.rows) for run in row.runs]
    for own in (False, True):
        for place, row, run in runs:
            # A row such as `features.4–6` may be typed with a hyphen.
            names = (run.graph.name,) if own else (row.name, row.name.replace("–", "-"), run.path)
            if name in names:
                count = row.copies(run)
                here = f"{row.name}, block " if count > 1 else row.name
                before = table.rows[place - 1].name if place else "input"
                after = table.rows[place + 1].name if place + 1 < len(table.rows) else "output"
                found = Found(
                    run.graph,
                    run.path,
                    f"{here}{run.first}" if count > 1 else here,
                    f"from {here}{run.first - 1}" if run.first > 1 else f"from {before}",
                    f"to {here}{run.first + 1}" if run.first < count else f"to {after}",
                )
                return replace(found, title=name, place=f"from {found.title}") if own else found
    inner = _at(table.net.graph, name)
    if inner is not None:
        return Found(inner, name, name)
    blocks, steps = dict.fromkeys(row.name for _, row, _ in runs), dict[str, None]()
    for address, step, graph in _inside(table.net.graph):
        if name in (step, graph.name):
            return Found(graph, address, name, place=f"from {address}")
        if graph.kind == "block":
            blocks[graph.name] = None
        if not counted(step):
            steps[step] = None
    raise ValueError(unknown("block", name, blocks | steps) + ", or an address as in the state_dict")


def _inside(graph: Graph) -> Iterator[tuple[str, str, Graph]]:
    """Each step that runs a graph: address, name and the graph; the inside of equal ones once."""
    seen, waiting = set[int](), [("", graph)]
    while waiting:
        prefix, outer = waiting.pop()
        found = [(f"{prefix}{n.id}", n.id, n.content) for n in outer.nodes() if isinstance(n.content, Graph)]
        yield from found
        for address, _, inner in reversed(found):
            if id(inner) not in seen:
                seen.add(id(inner))
                waiting.append((f"{address}.", inner))


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
