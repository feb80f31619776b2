"""Initialisers as values: `normal(std = 0.02)`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING
from typing import TYPE_CHECKING, Any

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Edit, Fix
from resdsl.diagnostics.suggest import did_you_mean, listed, replace_fix
from resdsl.elaborate.scope import Env
from resdsl.elaborate.values import POISON, Value
from resdsl.ops.base import Reject
from resdsl.ops.init import INITS, make
from resdsl.source import Span
from resdsl.syntax import ast

if TYPE_CHECKING:
    from resdsl.elaborate.evaluate import Evaluator


def initialiser(evaluator: Evaluator, name: str, args: Sequence[ast.Arg], env: Env, span: Span) -> Value:
    """An initialiser: what has no default may be given by position or name, the rest by name."""
    by_position = [d for d, (_, default) in INITS[name].items() if default is MISSING]
    given: dict[str, Value] = {}
    for a in args:
        value = evaluator.evaluate(a.value, env)
        if value is POISON:
            return POISON
        if a.name is None and not by_position:
            return _must_be_named(evaluator, name, a, [d for d in INITS[name] if d not in given])
        word = by_position[0] if a.name is None else a.name.id
        if a.name is not None and word not in INITS[name]:
            return _no_argument(evaluator, name, a.name)
        if word in given:
            evaluator.session.error(
                codes.BAD_ARGUMENT, f"`{word}` is given twice", a.span, "given again here"
            )
            return POISON
        given[word] = value
        by_position = [d for d in by_position if d != word]
    try:
        return make(name, given)
    except Reject as reject:
        help, fix = reject.help, None
        if help is not None and reject.blame == "nonlinearity" and reject.blame not in given:
            end = Span(span.source, span.end - 1, span.end - 1)
            fix, help = Fix(help, (Edit(end, ', nonlinearity = "leaky_relu"'),)), None
        evaluator.session.error(codes.BAD_ARGUMENT, reject.message, span, help=help, fix=fix)
        return POISON


def _must_be_named(evaluator: Evaluator, function: str, argument: ast.Arg, free: Sequence[str]) -> Any:
    """Report an argument by position that an initialiser takes by name, or not at all."""
    if not free:
        evaluator.session.error(
            codes.UNKNOWN_ARGUMENT,
            f"`{function}` takes no further argument",
            argument.span,
            help=_takes(function),
        )
        return POISON
    text = f"{free[0]} = {argument.span.text}"
    evaluator.session.error(
        codes.POSITIONAL,
        f"`{free[0]}` of `{function}` has a default, so it must be given by name",
        argument.span,
        help=_takes(function) if len(free) > 1 else None,
        fix=Fix(f"write `{text}`", (Edit(argument.span, text),)),
    )
    return POISON


def _no_argument(evaluator: Evaluator, function: str, name: ast.Name) -> Any:
    declared = list(INITS[function])
    evaluator.session.error(
        codes.UNKNOWN_ARGUMENT,
        f"`{function}` has no argument `{name.id}`",
        name.span,
        help=did_you_mean(name.id, declared) or _takes(function),
        fix=replace_fix(name.span, name.id, declared),
    )
    return POISON


def _takes(init: str) -> str:
    """The arguments of an initialiser."""
    return f"it takes {listed(INITS[init])}" if INITS[init] else "it takes no arguments"
