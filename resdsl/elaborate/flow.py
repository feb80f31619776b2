"""Runs the statements of a body: each takes the value before it and adds nodes to the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import assert_never

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Diagnostic, Edit, Fix, Label
from resdsl.elaborate import calls, declare, shared
from resdsl.elaborate import shapes as shape_text
from resdsl.elaborate.bind import Bound
from resdsl.elaborate.builder import UNKNOWN, Builder, Flow, compose
from resdsl.elaborate.loops import named, rounds
from resdsl.elaborate.scope import MAX_NODES, Env, Session
from resdsl.elaborate.shortcut import close_residual
from resdsl.elaborate.values import POISON, Ratio, Recipe, described
from resdsl.graph.model import Graph, GraphKind
from resdsl.sizes import Size
from resdsl.source import Span
from resdsl.syntax import ast


class Scope(Builder):
    """A module scope: the body of a net or block, a named brace or chain, or a repeat."""

    def __init__(self, session: Session, graph: Graph, outer: Scope | None = None) -> None:
        super().__init__(session, graph, outer)
        self.deferred: dict[str, tuple[ast.Layer, Env]] = {}
        self.outputs: list[tuple[str, Flow]] | None = None
        self.training: list[str] = []
        self.stop: str | None = None
        self.stopped = False
        self.is_net = False
        self.net_input: Callable[[ast.Input, Env], None] | None = None
        self.expects: list[tuple[ast.Expect, Env]] = []
        self.made: dict[str, tuple[ast.Step, Env]] = {}

    # ---------------------------------------------------------------- statements

    def run(self, body: ast.Body, env: Env) -> None:
        """Run statements in order, until `until` is reached."""
        self.running.append(body)
        for statement in body.statements:
            if self.stopped:
                break
            self.count_step(statement.span)
            self.statement(statement, env)
        self.running.pop()

    def give_up(self) -> None:
        """After a mistake that kept statements from running: what arrives and what has a name is unknown."""
        self.flow = (UNKNOWN,) * max(len(self.flow), 1)
        self.uncertain = True

    def statement(self, statement: ast.Statement, env: Env) -> None:
        """Run one statement."""
        match statement:
            case ast.Step():
                self._step(statement, env)
            case ast.Let():
                env.names.update(named(self, statement, env))
            case ast.If():
                self._if(statement, env)
            case ast.For():
                made = rounds(self, statement, env)
                if made is None:
                    self.give_up()
                for inner in made or ():
                    self.run(statement.body, inner)
                    if self.stopped:
                        return
            case ast.Stage():
                self._stage(statement, env)
            case ast.Layer():
                declare.layer(self, statement, env)
            case ast.State():
                declare.state(self, statement, env)
            case ast.Input():
                declare.input(self, statement, env)
            case ast.Output():
                declare.output(self, statement, env)
            case ast.Expect():
                declare.expect(self, statement, env)
            case ast.Init():
                declare.init_default(self, statement, env)
            case _:
                assert_never(statement)

    def _if(self, statement: ast.If, env: Env) -> None:
        condition = self.condition(statement.condition, env)
        if condition is POISON:
            self.give_up()
        elif condition:
            self.run(statement.body, Env(env.module, env))
        elif isinstance(statement.otherwise, ast.If):
            self._if(statement.otherwise, env)
        elif statement.otherwise is not None:
            self.run(statement.otherwise, Env(env.module, env))

    def _stage(self, statement: ast.Stage, env: Env) -> None:
        name = self.layer_name(statement.name, env)
        before, self.stage = self.stage, name if self.stage is None else self.stage
        self.run(statement.body, Env(env.module, env))
        self.stage = before
        if statement.shape is not None:
            self._annotated(f"stage `{name}`", statement.shape, env)
        if name and len(self.flow) == 1 and name not in self.values:
            self.name_value(name, self.flow[0], statement.name.span)
        if name is not None and name == self.stop:
            self.stopped = True

    def _annotated(self, what: str, shape: ast.ListExpr, env: Env) -> None:
        if len(self.flow) == 1 and self.flow[0].shape is not None:
            shape_text.check(self, what, self.flow[0].shape, shape, env)

    # ---------------------------------------------------------------- steps

    def layer_name(self, name: ast.LayerName, env: Env) -> str | None:
        """A layer or value name as text; None after a mistake."""
        match name:
            case ast.Name(id=id):
                return id
            case ast.Path(parts=parts):
                return ".".join(parts)
            case ast.Text():
                text = self.text(name, env)
                if text is POISON:
                    return None
                if not text or "#" in text or text.startswith(".") or text.endswith(".") or ".." in text:
                    self.session.error(
                        codes.BAD_VALUE,
                        f'`"{text}"` cannot be a name',
                        name.span,
                        help="a name is not empty, has no `#`, and something on both sides of each dot",
                    )
                    return None
                return str(text)

    def _step(self, step: ast.Step, env: Env) -> None:
        if step.name is None:
            for link in step.chain:
                self.link(link, env, None)
                if self.stopped:
                    break
        else:
            name = self.layer_name(step.name, env)
            self.uncertain |= name is None
            if name in self.deferred:
                assert name is not None
                declare.second_layer(self, name, step.name.span, self.deferred[name][0].name.span)
                name = None
            self.make_named(name if name is not None else self.join_id("unnamed"), step, env)
        if step.shape is not None:
            self._annotated(f"`{step.name.span.text if step.name else ''}`", step.shape, env)
        if step.values:
            self._name_flow(step.values, env)
        if self.stop is not None and self.stop in self.values:
            self.stopped = True

    def _name_flow(self, names: Sequence[ast.LayerName], env: Env) -> None:
        if len(names) != len(self.flow):
            if all(f.port is not None for f in self.flow):
                self.session.error(
                    codes.UNKNOWN_VALUE,
                    f"{len(names)} name{'s' if len(names) != 1 else ''}"
                    f" for {len(self.flow)} value{'s' if len(self.flow) != 1 else ''}",
                    names[0].span.to(names[-1].span),
                    help="name each value that arrives: `as a, b`",
                )
            for name in names:
                text = self.layer_name(name, env)
                if text:
                    self.values[text] = UNKNOWN
            return
        for name, flow in zip(names, self.flow, strict=True):
            text = self.layer_name(name, env)
            if text is None:
                continue
            self.name_value(text, flow, name.span)
            if flow.port is not None:
                node = self.graph.node(flow.port.node)
                self.graph.replace(replace(node, names=(*node.names, text)))

    def make_named(self, name: str, step: ast.Step, env: Env) -> None:
        """`NAME = chain`: one op or block call takes the name; anything longer is a scope of that name."""
        assert step.name is not None
        links = list(step.chain)
        while len(links) > 1 and isinstance(links[0], ast.From):
            self.link(links.pop(0), env, None)
        self.made[name] = replace(step, chain=tuple(links)), env
        first = links[0]
        if len(links) == 1 and not isinstance(first, ast.Application):
            span = step.name.span.to(first.span)
            self.session.error(
                codes.NOT_A_STEP,
                "`=` names a layer, and this makes none",
                step.name.span,
                secondary=[
                    Label(
                        first.span,
                        "runs a layer that is there already"
                        if isinstance(first, ast.Apply)
                        else "only reads a value",
                    )
                ],
                fix=Fix(
                    f"name the value: `{first.span.text} as {step.name.span.text}`",
                    (Edit(span, f"{first.span.text} as {step.name.span.text}"),),
                    safe=not step.values and step.shape is None,
                ),
            )
            self.link(first, env, None)
            if len(self.flow) == 1:
                self.values[name] = self.flow[0]
            return
        if len(links) == 1 and isinstance(first, ast.Application):
            if first.repeat is not None:
                self._named_repeat(name, first, env, step.name.span)
            elif isinstance(first.thing, ast.Call):
                calls.call_step(self, first.thing, env, name, first.until, step.name.span)
            else:
                self.scoped(name, "scope", step.name.span, lambda s: s.thing(first, env, None))
        else:

            def chain(scope: Scope) -> None:
                for link in links:
                    scope.link(link, env, None)

            self.scoped(name, "scope", step.name.span, chain)
        if len(self.flow) == 1:
            self.name_value(name, self.flow[0], step.name.span, layer=True)

    def link(self, link: ast.Link, env: Env, name: str | None) -> None:
        """Run one link of a chain."""
        match link:
            case ast.From(names=names):
                self.flow = tuple(self._read_or_report(n, env) for n in names)
            case ast.Apply():
                shared.apply(self, link, env)
            case ast.Application(repeat=None):
                self.thing(link, env, name)
            case ast.Application():
                for index, count in self._times(link, env):
                    self.repeat = (index, count)
                    self.thing(link, env, None)
                    self.repeat = None

    def _read_or_report(self, name: ast.LayerName, env: Env) -> Flow:
        path = self.layer_name(name, env)
        if path is None:
            return UNKNOWN
        flow = self.read(path)
        if flow is None:
            self.unknown_value(path, name.span)
            return UNKNOWN
        return flow

    def thing(self, application: ast.Application, env: Env, name: str | None) -> None:
        """Run what is applied, once."""
        match application.thing:
            case ast.Call() as call:
                calls.call_step(self, call, env, name, application.until)
            case ast.WithBody() as with_body:
                calls.with_body(self, with_body, env)
            case ast.Body() as body:
                self.run(body, Env(env.module, env))
            case ast.Residual() as residual:
                close_residual(self, residual, env)

    def _times(self, application: ast.Application, env: Env) -> list[tuple[int, int]]:
        assert application.repeat is not None
        count = self.evaluate(application.repeat, env)
        if count is POISON:
            self.give_up()
            return []
        if isinstance(count, bool) or not isinstance(count, int):
            self.session.error(
                codes.BAD_REPEAT,
                f"the count after `x` must be a whole number, this is {described(count)}",
                application.repeat.span,
                help="a net is built once for all its input sizes"
                if isinstance(count, (Size, Ratio))
                else None,
            )
            self.give_up()
            return []
        if count < 1:
            self.session.error(
                codes.BAD_REPEAT,
                f"the count after `x` must be at least 1, this is {count}",
                application.repeat.span,
                help="write a part that may be left out with `if`",
            )
            self.give_up()
            return []
        if count > MAX_NODES:
            self.session.error(
                codes.TOO_LARGE,
                f"{count:,} repeats are more than can be built",
                application.repeat.span,
                f"at most {MAX_NODES:,}",
            )
            self.give_up()
            return []
        self.counted = isinstance(application.repeat, ast.Literal)
        return [(i, count) for i in range(count)]

    def _named_repeat(self, name: str, application: ast.Application, env: Env, span: Span) -> None:
        """`NAME = thing x N`: copies under the addresses `NAME.0`, `NAME.1`, ..."""
        times = self._times(application, env)
        if not times:
            self.address(name, span)
            self.position += 1
            return

        def copies(scope: Scope) -> None:
            scope.counted = self.counted
            for index, count in times:
                if isinstance(application.thing, ast.Call):
                    scope.repeat = (index, count)
                    calls.call_step(
                        scope,
                        application.thing,
                        env,
                        str(index),
                        application.until,
                        copy=(name, index, count),
                    )
                    scope.repeat = None
                else:
                    scope.scoped(
                        str(index), "scope", application.span, lambda s: s.thing(application, env, None)
                    )

        self.scoped(name, "repeat", span, copies)

    def scoped(self, name: str, kind: GraphKind, span: Span, fill: Callable[[Scope], None]) -> None:
        """Run something in a module scope of its own, and leave its outputs as the flow."""
        id = self.address(name, span)
        self.position += 1
        graph = Graph(name, kind, span)
        scope = Scope(self.session, graph, self)
        inputs = self.flow
        taken = self._names_of(len(inputs))
        scope.flow = tuple(scope.feed(n, f, span) for n, f in zip(taken, inputs, strict=True))
        fill(scope)
        self.uncertain |= scope.uncertain
        scope.finish()
        captures = tuple(Flow(p, self.graph.shape(p), self.graph.fields.get(p)) for p in scope.capture_ports)
        self._add_graph(id, graph, (*inputs, *captures), scope.flow, span)

    def _names_of(self, count: int) -> list[str]:
        return ["x"] if count == 1 else [f"x{i + 1}" for i in range(count)]

    def _add_graph(
        self, id: str, graph: Graph, inputs: Sequence[Flow], outputs: Sequence[Flow], span: Span
    ) -> None:
        before = inputs[0].field if inputs else None
        self.flow = self.add_node(
            id,
            graph,
            inputs,
            [f.shape for f in outputs],
            [compose(before, f.field) for f in outputs],
            span,
            module=id,
        )

    def finish(self) -> None:
        """Close the graph: its outputs are the `output` values, or the final flow."""
        if self.outputs is not None:
            self.flow = tuple(flow for _, flow in self.outputs)
            self.graph.output_names = tuple(name for name, _ in self.outputs)
            self.graph.training_outputs = tuple(self.training)
        self.graph.outputs = [f.port for f in self.flow if f.port is not None]
        self._drop_unapplied()

    def _drop_unapplied(self) -> None:
        """A `layer` that nothing applied does not exist."""
        for name, (statement, _) in self.deferred.items():
            if name in self.addresses:
                continue
            self.graph.order.remove(name)
            if not self.stopped and not self.session.failed:
                self.session.sink.add(
                    Diagnostic(
                        codes.UNUSED_VALUE,
                        f"the layer `{name}` is never applied",
                        Label(statement.span),
                        help=(f"run it with `apply {name}`, or leave it out",),
                    )
                )

    def run_recipe(self, recipe: Recipe, bound: Bound, name: str | None, span: Span) -> None:
        """Run an op or block whose arguments are all bound."""
        calls.run_recipe(self, recipe, bound, name, span)
