"""The command line: `resdsl COMMAND ...`. Exit codes: 0 fine, 1 the spec has errors, 2 the command was wrong."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

from resdsl.cli import plain
from resdsl.cli.arguments import parser
from resdsl.cli.errors import Usage


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal may not know ×
            stream.reconfigure(errors=plain.HANDLER)
    known = parser()
    args = known.parse_args(argv)
    name: str | None = getattr(args, "command", None)
    if name is None:
        known.print_help()
        return 0
    _allow_extensions(getattr(args, "extension", []))
    try:
        # imported when it runs: some need torch, and none should wait for the others
        code: int = getattr(import_module(f"resdsl.cli.{name}"), f"{name}_command")(args)
        return code
    except Usage as error:
        print(f"resdsl: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("resdsl: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        print(f"resdsl: cannot write or read a file: {reason}", file=sys.stderr)
        return 2


def _allow_extensions(named: Sequence[str]) -> None:
    if named:
        from resdsl import extensions

        extensions.allow(*named)
