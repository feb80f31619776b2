"""Reads `[c, h, w] -> [h * w, c]`: lists of axes, which are products of names."""

from __future__ import annotations

from collections.abc import Iterator

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Edit, Fix, Label
from resdsl.diagnostics.suggest import did_you_mean, replace_fix
from resdsl.elaborate.scope import Session
from resdsl.elaborate.values import POISON, Value
from resdsl.ops.axes import Mapping
from resdsl.ops.base import Op
from resdsl.source import Span
from resdsl.syntax import ast


def words(expr: ast.Expr) -> Iterator[ast.Name]:
    """The names in a mapping, or in a part of one."""
    match expr:
        case ast.Mapping(sources=sources, target=target):
            for side in (*sources, target):
                yield from words(side)
        case ast.ListExpr(items=items):
            for item in items:
                yield from words(item)
        case ast.Binary(left=left, right=right):
            yield from words(left)
            yield from words(right)
        case ast.Name():
            yield expr
        case _:
            pass


def read(session: Session, mapping: ast.Mapping, op: type[Op]) -> Value:
    """The mapping of an op, or POISON after a mistake."""
    if len(mapping.sources) > 1 and not op.joins:
        more = mapping.sources[1].span
        return _bad(session, f"`{op.name}` takes one value, so one list stands before the arrow", more)
    sides = []
    for side in (*mapping.sources, mapping.target):
        if not isinstance(side, ast.ListExpr):
            return _bad(session, "`->` maps a list of axes to a list of axes", side.span, _LISTS)
        for item in side.items:
            wrong = _no_axis(item)
            if wrong is not None:
                help = "give it a name, and its size as an argument: `rearrange([g * c] -> [c, g], g = 2)`"
                number = isinstance(wrong, ast.Literal)
                message = "an axis is a name, a product of names, or 1"
                return _bad(session, message, wrong.span, help if number else None)
        names = list(words(side))
        for i, name in enumerate(names):
            first = next((n for n in names[:i] if n.id == name.id), None)
            if first is not None:
                again = [Label(first.span, "first here")]
                where = "in one list" if op.joins else "on one side"
                return _bad(session, f"the axis `{name.id}` stands twice {where}", name.span, None, again)
        sides.append(names)
    left, right = [name for side in sides[:-1] for name in side], sides[-1]
    for here, there, which in ((right, left, "left"), (left, right, "right")):
        if (op.grows and which == "left") or (op.joins and which == "right"):
            continue
        known = [n.id for n in there if n.id not in [m.id for m in here]]
        for name in here:
            if name.id not in [n.id for n in there]:
                _unknown_axis(session, name, which, [n.id for n in there], known)
                return POISON
    source, *others = map(_axes, mapping.sources)
    return Mapping(source, _axes(mapping.target), tuple(others))


def _unknown_axis(session: Session, name: ast.Name, side: str, there: list[str], known: list[str]) -> None:
    """Report an axis of one list that the other does not have."""
    hint, fix = did_you_mean(name.id, known), replace_fix(name.span, name.id, known)
    if len(name.id) > 1 and {*name.id} <= {*there}:
        product = " * ".join(name.id)
        hint, fix = None, Fix(f"write the product `{product}`", (Edit(name.span, product),))
    elif hint is None and side == "right":
        hint = "to leave out an axis of size 1, write 1 for it"
    lost = " is lost: it" if side == "right" else ""
    message = f"the axis `{name.id}`{lost} does not stand on the {side}"
    session.error(codes.BAD_ARGUMENT, message, name.span, help=hint, fix=fix)


_LISTS = "write both sides in brackets, as in `[c, h, w] -> [h * w, c]`"


def _axes(side: ast.Expr) -> tuple[tuple[str, ...], ...]:
    assert isinstance(side, ast.ListExpr)
    return tuple(tuple(name.id for name in words(item)) for item in side.items)


def _no_axis(item: ast.Expr) -> ast.Expr | None:
    """The part of an axis that is no name."""
    match item:
        case ast.Name():
            return None
        case ast.Literal(value=1):
            return None
        case ast.Binary(operator="*", left=left, right=right):
            parts = (left, right)
            wrong = next((w for p in parts if (w := _no_axis(p)) is not None), None)
            return wrong or next((p for p in parts if isinstance(p, ast.Literal)), None)
        case _:
            return item


def _bad(
    session: Session, message: str, span: Span, help: str | None = None, more: list[Label] | None = None
) -> Value:
    session.error(codes.BAD_ARGUMENT, message, span, help=help, secondary=more or ())
    return POISON
