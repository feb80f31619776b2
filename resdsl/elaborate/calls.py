"""Calls as steps: ops, blocks, nets, and ops with a body in braces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Label
from resdsl.diagnostics.suggest import listed, replace_fix
from resdsl.elaborate import declare
from resdsl.elaborate.bind import Bound, bind, missing
from resdsl.elaborate.builder import UNKNOWN, Flow, compose
from resdsl.elaborate.loops import rounds
from resdsl.elaborate.misfit import ONE
from resdsl.elaborate.scope import MAX_CALL_DEPTH, Env
from resdsl.elaborate.values import POISON, Closure, Definition, Recipe, brief, described
from resdsl.graph.model import Graph
from resdsl.ops import OPS
from resdsl.source import Span
from resdsl.syntax import ast

if TYPE_CHECKING:
    from resdsl.elaborate.flow import Scope


def call_step(
    scope: Scope,
    call: ast.Call,
    env: Env,
    name: str | None,
    until: ast.LayerName | None,
    name_span: Span | None = None,
    copy: tuple[str, int, int] | None = None,
) -> None:
    """Run a call as a step: an op, a block, a net, a body given as an argument, or `none`."""
    recipe = scope.name(call.callee, env, "step")
    if recipe is None:
        if call.args:
            scope.session.error(
                codes.NOT_A_STEP,
                f"`{call.callee.id}` is none, which takes no arguments",
                call.span,
                help=f"write `{call.callee.id}` alone, and give arguments where it is chosen, "
                f"as in `{call.callee.id} = batchnorm(eps = 0.001)`",
            )
        return
    if isinstance(recipe, Closure):
        scope.run(recipe.body, Env(recipe.env.module, recipe.env))
        return
    if recipe is POISON or not isinstance(recipe, Recipe):
        if _hides_an_op(scope, call.callee.id):
            scope.session.failed = True
        elif recipe is not POISON:
            scope.session.error(
                codes.NOT_A_STEP,
                f"`{call.callee.id}` is {described(recipe)}, which does not run",
                call.callee.span,
                help=f"`from {call.callee.id}` continues from a value"
                if scope.read(call.callee.id)
                else None,
            )
            env.spoil(call.callee.id)
        for argument in call.args or ():
            scope.evaluate(argument.value, env)
        _unknown_step(scope, name, call.span)
        return
    bound = bind(scope, recipe, call, env)
    if bound is None or missing(scope.session, recipe, bound, call.span):
        _unknown_step(scope, name, call.span)
        return
    run_recipe(scope, recipe, bound, name, call.span, until=until, copy=copy, env=env)


def _hides_an_op(scope: Scope, word: str) -> bool:
    """Whether it was reported that a name takes the place of an op."""
    return any(
        d.code is codes.RESERVED_NAME and d.primary.span.text == word for d in scope.session.sink.items
    )


def _unknown_step(scope: Scope, name: str | None, span: Span) -> None:
    scope.address(name, span)
    scope.position += 1
    scope.flow = (UNKNOWN,)


def run_recipe(
    scope: Scope,
    recipe: Recipe,
    bound: Bound,
    name: str | None,
    span: Span,
    *,
    until: ast.LayerName | None = None,
    copy: tuple[str, int, int] | None = None,
    env: Env | None = None,
) -> None:
    """Run an op or block whose arguments are all bound."""
    match recipe.target:
        case Definition() as definition:
            stop = scope.layer_name(until, env) if until is not None and env is not None else None
            _block(scope, definition, bound, name, span, stop, until, copy)
        case type() as cls:
            if until is not None:
                scope.session.error(
                    codes.NOT_A_STEP, f"`until` cuts a net or block, `{cls.name}` is an op", until.span
                )
            scope.flow = scope.apply_op(cls, bound, scope.flow, span, name=name)
        case _:
            scope.session.error(
                codes.NOT_A_STEP,
                "`projection` is a shortcut and needs an arm to fit",
                span,
                help="write it after `shortcut:`, or a 1x1 `conv` here",
            )
            _unknown_step(scope, name, span)


def _block(
    scope: Scope,
    definition: Definition,
    bound: Bound,
    name: str | None,
    span: Span,
    stop: str | None,
    until: ast.LayerName | None,
    copy: tuple[str, int, int] | None,
) -> None:
    id = scope.address(name, span)
    scope.position += 1
    given = {k: v for k, (v, _) in bound.items()}
    inputs = scope.flow
    label = f"`{definition.name}({', '.join(f'{k} = {brief(v)}' for k, v in given.items())})`".replace(
        "()`", "`"
    )
    if copy is not None:
        label = f"`{copy[0]}`, copy {copy[1] + 1} of {copy[2]}: {label}"
    made = signature(scope, definition, given, tuple(f.shape for f in inputs), span, label, stop, until)
    if made is None:
        scope.flow = (UNKNOWN,)
        return
    before = inputs[0].field if inputs else None
    scope.flow = scope.add_node(
        id,
        made,
        inputs,
        made.output_shapes or (None,),
        [compose(before, made.fields.get(p)) for p in made.outputs] or (None,),
        span,
        module=id,
    )


def signature(
    scope: Scope,
    definition: Definition,
    given: dict[str, Any],
    inputs: tuple[Any, ...],
    span: Span,
    label: str,
    stop: str | None = None,
    until: ast.LayerName | None = None,
) -> Graph | None:
    """The graph of a block at these arguments and input shapes, made once."""
    decl = definition.decl
    assert isinstance(decl, ast.Block)
    env = Env(definition.module)
    for param in decl.params:
        if param.name.id in given:
            env.names[param.name.id] = given[param.name.id]
        elif param.default is not None:
            env.names[param.name.id] = scope.evaluate(param.default, env)
    if POISON in env.names.values() or id(decl) in scope.session.endless:
        scope.session.failed = True  # already reported
        return None
    key = (
        definition,
        tuple(env.names.items()),
        inputs,
        stop,
        scope.inits,
        scope.session.domain.key(),
    )
    if key in scope.session.graphs:
        made = scope.session.graphs[key]
        if made is None:
            scope.session.error(
                codes.RECURSIVE_BLOCK,
                f"{definition.word} `{definition.name}` uses itself without an end",
                span,
                secondary=[Label(decl.name.span, "defined here")],
                help="let a parameter decide with `if` where it ends",
            )
        return made
    if len(scope.session.frames) >= MAX_CALL_DEPTH:
        scope.session.error(
            codes.RECURSIVE_BLOCK,
            f"calls are nested more than {MAX_CALL_DEPTH} deep",
            span,
            secondary=[Label(decl.name.span, f"`{definition.name}` is defined here")],
            help="let a parameter decide with `if` where it ends",
        )
        return None
    from resdsl.elaborate.flow import Scope

    scope.session.graphs[key] = None  # marks a block that is being made
    graph = Graph(
        definition.name, "net" if decl.is_net else "block", decl.span, decl.doc, tuple(env.names.items())
    )
    inner = Scope(scope.session, graph)
    inner.inits, inner.stop = scope.inits, stop
    taken = scope._names_of(len(inputs))
    flows = [Flow(None, s, None) for s in inputs]
    with scope.session.frame(label, span):
        if not declare.preconditions(inner, decl.body, env):
            del scope.session.graphs[key]
            return None
        if decl.is_net:
            from resdsl.elaborate.nets import nested_input

            nested_input(inner, flows)
        else:
            inner.flow = tuple(inner.feed(n, f, decl.name.span) for n, f in zip(taken, flows, strict=True))
        inner.run(decl.body, env)
        if stop is not None and not inner.stopped and until is not None:
            with scope.session.outside():
                _no_end(scope, definition, inner, stop, until)
            del scope.session.graphs[key]
            return None
    inner.finish()
    if any(f.port is None for f in inner.flow) or not graph.outputs:
        del scope.session.graphs[key]
        scope.graph.unfinished.append(graph)
        return None
    scope.session.graphs[key] = graph
    return graph


def _no_end(scope: Scope, definition: Definition, made: Scope, stop: str, until: ast.LayerName) -> None:
    known = [v for v in made.values if v not in made.graph.inputs and f"#{v}" not in made.graph.inputs]
    fix = replace_fix(until.span, stop, known) if until.span.text == stop else None
    if fix is not None and not fix.safe:
        fix = None  # `layer5` is as near to `layer1` as to `layer4`
    if not made.uncertain:
        scope.session.error(
            codes.UNKNOWN_VALUE,
            f"{definition.word} `{definition.name}` makes no value `{stop}`",
            until.span,
            help=None if fix or not known else f"it makes {listed(known)}",
            fix=fix,
        )


def with_body(scope: Scope, with_body: ast.WithBody, env: Env) -> None:
    """`concat { arms }`, `scale { steps }`: the op says what the body means."""
    call = with_body.call
    recipe = scope.name(call.callee, env, "step")
    cls = recipe.target if isinstance(recipe, Recipe) and isinstance(recipe.target, type) else None
    if recipe is POISON:
        scope.flow = (UNKNOWN,)
        return
    if cls is None or cls.body is None:
        with_bodies = [f"`{n}`" for n, c in OPS.items() if c.body is not None]
        scope.session.error(
            codes.NOT_A_STEP,
            f"`{call.callee.id}` takes no body",
            with_body.body.span,
            help=f"a body goes with {', '.join(with_bodies)}; steps follow each other with `;`",
        )
        scope.flow = (UNKNOWN,)
        return
    assert isinstance(recipe, Recipe)
    bound = bind(scope, recipe, call, env)
    start = scope.flow
    if cls.body == "arms":
        arms = _arms(scope, with_body.body, env, start)
        if not arms:
            scope.session.error(
                codes.NOT_A_STEP,
                f"`{call.callee.id}` has no arms",
                with_body.body.span,
                help="each statement in the braces is an arm; `identity` is what arrives",
            )
            arms = [UNKNOWN]
    else:
        scope.run(with_body.body, Env(env.module, env))
        arms = [*start, *scope.flow]
    if bound is None or missing(scope.session, recipe, bound, call.span):
        scope.flow = (UNKNOWN,)
        return
    scope.flow = scope.apply_op(cls, bound, arms, call.span, joining=True)


def _arms(scope: Scope, body: ast.Body, env: Env, start: tuple[Flow, ...]) -> list[Flow]:
    """Each statement is one arm from the same value; `for`, `if` and `let` are looked through."""
    inner = Env(env.module, env)
    arms: list[Flow] = []
    for statement in body.statements:
        match statement:
            case ast.Let():
                scope.statement(statement, inner)
            case ast.For():
                made = rounds(scope, statement, inner)
                if made is None:
                    scope.give_up()
                    arms.append(UNKNOWN)
                for each in made or ():
                    arms.extend(_arms(scope, statement.body, each, start))
            case ast.If():
                arms.extend(_arms_if(scope, statement, inner, start))
            case ast.Step():
                scope.flow = start
                scope.statement(statement, inner)
                if len(scope.flow) == 1:
                    arms.append(scope.flow[0])
                else:
                    scope.session.error(
                        codes.NOT_A_STEP,
                        f"an arm ends in one value, this in {len(scope.flow)}",
                        statement.span,
                        help=ONE,
                    )
                    arms.append(UNKNOWN)
            case _:
                scope.session.error(
                    codes.NOT_A_STEP,
                    "this is not an arm",
                    statement.span,
                    help="each statement in these braces is an arm; put several steps of one in braces of their own",
                )
                arms.append(UNKNOWN)
    return arms


def _arms_if(scope: Scope, statement: ast.If, env: Env, start: tuple[Flow, ...]) -> list[Flow]:
    condition = scope.condition(statement.condition, env)
    if condition is POISON:
        scope.give_up()
        return [UNKNOWN]
    if condition:
        return _arms(scope, statement.body, env, start)
    if isinstance(statement.otherwise, ast.If):
        return _arms_if(scope, statement.otherwise, env, start)
    return _arms(scope, statement.otherwise, env, start) if statement.otherwise else []
