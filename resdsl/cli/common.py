"""What the commands share: finding and checking the spec, showing diagnostics, reading options."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from resdsl.diagnostics import render
from resdsl.diagnostics.model import Diagnostic, Severity
from resdsl.find import Found, NotFound, find
from resdsl.graph.model import Net, sizes_for
from resdsl.pipeline import Checked, check, one_net


class Usage(Exception):
    """The command was given wrongly; the text says how."""


class Failed(Exception):
    """The spec has errors, which have been shown. Its argument is what was found out, if anything was."""


def settings(args: argparse.Namespace) -> dict[str, str]:
    """`--set NAME=VALUE` as a dict."""
    made: dict[str, str] = {}
    for text in getattr(args, "set", []):
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise Usage(f"--set takes NAME=VALUE, not `{text}`")
        if name.strip() in made:
            raise Usage(f"--set gives `{name.strip()}` twice")
        made[name.strip()] = value.strip()
    return made


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


def find_or_fail(args: argparse.Namespace, spec: str) -> Found:
    """The spec an argument names; shows why not and raises `Failed`."""
    try:
        return find(spec)
    except NotFound as error:
        show(args, [error.diagnostic])
        raise Failed from None


def load_net(args: argparse.Namespace) -> Net:
    """The one net a command is about; shows errors and warnings, and raises `Failed` on errors."""
    found = find_or_fail(args, args.spec)
    checked: Checked = check(found.source, found.path, [found.net] if found.net else None, settings(args))
    if not checked.ok:
        show(args, checked.diagnostics)
        raise Failed(checked)
    if checked.diagnostics:
        print(render(checked.diagnostics, args.format).rstrip("\n"), file=sys.stderr)
    net = one_net(checked)
    if isinstance(net, Diagnostic):
        show(args, [net])
        raise Failed
    return net


def input_shape(args: argparse.Namespace) -> tuple[int, ...] | None:
    """`--at 3x224x224` as a shape."""
    text = getattr(args, "at", None)
    return None if text is None else shape_of(text)


def shape_of(text: str) -> tuple[int, ...]:
    """`3x224x224` as a shape."""
    parts = text.strip("[]").replace(",", "x").replace(" ", "").split("x")
    if not all(p.isascii() and p.isdigit() and len(p) < 20 and int(p) > 0 for p in parts):
        raise Usage(f"--at takes a shape like 3x224x224, not `{text}`")
    return tuple(int(p) for p in parts)


def sizes(args: argparse.Namespace, net: Net) -> dict[str, int]:
    """Input sizes by name, from `--at` or the spec."""
    try:
        return sizes_for(net, input_shape(args))
    except ValueError as error:
        raise Usage(f"`{net.name}`: {error}" + ("" if args.at else " (--at 3x224x224)")) from None
