"""The names of `for` and `let`: what they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Label
from resdsl.elaborate.scope import Env
from resdsl.elaborate.values import POISON, described
from resdsl.syntax import ast

if TYPE_CHECKING:
    from resdsl.elaborate.evaluate import Evaluator


def rounds(evaluator: Evaluator, loop: ast.For | ast.Comprehension, env: Env) -> list[Env] | None:
    """The names for each item of the list; None after a mistake."""
    items = evaluator.evaluate(loop.iterable, env)
    if items is POISON:
        return None
    if not isinstance(items, tuple):
        evaluator.session.error(
            codes.BAD_VALUE,
            f"`for` needs a list, this is {described(items)}",
            loop.iterable.span,
            help=f"write `range({loop.iterable.span.text})`" if isinstance(items, int) else None,
        )
        return None
    target, made = _group(loop.targets), []
    for item in items:
        names: dict[str, Any] = {}
        wrong = _name(target, item, names)
        if wrong is not None:
            group, count = wrong
            evaluator.session.error(
                codes.BAD_VALUE,
                f"an item of the list has {count} value{'s' if count != 1 else ''},"
                f" but `for` names {len(group.items)}",
                loop.iterable.span,
                secondary=[Label(group.span, "named here")],
                help=f"`enumerate({loop.iterable.span.text})` gives pairs of an index and an item"
                if group is target and len(group.items) == 2 and not isinstance(item, tuple)
                else None,
            )
            return None
        made.append(Env(env.module, env))
        made[-1].names.update(names)
    return made


def named(evaluator: Evaluator, let: ast.Let, env: Env) -> dict[str, Any]:
    """The names of a `let`; POISON after a mistake."""
    value = evaluator.evaluate(let.value, env)
    names: dict[str, Any] = {}
    wrong = None if value is POISON else _name(_group(let.targets), value, names)
    if wrong is not None:
        group, count = wrong
        evaluator.session.error(
            codes.BAD_VALUE,
            f"`let` names {len(group.items)} values here, but there {'is' if count == 1 else 'are'} {count}",
            group.span,
            secondary=[Label(let.value.span, f"this is {described(value)}")],
        )
    return {name.id: names.get(name.id, POISON) for name in names_of(let.targets)}


def names_of(targets: tuple[ast.Target, ...]) -> Iterator[ast.Name]:
    """The names in them."""
    for target in targets:
        if isinstance(target, ast.Targets):
            yield from names_of(target.items)
        else:
            yield target


def _group(targets: tuple[ast.Target, ...]) -> ast.Target:
    """One target: several names are names for the items of a list."""
    return targets[0] if len(targets) == 1 else ast.Targets(targets, targets[0].span.to(targets[-1].span))


def _name(target: ast.Target, item: Any, names: dict[str, Any]) -> tuple[ast.Targets, int] | None:
    """Name an item, or what it consists of. Names that do not match it, and how many values it has."""
    if isinstance(target, ast.Name):
        names[target.id] = item
        return None
    if not isinstance(item, tuple) or len(item) != len(target.items):
        return target, len(item) if isinstance(item, tuple) else 1
    found = (_name(t, v, names) for t, v in zip(target.items, item, strict=True))
    return next((wrong for wrong in found if wrong is not None), None)
