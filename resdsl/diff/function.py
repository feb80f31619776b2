"""Whether two nets compute the same: every value gets a number, and equal numbers are equal values.

A value is numbered by what computes it, the layer whose weights it uses, and the numbers of its inputs. Blocks are
followed to their ops, so it does not matter how a net is cut into blocks. That numbers are unequal is no proof that
values are: two ways to write the same arithmetic get two numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from resdsl.diff.meaning import PASSES, Meaning, commutes, meaning, takes
from resdsl.domain import Domain
from resdsl.graph.model import Feed, Graph, Node, Port, Tensor
from resdsl.ops.base import Op


@dataclass(frozen=True, slots=True)
class Value:
    """What a number stands for.

    Attributes:
        what: the meaning of the op, or of an input or a stored tensor.
        layer: address of the layer whose tensors it uses.
        inputs: numbers of the values it takes.
        form: number of the same with all layers forgotten: equal for nets of one structure.
    """

    what: Meaning
    layer: str | None
    inputs: tuple[int, ...]
    form: int


@dataclass
class Numbers:
    """Numbers the values of nets, in training or not, for some input sizes.

    Values are comparable when one object numbered them.
    """

    training: bool
    domain: Domain = field(default_factory=Domain)
    values: list[Value] = field(default_factory=list)
    _known: dict[Any, int] = field(default_factory=dict)
    _forms: dict[Any, int] = field(default_factory=dict)
    _meanings: dict[int, list[tuple[Node, Meaning | None, bool]]] = field(default_factory=dict)

    def outputs(self, net: Graph) -> dict[str, int]:
        """The numbers of what a net returns, by name; without names by place."""
        inputs = [self._number(("input", place), None, ()) for place, _ in enumerate(net.inputs)]
        found = self._run(net, "", inputs)
        names = net.output_names or tuple(map(str, range(len(found))))
        left_out = () if self.training else net.training_outputs
        return {name: number for name, number in zip(names, found, strict=True) if name not in left_out}

    def _run(self, graph: Graph, prefix: str, inputs: list[int]) -> list[int]:
        values = {Port(id): number for id, number in zip(graph.inputs, inputs, strict=True)}
        for node, what, owns in self._steps(graph):
            taken = [values[port] for port in node.inputs]
            content = node.content
            if isinstance(content, Graph):
                inner = f"{prefix}{node.module}." if node.module is not None else prefix
                for index, number in enumerate(self._run(content, inner, taken)):
                    values[Port(node.id, index)] = number
            elif what is PASSES:
                values[Port(node.id)] = taken[0]
            elif what is not None:
                layer = prefix + (node.module or node.id) if owns else None
                number = self._number(what, layer, tuple(taken[: takes(what)]))
                values[Port(node.id)] = number
                for index in range(1, len(node.shapes)):
                    values[Port(node.id, index)] = self._number(("output", index), None, (number,))
        return [values[port] for port in graph.outputs]

    def _steps(self, graph: Graph) -> list[tuple[Node, Meaning | None, bool]]:
        """Every node, what it does, and whether it uses tensors of its own layer."""
        known = self._meanings.get(id(graph))
        if known is None:
            known = self._meanings[id(graph)] = [
                (node, *self._means(graph, node))
                for node in graph.nodes()
                if not isinstance(node.content, Feed)
            ]
        return known

    def _means(self, graph: Graph, node: Node) -> tuple[Meaning | None, bool]:
        match node.content:
            case Op() as op:
                return meaning(
                    op, graph.operands(node), training=self.training, domain=self.domain
                ), not op.functional
            case Tensor() as tensor:
                return ("tensor", tensor.shape, tensor.batched, tensor.trained and self.training), True
            case _:
                return None, False

    def _number(self, what: Meaning, layer: str | None, inputs: tuple[int, ...]) -> int:
        if len(inputs) == 2 and inputs[0] > inputs[1] and commutes(what):
            inputs = inputs[::-1]
        key = (what, layer, inputs)
        number = self._known.get(key)
        if number is None:
            forms = tuple(self.values[i].form for i in inputs)
            forms = tuple(sorted(forms)) if len(forms) == 2 and commutes(what) else forms
            form = self._forms.setdefault((what, forms), len(self._forms))
            number = self._known[key] = len(self.values)
            self.values.append(Value(what, layer, inputs, form))
        return number


def renamed(numbers: Numbers, pairs: Iterable[tuple[int, int]]) -> dict[str, str] | None:
    """Layers of one net by those of another whose values are the same under these names; None where they are not."""
    there: dict[str, str] = {}
    back: dict[str, str] = {}
    todo, seen = list(pairs), set[tuple[int, int]]()
    while todo:
        pair = todo.pop()
        if pair in seen:
            continue
        seen.add(pair)
        a, b = numbers.values[pair[0]], numbers.values[pair[1]]
        if a.form != b.form:
            return None
        if (a.layer, b.layer) != (None, None) and not _bind(a.layer, b.layer, there, back):
            return None
        ours, theirs = a.inputs, b.inputs
        if len(ours) == 2 and numbers.values[ours[0]].form != numbers.values[theirs[0]].form:
            theirs = theirs[::-1]  # it commutes, or the forms would differ
        todo.extend(zip(ours, theirs, strict=True))
    return there


def _bind(a: str | None, b: str | None, there: dict[str, str], back: dict[str, str]) -> bool:
    """Note that one layer is the other, unless one of them is another's already."""
    if a is None or b is None:
        return False
    return there.setdefault(a, b) == b and back.setdefault(b, a) == a
