"""Which steps of two graphs belong to each other: by name, and then by structure."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any

from resdsl.diff.meaning import meaning
from resdsl.graph.model import Graph, Node, Tensor
from resdsl.ops.base import Op

MOST_COMPARED = 4_000_000
"""Product of two lengths beyond which steps are paired by their names and places alone."""


class Forms:
    """Numbers graphs by what is in them: equal for two whose nodes, names and initialisers are all the same."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self._known: dict[int, tuple[Graph, int]] = {}

    def of(self, graph: Graph) -> int:
        """The number of a graph."""
        for inner in graph.signatures() if id(graph) not in self._known else ():
            if id(inner) not in self._known:
                form = self._form(inner)
                self._known[id(inner)] = inner, self._numbers.setdefault(form, len(self._numbers))
        return self._known[id(graph)][1]

    def _form(self, graph: Graph) -> Any:
        nodes = tuple((n.id, n.module, n.inputs, n.inits, self._what(graph, n)) for n in graph.nodes())
        returned = (tuple(graph.outputs), graph.output_names, graph.training_outputs)
        return (nodes, *returned, tuple(graph.order), graph.kind == "block" and graph.name)

    def _what(self, graph: Graph, node: Node) -> Any:
        match node.content:
            case Graph() as inner:
                return self._known[id(inner)][1]
            case Op() as op:
                return meaning(op, graph.operands(node), training=True), begins(op)
            case Tensor():
                return node.content
            case _:
                return node.content.name


def begins(op: Op) -> Any:
    """What a module's constructor makes its weights start from."""
    return getattr(op, "start", None)


def align(a: Graph, b: Graph, forms: Forms) -> list[tuple[Node | None, Node | None]]:
    """The steps of two graphs in pairs, in the order of the text; None where one has no partner.

    Those of the same name belong together, and the copies of a repeat by their number. Of the rest, those that
    do the same in the same order, and then those of the same kind.
    """
    ours, theirs = [list(g.nodes()) for g in (a, b)]
    partner: dict[str, str] = {}
    names = {y.id: y for y in theirs}
    by_number = a.kind == b.kind == "repeat"
    for x in ours:
        y = names.get(x.id)
        if y is not None and (by_number or _named(x)) and _alike(x, y):
            partner[x.id] = y.id
    partner |= dict(zip(a.inputs, b.inputs, strict=False))
    for key in (_exactly(forms), _kind):
        taken = set(partner.values())
        left = [x for x in ours if x.id not in partner or _named(x)]
        right = [y for y in theirs if y.id not in taken or _named(y)]
        _match(left, right, a, b, partner, taken, key)
    taken = set(partner.values())
    made: list[tuple[Node | None, Node | None]] = []
    rest = iter([y for y in theirs if y.id not in taken])
    waiting = next(rest, None)
    position = {y.id: i for i, y in enumerate(theirs)}
    for x in ours:
        if x.id not in partner:
            made.append((x, None))
            continue
        y = names[partner[x.id]]
        while waiting is not None and position[waiting.id] < position[y.id]:
            made.append((None, waiting))
            waiting = next(rest, None)
        made.append((x, y))
    while waiting is not None:
        made.append((None, waiting))
        waiting = next(rest, None)
    return made


def _match(
    left: list[Node],
    right: list[Node],
    a: Graph,
    b: Graph,
    partner: dict[str, str],
    taken: set[str],
    key: Any,
) -> None:
    """Pair what is alike and in the same order. Steps that have a partner already hold their place."""
    back = {y: x for x, y in partner.items()}

    def one(x: Node) -> Any:
        return ("pair", x.id) if x.id in partner else key(a, x)

    def two(y: Node) -> Any:
        return ("pair", back[y.id]) if y.id in back else key(b, y)

    ones, twos = [one(x) for x in left], [two(y) for y in right]
    if ones == twos:
        blocks = [(0, 0, len(ones))]
    elif len(ones) * len(twos) > MOST_COMPARED:
        places = zip(ones, twos, strict=False)
        blocks = [(i, i, 1) for i, (p, q) in enumerate(places) if p == q]
    else:
        blocks = _common(ones, twos, swap=_order(left) > _order(right))
    for i, j, size in blocks:
        for x, y in zip(left[i : i + size], right[j : j + size], strict=True):
            if x.id not in partner and y.id not in taken:
                partner[x.id] = y.id
                taken.add(y.id)


def _common(ones: list[Any], twos: list[Any], *, swap: bool) -> list[tuple[int, int, int]]:
    """Stretches that two lists have in common; swapped so that both ways round give the same."""
    first, second = (twos, ones) if swap else (ones, twos)
    found = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return [(m.b, m.a, m.size) if swap else (m.a, m.b, m.size) for m in found]


def _order(nodes: list[Node]) -> tuple[int, list[str]]:
    """An order among lists of steps that does not depend on which net is the first."""
    return len(nodes), [
        f"{n.content.name} {n.content.args}" if isinstance(n.content, Graph) else repr(n.content)
        for n in nodes
    ]


def _named(node: Node) -> bool:
    """Whether its name says what it is: not a number, nor that of a step without one."""
    return not node.id.startswith("#") and not node.id.rpartition(".")[2].isdigit()


def _alike(x: Node, y: Node) -> bool:
    """Whether one can have become the other: both are blocks, tensors, or ops that are layers or not."""
    one, two = x.content, y.content
    if isinstance(one, Op) and isinstance(two, Op):
        return one.category == two.category or (not one.functional and not two.functional)
    return type(one) is type(two)


def _exactly(forms: Forms) -> Any:
    def key(graph: Graph, node: Node) -> Any:
        match node.content:
            case Graph() as inner:
                return forms.of(inner)
            case Op() as op:
                return meaning(op, graph.operands(node), training=True)
            case Tensor() as tensor:
                return tensor
            case _:
                return ("input", node.id)

    return key


def _kind(graph: Graph, node: Node) -> Any:
    """Ops of one category may have replaced each other, blocks of one name, and what groups layers."""
    match node.content:
        case Graph() as inner:
            return inner.kind, inner.name if inner.kind == "block" else ""
        case Op() as op:
            return ("op", op.category if op.category in ("activation", "norm", "pool") else op.name)
        case _:
            return type(node.content).__name__
