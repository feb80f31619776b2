"""Expressions to values. A mistake is reported once and gives `POISON`, which spreads in silence."""

from __future__ import annotations

from typing import Any, assert_never

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Fix
from resdsl.diagnostics.suggest import did_you_mean, replace_fix
from resdsl.elaborate.functions import FUNCTIONS, MAX_LIST, Refuse, weight
from resdsl.elaborate.initialisers import initialiser
from resdsl.elaborate.loops import named, names_of, rounds
from resdsl.elaborate.operators import Undecided, operate, whole
from resdsl.elaborate.scope import Env, Session
from resdsl.elaborate.unknown import Place, unknown_name
from resdsl.elaborate.values import (
    POISON,
    Closure,
    Definition,
    Function,
    Projection,
    Recipe,
    SizeValue,
    Value,
    brief,
    described,
    kind_of,
)
from resdsl.ops import OPS
from resdsl.ops.init import INITS
from resdsl.sizes import NotClosed, Size
from resdsl.source import Span
from resdsl.syntax import ast

MAX_TEXT = 1000
ATTRIBUTES = ("channels", "size", "rank", "shape")
UNFINISHED = object()
COUNTS = ("params", "macs", "activations")  # what an `expect` of a net may count


class Evaluator:
    """Evaluates the expressions of one body. `repeat` is (index, count) inside `x N`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.repeat: tuple[int, int] | None = None
        self.counted = False  # whether that count stands in the text as a number

    # ---------------------------------------------------------------- hooks of the flow

    def arriving(self, env: Env, span: Span) -> Value:
        """The shape that `in` stands for; outside a body there is none."""
        self.session.error(codes.BAD_VALUE, "`in` only has a meaning inside a body", span)
        return POISON

    def value_shape(self, env: Env, name: str) -> Any:
        """Shape of a named value, or None when there is no such value."""
        return None

    def no_value(self, name: str, span: Span) -> None:
        """Report a value that does not exist."""
        self.session.error(
            codes.UNKNOWN_VALUE,
            f"there is no value `{name}` here",
            span,
            "the values of a net exist in its body only",
        )

    # ---------------------------------------------------------------- expressions

    def evaluate(self, expr: ast.Expr, env: Env) -> Value:
        """Value of an expression."""
        match expr:
            case ast.Literal(value=value):
                return value
            case ast.SizeLit(dims=dims):
                return SizeValue(dims)
            case ast.Text():
                return self.text(expr, env)
            case ast.Name():
                return self.name(expr, env)
            case ast.Path():
                return self._path(expr, env)
            case ast.Arriving():
                return self.arriving(env, expr.span)
            case ast.ListExpr(items=items):
                values = tuple(self.evaluate(i, env) for i in items)
                return POISON if POISON in values else self._light(values, expr.span)
            case ast.Comprehension(element=element):
                rows = rounds(self, expr, env)
                values = (POISON,) if rows is None else tuple(self.evaluate(element, row) for row in rows)
                return POISON if POISON in values else self._light(values, expr.span)
            case ast.Index():
                return self._index(expr, env)
            case ast.Unary():
                return self._unary(expr, env)
            case ast.Binary():
                return self._binary(expr, env)
            case ast.Conditional():
                condition = self.condition(expr.condition, env)
                if condition is POISON:
                    return POISON
                return self.evaluate(expr.then if condition else expr.otherwise, env)
            case ast.Schedule():
                return self._schedule(expr, env)
            case ast.Mapping():
                return self._bad("`->` between lists is only an argument of ops like `rearrange`", expr.span)
            case ast.Call():
                return self._call(expr, env)
            case ast.Body():
                return Closure(expr, env)
            case _:
                assert_never(expr)

    def condition(self, expr: ast.Expr, env: Env) -> Value:
        """True or false, or POISON."""
        value = self.evaluate(expr, env)
        if value is POISON or isinstance(value, bool):
            return value
        help = f"compare it: `{expr.span.text} > 0`" if isinstance(value, int) else None
        if isinstance(value, Recipe) and value.name in ("identity", "projection"):
            help = "what a shortcut is elsewhere stands behind `else`: `identity else projection`"
        message = f"a condition must be true or false, this is {described(value)}"
        return self._bad(message, expr.span, help)

    def integer(self, expr: ast.Expr, env: Env, what: str) -> Any:
        """An integer, or POISON."""
        value = self.evaluate(expr, env)
        if value is POISON or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        return self._bad(f"{what} must be an integer, this is {described(value)}", expr.span)

    def text(self, expr: ast.Text, env: Env) -> Any:
        """A string with the expressions in braces put in."""
        parts: list[str] = []
        for part in expr.parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            value = self.evaluate(part, env)
            if value is POISON:
                return POISON
            if not isinstance(value, (str, int)) or isinstance(value, bool):
                return self._bad(
                    f"a name can hold strings and integers, this is {described(value)}", part.span
                )
            parts.append(str(value))
            if sum(map(len, parts)) > MAX_TEXT:
                return self._bad(f"the text is longer than {MAX_TEXT:,} letters", expr.span)
        return "".join(parts)

    def name(self, expr: ast.Name, env: Env, place: Place = "value") -> Value:
        """What a word means: a name of the body, then of the file, then of the language."""
        found, value = env.lookup(expr.id)
        if found:
            return value
        if expr.id in env.module.names:
            return self.module_name(expr.id, env)
        if expr.id in OPS:
            return Recipe(OPS[expr.id])
        if expr.id in INITS:
            return initialiser(self, expr.id, (), env, expr.span)
        if expr.id == "projection":
            return Recipe(Projection())
        if expr.id in FUNCTIONS:
            return Function(expr.id)
        if expr.id == "none":
            return None
        size = env.size(expr.id)
        if size is not None:
            return size
        meant = unknown_name(self.session, expr, env, place)
        return self.name(ast.Name(meant, expr.span), env) if meant else POISON

    def module_name(self, name: str, env: Env) -> Value:
        """Value of a top-level name of a file."""
        module = env.module.owners.get(name, env.module)
        item = env.module.names[name]
        if item is None:
            self.session.failed = True  # already reported
            return POISON
        if isinstance(item, Definition):
            return self.definition(item)
        if isinstance(item, type):
            return Recipe(item)  # an op of another package
        if name not in module.lets:
            module.lets.update({n.id: UNFINISHED for n in names_of(item.targets)})
            made = named(Evaluator(self.session), item, Env(module))
            module.lets.update({n: v for n, v in made.items() if module.lets[n] is UNFINISHED})
        if module.lets[name] is UNFINISHED:
            word = next(n for n in names_of(item.targets) if n.id == name)
            module.lets[name] = self._bad(f"`{name}` needs itself", word.span, "give one of them a value")
        self.session.failed |= module.lets[name] is POISON
        return module.lets[name]

    def definition(self, item: Definition) -> Value:
        """A block or net as a recipe; a family is the recipe its call gives."""
        from resdsl.elaborate.nets import resolve_family

        return resolve_family(self, item)

    # ---------------------------------------------------------------- parts

    def _bad(
        self, message: str, span: Span, help: str | None = None, label: str = "", fix: Fix | None = None
    ) -> Any:
        self.session.error(codes.BAD_VALUE, message, span, label, help=help, fix=fix)
        return POISON

    def _light(self, value: Value, span: Span) -> Value:
        """A list, unless it holds more than can be handled."""
        if weight(value) > MAX_LIST:
            return self._bad(f"the list holds more than {MAX_LIST:,} values", span)
        return value

    def _path(self, expr: ast.Path, env: Env) -> Value:
        head, *rest = expr.parts
        if head == "in":
            shape = self.arriving(env, expr.span)
        else:
            found, bound = env.lookup(head)
            shape = self.value_shape(env, ".".join(expr.parts[:-1]))
            if shape is None and found:
                return self._bad(
                    f"{kind_of(bound)} has no `.{rest[0]}`",
                    expr.span,
                    f"`{head}` is not a value of the net; `in.{rest[0]}` is about the value that arrives",
                )
            rest = [expr.parts[-1]]
        if shape is None:
            self.no_value(
                ".".join(expr.parts[:-1]),
                Span(expr.span.source, expr.span.start, expr.span.end - len(rest[-1]) - 1),
            )
            return POISON
        if shape is POISON:
            return POISON
        match rest:
            case ["channels"]:
                return shape[0] if shape else self._bad("a scalar has no channels", expr.span)
            case ["size"]:
                return tuple(shape[1:])
            case ["rank"]:
                return len(shape)
            case ["shape"]:
                return tuple(shape)
            case _:
                last = Span(expr.span.source, expr.span.end - len(rest[-1]), expr.span.end)
                return self._bad(
                    f"a value has no `.{'.'.join(rest)}`",
                    last,
                    did_you_mean(rest[-1], ATTRIBUTES)
                    or "it has `.channels`, `.size` (its spatial axes), `.rank` and `.shape`",
                    fix=replace_fix(last, rest[-1], ATTRIBUTES),
                )

    def _index(self, expr: ast.Index, env: Env) -> Value:
        base = self.evaluate(expr.base, env)
        if isinstance(expr.index, ast.Slice):
            ends = [
                None if e is None else self.integer(e, env, "a slice end")
                for e in (expr.index.start, expr.index.stop)
            ]
            if base is POISON or POISON in ends:
                return POISON
            if not isinstance(base, tuple):
                return self._bad(f"only a list has slices, this is {described(base)}", expr.base.span)
            return tuple(base)[ends[0] : ends[1]]
        index = self.integer(expr.index, env, "an index")
        if base is POISON or index is POISON:
            return POISON
        if not isinstance(base, tuple):
            return self._bad(f"only a list can be indexed, this is {described(base)}", expr.base.span)
        if not -len(base) <= index < len(base):
            count = f"{len(base)} item{'s' if len(base) != 1 else ''}"
            return self._bad(
                f"index {index} is outside a list of {count}",
                expr.index.span,
                f"indexes count from 0, so the last is {len(base) - 1}" if base else None,
            )
        return base[index]

    def _unary(self, expr: ast.Unary, env: Env) -> Value:
        if expr.operator == "not":
            value = self.condition(expr.operand, env)
            return POISON if value is POISON else not value
        value = self.evaluate(expr.operand, env)
        if value is POISON:
            return POISON
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return self._bad(f"`-` needs a number, got {described(value)}", expr.operand.span)
        return -value

    def _binary(self, expr: ast.Binary, env: Env) -> Value:
        if expr.operator in ("and", "or"):
            left = self.condition(expr.left, env)
            if left is POISON or left is (expr.operator == "or"):
                return left
            return self.condition(expr.right, env)
        left, right = self.evaluate(expr.left, env), self.evaluate(expr.right, env)
        if left is POISON or right is POISON:
            return POISON
        if expr.operator in ("/", "%") and right == 0 and not isinstance(right, bool):
            return self._bad("division by zero", expr.right.span, label="this is 0")
        try:
            return self._light(operate(self.session.domain, expr.operator, left, right), expr.span)
        except Undecided:
            rule = expr.operator in ("==", ">", ">=") and isinstance(left, Size)
            return self._bad(
                f"whether `{expr.span.text}` holds depends on the input size",
                expr.span,
                "a net is built once for all its input sizes"
                + (
                    f": admit only some with `where {left} {expr.operator} {right}` after the input"
                    if rule
                    else ""
                ),
            )
        except Refuse as refusal:
            return self._bad(f"`{expr.operator}` {refusal}", expr.span)
        except NotClosed as reason:
            return self._bad(f"this size cannot be followed exactly: {reason}", expr.span)
        except (OverflowError, ZeroDivisionError):
            return self._bad("the result is not a number", expr.span)

    def whole(self, value: Value) -> Value:
        """A `Ratio` that is whole for every admitted size as the size it is."""
        return whole(self.session.domain, value)

    def _schedule(self, expr: ast.Schedule, env: Env) -> Value:
        if self.repeat is None:
            self.session.error(
                codes.BAD_SCHEDULE,
                "`then` gives one value for each repeat, but nothing is repeated here",
                expr.span,
                help="add `x COUNT` after the call, or give a single value",
            )
            return POISON
        index, count = self.repeat
        if len(expr.terms) > count and self.counted:
            self.session.error(
                codes.BAD_SCHEDULE,
                f"the schedule has {len(expr.terms)} values for {count} repeat{'s' if count > 1 else ''}",
                expr.terms[count].span.to(expr.terms[-1].span),
                "never used",
                help="the last value goes on to the end: leave out what is too much",
            )
            return POISON
        return self.evaluate(expr.terms[min(index, len(expr.terms) - 1)], env)

    def _call(self, expr: ast.Call, env: Env) -> Value:
        """A call in an argument or `let`: a function is computed, everything else becomes a recipe."""
        from resdsl.elaborate.bind import bind

        name, args = expr.callee, expr.args or ()
        found, _ = env.lookup(name.id)
        if not found and name.id not in env.module.names:
            if name.id in FUNCTIONS:
                return self._function(expr, env)
            if name.id in INITS:
                return initialiser(self, name.id, args, env, expr.span)
        recipe = self.name(name, env, "call")
        if recipe is POISON:
            for a in args:
                self.evaluate(a.value, env)
            return POISON
        if not isinstance(recipe, Recipe):
            return self._bad(f"`{name.id}` is {kind_of(recipe)}, which cannot be called", name.span)
        bound = bind(self, recipe, expr, env)
        return (
            POISON if bound is None else Recipe(recipe.target, tuple((k, v) for k, (v, _) in bound.items()))
        )

    def _function(self, expr: ast.Call, env: Env) -> Value:
        run, usage = FUNCTIONS[expr.callee.id]
        values = []
        for a in expr.args or ():
            if a.name is not None:
                return self._bad(f"`{expr.callee.id}` takes no named arguments", a.span, usage)
            values.append(self.evaluate(a.value, env))
        if POISON in values:
            return POISON
        try:
            return self._light(run(*values), expr.span)
        except Refuse as refusal:
            return self._bad(f"`{expr.callee.id}` {refusal}", expr.span, usage)
        except NotClosed as reason:
            return self._bad(f"this size cannot be followed exactly: {reason}", expr.span)
        except (TypeError, ValueError, ArithmeticError):
            shown = ", ".join(brief(v) for v in values)
            return self._bad(f"`{expr.callee.id}` does not take ({shown})", expr.span, usage)


def mentions_counts(expr: Any) -> bool:
    """Whether an expression counts: `params`, `macs` or `activations`."""
    return any(name in COUNTS for name in words_of(expr))


def words_of(expr: Any) -> list[str]:
    """Words of an expression."""
    match expr:
        case ast.Name(id=id):
            return [id]
        case ast.Binary(left=left, right=right):
            return words_of(left) + words_of(right)
        case ast.Unary(operand=operand):
            return words_of(operand)
        case ast.Call(args=args):
            return [n for a in args or () for n in words_of(a.value)]
        case _:
            return []
