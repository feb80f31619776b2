"""The command line: `resdsl COMMAND ...`.

Exit codes: 0 fine; 1 what a file holds has errors (a spec, weights, a picture, a compiled net); 2 the command was
given wrongly, be it that it names a file, net or setting that there is not; 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

from resdsl import extensions
from resdsl.backend.errors import MissingTorch
from resdsl.cli import plain
from resdsl.cli.arguments import parser
from resdsl.cli.errors import Failed, Usage
from resdsl.files import reason


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
    try:
        _allow(getattr(args, "extension", []))
        # imported when it runs: some need torch, and none should wait for the others
        code: int = getattr(import_module(f"resdsl.cli.{name}"), f"{name}_command")(args)
        return code
    except Failed as failed:
        return failed.code
    except (Usage, MissingTorch, extensions.NoExtension) as error:
        print(f"resdsl: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("resdsl: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        name = f"`{error.filename}`" if error.filename else "a file"
        print(f"resdsl: cannot read or write {name}: {reason(error)}", file=sys.stderr)
        return 2


def _allow(named: Sequence[str]) -> None:
    """`--extension NAME`, of those that are installed."""
    for name in named:
        extensions.entry(name)
    extensions.allow(*named)
