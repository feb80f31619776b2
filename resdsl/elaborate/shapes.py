"""Shapes written in a spec: annotations, `expect`, and the sizes an `input` declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Edit, Fix
from resdsl.elaborate.scope import Env
from resdsl.elaborate.values import POISON, Ratio, kind_of
from resdsl.ops.base import show
from resdsl.sizes import Product, Shape, Size, evaluate, variable
from resdsl.source import Span
from resdsl.syntax import ast

if TYPE_CHECKING:
    from resdsl.elaborate.flow import Scope

ANY = object()


def read(scope: Scope, shape: ast.ListExpr, env: Env) -> tuple[Any, ...] | None:
    """A written shape: dimensions, or `ANY` for `_`; None after a mistake."""
    dims: list[Any] = []
    for item in shape.items:
        if isinstance(item, ast.Name) and item.id == "_":
            dims.append(ANY)
            continue
        value = scope.whole(scope.evaluate(item, env))
        if value is POISON:
            return None
        if isinstance(value, Ratio):
            scope.session.error(
                codes.BAD_VALUE,
                f"`{value.top} / {value.bottom}` is not whole for every input",
                item.span,
                help=f"write `ceil({value.top} / {value.bottom})` or `floor(...)`,"
                f" or admit only multiples: `where {value.top} % {value.bottom} == 0`",
            )
            return None
        if isinstance(value, bool) or not isinstance(value, (int, Size, Product)):
            scope.session.error(codes.BAD_VALUE, f"a shape is made of sizes, this is {kind_of(value)}", item.span)
            return None
        dims.append(value)
    return tuple(dims)


def check(
    scope: Scope,
    what: str,
    actual: Shape,
    written: ast.ListExpr,
    env: Env,
    at: dict[str, int] | None = None,
) -> None:
    """Compare a shape with what is written about it."""
    wanted = read(scope, written, env)
    if wanted is None:
        return
    if at is not None:
        actual = tuple(evaluate(d, at) for d in actual)
        wanted = tuple(d if d is ANY else evaluate(d, at) for d in wanted)
    same = len(wanted) == len(actual)
    witness: dict[str, int] = {}
    for a, b in zip(actual, wanted, strict=False):
        if b is not ANY and same:
            found = scope.session.domain.differ(a, b)
            if found is not None:
                same, witness = False, found
    if same:
        return
    notes = []
    if witness:
        sizes = ", ".join(f"{k} = {v}" for k, v in witness.items())
        got = show(tuple(evaluate(d, witness) if _only(d, witness) else d for d in actual))
        notes.append(f"at {sizes} it is {got}")
    scope.session.error(
        codes.WRONG_ANNOTATION,
        f"{what} is {show(actual)}, but is annotated {written.span.text}",
        written.span,
        "the annotation",
        notes=notes,
        help=f"if the net is right, write `{_as_list(actual)}`",
        fix=Fix("write the shape it has", (Edit(written.span, _as_list(actual)),), safe=False),
    )


def _only(dim: Any, values: dict[str, int]) -> bool:
    return isinstance(dim, int) or (isinstance(dim, Size) and dim.var in values)


def _as_list(shape: Shape) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"


def declare_sizes(scope: Scope, shape: ast.ListExpr, env: Env, span: Span) -> Shape | None:
    """The shape an `input` of the net to compile declares; unknown capital words are its free sizes."""
    dims: list[Any] = []
    for item in shape.items:
        if isinstance(item, ast.Name) and _is_size_name(item.id) and not _known(item.id, env):
            env.sizes[item.id] = variable(item.id)
        if isinstance(item, ast.Name) and item.id in env.sizes:
            dims.append(env.sizes[item.id])
            continue
        value = scope.integer(item, env, "an input size")
        if value is POISON:
            return None
        if value < 1:
            scope.session.error(codes.BAD_INPUT, f"an input size must be at least 1, this is {value}", item.span)
            return None
        dims.append(value)
    return tuple(dims)


def bind_sizes(scope: Scope, port: ast.PortDecl, shape: Shape, env: Env) -> None:
    """Match the shape an inner `input` declares with the shape that arrives; its free sizes take those."""
    assert port.shape is not None
    if len(port.shape.items) != len(shape):
        scope.session.error(
            codes.BAD_INPUT,
            f"`{port.name.id}` is declared {port.shape.span.text}, but {show(shape)} arrives",
            port.shape.span,
        )
        return
    for item, dim in zip(port.shape.items, shape, strict=True):
        if isinstance(item, ast.Name) and _is_size_name(item.id) and not _known(item.id, env):
            env.sizes.setdefault(item.id, dim)
    check(scope, f"the value arriving as `{port.name.id}`", shape, port.shape, env)


def _is_size_name(word: str) -> bool:
    return word[0].isupper()


def _known(word: str, env: Env) -> bool:
    return env.lookup(word)[0] or word in env.module.names or word in env.sizes
