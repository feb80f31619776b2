"""The lines a fix changes."""

from __future__ import annotations

from dataclasses import dataclass

from resdsl.diagnostics.fixes import edited
from resdsl.diagnostics.model import Edit, Fix
from resdsl.source import Source

Numbered = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Hunk:
    """Neighbouring lines before and after."""

    source: Source
    old: Numbered
    new: Numbered

    @property
    def numbers(self) -> list[int]:
        """All line numbers."""
        return [number for number, _ in self.old + self.new]

    @property
    def focus(self) -> int:
        """The first character that changes, from 0."""
        if not (self.old and self.new):
            return 0
        before, after = self.old[0][1], self.new[0][1]
        pairs = enumerate(zip(before, after, strict=False))
        return next((i for i, (a, b) in pairs if a != b), min(len(before), len(after)))


def hunks(fix: Fix) -> list[Hunk]:
    """The changes of a fix, by file and line; lines that stay the same are left out."""
    by_source: dict[Source, list[Edit]] = {}
    for edit in fix.edits:
        by_source.setdefault(edit.span.source, []).append(edit)
    found = []
    for source, edits in by_source.items():
        for group in _groups(source, edits):
            hunk = _hunk(source, group)
            if hunk.old or hunk.new:
                found.append(hunk)
    return found


def _groups(source: Source, edits: list[Edit]) -> list[list[Edit]]:
    """Edits, in order, that share a line or lie on neighbouring lines."""
    groups: list[list[Edit]] = []
    reached = -1
    for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)):
        first, _ = source.line_col(edit.span.start)
        if groups and first <= reached + 1:
            groups[-1].append(edit)
        else:
            groups.append([edit])
        reached = max(reached, source.line_col(edit.span.end)[0])
    return groups


def _hunk(source: Source, edits: list[Edit]) -> Hunk:
    first, column = source.line_col(edits[0].span.start)
    start = edits[0].span.start - (column - 1)
    end = max(edit.span.end for edit in edits)
    newline = source.text.find("\n", end)
    end = len(source.text) if newline < 0 else newline
    old = source.text[start:end].split("\n")
    new = edited(source.text, edits, start, end).split("\n")

    while old and new and old[0] == new[0]:
        del old[0], new[0]
        first += 1
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]

    return Hunk(source, _numbered(old, first), _numbered(new, first))


def _numbered(lines: list[str], first: int) -> Numbered:
    return tuple((first + i, line.rstrip("\r")) for i, line in enumerate(lines))
