"""Shapes written in a spec: annotations, `expect`, and the sizes an `input` declares."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Edit, Fix, Label
from resdsl.domain import match_sizes
from resdsl.elaborate.misfit import sometimes
from resdsl.elaborate.scope import Env
from resdsl.elaborate.values import POISON, Ratio, described
from resdsl.ops.base import show
from resdsl.sizes import VARYING, Shape, Size, evaluate, variable
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
        if isinstance(value, bool) or not isinstance(value, (int, *VARYING)):
            scope.session.error(
                codes.BAD_VALUE, f"a shape is made of sizes, this is {described(value)}", item.span
            )
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
    word: str = "annotated",
) -> None:
    """Compare a shape with what is written about it."""
    wanted = read(scope, written, env)
    if wanted is None:
        return
    if at is not None:
        actual = tuple(evaluate(d, at) for d in actual)
        wanted = tuple(d if d is ANY else evaluate(d, at) for d in wanted)
    place = written.span
    witness: dict[str, int] = {}
    if len(wanted) == len(actual):
        wrong = []
        for item, a, b in zip(written.items, actual, wanted, strict=True):
            found = None if b is ANY else scope.session.domain.differ(a, b)
            if found is not None:
                wrong.append(item.span)
                witness = witness or found
        if not wrong:
            return
        place = wrong[0].to(wrong[-1])
    right = _written(actual, wanted, written)
    notes = []
    if witness and len(actual) == len(wanted):
        note = sometimes(
            scope.session.domain,
            actual,
            tuple(a if b is ANY else b for a, b in zip(actual, wanted, strict=True)),
        )
        notes += [note.format("it is", "not")] if note else []
    given, be = ", ".join(map(str, actual)), "to be " if word == "expected" else ""
    scope.session.error(
        codes.WRONG_ANNOTATION,
        f"{what} is [{given}], but is {word} {be}{written.span.text}",
        place,
        "not what the net gives",
        notes=notes,
        fix=Fix(f"if the net is right, write `{right}`", (Edit(written.span, right),), safe=False),
    )


def _written(actual: Shape, wanted: tuple[Any, ...], written: ast.ListExpr) -> str:
    """The shape as it should be written: what was right, or `_`, stays as it was."""
    if len(wanted) != len(actual):
        return "[" + ", ".join(map(str, actual)) + "]"
    kept = (
        i.span.text if b is ANY or a == b else str(a)
        for i, a, b in zip(written.items, actual, wanted, strict=True)
    )
    return "[" + ", ".join(kept) + "]"


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
            scope.session.error(
                codes.BAD_INPUT, f"an input size must be at least 1, this is {value}", item.span
            )
            return None
        dims.append(value)
    return tuple(dims)


def sizes_at(
    scope: Scope,
    written: tuple[ast.ListExpr, ...],
    declared: Sequence[Shape | None],
    env: Env,
    conditions: Span | None = None,
) -> dict[str, int] | None:
    """The input sizes that `at [3, 224, 224]` gives, one shape for each input; None after a mistake."""
    if len(written) != len(declared):
        scope.session.error(
            codes.BAD_INPUT,
            f"`at` gives {len(written)} shape{'s' if len(written) != 1 else ''}"
            f" for {len(declared)} input{'s' if len(declared) != 1 else ''}",
            written[0].span.to(written[-1].span),
            help="write one shape for each input: `at [3, 224, 224], [1, 224, 224]`",
        )
        return None
    sizes: dict[str, int] = {}
    for text, shape in zip(written, declared, strict=True):
        dims = tuple(scope.integer(i, env, "a size after `at`") for i in text.items)
        if shape is None or POISON in dims:
            return None
        reason = match_sizes(shape, dims, scope.session.domain, sizes)
        if reason is not None:
            scope.session.error(
                codes.BAD_INPUT,
                f"`at {text.span.text}` does not fit: {reason}",
                text.span,
                fix=_whole(text, dims, shape),
                secondary=[Label(conditions, "the conditions")] if conditions and " meet " in reason else (),
            )
            return None
    return sizes


def _whole(text: ast.ListExpr, dims: tuple[int, ...], shape: Shape) -> Fix | None:
    """The whole shape, where only the sizes that vary were given."""
    if sum(isinstance(d, Size) for d in shape) != len(dims) or len(dims) == len(shape):
        return None
    rest = iter(dims)
    whole = f"[{', '.join(str(next(rest) if isinstance(d, Size) else d) for d in shape)}]"
    return Fix(f"`at` takes the whole shape: `at {whole}`", (Edit(text.span, whole),))


def bind_sizes(scope: Scope, port: ast.PortDecl, shape: Shape | None, env: Env) -> None:
    """Match the shape an inner `input` declares with the shape that arrives; its free sizes take those.

    After a mistake on the way there, which leaves no shape, they stand for no size.
    """
    if port.shape is None:
        return
    items = port.shape.items
    dims = shape if shape is not None and len(shape) == len(items) else None
    for item, dim in zip(items, repeat(POISON) if dims is None else dims, strict=False):
        if isinstance(item, ast.Name) and _is_size_name(item.id) and not _known(item.id, env):
            env.sizes.setdefault(item.id, dim)
    if shape is None:
        return
    if dims is None:
        _does_not_arrive(scope, port, shape)
        return
    wanted = read(scope, port.shape, env)
    if wanted is not None and any(
        b is not ANY and scope.session.domain.differ(a, b) is not None
        for a, b in zip(shape, wanted, strict=True)
    ):
        _does_not_arrive(scope, port, shape)


def _does_not_arrive(scope: Scope, port: ast.PortDecl, shape: Shape) -> None:
    """Report a value of another shape than an `input` declares, at the call that passes it."""
    assert port.shape is not None
    declared = Label(port.shape.span, "declared here")
    with scope.session.outside() as call:
        scope.session.error(
            codes.BAD_INPUT,
            f"`{port.name.id}` of `{scope.graph.name}` is {port.shape.span.text}, but {show(shape)} arrives",
            call or port.shape.span,
            secondary=[declared] if call else (),
        )


def _is_size_name(word: str) -> bool:
    return word[0].isupper()


def _known(word: str, env: Env) -> bool:
    return env.lookup(word)[0] or word in env.module.names or word in env.sizes
