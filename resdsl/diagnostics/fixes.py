"""Fixes, applied to a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from resdsl.diagnostics.model import Diagnostic, Edit, Fix
from resdsl.source import Source


def apply_fixes(
    source: Source, diagnostics: Iterable[Diagnostic], unsafe: bool = False
) -> tuple[str, list[Fix]]:
    """Apply fixes to one source, earlier diagnostics first.

    A fix is applied whole or not at all. It is left out when it changes nothing, touches another
    source, or collides with a fix applied before; checking the new text reports the mistake again.

    Args:
        source: the text the diagnostics are about.
        diagnostics: what was found in it.
        unsafe: whether to apply fixes that may change what the author meant.

    Returns:
        The new text, and the fixes that are in it.
    """
    taken: list[Edit] = []
    applied: list[Fix] = []
    for diagnostic in diagnostics:
        fix = diagnostic.fix
        if fix is None or not (fix.safe or unsafe) or not _fits(source, fix, taken):
            continue
        taken.extend(fix.edits)
        applied.append(fix)
    return edited(source.text, taken, 0, len(source.text)), applied


def _fits(source: Source, fix: Fix, taken: Sequence[Edit]) -> bool:
    if any(edit.span.source is not source for edit in fix.edits):
        return False
    edits = [*taken, *fix.edits]
    added = range(len(taken), len(edits))
    if any(_collide(edits[i], edits[j]) for i in added for j in range(i)):
        return False
    return edited(source.text, fix.edits, 0, len(source.text)) != source.text


def _collide(one: Edit, other: Edit) -> bool:
    a, b = one.span, other.span
    # Two edits that start at one place have no order, even when one of them only inserts.
    return a.start == b.start or (a.start < b.end and b.start < a.end)


def edited(text: str, edits: Sequence[Edit], start: int, end: int) -> str:
    """`text[start:end]` after edits that lie inside it and do not collide."""
    parts = []
    at = start
    for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)):
        parts += [text[at : edit.span.start], edit.text]
        at = edit.span.end
    return "".join([*parts, text[at:end]])


def fix_diff(source: Source, new_text: str) -> str:
    """A unified diff from a source to its new text; empty when they are equal."""
    from difflib import unified_diff

    # Not `splitlines`: in a spec only a newline ends a line.
    old, new = (text.split("\n") for text in (source.text, new_text))
    lines = unified_diff(_whole(old), _whole(new), f"{source.path} (before)", f"{source.path} (after)")
    return "".join(_ended(line) for line in lines)


def _whole(parts: list[str]) -> list[str]:
    """Lines with their newlines, from a text split at newlines."""
    *lines, rest = parts
    return [f"{line}\n" for line in lines] + ([rest] if rest else [])


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
