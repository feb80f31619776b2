"""The table of a search: what each setting of a net costs."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import Literal

from resdsl.graph.cost import Cost
from resdsl.render.numbers import short

Format = Literal["text", "md", "csv", "json"]
COUNTS = ("params", "macs", "activations")


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting: its values as text by parameter, and what it costs; None where it has errors.

    `at` is the input it was counted for, where several are compared.
    """

    values: tuple[tuple[str, str], ...]
    cost: Cost | None
    reason: str = ""
    at: str = ""

    @property
    def cells(self) -> list[str]:
        """What stands before the counts."""
        return [*(value for _, value in self.values), *([self.at] if self.at else [])]

    @property
    def counts(self) -> dict[str, int]:
        """The counts by name; none where it has errors."""
        return {c: getattr(self.cost, c) for c in COUNTS} if self.cost else {}


def sweep_table(title: str, names: list[str], trials: list[Trial], format: Format = "text") -> str:
    """Parameters, and for one sample in evaluation MACs and activations, of each setting."""
    match format:
        case "json":
            return json.dumps([_data(t) for t in trials], indent=2) + "\n"
        case "csv":
            text = io.StringIO()
            out = csv.writer(text, lineterminator="\n")
            out.writerow([*names, *COUNTS])
            for t in trials:
                out.writerow([*t.cells, *(t.counts.get(c, "") for c in COUNTS)])
            return text.getvalue()
        case "md":
            head = [*names, "params", "MACs", "activations"]
            rule = [*["---"] * len(names), *["--:"] * len(COUNTS)]
            rows = [[*(f"`{v}`" for v in t.cells), *_exact(t)] for t in trials]
            return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rule, *rows))
        case _:
            return _text(title, names, trials)


def _data(trial: Trial) -> dict[str, object]:
    made: dict[str, object] = {"settings": dict(trial.values)}
    if trial.at:
        made["at"] = trial.at
    return made | (trial.counts if trial.cost else {"error": trial.reason})


def _exact(trial: Trial) -> list[str]:
    return [f"{trial.counts[c]:,}" if trial.cost else "-" for c in COUNTS]


def _text(title: str, names: list[str], trials: list[Trial]) -> str:
    rows = [[*names, "params", "MACs", "act."]]
    for t in trials:
        counts = ["-"] * len(COUNTS)
        if t.cost is not None:
            counts = [f"{t.cost.params:,}", short(t.cost.macs), short(t.cost.activations)]
        rows.append([*t.cells, *counts])
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    lines = [title, ""]
    for i, row in enumerate(rows):
        cells = [
            f"{cell:<{w}}" if c < len(names) else f"{cell:>{w}}"
            for c, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
        if i == 0:
            lines.append("─" * (sum(widths) + 2 * (len(widths) - 1)))
    wrong = dict.fromkeys(
        (", ".join(f"{k} = {v}" for k, v in zip(names, t.cells, strict=True)), t.reason)
        for t in trials
        if not t.cost
    )
    if wrong:
        lines += ["", *(f"{which}: {reason}" for which, reason in wrong)]
    return "\n".join(lines) + "\n"
