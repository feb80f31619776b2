"""The command `sweep`: what a net costs at every combination of settings."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from typing import Any

from resdsl.cli.errors import Usage
from resdsl.cli.files import put, table_format
from resdsl.cli.load import find_or_fail
from resdsl.cli.options import settings, shape_of
from resdsl.cli.show import fail
from resdsl.cli.space import MOST_TRIALS, Condition, Setting, Space, meant_as_list, space
from resdsl.diagnostics.model import Severity, Sink
from resdsl.diagnostics.suggest import listed
from resdsl.elaborate.evaluate import Evaluator
from resdsl.elaborate.scope import Session
from resdsl.elaborate.values import Definition, Recipe
from resdsl.find import Found
from resdsl.graph.cost import cost
from resdsl.graph.model import sizes_for
from resdsl.pipeline import check
from resdsl.render.tables.sweep import COUNTS, Trial, sweep_table

Shapes = list[tuple[int, ...] | None]


def sweep_command(args: argparse.Namespace) -> int:
    """`resdsl sweep SPEC --set depths=[[2, 2], [3, 4]] --set width=[64, 96]`; 1 if a setting has errors."""
    given = settings(args)
    if not given:
        raise Usage("sweep needs something to vary: --set 'width=[64, 96, 128]'")
    format = table_format(args, "md", "csv", "json")
    found = find_or_fail(args, args.spec)
    name, net = _net(args, found)
    assert isinstance(net.target, Definition)
    tried, shapes = space(net, given), _shapes(args)
    keep = Condition(args.where, net.target) if args.where else None
    by = _column(args.sort, tried, shapes) if args.sort else None
    trials = [t for s in _settings(args, tried) for t in _trials(found, name, s, shapes)]
    title = f"{len(trials) // len(shapes):,} of {tried.count:,}" if args.sample else f"{tried.count:,}"
    title = f"{name}   {title} setting{'s' if tried.count != 1 else ''}"
    failed = [t for t in trials if t.cost is None]
    meant = list(meant_as_list(net, given, tried)) if len(failed) == len(trials) else []
    if keep is not None:
        trials = [t for t in trials if t.cost is None or keep.holds(t.values, t.counts)]
        title += f", {len(trials) - len(failed):,} with {keep.text}"
    if by is not None:
        trials.sort(key=lambda t: _order(t, by, tried))
    text = sweep_table(title, [*tried.values, *["at"] * (len(shapes) > 1)], trials, format)
    put(args, text)
    for word in meant:
        items = f"each item of {word}={given[word]} was tried alone"
        print(f"hint: {items}; for the list itself write --set '{word}=[{given[word]}]'", file=sys.stderr)
    return 1 if failed else 0


def _net(args: argparse.Namespace, found: Found) -> tuple[str, Recipe]:
    """The net, with what its family gives; raises `Failed` when its file has errors."""
    checked = check(found.source, found.path, [])
    if not checked.ok or checked.module is None:
        fail(args, checked.diagnostics)
    nets = checked.module.nets
    names = [found.net] if found.net else list(nets)
    if len(names) != 1:
        path = found.source.path
        which = f": {listed(names)}; say which: `{path}:{names[0]}`" if names else ""
        raise Usage(f"`{path}` has {len(names) or 'no'} nets{which}")
    if names[0] not in nets:
        fail(args, check(found.source, found.path, names).diagnostics)
    recipe = Evaluator(Session(Sink())).definition(nets[names[0]])
    if (
        not isinstance(recipe, Recipe)
        or not isinstance(recipe.target, Definition)
        or not recipe.target.is_net
    ):
        fail(args, check(found.source, found.path, names).diagnostics)
    return names[0], recipe


def _shapes(args: argparse.Namespace) -> Shapes:
    """The inputs to count for: `--at 3x224x224,3x320x320`, or several `--at`."""
    texts = [t for text in args.at for t in re.split(r",(?=[^,]*x)", text.replace(" ", ""))]
    return [shape_of(text) for text in texts] or [None]


def _settings(args: argparse.Namespace, tried: Space) -> Iterator[Setting]:
    count = tried.count if args.sample is None else args.sample
    if count > MOST_TRIALS:
        help = "" if args.sample else "; try some of them with --sample 1000"
        raise Usage(f"{count:,} settings are more than {MOST_TRIALS:,}{help}")
    return tried.all() if args.sample is None else tried.sample(count, args.seed)


def _trials(found: Found, name: str, setting: Setting, shapes: Shapes) -> Iterator[Trial]:
    """What one setting costs, for each input."""
    checked = check(found.source, found.path, [name], dict(setting))
    errors = [d for d in checked.diagnostics if d.severity is Severity.ERROR]
    for shape in shapes:
        at = "x".join(map(str, shape)) if shape is not None and len(shapes) > 1 else ""
        if errors:
            yield Trial(setting, None, errors[0].message, at)
            continue
        net = checked.nets[name]
        try:
            yield Trial(setting, cost(net.graph, sizes_for(net, shape)), "", at)
        except ValueError as reason:
            if shape is None:
                raise Usage(f"`{name}`: {reason} (--at 3x224x224)") from None
            yield Trial(setting, None, str(reason), at)


def _column(name: str, tried: Space, shapes: Shapes) -> str:
    """The column to sort by."""
    columns = [*tried.values, *["at"] * (len(shapes) > 1), *COUNTS]
    found = next((c for c in columns if c == name), next((c for c in COUNTS if c == name.lower()), None))
    if found is None:
        raise Usage(f"--sort takes a column: {', '.join(columns)}")
    return found


def _order(trial: Trial, column: str, tried: Space) -> Any:
    """Where a trial stands in a column: by its count, or as its value is listed; without a count last."""
    if column in tried.values:
        return tried.values[column].index(dict(trial.values)[column])
    if column in COUNTS:
        return (trial.cost is None, trial.counts.get(column, 0))
    return [int(n) for n in trial.at.split("x")]
