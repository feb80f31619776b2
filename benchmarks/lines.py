"""How many lines of code bundled nets take.

    python -m benchmarks.lines [NET ...]

A line of code is neither blank, nor a comment, nor an `expect`. Only what a net needs is counted, through all the
files it uses, and what several nets need is counted once. Torch-free. Without names, counts every bundled net.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict

from resdsl import resources
from resdsl.diagnostics.model import Sink
from resdsl.find import bundled_nets, find
from resdsl.source import Source
from resdsl.syntax import ast
from resdsl.syntax.parser import parse

Lines = dict[str, set[int]]
"""Line numbers by file; those of nets apart from those of blocks: `resnet` and `resnet (nets)`."""


class Library:
    """The bundled files: what each declares, and what that needs."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[Source, ast.File]] = {}

    def file(self, stem: str) -> tuple[Source, ast.File]:
        """A file by its name without `.res`."""
        if stem not in self.files:
            path = resources.specs() / f"{stem}.res"
            source = Source(path.name, path.read_text(encoding="utf-8"))
            parsed = parse(source, Sink())
            assert parsed is not None
            self.files[stem] = source, parsed
        return self.files[stem]

    def needed(self, stem: str, name: str, found: dict[tuple[str, str], ast.Item]) -> None:
        """Add the declaration of a name, and of all that it names in turn."""
        if (stem, name) in found:
            return
        source, file = self.file(stem)
        for item in file.items:
            if isinstance(item, ast.Use) and name in {n.id for n in item.names}:
                assert isinstance(item.origin, ast.Path)
                found[stem, f"use {item.origin.parts[-1]}"] = item
                self.needed(item.origin.parts[-1], name, found)
                return
            if not isinstance(item, ast.Use | ast.Edition) and name in _named(item):
                found[stem, name] = item
                own = item.params if isinstance(item, ast.Block) else ()
                words = set(re.findall(r"[A-Za-z_]\w*", source.text[item.span.start : item.span.end]))
                for word in sorted(words - {p.name.id for p in own}):
                    self.needed(stem, word, found)
                return

    def lines(self, nets: list[str]) -> Lines:
        """Where the code of some nets is."""
        found: dict[tuple[str, str], ast.Item] = {}
        for name in nets:
            place = find(name).path
            assert place is not None
            self.needed(place.stem, name, found)
        lines: Lines = defaultdict(set)
        for (stem, _), item in found.items():
            is_net = isinstance(item, ast.Family) or (isinstance(item, ast.Block) and item.is_net)
            lines[f"{stem} (nets)" if is_net else stem] |= code_lines(self.file(stem)[0], item)
        return lines


def _named(item: ast.Let | ast.Block | ast.Family) -> set[str]:
    """The names that an item declares."""
    if isinstance(item, ast.Let):
        return {target.id for target in item.targets if isinstance(target, ast.Name)}
    return {item.name.id}


def code_lines(source: Source, item: ast.Item) -> set[int]:
    """The numbers of the lines of a declaration that are code. A family with only expectations is its first line."""
    first, last = (source.text.count("\n", 0, place) for place in (item.span.start, item.span.end))
    expects: tuple[ast.Expect, ...] = ()
    if isinstance(item, ast.Family):
        expects = item.expects
        if expects:
            last = source.text.count("\n", 0, item.call.span.end)
    elif isinstance(item, ast.Block):
        expects = tuple(s for s in item.body.statements if isinstance(s, ast.Expect))
    left_out = {
        n
        for e in expects
        for n in range(source.text.count("\n", 0, e.span.start), source.text.count("\n", 0, e.span.end) + 1)
    }
    texts = source.text.split("\n")
    return {
        n
        for n in range(first, last + 1)
        if n not in left_out and texts[n].strip() and not texts[n].lstrip().startswith("#")
    }


def table(nets: list[str]) -> str:
    """The lines of each file, of blocks and of nets."""
    lines = Library().lines(nets)
    stems = sorted({name.removesuffix(" (nets)") for name in lines})
    rows = [(s, len(lines.get(s, ())), len(lines.get(f"{s} (nets)", ()))) for s in stems]
    total = sum(blocks + more for _, blocks, more in rows)
    wide = max(map(len, stems))
    return "\n".join(
        [
            f"{'file':<{wide}}  blocks  nets  lines",
            *(f"{s:<{wide}}  {blocks:>6}  {more:>4}  {blocks + more:>5}" for s, blocks, more in rows),
            f"{len(nets)} nets in {len(stems)} files: {total} lines of code",
        ]
    )


if __name__ == "__main__":
    print(table(sys.argv[1:] or bundled_nets()))
