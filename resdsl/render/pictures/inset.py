"""The inside of a repeated block: its convolutions in a line, and the shortcuts over and under them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from resdsl.render.drawing.arial import text_width
from resdsl.render.drawing.canvas import RADIUS, SLACK, Canvas, Piece, arc
from resdsl.render.drawing.palette import INK, LINES, WORDS, Colors
from resdsl.render.numbers import span_text
from resdsl.render.outline.blocks import Around, Chip, Run, chip_text, chips, form, kinds, stride_text
from resdsl.render.outline.rows import Row

HEIGHT = 20.0
GAP = 20.0
DOWN_GAP = 13.0
RISE = 18.0
NEST = 6.0
MOST_BOXES = 9
MOST_VARIANTS = 3
MOST_NOTES = 4


@dataclass(frozen=True)
class Variant:
    """Blocks of a row that look alike.

    Attributes:
        boxes: of the first of them.
        kinds: for each shortcut in order, its kinds over the blocks.
        notes: which blocks have which: `("blocks 2–4", "identity")`.
    """

    boxes: tuple[Chip, ...]
    kinds: tuple[tuple[str, ...], ...]
    notes: tuple[tuple[str, str], ...]


def variants(row: Row) -> list[Variant]:
    """The different blocks of a row; empty when they cannot be drawn in a line with all their shortcuts."""
    told = Counter[str]()
    drawn: list[tuple[Chip, ...]] = []
    groups: dict[tuple[Chip, ...], list[tuple[Run, tuple[Chip, ...]]]] = {}
    for run in row.runs:
        boxes = chips(run.graph)
        if not boxes or size(boxes) > MOST_BOXES:
            return []
        groups.setdefault(form(boxes), []).append((run, boxes))
        drawn.append(boxes)
        for kind in kinds(boxes):
            told[kind] += run.count
    plain = not told and "…" not in row.text
    if plain and all(
        size(boxes) == 1 or run.graph.kind == "scope" for run, boxes in zip(row.runs, drawn, strict=True)
    ):
        return []  # the text on the card says the same
    del told["concat"]  # is no shortcut of the graph
    if len(groups) > MOST_VARIANTS or told != Counter(row.shortcuts):
        return []
    made = []
    for members in groups.values():
        found: list[list[str]] = [[] for _ in kinds(members[0][1])]
        said: list[tuple[int, int, str]] = []
        for run, boxes in members:
            first, last, stride = run.first, run.last, stride_text(run.graph)
            here = kinds(boxes)
            for place, kind in enumerate(here):
                if kind not in found[place]:
                    found[place].append(kind)
            words = " + ".join(WORDS[k] for k in dict.fromkeys(here)) or "no shortcut" * bool(row.shortcuts)
            if words or len(groups) > 1:
                words += stride
            if said and said[-1][2] == words and said[-1][1] == first - 1:
                said[-1] = (said[-1][0], last, words)
            else:
                said.append((first, last, words))
        shown = [part for part in said if part[2] or len(groups) > 1]
        count = row.copies(members[0][0])
        notes = [(_which(first, last, count), words.lstrip(", ")) for first, last, words in shown]
        made.append(Variant(members[0][1], tuple(map(tuple, found)), tuple(filter(any, notes))))
    return made


def _which(first: int, last: int, count: int) -> str:
    if count < 2:
        return ""
    # A hyphen: graphviz-pure takes a dash in bold for wider than it is.
    return f"block{'s' if last > first else ''} {span_text(first, last)}".replace("–", "-")


def size(boxes: tuple[Chip, ...]) -> int:
    """How many boxes."""
    return len(leaves(boxes))


def leaves(boxes: Iterable[Chip]) -> list[str]:
    """The texts of the boxes in order."""
    made: list[str] = []
    for box in boxes:
        made += leaves(box.inner) if isinstance(box, Around) else [box]
    return made


def nesting(boxes: tuple[Chip, ...]) -> int:
    """How many shortcuts lie over each other."""
    return max((1 + nesting(b.inner) for b in boxes if isinstance(b, Around)), default=0)


def box_width(text: str) -> float:
    """Width of a box around some text."""
    return max(text_width(text, 9) * SLACK + 8, 52)


def widths(alike: Iterable[Variant]) -> list[float]:
    """Widths of the boxes of blocks with equally many, so that they stand under each other."""
    return [max(map(box_width, same)) for same in zip(*(leaves(v.boxes) for v in alike), strict=True)]


def length(boxes: tuple[Chip, ...], fork: bool = True) -> float:
    """Height of a line of boxes downwards; `fork` when it begins at a point that may branch."""
    total = 0.0
    for box in boxes:
        if isinstance(box, Around):
            total += (0 if fork else DOWN_GAP * 0.7) + length(box.inner) + DOWN_GAP + 2 * RADIUS
        else:
            total += DOWN_GAP + HEIGHT
        fork = False
    return total


def shortcut_line(kind: str, color: str) -> dict[str, Any]:
    """How the line of a shortcut is drawn."""
    wide = 2.0 if kind == "skip" else 0.9 if LINES[kind] == "solid" else 1.2
    return {"color": color, "style": LINES[kind], "penwidth": wide}


def height(variant: Variant) -> float:
    """Height it takes."""
    return 2 * (RISE + NEST * max(nesting(variant.boxes) - 1, 0)) + 8


class Inset:
    """Draws blocks: their boxes in a line to the right or downwards, and shortcuts on both sides of it.

    In here x runs along the line and y across; `at` turns that into places of the picture.
    """

    def __init__(self, canvas: Canvas, row: str, colors: Colors, css: str, down: float = 0.0) -> None:
        """Draw for the row with this name; `down` is the width of the boxes of a line downwards.

        `shared` may be given the widths of boxes by their number, so that those of all rows stand under each other.
        """
        self.canvas = canvas
        self.row = row
        self.colors = colors
        self.css = css
        self.down = down
        self.shared: dict[int, list[float]] = {}
        self.gap = DOWN_GAP if down else GAP
        self.number = 0
        self.joints = 0
        self.used: list[str] = []

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A place of the picture."""
        return (y, x) if self.down else (x, y)

    def draw(self, variant: Variant, x: float, y: float, source: str, edge: float, label: str) -> float:
        """Draw from x, connected to the card whose right side is at `edge`; where it ends."""
        entry = f"{self.row}{label}: block input"
        self.canvas.point(entry, x, y, self.colors.line)
        self.canvas.line(
            source,
            entry,
            (edge, y),
            (x - 2, y),
            arrow=False,
            style="dashed",
            color=self.colors.line,
            penwidth=0.7,
        )
        return self.block(variant, x, y, entry)[0]

    def block(self, variant: Variant, x: float, y: float, entry: str) -> tuple[float, str]:
        """Draw after the node `entry`, which is at x; where it ends, and the last node."""
        self.kinds = list(variant.kinds)
        self.widths = [
            self.down or width for width in self.shared.get(size(variant.boxes), widths([variant]))
        ]
        return self._boxes(variant.boxes, x, y, entry)

    def _line(self, tail: str, head: str, x0: float, x1: float, y: float, arrow: bool = True) -> None:
        self.canvas.line(tail, head, self.at(x0, y), self.at(x1, y), arrow=arrow, color=self.colors.line)

    def _boxes(self, boxes: tuple[Chip, ...], x: float, y: float, before: str) -> tuple[float, str]:
        """Draw boxes after the node `before`, which ends at x; where the last one ends, and its name."""
        for box in boxes:
            if isinstance(box, Around):
                x, before = self._around(box, x, y, before)
                continue
            self.number += 1
            text = chip_text(box)
            name = f"{self.row} step {self.number}: {text}"
            across = self.widths.pop(0)
            long = HEIGHT if self.down else across
            self._line(before, name, x, x + self.gap, y)
            x += self.gap
            self.canvas.box(
                name,
                *self.at(x + long / 2, y),
                across,
                HEIGHT,
                text,
                fillcolor=self.colors.fill,
                color=self.colors.line,
                class_=self.css,
            )
            x, before = x + long, name
        return x, before

    def _around(self, box: Around, x: float, y: float, before: str) -> tuple[float, str]:
        color = self.colors.line
        here = self.kinds.pop(0)
        self.joints += 1
        fork, start = before, x
        if not before.endswith("block input"):
            start = x + self.gap * 0.7
            fork = f"{self.row} branch {self.joints}"
            self.canvas.point(fork, *self.at(start, y), color)
            self._line(before, fork, x, start - 2, y, arrow=False)
        end, last = self._boxes(box.inner, start, y, fork)
        sign = "c" if box.kind == "concat" else "+"
        joint = f"{self.row} {'concatenation' if sign == 'c' else 'sum'} {self.joints}"
        middle = end + self.gap + RADIUS
        self.canvas.joint(joint, *self.at(middle, y), sign, color)
        self._line(last, joint, end, end + self.gap, y)
        rise = (self.down / 2 + 12 if self.down else RISE) + NEST * nesting(box.inner)
        for kind in here:
            self.used.append(kind)
            up = kind in ("identity", "concat")
            points, tip = arc(start, middle, y, -rise if up else rise)
            self.canvas.path(
                fork,
                joint,
                [self.at(*p) for p in points],
                self.at(*tip),
                class_=f"shortcut {kind}",
                tooltip=f"{self.row}: {WORDS[kind]} shortcut",
                **shortcut_line(kind, color),
            )
        return middle + RADIUS, joint

    def notes(self, variant: Variant, x: float, y: float, label: str) -> float:
        """Write which blocks have which shortcut; where it ends."""
        lines = sorted(variant.notes, key=lambda n: not n[1].startswith((WORDS["identity"], WORDS["concat"])))
        if len(lines) > MOST_NOTES:
            lines = [*lines[: MOST_NOTES - 1], ("", f"and {len(lines) - MOST_NOTES + 1} more runs of blocks")]
        end = x
        for number, (which, words) in enumerate(lines):
            at = y + (number - (len(lines) - 1) / 2) * 14
            lead = which + ":" * bool(words) if which else ""
            pieces = [Piece(lead, 8, INK, True)] if lead else []
            if words:
                pieces.append(Piece(" " * bool(lead) + words, 8, INK))
            wide = self.canvas.text(f"{self.row}{label} note {number + 1}", x, at, *pieces)
            end = max(end, x + wide)
        return end
