"""Runs the statements of a body: each takes the value before it and adds nodes to the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, assert_never

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Diagnostic, Edit, Fix, Label
from resdsl.diagnostics.suggest import did_you_mean, replace_fix
from resdsl.elaborate import shapes as shape_text
from resdsl.elaborate.bind import Bound, bind, missing
from resdsl.elaborate.builder import UNKNOWN, Abort, Builder, Flow, compose
from resdsl.elaborate.evaluate import mentions_counts
from resdsl.elaborate.scope import MAX_CALL_DEPTH, Env, Session
from resdsl.elaborate.shortcut import close_residual
from resdsl.elaborate.values import POISON, Closure, Definition, Ratio, Recipe, brief, described, write
from resdsl.graph.model import Graph, GraphKind, Node, Tensor
from resdsl.ops import OPS
from resdsl.ops.base import Init, Op, arguments, show
from resdsl.sizes import Size
from resdsl.source import Span
from resdsl.syntax import ast

MAX_REPEAT = 100_000


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
            case ast.Let(name=name, value=value):
                env.names[name.id] = self.evaluate(value, env)
            case ast.If():
                self._if(statement, env)
            case ast.For():
                rounds = self._iterate(statement, env)
                if rounds is None:
                    self.give_up()
                for inner in rounds or ():
                    self.run(statement.body, inner)
                    if self.stopped:
                        return
            case ast.Stage():
                self._stage(statement, env)
            case ast.Layer(name=name):
                self._layer(statement, env)
            case ast.State():
                self._state(statement, env)
            case ast.Input():
                self._input(statement, env)
            case ast.Output():
                self._output(statement, env)
            case ast.Expect():
                self._expect(statement, env)
            case ast.Init():
                self._init_default(statement, env)
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

    def _iterate(self, loop: ast.For, env: Env) -> list[Env] | None:
        items = self.evaluate(loop.iterable, env)
        if items is POISON:
            return None
        if not isinstance(items, tuple):
            self.session.error(
                codes.BAD_VALUE,
                f"`for` needs a list, this is {described(items)}",
                loop.iterable.span,
                help=f"write `range({loop.iterable.span.text})`" if isinstance(items, int) else None,
            )
            return None
        made = []
        for item in items:
            inner = Env(env.module, env)
            if len(loop.targets) == 1:
                inner.names[loop.targets[0].id] = item
            elif isinstance(item, tuple) and len(item) == len(loop.targets):
                inner.names.update({t.id: v for t, v in zip(loop.targets, item, strict=True)})
            else:
                count = len(item) if isinstance(item, tuple) else 1
                self.session.error(
                    codes.BAD_VALUE,
                    f"an item of the list has {count} value{'s' if count != 1 else ''}, but `for` names {len(loop.targets)}",
                    loop.iterable.span,
                    secondary=[Label(loop.targets[0].span.to(loop.targets[-1].span), "named here")],
                )
                return None
            made.append(inner)
        return made

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

    def _layer(self, statement: ast.Layer, env: Env) -> None:
        name = self.layer_name(statement.name, env)
        if name is None:
            return
        first = self.deferred[name][0].name.span if name in self.deferred else self.addresses.get(name)
        if first is not None:
            self._second_layer(name, statement.name.span, first)
            return
        self.deferred[name] = (statement, env)
        self.graph.order.append(name)

    def _second_layer(self, name: str, span: Span, first: Span) -> None:
        self.session.error(
            codes.DUPLICATE_NAME,
            f"two layers are called `{name}`",
            span,
            "made again here",
            secondary=[Label(first, "first made here")],
            help=f"run the first one again with `apply {name}`, or choose another name",
        )

    def _state(self, statement: ast.State, env: Env) -> None:
        items = list(statement.shape.items)
        batched = bool(items) and isinstance(items[0], ast.Name) and items[0].id == "batch"
        dims = tuple(self.integer(i, env, "a stored size") for i in (items[1:] if batched else items))
        init = None if statement.value is None else self.evaluate(statement.value, env)
        if POISON in dims or init is POISON:
            self.values[statement.name.id] = UNKNOWN
            return
        if init is not None and not isinstance(init, Init):
            self.session.error(
                codes.BAD_ARGUMENT,
                f"a {'parameter' if statement.trained else 'buffer'} starts from an initialiser, this is {described(init)}",
                statement.value.span if statement.value is not None else statement.span,
                help=f"write `constant({write(init)})`" if isinstance(init, (int, float)) else None,
            )
            self.values[statement.name.id] = UNKNOWN
            return
        name = self.address(statement.name.id, statement.name.span)
        tensor = Tensor(name, dims, statement.trained, batched, init)
        flows = self.add_node(name, tensor, (), (dims,), (None,), statement.span, module=name)
        self.name_value(name, flows[0], statement.name.span)

    def _input(self, statement: ast.Input, env: Env) -> None:
        if self.net_input is not None:
            start, self.net_input = self.net_input, None
            start(statement, env)
            return
        if self.is_net:
            inputs = [s for body in self.running for s in body.statements if isinstance(s, ast.Input)]
            self.session.error(
                codes.BAD_INPUT,
                "a net has one `input` statement",
                statement.span,
                "a second one",
                secondary=[Label(inputs[0].span, "the first")] if inputs and inputs[0] is not statement else (),
                help="it may name several: `input image: [3, H, W], mask: [1, H, W]`",
            )
            for port in statement.ports:
                self.values[port.name.id] = UNKNOWN
            return
        if len(statement.ports) != len(self.flow):
            if all(f.port is not None for f in self.flow):
                self.wrong_inputs(f"`{self.graph.name}`", statement.ports, len(self.flow))
            self.flow = (UNKNOWN,) * len(statement.ports)
        for port, flow in zip(statement.ports, self.flow, strict=True):
            self.name_value(port.name.id, flow, port.name.span)
            if port.shape is not None and flow.shape is not None:
                shape_text.bind_sizes(self, port, flow.shape, env)

    def wrong_inputs(self, what: str, ports: Sequence[ast.PortDecl], count: int) -> None:
        """Report a call that passes another number of values than the block or net takes."""
        place = ports[0].span.to(ports[-1].span)
        takes = f"{len(ports)} value{'s' if len(ports) != 1 else ''}"
        with self.session.outside() as call:
            self.session.error(
                codes.BAD_INPUT,
                f"{what} takes {takes}, but {count} arrive{'s' if count == 1 else ''}",
                call or place,
                secondary=[Label(place, f"takes {takes}")] if call else (),
                help="pass several values with `from a, b -> ...`" if len(ports) > 1 else None,
            )

    def _output(self, statement: ast.Output, env: Env) -> None:
        if self.outer is not None:
            self.session.error(
                codes.NOT_A_STEP,
                "`output` belongs to the body of a net or block",
                Span(statement.span.source, statement.span.start, statement.names[-1].span.end),
                "this is inside a layer",
                help=f"name the value with `as`: from outside it is `{self.graph.name}.NAME`",
            )
            return
        self.outputs = self.outputs or []
        for name in statement.names:
            path = self.layer_name(name, env)
            if path is None:
                continue
            flow = self.read(path)
            if flow is None:
                self.unknown_value(path, name.span)
                continue
            key = path.rpartition(".")[2]
            if any(key == other for other, _ in self.outputs):
                again = any(flow.port is not None and flow.port == f.port for _, f in self.outputs)
                self.session.error(
                    codes.DUPLICATE_NAME,
                    f"two outputs are called `{key}`",
                    name.span,
                    help="leave this one out"
                    if again
                    else f"outputs are called by the last part of the name: rename one, `from {path} as other`",
                )
                continue
            self.outputs.append((key, flow))
            if statement.training:
                self.training.append(key)

    def _expect(self, statement: ast.Expect, env: Env) -> None:
        if self.is_net:
            self.expects.append((statement, env))
            return
        if self.graph.kind == "net" and (statement.at is not None or mentions_counts(statement.condition)):
            return  # about the net on its own, and checked where that is compiled
        if statement.condition is None:
            assert statement.target is not None
            assert statement.shape is not None
            path = self.layer_name(statement.target, env)
            flow = self.read(path) if path else None
            if flow is None and path:
                self.unknown_value(path, statement.target.span)
            elif flow is not None and flow.shape is not None:
                shape_text.check(self, f"`{path}`", flow.shape, statement.shape, env)
            return
        self.check_condition(statement, env)

    def check_condition(self, statement: ast.Expect, env: Env) -> None:
        """Check an `expect` that can be decided at once."""
        assert statement.condition is not None
        value = self.condition(statement.condition, env)
        if value is False:
            sides = ""
            if isinstance(statement.condition, ast.Binary):
                left = self.evaluate(statement.condition.left, env)
                right = self.evaluate(statement.condition.right, env)
                sides = f"{write(left)} {statement.condition.operator} {write(right)} is false"
            self.session.error(
                codes.EXPECT_FAILED, f"`{statement.condition.span.text}` does not hold", statement.condition.span, sides
            )

    def _init_default(self, statement: ast.Init, env: Env) -> None:
        value = self.evaluate(statement.value, env)
        target = statement.target
        if value is POISON:
            return
        if len(target.parts) != 2 or target.parts[0] not in OPS:
            self.session.error(
                codes.UNKNOWN_NAME,
                f"`{'.'.join(target.parts)}` is not a tensor of an op",
                target.span,
                help=did_you_mean(target.parts[0], OPS) or "write for example `init conv.weight = ...`",
                fix=replace_fix(_part(target, 0), target.parts[0], OPS),
            )
        elif target.parts[1] not in (tensors := _tensors(OPS[target.parts[0]])):
            self.session.error(
                codes.UNKNOWN_ARGUMENT,
                f"`{target.parts[0]}` has no tensor `{target.parts[1]}`",
                _part(target, 1),
                help=did_you_mean(target.parts[1], tensors) or f"it has {', '.join(f'`{t}`' for t in tensors) or 'none'}",
                fix=replace_fix(_part(target, 1), target.parts[1], tensors),
            )
        elif not isinstance(value, Init):
            self.session.error(
                codes.BAD_ARGUMENT, f"`init` needs an initialiser, this is {described(value)}", statement.value.span
            )
        else:
            kept = tuple(i for i in self.inits if i[:2] != target.parts)
            self.inits = (*kept, (target.parts[0], target.parts[1], value))

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
                self._second_layer(name, step.name.span, self.deferred[name][0].name.span)
                name = None
            self._named(name if name is not None else self.join_id("unnamed"), step, env)
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
                    f"{len(names)} name{'s' if len(names) != 1 else ''} for {len(self.flow)} value{'s' if len(self.flow) != 1 else ''}",
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

    def _named(self, name: str, step: ast.Step, env: Env) -> None:
        """`NAME = chain`: one op or block call takes the name; anything longer is a scope of that name."""
        assert step.name is not None
        links = list(step.chain)
        while len(links) > 1 and isinstance(links[0], ast.From):
            self.link(links.pop(0), env, None)
        first = links[0]
        if len(links) == 1 and not isinstance(first, ast.Application):
            span = step.name.span.to(first.span)
            self.session.error(
                codes.NOT_A_STEP,
                "`=` names a layer, and this makes none",
                step.name.span,
                secondary=[Label(first.span, "runs a layer that is there already" if isinstance(first, ast.Apply) else "only reads a value")],
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
                self._call_step(first.thing, env, name, first.until, step.name.span)
            else:
                self.scoped(name, "scope", step.name.span, lambda s: s.thing(first, env, None))
        else:
            def chain(scope: Scope) -> None:
                for link in links:
                    scope.link(link, env, None)

            self.scoped(name, "scope", step.name.span, chain)
        if len(self.flow) == 1:
            self.name_value(name, self.flow[0], step.name.span)

    def link(self, link: ast.Link, env: Env, name: str | None) -> None:
        """Run one link of a chain."""
        match link:
            case ast.From(names=names):
                self.flow = tuple(self._read_or_report(n, env) for n in names)
            case ast.Apply():
                self._apply(link, env)
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
                self._call_step(call, env, name, application.until)
            case ast.WithBody() as with_body:
                self._with_body(with_body, env)
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
                help="a net is built once for all its input sizes" if isinstance(count, (Size, Ratio)) else None,
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
        if count > MAX_REPEAT:
            self.session.error(
                codes.TOO_LARGE,
                f"{count:,} repeats are more than can be built",
                application.repeat.span,
                f"at most {MAX_REPEAT:,}",
            )
            self.give_up()
            return []
        return [(i, count) for i in range(count)]

    def _named_repeat(self, name: str, application: ast.Application, env: Env, span: Span) -> None:
        """`NAME = thing x N`: copies under the addresses `NAME.0`, `NAME.1`, ..."""
        times = self._times(application, env)
        if not times:
            self.address(name, span)
            self.position += 1
            return

        def copies(scope: Scope) -> None:
            for index, count in times:
                if isinstance(application.thing, ast.Call):
                    scope.repeat = (index, count)
                    scope._call_step(application.thing, env, str(index), application.until, copy=(name, index, count))
                    scope.repeat = None
                else:
                    scope.scoped(str(index), "scope", application.span, lambda s: s.thing(application, env, None))

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
        captures = tuple(
            Flow(p, self.graph.shape(p), self.graph.fields.get(p)) for p in scope.capture_ports
        )
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
            if not self.stopped:
                self.session.sink.add(
                    Diagnostic(
                        codes.UNUSED_VALUE,
                        f"the layer `{name}` is never applied",
                        Label(statement.span),
                        help=(f"run it with `apply {name}`, or leave it out",),
                    )
                )

    def _apply(self, link: ast.Apply, env: Env) -> None:
        name = self.layer_name(link.name, env)
        if name is None:
            self.flow = (UNKNOWN,)
            return
        if name in self.addresses and name not in self.deferred:
            self._reuse(name, link)
            return
        if name not in self.deferred:
            known = [*self.deferred, *(a for a in self.addresses if not a.isdigit())]
            help = did_you_mean(name, known) or f"`layer {name} = ...` makes one, to run it with `apply`"
            if self.read(name) is not None:
                help = f"`{name}` is a value: `from {name}` continues from it"
            if not self.uncertain:
                self.session.error(
                    codes.UNKNOWN_VALUE,
                    f"there is no layer `{name}` here",
                    link.name.span,
                    help=help,
                    fix=replace_fix(link.name.span, name, known) if link.name.span.text == name else None,
                )
            self.flow = (UNKNOWN,)
            return
        if name in self.addresses:
            self._reuse(name, link)
            return
        statement, scope_env = self.deferred[name]
        self._named(name, ast.Step(statement.name, None, statement.chain, (), statement.span), scope_env)

    def _reuse(self, name: str, link: ast.Apply) -> None:
        """Run a layer again: the same module, on another value."""
        if name not in self.graph.nx:
            self.flow = (UNKNOWN,)
            return
        first = self.graph.node(name)
        inputs = self.flow
        id = self.join_id(name)
        before = self.graph.operands(first)
        got = tuple(f.shape for f in inputs)
        if any(s is None for s in got):
            self.flow = (UNKNOWN,)
            return
        content, shapes = first.content, first.shapes
        if isinstance(content, Op):
            outputs: Sequence[Any] = content.infer_all(*got)
            if before != got and content.module(*before) != content.module(*got):
                self._shared_mismatch(name, link, before, got)
                return
            shapes = tuple(outputs)
        elif before != got:
            self._shared_mismatch(name, link, before, got)
            return
        fields = [inputs[0].field] * len(shapes)
        self.flow = self.add_node(
            id, content, inputs, shapes, fields, link.span, module=first.module, inits=first.inits
        )

    def _shared_mismatch(self, name: str, link: ast.Apply, before: Any, got: Any) -> None:
        self.session.error(
            codes.SHAPE_MISMATCH,
            f"`{name}` was made for {show(before[0])}, here {show(got[0])} arrives",
            link.span,
            secondary=[Label(self.graph.node(name).span, "first used here")],
            help="weights can only be shared between values of the same shape",
        )
        self.flow = (UNKNOWN,)

    # ---------------------------------------------------------------- calls

    def _call_step(
        self,
        call: ast.Call,
        env: Env,
        name: str | None,
        until: ast.LayerName | None,
        name_span: Span | None = None,
        copy: tuple[str, int, int] | None = None,
    ) -> None:
        """Run a call as a step: an op, a block, a net, a body given as an argument, or `none`."""
        recipe = self.name(call.callee, env)
        if recipe is None:
            if call.args:
                self.session.error(codes.NOT_A_STEP, f"`{call.callee.id}` is none and takes no arguments", call.span)
            return
        if isinstance(recipe, Closure):
            self.run(recipe.body, Env(recipe.env.module, recipe.env))
            return
        if recipe is POISON or not isinstance(recipe, Recipe):
            if recipe is not POISON:
                self.session.error(
                    codes.NOT_A_STEP,
                    f"`{call.callee.id}` is {described(recipe)}, which does not run",
                    call.callee.span,
                    help=f"`from {call.callee.id}` continues from a value" if self.read(call.callee.id) else None,
                )
                env.spoil(call.callee.id)
            for argument in call.args or ():
                self.evaluate(argument.value, env)
            self._unknown_step(name, call.span)
            return
        bound = bind(self, recipe, call, env)
        if bound is None or missing(self.session, recipe, bound, call.span):
            self._unknown_step(name, call.span)
            return
        self.run_recipe(recipe, bound, name, call.span, until=until, copy=copy, env=env)

    def _unknown_step(self, name: str | None, span: Span) -> None:
        self.address(name, span)
        self.position += 1
        self.flow = (UNKNOWN,)

    def run_recipe(
        self,
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
                stop = self.layer_name(until, env) if until is not None and env is not None else None
                self._block(definition, bound, name, span, stop, until, copy)
            case type() as cls:
                if until is not None:
                    self.session.error(
                        codes.NOT_A_STEP, f"`until` cuts a net or block, `{cls.name}` is an op", until.span
                    )
                self.flow = self.apply_op(cls, bound, self.flow, span, name=name)
            case _:
                self.session.error(
                    codes.NOT_A_STEP,
                    "`projection` is a shortcut and needs an arm to fit",
                    span,
                    help="write it after `shortcut:`, or a 1x1 `conv` here",
                )
                self._unknown_step(name, span)

    def _block(
        self,
        definition: Definition,
        bound: Bound,
        name: str | None,
        span: Span,
        stop: str | None,
        until: ast.LayerName | None,
        copy: tuple[str, int, int] | None,
    ) -> None:
        id = self.address(name, span)
        self.position += 1
        given = {k: v for k, (v, _) in bound.items()}
        inputs = self.flow
        label = f"`{definition.name}({', '.join(f'{k} = {brief(v)}' for k, v in given.items())})`".replace("()`", "`")
        if copy is not None:
            label = f"`{copy[0]}`, copy {copy[1] + 1} of {copy[2]}: {label}"
        made = self.signature(definition, given, tuple(f.shape for f in inputs), span, label, stop, until)
        if made is None:
            self.flow = (UNKNOWN,)
            return
        before = inputs[0].field if inputs else None
        self.flow = self.add_node(
            id,
            made,
            inputs,
            made.output_shapes or (None,),
            [compose(before, made.fields.get(p)) for p in made.outputs] or (None,),
            span,
            module=id,
        )

    def signature(
        self,
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
                env.names[param.name.id] = self.evaluate(param.default, env)
        if POISON in env.names.values() or id(decl) in self.session.endless:
            self.session.failed = True  # already reported
            return None
        key = (definition, tuple(env.names.items()), inputs, stop, self.inits, tuple(self.session.domain.residues.items()))
        if key in self.session.graphs:
            made = self.session.graphs[key]
            if made is None:
                self.session.error(
                    codes.RECURSIVE_BLOCK,
                    f"{definition.word} `{definition.name}` uses itself without an end",
                    span,
                    secondary=[Label(decl.name.span, "defined here")],
                    help="let a parameter decide with `if` where it ends",
                )
            return made
        if len(self.session.frames) >= MAX_CALL_DEPTH:
            self.session.error(
                codes.RECURSIVE_BLOCK,
                f"calls are nested more than {MAX_CALL_DEPTH} deep",
                span,
                secondary=[Label(decl.name.span, f"`{definition.name}` is defined here")],
                help="let a parameter decide with `if` where it ends",
            )
            return None
        self.session.graphs[key] = None  # type: ignore[assignment]  # marks a block that is being made
        graph = Graph(definition.name, "net" if decl.is_net else "block", decl.span, decl.doc, tuple(env.names.items()))
        scope = Scope(self.session, graph)
        scope.inits, scope.stop = self.inits, stop
        taken = self._names_of(len(inputs))
        flows = [Flow(None, s, None) for s in inputs]
        with self.session.frame(label, span):
            if decl.is_net:
                from resdsl.elaborate.nets import nested_input

                nested_input(scope, flows)
            else:
                scope.flow = tuple(scope.feed(n, f, decl.name.span) for n, f in zip(taken, flows, strict=True))
            scope.run(decl.body, env)
            if stop is not None and not scope.stopped and until is not None:
                with self.session.outside():
                    self._no_end(definition, scope, stop, until)
        scope.finish()
        if any(f.port is None for f in scope.flow) or not graph.outputs:
            del self.session.graphs[key]
            return None
        self.session.graphs[key] = graph
        return graph

    def _no_end(self, definition: Definition, scope: Scope, stop: str, until: ast.LayerName) -> None:
        known = [v for v in scope.values if v not in scope.graph.inputs and f"#{v}" not in scope.graph.inputs]
        listed = ", ".join(f"`{v}`" for v in known)
        if not scope.uncertain:
            self.session.error(
                codes.UNKNOWN_VALUE,
                f"{definition.word} `{definition.name}` makes no value `{stop}`",
                until.span,
                help=did_you_mean(stop, known) or (f"it makes {listed}" if known else None),
                fix=replace_fix(until.span, stop, known) if until.span.text == stop else None,
            )

    def _with_body(self, with_body: ast.WithBody, env: Env) -> None:
        """`concat { arms }`, `scale { steps }`: the op says what the body means."""
        call = with_body.call
        recipe = self.name(call.callee, env)
        cls = recipe.target if isinstance(recipe, Recipe) and isinstance(recipe.target, type) else None
        if recipe is POISON:
            self.flow = (UNKNOWN,)
            return
        if cls is None or cls.body is None:
            with_bodies = [f"`{n}`" for n, c in OPS.items() if c.body is not None]
            self.session.error(
                codes.NOT_A_STEP,
                f"`{call.callee.id}` takes no body",
                with_body.body.span,
                help=f"a body goes with {', '.join(with_bodies)}; steps follow each other with `;`",
            )
            self.flow = (UNKNOWN,)
            return
        assert isinstance(recipe, Recipe)
        bound = bind(self, recipe, call, env)
        start = self.flow
        if cls.body == "arms":
            arms = [flow for flow in self._arms(with_body.body, env, start)]
            if not arms:
                self.session.error(
                    codes.NOT_A_STEP,
                    f"`{call.callee.id}` has no arms",
                    with_body.body.span,
                    help="each statement in the braces is an arm; `identity` is what arrives",
                )
                arms = [UNKNOWN]
        else:
            self.run(with_body.body, Env(env.module, env))
            arms = [*start, *self.flow]
        if bound is None or missing(self.session, recipe, bound, call.span):
            self.flow = (UNKNOWN,)
            return
        self.flow = self.apply_op(cls, bound, arms, call.span, joining=True)

    def _arms(self, body: ast.Body, env: Env, start: tuple[Flow, ...]) -> list[Flow]:
        """Each statement is one arm from the same value; `for`, `if` and `let` are looked through."""
        inner = Env(env.module, env)
        arms: list[Flow] = []
        for statement in body.statements:
            match statement:
                case ast.Let():
                    self.statement(statement, inner)
                case ast.For():
                    rounds = self._iterate(statement, inner)
                    if rounds is None:
                        self.give_up()
                        arms.append(UNKNOWN)
                    for each in rounds or ():
                        arms.extend(self._arms(statement.body, each, start))
                case ast.If():
                    arms.extend(self._arms_if(statement, inner, start))
                case ast.Step():
                    self.flow = start
                    self.statement(statement, inner)
                    if len(self.flow) == 1:
                        arms.append(self.flow[0])
                    else:
                        self.session.error(
                            codes.NOT_A_STEP, f"an arm ends in one value, this in {len(self.flow)}", statement.span
                        )
                        arms.append(UNKNOWN)
                case _:
                    self.session.error(
                        codes.NOT_A_STEP,
                        "this is not an arm",
                        statement.span,
                        help="each statement in these braces is an arm; put several steps of one in braces of their own",
                    )
                    arms.append(UNKNOWN)
        return arms

    def _arms_if(self, statement: ast.If, env: Env, start: tuple[Flow, ...]) -> list[Flow]:
        condition = self.condition(statement.condition, env)
        if condition is POISON:
            self.give_up()
            return [UNKNOWN]
        if condition:
            return self._arms(statement.body, env, start)
        if isinstance(statement.otherwise, ast.If):
            return self._arms_if(statement.otherwise, env, start)
        return self._arms(statement.otherwise, env, start) if statement.otherwise else []

    def definition(self, item: Definition) -> Any:
        """A block or net as a recipe; a family is the recipe its call gives."""
        from resdsl.elaborate.nets import resolve_family

        return resolve_family(self, item)


def _part(path: ast.Path, index: int) -> Span:
    """One word of a path, of which the first two can be asked for."""
    start = path.span.start + (len(path.parts[0]) + 1 if index else 0)
    return Span(path.span.source, start, start + len(path.parts[index]))


def _tensors(cls: type[Op]) -> list[str]:
    """The tensors of an op that take an initialiser."""
    return [name for name, (arg, _) in arguments(cls).items() if arg.kind in ("init", "bias")]


__all__ = ["Abort", "Scope", "Node"]
