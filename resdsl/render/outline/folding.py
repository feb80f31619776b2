"""Fewer rows for a picture: rows that come again and again are drawn once, and then neighbours are joined."""

from __future__ import annotations

from dataclasses import dataclass, replace

from resdsl.render.outline.rows import Row, Table, flows, joined

LONGEST = 8
"""Rows in a period."""
LEAST = 3
"""Times a period comes."""


@dataclass(frozen=True)
class Frame:
    """Rows from `first` to `last` that run `times` times in turn."""

    first: int
    last: int
    times: int


def folded(table: Table, most: int) -> tuple[Table, list[Frame]]:
    """The table with at most so many rows, if it can be; counts and shortcuts still add up."""
    made, frames = list(table.rows), list[Frame]()
    while len(made) > most and (found := _period(replace(table, rows=made), frames)):
        start, length, times = found
        merged = made[start : start + length]
        for place in range(start + length, start + length * times):
            at = (place - start) % length
            merged[at] = together(merged[at], made[place])
        made[start : start + length * times] = merged
        gone = length * (times - 1)
        frames = [f if f.last < start else Frame(f.first - gone, f.last - gone, f.times) for f in frames]
        if length > 1:
            frames.append(Frame(start, start + length - 1, times))
    while len(made) > most:
        pairs = _pairs(made, frames)
        if not pairs:
            if not frames:
                break
            frames = []  # no other way is left
        for place in sorted(pairs[: len(made) - most], reverse=True):
            made[place : place + 2] = [together(made[place], made[place + 1])]
            frames = [f if f.last < place else Frame(f.first - 1, f.last - 1, f.times) for f in frames]
    return replace(table, rows=made), frames


def _period(table: Table, frames: list[Frame]) -> tuple[int, int, int] | None:
    """Start, length and number of the periods that save most; each takes what the one before makes."""
    made = table.rows
    follows = {(tail, head) for tail, head, _ in flows(table)}
    taken = {place for f in frames for place in range(f.first, f.last + 1)}
    signs = [(r.text, r.shape, r.cost) for r in made]
    best: tuple[int, int, int] | None = None
    for length in range(1, min(LONGEST, len(made) // LEAST) + 1):
        run = 0
        for place in range(length, len(made)):
            same = signs[place] == signs[place - length] and not taken & {place, place - length}
            # Rows side by side are alike too, but do not run in turn.
            run = run + 1 if same and (place - 1, place) in follows else 0
            times = run // length + 1
            if times >= LEAST and (best is None or length * (times - 1) > best[1] * (best[2] - 1)):
                best = (place + 1 - length * times, length, times)
    return best


def _pairs(made: list[Row], frames: list[Frame]) -> list[int]:
    """Rows to join with the one after, no row twice, the smallest first; rows of one image size before all."""
    framed = {place for f in frames for place in range(f.first, f.last + 1)}
    free = [i for i in range(len(made) - 1) if i not in framed and i + 1 not in framed]

    def size(place: int) -> tuple[bool, int, int]:
        a, b = made[place], made[place + 1]
        same = a.shape is not None and b.shape is not None and a.shape[1:] == b.shape[1:]
        return not same, a.layers + b.layers, place

    chosen: dict[int, None] = {}
    for place in sorted(free, key=size):
        if place - 1 not in chosen and place + 1 not in chosen:
            chosen[place] = None
    return list(chosen)


def together(a: Row, b: Row) -> Row:
    """Two rows as one, which only repeats what both repeat: 0 where that is nothing, whatever else is joined."""
    made = joined(a, b, _span(a.name, b.name))
    blocks = {run.graph.name for run in a.runs}, {run.graph.name for run in b.runs}
    alike = a.text == b.text or (blocks[0] == blocks[1] and len(blocks[0]) == 1)
    return made if alike and a.repeat and b.repeat else replace(made, repeat=0)


def _span(first: str, last: str) -> str:
    """`res1` and `res7` as `res1–7`, other names as `stem … res7`."""
    start, end = first.partition(" … ")[0].partition("–")[0], last.rpartition(" … ")[2]
    head, _, number = end.rpartition("–")
    if head:  # the last of a span
        end = head.rstrip("0123456789") + number
    stem = start.rstrip("0123456789")
    number = end.removeprefix(stem)
    if stem not in ("", start) and end.startswith(stem) and number.isdigit():
        return f"{start}–{number}"
    return f"{start} … {end}"
