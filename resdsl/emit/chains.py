"""Finds the graphs that are one chain of modules, and folds their repeats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from resdsl.emit.names import fits_container
from resdsl.emit.progress import formula
from resdsl.emit.terms import Run, Term
from resdsl.graph.model import Graph, Node, Tensor
from resdsl.ops.base import Op


def used_inputs(graph: Graph) -> list[int]:
    """Positions of the inputs that are read. A net keeps all of its own."""
    read = {p.node for n in graph.nodes() for p in n.inputs} | {p.node for p in graph.outputs}
    found = [i for i, id in enumerate(graph.inputs) if id in read]
    if not found and any(isinstance(n.content, Tensor) and n.content.batched for n in graph.nodes()):
        return [0]  # only its batch is read
    return found


def links(graph: Graph) -> list[Node] | None:
    """The nodes of a graph that is one chain of modules, in order; None for another."""
    inputs = used_inputs(graph)
    if len(inputs) != 1 or len(graph.outputs) != 1 or graph.output_names:
        return None
    last, nodes = graph.inputs[inputs[0]], [n for n in graph.nodes() if n.id not in graph.inputs]
    for node in nodes:
        sources = live_inputs(node)
        if len(sources) != 1 or sources[0] != (last, 0) or not _is_module(graph, node):
            return None
        last = node.id
    if graph.outputs[0].node != last or graph.outputs[0].index or [n.module for n in nodes] != graph.order:
        return None
    return nodes


def live_inputs(node: Node) -> list[tuple[str, int]]:
    """The inputs of a node, without those that a graph does not read."""
    kept = used_inputs(node.content) if isinstance(node.content, Graph) else range(len(node.inputs))
    return [(node.inputs[i].node, node.inputs[i].index) for i in kept]


def _is_module(graph: Graph, node: Node) -> bool:
    name = node.module
    if name is None or name != node.id or "." in name or not fits_container(name) or len(node.shapes) != 1:
        return False
    if isinstance(node.content, Graph):
        return True
    op, shapes = node.content, graph.operands(node)
    return isinstance(op, Op) and op.module(*shapes) is not None and op.chains(*shapes)


def is_positional(nodes: list[Node]) -> bool:
    """Whether the addresses are 0, 1, 2, ..."""
    return all(node.id == str(i) for i, node in enumerate(nodes))


# ---------------------------------------------------------------- repeats


def fold(
    terms: list[Term], names: list[str] | None, measure: Callable[[Term], tuple[Any, tuple[Any, ...]]]
) -> tuple[Run, ...]:
    """Join equal neighbours, and four or more that grow by a fixed step. `measure` gives (key, values)."""
    measured = [measure(t) for t in terms]
    runs: list[Run] = []
    at = 0
    while at < len(terms):
        same = _reach(measured, names, at, grows=False)
        more = _reach(measured, names, at, grows=True) if same == 1 else 0
        grows = more >= 4 and _is_even([m[1] for m in measured[at : at + more]])
        count = more if grows else same
        copies = tuple(terms[at : at + more]) if grows else ()
        if names is None:
            runs.append(Run(terms[at], count, copies))
        else:
            counted = _counted(names[at]) if count > 1 else None
            name, start = counted or (names[at], 0)
            runs.append(Run(terms[at], count, copies, name, start))
        at += count
    return tuple(runs)


def _reach(measured: list[tuple[Any, tuple[Any, ...]]], names: list[str] | None, at: int, grows: bool) -> int:
    """How many terms from `at` on are equal, or grow by one step."""
    step = _delta(measured[at], measured[at + 1]) if at + 1 < len(measured) else None
    end = at + 1
    while (
        step is not None
        and end < len(measured)
        and (grows or not any(step))
        and _delta(measured[end - 1], measured[end]) == step
        and _follows(names, at, end)
    ):
        end += 1
    return end - at


def _is_even(copies: list[tuple[Any, ...]]) -> bool:
    """Whether every value stays, or follows a formula."""
    columns = zip(*copies, strict=True)
    return all(all(v == c[0] for v in c) or formula(c) is not None for c in columns)


def _delta(a: tuple[Any, tuple[Any, ...]], b: tuple[Any, tuple[Any, ...]]) -> tuple[Any, ...] | None:
    """What is added to the values of one term to give the next; None where they differ otherwise."""
    if a[0] != b[0]:
        return None
    steps = tuple(_step(x, y) for x, y in zip(a[1], b[1], strict=True))
    return None if None in steps else steps


def _step(a: Any, b: Any) -> int | str | None:
    if type(a) is int and type(b) is int:
        return b - a
    if type(a) is float and type(b) is float and a != b:
        return "grows"
    return 0 if a == b and type(a) is type(b) else None


def _counted(name: str) -> tuple[str, int] | None:
    """`denselayer12` as ("denselayer", 12)."""
    head = name.rstrip("0123456789")
    digits = name[len(head) :]
    return (head, int(digits)) if digits and str(int(digits)) == digits else None


def _follows(names: list[str] | None, first: int, at: int) -> bool:
    if names is None:
        return True
    a, b = _counted(names[first]), _counted(names[at])
    return a is not None and b is not None and (a[0], a[1] + at - first) == b
