"""Layer by layer: how two nets differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeAlias

from resdsl.diff.align import Forms, align, begins
from resdsl.diff.meaning import PASSES, Meaning, commutes, meaning
from resdsl.graph.model import Graph, Node, Port, Tensor
from resdsl.ops.base import Init, Op

Mark: TypeAlias = Literal["+", "-", "~"]
Effect: TypeAlias = Literal["evaluation", "training", "start", "none"]
Call: TypeAlias = "tuple[Graph, Node]"
Field: TypeAlias = tuple[str, str, str]
"""What differs of a layer: its name, before, after."""
WIRING = "from"
"""Name of the field that tells which steps a step takes its inputs from."""
_STARTS = "starts from"


@dataclass(frozen=True, slots=True)
class Change:
    """One layer, or one block, that only one net has or that differs.

    Attributes:
        mark: `-` only the first net has it, `+` only the second, `~` both.
        address: where it is, in the first net if it has it.
        other: where it is in the second net, if it has it.
        block: address of the innermost block around both; empty at net level.
        name: of that block, `basic → bottleneck` where it has two.
        a, b: the nodes, with the graphs they are in.
        fields: what differs: name, before, after.
        effect: what it changes: the outputs in evaluation, only training, only the weights it starts
            from, or nothing by itself (its input has other channels).
    """

    mark: Mark
    address: str
    other: str
    block: str
    name: str
    a: Call | None = None
    b: Call | None = None
    fields: tuple[Field, ...] = ()
    effect: Effect = "evaluation"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where two graphs are: their addresses, and the innermost block around them."""

    a: str = ""
    b: str = ""
    block: str = ""
    name: str = ""


@dataclass
class Layers:
    """The comparison of two nets.

    Attributes:
        changes: in the order of the text.
        pairs: addresses of layers that belong to each other though their names differ.
    """

    changes: list[Change] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)


def layers(a: Graph, b: Graph) -> Layers:
    """Compare two nets layer by layer."""
    walk = _Walk()
    walk.graphs(a, b, _Place())
    return walk.found


class _Walk:
    """Follows two graphs side by side."""

    def __init__(self) -> None:
        self.forms = Forms()
        self.found = Layers()
        self._aligned: dict[tuple[int, int], list[tuple[Node | None, Node | None]]] = {}

    def graphs(self, a: Graph, b: Graph, at: _Place) -> None:
        """Compare two graphs that belong to each other."""
        if self.forms.of(a) == self.forms.of(b) and at.a == at.b:
            return
        known = self._aligned.get((id(a), id(b)))
        if known is None:
            known = self._aligned[id(a), id(b)] = align(a, b, self.forms)
        there = {x.id: y.id for x, y in known if x is not None and y is not None}
        back = {y: x for x, y in there.items()}
        for x, y in known:
            if x is None and y is not None:
                self._only("+", b, y, at)
            elif y is None and x is not None:
                self._only("-", a, x, at)
            elif x is not None and y is not None:
                self._both(a, x, b, y, at, there, back)
        self._outputs(a, b, at, there, back)

    def _only(self, mark: Mark, graph: Graph, node: Node, at: _Place) -> None:
        address = (at.a if mark == "-" else at.b) + _word(node)
        call = (graph, node)
        effect: Effect = "evaluation"
        if isinstance(node.content, Op):
            does = _meaning(graph, node, training=False)
            if does is PASSES:
                effect = "none" if _meaning(graph, node, training=True) is PASSES else "training"
        elif node.id not in graph.evaluated:
            effect = "training"
        one, two = (call, None) if mark == "-" else (None, call)
        self.found.changes.append(Change(mark, address, address, at.block, at.name, one, two, effect=effect))

    def _both(
        self, a: Graph, x: Node, b: Graph, y: Node, at: _Place, there: dict[str, str], back: dict[str, str]
    ) -> None:
        wiring = _wiring(a, x, b, y, there, back)
        one, two = at.a + _word(x), at.b + _word(y)
        if one != two and (x.module or y.module):
            self.found.pairs.append((one, two))
        change = Change("~", one, two, at.block, at.name, (a, x), (b, y))
        if isinstance(x.content, Graph) and isinstance(y.content, Graph):
            if wiring:
                self.found.changes.append(replace(change, fields=wiring))
            self.graphs(x.content, y.content, _inside(at, x, y))
            return
        differs, effect = _differs(a, x, b, y)
        if effect is None and not wiring:
            return
        self.found.changes.append(
            replace(change, fields=(*differs, *wiring), effect="evaluation" if wiring else effect or "none")
        )

    def _outputs(self, a: Graph, b: Graph, at: _Place, there: dict[str, str], back: dict[str, str]) -> None:
        """Outputs that come from other steps, though those of both are in both."""
        differs: list[Field] = []
        if a.output_names != b.output_names:
            before, after = (", ".join(g.output_names) or "one tensor" for g in (a, b))
            differs.append(("outputs", before, after))
        else:
            differs += [
                ("output", _word(a.node(p.node)), _word(b.node(q.node)))
                for p, q in zip(a.outputs, b.outputs, strict=False)
                if _moved(p, q, there, back)
            ]
        if a.training_outputs != b.training_outputs:
            before, after = (", ".join(g.training_outputs) or "none" for g in (a, b))
            differs.append(("outputs in training only", before, after))
        if differs:
            one, two = at.a.rstrip("."), at.b.rstrip(".")
            self.found.changes.append(Change("~", one, two, at.block, at.name, fields=tuple(differs)))


def _inside(at: _Place, x: Node, y: Node) -> _Place:
    assert isinstance(x.content, Graph)
    assert isinstance(y.content, Graph)
    one, two = f"{at.a}{_address(x)}.", f"{at.b}{_address(y)}."
    if x.content.kind != "block" and y.content.kind != "block":
        return replace(at, a=one, b=two)
    names = dict.fromkeys((x.content.name, y.content.name))
    return _Place(one, two, one.rstrip("."), " → ".join(names))


def _address(node: Node) -> str:
    return node.module or node.id


def _word(node: Node) -> str:
    """The address of a step, or the name of what has none: `conv1`, `add1`."""
    return (node.module if node.module is not None else node.id).lstrip("#")


# ---------------------------------------------------------------- how two differ


def _differs(a: Graph, x: Node, b: Graph, y: Node) -> tuple[tuple[Field, ...], Effect | None]:
    """What differs between two layers, and its effect; None where nothing does."""
    one, two = x.content, y.content
    starts = _starts(x, y)
    if isinstance(one, Tensor) and isinstance(two, Tensor):
        return _of_tensors(one, two, starts)
    if not isinstance(one, Op) or not isinstance(two, Op):
        return (), None
    if _meaning(a, x, training=True) == _meaning(b, y, training=True):
        return starts, "start" if starts else None
    same = _meaning(a, x, training=False) == _meaning(b, y, training=False)
    if type(one) is not type(two):
        return (("", one.name, two.name), *starts), "training" if same else "evaluation"
    shown = [f for f in fields(one) if "arg" in f.metadata]  # type: ignore[arg-type]
    changed = tuple(
        (f.name, show_value(getattr(one, f.name)), show_value(getattr(two, f.name)))
        for f in shown
        if getattr(one, f.name) != getattr(two, f.name)
        and f.metadata["arg"].kind != "init"
        and f.name != "start"
    )
    if not changed:
        taken = zip(a.operands(x), b.operands(y), strict=False)
        follows = tuple(("takes", show_value(s[:1]), show_value(t[:1])) for s, t in taken if s[:1] != t[:1])
        return (starts, "start") if starts else (follows[:1], "none")
    return (*changed, *starts), "training" if same else "evaluation"


def _of_tensors(
    one: Tensor, two: Tensor, starts: tuple[Field, ...]
) -> tuple[tuple[Field, ...], Effect | None]:
    pairs: list[Field] = [
        ("shape", show_value(one.shape), show_value(two.shape)),
        ("for each sample", show_value(one.batched), show_value(two.batched)),
        ("trained", show_value(one.trained), show_value(two.trained)),
    ]
    found = tuple(p for p in pairs if p[1] != p[2])
    if not found:
        return starts, "start" if starts else None
    return found + starts, "training" if found == (pairs[2],) else "evaluation"


def _starts(x: Node, y: Node) -> tuple[Field, ...]:
    """Other initialisers, by tensor."""
    one, two = _inits(x), _inits(y)
    names = [n for n in dict.fromkeys((*one, *two)) if one.get(n) != two.get(n)]
    return tuple((f"{n} {_STARTS}".strip(), show_init(one.get(n)), show_init(two.get(n))) for n in names)


def starts(field: Field) -> bool:
    """Whether a field is about initial weights."""
    return field[0].endswith(_STARTS)


def _inits(node: Node) -> dict[str, Any]:
    if isinstance(node.content, Tensor):
        return {"": node.content.init}
    found: dict[str, Any] = dict(node.inits)
    if isinstance(node.content, Op) and begins(node.content) is not None:
        found.setdefault("weight", begins(node.content))
    return found


def _wiring(
    a: Graph, x: Node, b: Graph, y: Node, there: dict[str, str], back: dict[str, str]
) -> tuple[Field, ...]:
    """The inputs, where a step takes another one that both graphs have."""
    if len(x.inputs) == len(y.inputs):
        ways = [y.inputs]
        if isinstance(x.content, Op) and len(x.inputs) == 2 and commutes(_meaning(a, x, training=True)):
            ways.append(y.inputs[::-1])
        for taken in ways:
            if not any(_moved(p, q, there, back) for p, q in zip(x.inputs, taken, strict=True)):
                return ()
    one, two = (", ".join(_word(g.node(p.node)) for p in n.inputs) for g, n in ((a, x), (b, y)))
    return ((WIRING, one, two),)


def _moved(p: Port, q: Port, there: dict[str, str], back: dict[str, str]) -> bool:
    """Whether two ports are different values of steps that both graphs have."""
    if p.node not in there or q.node not in back:
        return False  # the step that is missing is told by itself
    return there[p.node] != q.node or p.index != q.index


def _meaning(graph: Graph, node: Node, *, training: bool) -> Meaning:
    assert isinstance(node.content, Op)
    return meaning(node.content, graph.operands(node), training=training)


def show_value(value: Any) -> str:
    """A value as the language writes it: `3×3`, `true`, `[1, 2]`."""
    if value is None:
        return "default"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        whole = all(isinstance(v, int) for v in value)
        return "×".join(map(str, value)) if whole and value else "[" + ", ".join(map(str, value)) + "]"
    if isinstance(value, Init):
        return show_init(value)
    if isinstance(value, Op):
        return value.label()
    return f"{value:g}" if isinstance(value, float) else str(value)


def show_init(value: Any) -> str:
    """An initialiser as the language writes it: `normal(std = 0.01)`."""
    if value is None:
        return "torch's default"
    if not isinstance(value, Init):
        return show_value(value)
    given = ", ".join(f"{name} = {show_value(v)}" for name, v in value.arguments)
    return value.function.rstrip("_") + (f"({given})" if given else "")


def blocks(net: Graph, prefix: str = "") -> Iterator[tuple[str, Graph]]:
    """Every block that a net runs, outer ones first, with its address."""
    for node in net.nodes():
        if isinstance(node.content, Graph):
            address = prefix + _address(node)
            if node.content.kind == "block":
                yield address, node.content
            yield from blocks(node.content, f"{address}.")
