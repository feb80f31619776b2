"""The command `list`."""

from __future__ import annotations

import argparse
from textwrap import fill

from resdsl.cli.files import read
from resdsl.diagnostics.model import Sink
from resdsl.elaborate.files import Loader
from resdsl.find import bundled_files


def list_command(args: argparse.Namespace) -> int:
    """`resdsl list`."""
    for file in bundled_files():
        module = Loader(Sink(), file.parent).load(read(file), file)
        assert module is not None
        head = (module.file.doc or "").split("\n\n")[0].replace("\n", " ")
        print(fill(f"{file.stem}: {head}", 100, subsequent_indent="  "))
        names = "  ".join(module.closed_nets) or f"use std.{file.stem} {{ {', '.join(module.blocks)} }}"
        print(fill(names, 100, initial_indent="    ", subsequent_indent="    "))
    return 0
