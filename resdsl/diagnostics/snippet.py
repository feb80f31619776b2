"""A line of code with labels under it."""

# add(x, y)
#     -  ^ the last label stands beside its mark
#     |
#     the others hang below, and none crosses another

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from resdsl.diagnostics.columns import Shown, clean, show, width


@dataclass(frozen=True, slots=True)
class Mark:
    """The part of a label that lies on one line: characters `[start, end)`, from 0."""

    start: int
    end: int
    text: str
    primary: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """Text at a column of a row."""

    column: int
    text: str
    primary: bool


Row = list[Segment]


@dataclass(frozen=True, slots=True)
class _Placed:
    """A mark in columns of the terminal."""

    start: int
    end: int
    lines: tuple[str, ...]
    primary: bool

    @property
    def wide(self) -> int:
        """Columns of its text."""
        return max(map(width, self.lines), default=0)

    @property
    def pipe(self) -> Segment:
        return Segment(self.start, "|", self.primary)

    def write(self, column: int, line: str) -> Segment:
        return Segment(column, line, self.primary)


def cuts(line: str, marks: list[Mark], room: int) -> list[tuple[Shown, list[Mark]]]:
    """A line with its marks. Of one longer than the room a part for those that lie near each other, in order."""
    found = []
    while marks:
        focus = min(marks, key=lambda mark: (not mark.primary, mark.start))
        shown = show(line, room, focus.start)
        seen = [mark for mark in marks if mark is focus or shown.sees(mark.start, mark.end)]
        found.append((focus.start, shown, seen))
        marks = [mark for mark in marks if mark not in seen]
    return [(shown, seen) for _, shown, seen in sorted(found, key=lambda part: part[0])]


def rows_under(shown: Shown, marks: list[Mark], room: int) -> Iterator[Row]:
    """The rows below a line, of `room` columns where the words allow it."""
    # The primary label stands nearest to the code; the others keep the order of the text.
    ordered = sorted(marks, key=lambda mark: (not mark.primary, mark.start, mark.end, mark.text))
    bands: list[list[_Placed]] = []
    for mark in ordered:
        start, end = shown.mark(mark.start, mark.end)
        placed = _Placed(start, end, tuple(clean(mark.text).splitlines()), mark.primary)
        for band in bands:
            if all(end <= other.start or other.end <= start for other in band):
                band.append(placed)
                break
        else:
            bands.append([placed])
    for band in bands:
        yield from _band(sorted(band, key=lambda placed: placed.start), room)


def _band(marks: list[_Placed], room: int) -> Iterator[Row]:
    """Rows of marks that do not overlap, from left to right."""
    last = marks[-1]
    waiting = [mark for mark in marks[:-1] if mark.lines]
    beside = last.end + 1

    underlines = [m.write(m.start, ("^" if m.primary else "-") * (m.end - m.start)) for m in marks]
    if last.lines and beside + last.wide > room:
        waiting.append(last)
        yield underlines
    else:
        yield underlines + [last.write(beside, line) for line in last.lines[:1]]
        for line in last.lines[1:]:
            yield [*(mark.pipe for mark in waiting), last.write(beside, line)]
    if waiting:
        yield [mark.pipe for mark in waiting]
    while waiting:  # from right to left, so that no text crosses a pipe
        mark = waiting.pop()
        # A text that would leave the room begins further left, and the pipes it covers go on below it.
        column = max(0, min(mark.start, room - mark.wide))
        for line in mark.lines:
            yield [*(other.pipe for other in waiting if other.start < column), mark.write(column, line)]
