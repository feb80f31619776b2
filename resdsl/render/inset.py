"""The inside of a repeated block: its convolutions in a line, and the shortcuts over and under them."""

from __future__ import annotations

from dataclasses import dataclass

from resdsl.render.arial import text_width
from resdsl.render.blocks import Around, Chip, chip_text, chips, form, kinds, stride_text
from resdsl.render.canvas import RADIUS, Canvas, Piece, arc
from resdsl.render.numbers import span_text
from resdsl.render.palette import INK, LINES, WORDS, Colors
from resdsl.render.rows import Row

HEIGHT = 20.0
GAP = 20.0
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
    """The different blocks of a row; empty when they cannot be drawn in a line."""
    groups: dict[tuple[Chip, ...], list[tuple[int, int, tuple[Chip, ...], str]]] = {}
    for run in row.runs:
        boxes = chips(run.graph)
        if not boxes or size(boxes) > MOST_BOXES:
            return []
        groups.setdefault(form(boxes), []).append((run.first, run.last, boxes, stride_text(run.graph)))
    if len(groups) > MOST_VARIANTS:
        return []
    made = []
    for members in groups.values():
        found: list[list[str]] = [[] for _ in kinds(members[0][2])]
        said: list[tuple[int, int, str]] = []
        for first, last, boxes, stride in members:
            here = kinds(boxes)
            for place, kind in enumerate(here):
                if kind not in found[place]:
                    found[place].append(kind)
            words = " + ".join(WORDS[k] for k in dict.fromkeys(here)) + stride
            words = words or ("no shortcut" if row.shortcuts else "")
            if said and said[-1][2] == words and said[-1][1] == first - 1:
                said[-1] = (said[-1][0], last, words)
            else:
                said.append((first, last, words))
        shown = [part for part in said if part[2] or len(groups) > 1]
        notes = tuple((_which(first, last, row.repeat), words.lstrip(", ")) for first, last, words in shown)
        made.append(Variant(members[0][2], tuple(map(tuple, found)), notes))
    return made


def _which(first: int, last: int, count: int) -> str:
    if count == 1:
        return ""
    # A hyphen: graphviz-pure takes a dash in bold for wider than it is.
    return f"block{'s' if last > first else ''} {span_text(first, last)}".replace("–", "-")


def size(boxes: tuple[Chip, ...]) -> int:
    """How many boxes."""
    return sum(1 if isinstance(b, str) else size(b.inner) for b in boxes)


def nesting(boxes: tuple[Chip, ...]) -> int:
    """How many shortcuts lie over each other."""
    return max((1 + nesting(b.inner) for b in boxes if isinstance(b, Around)), default=0)


def height(variant: Variant) -> float:
    """Height it takes."""
    return 2 * (RISE + NEST * max(nesting(variant.boxes) - 1, 0)) + 8


class Inset:
    """Draws the variants of one row."""

    def __init__(self, canvas: Canvas, row: str, colors: Colors, css: str) -> None:
        self.canvas = canvas
        self.row = row
        self.colors = colors
        self.css = css
        self.number = 0
        self.joints = 0
        self.used: list[str] = []

    def draw(self, variant: Variant, x: float, y: float, source: str, edge: float, label: str) -> float:
        """Draw from x, connected to the card whose right side is at `edge`; where it ends."""
        self.kinds = list(variant.kinds)
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
        return self._boxes(variant.boxes, x, y, entry)[0]

    def _boxes(self, boxes: tuple[Chip, ...], x: float, y: float, before: str) -> tuple[float, str]:
        """Draw boxes after the node `before`, whose right side is at x; the last node and its right side."""
        for box in boxes:
            if isinstance(box, Around):
                x, before = self._around(box, x, y, before)
                continue
            self.number += 1
            text = chip_text(box)
            name = f"{self.row} step {self.number}: {text}"
            width = max(text_width(text, 9) + 14, 52)
            self.canvas.line(before, name, (x, y), (x + GAP, y), color=self.colors.line)
            x += GAP
            self.canvas.box(
                name,
                x + width / 2,
                y,
                width,
                HEIGHT,
                text,
                fillcolor=self.colors.fill,
                color=self.colors.line,
                class_=self.css,
            )
            x, before = x + width, name
        return x, before

    def _around(self, box: Around, x: float, y: float, before: str) -> tuple[float, str]:
        color = self.colors.line
        here = self.kinds.pop(0)
        self.joints += 1
        fork, start = before, x
        if not before.endswith("block input"):
            start = x + GAP * 0.7
            fork = f"{self.row} branch {self.joints}"
            self.canvas.point(fork, start, y, color)
            self.canvas.line(before, fork, (x, y), (start - 2, y), arrow=False, color=color)
        end, last = self._boxes(box.inner, start, y, fork)
        sign = "c" if box.kind == "concat" else "+"
        joint = f"{self.row} {'concatenation' if sign == 'c' else 'sum'} {self.joints}"
        middle = end + GAP + RADIUS
        self.canvas.joint(joint, middle, y, sign, color)
        self.canvas.line(last, joint, (end, y), (end + GAP, y), color=color)
        rise = RISE + NEST * (nesting(box.inner))
        for kind in here:
            self.used.append(kind)
            up = kind in ("identity", "concat")
            points, tip = arc(start, middle, y, -rise if up else rise)
            self.canvas.path(
                fork,
                joint,
                points,
                tip,
                color=color,
                style=LINES[kind],
                class_=f"shortcut {kind}",
                penwidth=0.9 if LINES[kind] == "solid" else 1.2,
                tooltip=f"{self.row}: {WORDS[kind]} shortcut",
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
