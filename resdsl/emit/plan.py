"""Decides what becomes a class, and which graphs share one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from resdsl.emit.chains import fold, is_positional, links, live_inputs, used_inputs
from resdsl.emit.inits import filled, has_tensor, init_term, needs_fill, uniform_inits
from resdsl.emit.names import Word, class_name, plain, unused
from resdsl.emit.terms import (
    Call,
    Chain,
    Make,
    Slot,
    Term,
    created,
    skeleton,
    slots,
    tensor_term,
)
from resdsl.emit.unify import Parameters
from resdsl.graph.model import Graph, Node, Tensor
from resdsl.ops.base import Init, New, Op, Text

Inits = tuple[tuple[str, Init], ...]


@dataclass
class Plan:
    """One graph as an instance of a class.

    Attributes:
        fields: what `__init__` creates, by address: modules and stored tensors.
        fills: initialisers of single tensors: address, tensor (None is the address itself), call.
        texts: the expressions of `forward` that are no plain module calls, by node.
        sequential: the class is an `nn.Sequential`, and `fields` holds its chain under "".
    """

    graph: Graph
    fields: dict[str, Term] = field(default_factory=dict)
    fills: list[tuple[str, str | None, Term]] = field(default_factory=list)
    texts: dict[str, Text] = field(default_factory=dict)
    sequential: bool = False

    def texts_of(self, id: str) -> Text:
        """The text of a node of the class's first member, here."""
        return self.texts[id]

    def terms(self) -> Iterator[Term]:
        """All terms, in order."""
        yield from self.fields.values()
        for _, _, term in self.fills:
            yield term
        for text in self.texts.values():
            for name, value in text.literals:
                yield Slot(name, value)


@dataclass
class Class:
    """A class to emit: the plans of its members differ in the slots only."""

    name: str
    members: list[Plan]
    parameters: Parameters
    texts: list[str | None]

    @property
    def plan(self) -> Plan:
        """The first member, which stands for all."""
        return self.members[0]


class Planner:
    """Makes the classes of a net."""

    def __init__(self, root: Graph) -> None:
        self.root = root
        graphs = root.signatures()
        self.uniform = uniform_inits(graphs)
        self._keys: dict[Any, int] = {}
        self._raw: dict[int, tuple[int, list[Slot]]] = {}
        self._plans: dict[int, Plan] = {}
        self.of: dict[int, Class] = {}
        groups: dict[int, list[Plan]] = {}
        for graph in graphs:
            if graph is root or not self._inline(graph):
                plan = self._plan(graph)
                found = list(self._all_slots(plan))
                key = self._keys.setdefault(self._key(plan), len(self._keys))
                self._raw[id(graph)] = key, found
                groups.setdefault(key, []).append(plan)
        taken: set[str] = set()
        named = self._names(list(groups.values()))
        self.classes = [self._class(p, unused(named[i], taken)) for i, p in enumerate(groups.values())]

    # ------------------------------------------------------------ terms

    def _inline(self, graph: Graph) -> bool:
        return graph.kind in ("scope", "repeat") and links(graph) is not None

    def _plan(self, graph: Graph) -> Plan:
        plan = Plan(graph)
        nodes = links(graph)
        if nodes and graph.kind in ("block", "net") and is_positional(nodes):
            plan.sequential = True
            plan.fields[""] = self._chain(graph, nodes)
            return plan
        for node in graph.modules():
            assert node.module is not None
            made = self._field(plan, graph, node)
            if made is not None:
                plan.fields[node.module] = made
        for node in graph.nodes():
            if isinstance(node.content, Op):
                plan.texts[node.id] = node.content.text(*graph.operands(node))
        return plan

    def _field(self, plan: Plan, graph: Graph, node: Node) -> Term | None:
        """What `__init__` creates for a node."""
        address = node.module or ""
        match node.content:
            case Tensor() as tensor:
                if needs_fill(tensor) and tensor.init is not None:
                    plan.fills.append((address, None, init_term(tensor.init)))
                return tensor_term(tensor)
            case Graph() as inner:
                return self._graph(inner)
            case Op() as op if not op.functional:
                new = op.module(*graph.operands(node))
                assert new is not None
                for tensor_name, init in self._own(new, node.inits):
                    plan.fills.append((address, tensor_name, init_term(init)))
                return created(new)
        return None

    def _graph(self, graph: Graph) -> Term:
        if not self._inline(graph):
            return Make(graph)
        nodes = links(graph)
        assert nodes is not None
        return self._chain(graph, nodes) if nodes else Call("nn.Identity")

    def _chain(self, graph: Graph, nodes: list[Node]) -> Term:
        terms: list[Term] = []
        for node in nodes:
            if isinstance(node.content, Graph):
                terms.append(self._graph(node.content))
                continue
            assert isinstance(node.content, Op)
            new = node.content.module(*graph.operands(node))
            assert new is not None
            call = created(new)
            if node.content.category == "activation" and not call.args:
                call = Call(Slot("activation", Word(new.target)))
            terms.append(filled(call, self._own(new, node.inits)))
        named = not is_positional(nodes)
        return Chain(fold(terms, [n.id for n in nodes] if named else None, self._measure), named)

    def _own(self, new: New, inits: Inits) -> Inits:
        """The initialisers that the loop over all modules does not apply."""
        own = [(t, i) for t, i in inits if has_tensor(new, t)]
        return tuple((t, i) for t, i in own if (new.target, t) not in self.uniform)

    # ------------------------------------------------------------ groups

    def _measure(self, term: Term) -> tuple[Any, tuple[Any, ...]]:
        values = tuple(s.value for s in slots(term, lambda g: self._raw[id(g)][1]))
        return skeleton(term, lambda g: self._raw[id(g)]), values

    def _all_slots(self, plan: Plan, made: bool = False) -> Iterator[Slot]:
        for term in plan.terms():
            yield from slots(term, self.arguments if made else lambda g: self._raw[id(g)][1])

    def _key(self, plan: Plan) -> Any:
        """What two graphs of one class have in common."""
        graph = plan.graph
        index = {n.id: i for i, n in enumerate(graph.nodes())}
        wiring = () if plan.sequential else tuple(_wiring(plan, n, index) for n in graph.nodes())
        terms = tuple(skeleton(t, lambda g: self._raw[id(g)]) for t in plan.terms())
        outputs = tuple((index[p.node], p.index) for p in graph.outputs)
        fills = tuple((a, t) for a, t, _ in plan.fills)
        place = (graph.name, graph.kind, graph.span.source.path, graph.span.start)
        if graph.kind == "scope":
            place = (graph.name, graph.kind, "", 0)
        is_root = graph is self.root
        return (place, plan.sequential, tuple(plan.fields), fills, terms, wiring, outputs, is_root)

    def arguments(self, graph: Graph) -> list[Slot]:
        """What a graph gives for the parameters of its class."""
        made = self.of[id(graph)]
        place = next(i for i, p in enumerate(made.members) if p.graph is graph)
        roles, chosen = made.parameters.roles, made.parameters.chosen
        names = made.parameters.ordered()
        return [Slot(roles[n], chosen[n][place], name=n, owner=graph.name) for n in names]

    def _class(self, members: list[Plan], name: str) -> Class:
        spec: dict[str, tuple[Any, ...]] = {}
        for key, _ in members[0].graph.args:
            values = tuple(_spec_value(dict(m.graph.args)[key]) for m in members)
            if None not in values:
                spec[key] = values
        parameters = Parameters(spec, _channels(members, True), _channels(members, False))
        columns = zip(*(self._all_slots(m, made=True) for m in members), strict=True)
        made = Class(name, members, parameters, [parameters.text(c) for c in columns])
        for member in members:
            self.of[id(member.graph)] = made
        return made

    def _names(self, groups: list[list[Plan]]) -> list[str]:
        """Class names: after the block, then after the kind of shortcut where that tells two apart."""
        plain_names = [class_name(g[0].graph.name) for g in groups]
        kinds = [_kinds(g[0].graph) for g in groups]
        made = []
        for i, name in enumerate(plain_names):
            twins = [j for j, other in enumerate(plain_names) if other == name]
            tells = len({kinds[j] for j in twins}) > 1
            made.append(name + _suffix(kinds[i]) if tells else name)
        return made


def _wiring(plan: Plan, node: Node, index: dict[str, int]) -> Any:
    """What a node does and what it takes."""
    match node.content:
        case Op() as op:
            what: Any = (plan.texts[node.id].template, None if op.functional else node.module)
        case Tensor() as tensor:
            what = (node.module, tensor.trained, len(tensor.shape) if tensor.batched else -1)
        case _:
            what = (type(node.content).__name__, node.module)
    return what, tuple((index[id], i) for id, i in live_inputs(node)), len(node.shapes)


def _kinds(graph: Graph) -> tuple[str, ...]:
    return tuple(n.shortcut for n in graph.nodes() if n.shortcut)


def _suffix(kinds: tuple[str, ...]) -> str:
    words = {"identity": "", "projection": "Projection", "zero_pad": "ZeroPad", "body": "Shortcut"}
    return "".join(dict.fromkeys(words[k] for k in kinds)) if kinds else "Plain"


def _spec_value(value: Any) -> Any:
    """An argument of the spec as a literal, or None. An activation is its class."""
    target = getattr(value, "target", None)
    if isinstance(target, type) and not getattr(value, "bound", ()):
        name = getattr(target, "torch_module", None)
        return Word(name) if name else None
    return plain(value)


def _channels(members: list[Plan], inputs: bool) -> tuple[Any, ...] | None:
    shapes = [(m.graph.input_shapes if inputs else m.graph.output_shapes) for m in members]
    ports = [used_inputs(m.graph)[:1] if inputs else [0] for m in members]
    if not all(ports):
        return None
    found = tuple((s[p[0]] or (None,))[0] for s, p in zip(shapes, ports, strict=True))
    return found if all(isinstance(c, int) for c in found) else None
