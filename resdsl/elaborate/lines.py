"""Texts whose lines suggest another meaning than they have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Diagnostic, Edit, Fix, Label
from resdsl.ops import OPS
from resdsl.source import Span
from resdsl.syntax import ast


def arms_on_a_line(call: ast.Call, body: ast.Body) -> Iterator[Diagnostic]:
    """Several steps on a line between lines of arms look like one arm, and are one each."""
    cls = OPS.get(call.callee.id)
    lines = [[*group] for _, group in groupby(body.statements, lambda statement: statement.span.line)]
    if cls is None or cls.body != "arms" or len(lines) < 2:
        return
    for line in lines:
        if len(line) > 1 and all(isinstance(statement, ast.Step) for statement in line):
            whole = line[0].span.to(line[-1].span)
            yield Diagnostic(
                codes.MISLEADING,
                f"these are {len(line)} arms of `{call.callee.id}`, not one",
                Label(whole, "each statement is an arm"),
                help=("of arms that are meant, write each on a line",),
                fix=_replaced("put the steps of one arm in braces", whole, f"{{ {whole.text} }}"),
            )


def behind_shortcut(chain: Sequence[ast.Link]) -> Iterator[Diagnostic]:
    """`shortcut: conv(64, 1x1) -> batchnorm` looks as if both were on the shortcut."""
    for i, link in enumerate(chain[:-1]):
        if not isinstance(link, ast.Application) or not isinstance(link.thing, ast.Residual):
            continue
        clause = link.thing.shortcut
        policy, rest = clause.second or clause.first, chain[i + 1].span.to(chain[-1].span)
        if isinstance(policy, ast.Call) and policy.span.line == rest.line:
            whole = policy.span.to(rest)
            inside = "; ".join([policy.span.text, *(link.span.text for link in chain[i + 1 :])])
            yield Diagnostic(
                codes.MISLEADING,
                "this runs behind the sum, not on the shortcut",
                Label(rest),
                (Label(policy.span, "the shortcut ends here"),),
                help=("what is meant behind the sum goes on a line of its own",),
                fix=_replaced("put the steps of the shortcut in braces", whole, f"{{ {inside} }}"),
            )


def _replaced(title: str, span: Span, text: str) -> Fix:
    return Fix(title, (Edit(span, text),))
