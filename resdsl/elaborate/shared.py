"""Layers that are run again: `apply NAME`, the same weights on another value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Label
from resdsl.diagnostics.suggest import did_you_mean, replace_fix
from resdsl.elaborate import misfit
from resdsl.elaborate.builder import UNKNOWN, Flow
from resdsl.elaborate.require import require, require_extent
from resdsl.elaborate.scope import Env
from resdsl.graph.model import Condition, Graph, Node, Tensor
from resdsl.ops.base import Op, Reject, show
from resdsl.sizes import NotClosed, Shape
from resdsl.syntax import ast

if TYPE_CHECKING:
    from resdsl.elaborate.flow import Scope


def apply(scope: Scope, link: ast.Apply, env: Env) -> None:
    """`apply NAME`: make a declared layer, or run one again."""
    name = scope.layer_name(link.name, env)
    if name is None:
        scope.flow = (UNKNOWN,)
        return
    if name in scope.addresses and name not in scope.deferred:
        _again(scope, name, link)
        return
    if name not in scope.deferred:
        known = [*scope.deferred, *(a for a in scope.addresses if not a.isdigit())]
        help = did_you_mean(name, known) or f"`layer {name} = ...` makes one, to run it with `apply`"
        if scope.read(name) is not None:
            help = f"`{name}` is a value: `from {name}` continues from it"
        if not scope.uncertain:
            scope.session.error(
                codes.UNKNOWN_VALUE,
                f"there is no layer `{name}` here",
                link.name.span,
                help=help,
                fix=replace_fix(link.name.span, name, known) if link.name.span.text == name else None,
            )
        scope.flow = (UNKNOWN,)
        return
    if name in scope.addresses:
        _again(scope, name, link)
        return
    statement, scope_env = scope.deferred[name]
    scope.make_named(name, ast.Step(statement.name, None, statement.chain, (), statement.span), scope_env)


def _again(scope: Scope, name: str, link: ast.Apply) -> None:
    """Run a layer again: the same module, on another value."""
    inputs = scope.flow
    if name not in scope.graph or any(f.shape is None for f in inputs):
        scope.flow = (UNKNOWN,)
        return
    first = scope.graph.node(name)
    if isinstance(first.content, Op):
        scope.flow = _op_again(scope, name, first, first.content, link)
    elif scope.graph.operands(first) == tuple(f.shape for f in inputs):
        scope.flow = _run(scope, name, first, first.content, inputs, first.shapes, link)
    else:
        scope.flow = _graph_again(scope, name, first, link)


def _run(
    scope: Scope,
    name: str,
    first: Node,
    content: Any,
    inputs: tuple[Flow, ...],
    shapes: tuple[Shape | None, ...],
    link: ast.Apply,
) -> tuple[Flow, ...]:
    fields = [inputs[0].field] * len(shapes)
    id = scope.join_id(name)
    return scope.add_node(
        id, content, inputs, shapes, fields, link.span, module=first.module, inits=first.inits
    )


def _op_again(scope: Scope, name: str, first: Node, op: Op, link: ast.Apply) -> tuple[Flow, ...]:
    inputs = scope.flow
    before = scope.graph.operands(first)
    conditions: list[Condition] = []
    try:
        taken, doubt = require(scope, op, f"#{name}{scope.joins + 1}", inputs, link.span, conditions)
        shapes = op.infer_all(*taken)
        require_extent(scope, f"#{name}{scope.joins + 1}", inputs[0], shapes, link.span, conditions)
    except Reject as reject:
        scope.session.never = True
        misfit.rejected(scope, op, reject, {}, inputs, link.span)
        return (UNKNOWN,) * len(first.shapes)
    if doubt is not None:
        misfit.rejected(scope, op, doubt, {}, inputs, link.span)
    if before != taken and op.module(*before) != op.module(*taken):
        return _mismatch(scope, name, before, taken, link)
    scope.graph.conditions.extend(conditions)
    return _run(scope, name, first, op, inputs, shapes, link)


def _graph_again(scope: Scope, name: str, first: Node, link: ast.Apply) -> tuple[Flow, ...]:
    """Build the block once more for the new shapes, and see that its weights are the same."""
    from resdsl.elaborate.flow import Scope as NewScope

    inputs = scope.flow
    step, env = scope.made[name]
    graph = Graph("again", "scope", link.span)
    trial = NewScope(scope.session, graph, scope)
    trial.carry(*(trial.feed(f"x{i}", flow, link.span) for i, flow in enumerate(inputs)))
    fed = tuple(f.port for f in trial.flow)
    reported = len(scope.session.sink.items)
    with scope.session.frame(f"`{name}`, applied", link.span):
        trial.make_named(name, step, env)
    if len(scope.session.sink.items) > reported or name not in graph:
        return (UNKNOWN,) * len(first.shapes)
    again = graph.node(name)
    before = scope.graph.operands(first)
    taken = tuple(f.shape for f in inputs if f.shape is not None)
    if again.inputs != fed or list(_weights(scope.graph, first)) != list(_weights(graph, again)):
        return _mismatch(scope, name, before, taken, link)
    return _run(scope, name, first, again.content, inputs, again.shapes, link)


def _weights(graph: Graph, node: Node) -> Iterator[Any]:
    """The modules of a node and those inside it, as torch makes them."""
    content = node.content
    if isinstance(content, Graph):
        yield content.order
        for inner in content.modules():
            yield from _weights(content, inner)
    elif isinstance(content, Op):
        try:
            yield content.module(*graph.operands(node)), node.inits
        except (Reject, NotClosed):
            yield node.id
    elif isinstance(content, Tensor):
        yield content


def _mismatch(
    scope: Scope, name: str, before: tuple[Shape, ...], got: tuple[Shape, ...], link: ast.Apply
) -> tuple[Flow, ...]:
    scope.session.error(
        codes.SHAPE_MISMATCH,
        f"`{name}` was made for {show(before[0])}, here {show(got[0])} arrives",
        link.span,
        secondary=[Label(scope.graph.node(name).span, "first used here")],
        help="the weights of a layer fit other positions, but not another number of channels",
    )
    return (UNKNOWN,)
