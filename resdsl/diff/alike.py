"""Changes that many layers share, such as the `eps` of every norm, so that one line can say them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from resdsl.diff.layers import WIRING, Change, Effect, Field, starts
from resdsl.graph.model import Graph
from resdsl.ops.base import Op

Alike: TypeAlias = tuple[str, Field, Effect]
"""The op of some layers, what differs of all of them, and what that changes."""

LEAST = 3
"""Places that tell a habit from a decision: layers of the net, or of a kind of block."""


def shared(changes: Iterable[Change]) -> set[Alike]:
    """What differs alike in many places."""
    places: dict[Alike, set[tuple[str, str]]] = {}
    for change in changes:
        for key in _keys(change):
            places.setdefault(key, set()).add((change.name, change.address.removeprefix(change.block)))
    return {key for key, found in places.items() if len(found) >= LEAST}


def apart(changes: Iterable[Change], known: set[Alike]) -> tuple[dict[Alike, list[str]], list[Change]]:
    """The layers of each shared change, and what else differs."""
    layers: dict[Alike, list[str]] = {}
    rest: list[Change] = []
    for change in changes:
        taken = [key for key in _keys(change) if key in known]
        for key in taken:
            layers.setdefault(key, []).append(change.address)
        left = tuple(f for f in change.fields if f not in [field for _, field, _ in taken])
        if not taken:
            rest.append(change)
        elif left:
            effect = "start" if all(map(starts, left)) else change.effect
            rest.append(replace(change, fields=left, effect=effect))
    return layers, rest


def ops(net: Graph) -> Counter[str]:
    """How many layers a net has of each op."""
    known: dict[int, Counter[str]] = {}
    for graph in net.signatures():
        known[id(graph)] = Counter()
        for node in graph.nodes():
            if isinstance(node.content, Graph):
                known[id(graph)].update(known[id(node.content)])
            elif isinstance(node.content, Op):
                known[id(graph)][node.content.name] += 1
    return known[id(net)]


def _keys(change: Change) -> Iterator[Alike]:
    if change.mark == "~" and change.a is not None and isinstance(change.a[1].content, Op):
        for field in change.fields:
            if field[0] != WIRING:
                yield change.a[1].content.name, field, "start" if starts(field) else change.effect
