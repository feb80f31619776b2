"""Residuals: run the arm, then join it with what the shortcut policy says (He et al. 2015, section 3)."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Diagnostic, Edit, Fix, Label
from resdsl.elaborate.bind import bind, missing
from resdsl.elaborate.builder import UNKNOWN, Flow, compose
from resdsl.elaborate.misfit import ONE, side_by_side, sometimes
from resdsl.elaborate.scope import Env
from resdsl.elaborate.values import POISON, Closure, Projection, Recipe, described
from resdsl.graph.model import Graph, ShortcutKind
from resdsl.ops import OPS
from resdsl.ops.base import Reject, show
from resdsl.sizes import NotClosed
from resdsl.source import Span
from resdsl.syntax import ast

if TYPE_CHECKING:
    from resdsl.elaborate.flow import Scope

PROJECT = "project where the shapes differ (He et al. 2015, option B): `identity else projection`"
PAD = "pad with zeros, without parameters (option A): `identity else zero_pad`"
POLICIES = "`identity`, `projection`, `zero_pad`, `none`, or a body `{ ... }`"


def close_residual(scope: Scope, residual: ast.Residual, env: Env) -> None:
    """Run a residual in the current scope."""
    if len(scope.flow) != 1:
        scope.session.error(
            codes.NOT_A_STEP,
            f"a residual takes one value, but {len(scope.flow) or 'none'} arrive{'' if scope.flow else 's'}",
            Span(residual.span.source, residual.span.start, residual.span.start + len("residual")),
            help=ONE if scope.flow else "a net begins with its `input`; `from NAME` continues from a value",
        )
        scope.carry(UNKNOWN)
    start = scope.flow[0]
    if residual.shortcut_first:
        # The shortcut's layers come first in the text, but its policy needs the arm's shape:
        # run the arm in a rehearsal that leaves no trace.
        arm_shape = _rehearse(scope, residual.body, env, start)
        shortcut, kind = _shortcut(scope, residual, env, start, arm_shape)
        scope.carry(start)
        scope.run(residual.body, Env(env.module, env))
    else:
        scope.run(residual.body, Env(env.module, env))
        if len(_ends(scope)) == 1:
            arm = scope.flow[0]
            shortcut, kind = _shortcut(scope, residual, env, start, arm)
            scope.carry(arm)
        else:
            shortcut, kind = UNKNOWN, "body"
    if len(_ends(scope)) != 1:
        scope.session.error(
            codes.NOT_A_STEP,
            f"the body of a residual ends in one value, this in {len(_ends(scope))}",
            residual.body.span,
            help=ONE,
        )
        scope.carry(UNKNOWN)
        return
    if shortcut is None:
        if scope.flow[0] != start:
            _complain_of_drop(scope, residual, scope.flow[0])
        return
    arm = scope.flow[0]
    if arm.shape is None or shortcut.shape is None or arm.port is None or shortcut.port is None:
        scope.carry(UNKNOWN)
        return
    agree = scope.session.domain.meet(arm.shape, shortcut.shape)
    if agree != "often":
        place = (
            (residual.shortcut.second or residual.shortcut.first)
            if kind != "identity"
            else residual.shortcut.first
        )
        scope.graph.refused.append((place.span, (arm.port, shortcut.port)))
        _mismatch(scope, residual, kind, start, arm, shortcut)
    if agree == "never":
        scope.session.never = True
        scope.carry(UNKNOWN)
        return
    scope.flow = scope.apply_op(
        OPS["add"],
        {},
        (arm, shortcut),
        residual.shortcut.span,
        joining=True,
        shortcut=kind,
        reported=agree != "often",
    )


def _ends(scope: Scope) -> tuple[Flow, ...]:
    """What the steps so far end in."""
    return scope.flow


def _rehearse(scope: Scope, body: ast.Body, env: Env, start: Flow) -> Flow:
    from resdsl.elaborate.flow import Scope as NewScope

    graph = Graph("rehearsal", "scope", body.span)
    trial = NewScope(scope.session, graph, scope)
    trial.carry(trial.feed("x", start, body.span))
    trial.run(body, Env(env.module, env))
    if len(_ends(trial)) != 1:
        return UNKNOWN
    end = trial.flow[0]
    return Flow(start.port if end.port else None, end.shape, compose(start.field, end.field))


def _agree(scope: Scope, start: Flow, arm: Flow) -> bool:
    """Whether the arm keeps the shape: equal for every admitted size, and no stride on the way."""
    if start.shape is None or arm.shape is None:
        return False
    if scope.session.domain.mismatch(start.shape, arm.shape) is not None:
        return False
    return all(s == 1 for s in _stride(start, arm))


def _stride(start: Flow, arm: Flow) -> tuple[Fraction, ...]:
    """Total stride of the arm along each spatial axis."""
    if start.field is None or arm.field is None:
        return (Fraction(1),) * (len(start.shape or (0,)) - 1)
    return tuple(a[1] / s[1] for s, a in zip(start.field, arm.field, strict=False))


def _shortcut(
    scope: Scope, residual: ast.Residual, env: Env, start: Flow, arm: Flow
) -> tuple[Flow | None, ShortcutKind]:
    """The value the shortcut carries, and its kind; None for the policy `none`."""
    clause = residual.shortcut
    policy: Any = scope.evaluate(clause.first, env)
    other: Any = scope.evaluate(clause.second, env) if clause.second is not None else None
    where = clause.first
    if policy is POISON or other is POISON:
        return UNKNOWN, "body"
    if clause.second is not None:
        if arm.shape is None or start.shape is None:
            return UNKNOWN, "body"
        if not _agree(scope, start, arm):
            policy, where = other, clause.second
    return _run_policy(scope, policy, where.span, clause, env, start, arm)


def _run_policy(
    scope: Scope, policy: Any, span: Span, clause: ast.Shortcut, env: Env, start: Flow, arm: Flow
) -> tuple[Flow | None, ShortcutKind]:
    if policy is None:
        return None, ""
    name = scope.layer_name(clause.name, env) if clause.name else None
    if isinstance(policy, Closure):
        carried = _filled(
            scope, name, clause, start, lambda s: s.run(policy.body, Env(policy.env.module, policy.env))
        )
        return carried, "identity" if _is_same(scope, start, carried) else "body"
    if not isinstance(policy, Recipe):
        scope.session.error(
            codes.BAD_ARGUMENT,
            f"a shortcut cannot be {described(policy)}",
            span,
            help=f"a shortcut is {POLICIES}",
        )
        return UNKNOWN, "body"
    if isinstance(policy.target, type) and policy.target.name == "identity":
        return start, "identity"
    if arm.shape is None or start.shape is None:
        return UNKNOWN, "body"
    stride = tuple(int(s) for s in _stride(start, arm))
    step: Any = stride[0] if len(set(stride)) == 1 else stride
    channels = arm.shape[0] if arm.shape else 0
    if isinstance(policy.target, Projection):
        bound = dict(policy.bound)
        norm = bound.get("norm", Recipe(OPS["batchnorm"]))

        def project(inner: Scope) -> None:
            inner.run_recipe(
                Recipe(OPS["conv"]),
                {
                    "out": (channels, span),
                    "size": ((1,) * max(len(stride), 1), span),
                    "stride": (step or 1, span),
                    "padding": (0, span),
                },
                None,
                span,
            )
            if isinstance(norm, Closure):
                inner.run(norm.body, Env(norm.env.module, norm.env))
            elif norm is not None:
                inner.run_recipe(norm, {k: (v, span) for k, v in norm.bound}, None, span)

        return _filled(scope, name, clause, start, project), "projection"
    if isinstance(policy.target, type) and policy.target.name == "zero_pad":
        # Without arguments it fits the arm; its torch text is a slice and a pad, so it has no name.
        given = dict(policy.bound)
        values = {"channels": given.get("channels", channels), "stride": given.get("stride", step or 1)}
        scope.carry(start)
        made = scope.apply_op(
            OPS["zero_pad"], {k: (v, span) for k, v in values.items()}, (start,), span, joining=True
        )
        return made[0], "zero_pad"
    call = ast.Call(ast.Name(policy.name, span), None, span)
    full = bind(scope, policy, call, env)
    if full is None or missing(scope.session, policy, full, span):
        return UNKNOWN, "body"
    if name is not None:
        scope.carry(start)
        scope.run_recipe(policy, full, name, span)
        return scope.flow[0], "body"
    return _filled(scope, None, clause, start, lambda s: s.run_recipe(policy, full, None, span)), "body"


def _filled(scope: Scope, name: str | None, clause: ast.Shortcut, start: Flow, fill: Any) -> Flow:
    """Run layers on the shortcut: in a scope of its name, or in place."""
    scope.carry(start)
    if name is None:
        fill(scope)
    else:
        scope.scoped(name, "scope", clause.span, fill)
    if len(_ends(scope)) != 1:
        message = f"a shortcut ends in one value, this in {len(_ends(scope))}"
        scope.session.error(codes.NOT_A_STEP, message, clause.span, help=ONE)
        return UNKNOWN
    return scope.flow[0]


def _complain_of_drop(scope: Scope, residual: ast.Residual, arm: Flow) -> None:
    """Warn of an arm that `drop_path` ends, where no shortcut carries the value past it."""
    graph, port = scope.graph, arm.port
    while port is not None and isinstance(inside := graph.node(port.node).content, Graph):
        graph, port = inside, inside.outputs[port.index]
    if port is None:
        return
    node = graph.node(port.node)
    if getattr(node.content, "name", "") == "drop_path" and getattr(node.content, "p", 0) > 0:
        policies = [p for p in (residual.shortcut.first, residual.shortcut.second) if p is not None]
        scope.session.sink.add(
            Diagnostic(
                codes.BARE_DROP_PATH,
                "`drop_path` drops the whole value, as there is no shortcut here",
                Label(node.span),
                (Label(policies[-1].span, "there is none"),),
                help=("write it only where the shapes agree: `if joins { drop_path(...) }`",),
            )
        )


def _is_same(scope: Scope, start: Flow, carried: Flow) -> bool:
    """Whether the body of a shortcut ran nothing."""
    if carried.port is None or carried.port == start.port:
        return carried.port is not None
    node = scope.graph.node(carried.port.node)
    if not isinstance(node.content, Graph) or node.inputs != (start.port,):
        return False
    return [port.node for port in node.content.outputs] == node.content.inputs


def _mismatch(
    scope: Scope,
    residual: ast.Residual,
    kind: str,
    start: Flow,
    arm: Flow,
    shortcut: Flow,
) -> None:
    """Both operands, why they meet, and the way out."""
    assert arm.shape is not None
    assert shortcut.shape is not None
    clause = residual.shortcut
    blame = clause.second if clause.second is not None and kind != "identity" else clause.first
    secondary = [Label(span, text) for span, text in _changes(scope, start, arm)]
    notes = [side_by_side({"arm": arm.shape, "shortcut": shortcut.shape})]
    note = sometimes(scope.session.domain, arm.shape, shortcut.shape)
    if note:
        notes.append(note.format("the arm gives", "the shortcut"))
    helps: list[str] = []
    if kind == "identity":
        code, what = codes.SHORTCUT_MISMATCH, "identity shortcut"
        label = f"carries {show(shortcut.shape)}, unchanged from the input"
    else:
        code, what = codes.SHAPE_MISMATCH, "the shortcut"
        label = f"carries {show(shortcut.shape)}"
    fix = None
    if kind == "identity":
        if _fits(scope, start, arm, "zero_pad"):
            helps.append(PAD)
        if _fits(scope, start, arm, "conv"):
            helps.insert(0, PROJECT)
            if clause.second is None and isinstance(clause.first, ast.Name):
                end = Span(blame.span.source, blame.span.end, blame.span.end)
                fix = Fix(PROJECT, (Edit(end, " else projection"),), safe=False)
    if kind == "identity" and isinstance(clause.first, ast.Conditional):
        helps.append("add where the shapes agree, and only there: `identity else none`")
    if kind == "body" and _fits(scope, start, arm, "conv"):
        helps = ["`projection` is a 1x1 convolution with the channels and stride of the arm, and a norm"]
    if not helps:
        alike = (len(arm.shape), arm.shape[:1]) == (len(shortcut.shape), shortcut.shape[:1])
        resized = alike and all(s == 1 for s in _stride(start, arm))
        written = re.search(r"padding = \w+", " ".join(label.span.text for label in secondary))
        helps = [
            (f"leave out `{written[0]}`: " if written else "")
            + "an odd window keeps the size where no `padding` is written"
            if resized and kind == "identity"
            else "let the arm and the shortcut end in one shape"
        ]
    scope.session.error(
        code,
        f"{what} joins {show(shortcut.shape)} with an arm of {show(arm.shape)}",
        blame.span,
        label,
        secondary=secondary,
        notes=notes,
        help=helps,
        fix=fix,
    )


def _fits(scope: Scope, start: Flow, arm: Flow, policy: str) -> bool:
    """Whether `projection` (its convolution) or `zero_pad` would carry the shape of the arm."""
    assert arm.shape is not None
    assert start.shape is not None
    if len(arm.shape) != len(start.shape) or len(arm.shape) < 2 or not isinstance(arm.shape[0], int):
        return False
    stride = tuple(int(s) for s in _stride(start, arm))
    if policy == "conv":
        values: dict[str, Any] = {"out": arm.shape[0], "size": 1, "stride": stride, "padding": 0}
    else:
        values = {"channels": arm.shape[0], "stride": stride}
    try:
        (carried,) = OPS[policy](**values).shapes(start.shape)
    except (Reject, NotClosed):
        return False
    return scope.session.domain.meet(carried, arm.shape) == "often"


def _changes(scope: Scope, start: Flow, arm: Flow) -> list[tuple[Span, str]]:
    """The steps of the arm that change its shape, the last of each axis first found backwards."""
    found: list[tuple[Span, str]] = []
    port, seen = arm.port, 0
    assert start.port is not None
    while port is not None and port != start.port and seen < 200:
        node = scope.graph.node(port.node)
        seen += 1
        if not node.inputs:
            break
        before, after = scope.graph.shape(node.inputs[0]), node.shapes[port.index]
        if before is not None and after is not None and before != after:
            found.append((node.span, f"{show(before)} becomes {show(after)} here"))
        port = node.inputs[0]
    return found[:2][::-1]
