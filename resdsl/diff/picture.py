"""A comparison as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from resdsl.diff.compare import Difference
from resdsl.diff.layers import Change
from resdsl.diff.lists import layer_lines_of
from resdsl.diff.stages import Pair
from resdsl.diff.words import Line, percent, title, verdict
from resdsl.render.cards import subtitle
from resdsl.render.changes import MOST_NOTES, Beside, Card, changes_picture
from resdsl.render.dot import Dot
from resdsl.render.draw import FORMATS, Picture
from resdsl.render.numbers import mac_count, shape_text, short
from resdsl.render.options import Options
from resdsl.render.rows import Row, Table, is_chain
from resdsl.render.svg import Theme

FOLDED = 2
"""So many equal stages in a row are drawn; more are one card."""


@dataclass(frozen=True)
class _Changes(Picture):
    """The picture of a comparison, to be written as those of a net."""

    found: Difference

    def dot(self) -> Dot:
        return changes_dot(self.found)

    @property
    def name(self) -> str:
        return f"{self.found.a.name}-{self.found.b.name}"


def picture(found: Difference, format: str, *, theme: Theme = "light", renderer: str = "auto") -> bytes:
    """A picture of a comparison as the bytes of a file.

    Args:
        found: the comparison.
        format: `svg`, `png`, `pdf` or `dot`.
        theme: `light`, `dark`, or `auto` for an SVG that follows the reader's setting.
        renderer: `graphviz-pure`, `dot`, or `auto` for what is installed.

    Raises:
        resdsl.render.draw.NoRenderer: nothing that can draw this is installed; `dot` needs nothing.
    """
    return FORMATS[format](_Changes(found.tables[1], "stages", Options(), theme, renderer, found))


def changes_dot(found: Difference) -> Dot:
    """The picture as DOT."""
    rows = [row for pairs in _folded(found.stages) for row in _rows(found, pairs)]
    first, second = found.tables
    names = _names(found)
    flows = (is_chain(first), is_chain(second))
    return changes_picture(
        names, (subtitle(first), subtitle(second)), verdict(found).replace("`", ""), rows, flows
    )


def _names(found: Difference) -> tuple[str, str]:
    """What the columns are called; nets of one name and settings are told apart by their files."""
    (a, file_a, _), (b, file_b, _) = title(found.a, found.at_a), title(found.b, found.at_b)
    if a == b and file_a != file_b:
        return f"{a}  {file_a}", f"{b}  {file_b}"
    return a, b


def _folded(pairs: list[Pair]) -> list[list[Pair]]:
    """Equal stages that follow each other together, where they are many."""
    made: list[list[Pair]] = []
    for differs, run in groupby(pairs, lambda pair: pair.differs):
        group = list(run)
        made += [group] if not differs and len(group) > FOLDED else [[pair] for pair in group]
    return made


def _rows(found: Difference, pairs: list[Pair]) -> list[Beside]:
    if len(pairs) > 1:
        card = Card(f"{len(pairs)} stages, {pairs[0].name} to {pairs[-1].name}", 1, "", "")
        return [Beside("=", card, card)]
    (pair,) = pairs
    first, second = found.tables
    a, b = (_card(table, row) for table, row in ((first, pair.a), (second, pair.b)))
    if not pair.differs:
        return [Beside("=", a, b)]
    if pair.a is None or pair.b is None:
        return [Beside("+" if pair.a is None else "-", a, b)]
    return [Beside("~", a, b, _change(found, pair.a, pair.b), _notes(found, list(pair.changes)))]


def _card(table: Table, row: Row | None) -> Card | None:
    if row is None:
        return None
    counts = [shape_text(row.shape, table.at), f"{short(row.cost.params)} params"]
    if table.at is not None:
        counts.append(mac_count(row.cost.macs))
    return Card(row.name, row.repeat, row.text, " · ".join(counts))


def _change(found: Difference, a: Row, b: Row) -> tuple[str, ...]:
    made = [("params", percent(a.cost.params, b.cost.params))]
    if None not in (found.at_a, found.at_b):
        made.append(("MACs", percent(a.cost.macs, b.cost.macs)))
    return tuple(f"{name} {change}" for name, change in made if change)


def _notes(found: Difference, changes: list[Change]) -> tuple[str, ...]:
    """The layers of a stage that differ, in a few lines."""
    made = []
    for line in layer_lines_of(changes, found):
        made.append(_note(line))
        made += [f"    {_note(below)}" for below in line.below]
    if len(made) > MOST_NOTES:
        made = [*made[: MOST_NOTES - 1], f"… and {len(made) - MOST_NOTES + 1} more"]
    return tuple(made)


def _note(line: Line) -> str:
    text = "  ".join(filter(None, line.cells)).replace("`", "")
    return f"{line.mark.replace('-', '−')} {text}"
