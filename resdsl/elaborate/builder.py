"""Builds one graph: nodes, names and values of one module scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf
from typing import Any

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Label
from resdsl.elaborate import misfit, unknown
from resdsl.elaborate.bind import Bound
from resdsl.elaborate.evaluate import Evaluator
from resdsl.elaborate.make import make_op
from resdsl.elaborate.require import require, require_extent
from resdsl.elaborate.scope import MAX_NODES, MAX_STEPS, Session
from resdsl.elaborate.values import POISON
from resdsl.graph.model import Condition, Content, Feed, Field, Graph, Node, Port, ShortcutKind
from resdsl.ops.base import Init, Op, Reject
from resdsl.sizes import NotClosed, Shape
from resdsl.source import Span
from resdsl.syntax import ast


class Abort(Exception):
    """The net grew beyond what can be built; already reported."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A value on its way: where it comes from, its shape and receptive field.

    After a mistake the port or shape is None, and nothing that only follows is reported.
    """

    port: Port | None
    shape: Shape | None
    field: Field | None


UNKNOWN = Flow(None, None, None)


class Builder(Evaluator):
    """One graph under construction. `outer` is the scope around a named one, whose values it may read.

    It is `uncertain` what values there are when a mistake kept statements from running.
    """

    def __init__(self, session: Session, graph: Graph, outer: Builder | None = None) -> None:
        super().__init__(session)
        self.graph = graph
        self.outer = outer
        self.flow: tuple[Flow, ...] = ()
        self.values: dict[str, Flow] = {}
        self.position = 0
        self.joins = 0
        self.stage: str | None = None
        self.inits: tuple[tuple[str, str, Init], ...] = outer.inits if outer else ()
        self.captured: dict[Port, Flow] = {}
        self.capture_ports: list[Port] = []
        self.addresses: dict[str, Span] = {}
        self.containers: dict[str, Span] = {}
        self.named: dict[str, Span] = {}
        self.by_layer: set[str] = set()
        self.registered: set[str] = set()
        self.running: list[ast.Body] = []
        self.uncertain = False

    def carry(self, *flows: Flow) -> None:
        """Let the next statement take these values."""
        self.flow = flows

    # ---------------------------------------------------------------- values

    def feed(self, name: str, flow: Flow, span: Span) -> Flow:
        """Make an input of this graph, with the shape of a value outside."""
        id = f"#{name}"
        while id in self.graph:
            id += "'"
        self.graph.add(Node(id, Feed(name, flow.shape), (), (flow.shape,), span))
        self.graph.inputs.append(id)
        unit: Field | None = None
        if flow.shape is not None:
            unit = tuple((Fraction(1), Fraction(1)) for _ in flow.shape[1:])
        return Flow(Port(id), flow.shape, unit)

    def read(self, path: str) -> Flow | None:
        """A value by name or path, from this scope or the ones around it; None if there is none."""
        if path in self.values:
            return self.values[path]
        head, _, rest = path.partition(".")
        while rest:
            if head in self.graph and isinstance(self.graph.node(head).content, Graph):
                found = self._tap(head, rest)
                if found is not None:
                    return found
            more, _, rest = rest.partition(".")
            head = f"{head}.{more}"
        if path.partition(".")[0] in self.addresses and path.partition(".")[0] not in self.graph:
            return UNKNOWN  # a layer that a mistake kept from being made
        if self.outer is None:
            return None
        outside = self.outer.read(path)
        if outside is None or outside.port is None:
            return outside
        if outside.port not in self.captured:
            self.captured[outside.port] = self.feed(path.rpartition(".")[2], outside, self.graph.span)
            self.capture_ports.append(outside.port)
        return self.captured[outside.port]

    def _tap(self, id: str, path: str) -> Flow | None:
        node = self.graph.node(id)
        assert isinstance(node.content, Graph)
        tapped = tap(node.content, path)
        if tapped is None:
            return None
        graph, index = tapped
        self.graph.replace(replace(node, content=graph, shapes=graph.output_shapes))
        shape = graph.output_shapes[index]
        before = self._known(node.inputs[0]) if node.inputs else None
        return Flow(Port(id, index), shape, compose(before, graph.fields.get(graph.outputs[index])))

    def _known(self, port: Port) -> Field | None:
        return self.graph.fields.get(port)

    def value_shape(self, env: Any, name: str) -> Any:
        """Shape of a named value, for `name.channels`."""
        flow = self.read(name)
        if flow is None:
            return None
        return POISON if flow.shape is None else flow.shape

    def arriving(self, env: Any, span: Span) -> Any:
        """Shape of the value arriving, for `in.channels`."""
        if len(self.flow) != 1:
            self.session.error(
                codes.BAD_VALUE,
                "`in` needs one arriving value"
                + (f", here are {len(self.flow)}" if self.flow else ", here is none"),
                span,
                help="name the values with `as a, b`, and write `a.channels`" if self.flow else None,
            )
            return POISON
        shape = self.flow[0].shape
        return POISON if shape is None else shape

    def name_value(self, name: str, flow: Flow, span: Span, *, layer: bool = False) -> None:
        """Give a value a name that `from` can read: that of the `layer` which makes it, or another."""
        if name in self.values and name in self.graph.values:
            two_layers = layer and name in self.by_layer  # reported as such
            if not two_layers and self.values[name] != flow:
                self.session.error(
                    codes.DUPLICATE_NAME,
                    f"the value `{name}` is named twice",
                    span,
                    "named again here",
                    secondary=[Label(self.named[name], "first named here")]
                    if self.named[name] != span
                    else (),
                    help='in a loop put the counter into the name: `"x{i}"`'
                    if self.named[name] == span
                    else None,
                )
            return
        self.values[name] = flow
        self.named[name] = span
        if layer:
            self.by_layer.add(name)
        if flow.port is not None:
            self.graph.values[name] = flow.port

    def unknown_value(self, name: str, span: Span) -> None:
        """Report a value that does not exist, with the nearest that does."""
        unknown.unknown_value(self, name, span)

    no_value = unknown_value

    # ---------------------------------------------------------------- nodes

    def address(self, name: str | None, span: Span) -> str:
        """The address of the next layer: its name, or its position."""
        self.count_step(span)
        by_position = name is None
        if name is None:
            name = str(self.position)
        if name in self.addresses:
            first = self.addresses[name]
            help = None
            if by_position:
                help = "a layer without a name is called by its position: name this one"
            elif first == span:
                help = f'put what changes into the name: `"{name}_{{i}}" = ...`'
            self.session.error(
                codes.DUPLICATE_NAME,
                f"two layers are called `{name}`",
                span,
                "made again here" if first != span else "made each time this runs",
                secondary=[Label(first, "first made here")] if first != span else (),
                help=help,
            )
            name += f"#{len(self.addresses)}"
        self.addresses[name] = span
        self._within(name, span)
        return name

    def _within(self, name: str, span: Span) -> None:
        """No layer may lie inside another: `head` and `head.fc` would share an address."""
        inner = name
        while "." in inner:
            inner = inner.rpartition(".")[0]
            self.containers.setdefault(inner, span)
        outer = next((a for a in (name, *_above(name)) if a in self.containers and a in self.addresses), None)
        if outer is not None:
            other = self.containers[outer] if outer == name else self.addresses[outer]
            self.session.error(
                codes.DUPLICATE_NAME,
                f"`{name}` would lie inside `{outer}`, which is a layer"
                if outer != name
                else f"`{name}` is a layer, and others would lie inside it",
                span,
                secondary=[
                    Label(other, f"`{outer}` is made here" if outer != name else "this lies inside it")
                ]
                if other != span
                else (),
                help="choose another name: a dot in a name stands for a layer inside another",
            )

    def count_step(self, span: Span) -> None:
        """Count what runs, and stop where that is more than anybody means."""
        self.session.steps += 1
        if not self.session.frames:
            self.session.at = span
        if self.session.steps > MAX_STEPS:
            self.too_large(f"more than {MAX_STEPS:,} statements run", span)

    def too_large(self, message: str, span: Span) -> None:
        """Report a net that grows beyond what can be built, and give it up."""
        self.session.error(
            codes.TOO_LARGE,
            message,
            span,
            "the limit is reached here",
            help="check the counts after `x` and in `range`",
        )
        raise Abort

    def whole_parts(self, value: Any) -> Any:
        """A value whose quotients are sizes where they are whole for every admitted input."""
        return tuple(map(self.whole, value)) if type(value) is tuple else self.whole(value)

    def join_id(self, op: str) -> str:
        """An id for a node that has no address."""
        self.joins += 1
        return f"#{op}{self.joins}"

    def add_node(
        self,
        id: str,
        content: Content,
        inputs: Sequence[Flow],
        shapes: Sequence[Shape | None],
        fields: Sequence[Field | None],
        span: Span,
        *,
        module: str | None = None,
        shortcut: ShortcutKind = "",
        inits: tuple[tuple[str, Init], ...] = (),
    ) -> tuple[Flow, ...]:
        """Add a node; its outputs as values. When an input is missing the node is left out."""
        self.session.nodes += 1
        if self.session.nodes > MAX_NODES:
            self.too_large(f"the net has more than {MAX_NODES:,} layers", span)
        ports = tuple(f.port for f in inputs if f.port is not None)
        if len(ports) < len(inputs):
            return tuple(UNKNOWN for _ in shapes)
        node = Node(
            id,
            content,
            ports,
            tuple(shapes),
            span,
            module,
            shortcut,
            self.stage,
            (),
            inits,
        )
        self.graph.add(node)
        if module is not None and module not in self.registered:
            self.registered.add(module)
            self.graph.order.append(module)
        flows = tuple(Flow(Port(id, i), s, f) for i, (s, f) in enumerate(zip(shapes, fields, strict=True)))
        for flow in flows:
            assert flow.port is not None
            self.graph.fields[flow.port] = flow.field
        return flows

    def apply_op(
        self,
        cls: type[Op],
        bound: Bound,
        inputs: Sequence[Flow],
        span: Span,
        *,
        name: str | None = None,
        joining: bool = False,
        shortcut: ShortcutKind = "",
        name_span: Span | None = None,
        reported: bool = False,
    ) -> tuple[Flow, ...]:
        """Run an op. A `joining` op is transparent: it takes no address and no position.

        That its inputs hardly fit is `reported` already where the caller says so.
        """
        bound = {k: (self.whole_parts(v), place) for k, (v, place) in bound.items()}
        op = make_op(self.session, cls, bound, span)
        id = self.join_id(cls.name) if joining else self.address(name, name_span or span)
        if not joining:
            self.position += 1
        if cls.arity is not None and len(inputs) != cls.arity:
            misfit.wrong_count(self, cls.name, cls.arity, inputs, span)
            return (UNKNOWN,)
        if cls.name in misfit.ALIKE and len(inputs) == 1 and not joining:
            misfit.wrong_count(self, cls.name, None, inputs, span)
            return (UNKNOWN,)
        if op is None or not inputs:
            return (UNKNOWN,)
        if any(f.shape is None for f in inputs):
            return (UNKNOWN,) * len(_outputs_of(op))
        conditions: list[Condition] = []
        try:
            shapes, doubt = require(self, op, id, inputs, span, conditions)
            outputs = op.infer_all(*shapes)
            require_extent(self, id, inputs[0], outputs, span, conditions)
            has_module = not joining and op.module(*shapes) is not None
        except Reject as reject:
            self.session.never = True
            misfit.rejected(self, op, reject, bound, inputs, span)
            return (UNKNOWN,)
        except NotClosed as reason:
            unclosed = Reject(
                f"`{cls.name}` gives a size that cannot be followed exactly: {reason}",
                None,
                "fix the input size, or pool to a fixed size first",
                "varying-size",
            )
            misfit.rejected(self, op, unclosed, bound, inputs, span)
            return (UNKNOWN,)
        if doubt is not None and not reported:
            misfit.rejected(self, op, doubt, bound, inputs, span)
        field = _after(op, inputs, shapes)
        self.graph.conditions.extend(conditions)
        return self.add_node(
            id,
            op,
            inputs,
            outputs,
            [field] * len(outputs),
            span,
            module=id if has_module else None,
            shortcut=shortcut,
            inits=self._inits_of(op),
        )

    def _inits_of(self, op: Op) -> tuple[tuple[str, Init], ...]:
        own = dict(op.inits())
        inherited = {tensor: init for name, tensor, init in self.inits if name == op.layer.name}
        return tuple((inherited | own).items())


def _above(name: str) -> list[str]:
    """`a.b`, `a` for `a.b.c`."""
    parts = name.split(".")
    return [".".join(parts[:i]) for i in range(len(parts) - 1, 0, -1)]


def _outputs_of(op: Op) -> tuple[int, ...]:
    count = getattr(op, "count", 1)
    return tuple(range(count if type(op).infer_all is not Op.infer_all and isinstance(count, int) else 1))


def _after(op: Op, inputs: Sequence[Flow], shapes: Sequence[Shape]) -> Field | None:
    """Receptive field after an op: extents grow by (k - 1) strides, strides multiply."""
    fields = [f.field for f in inputs if f.field is not None]
    if not fields or inputs[0].field is None:
        return None
    first = fields[0]
    alike = [f for f in fields if len(f) == len(first)]
    first = tuple(
        (max(f[i][0] for f in alike) if alike == fields else inf, stride)
        for i, (_, stride) in enumerate(first)
    )
    window = op.window(*shapes)
    if window is None:
        return tuple((inf, stride) for _, stride in first)
    if not window:
        return first
    return compose(first, tuple((Fraction(k), Fraction(s)) for k, s in window))


def compose(before: Field | None, after: Field | None) -> Field | None:
    """Receptive field of one graph after another."""
    if before is None or after is None:
        return None
    return tuple(
        (r + (k - 1) * j if k < inf else inf, j * s) for (r, j), (k, s) in zip(before, after, strict=False)
    )


def tap(graph: Graph, path: str) -> tuple[Graph, int] | None:
    """The same graph with one more output: the value at `path` inside it. None if there is none."""
    if path in graph.values:
        port = graph.values[path]
    elif path in graph.output_names:
        port = graph.outputs[graph.output_names.index(path)]
    else:
        head, _, rest = path.partition(".")
        while rest and not (head in graph and isinstance(graph.node(head).content, Graph)):
            more, _, rest = rest.partition(".")
            head = f"{head}.{more}"
        if not rest:
            return None
        node = graph.node(head)
        assert isinstance(node.content, Graph)
        inner = tap(node.content, rest)
        if inner is None:
            return None
        graph = replace(graph, steps={**graph.steps}, fields={**graph.fields}, outputs=[*graph.outputs])
        graph.replace(replace(node, content=inner[0], shapes=inner[0].output_shapes))
        port = Port(head, inner[1])
        before = graph.fields.get(node.inputs[0]) if node.inputs else None
        graph.fields[port] = compose(before, inner[0].fields.get(inner[0].outputs[inner[1]]))
    if port in graph.outputs:
        return graph, graph.outputs.index(port)
    made = replace(graph, outputs=[*graph.outputs, port])
    if made.output_names:
        made.output_names = (*made.output_names, path)
    return made, len(made.outputs) - 1
