"""The command `test`."""

from __future__ import annotations

import argparse
from dataclasses import fields, is_dataclass

from resdsl.cli.files import read, spec_files
from resdsl.cli.show import failing, show
from resdsl.pipeline import check
from resdsl.syntax import ast


def test_command(args: argparse.Namespace) -> int:
    """`resdsl test PATH...`: every net of every file, and what the files expect of them."""
    nets = expectations = failed = 0
    for path in spec_files(args.paths):
        source = read(path)
        checked = check(source, path)
        show(args, checked.diagnostics)
        count = _expectations(checked.module.file) if checked.module else 0
        good = not failing(checked.diagnostics)
        failed += not good
        nets, expectations = nets + len(checked.nets), expectations + count
        print(f"{'ok  ' if good else 'FAIL'} {path}: {_said(len(checked.nets), count)}")
    print(f"{_said(nets, expectations)}, {failed or 'no'} file{'s' if failed > 1 else ''} failed")
    return 1 if failed else 0


def _said(nets: int, expectations: int) -> str:
    counts = ((nets, "net"), (expectations, "expectation"))
    return ", ".join(f"{count} {word}{'s' if count != 1 else ''}" for count, word in counts)


def _expectations(tree: object) -> int:
    """How many `expect` lines and shape annotations a file has."""
    if isinstance(tree, tuple):
        return sum(_expectations(part) for part in tree)
    if not is_dataclass(tree):
        return 0
    own = int(
        isinstance(tree, ast.Expect) or (isinstance(tree, (ast.Stage, ast.Step)) and tree.shape is not None)
    )
    return own + sum(_expectations(getattr(tree, f.name)) for f in fields(tree) if f.name != "span")
