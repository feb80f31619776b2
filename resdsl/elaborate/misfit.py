"""Messages about values that do not fit what they meet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from resdsl.conditions import condition
from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Edit, Fix, Label
from resdsl.domain import Domain, equal, not_less
from resdsl.elaborate import habits
from resdsl.elaborate.bind import Bound
from resdsl.elaborate.scope import Session
from resdsl.graph.layout import meant
from resdsl.graph.model import Feed
from resdsl.ops.base import Op, Reject, show
from resdsl.sizes import Shape, Size, shape_at, variables
from resdsl.source import Span

if TYPE_CHECKING:
    from resdsl.elaborate.builder import Builder, Flow

ONE = "join them with `concat` or `add`, or name them with `as` and continue from one with `from`"
ALIKE = ("add", "mul", "concat")
"""Ops whose values have one shape, but for the axis along which they are joined."""
WIDEST = 85


def wrong_count(scope: Builder, op: str, arity: int | None, inputs: Sequence[Flow], span: Span) -> None:
    """Report an op that takes one value where several arrive, or none; or several (None) where one does."""
    if not inputs:
        scope.session.error(
            codes.NOT_A_STEP,
            f"nothing arrives at `{op}`",
            span,
            "there is no value here yet",
            help="a net begins with its `input`; `from NAME` continues from a value",
        )
        return
    help = ONE if arity == 1 else f"name the values with `as`, and write `from a, b -> {op}`"
    wanted = f"{arity} value{'s' if arity > 1 else ''}" if arity else "several values"
    scope.session.error(
        codes.NOT_A_STEP,
        f"`{op}` takes {wanted}, but {_arrive(len(inputs))}",
        span,
        secondary=_origins(scope, inputs, span)[:2],
        help=help,
    )


def _arrive(count: int) -> str:
    return f"{count} arrive{'s' if count == 1 else ''}"


def rejected(
    scope: Builder, op: Op, reject: Reject, bound: Bound, inputs: Sequence[Flow], span: Span
) -> None:
    """Report what an op does not accept, at the argument to blame."""
    place, origins = span, _origins(scope, inputs, span)
    if isinstance(reject.blame, str):
        place = bound[reject.blame][1] if reject.blame in bound else span
        if reject.code == "missing-argument" and "size" in bound:
            place = bound["size"][1]
        origins = origins[:1] if reject.blame in bound else []
    elif isinstance(reject.blame, int) and len(inputs) > 2:
        origins = [_origin(scope, inputs[i]) for i in sorted({0, reject.blame})]
    prefix = "" if reject.message.startswith(f"`{op.name}`") else f"`{op.name}`: "
    fix = _argument_fix(reject, bound, span) or _pool_fix(scope, op, reject, inputs)
    notes = []
    if reject.code == "shape-mismatch" and isinstance(reject.blame, int):
        first, other = inputs[0].shape, inputs[reject.blame].shape
        note = sometimes(scope.session.domain, first or (), other or (), getattr(op, "axis", None))
        if op.name in ALIKE:
            notes.append(_table(op, [flow.shape or () for flow in inputs], reject.blame))
        notes += [note.format("the first is", "the other")] if note else []
        apart = _apart(first or (), other or ())
        if apart:
            reject.help = f"where {apart} are equal, write one size for both, as in `[3, S, S]`"
    if scope.repeat is not None:
        notes.append(f"in copy {scope.repeat[0] + 1} of {scope.repeat[1]}")
    scope.graph.refused.append((place, tuple(f.port for f in inputs if f.port is not None)))
    helps = [reject.help] if reject.help and not fix else []
    if reject.code == "bad-shape" and isinstance(reject.blame, str):
        calls = [(reject.blame, span), *((place.text, call) for _, call in scope.session.frames[-1:])]
        per_copy = [habits.per_copy(word, call) for word, call in calls if word.isidentifier()]
        helps = [text for text in per_copy if text] or helps
    if reject.code == "shape-mismatch" and not helps:
        helps += [text] if (text := _fitting(op, [f.shape or () for f in inputs])) else []
    layouts = [f"{rule}: `[{', '.join(map(str, other))}]`" for other, rule in _misread(scope.session, op)]
    if layouts and reject.blame == "size":
        helps = []  # another window is no way out
    helps += layouts
    if fix is not None and op.name == "linear":
        helps = ["`adaptive_avgpool(7x7)` makes a fixed size too, with more positions"]
    scope.session.error(
        codes.CODES[reject.code],
        f"{prefix}{reject.message}",
        place,
        secondary=origins[:2],
        notes=notes,
        help=helps,
        fix=fix,
    )


def _misread(session: Session, op: Op) -> list[tuple[Shape, str]]:
    """The shapes of inputs that were probably meant, where an op of images does not take what was written."""
    if op.layer.category not in ("conv", "pool", "norm"):
        return []
    window = getattr(op, "size", None)
    rank = len(window) if isinstance(window, tuple) else None
    found = [right for shape in session.declared if (right := meant(shape)) is not None]
    return [(shape, rule) for shape, rule in found if rank in (None, len(shape) - 1)]


def _origins(scope: Builder, inputs: Sequence[Flow], span: Span) -> list[Label]:
    """Where the inputs come from, those that are not the place itself."""
    labels = []
    for flow in inputs:
        if flow.port is not None and flow.shape is not None:
            label = _origin(scope, flow)
            if (label.span.start, label.span.end) != (span.start, span.end) and label not in labels:
                labels.append(label)
    return labels


def _origin(scope: Builder, flow: Flow) -> Label:
    assert flow.port is not None
    assert flow.shape is not None
    node = scope.graph.node(flow.port.node)
    verb = "arrives here" if isinstance(node.content, Feed) else "comes from here"
    return Label(node.span, f"{show(flow.shape)} {verb}")


def _argument_fix(reject: Reject, bound: Bound, span: Span) -> Fix | None:
    """Put in the argument that the help of a missing one names."""
    found = re.match(r"write `(\w+ = [^`]+)`", reject.help or "")
    if reject.code != "missing-argument" or found is None or not span.text.endswith(")"):
        return None
    size, place = bound.get("size", (None, span))
    if type(size) is int and not place.text.isdigit():  # it has other values elsewhere
        text = f"div({place.text} - 1, 2)" if place.text.isidentifier() else f"div(({place.text}) - 1, 2)"
        reject.help = (
            f"odd windows have `padding = {text}` by themselves; an even one makes the size smaller with it"
        )
        return None
    end = Span(span.source, span.end - 1, span.end - 1)
    return Fix(reject.help or "", (Edit(end, f", {found[1]}"),))


def _pool_fix(scope: Builder, op: Op, reject: Reject, inputs: Sequence[Flow]) -> Fix | None:
    """Pool before a `flatten` that a `linear` after it cannot take."""
    port = inputs[0].port
    if reject.code != "varying-size" or op.name != "linear" or port is None:
        return None
    node = scope.graph.node(port.node)
    if not isinstance(node.content, Op) or node.content.name != "flatten":
        return None
    text, start = node.span.source.text, node.span.start
    chained = text[:start].rstrip().endswith("->") or text[node.span.end :].lstrip().startswith("->")
    joint = " -> " if chained else "; "
    return Fix(
        "make one position of every input size with `global_avgpool`",
        (Edit(Span(node.span.source, start, start), f"global_avgpool{joint}"),),
    )


def _apart(a: Shape, b: Shape) -> str:
    """Two variables that meet on one axis."""
    for x, y in zip(a, b, strict=False):
        if isinstance(x, Size) and isinstance(y, Size) and x.var != y.var:
            return f"`{x.var}` and `{y.var}`"
    return ""


def side_by_side(shapes: Mapping[str, Shape], joined: int | None = None) -> str:
    """Shapes in columns, axis by axis. The axis along which they are `joined` may differ."""
    most = max(map(len, shapes.values()))
    axes = {2: ("length",), 3: ("height", "width"), 4: ("depth", "height", "width")}.get(most, ())
    alike = axes and all(len(shape) == most for shape in shapes.values())
    names = ("channels", *axes) if alike else tuple(f"axis {i}" for i in range(most))
    rows = [("", *shapes, "")]
    for i, name in enumerate(names):
        sizes = [str(shape[i]) if i < len(shape) else "-" for shape in shapes.values()]
        differs = "differs" if len({*sizes}) > 1 else ""
        rows.append((name, *sizes, "joined" if joined is not None and i == joined % most else differs))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _table(op: Op, shapes: Sequence[Shape], differing: int) -> str:
    """All values side by side, or where there are too many for that the first and the one that differs."""
    columns = {f"value {i}": shape for i, shape in enumerate(shapes, 1)}
    table = side_by_side(columns, getattr(op, "axis", None))
    if max(map(len, table.splitlines())) <= WIDEST:
        return table
    two = {name: columns[name] for name in ("value 1", f"value {differing + 1}")}
    return side_by_side(two, getattr(op, "axis", None))


def _fitting(op: Op, shapes: Sequence[Shape]) -> str | None:
    """How values of different shapes are made to fit the op that joins them."""
    first, other = shapes[0], shapes[1]
    if op.name == "scale" and len(first) == 3 and other == first[:1]:
        return "give it axes to stretch with `rearrange([c] -> [c, 1, 1])`"
    if op.name == "scale" and len(first) == len(other) and {*other[1:]} == {1}:
        return f"end the factor in {first[0]} channels: inside the braces `in` is what arrives at each step"
    if op.name == "scale" and len(first) == len(other) == 3 and other[2] == first[0]:
        return f"`linear` works on the last axis; on the channels `conv({first[0]}, 1x1, bias = true)` does"
    if op.name not in ALIKE or len({len(shape) for shape in shapes}) > 1:
        return None
    axis = getattr(op, "axis", None)
    if axis in (None, 0) and len({shape[1:] for shape in shapes}) > 1:
        return "give all the same stride and padding, or fit one to another with `resize_like` or `crop_like`"
    if axis is None and len(first) > 1:
        return f"`conv({first[0]}, 1x1)` makes the channels of the first; `concat` takes different ones"
    return None


def sometimes(domain: Domain, a: Shape, b: Shape, axis: int | None = None) -> str:
    """For shapes that agree at some input sizes only: when, and the smallest at which they differ.

    A sentence with places for the names of the two: "... at H = 3 {} 8x2x2, {} 8x1x1". Empty for shapes that
    agree at no size, but for inputs so small that nothing is left. `axis` is left out of the comparison.
    """
    if len(a) != len(b):
        return ""
    witness: dict[str, int] = {}
    when: list[str] = []
    large = _large(domain, (*a, *b))
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        sets = {} if axis is not None and i == axis % len(a) else equal(x, y)
        if sets is None or domain.never(sets):
            return ""
        if large.never(sets):
            return f"they agree at no size: {_at(large, large.outside(sets) or {}, a, b)}"
        witness = witness or domain.outside(sets) or {}
        when += [condition(s, var) for var, s in sets.items() if not domain.of(var) <= s]
    if not witness:
        return ""
    agree = " and ".join(dict.fromkeys(when))
    return f"they agree exactly when {agree}: {_at(domain, witness, a, b)}"


def _large(domain: Domain, dims: Shape) -> Domain:
    """The admitted sizes at which all of these are at least 1, as far as that can be followed."""
    large = Domain({**domain.sets})
    for d in dims:
        sets = not_less(d, 1) if isinstance(d, Size) else {}
        if not large.never(sets):
            large.restrict(sets or {})
    return large


def _at(domain: Domain, witness: dict[str, int], a: Shape, b: Shape) -> str:
    """Two shapes at a concrete size; the sizes that do not matter are the same, where that is admitted."""
    size = next(iter(witness.values()))
    values = dict(witness)
    for name in sorted({v for d in (*a, *b) for v in variables(d)}):
        values.setdefault(name, size if domain.admits(name, size) else domain.of(name).least or size)
    sizes = ", ".join(f"{k} = {v}" for k, v in values.items())
    return f"at {sizes} {{}} {show(shape_at(a, values))}, {{}} {show(shape_at(b, values))}"
