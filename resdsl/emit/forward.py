"""The body of `forward`: calls nested as one would write them, and few variables.

Values are computed in the order of the spec, those of training only within `if self.training`. The last one
waits as an expression, so that the next step can take it in; it gets a variable when a step needs it as a name,
or when the line is full.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from resdsl.emit.chains import live_inputs, used_inputs
from resdsl.emit.layout import WIDTH
from resdsl.emit.names import identifier, literal, unused
from resdsl.graph.model import Feed, Graph, Node, Port, Tensor
from resdsl.ops.base import Op, Text

_POOL = ("x", "y", "z", "u", "v", "w")
_OTHERWISE = " if self.training else "


@dataclass
class Waiting:
    """A value that has no variable yet.

    `depth` counts nested calls, `layers` what kinds of layers they are.
    """

    port: Port
    text: str
    atomic: bool
    depth: int
    layers: frozenset[str]
    names: tuple[str, ...]
    reads: tuple[str, ...]


class Forward:
    """Writes the statements of one graph.

    Args:
        graph: what is run.
        texts: the expressions of its ops.
        access: how a layer or tensor is reached: `self.conv1`.
        value: how a literal of a node is written.
    """

    def __init__(
        self,
        graph: Graph,
        texts: dict[str, Text],
        access: Callable[[str], str],
        value: Callable[[str, str], str],
        *,
        is_net: bool = False,
    ) -> None:
        self.graph, self.texts, self.access, self.value = graph, texts, access, value
        self.shared = _shared(graph)
        self.lines: list[str] = []
        self.waiting: Waiting | None = None
        self.variables: dict[Port, str] = {}
        kept = range(len(graph.inputs)) if is_net else used_inputs(graph)
        self.inputs = [graph.inputs[i] for i in kept]
        self.parameters = self._input_names()
        training = set(graph.training_outputs) if is_net else set()
        pairs = list(zip(graph.output_names or [""] * len(graph.outputs), graph.outputs, strict=True))
        always = [(n, p) for n, p in pairs if n not in training]
        later = [(n, p) for n, p in pairs if n in training]
        self.uses: Counter[Port] = Counter()
        needed = self._needed([p for _, p in pairs])
        first = self._needed([p for _, p in always])
        for node in graph.nodes():
            if node.id in needed:
                self.uses.update(Port(*source) for source in live_inputs(node))
        self.uses.update(p for _, p in pairs)
        for only_training, nodes in groupby(
            (n for n in graph.nodes() if n.id in needed), lambda n: n.id not in first
        ):
            if only_training:
                self._flush()
            start = len(self.lines)
            for node in nodes:
                self._node(node)
            if only_training:
                self._flush()
                self._in_training(start)
        if len(pairs) > 1:
            self._flush()
        if later:
            start = len(self.lines)
            taken = [(n, self._take(p)) for n, p in always]
            self.lines.append(f"return {_dict(taken + [(n, self._take(p)) for n, p in later])}")
            self._in_training(start)
            self.lines.append(f"return {_dict(taken)}")
        elif is_net and graph.output_names:
            self.lines.append(f"return {_dict([(n, self._take(p)) for n, p in always])}")
        else:
            self.lines.append("return " + ", ".join(self._take(p) for _, p in always))

    def _in_training(self, start: int) -> None:
        """Run the lines from `start` on in training only."""
        if start < len(self.lines):
            self.lines[start:] = ["if self.training:", *("    " + line for line in self.lines[start:])]

    # ------------------------------------------------------------ inputs and outputs

    def _input_names(self) -> list[str]:
        taken: set[str] = set()
        names = []
        for id in self.inputs:
            feed = self.graph.node(id).content
            name = "x" if len(self.inputs) == 1 else unused(identifier(getattr(feed, "name", "x")), taken)
            names.append(name)
            self.variables[Port(id)] = name
        return names

    def _needed(self, ports: list[Port]) -> set[str]:
        """Nodes that the outputs depend on."""
        found: set[str] = set()
        todo = [p.node for p in ports]
        while todo:
            id = todo.pop()
            if id not in found:
                found.add(id)
                todo.extend(source for source, _ in live_inputs(self.graph.node(id)))
        return found

    # ------------------------------------------------------------ steps

    def _node(self, node: Node) -> None:
        match node.content:
            case Tensor() as tensor:
                self.variables[Port(node.id)] = self._tensor(node, tensor)
            case Op() | Graph():
                self._step(node)
            case Feed():
                pass

    def _tensor(self, node: Node, tensor: Tensor) -> str:
        text = self.access(node.module or node.id)
        if not tensor.batched:
            return text if self._aligned(node) else f"{text}[None]"
        keep = ", ".join("-1" for _ in tensor.shape)
        return f"{text}.expand({self.parameters[0]}.shape[0], {keep})"

    def _aligned(self, node: Node) -> bool:
        """Whether a tensor without a batch axis only meets values with one, element by element."""
        return not any(p.node == node.id for p in self.graph.outputs) and all(
            isinstance(user.content, Op)
            and user.content.elementwise
            and any(p.node not in self.shared for p in user.inputs)
            for user in self.graph.users[node.id]
        )

    def _step(self, node: Node) -> None:
        sources = [Port(*s) for s in live_inputs(node)]
        template = self._template(node, len(sources))
        layer = self._layer(node)
        op = node.content
        own = [port for port in sources if port.node not in self.shared]
        spread = (op.one_batch if isinstance(op, Op) else True) and 0 < len(own) < len(sources)
        if self.waiting is not None and (spread or not self._may_nest(sources, template, layer)):
            self._flush()
        nested = self.waiting
        depth = nested.depth + 1 if nested else 1
        layers = nested.layers if nested else frozenset[str]()
        reads = list(nested.reads) if nested else []
        operands = []
        for slot, port in enumerate(sources):
            loose = nested is not None and port == nested.port
            text = self._take(port)
            operands.append(text)
            reads.append(text)
            if spread and port.node in self.shared:
                keep = ", ".join("-1" for _ in self.graph.shape(port) or ())
                operands[-1] = f"{text}.expand({self.variables[own[0]]}.shape[0], {keep})"
            if loose and nested is not None and not nested.atomic and _tight(template, slot):
                operands[-1] = f"({text})"
        literals = self.texts[node.id].literals if node.id in self.texts else ()
        words = {name: self.value(node.id, name) for name, _ in literals}
        module = self.access(node.module) if node.module is not None and "{self}" in template else ""
        text = template.format(*operands, **words, **{"self": module, "*": ", ".join(operands)})
        if len(node.shapes) > 1:
            self._unpack(node, text)
            return
        # A sum or product starts a new thought: what follows may nest it, but no layer should.
        kinds = layers | {layer} if layer != "merge" else frozenset({"conv"})
        depth = depth if layer != "merge" else 1
        self.waiting = Waiting(Port(node.id), text, _atomic(text), depth, kinds, node.names, tuple(reads))

    def _template(self, node: Node, count: int) -> str:
        if isinstance(node.content, Op):
            return self.texts[node.id].template
        return "{self}(" + ", ".join(f"{{{i}}}" for i in range(count)) + ")"

    def _layer(self, node: Node) -> str:
        """What kind of layer it is, as far as nesting cares."""
        if isinstance(node.content, Graph):
            return "graph"
        assert isinstance(node.content, Op)
        kind = node.content.category
        return {"linear": "conv"}.get(kind, kind)

    def _may_nest(self, sources: list[Port], template: str, layer: str) -> bool:
        """Whether the step reads well with the waiting value inside."""
        waiting = self.waiting
        assert waiting is not None
        if sources.count(waiting.port) != 1 or self.uses[waiting.port] != 1 or _OTHERWISE in waiting.text:
            return False
        slot = sources.index(waiting.port)
        if "{*}" not in template and template.count(f"{{{slot}}}") != 1:
            return False
        if len(waiting.text) + len(template) > WIDTH - 24 or waiting.depth > 2:
            return False
        if layer == "merge":
            return True
        if "graph" in waiting.layers:
            return layer == "activation"
        if layer == "graph":
            if "conv" in waiting.layers or waiting.layers == {"pool"}:
                return False
            return "norm" not in waiting.layers or waiting.depth == 1
        if layer == "pool":
            return waiting.depth == 1 and "conv" not in waiting.layers
        if layer == "norm":
            return "norm" not in waiting.layers
        return layer != "conv" or "conv" not in waiting.layers

    def _unpack(self, node: Node, text: str) -> None:
        self.waiting = None
        names = []
        for i, name in enumerate(self._output_names(node)):
            port = Port(node.id, i)
            if self.uses[port] == 0:
                names.append("_")
                continue
            self.variables[port] = self._variable(name, ())
            names.append(self.variables[port])
        self.lines.append(f"{', '.join(names)} = {text}")

    def _output_names(self, node: Node) -> list[str | None]:
        """What the outputs are called in the spec, if they are."""
        count = len(node.shapes)
        if len(node.names) == count:
            return list(node.names)
        if isinstance(node.content, Graph):
            inner = node.content
            if inner.output_names:
                return list(inner.output_names)
            by_port = {port: name for name, port in inner.values.items()}
            return [by_port.get(port) for port in inner.outputs]
        return [None] * count

    # ------------------------------------------------------------ variables

    def _take(self, port: Port) -> str:
        """The text of a value, for one of its uses."""
        if self.uses[port] > 1 and self.waiting is not None and self.waiting.port == port:
            self._flush()
        self.uses[port] -= 1
        if self.waiting is not None and self.waiting.port == port:
            text = self.waiting.text
            self.waiting = None
            return text
        return self.variables[port]

    def _flush(self) -> None:
        """Give the waiting value a variable."""
        waiting, self.waiting = self.waiting, None
        if waiting is None:
            return
        if waiting.text in self.variables.values() and re.fullmatch(r"\w+", waiting.text):
            self.variables[waiting.port] = waiting.text
            return
        named = waiting.names[0] if waiting.names and self.uses[waiting.port] > 1 else None
        name = self._variable(named, waiting.reads, waiting.port.node in self.shared)
        self.variables[waiting.port] = name
        noise = waiting.text.removesuffix(_OTHERWISE + name)
        if noise != waiting.text:
            self.lines += ["if self.training:", f"    {name} = {noise}"]
        else:
            self.lines.append(f"{name} = {waiting.text}")

    def _variable(self, name: str | None, reads: tuple[str, ...], shared: bool = False) -> str:
        """A variable: the given name, one that is read here for the last time, or a free one."""
        live = {v for p, v in self.variables.items() if self.uses[p] > 0}
        live |= set(self.parameters) if shared else set()  # which tell the batch
        if name is not None:
            return unused(identifier(name.rpartition(".")[2]), live)
        free = [n for n in _POOL if n not in live]
        return next((n for n in reads if n in free), free[0] if free else unused("x1", live))


def _shared(graph: Graph) -> set[str]:
    """The nodes whose values are the same for all samples, so that their batch is 1."""
    found: set[str] = set()
    for node in graph.nodes():
        stored = isinstance(node.content, Tensor) and not node.content.batched
        if stored or (node.inputs and all(p.node in found for p in node.inputs)):
            found.add(node.id)
    return found


def _dict(pairs: list[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{literal(name)}: {text}" for name, text in pairs) + "}"


def _tight(template: str, slot: int) -> bool:
    """Whether an operand must be an atom there: it is not alone between brackets and commas."""
    if "{*}" in template or template == f"{{{slot}}}":
        return False
    return re.search(r"(?:[(\[]|, )\{" + str(slot) + r"\}[,)\]]", template) is None


def _atomic(text: str) -> bool:
    """Whether an expression binds tightly: a name, call or subscript."""
    kinds = ast.Call | ast.Name | ast.Attribute | ast.Subscript
    return isinstance(ast.parse(text, mode="eval").body, kinds)
