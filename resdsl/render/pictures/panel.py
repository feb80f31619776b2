"""Blocks drawn once for all the stages that repeat them, from top to bottom, beside the cards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from resdsl.render.drawing.arial import text_width
from resdsl.render.drawing.canvas import Canvas, Piece
from resdsl.render.drawing.palette import BLACK, GREY, NEUTRAL, Colors
from resdsl.render.outline.blocks import Around, Chip, chips, kinds
from resdsl.render.outline.rows import Table
from resdsl.render.pictures.inset import (
    MOST_BOXES,
    NEST,
    Inset,
    Variant,
    box_width,
    leaves,
    length,
    nesting,
    size,
)

HEAD = 28.0
BETWEEN = 26.0


@dataclass(frozen=True)
class Shared:
    """A block that stages share.

    Attributes:
        name: of the block.
        rows: numbers of the rows it is in.
        drawn: its boxes with what differs left out, and the kinds of its shortcuts.
    """

    name: str
    rows: tuple[int, ...]
    drawn: Variant

    @property
    def width(self) -> float:
        """Width of its boxes."""
        return max(map(box_width, leaves(self.drawn.boxes)))

    @property
    def side(self) -> float:
        """How far shortcuts reach on each side of its middle."""
        return self.width / 2 + 12 + NEST * max(nesting(self.drawn.boxes) - 1, 0)

    @property
    def height(self) -> float:
        """Height with its name."""
        return HEAD + length(self.drawn.boxes) + 12


def shared(table: Table, room: int) -> list[Shared]:
    """The blocks with several boxes or with shortcuts, those that run most often; `room` boxes in all."""
    found: dict[tuple[str, Pattern, Pattern], list[tuple[int, int, tuple[Chip, ...]]]] = {}
    for place, row in enumerate(table.rows):
        for run in row.runs:
            boxes = chips(run.graph)
            if not boxes or size(boxes) > MOST_BOXES:
                continue
            # What only groups some layers is told on its card.
            if kinds(boxes) or (size(boxes) > 1 and run.graph.kind != "scope"):
                key = (run.graph.name, _flat(boxes), _pattern(boxes))
                found.setdefault(key, []).append((place, run.count, boxes))
    for key in list(found):  # blocks without shortcut are drawn as those with one
        name, flat, pattern = key
        other = next(
            (k for k in found if k[:2] == (name, flat) and k[2] != pattern and flat == pattern), None
        )
        if other is not None:
            found[other] += found.pop(key)
    made: list[tuple[int, int, Shared]] = []
    for (name, *_), members in found.items():
        block = _shared(name, members)
        made.append((-sum(count for _, count, _ in members), len(made), block))
    kept = []
    for _, place, block in sorted(made, key=lambda m: m[:2]):
        if size(block.drawn.boxes) <= room:
            room -= size(block.drawn.boxes)
            kept.append((block.rows, place, block))
    return [block for *_, block in sorted(kept, key=lambda k: k[:2])]


Pattern = tuple[object, ...]


def _pattern(boxes: Sequence[Chip]) -> Pattern:
    """What boxes have in common with those of other widths and windows."""
    return tuple(_pattern(b.inner) if isinstance(b, Around) else re.sub(r"[\d×/]+", "#", b) for b in boxes)


def _flat(boxes: Sequence[Chip]) -> Pattern:
    return _pattern(leaves(boxes))


def _shared(name: str, members: list[tuple[int, int, tuple[Chip, ...]]]) -> Shared:
    texts = iter([general(list(same)) for same in zip(*(leaves(b) for *_, b in members), strict=True)])
    found: list[list[str]] = []
    for *_, boxes in members:
        for place, kind in enumerate(kinds(boxes)):
            if place == len(found):
                found.append([])
            if kind not in found[place]:
                found[place].append(kind)
    pattern = next((boxes for *_, boxes in members if kinds(boxes)), members[0][2])
    rows = tuple(sorted({place for place, *_ in members}))
    return Shared(name, rows, Variant(_retold(pattern, texts), tuple(map(tuple, found)), ()))


def _retold(boxes: Sequence[Chip], texts: object) -> tuple[Chip, ...]:
    """The boxes with other texts, taken in order."""
    made: list[Chip] = []
    for box in boxes:
        if isinstance(box, Around):
            made.append(Around(_retold(box.inner, texts), box.kind))
        else:
            made.append(next(texts))  # type: ignore[call-overload]
    return tuple(made)


def general(texts: Sequence[str]) -> str:
    """What boxes say in common: `3×3/5×5 depthwise` of `3×3 depthwise, 96` and `5×5 depthwise, 240`."""
    parts = list(zip(*(text.split(", ") for text in texts), strict=False))
    made = [_common(words) for words in zip(*(text.split() for text in parts[0]), strict=False)]
    kept = [found[0] for found in parts[1:] if len(set(found)) == 1]
    return ", ".join([" ".join(filter(None, made)), *kept])


def _common(words: Sequence[str]) -> str:
    """One word for several: windows are both named, and numbers that differ left out."""
    found = list(dict.fromkeys(words))
    if len(found) > 1 and all(re.fullmatch(r"/?[\d×]+", word) for word in found):
        if not all("×" in word for word in found):
            return ""
        return "/".join(found) if len(found) == 2 else "k×k"
    return "/".join(found)


def draw_panel(
    canvas: Canvas,
    table: Table,
    blocks: Sequence[Shared],
    colors: Sequence[Colors],
    x: float,
    top: float,
    bottom: float,
) -> list[str]:
    """Draw blocks in columns from x, down to `bottom` where there is a choice; the shortcuts used."""
    used: list[str] = []
    y, wide = top, 0.0
    for block in blocks:
        if y > top and y + block.height > bottom:
            x, y, wide = x + wide + BETWEEN, top, 0.0
        here = list(dict.fromkeys(colors[place] for place in block.rows))
        names = _names([table.rows[place].name for place in block.rows])
        middle = x + max(block.side, text_width(block.name, 9, True) / 2, text_width(names, 8) / 2) + 2
        for text, size_, color, bold, dy in (
            (block.name, 9.0, BLACK, True, 0.0),
            (names, 8.0, GREY, False, 12.0),
        ):
            piece = Piece(text, size_, color, bold)
            canvas.text(f"block {block.name} at {names}: {text}", middle - piece.width / 2, y + dy, piece)
        inset = Inset(
            canvas, f"{block.name} at {names}", here[0] if len(here) == 1 else NEUTRAL, "block", block.width
        )
        entry = f"{block.name} at {names}: block input"
        canvas.point(entry, middle, y + HEAD, inset.colors.line)
        end, last = inset.block(block.drawn, y + HEAD, middle, entry)
        out = f"{block.name} at {names}: block output"
        canvas.point(out, middle, end + 12, inset.colors.line)
        canvas.line(last, out, (middle, end), (middle, end + 10), arrow=False, color=inset.colors.line)
        used += inset.used
        wide = max(wide, 2 * (middle - x))
        y += block.height + BETWEEN
    return used


def _names(names: Sequence[str]) -> str:
    """`features.2–3 to features.17`, `stage1, stage2`."""
    return ", ".join(names) if len(names) < 3 else f"{names[0]} to {names[-1]}"
