"""Arguments of a call to the parameters of an op, block or net."""

from __future__ import annotations

from dataclasses import MISSING
from typing import TYPE_CHECKING

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Edit, Fix, Label
from resdsl.diagnostics.suggest import replace_fix
from resdsl.elaborate import habits, mapping
from resdsl.elaborate.scope import Env, Session
from resdsl.elaborate.values import (
    POISON,
    Closure,
    Definition,
    Projection,
    Recipe,
    Value,
    brief,
    described,
    kind_of,
)
from resdsl.ops.axes import Mapping
from resdsl.ops.base import arguments
from resdsl.source import Span
from resdsl.syntax import ast

if TYPE_CHECKING:
    from resdsl.elaborate.evaluate import Evaluator

Bound = dict[str, tuple[Value, Span]]


def parameters(recipe: Recipe) -> dict[str, bool]:
    """Parameter names of what a recipe runs, and whether each must be given."""
    match recipe.target:
        case Definition(decl=ast.Block() as decl):
            return {p.name.id: p.default is None for p in decl.params}
        case Definition():
            return {}
        case Projection():
            return {"norm": False}
        case cls:
            return {name: f.default is MISSING for name, (_, f) in arguments(cls).items()}


def axes_named(recipe: Recipe, call: ast.Call | None = None) -> dict[str, bool]:
    """The names of axes, whose sizes are arguments too, of an op that takes a mapping."""
    if mapping_of(recipe) is None:
        return {}
    bound = [n for _, value in recipe.bound if isinstance(value, Mapping) for n in value.names]
    given = [a.value for a in (call.args if call and call.args else ()) if isinstance(a.value, ast.Mapping)]
    return dict.fromkeys([*bound, *(name.id for g in given for name in mapping.words(g))], False)


def mapping_of(recipe: Recipe) -> str | None:
    """The argument of an op that takes a mapping."""
    if not isinstance(recipe.target, type):
        return None
    return next((n for n, (a, _) in arguments(recipe.target).items() if a.kind == "mapping"), None)


def bind(evaluator: Evaluator, recipe: Recipe, call: ast.Call, env: Env) -> Bound | None:
    """Arguments bound by the recipe and by the call, by parameter name; None when one is wrong.

    What has no default may be given by position or name; what has a default only by name.
    """
    session = evaluator.session
    names = axes_named(recipe, call) | parameters(recipe)
    bound: Bound = {name: (value, call.callee.span) for name, value in recipe.bound}
    given: dict[str, Span] = {}
    open_positions = [n for n, must in names.items() if must and n not in bound]
    good = True
    extra: list[ast.Arg] = []
    for argument in call.args or ():
        if argument.name is None and not open_positions:
            extra.append(argument)
            continue
        if argument.name is None:
            name = open_positions.pop(0)
        else:
            name = argument.name.id
            if name in open_positions:
                open_positions.remove(name)
        if isinstance(argument.value, ast.Mapping) and name == mapping_of(recipe):
            assert isinstance(recipe.target, type)
            value = mapping.read(session, argument.value, recipe.target)
        else:
            value = evaluator.evaluate(argument.value, env)
        if name not in names:
            assert argument.name is not None
            hint = (
                habits.named(recipe, call, argument, names)
                or replace_fix(argument.name.span, name, names)
                or _takes(names)
            )
            session.error(
                codes.UNKNOWN_ARGUMENT,
                f"{kind_of(recipe)} has no argument `{name}`",
                argument.name.span,
                help=hint if isinstance(hint, str) else None,
                fix=hint if isinstance(hint, Fix) else None,
            )
            good = False
        elif name in given or name in bound:
            first = given.get(name)
            session.error(
                codes.BAD_ARGUMENT,
                f"`{name}` is given twice",
                argument.span,
                "given again here"
                if first
                else f"already bound: `{brief(Recipe(recipe.target, recipe.bound))}`",
                secondary=[Label(first, "first given here")] if first else (),
            )
            good = False
        else:
            given[name] = argument.value.span
            bound[name] = (value, argument.value.span)
            good = good and value is not POISON and _is_norm(session, recipe, value, argument.value.span)
    if extra:
        _too_many(session, recipe, names, bound, extra, call, env)
    return bound if good and not extra else None


def _is_norm(session: Session, recipe: Recipe, value: Value, place: Span) -> bool:
    """Whether it may be the argument of a `projection`, which runs it as a step without giving it more."""
    if not isinstance(recipe.target, Projection) or value is None or isinstance(value, Closure):
        return True
    if isinstance(value, Recipe):
        return not missing(session, value, {k: (v, place) for k, v in value.bound}, place)
    session.error(
        codes.BAD_ARGUMENT,
        f"`norm` of `projection` must be a step or none, this is {described(value)}",
        place,
        help="it is `batchnorm` where nothing is written; without a norm write `none`",
    )
    return False


def _takes(names: dict[str, bool]) -> str:
    return f"it takes {', '.join(f'`{n}`' for n in names)}" if names else "it takes no arguments"


def _count(arguments: int) -> str:
    return f"{arguments} argument{'s' if arguments != 1 else ''}"


def _too_many(
    session: Session,
    recipe: Recipe,
    names: dict[str, bool],
    bound: Bound,
    extra: list[ast.Arg],
    call: ast.Call,
    env: Env,
) -> None:
    """Report arguments by position beyond those without a default, and how they are named."""
    hint = habits.by_position(recipe, call, env)
    if hint is not None:
        session.error(
            codes.UNKNOWN_ARGUMENT,
            f"{kind_of(recipe)} takes {_count(sum(names.values()))} by position",
            extra[0].span.to(extra[-1].span),
            help=hint if isinstance(hint, str) else None,
            fix=hint if isinstance(hint, Fix) else None,
        )
        return
    free = [n for n, must in names.items() if not must and n not in bound]
    meant = [argument for argument in extra if argument.span.text in free]
    others = [n for n in free if n not in {argument.span.text for argument in meant}]
    named: list[tuple[ast.Arg, str]] = []
    for argument in extra:
        if argument in meant and argument.span.text not in {n for _, n in named}:
            named.append((argument, argument.span.text))
        elif others:
            named.append((argument, others.pop(0)))
        else:
            session.error(
                codes.UNKNOWN_ARGUMENT,
                f"{kind_of(recipe)} takes no further argument",
                argument.span,
                help=f"a value is passed by `from`: `from {argument.span.text} -> {call.callee.id}`"
                if isinstance(argument.value, ast.Name) and not free
                else _takes(names),
            )
    if not named:
        return
    listed = " and ".join(f"`{n}`" for _, n in named)
    edits = [Edit(Span(a.span.source, a.span.start, a.span.start), f"{n} = ") for a, n in named]
    session.error(
        codes.POSITIONAL,
        f"{listed} has a default, so it must be given by name"
        if len(named) == 1
        else f"{listed} have defaults, so they must be given by name",
        named[0][0].span.to(named[-1][0].span),
        f"{kind_of(recipe)} takes {_count(sum(names.values()))} by position",
        fix=Fix(
            f"write `{', '.join(f'{n} = {a.span.text}' for a, n in named)}`",
            tuple(edits),
            safe=all(n == a.span.text for a, n in named),
        ),
    )


def missing(session: Session, recipe: Recipe, bound: Bound, span: Span) -> bool:
    """Report required parameters that nothing bound."""
    names = [n for n, must in parameters(recipe).items() if must and n not in bound]
    if names and not _is_guess(session, span):
        listed = " and ".join(f"`{n}`" for n in names)
        given = {k: place.text for k, (_, place) in bound.items() if place.start > span.start}
        usual = [habits.usual(recipe, n, given) for n in names]
        more = ", ".join(f"{n} = {value or '...'}" for n, value in zip(names, usual, strict=True))
        written = span.text
        if written.endswith(")") and not written.endswith("()"):
            full = f"{written[:-1]}, {more})"
        else:
            full = f"{recipe.name}({more})"
        label = "missing here"
        if isinstance(recipe.target, type):
            label = ", ".join(f"`{n}`: {arguments(recipe.target)[n][0].doc}" for n in names)
        help = f"write `{full}`" if len(full) <= 60 else f"write `{recipe.name}(..., {more})`"
        known = None not in usual and written.startswith(recipe.name)
        whole = f"global_{recipe.name}" if written in ("avgpool", "maxpool") else None
        session.error(
            codes.MISSING_ARGUMENT,
            f"{kind_of(recipe)} needs {listed}",
            span,
            label if len(label) <= 80 else "missing here",
            help=help,
            fix=Fix(f"`{whole}` pools the whole image", (Edit(span, whole),))
            if whole
            else Fix(help, (Edit(span, full),))
            if known
            else None,
        )
    return bool(names)


def _is_guess(session: Session, span: Span) -> bool:
    """Whether what is called here is only what an unknown word was meant to be."""
    return any(
        d.code is codes.UNKNOWN_NAME
        and d.primary.span.source is span.source
        and d.primary.span.start == span.start
        for d in session.sink.items
    )
