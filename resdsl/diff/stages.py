"""The stages of two nets side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from resdsl.diff.layers import Change
from resdsl.render.numbers import shape_text
from resdsl.render.rows import Row, Table


@dataclass(frozen=True)
class Pair:
    """A row of each table; None where one has no such stage. `changes` are those inside."""

    a: Row | None
    b: Row | None
    changes: tuple[Change, ...] = ()
    counts_differ: bool = False

    @property
    def differs(self) -> bool:
        """Whether they do something else, or count otherwise."""
        renamed = self.a is not None and self.b is not None and self.a.name != self.b.name
        return self.counts_differ or renamed or bool(self.changes)

    @property
    def name(self) -> str:
        """Of the stage."""
        row = self.a or self.b
        assert row is not None
        return row.name


def stages(a: Table, b: Table, changes: list[Change]) -> list[Pair]:
    """The rows of two tables in pairs, by name and in order."""
    made: list[Pair] = []
    for one, two in _paired(a, b):
        inside = tuple(c for c in changes if _holds(a, one, c.address) or _holds(b, two, c.other))
        differs = one is None or two is None or _facts(a, one) != _facts(b, two)
        made.append(Pair(one, two, inside, differs))
    return made


def _paired(a: Table, b: Table) -> list[tuple[Row | None, Row | None]]:
    """By name, and where names differ those that do the same."""
    made: list[tuple[Row | None, Row | None]] = []
    for ours, theirs, equal in _runs(a.rows, b.rows, [r.name for r in a.rows], [r.name for r in b.rows]):
        if equal:
            made += zip(ours, theirs, strict=True)
            continue
        facts = [_facts(a, r) for r in ours], [_facts(b, r) for r in theirs]
        for left, right, same in _runs(ours, theirs, *facts):
            made += (
                zip(left, right, strict=True)
                if same
                else [*((r, None) for r in left), *((None, r) for r in right)]
            )
    return made


def _runs(
    a: list[Row], b: list[Row], keys_a: list[Any], keys_b: list[Any]
) -> Iterator[tuple[list[Row], list[Row], bool]]:
    """The rows in stretches that are equal by their keys, and those between."""
    matcher = SequenceMatcher(None, keys_a, keys_b, autojunk=False)
    for tag, i, i2, j, j2 in matcher.get_opcodes():
        yield a[i:i2], b[j:j2], tag == "equal"


def _facts(table: Table, row: Row) -> tuple[object, ...]:
    return row.text, row.repeat, shape_text(row.shape, table.at), row.cost, tuple(row.shortcuts.items())


def _holds(table: Table, row: Row | None, address: str) -> bool:
    """Whether a layer is in a row."""
    if row is None:
        return False
    paths = (table.plan.steps[i].path.lstrip("#") for i in row.steps)
    return any(address == path or address.startswith(f"{path}.") for path in paths)
