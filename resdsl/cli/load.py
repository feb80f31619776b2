"""Finding and checking the spec that a command is about."""

from __future__ import annotations

import argparse
import sys

from resdsl.cli.errors import Failed, Usage
from resdsl.cli.options import input_shape, settings
from resdsl.cli.show import fail, show
from resdsl.diagnostics import render
from resdsl.diagnostics.model import Diagnostic
from resdsl.find import Found, NotFound, find
from resdsl.graph.given import NoSuchSize, sizes_given
from resdsl.graph.model import Net, sizes_for
from resdsl.pipeline import Checked, check, one_net
from resdsl.sizes import shape_at


def find_or_fail(args: argparse.Namespace, spec: str) -> Found:
    """The spec an argument names; shows why not and raises `Failed`."""
    try:
        return find(spec)
    except NotFound as error:
        fail(args, [error.diagnostic])


def load_net(args: argparse.Namespace) -> Net:
    """The one net a command is about; shows errors and warnings, and raises `Failed` on errors."""
    found = find_or_fail(args, args.spec)
    checked: Checked = check(found.source, found.path, [found.net] if found.net else None, settings(args))
    if not checked.ok:
        fail(args, checked.diagnostics, checked)
    if checked.diagnostics:
        print(render(checked.diagnostics, args.format).rstrip("\n"), file=sys.stderr)
    return the_net(args, checked)


def the_net(args: argparse.Namespace, checked: Checked) -> Net:
    """The net of a spec without errors; shows why there is not one alone, and raises `Failed`."""
    net = one_net(checked)
    if isinstance(net, Diagnostic):
        show(args, [net])
        raise Failed(2)
    return net


def sizes(args: argparse.Namespace, net: Net) -> dict[str, int]:
    """Input sizes by name, from `--at` or the spec: a shape, or a number for all sizes that vary or for each."""
    numbers, first = input_shape(args), net.graph.input_shapes[0] or ()
    try:
        if numbers is not None and len(numbers) != len(first):
            given = sizes_given(net, numbers)
            if given is not None:
                return {**sizes_for(net, shape_at(first, given)), **given}
        return sizes_for(net, numbers)
    except NoSuchSize as error:
        raise Usage(f"--at {args.at}: {error} (`{net.name}`)") from None
    except ValueError as error:
        raise Usage(f"`{net.name}`: {error}" + ("" if args.at else " (--at 3x224x224)")) from None
