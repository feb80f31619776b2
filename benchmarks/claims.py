"""What the benchmarks share: a claim, and the file it is kept in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Claim:
    """What was claimed, and what was measured; `bar` is the most or the least that `value` may be."""

    title: str
    value: float
    bar: float
    at_most: bool
    detail: str

    @property
    def holds(self) -> bool:
        """Whether it is so."""
        return self.value <= self.bar if self.at_most else self.value >= self.bar

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "MISSED"
        bound = f"{'at most' if self.at_most else 'at least'} {self.bar:.3g}"
        return f"{self.title:<52} {self.value:8.3g}  ({bound}: {verdict})  {self.detail}"


def machine_line(known: dict[str, Any]) -> str:
    """Where it was measured, from what a `Side` knows."""
    return (
        f"{known['name_of_device']}, {known['cores']} cores, torch {known['torch']}, threads: {known['threads']},"
        f" Python {known['python']}, {known['system']}"
    )


def keep(file: Path, known: dict[str, Any], claims: Sequence[Claim]) -> None:
    """Write claims as JSON, beside those of earlier runs on the same machine."""
    each = [asdict(claim) | {"holds": claim.holds} for claim in claims]
    before = json.loads(file.read_text()) if file.exists() else {}
    if before.get("environment") == known:  # a run of some rows keeps the others
        titles = {claim["title"] for claim in each}
        each = [claim for claim in before["claims"] if claim["title"] not in titles] + each
    file.write_text(json.dumps({"environment": known, "claims": each}, indent=1) + "\n")
