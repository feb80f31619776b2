"""Statements that declare: layers, tensors, inputs, outputs, expectations and initialisers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Label
from resdsl.diagnostics.suggest import did_you_mean, replace_fix
from resdsl.elaborate import shapes as shape_text
from resdsl.elaborate.builder import UNKNOWN
from resdsl.elaborate.evaluate import mentions_counts
from resdsl.elaborate.functions import FUNCTIONS
from resdsl.elaborate.loops import names_of
from resdsl.elaborate.scope import Env
from resdsl.elaborate.values import POISON, brief, described, write
from resdsl.graph.model import Tensor
from resdsl.ops import OPS
from resdsl.ops.base import Init, Op, arguments
from resdsl.source import Span
from resdsl.syntax import ast

if TYPE_CHECKING:
    from resdsl.elaborate.flow import Scope


def layer(scope: Scope, statement: ast.Layer, env: Env) -> None:
    """`layer NAME = ...`: made when it is first applied."""
    name = scope.layer_name(statement.name, env)
    if name is None:
        return
    first = scope.deferred[name][0].name.span if name in scope.deferred else scope.addresses.get(name)
    if first is not None:
        second_layer(scope, name, statement.name.span, first)
        return
    scope.deferred[name] = (statement, env)
    scope.graph.order.append(name)
    scope.registered.add(name)


def second_layer(scope: Scope, name: str, span: Span, first: Span) -> None:
    """Report a second layer of one name."""
    scope.session.error(
        codes.DUPLICATE_NAME,
        f"two layers are called `{name}`",
        span,
        "made again here",
        secondary=[Label(first, "first made here")],
        help=f"run the first one again with `apply {name}`, or choose another name",
    )


def state(scope: Scope, statement: ast.State, env: Env) -> None:
    """`param` and `buffer`."""
    items = list(statement.shape.items)
    batched = bool(items) and isinstance(items[0], ast.Name) and items[0].id == "batch"
    dims = tuple(scope.integer(i, env, "a stored size") for i in (items[1:] if batched else items))
    init = None if statement.value is None else scope.evaluate(statement.value, env)
    if POISON in dims or init is POISON:
        scope.values[statement.name.id] = UNKNOWN
        return
    if init is not None and not isinstance(init, Init):
        scope.session.error(
            codes.BAD_ARGUMENT,
            f"a {'parameter' if statement.trained else 'buffer'} starts from an initialiser, this is {described(init)}",
            statement.value.span if statement.value is not None else statement.span,
            help=f"write `constant({write(init)})`" if isinstance(init, (int, float)) else None,
        )
        scope.values[statement.name.id] = UNKNOWN
        return
    if init is not None and init.elements is not None and not _holds(scope, statement, dims, batched, init):
        scope.values[statement.name.id] = UNKNOWN
        return
    name = scope.address(statement.name.id, statement.name.span)
    tensor = Tensor(name, dims, statement.trained, batched, init)
    flows = scope.add_node(name, tensor, (), (dims,), (None,), statement.span, module=name)
    scope.name_value(name, flows[0], statement.name.span, layer=True)


def _holds(scope: Scope, statement: ast.State, dims: tuple[int, ...], batched: bool, init: Init) -> bool:
    """Whether a table may be stored there: in a buffer with room for all its values."""
    assert statement.value is not None
    if statement.trained or batched:
        message = (
            "a table is the same for all samples and is not trained: a `buffer` without `batch` holds it"
        )
        scope.session.error(codes.BAD_ARGUMENT, message, statement.value.span)
        return False
    if prod(dims) != init.elements:
        scope.session.error(
            codes.BAD_ARGUMENT,
            f"`{write(init)}` has {init.elements:,} values, the buffer {prod(dims):,}",
            statement.shape.span,
            secondary=[Label(statement.value.span, "the table")],
            help=f"write `[{init.elements}]`, or other sizes with this product",
        )
        return False
    return True


def input(scope: Scope, statement: ast.Input, env: Env) -> None:
    """`input`: of the net that is compiled, of a net inside it, or the names of what arrives at a block."""
    if scope.net_input is not None:
        start, scope.net_input = scope.net_input, None
        start(statement, env)
        return
    if scope.is_net:
        inputs = [s for body in scope.running for s in body.statements if isinstance(s, ast.Input)]
        scope.session.error(
            codes.BAD_INPUT,
            "a net has one `input` statement",
            statement.span,
            "a second one",
            secondary=[Label(inputs[0].span, "the first")] if inputs and inputs[0] is not statement else (),
            help="it may name several: `input image: [3, H, W], mask: [1, H, W]`",
        )
        for port in statement.ports:
            scope.values[port.name.id] = UNKNOWN
        return
    if len(statement.ports) != len(scope.flow):
        if all(f.port is not None for f in scope.flow):
            wrong_inputs(scope, f"`{scope.graph.name}`", statement.ports, len(scope.flow))
        scope.flow = (UNKNOWN,) * len(statement.ports)
    for port, flow in zip(statement.ports, scope.flow, strict=True):
        scope.name_value(port.name.id, flow, port.name.span)
        shape_text.bind_sizes(scope, port, flow.shape, env)


def wrong_inputs(scope: Scope, what: str, ports: Sequence[ast.PortDecl], count: int) -> None:
    """Report a call that passes another number of values than the block or net takes."""
    place = ports[0].span.to(ports[-1].span)
    takes = f"{len(ports)} value{'s' if len(ports) != 1 else ''}"
    with scope.session.outside() as call:
        scope.session.error(
            codes.BAD_INPUT,
            f"{what} takes {takes}, but {count} arrive{'s' if count == 1 else ''}",
            call or place,
            secondary=[Label(place, f"takes {takes}")] if call else (),
            help="pass several values with `from a, b -> ...`" if len(ports) > 1 else None,
        )


def output(scope: Scope, statement: ast.Output, env: Env) -> None:
    """`output a, b`."""
    if scope.outer is not None:
        scope.session.error(
            codes.NOT_A_STEP,
            "`output` belongs to the body of a net or block",
            Span(statement.span.source, statement.span.start, statement.names[-1].span.end),
            "this is inside a layer",
            help=f"name the value with `as`: from outside it is `{scope.graph.name}.NAME`",
        )
        return
    scope.outputs = scope.outputs or []
    for name in statement.names:
        path = scope.layer_name(name, env)
        if path is None:
            continue
        flow = scope.read(path)
        if flow is None:
            scope.unknown_value(path, name.span)
            continue
        key = path.rpartition(".")[2]
        if any(key == other for other, _ in scope.outputs):
            again = any(flow.port is not None and flow.port == f.port for _, f in scope.outputs)
            scope.session.error(
                codes.DUPLICATE_NAME,
                f"two outputs are called `{key}`",
                name.span,
                help="leave this one out"
                if again
                else f"outputs are called by the last part of the name: rename one, `from {path} as other`",
            )
            continue
        scope.outputs.append((key, flow))
        if statement.training:
            scope.training.append(key)


def expect(scope: Scope, statement: ast.Expect, env: Env) -> None:
    """`expect`: in a block at once; of the net when it is built."""
    if scope.is_net:
        scope.expects.append((statement, env))
        return
    if scope.graph.kind == "net" and (statement.at or mentions_counts(statement.condition)):
        return  # about the net on its own, and checked where that is compiled
    if statement.condition is None:
        assert statement.target is not None
        assert statement.shape is not None
        path = scope.layer_name(statement.target, env)
        flow = scope.read(path) if path else None
        if flow is None and path:
            scope.unknown_value(path, statement.target.span)
        elif flow is not None and flow.shape is not None:
            shape_text.check(scope, f"`{path}`", flow.shape, statement.shape, env, word="expected")
        return
    check_condition(scope, statement, env)


def preconditions(scope: Scope, body: ast.Body, env: Env) -> bool:
    """Check what a body expects of its parameters alone, before it runs on those that do not fit."""
    conditions = [s for s in body.statements if isinstance(s, ast.Expect) and _is_known(s.condition, env)]
    held = [check_condition(scope, statement, env) for statement in conditions]
    return all(held)


def _is_known(part: Any, env: Env, own: tuple[str, ...] = ()) -> bool:
    """Whether an expression only speaks of parameters and names of the file."""
    match part:
        case None | ast.Path() | ast.Arriving() | ast.Body():
            return False
        case ast.Name(id=id):
            return any(id in words for words in (own, env.names, env.module.names, OPS, FUNCTIONS))
        case ast.Comprehension(element=element, targets=targets, iterable=iterable):
            inside = (*own, *(name.id for name in names_of(targets)))
            return _is_known(iterable, env, own) and _is_known(element, env, inside)
        case tuple():
            return all(_is_known(each, env, own) for each in part)
        case _ if is_dataclass(part):
            inner = [getattr(part, f.name) for f in fields(part) if f.name != "span"]
            return all(each is None or _is_known(each, env, own) for each in inner)
        case _:
            return True


def check_condition(scope: Scope, statement: ast.Expect, env: Env) -> bool:
    """Check an `expect` that can be decided at once, and say whether it holds."""
    assert statement.condition is not None
    value = scope.condition(statement.condition, env)
    if value is False:
        sides = ""
        if isinstance(statement.condition, ast.Binary):
            left = scope.evaluate(statement.condition.left, env)
            right = scope.evaluate(statement.condition.right, env)
            sides = f"{brief(left)} {statement.condition.operator} {brief(right)} is false"
        scope.session.error(
            codes.EXPECT_FAILED,
            f"`{statement.condition.span.text}` does not hold",
            statement.condition.span,
            sides,
        )
    return value is True


def init_default(scope: Scope, statement: ast.Init, env: Env) -> None:
    """`init OP.TENSOR = initialiser`."""
    value = scope.evaluate(statement.value, env)
    target = statement.target
    if value is POISON:
        return
    if len(target.parts) != 2 or target.parts[0] not in OPS:
        scope.session.error(
            codes.UNKNOWN_NAME,
            f"`{'.'.join(target.parts)}` is not a tensor of an op",
            target.span,
            help=did_you_mean(target.parts[0], OPS) or "write for example `init conv.weight = ...`",
            fix=replace_fix(_part(target, 0), target.parts[0], OPS),
        )
    elif target.parts[1] not in (tensors := _tensors(OPS[target.parts[0]])):
        scope.session.error(
            codes.UNKNOWN_ARGUMENT,
            f"`{target.parts[0]}` has no tensor `{target.parts[1]}`",
            _part(target, 1),
            help=did_you_mean(target.parts[1], tensors)
            or f"it has {', '.join(f'`{t}`' for t in tensors) or 'none'}",
            fix=replace_fix(_part(target, 1), target.parts[1], tensors),
        )
    elif not isinstance(value, Init):
        scope.session.error(
            codes.BAD_ARGUMENT,
            f"`init` needs an initialiser, this is {described(value)}",
            statement.value.span,
        )
    else:
        kept = tuple(i for i in scope.inits if i[:2] != target.parts)
        scope.inits = (*kept, (target.parts[0], target.parts[1], value))


def _part(path: ast.Path, index: int) -> Span:
    """One word of a path, of which the first two can be asked for."""
    start = path.span.start + (len(path.parts[0]) + 1 if index else 0)
    return Span(path.span.source, start, start + len(path.parts[index]))


def _tensors(cls: type[Op]) -> list[str]:
    """The tensors of an op that take an initialiser."""
    return [name for name, (arg, _) in arguments(cls).items() if arg.kind in ("init", "bias")]
