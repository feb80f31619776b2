"""A comparison as Markdown for GitHub, where lines of a `diff` block are coloured by their mark."""

from __future__ import annotations

from resdsl.diff.compare import Difference
from resdsl.diff.text import lists
from resdsl.diff.words import STAGES, counts, notes, stage_lines, title, verdict

MARKS = {"~": "!"}
"""GitHub colours lines that begin with `!` like those of a change."""


def to_markdown(found: Difference) -> str:
    """The verdict, the counts and stages as tables, layers and weights as `diff` blocks."""
    (one, *_), (two, *_) = title(found.a, found.at_a), title(found.b, found.at_b)
    warning = "⚠️ " if found.verdict == "outputs" else ""
    made = [f"### `{one}` → `{two}`", "", f"{warning}**{verdict(found)}**"]
    made += ["", *(f"- {note}" for note in notes(found))] if notes(found) else []
    if found.verdict == "identical":
        return "\n".join(made) + "\n"
    made += ["", *_table(("", one, "change", ""), [line.cells for line in counts(found)])]
    if found.shows_stages:
        rows = [(f"{line.mark} {line.cells[0]}".strip(), *line.cells[1:]) for line in stage_lines(found)]
        made += ["", *_table(STAGES, rows)]
    for name, text in lists(found, MARKS):
        made += ["", f"**{name}**", "", "```diff", *text, "```"]
    return "\n".join(made) + "\n"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    ruled = ["---" if place < 2 else "--:" for place, _ in enumerate(head)]
    return [_row(head), _row(tuple(ruled)), *map(_row, rows)]


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
