"""Showing diagnostics."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from resdsl.cli.errors import Failed
from resdsl.diagnostics import codes, render
from resdsl.diagnostics.model import Code, Diagnostic, Label, Severity
from resdsl.source import Source, Span

if TYPE_CHECKING:
    from resdsl.pipeline import Checked


def use_color(args: argparse.Namespace) -> bool:
    """Whether to colour what is printed: `--color`, `NO_COLOR`, or a terminal."""
    if args.color != "auto":
        return bool(args.color == "always")
    return not os.environ.get("NO_COLOR") and sys.stdout.isatty()


def show(args: argparse.Namespace, diagnostics: Sequence[Diagnostic], *, always: bool = False) -> None:
    """Print diagnostics in the format asked for; machine formats go to stdout, also when empty."""
    machine = args.format in ("json", "sarif")
    if diagnostics or (machine and always):
        print(render(diagnostics, args.format, color=use_color(args)).rstrip("\n"))


def fail(
    args: argparse.Namespace, diagnostics: Sequence[Diagnostic], checked: Checked | None = None
) -> NoReturn:
    """Show diagnostics with errors among them, and raise `Failed`."""
    show(args, diagnostics)
    raise Failed(exit_code(diagnostics), checked)


def failing(diagnostics: Sequence[Diagnostic]) -> bool:
    """Whether any is an error."""
    return any(d.severity is Severity.ERROR for d in diagnostics)


def exit_code(diagnostics: Sequence[Diagnostic]) -> int:
    """0 without errors, 2 where one is in what the command names or gives, 1 where all are in what files hold."""
    errors = [d for d in diagnostics if d.severity is Severity.ERROR]
    return 2 if any(map(_of_command, errors)) else 1 if errors else 0


def _of_command(diagnostic: Diagnostic) -> bool:
    """Whether the command names a spec or a net that there is not, or `--set` gives what the net does not take."""
    place = diagnostic.primary.span
    no_such_net = diagnostic.code is codes.NO_NET and place.end == 0  # at no place of the file
    return diagnostic.code is codes.UNREADABLE or no_such_net or place.source.path == "--set"


def problem(code: Code, path: str, message: str, notes: tuple[str, ...] = ()) -> Diagnostic:
    """A diagnostic about a file as a whole."""
    return Diagnostic(code, message, Label(Span(Source(path, ""), 0, 0)), notes=notes)
