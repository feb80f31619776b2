"""The command `summary`."""

from __future__ import annotations

import argparse
import sys
from shutil import get_terminal_size

from resdsl.cli.errors import Usage
from resdsl.cli.files import put, table_format
from resdsl.cli.load import load_net, sizes
from resdsl.cli.show import use_color


def summary_command(args: argparse.Namespace) -> int:
    """`resdsl summary SPEC...`."""
    from resdsl.render.tables.summary import summaries, summary

    specs = [args.spec] if isinstance(args.spec, str) else args.spec
    batch = args.batch or 1
    if len(specs) > 1 and args.depth != "stage":
        raise Usage("--depth opens one net: give one, or leave it out")
    table = table_format(args, "md", "csv", "json", "tex")
    if table == "tex" and args.depth != "stage":
        raise Usage("the table in LaTeX is the paper's, by stages: leave --depth out")
    if args.batch and (table in ("tex", "csv") or (len(specs) > 1 and table != "json")):
        raise Usage("--batch is for the memory, which this table leaves out: leave it out too")
    color = use_color(args) and not args.output
    nets = [load_net(argparse.Namespace(**{**vars(args), "spec": spec})) for spec in specs]
    # A row is never wrapped: what is too wide for the terminal is left out.
    terminal = sys.stdout.isatty() and not args.output
    width = max(min(get_terminal_size((100, 24)).columns, 120), 60) if terminal else 100
    chosen = [(net, sizes(args, net) if args.at else net.nominal if net.sizes else {}) for net in nets]
    if len(chosen) > 1:
        text = summaries(chosen, batch=batch, width=width, format=table, color=color)
    else:
        ((net, at),) = chosen
        text = summary(net, at, batch=batch, width=width, format=table, depth=args.depth, color=color)
    put(args, text)
    return 0
