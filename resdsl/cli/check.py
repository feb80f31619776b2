"""The command `check`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from resdsl.cli.errors import Usage
from resdsl.cli.files import save
from resdsl.cli.options import settings
from resdsl.cli.show import exit_code, show
from resdsl.diagnostics.model import Diagnostic
from resdsl.elaborate.files import read_source
from resdsl.find import Found, NotFound, find
from resdsl.pipeline import check
from resdsl.source import Source


def check_command(args: argparse.Namespace) -> int:
    """`resdsl check SPEC...`."""
    everything: list[Diagnostic] = []
    good: list[str] = []
    for spec in args.spec:
        found = _found(spec, everything)
        if found is None:
            continue
        source, path, net = found.source, found.path, found.net
        checked = check(source, path, [net] if net else None, settings(args))
        if args.fix or args.unsafe_fixes:
            if path is None or source.path.startswith("std/"):
                raise Usage("--fix changes files, and a bundled spec is not yours to change")
            if _apply(path, source, checked.diagnostics, args.unsafe_fixes):
                source = _reread(path, source)
                checked = check(source, path, [net] if net else None, settings(args))
        everything.extend(checked.diagnostics)
        if checked.ok:
            good.append(_verdict(source, len(checked.nets), net))
    show(args, everything, always=True)
    if args.format == "full":
        for line in good:
            print(line)
    return exit_code(everything)


def _found(spec: str, into: list[Diagnostic]) -> Found | None:
    try:
        return find(spec)
    except NotFound as error:
        into.append(error.diagnostic)
        return None


def _verdict(source: Source, count: int, net: str | None) -> str:
    what = f"net `{net}`" if net else f"{count} net{'s' if count != 1 else ''}"
    return f"{source.path}: {what} checked, every shape fits"


def _reread(path: Path, source: Source) -> Source:
    again = read_source(path, source.path)
    assert isinstance(again, Source)
    return again


def _apply(path: Path, source: Source, diagnostics: tuple[Diagnostic, ...], unsafe: bool) -> bool:
    from resdsl.diagnostics.fixes import apply_fixes

    text, applied = apply_fixes(source, diagnostics, unsafe=unsafe)
    if not applied:
        return False
    save(path, text)
    for fix in applied:
        print(f"fixed: {fix.title}", file=sys.stderr)
    return True
