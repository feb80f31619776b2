"""Names and arguments of everything a file declares, also of what no net uses.

Elaboration only sees what runs. This pass walks the text, so that a misspelt word in a branch not taken,
or in a block nobody calls, is found too. What both find is reported once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Diagnostic, Edit, Fix, Label
from resdsl.elaborate.bind import bind, missing
from resdsl.elaborate.circles import report_circles
from resdsl.elaborate.evaluate import COUNTS, Evaluator
from resdsl.elaborate.files import Module
from resdsl.elaborate.functions import FUNCTIONS
from resdsl.elaborate.lines import arms_on_a_line, behind_shortcut
from resdsl.elaborate.loops import names_of
from resdsl.elaborate.scope import Env, Session
from resdsl.elaborate.unknown import Place, unknown_name
from resdsl.elaborate.values import Definition, Recipe
from resdsl.ops import OPS
from resdsl.ops.init import INITS
from resdsl.source import Span
from resdsl.syntax import ast

OF_ARGUMENTS = (codes.UNKNOWN_ARGUMENT, codes.POSITIONAL)
MAY_HIDE_A_USE = (
    codes.SYNTAX,
    codes.UNKNOWN_NAME,
    codes.MISSING_ARGUMENT,
    codes.BAD_ARGUMENT,
    codes.BAD_VALUE,
    codes.BAD_REPEAT,
)


def resolve(session: Session, module: Module) -> None:
    """Check every declaration of a file. Mistakes go to the session's sink."""
    walker = _Walker(session, module)
    for item in module.file.items:
        match item:
            case ast.Block():
                walker.block(item)
            case ast.Family():
                if item.call.callee.id not in (*module.names, *OPS, *FUNCTIONS, *INITS):
                    others = [n for n in module.nets if n != item.name.id]
                    unknown_name(session, item.call.callee, Env(module), among=others)
                walker.expression(item.call, Env(module))
                for expect in item.expects:
                    walker.statement(expect, walker.family_env(item))
            case ast.Let():
                walker.expression(item.value, Env(module))
            case _:
                pass
    for name, place in module.imported.items():
        if name not in walker.used_globals:
            session.sink.add(
                Diagnostic(
                    codes.UNUSED_IMPORT,
                    f"`{name}` is used from another file and never needed",
                    Label(place.span),
                    fix=_without(module, place),
                )
            )
    session.endless.update(report_circles(session, module))


def report_unused(session: Session) -> None:
    """Names that nothing uses, of bodies without a mistake in whose place one may be meant: `linear()`."""
    places = [d.primary.span for d in session.sink.items if d.code in MAY_HIDE_A_USE and d.fix is None]
    # A `let` that was read as a value of the net is named by that mistake.
    read = [x.span for d in session.sink.items if d.code is codes.UNKNOWN_VALUE for x in d.secondary]
    for body, unused in session.unused:
        hidden = any(p.source is body.source and body.start <= p.start < body.end for p in places)
        if not hidden and unused.primary.span not in read:
            session.sink.add(unused)


def _without(module: Module, name: ast.Name) -> Fix:
    """Leave a name out of its `use`, or the whole of it when there is no other."""
    use = next(i for i in module.file.items if isinstance(i, ast.Use) and name in i.names)
    text, start, end = module.source.text, name.span.start, name.span.end
    if len(use.names) == 1:
        start, end = use.span.start, use.span.end
        end += text[end : end + 1] == "\n"
    elif name is use.names[-1]:
        start = use.names[-2].span.end
    else:
        end = use.names[use.names.index(name) + 1].span.start
    return Fix("leave it out", (Edit(Span(module.source, start, end), ""),), safe=True)


class _Blank(Evaluator):
    """Binds arguments without computing them."""

    def evaluate(self, expr: ast.Expr, env: Env) -> Any:
        return None


class _Walker:
    def __init__(self, session: Session, module: Module) -> None:
        self.session, self.module = session, module
        self.blank = _Blank(session)
        self.used: set[int] = set()
        self.used_globals: set[str] = set()
        self.declared: list[tuple[tuple[ast.Name, ...], str]] = []
        self.values: set[str] = set()  # of the net, which no expression can hold

    # ---------------------------------------------------------------- declarations

    def block(self, block: ast.Block) -> None:
        """One block or net: its parameters, then its body."""
        env = Env(self.module)
        self.declared, self.values = [], set()
        for param in block.params:
            if param.default is not None:
                self.expression(param.default, env)
            self.declare((param.name,), env, "parameter")
        if block.is_net:
            env.names.update({c: None for c in COUNTS if c not in env.names})
        self.body(block.body, env)
        for names, what in self.declared:
            if any(id(name) in self.used or self.reported(name.span) for name in names):
                continue
            listed = ", ".join(name.id for name in names)
            parameter = what == "parameter"
            unused = Diagnostic(
                codes.UNUSED_PARAMETER if parameter else codes.UNUSED_LET,
                f"parameter `{listed}` has no effect" if parameter else f"`let {listed}` has no effect",
                Label(names[0].span.to(names[-1].span), "never used"),
                help=("use it or leave it out",),
            )
            self.session.unused.append((block.body.span, unused))

    def reported(self, span: Span) -> bool:
        """Whether a mistake was found in a word, or in the argument that it stands in."""
        return any(
            (p.start, p.end) == (span.start, span.end)
            or (d.code in OF_ARGUMENTS and p.start <= span.start and span.end <= p.end)
            for d in self.session.sink.items
            if (p := d.primary.span).source is span.source
        )

    def family_env(self, family: ast.Family) -> Env:
        """Names an `expect` of a family may use: the parameters and sizes of the net it calls."""
        env = Env(self.module)
        env.names.update(dict.fromkeys(COUNTS))
        seen: set[str] = set()
        base: Any = self.module.names.get(family.call.callee.id)
        while isinstance(base, Definition) and isinstance(base.decl, ast.Family) and base.name not in seen:
            seen.add(base.name)
            base = base.module.names.get(base.decl.call.callee.id)
        if isinstance(base, Definition) and isinstance(base.decl, ast.Block):
            env.names.update(dict.fromkeys(p.name.id for p in base.decl.params))
            self.sizes(base.decl.body, env)
        return env

    def declare(self, names: tuple[ast.Name, ...], env: Env, what: str = "") -> None:
        """New compile-time names. One of them must be used, if it is said `what` they are."""
        for name in names:
            self.name(name, env)
        if what:
            self.declared.append((names, what))

    def name(self, name: ast.Name, env: Env) -> None:
        """A new compile-time name. Words that run may not be hidden."""
        first = env.names.get(name.id) if name.id != "_" else None
        if first is not None:
            self.session.error(
                codes.DUPLICATE_NAME,
                f"`{name.id}` is defined twice",
                name.span,
                "defined again here",
                secondary=[Label(first.span, "first defined here")],
            )
            self.used.add(id(first))
        hidden = "an op" if name.id in OPS else "part of the language"
        if name.id in OPS or name.id in INITS or name.id in FUNCTIONS or name.id == "projection":
            self.session.error(
                codes.RESERVED_NAME,
                f"`{name.id}` is {hidden} and cannot be redefined",
                name.span,
                "choose another name",
            )
        hides = self.module.names.get(name.id)
        if isinstance(hides, Definition) and first is None:
            self.session.error(
                codes.DUPLICATE_NAME,
                f"`{name.id}` is a {hides.word} of this file already",
                name.span,
                "would hide it",
                secondary=[Label(hides.decl.name.span, "defined here")],
                help="choose another name",
            )
        env.names[name.id] = name

    # ---------------------------------------------------------------- statements

    def body(self, body: ast.Body, env: Env) -> None:
        """Statements in order; names declared inside end with the body."""
        self.sizes(body, env)
        for statement in body.statements:
            self.statement(statement, env)

    def sizes(self, body: ast.Body, env: Env) -> None:
        """Free sizes that an `input` in the body declares."""
        for statement in body.statements:
            if isinstance(statement, ast.Input):
                for port in statement.ports:
                    for item in port.shape.items if port.shape else ():
                        if isinstance(item, ast.Name) and item.id[0].isupper() and not env.lookup(item.id)[0]:
                            env.names[item.id] = None

    def statement(self, statement: ast.Statement, env: Env) -> None:
        """One statement."""
        match statement:
            case ast.Step(name=name, shape=shape, chain=chain, values=values):
                self.texts([name, *values], env)
                self.shape(shape, env)
                for link in chain:
                    self.link(link, env)
                self.session.sink.extend(behind_shortcut(chain))
                self.values.update(v.id for v in (name, *values) if isinstance(v, ast.Name))
            case ast.Stage(name=name, shape=shape, body=body):
                self.texts([name], env)
                self.shape(shape, env)
                self.body(body, Env(self.module, env))
            case ast.Layer(name=name, chain=chain):
                self.texts([name], env)
                for link in chain:
                    self.link(link, env)
            case ast.Let(targets=targets, value=value):
                self.expression(value, env)
                self.declare(tuple(names_of(targets)), env, "`let`")
            case ast.For(targets=targets, iterable=iterable, body=body):
                self.expression(iterable, env)
                self.body(body, self.loop(targets, env))
            case ast.If(condition=condition, body=body, otherwise=otherwise):
                self.expression(condition, env)
                self.body(body, Env(self.module, env))
                if isinstance(otherwise, ast.If):
                    self.statement(otherwise, env)
                elif otherwise is not None:
                    self.body(otherwise, Env(self.module, env))
            case ast.State(shape=shape, value=value):
                self.shape(shape, env)
                if value is not None:
                    self.expression(value, env)
            case ast.Input(ports=ports, where=where, at=at):
                for port in ports:
                    self.input_shape(port, env)
                    self.values.add(port.name.id)
                for expr in (*where, *at):
                    self.expression(expr, env)
            case ast.Output(names=names):
                self.texts(names, env)
            case ast.Expect(condition=condition, target=target, shape=shape, at=at):
                self.texts([target], env)
                self.shape(shape, env)
                for part in (condition, *at):
                    if part is not None:
                        self.expression(part, env)
            case ast.Init(value=value):
                self.expression(value, env)

    def texts(self, names: Iterable[ast.LayerName | None], env: Env) -> None:
        """Expressions inside quoted names."""
        for name in names:
            if isinstance(name, ast.Text):
                self.expression(name, env)

    def shape(self, shape: ast.ListExpr | None, env: Env) -> None:
        """A written shape: `_` is anything, a leading `batch` the batch."""
        for item in shape.items if shape else ():
            if not (isinstance(item, ast.Name) and item.id in ("_", "batch")):
                self.expression(item, env)

    def input_shape(self, port: ast.PortDecl, env: Env) -> None:
        """The shape of an input, where a small letter is easily meant as a size that varies."""
        for item in port.shape.items if port.shape else ():
            word = item.id if isinstance(item, ast.Name) else ""
            if word.islower() and not env.lookup(word)[0] and word not in self.module.names:
                self.session.error(
                    codes.UNKNOWN_NAME,
                    f"unknown name `{word}`",
                    item.span,
                    "not a parameter or `let` in sight",
                    fix=Fix(
                        f"a size that varies with the input begins with a capital letter: `{word.capitalize()}`",
                        (Edit(item.span, word.capitalize()),),
                    ),
                )
                env.names[word] = None
            else:
                self.shape(ast.ListExpr((item,), item.span), env)

    def link(self, link: ast.Link, env: Env) -> None:
        """One link of a chain."""
        match link:
            case ast.From(names=names):
                self.texts(names, env)
            case ast.Apply(name=name):
                self.texts([name], env)
            case ast.Application(thing=thing, until=until, repeat=repeat):
                self.texts([until], env)
                if repeat is not None:
                    self.expression(repeat, env)
                self.thing(thing, env)

    def thing(self, thing: ast.Call | ast.WithBody | ast.Body | ast.Residual, env: Env) -> None:
        """What is applied."""
        match thing:
            case ast.Call():
                self.call(thing, env, runs=True)
            case ast.WithBody(call=call, body=body):
                self.word(call.callee, env, "step" if call.args else "body")
                self.call(call, env, runs=True)
                self.session.sink.extend(arms_on_a_line(call, body))
                self.body(body, Env(self.module, env))
            case ast.Body():
                self.body(thing, Env(self.module, env))
            case ast.Residual(body=body, shortcut=shortcut):
                self.body(body, Env(self.module, env))
                self.texts([shortcut.name], env)
                for arm in (shortcut.first, shortcut.second):
                    if isinstance(arm, ast.Name):
                        self.word(arm, env, "shortcut")
                    elif arm is not None:
                        self.expression(arm, env)
            case _:
                assert_never(thing)

    # ---------------------------------------------------------------- expressions

    def loop(self, targets: tuple[ast.Target, ...], env: Env) -> Env:
        """The names of a `for`, none of which needs to be used."""
        inner = Env(self.module, env)
        self.declare(tuple(names_of(targets)), inner)
        return inner

    def expression(self, expr: ast.Expr | ast.Slice, env: Env) -> None:
        """An expression and its parts."""
        match expr:
            case ast.Name():
                self.word(expr, env)
            case ast.Path(parts=parts, span=span):
                head = ast.Name(parts[0], span)
                if env.lookup(head.id)[0]:
                    self.word(head, env)
            case ast.Text(parts=parts):
                for part in parts:
                    if not isinstance(part, str):
                        self.expression(part, env)
            case ast.ListExpr(items=items):
                for item in items:
                    self.expression(item, env)
            case ast.Comprehension(element=element, targets=targets, iterable=iterable):
                self.expression(iterable, env)
                self.expression(element, self.loop(targets, env))
            case ast.Index(base=base, index=index):
                self.expression(base, env)
                self.expression(index, env)
            case ast.Slice(start=start, stop=stop):
                for end in (start, stop):
                    if end is not None:
                        self.expression(end, env)
            case ast.Unary(operand=operand):
                self.expression(operand, env)
            case ast.Binary(left=left, right=right):
                self.expression(left, env)
                self.expression(right, env)
            case ast.Conditional(condition=condition, then=then, otherwise=otherwise):
                for each in (condition, then, otherwise):
                    self.expression(each, env)
            case ast.Schedule(terms=terms):
                for term in terms:
                    self.expression(term, env)
            case ast.Call():
                self.call(expr, env, runs=False)
            case ast.Body():
                self.body(expr, Env(self.module, env))
            case _:
                pass  # literals, `in`, and mappings, whose words are binders of their own

    def word(self, name: ast.Name, env: Env, place: Place = "value") -> None:
        """A word must mean something; a declared one is now used."""
        found, value = env.lookup(name.id)
        if found:
            if value is not None:
                self.used.add(id(value))
        elif name.id in self.module.names:
            self.used_globals.add(name.id)
        elif not (
            name.id in OPS or name.id in INITS or name.id in FUNCTIONS or name.id in ("projection", "none")
        ) and not self.reported(name.span):
            if name.id in self.values:
                self.value(name, place)
                return
            meant = unknown_name(self.session, name, env, place)
            declared = env.lookup(meant)[1] if meant else None
            if declared is not None:
                self.used.add(id(declared))  # one slip, not two mistakes

    def value(self, name: ast.Name, place: Place) -> None:
        """A value of the net where only what is known at compile time can stand."""
        step = place == "step"
        self.session.error(
            codes.UNKNOWN_NAME,
            f"`{name.id}` is a value of the net, {'which does not run' if step else 'which is no argument'}",
            name.span,
            help=f"`from {name.id}` continues from it; a layer of that name runs again with `apply {name.id}`"
            if step
            else f"a step takes what arrives: `from {name.id} -> ...`; of its shape there are"
            f" `{name.id}.channels` and `{name.id}.size`",
        )

    def call(self, call: ast.Call, env: Env, *, runs: bool) -> None:
        """A call: its word, its arguments, and whether they fit what is known to be called."""
        self.word(call.callee, env, "step" if runs else "call")
        computed = not runs and call.callee.id in FUNCTIONS  # `exp` is an op and a function
        recipe = None if computed else self.known(call.callee, env)
        if recipe is not None:
            bound = bind(self.blank, recipe, call, env)
            if bound is not None and runs:
                missing(self.session, recipe, bound, call.span)
        for argument in call.args or ():
            self.expression(argument.value, env)

    def known(self, name: ast.Name, env: Env) -> Recipe | None:
        """The recipe a word stands for when no parameter or `let` decides it."""
        if env.lookup(name.id)[0]:
            return None
        item = self.module.names.get(name.id)
        if isinstance(item, Definition):
            value = Evaluator(self.session).definition(item)
            return value if isinstance(value, Recipe) else None
        if isinstance(item, type):
            return Recipe(item)
        return Recipe(OPS[name.id]) if name.id not in self.module.names and name.id in OPS else None
