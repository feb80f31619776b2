"""The command `sizes`: at which input sizes a net fits."""

from __future__ import annotations

import argparse
import sys

from resdsl.cli.errors import Usage
from resdsl.cli.files import put, table_format
from resdsl.cli.load import find_or_fail, the_net
from resdsl.cli.options import settings
from resdsl.cli.show import fail, failing, use_color
from resdsl.diagnostics import codes, render
from resdsl.graph.given import NoSuchSize, sizes_given
from resdsl.graph.model import Net
from resdsl.pipeline import check

OF_SIZES = (codes.NOT_EVERY_SIZE, codes.NO_SIZE)
MOST_DIGITS = 100


def sizes_command(args: argparse.Namespace) -> int:
    """`resdsl sizes SPEC`; a net whose only mistake is its sizes gets its report, and the exit code 1."""
    from resdsl.render.sizes.table import sizes_table

    format = table_format(args, "md", "csv", "json")
    net, good = _load(args)
    at = None if args.at is None else _sizes(net, args.at)
    try:
        text = sizes_table(net, at, format=format, color=use_color(args) and not args.output)
    except NoSuchSize as reason:
        raise Usage(f"`{net.name}` at {args.at}: {reason}") from None
    put(args, text)
    return 0 if good else 1


def _load(args: argparse.Namespace) -> tuple[Net, bool]:
    """The net, and whether it has no error; raises `Failed` for one with other errors than of sizes."""
    found = find_or_fail(args, args.spec)
    checked = check(found.source, found.path, [found.net] if found.net else None, settings(args))
    if failing([d for d in checked.diagnostics if d.code not in OF_SIZES]):
        fail(args, checked.diagnostics)
    if checked.diagnostics:
        print(render(checked.diagnostics, args.format).rstrip("\n"), end="\n\n", file=sys.stderr)
    return the_net(args, checked), checked.ok


def _sizes(net: Net, given: str) -> list[dict[str, int]]:
    """`224,240,225x400` as sizes by name."""
    found = []
    for text in given.replace(" ", "").split(","):
        parts = text.replace("×", "x").split("x")
        if not all(p.isascii() and p.isdigit() and len(p) <= MOST_DIGITS for p in parts):
            raise Usage(f"--at takes sizes like 224,240,225x400, not `{given}`")
        try:
            at = sizes_given(net, [int(p) for p in parts])
        except NoSuchSize as reason:
            raise Usage(f"`{net.name}` at {text}: {reason}") from None
        if at is None:
            declared = ", ".join(map(str, net.graph.input_shapes[0] or ()))
            raise Usage(f"`{net.name}` at {text}: the input is [{declared}]")
        found.append(at)
    return found
