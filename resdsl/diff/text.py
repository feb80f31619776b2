"""A comparison as text for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from resdsl.diagnostics.columns import width as columns_of
from resdsl.diff.compare import Difference
from resdsl.diff.lists import layer_lines, port_lines, weight_lines
from resdsl.diff.words import STAGES, Line, counts, notes, stage_lines, title, verdict

RED, GREEN, AMBER, BOLD = 31, 32, 33, 1
COLORS = {"-": RED, "+": GREEN, "~": AMBER}
MOST_LINES = 40
"""Of the layers."""
WIDEST = 116
"""A table of stages that is wider goes without their descriptions."""

Paint = Callable[[str, int | None], str]


def to_text(found: Difference, *, color: bool = False) -> str:
    """The comparison for a terminal: the verdict first, then what differs."""
    paint = ansi if color else plain
    names = columns([title(found.a, found.at_a), title(found.b, found.at_b)], gap=3)
    made = [paint(f"--- {names[0]}", RED), paint(f"+++ {names[1]}", GREEN), ""]
    warning = paint("warning: ", AMBER) if found.verdict == "outputs" else ""
    made += [warning + paint(verdict(found), BOLD), *(f"  {note}" for note in notes(found))]
    if found.verdict == "identical":
        return "\n".join(made) + "\n"
    made += ["", *columns([line.cells for line in counts(found)], right=(2, 3))]
    if found.shows_stages:
        made += ["", *_table(stage_lines(found), paint)]
    for name, lines in lists(found, {}, paint):
        made += ["", name, *(f"  {line}" for line in lines)]
    return "\n".join(line.rstrip() for line in made) + "\n"


def plain(text: str, code: int | None) -> str:
    """Text as it is."""
    return text


def ansi(text: str, code: int | None) -> str:
    """Text in a colour of the terminal."""
    return text if code is None else f"\x1b[{code}m{text}\x1b[0m"


# ---------------------------------------------------------------- tables and lists


def _table(lines: list[Line], paint: Paint) -> list[str]:
    cells = [STAGES, *(line.cells for line in lines)]
    head, *rows = columns(cells, right=(2, 5, 7))
    if max(map(columns_of, (head, *rows))) > WIDEST:
        head, *rows = columns([(name, *rest) for name, _, *rest in cells], right=(1, 4, 6))
    rule = "─" * max(map(columns_of, (head, *rows)))
    marked = [
        paint(f"{line.mark or ' '} {row}", COLORS.get(line.mark))
        for line, row in zip(lines, rows, strict=True)
    ]
    return [f"  {head}", f"  {rule}", *marked[:-1], f"  {rule}", marked[-1]]


def lists(
    found: Difference, marks: Mapping[str, str], paint: Paint = plain
) -> Iterator[tuple[str, list[str]]]:
    """Layers, weights, inputs and outputs: heading and lines of each that has any.

    Args:
        found: the comparison.
        marks: what to write for a mark, where it is another.
        paint: how to colour.
    """
    for name, lines in (
        ("layers", _cut(layer_lines(found))),
        ("weights", weight_lines(found)),
        ("inputs and outputs", port_lines(found)),
    ):
        if lines:
            yield name, _list(lines, marks, paint)


def _cut(lines: list[Line]) -> list[Line]:
    """As many as a reader looks at."""
    used = 0
    for number, line in enumerate(lines):
        used += 1 + len(line.below)
        if used > MOST_LINES and number:
            return [*lines[:number], Line("", (f"… and {len(lines) - number:,} more: `--as json` has all",))]
    return lines


def _list(lines: list[Line], marks: Mapping[str, str], paint: Paint) -> list[str]:
    """Lines whose cells stand below each other; under each what belongs to it."""
    numbers = (0, 1) if any(" tensor" in line.cells[0] for line in lines) else ()
    rows = columns([line.cells if len(line.cells) > 1 else () for line in lines], right=numbers)
    made: list[str] = []
    for line, row in zip(lines, rows, strict=True):
        made.append(_marked(line.mark, "", row if len(line.cells) > 1 else line.cells[0], marks, paint))
        inner = columns([below.cells for below in line.below])
        for below, cells in zip(line.below, inner, strict=True):
            made.append(_marked(below.mark or line.mark, "    ", cells, marks, paint))
    return made


def _marked(mark: str, indent: str, text: str, marks: Mapping[str, str], paint: Paint) -> str:
    return paint(f"{marks.get(mark, mark) or ' '} {indent}{text}", COLORS.get(mark))


def columns(rows: Iterable[tuple[str, ...]], right: tuple[int, ...] = (), gap: int = 2) -> list[str]:
    """Cells below each other, with empty columns left out; those in `right` stand on the right."""
    rows = list(rows)
    count = max(map(len, rows), default=0)
    filled = [(*row, *[""] * (count - len(row))) for row in rows]
    sizes = [max(columns_of(row[c]) for row in filled) for c in range(count)]
    made = []
    for row in filled:
        cells = []
        for place, (text, size) in enumerate(zip(row, sizes, strict=True)):
            blank = " " * (size - columns_of(text))
            cells.append(blank + text if place in right else text + blank)
        made.append((" " * gap).join(c for c, size in zip(cells, sizes, strict=True) if size).rstrip())
    return made
