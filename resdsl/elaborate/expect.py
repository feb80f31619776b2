"""What a net expects of itself: counts, shapes and conditions in `expect` lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Edit, Fix
from resdsl.elaborate import shapes as shape_text
from resdsl.elaborate.declare import check_condition
from resdsl.elaborate.evaluate import mentions_counts, words_of
from resdsl.elaborate.scope import Env, Session
from resdsl.elaborate.values import Definition, brief
from resdsl.graph.cost import cost
from resdsl.graph.model import Net
from resdsl.syntax import ast

if TYPE_CHECKING:
    from resdsl.elaborate.nets import NetScope


def check_expects(
    session: Session, scope: NetScope, net: Net, definition: Definition, env: Env, changed: bool
) -> None:
    """Check every `expect` of a net.

    What the base of a family counts is about the base alone: each member has counts of its own. With
    settings from outside (`changed`) counts and shapes are not those of the text, and are left out.
    """
    is_member = isinstance(definition.decl, ast.Family)
    for expect, expect_env in scope.expects:
        if not (is_member and expect.condition is not None and mentions_counts(expect.condition)):
            _check_expect(session, scope, net, expect, expect_env, changed)
    if isinstance(definition.decl, ast.Family):
        for expect in definition.decl.expects:
            _check_expect(session, scope, net, expect, env, changed)


def _check_expect(
    session: Session, scope: NetScope, net: Net, expect: ast.Expect, env: Env, changed: bool
) -> None:
    counted = expect.condition is not None and mentions_counts(expect.condition)
    if changed and (counted or expect.target is not None):
        return  # these are about the net as it is written
    at = net.nominal
    if expect.at:
        at = shape_text.sizes_at(scope, expect.at, net.graph.input_shapes, env)
        if at is None:
            return
    if expect.target is not None:
        assert expect.shape is not None
        path = scope.layer_name(expect.target, env)
        flow = scope.read(path) if path else None
        if path and flow is None:
            scope.unknown_value(path, expect.target.span)
        elif flow is not None and flow.shape is not None:
            shape_text.check(
                scope, f"`{path}`", flow.shape, expect.shape, env, at if expect.at else None, "expected"
            )
        return
    if not counted:
        check_condition(scope, expect, env)
        return
    if at is None:
        if expect.condition is not None and _mentions_sizes(expect.condition):
            session.error(
                codes.EXPECT_FAILED,
                f"`{expect.condition.span.text}` counts what depends on the input size",
                expect.condition.span,
                help="say for which: `expect ... at [3, 224, 224]`, or `at` on the input",
            )
            return
        at = net.least
    total = cost(net.graph, at)
    counts = Env(env.module, env)
    counts.names.update(params=total.params, macs=total.macs, activations=total.activations)
    assert expect.condition is not None
    value = scope.condition(expect.condition, counts)
    if value is False:
        _failed(session, scope, expect, counts)


def _failed(session: Session, scope: NetScope, expect: ast.Expect, env: Env) -> None:
    condition = expect.condition
    assert isinstance(condition, ast.Expr.__class__) or condition is not None
    label, fix = "", None
    if isinstance(condition, ast.Binary):
        left, right = scope.evaluate(condition.left, env), scope.evaluate(condition.right, env)
        if isinstance(left, int) and isinstance(right, int):
            more = "more" if left > right else "less"
            label = f"`{condition.left.span.text}` is {left:,}: {abs(left - right):,} {more}"
            if condition.operator == "==" and isinstance(condition.right, ast.Literal):
                fix = Fix(
                    f"if the net is right, write `{left:_}`", (Edit(condition.right.span, f"{left:_}"),)
                )
        else:
            label = f"{brief(left)} {condition.operator} {brief(right)} is false"
    session.error(
        codes.EXPECT_FAILED, f"`{condition.span.text}` does not hold", condition.span, label, fix=fix
    )


def _mentions_sizes(expr: Any) -> bool:
    return any(name in ("macs", "activations") for name in words_of(expr))
