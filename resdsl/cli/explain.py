"""The command `explain`."""

from __future__ import annotations

import argparse

from resdsl.cli.errors import Usage
from resdsl.diagnostics.codes import CODES
from resdsl.diagnostics.explain import page
from resdsl.diagnostics.suggest import did_you_mean


def explain_command(args: argparse.Namespace) -> int:
    """`resdsl explain CODE`."""
    if args.code is None:
        width = max(map(len, CODES))
        for code in CODES.values():
            print(f"{code.slug:<{width}}  {code.severity:<7}  {code.summary}")
        return 0
    text = page(args.code)
    if text is None:
        raise Usage(
            f"there is no code `{args.code}`; "
            + (did_you_mean(args.code, CODES) or "`resdsl explain` lists them")
        )
    print(text, end="")
    return 0
