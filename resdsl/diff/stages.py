"""The stages of two nets side by side."""

from __future__ import annotations

from dataclasses import dataclass

from resdsl.diff.layers import Change
from resdsl.render.numbers import shape_text
from resdsl.render.outline.alignment import aligned
from resdsl.render.outline.rows import Row, Table


@dataclass(frozen=True)
class Pair:
    """A row of each table; None where one has no such stage.

    Attributes:
        a, b: the rows.
        changes: layers inside that differ.
        counts_differ: only one has it, or they do something else, or count otherwise.
        renamed: it has another name, and so have layers inside.
    """

    a: Row | None
    b: Row | None
    changes: tuple[Change, ...] = ()
    counts_differ: bool = False
    renamed: bool = False

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        return self.counts_differ or self.renamed or bool(self.changes)

    @property
    def name(self) -> str:
        """Of the stage."""
        row = self.a or self.b
        assert row is not None
        return row.name


def stages(a: Table, b: Table, changes: list[Change], *, same: bool) -> list[Pair]:
    """The rows of two tables in pairs.

    Args:
        a: the one table.
        b: the other.
        changes: the layers that differ.
        same: both compute the same. Then counts only differ where stages were cut otherwise.
    """
    made: list[Pair] = []
    for one, two in aligned([a, b]):
        inside = tuple(
            c
            for c in changes
            if _holds(a, one, c.address, whole=c.mark == "-") or _holds(b, two, c.other, whole=c.mark == "+")
        )
        if one is None or two is None:
            made.append(Pair(one, two, inside, counts_differ=True))
            continue
        differs = not same and _facts(a, one) != _facts(b, two)
        renamed = one.name != two.name and _layers(a, one) != _layers(b, two)
        made.append(Pair(one, two, inside, differs, renamed))
    return made


def _facts(table: Table, row: Row) -> tuple[object, ...]:
    return row.text, row.repeat, shape_text(row.shape, table.at), row.cost, tuple(row.shortcuts.items())


def _layers(table: Table, row: Row) -> set[str]:
    """Addresses of what has parameters in a row."""
    return {step.path for step in map(table.plan.steps.__getitem__, row.steps) if step.cost.params}


def _holds(table: Table, row: Row | None, address: str, *, whole: bool) -> bool:
    """Whether a layer is in a row; `whole` also asks for a scope that the row is in."""
    if row is None:
        return False
    paths = [table.plan.steps[i].path.lstrip("#") for i in row.steps]
    if whole and any(path.startswith(f"{address}.") for path in paths):
        return True
    return any(address == path or address.startswith(f"{path}.") for path in paths)
