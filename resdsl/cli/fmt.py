"""The command `fmt`."""

from __future__ import annotations

import argparse
import sys

from resdsl.cli.errors import Usage
from resdsl.cli.files import read, save, spec_files
from resdsl.cli.show import show
from resdsl.diagnostics.fixes import fix_diff
from resdsl.diagnostics.model import Sink
from resdsl.source import Source
from resdsl.syntax.formatter import format_source
from resdsl.syntax.parser import parse


def fmt_command(args: argparse.Namespace) -> int:
    """`resdsl fmt PATH...`."""
    changed, broken = 0, False
    stdin = args.paths == ["-"]
    sources = [_stdin()] if stdin else [read(p) for p in spec_files(args.paths)]
    for source in sources:
        sink = Sink()
        if parse(source, sink) is None or sink.has_errors:
            show(args, sink.sorted())
            broken = True
            continue
        text = format_source(source)
        if stdin and not args.check and not args.diff:
            print(text, end="")
        elif text != source.text:
            changed += 1
            if args.diff:
                print(fix_diff(source, text), end="")
            elif args.check:
                print(f"would format {source.path}")
            else:
                save(source.path, text)
                print(f"formatted {source.path}")
    return 1 if broken or (changed and (args.check or args.diff)) else 0


def _stdin() -> Source:
    try:
        return Source("<stdin>", sys.stdin.read())
    except UnicodeDecodeError:
        raise Usage("the standard input is not UTF-8 text") from None
