"""The longer messages of the flow: unknown values, and values that do not fit what they meet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal

from resdsl import resources
from resdsl.conditions import condition
from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Edit, Fix, Label
from resdsl.diagnostics.suggest import closest, did_you_mean, listed, replace_fix
from resdsl.domain import Domain, equal, not_less
from resdsl.elaborate import habits
from resdsl.elaborate.bind import Bound
from resdsl.elaborate.functions import FUNCTIONS
from resdsl.elaborate.loops import names_of
from resdsl.elaborate.scope import Env, Session
from resdsl.graph.layout import meant
from resdsl.graph.model import Feed, Graph
from resdsl.ops import OPS
from resdsl.ops.base import Op, Reject, show
from resdsl.ops.elsewhere import here
from resdsl.ops.init import INITS
from resdsl.sizes import Shape, Size, shape_at, variables
from resdsl.source import Span
from resdsl.syntax import ast

if TYPE_CHECKING:
    from resdsl.elaborate.builder import Builder, Flow

ONE = "join them with `concat` or `add`, or name them with `as` and continue from one with `from`"
Place = Literal["step", "body", "call", "shortcut", "value"]
"""Where a word stands: as a step, one with a body, what is called in an expression, a shortcut, or a value."""
MEANT_AT: dict[Place, tuple[str, ...]] = {
    "call": ("projection", *INITS, *FUNCTIONS),
    "shortcut": ("projection", "none"),
    "value": ("projection", "true", "false", "none", *INITS),
}
ALIKE = ("add", "mul", "concat")
"""Ops whose values have one shape, but for the axis along which they are joined."""
WIDEST = 85
ARRIVING = ("in_channels", "input_channels", "in_planes", "inplanes", "in_features", "channels")
SHORTCUTS = ("identity", "projection", "zero_pad", "none")
SHORTCUT_ELSEWHERE = {
    "padding": "zero_pad",
    "padzero": "zero_pad",
    "padzeros": "zero_pad",
    "proj": "projection",
    "zeropadding": "zero_pad",
}
"""What else a shortcut is called, in small letters without `_`."""
OPTIONS = (
    "of He et al. (2015), option A is `identity else zero_pad`, B `identity else projection`, C `projection`"
)
LISTED = (
    "steps in braces run one after another: `NAME = { conv(64, 3x3); batchnorm; relu }` names their layers"
)
NOT_HERE = {
    "flops": "`macs` counts the multiply-adds; of FLOPs there are twice as many",
    "int": "`round(x)`, `floor(x)` and `div(a, b)` give integers",
    "null": "nothing is written `none`, and a layer without bias `bias = false`",
    "modulelist": LISTED,
    "optiona": OPTIONS,
    "optionb": OPTIONS,
    "optionc": OPTIONS,
    "same": "leave `padding` out: an odd window keeps the size",
    "sequential": LISTED,
    "training": "the ops that training changes know by themselves: `dropout`, `batchnorm`, `drop_path`",
    "valid": "write `padding = 0`",
}
NOT_ALIKE = {"rearrange": ", which names the axes: `rearrange([c, h, w] -> [h * w, c])`"}
"""Ops that take other arguments than what is called so elsewhere."""


# ---------------------------------------------------------------- names and values


def unknown_name(
    session: Session, name: ast.Name, env: Env, place: Place = "value", among: Sequence[str] | None = None
) -> str | None:
    """Report a word that means nothing at this place. Returns the one it was surely meant to be, to go on with.

    Where only some words can stand, it was meant to be `among` them.
    """
    plain = name.id.replace("_", "").casefold()
    if place == "shortcut" and closest(name.id, SHORTCUTS):
        among = SHORTCUTS
    words = among
    if words is None:
        words = sorted({*env.words(), *env.module.names, *OPS, *MEANT_AT.get(place, ())})
    fix = replace_fix(name.span, name.id, words)
    help = did_you_mean(name.id, words)
    nearest, same = closest(name.id, words), here(name.id)
    quoted = habits.unquoted(name.span) if place == "value" else None
    if quoted is not None:
        help, fix = quoted.title, quoted
    elif place == "shortcut" and among is None and plain in SHORTCUT_ELSEWHERE:
        help = f"here it is `{SHORTCUT_ELSEWHERE[plain]}`"
        fix = Fix(help, (Edit(name.span, SHORTCUT_ELSEWHERE[plain]),))
    elif same not in (None, nearest) and among is None and (nearest is None or nearest in OPS):
        help = f"here it is `{same}`{NOT_ALIKE.get(same, '')}"
        fix = None if same in NOT_ALIKE else Fix(help, (Edit(name.span, same),))
    elif help is None and place == "value" and name.id.lower() in ARRIVING:
        help = "the channels of what arrives are `in.channels`"
        fix = Fix(help, (Edit(name.span, "in.channels"),))
    elif help is None and place == "body":
        end = Span(name.span.source, name.span.end, name.span.end)
        help = "`stage NAME { ... }` makes them a row of the table"
        fix = Fix(f"name the layers in the braces: `{name.id} = {{ ... }}`", (Edit(end, " ="),))
    elif help is None and among is None:
        help = (
            NOT_HERE.get(plain)
            or _bundled(name.id)
            or (place == "step" and "`resdsl ops` lists all ops")
            or None
        )
    session.error(
        codes.UNKNOWN_NAME,
        f"unknown name `{name.id}`",
        name.span,
        "not an op, block, net, parameter or `let` in sight",
        help=help,
        fix=fix,
    )
    if fix is not None and fix.edits[0].text == same:
        return same  # an op of another library is surely meant, though its arguments may differ
    if fix is None or not fix.safe:
        return None
    item = env.module.names.get(fix.edits[0].text)
    # Not a net: it may be the very one that is being built.
    return None if getattr(item, "is_net", False) else fix.edits[0].text


def _bundled(word: str) -> str | None:
    """Where a bundled block or net of this name comes from, be it written as a class: `Bottleneck`."""
    plain = re.sub(r"_?block$", "", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word).lower())
    found = [declared for declared in _library() if declared[-1] in (word, plain)]
    if not found:
        return None
    _, file, name = min(found)  # of several the plainest: `std.resnet`
    return f"the bundled one is taken with `use std.{file} {{ {name} }}` at the head of the file"


@cache
def _library() -> tuple[tuple[int, str, str], ...]:
    """The bundled blocks and nets, each behind the length and name of its file."""
    return tuple(
        (len(file.stem), file.stem, name)
        for file in resources.specs().glob("*.res")
        for name in re.findall(r"^(?:block|net) (\w+)", file.read_text("utf-8"), re.MULTILINE)
    )


def unknown_value(scope: Builder, name: str, span: Span) -> None:
    """Report a value that does not exist, with the nearest that does."""
    around: Builder | None = scope
    words: list[str] = []
    later: Span | None = None
    let: Span | None = None
    whole = scope
    while around is not None:
        whole = around
        if around.uncertain:
            around.session.failed = True
            return  # a mistake may have kept it from being made
        words.extend(around.values)
        for node in around.graph.nodes():
            if isinstance(node.content, Graph) and node.module:
                inside = (*node.content.values, *node.content.output_names)
                words.extend(f"{node.id}.{inner}" for inner in inside)
        later = later or _made_later(around.running, name, span)
        let = let or _let(around.running, name)
        around = around.outer
    known = list(dict.fromkeys(words))
    help = did_you_mean(name, known)
    fix = replace_fix(span, name, known) if span.text == name and later is let is None else None
    helps = []
    dotted = span.source.text[span.end : span.end + 1] == "."
    if later is not None:
        help = f"move this below the line that makes `{name}`"
    elif let is not None or (name in ("in", "input") and not dotted):
        word, fix = name if let is not None else "x", None
        help = (
            f"`input {word}` at the head of the block names what arrives there"
            if _takes_unnamed(whole)
            else f"name a value behind the step that gives it, `... as {word}`, and write `from {word}`"
        )
    elif name == "input":
        help, fix = None, Fix("what arrives at a statement is `in`", (Edit(span, "in"),))
    elif help is None and known:
        help = f"values so far: {listed(known)}"
        if _takes_unnamed(whole):
            helps.append(f"what arrives at the block is named at its head: `input {name}`")
    made = [Label(later, "made here")] if later else []
    scope.session.error(
        codes.UNKNOWN_VALUE,
        f"there is no value `{name}` here",
        span,
        "not made yet" if later else "",
        secondary=made or ([Label(let, "a `let` is no value of the net")] if let else []),
        help=[*([help] if help else []), *helps],
        fix=fix,
    )


def _let(bodies: Sequence[ast.Body], name: str) -> Span | None:
    """Where a running body has a `let` of this name."""
    lets = (s for body in bodies for s in body.statements if isinstance(s, ast.Let))
    return next((n.span for let in lets for n in names_of(let.targets) if n.id == name), None)


def _takes_unnamed(scope: Builder) -> bool:
    """Whether this is a block that does not name what arrives."""
    return scope.graph.kind == "block" and not any(
        isinstance(s, ast.Input) for body in scope.running for s in body.statements
    )


def _made_later(bodies: Sequence[ast.Body], name: str, span: Span) -> Span | None:
    """Where a later statement of the running bodies makes a value of this name."""
    for body in reversed(bodies):
        for statement in body.statements:
            if isinstance(statement, (ast.Step, ast.Stage)) and statement.span.start >= span.end:
                names = (statement.name, *(statement.values if isinstance(statement, ast.Step) else ()))
                for made in names:
                    if isinstance(made, ast.Name) and made.id == name.partition(".")[0]:
                        return made.span
    return None


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


# ---------------------------------------------------------------- shapes


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
