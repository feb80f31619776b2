"""Two files with several nets: one line for each net."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from resdsl.diff.compare import Difference
from resdsl.diff.text import COLORS, ansi, columns
from resdsl.diff.words import verdict


def overview(
    a: str,
    b: str,
    found: Mapping[str, Difference],
    gone: Sequence[str],
    new: Sequence[str],
    *,
    format: str = "text",
    color: bool = False,
) -> str:
    """What became of each net.

    Args:
        a: the first file.
        b: the second file.
        found: the nets that both have, compared.
        gone: nets that only the first has.
        new: nets that only the second has.
        format: `text`, or `md`.
        color: whether to use ANSI colours.
    """
    lines = [("=" if d.verdict == "identical" else "~", name, _said(d)) for name, d in found.items()]
    lines += [*(("-", name, "removed") for name in gone), *(("+", name, "added") for name in new)]
    equal = sum(d.verdict == "identical" for d in found.values())
    counts = (
        (equal, "identical"),
        (len(found) - equal, "changed"),
        (len(gone), "removed"),
        (len(new), "added"),
    )
    total = f"{len(lines):,} nets: " + ", ".join(f"{n:,} {word}" for n, word in counts if n)
    if format == "md":
        rows = [f"| {mark} | `{name}` | {said} |" for mark, name, said in lines]
        return "\n".join(
            [f"### `{a}` → `{b}`", "", "| | net | |", "| --- | --- | --- |", *rows, "", total, ""]
        )
    body = [(mark, row) for (mark, *_), row in zip(lines, columns(lines), strict=True)]
    made = [("-", f"--- {a}"), ("+", f"+++ {b}"), ("", ""), *body, ("", ""), ("", total)]
    if len(found) - equal > 1:
        made.append(("", "give one net, as in `FILE:NET`, to see its layers and weights"))
    return "\n".join(ansi(row, COLORS.get(mark) if color else None) for mark, row in made) + "\n"


def _said(found: Difference) -> str:
    text = verdict(found)
    return f"warning: {text}" if found.verdict == "outputs" else text
