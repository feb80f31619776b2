"""Showing diagnostics."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from resdsl.diagnostics import render
from resdsl.diagnostics.model import Code, Diagnostic, Label, Severity
from resdsl.source import Source, Span


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


def failing(diagnostics: Sequence[Diagnostic]) -> bool:
    """Whether any is an error."""
    return any(d.severity is Severity.ERROR for d in diagnostics)


def problem(code: Code, path: str, message: str, notes: tuple[str, ...] = ()) -> Diagnostic:
    """A diagnostic about a file as a whole."""
    return Diagnostic(code, message, Label(Span(Source(path, ""), 0, 0)), notes=notes)
