"""The command `sweep`: what a net costs at every combination of settings."""

from __future__ import annotations

import argparse
import sys
from itertools import product
from typing import Any

from resdsl.cli.common import Failed, Usage, find_or_fail, input_shape, settings
from resdsl.cli.front import suffix_of
from resdsl.diagnostics.model import Diagnostic, Severity, Sink
from resdsl.files import write_file
from resdsl.find import Found
from resdsl.graph.cost import cost
from resdsl.graph.model import sizes_for
from resdsl.pipeline import check, one_net
from resdsl.source import Source
from resdsl.syntax import ast

MOST_TRIALS = 10_000


def sweep_command(args: argparse.Namespace) -> int:
    """`resdsl sweep SPEC --set depths=[[2, 2], [3, 4]] --set width=[64, 96]`; 1 if a setting has errors."""
    from resdsl.render.sweep import sweep_table

    try:
        found = find_or_fail(args, args.spec)
    except Failed:
        return 1
    choices = {name: _values(name, text) for name, text in settings(args).items()}
    if not choices:
        raise Usage("sweep needs something to vary: --set width=[64, 96, 128]")
    count = 1
    for values in choices.values():
        count *= len(values)
    if count > MOST_TRIALS:
        raise Usage(f"{count:,} settings are more than {MOST_TRIALS:,}")
    at = input_shape(args)
    trials = []
    for chosen in product(*choices.values()):
        trials.append(_trial(found, tuple(zip(choices, chosen, strict=True)), at))
    format: Any = args.table or (suffix_of(args.output, ("md", "csv", "json")) if args.output else "text")
    text = sweep_table(f"{found.net or found.source.path}   {count} settings", trials, format)
    if args.output:
        write_file(args.output, text)
        print(f"wrote {args.output}", file=sys.stderr)
    else:
        print(text.rstrip("\n"))
    return 0 if all(t.cost is not None for t in trials) else 1


def _values(name: str, text: str) -> list[str]:
    """The values of a list, as text; anything else is one value."""
    from resdsl.syntax.parser import parse_expression

    sink = Sink()
    expr = parse_expression(Source("--set", text), 0, len(text), sink)
    if expr is None or sink.has_errors:
        raise Usage(f"--set {name}={text}: `{text}` is not a value of the language")
    if isinstance(expr, ast.ListExpr):
        if not expr.items:
            raise Usage(f"--set {name}=[] gives no value to try")
        return [item.span.text for item in expr.items]
    return [text]


def _trial(found: Found, values: tuple[tuple[str, str], ...], at: tuple[int, ...] | None) -> Any:
    from resdsl.render.sweep import Trial

    checked = check(found.source, found.path, [found.net] if found.net else None, dict(values))
    errors = [d for d in checked.diagnostics if d.severity is Severity.ERROR]
    if errors:
        return Trial(values, None, errors[0].message)
    net = one_net(checked)
    if isinstance(net, Diagnostic):
        raise Usage(net.message)
    try:
        return Trial(values, cost(net.graph, sizes_for(net, at)))
    except ValueError as reason:
        if at is None:
            raise Usage(f"`{net.name}`: {reason} (--at 3x224x224)") from None
        return Trial(values, None, str(reason))
