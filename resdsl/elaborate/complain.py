"""The longer messages of the flow: unknown values, and values that do not fit what they meet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from resdsl.conditions import condition
from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Edit, Fix, Label
from resdsl.diagnostics.suggest import did_you_mean, listed, replace_fix
from resdsl.domain import Domain, equal
from resdsl.elaborate.bind import Bound
from resdsl.elaborate.functions import FUNCTIONS
from resdsl.elaborate.scope import Env, Session
from resdsl.graph.model import Feed, Graph
from resdsl.ops import OPS
from resdsl.ops.base import Op, Reject, show
from resdsl.ops.init import INITS
from resdsl.sizes import Shape, Size, shape_at, variables
from resdsl.source import Span
from resdsl.syntax import ast

if TYPE_CHECKING:
    from resdsl.elaborate.builder import Builder, Flow

ONE = "join them with `concat` or `add`, or name them with `as` and continue from one with `from`"
WORDS = ("projection", "true", "false", "none")
ELSEWHERE = {
    "adaptiveavgpool": "adaptive_avgpool",
    "avgpooling": "avgpool",
    "batchnormalization": "batchnorm",
    "bn": "batchnorm",
    "cat": "concat",
    "concatenate": "concat",
    "convolution": "conv",
    "convtranspose": "conv_transpose",
    "deconv": "conv_transpose",
    "dense": "linear",
    "fc": "linear",
    "gap": "global_avgpool",
    "globalaveragepooling": "global_avgpool",
    "groupnormalization": "groupnorm",
    "interpolate": "resize",
    "layernormalization": "layernorm",
    "maxpooling": "maxpool",
    "multiheadattention": "attention",
    "permute": "rearrange",
    "reshape": "rearrange",
    "sum": "add",
    "swish": "silu",
    "transpose": "rearrange",
    "upsample": "resize",
    "view": "rearrange",
}
"""What PyTorch and Keras call an op, in small letters without `_`, and without the `2d` behind it."""


# ---------------------------------------------------------------- names and values


def unknown_name(
    session: Session, name: ast.Name, env: Env, among: Sequence[str] | None = None
) -> str | None:
    """Report a word that means nothing here. Returns the one it was surely meant to be, to go on with.

    Where only some words can stand, it was meant to be `among` them.
    """
    words = among
    if words is None:
        words = sorted({*env.words(), *env.module.names, *OPS, *INITS, *FUNCTIONS, *WORDS})
    fix = replace_fix(name.span, name.id, words)
    help = did_you_mean(name.id, words)
    same = ELSEWHERE.get(name.id.replace("_", "").lower().rstrip("123d"))
    if help is None and same is not None and among is None:
        help = f"here it is `{same}`"
        fix = Fix(help, (Edit(name.span, same),))
    session.error(
        codes.UNKNOWN_NAME,
        f"unknown name `{name.id}`",
        name.span,
        "not an op, block, net, parameter or `let` in sight",
        help=help,
        fix=fix,
    )
    if fix is None or not fix.safe:
        return None
    meant = env.module.names.get(fix.edits[0].text)
    # Not a net: it may be the very one that is being built.
    return None if getattr(meant, "is_net", False) else fix.edits[0].text


def unknown_value(scope: Builder, name: str, span: Span) -> None:
    """Report a value that does not exist, with the nearest that does."""
    around: Builder | None = scope
    words: list[str] = []
    later: Span | None = None
    while around is not None:
        if around.uncertain:
            around.session.failed = True
            return  # a mistake may have kept it from being made
        words.extend(around.values)
        for node in around.graph.nodes():
            if isinstance(node.content, Graph) and node.module:
                inside = (*node.content.values, *node.content.output_names)
                words.extend(f"{node.id}.{inner}" for inner in inside)
        later = later or _made_later(around.running, name, span)
        around = around.outer
    known = list(dict.fromkeys(words))
    help = did_you_mean(name, known)
    if later is not None:
        help = f"move this below the line that makes `{name}`"
    elif help is None and known:
        help = f"values so far: {listed(known)}"
    scope.session.error(
        codes.UNKNOWN_VALUE,
        f"there is no value `{name}` here",
        span,
        "not made yet" if later else "",
        secondary=[Label(later, "made here")] if later else (),
        help=help,
        fix=replace_fix(span, name, known) if span.text == name and later is None else None,
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


def wrong_count(scope: Builder, op: str, arity: int, inputs: Sequence[Flow], span: Span) -> None:
    """Report an op that takes one value where several arrive, or none."""
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
    wanted = f"{arity} value{'s' if arity > 1 else ''}"
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
    fix = _argument_fix(reject, span) or _pool_fix(scope, op, reject, inputs)
    notes = []
    if reject.code == "shape-mismatch" and isinstance(reject.blame, int):
        first, other = inputs[0].shape, inputs[reject.blame].shape
        note = sometimes(scope.session.domain, first or (), other or (), getattr(op, "axis", None))
        notes += [note.format("the first is", "the other")] if note else []
        apart = _apart(first or (), other or ())
        if apart:
            reject.help = f"where {apart} are equal, write one size for both, as in `[3, S, S]`"
    scope.graph.refused.append((place, tuple(f.port for f in inputs if f.port is not None)))
    helps = [reject.help] if reject.help and not fix else []
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


def _argument_fix(reject: Reject, span: Span) -> Fix | None:
    """Put in the argument that the help of a missing one names."""
    found = re.match(r"write `(\w+ = [^`]+)`", reject.help or "")
    if reject.code != "missing-argument" or found is None or not span.text.endswith(")"):
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


def sometimes(domain: Domain, a: Shape, b: Shape, axis: int | None = None) -> str:
    """For shapes that agree at some input sizes only: when, and the smallest at which they differ.

    A sentence with places for the names of the two: "... at H = 3 {} 8x2x2, {} 8x1x1". Empty for shapes that
    agree at no size. `axis` is left out of the comparison.
    """
    if len(a) != len(b):
        return ""
    witness: dict[str, int] = {}
    when: list[str] = []
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        sets = {} if axis is not None and i == axis % len(a) else equal(x, y)
        if sets is None or domain.never(sets):
            return ""
        witness = witness or domain.outside(sets) or {}
        when += [condition(s, var) for var, s in sets.items() if not domain.of(var) <= s]
    if not witness:
        return ""
    agree = " and ".join(dict.fromkeys(when))
    return f"they agree exactly when {agree}: {_at(domain, witness, a, b)}"


def _at(domain: Domain, witness: dict[str, int], a: Shape, b: Shape) -> str:
    """Two shapes at a concrete size; the sizes that do not matter are the same, where that is admitted."""
    size = next(iter(witness.values()))
    values = dict(witness)
    for name in sorted({v for d in (*a, *b) for v in variables(d)}):
        values.setdefault(name, size if domain.admits(name, size) else domain.of(name).least or size)
    sizes = ", ".join(f"{k} = {v}" for k, v in values.items())
    return f"at {sizes} {{}} {show(shape_at(a, values))}, {{}} {show(shape_at(b, values))}"
