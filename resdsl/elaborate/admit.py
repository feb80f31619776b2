"""`where`: which input sizes a condition admits."""

from __future__ import annotations

from itertools import islice
from math import gcd
from typing import TYPE_CHECKING, Any

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Label
from resdsl.domain import Sets, both, compare, either, opposite
from resdsl.elaborate.evaluate import words_of
from resdsl.elaborate.scope import Env
from resdsl.elaborate.values import POISON
from resdsl.sets import SizeSet
from resdsl.sizes import VARYING, NotClosed, Size
from resdsl.syntax import ast

if TYPE_CHECKING:
    from resdsl.elaborate.evaluate import Evaluator

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


def restrict(evaluator: Evaluator, statement: ast.Input, env: Env) -> None:
    """Take the `where` of a net's input into the domain; report conditions that contradict each other."""
    session, taken = evaluator.session, list[tuple[ast.Expr, Sets | None]]()
    for clause in statement.where:
        sets = admitted(evaluator, clause, env)
        if sets is POISON:
            continue
        if sets is None:
            of_sizes = any(env.size(word) is not None for word in words_of(clause))
            session.error(
                codes.BAD_INPUT,
                f"`{clause.span.text}` holds for no size",
                clause.span,
                "false at every size" if of_sizes else "false, and about no size of the input",
                help=None
                if of_sizes
                else f"what parameters must meet is written `expect {clause.span.text}`",
            )
            continue
        against = next((c for c, other in taken if both(sets, other) is None), None)
        if session.domain.never(sets):
            clashing = against or taken[-1][0]
            clash = next(iter(sets))
            other = next((o for c, o in taken if c is against), None) or {}
            reason = clash_of(sets[clash], other[clash]) if clash in other else ""
            session.error(
                codes.BAD_INPUT,
                f"no `{clash}` meets these conditions",
                clause.span,
                "contradicts the other",
                secondary=[Label(clashing.span, "this one")],
                notes=[reason] if reason else (),
                help="a size must meet all of them",
            )
            continue
        session.domain.restrict(sets)
        taken.append((clause, sets))


def clash_of(a: SizeSet, b: SizeSet) -> str:
    """Why two sets have nothing in common: the remainders they leave by the same number."""
    by = gcd(a.period, b.period)
    for modulus in sorted(d for d in range(2, by + 1) if by % d == 0):
        first, other = ({v % modulus for v in islice(s, 2 * s.period)} for s in (a, b))
        if not first & other:
            return (
                f"the sizes of one leave {_listed(first)} by {modulus}, those of the other {_listed(other)}"
            )
    if a.most is not None and (b.least or 0) > a.most:
        return f"one ends at {a.most}, the other begins at {b.least}"
    if b.most is not None and (a.least or 0) > b.most:
        return f"one ends at {b.most}, the other begins at {a.least}"
    return ""


def _listed(rests: set[int]) -> str:
    words = [str(r) for r in sorted(rests)]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def admitted(evaluator: Evaluator, expr: ast.Expr, env: Env) -> Any:
    """The input sizes at which a condition holds: by variable, None if nowhere; POISON after a mistake."""
    try:
        return _admitted(evaluator, expr, env)
    except NotClosed as reason:
        evaluator.session.error(
            codes.BAD_INPUT,
            f"`{expr.span.text}` cannot be followed exactly: {reason}",
            expr.span,
            help="separate conditions on different sizes by commas: `where H % 32 == 0, W % 32 == 0`",
        )
        return POISON


def _admitted(evaluator: Evaluator, expr: ast.Expr, env: Env) -> Any:
    match expr:
        case ast.Binary(operator="and" | "or" as word, left=left, right=right):
            first = _admitted(evaluator, left, env)
            if first is POISON or (word == "and" and first is None) or (word == "or" and first == {}):
                return first
            second = _admitted(evaluator, right, env)
            if second is POISON:
                return POISON
            return both(first, second) if word == "and" else either(first, second)
        case ast.Unary(operator="not", operand=operand):
            inner = _admitted(evaluator, operand, env)
            return inner if inner is POISON else opposite(inner)
        case ast.Binary(operator=operator, left=left, right=right) if operator in COMPARISONS:
            a, b = (
                evaluator.whole(evaluator.evaluate(left, env)),
                evaluator.whole(evaluator.evaluate(right, env)),
            )
            if a is POISON or b is POISON:
                return POISON
            if isinstance(a, VARYING) or isinstance(b, VARYING):
                return _compared(evaluator, expr, operator, a, b)
    value = evaluator.condition(expr, env)
    return value if value is POISON else {} if value else None


def _compared(evaluator: Evaluator, expr: ast.Expr, operator: str, a: Any, b: Any) -> Any:
    if isinstance(a, Size) and isinstance(b, Size) and a.var != b.var:
        evaluator.session.error(
            codes.BAD_INPUT,
            f"`{a.var}` and `{b.var}` vary on their own, so a condition speaks of one of them",
            expr.span,
            help=f"where they are equal, write one size for both: `[3, {a.var}, {a.var}]`",
        )
        return POISON
    if not all(isinstance(v, Size) or type(v) is int for v in (a, b)):
        evaluator.session.error(
            codes.BAD_INPUT,
            f"`{expr.span.text}` is not a condition on an input size",
            expr.span,
            help="write a remainder like `H % 32 == 0` or a least size like `H >= 33`",
        )
        return POISON
    return compare(operator, a, b)
