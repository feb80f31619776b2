"""The command `ops`."""

from __future__ import annotations

import argparse

from resdsl.cli.errors import Usage
from resdsl.diagnostics.suggest import did_you_mean
from resdsl.ops import OPS
from resdsl.render.reference import describe, listing, markdown


def ops_command(args: argparse.Namespace) -> int:
    """`resdsl ops [NAME]`."""
    if args.markdown:
        print(markdown(), end="")
    elif args.name is None:
        print(listing(), end="")
    elif args.name in OPS:
        print(describe(OPS[args.name]), end="")
    else:
        raise Usage(
            f"there is no op `{args.name}`; " + (did_you_mean(args.name, OPS) or "`resdsl ops` lists them")
        )
    return 0
