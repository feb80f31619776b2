"""Which nodes of a graph are drawn as one box: copies of a block, or an op and the norm that follows it."""

from __future__ import annotations

from dataclasses import dataclass

from resdsl.graph.model import Graph, Node
from resdsl.ops.base import Op
from resdsl.render.outline.blocks import shortcut_chain, shown


@dataclass
class Box:
    """Neighbours in one graph that are drawn as one: copies of a block, or an op and what follows it.

    Attributes:
        nodes: in order.
        note: a second line.
        title: instead of the label of its node.
    """

    nodes: list[Node]
    note: str = ""
    title: str = ""

    @property
    def first(self) -> Node:
        """What comes first."""
        return self.nodes[0]


def folded(graph: Graph, fold: int | str) -> list[Box]:
    """The nodes of a graph, where of equal blocks in a row only the first `fold` are drawn by themselves."""
    made: list[Box] = []
    for node in graph.nodes():
        if made and isinstance(node.content, Graph) and fold != "none":
            before = made[-1].nodes[-1]
            chained = all(p.node == before.id for p in node.inputs) and len(node.shapes) == 1
            if before.content is node.content and chained:
                drawn = sum(1 for b in made[-int(fold) :] if b.first.content is node.content)
                if drawn >= int(fold):
                    made[-1].nodes.append(node)
                    continue
        made.append(Box([node]))
    return made


def grouped(graph: Graph, fold: int | str) -> list[Box]:
    """The boxes of a graph: with `fold` none each node is one, else copies are, and an op with what is fused."""
    return folded(graph, fold) if fold == "none" else fused(graph, folded(graph, fold))


def fused(graph: Graph, boxes: list[Box]) -> list[Box]:
    """The boxes with a norm, activation or dropout in that of the op it follows."""
    made: dict[str, Box] = {}
    done: list[Box] = []
    for each in boxes:
        node = each.first
        before = made.get(node.inputs[0].node) if len(node.inputs) == 1 else None
        if before is not None and _quiet(node) and _takes_more(before.first):
            last = before.nodes[-1].id
            if node.inputs[0].node == last and len(graph.users[last]) == 1 and last not in _ends(graph):
                before.nodes.append(node)
                made[node.id] = before
                continue
        made[node.id] = each
        done.append(each)
    for box in done:
        quiet = [n.content.label() for n in box.nodes[1:] if isinstance(n.content, Op)]
        if _quiet(box.first) and quiet and isinstance(box.first.content, Op):
            box.title = " · ".join([box.first.content.label(), *quiet])
        else:
            box.note = " · ".join(quiet)
    return done


def _ends(graph: Graph) -> set[str]:
    return {p.node for p in graph.outputs}


def _quiet(node: Node) -> bool:
    quiet = ("norm", "activation", "regularisation")
    return isinstance(node.content, Op) and node.content.category in quiet and not node.shortcut


def _takes_more(node: Node) -> bool:
    return isinstance(node.content, Op) and (shown(node.content) or _quiet(node))


def on_shortcuts(graph: Graph) -> dict[str, str]:
    """The nodes on shortcuts, with the kind: the convolution and norm of a projection."""
    return {
        node.id: join.shortcut
        for join in graph.nodes()
        if join.shortcut
        for node in shortcut_chain(graph, join)
    }


def main_first(graph: Graph, boxes: list[Box]) -> list[Box]:
    """The boxes with those on a shortcut right before it joins: Graphviz puts what comes later to the right."""
    aside = on_shortcuts(graph)
    made, waiting = [], list[Box]()
    for box in boxes:
        if box.first.id in aside:
            waiting.append(box)
            continue
        if box.first.shortcut:
            chain = {node.id for node in shortcut_chain(graph, box.first)}
            made += [b for b in waiting if b.first.id in chain]
            waiting = [b for b in waiting if b.first.id not in chain]
        made.append(box)
    return made + waiting


def kinds(graph: Graph) -> dict[int, int]:
    """A number for each signature: equal for blocks of one name with the same ops and windows, however wide."""
    numbers: dict[tuple[object, ...], int] = {}
    found: dict[int, int] = {}
    for inner in graph.signatures():
        ops = [
            (found[id(c)] if isinstance(c, Graph) else c.name, getattr(c, "size", None), n.shortcut)
            for n in inner.nodes()
            for c in [n.content]
        ]
        found[id(inner)] = numbers.setdefault((inner.name, *ops), len(numbers))
    return found


def count_once(graph: Graph) -> list[int]:
    """As `count_ops`, where of blocks alike only the first is opened."""
    alike, seen = kinds(graph), set[int]()
    ops, frames = [0], [0]
    waiting = [(graph, 0)]
    while waiting:
        inner, depth = waiting.pop()
        ops += [0] * (depth + 1 - len(ops))
        frames += [0] * (depth + 1 - len(frames))
        for box in grouped(inner, 1):
            content = box.first.content
            if isinstance(content, Graph) and not (content.kind == "block" and alike[id(content)] in seen):
                seen.add(alike[id(content)])
                frames[depth] += 1
                waiting.append((content, depth + 1))
            else:
                ops[depth] += 1
    return [sum(ops[: depth + 1]) + frames[depth] for depth in range(len(ops))]


def count_ops(graph: Graph, fold: int | str = 1) -> list[int]:
    """How many boxes are drawn when blocks are opened to depth 0, 1, and so on."""
    found: dict[int, list[int]] = {}
    for inner in graph.signatures():
        totals = [0]
        for box in grouped(inner, fold):
            below = [1]
            if isinstance(box.first.content, Graph):
                below += found[id(box.first.content)]
            totals += [totals[-1]] * (len(below) - len(totals))
            totals = [t + below[min(d, len(below) - 1)] for d, t in enumerate(totals)]
        found[id(inner)] = totals
    return found[id(graph)]
