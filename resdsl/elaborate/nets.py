"""Nets: families, inputs, settings from outside, and what a net expects of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Label, Sink
from resdsl.diagnostics.suggest import did_you_mean, listed
from resdsl.domain import Domain
from resdsl.elaborate import habits
from resdsl.elaborate import shapes as shape_text
from resdsl.elaborate.admit import admitted, restrict
from resdsl.elaborate.bind import bind
from resdsl.elaborate.builder import UNKNOWN, Abort, Flow
from resdsl.elaborate.declare import preconditions, wrong_inputs
from resdsl.elaborate.evaluate import Evaluator
from resdsl.elaborate.expect import check_expects
from resdsl.elaborate.fits import settle
from resdsl.elaborate.flow import Scope
from resdsl.elaborate.scope import Env, Session
from resdsl.elaborate.values import POISON, Definition, Recipe, kind_of
from resdsl.graph.model import Condition, Feed, Graph, Net
from resdsl.ops.base import show
from resdsl.sizes import Shape, Size, variable
from resdsl.source import Source, Span
from resdsl.syntax import ast

VALUE = "write a value as in a spec: `10`, `true`, `[3, 4, 6, 3]`, or a name of the file"


def resolve_family(evaluator: Evaluator, item: Definition) -> Any:
    """A definition as a recipe. A family is the net its call names, with the arguments bound."""
    resolving = evaluator.session.resolving
    before = len(resolving)
    try:
        return _resolve(evaluator, item, resolving)
    finally:
        del resolving[before:]


def _resolve(evaluator: Evaluator, item: Definition, resolving: list[Definition]) -> Any:
    calls: list[tuple[ast.Family, Env]] = []
    while isinstance(item.decl, ast.Family):
        if item in resolving:
            _circle(evaluator.session, resolving[resolving.index(item) :])
            return POISON
        resolving.append(item)
        calls.append((item.decl, Env(item.module)))
        base = item.module.names.get(item.decl.call.callee.id)
        if not isinstance(base, Definition):
            return evaluator.evaluate(item.decl.call, Env(item.module))
        item = base
    recipe = Recipe(item)
    for family, env in reversed(calls):
        bound = bind(Evaluator(evaluator.session), recipe, family.call, env)
        if bound is None:
            return POISON
        recipe = Recipe(item, tuple((k, v) for k, (v, _) in bound.items()))
    return recipe


def _circle(session: Session, nets: list[Definition]) -> None:
    """Report nets that are only defined by each other, once for all of them.

    Where a word was taken for another that was meant, it was reported, and there may be no circle.
    """
    guessed = {net.decl.call.callee.span for net in nets if isinstance(net.decl, ast.Family)}
    if any(d.primary.span in guessed for d in session.sink.items):
        return
    first, *others = sorted(nets, key=lambda net: net.decl.name.span.start)
    names = " and ".join(f"`{net.name}`" for net in (first, *others))
    session.error(
        codes.RECURSIVE_BLOCK,
        f"nets {names} are defined by each other" if others else f"net {names} is defined by itself",
        first.decl.name.span,
        secondary=[Label(net.decl.name.span, "and this one") for net in others],
        help="a net is declared with a body: `net NAME { input image: [3, H, W] ... }`",
    )


def nested_input(scope: Scope, flows: list[Flow]) -> None:
    """A net inside a net: its `input` takes the values that arrive."""
    scope.is_net = False

    def start(statement: ast.Input, env: Env) -> None:
        if len(statement.ports) != len(flows):
            wrong_inputs(scope, f"net `{scope.graph.name}`", statement.ports, len(flows))
            flows.extend([UNKNOWN] * len(statement.ports))
        made = []
        for port, flow in zip(statement.ports, flows, strict=False):
            fed = scope.feed(port.name.id, flow, port.name.span)
            scope.name_value(port.name.id, fed, port.name.span)
            shape_text.bind_sizes(scope, port, flow.shape, env)
            made.append(fed)
        scope.flow = tuple(made)
        for condition in statement.where:
            sets = admitted(scope, condition, env)
            if sets is not POISON and scope.session.domain.never(sets):
                arriving = ", ".join(show(f.shape) for f in flows if f.shape is not None)
                rule = Label(condition.span, "does not hold")
                with scope.session.outside() as call:
                    scope.session.error(
                        codes.BAD_INPUT,
                        f"net `{scope.graph.name}` does not admit {arriving}",
                        call or condition.span,
                        secondary=[rule] if call else (),
                        help="pass a size that it admits: `resize` and `pad_to_multiple` change sizes",
                    )
            elif sets is not POISON and sets:
                ports = tuple(f.port for f in made if f.port is not None)
                id = scope.graph.inputs[0]
                scope.graph.conditions.append(Condition(id, sets, "where", 0, 0, ports, 0, condition.span))

    scope.net_input = start


class NetScope(Scope):
    """The scope of the net that is compiled: its `input` makes the free sizes."""

    def __init__(self, session: Session, graph: Graph) -> None:
        super().__init__(session, graph)
        self.is_net = True
        self.net_input = self._start
        self.nominal: dict[str, int] | None = None
        self.sizes: dict[str, Size] = {}
        self.input: ast.Input | None = None

    def _start(self, statement: ast.Input, env: Env) -> None:
        self.input = statement
        declared: list[Shape | None] = []
        for port in statement.ports:
            if port.shape is None:
                self.session.error(
                    codes.BAD_INPUT,
                    f"the input `{port.name.id}` needs a shape",
                    port.span,
                    help=f"write `input {port.name.id}: [3, H, W]`, with capital letters for sizes that vary",
                )
                declared.append(None)
            else:
                declared.append(shape_text.declare_sizes(self, port.shape, env, port.span))
        self.session.declared = [shape for shape in declared if shape is not None]
        self.sizes = {k: v for k, v in env.sizes.items() if isinstance(v, Size)}
        restrict(self, statement, env)
        self.sizes = {k: variable(k, self.session.domain.of(k).every) for k in self.sizes}
        env.sizes.update(self.sizes)
        made = []
        for port, shape in zip(statement.ports, declared, strict=True):
            if shape is not None:
                shape = tuple(self.sizes[d.var] if isinstance(d, Size) else d for d in shape)
            fed = self.feed(port.name.id, Flow(None, shape, None), port.name.span)
            self.name_value(port.name.id, fed, port.name.span)
            made.append(fed)
        if statement.at:
            where = statement.where[0].span.to(statement.where[-1].span) if statement.where else None
            self.nominal = shape_text.sizes_at(self, statement.at, declared, env, where)
        elif not self.sizes:
            self.nominal = {}
        self.flow = tuple(made)


def elaborate_net(
    session: Session, definition: Definition, settings: Mapping[str, str] | None = None
) -> Net | None:
    """Build and check one net. None when it cannot be built at all; mistakes go to the session."""
    session.begin(Domain())
    settings = settings or {}
    evaluator = Evaluator(session)
    recipe = resolve_family(evaluator, definition)
    if recipe is POISON:
        return None
    name_span = definition.decl.name.span
    if (
        not isinstance(recipe, Recipe)
        or not isinstance(recipe.target, Definition)
        or not recipe.target.is_net
    ):
        assert isinstance(definition.decl, ast.Family)
        session.error(
            codes.NO_NET,
            f"`{definition.name}` calls {kind_of(recipe)}, which is not a net",
            definition.decl.call.span,
            help="declare it with `net` instead of `block`, and give it an `input`"
            if isinstance(recipe, Recipe) and isinstance(recipe.target, Definition)
            else "after `=` stands a call of a net",
        )
        return None
    base = recipe.target
    decl = base.decl
    assert isinstance(decl, ast.Block)
    env = Env(base.module)
    given = dict(recipe.bound)
    given.update(_settings(session, decl, base, given, settings))
    for param in decl.params:
        if param.name.id in given:
            env.names[param.name.id] = given[param.name.id]
        elif param.default is not None:
            env.names[param.name.id] = evaluator.evaluate(param.default, env)
        elif param.name.id in settings:
            env.names[param.name.id] = POISON  # given, but wrongly
        else:
            family = definition.decl if isinstance(definition.decl, ast.Family) else None
            setting = f"give it with `--set {param.name.id}=...`"
            session.error(
                codes.MISSING_ARGUMENT,
                f"net `{base.name}` needs `{param.name.id}`",
                family.call.span if family else name_span,
                "missing here" if family else "",
                secondary=[Label(param.name.span, "has no default")],
                help=_with_argument(family.call, param.name.id)
                if family
                else _of_family(base) or f"{setting}, or declare a family: `net mine = {base.name}(...)`",
            )
            env.names[param.name.id] = POISON
    graph = Graph(
        definition.name, "net", decl.span, definition.decl.doc or decl.doc, tuple(env.names.items())
    )
    scope = NetScope(session, graph)
    if POISON in env.names.values() or not preconditions(scope, decl.body, env):
        return None
    if not _has_input(decl.body):
        session.error(
            codes.NO_INPUT,
            f"net `{base.name}` has no input",
            decl.name.span,
            help="begin its body with `input image: [3, H, W]`",
        )
        scope.give_up()
    try:
        scope.run(decl.body, env)
    except Abort:
        return None
    scope.finish()
    _complain_of_ends(session, scope, graph, name_span)
    needed, training = settle(session, scope, graph, definition)
    net = Net(
        definition.name,
        graph,
        tuple(settings.items()),
        tuple(scope.sizes),
        scope.nominal,
        definition.decl.doc or decl.doc,
        session.domain,
        needed,
        training,
    )
    if not session.failed:
        check_expects(session, scope, net, definition, env, bool(settings))
    return net


def _complain_of_ends(session: Session, scope: NetScope, graph: Graph, span: Span) -> None:
    if session.failed:
        return
    if scope.input is None:
        session.error(
            codes.NO_INPUT,
            f"net `{graph.name}` has no input",
            span,
            "no `input` runs here",
            help="begin the body with the `input`, outside of `if` and `for`",
        )
    elif all(isinstance(graph.node(p.node).content, Feed) for p in graph.outputs):
        session.error(
            codes.NO_OUTPUT,
            f"net `{graph.name}` does nothing to its input",
            span,
            help="add layers after `input`",
        )


def _of_family(base: Definition) -> str | None:
    """The nets that call an open one with all arguments."""
    members = [
        f"`{name}`"
        for name, item in base.module.nets.items()
        if isinstance(item.decl, ast.Family) and item.decl.call.callee.id == base.name
    ]
    if not members:
        return None
    return f"it is the base of {', '.join(members[:4])}{' and others' if len(members) > 4 else ''}: name one of these"


def _with_argument(call: ast.Call, name: str) -> str:
    """How a call is written with one more argument."""
    inside = ", ".join([f"{name} = ...", *(a.span.text for a in call.args or ())])
    return (
        f"write `{call.callee.id}({inside})`"
        if len(inside) < 50
        else f"write `{call.callee.id}(..., {name} = ...)`"
    )


def _has_input(body: ast.Body) -> bool:
    """Whether an `input` stands in a body, or in an `if`, `for` or `stage` of it."""
    return any(_is_input(statement) for statement in body.statements)


def _is_input(statement: ast.Statement | ast.Body | None) -> bool:
    match statement:
        case ast.Input():
            return True
        case ast.Body():
            return _has_input(statement)
        case ast.If(body=body, otherwise=otherwise):
            return _has_input(body) or _is_input(otherwise)
        case ast.For(body=body) | ast.Stage(body=body):
            return _has_input(body)
        case _:
            return False


def _settings(
    session: Session, decl: ast.Block, base: Definition, given: dict[str, Any], settings: Mapping[str, str]
) -> dict[str, Any]:
    """Values of `--set name=value`, read as expressions of the language in the net's file."""
    if not settings:
        return {}
    from resdsl.syntax.parser import parse_expression

    made: dict[str, Any] = {}
    names = [p.name.id for p in decl.params]
    for name, text in settings.items():
        source = Source("--set", f"{name}={text}")
        span = Span(source, 0, len(name))
        if name not in names:
            session.error(
                codes.BAD_SETTING,
                f"net `{decl.name.id}` has no parameter `{name}`",
                span,
                help=f"here it is `{habits.SAME[name]}`"
                if habits.SAME.get(name) in names
                else did_you_mean(name, names) or (f"it has {listed(names)}" if names else "it has none"),
            )
            continue
        trial = Sink()
        expr = parse_expression(source, len(name) + 1, len(source.text), trial)
        if expr is None or trial.has_errors:
            place = trial.sorted()[0].primary.span if trial.items else span
            session.error(
                codes.BAD_SETTING,
                f"`{text}` is not a value" if text else f"`{name}` is given no value",
                Span(source, place.start, max(place.end, place.start + 1)),
                help=VALUE,
            )
            continue
        value = Evaluator(Session(trial)).evaluate(expr, Env(base.module))
        for mistake in trial.items:
            if mistake.primary.span.source is source:  # on the command line, which `--fix` cannot change
                hint = mistake.fix.title if mistake.fix else VALUE
                mistake = replace(mistake, help=mistake.help or (hint,), fix=None)
            session.sink.add(mistake)
        session.failed |= trial.has_errors
        if not trial.has_errors:  # nothing is guessed of what was asked for
            made[name] = value
    return made
