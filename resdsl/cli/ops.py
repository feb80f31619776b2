"""The command `ops`."""

from __future__ import annotations

import argparse

from resdsl import extensions
from resdsl.cli.errors import Usage
from resdsl.diagnostics.suggest import did_you_mean
from resdsl.ops import OPS
from resdsl.ops.elsewhere import here
from resdsl.render.reference import describe, listing, markdown


def ops_command(args: argparse.Namespace) -> int:
    """`resdsl ops [OP]`, with those of extensions that are named."""
    ops = dict(OPS)
    for name in args.extension:
        ops |= extensions.load(name)
    if args.markdown:
        print(markdown(ops), end="")
    elif args.name is None:
        print(listing(ops), end="")
    elif args.name in ops:
        print(describe(ops[args.name]), end="")
    else:
        same = here(args.name)
        hint = f"here it is `{same}`" if same else did_you_mean(args.name, ops)
        raise Usage(f"there is no op `{args.name}`; {hint or '`resdsl ops` lists them'}")
    return 0
