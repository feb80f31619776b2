"""The table as LaTeX, laid out as Table 1 of the ResNet paper: blocks in brackets, times their number."""

from __future__ import annotations

from resdsl.render.blocks import Around, Chip, Run, chip_text, chips, form
from resdsl.render.numbers import shape_text, short
from resdsl.render.rows import Row, Table

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "–": "--",
}


def escape(text: str) -> str:
    """Text as LaTeX shows it."""
    return "".join(_ESCAPES.get(char, char) for char in text)


def to_tex(table: Table) -> str:
    """A `tabular` that needs amsmath."""
    known = table.at is not None
    name = escape(table.net.name)
    made = [
        "% needs \\usepackage{amsmath}",
        "\\begin{tabular}{c|c|c|r}",
        "\\hline",
        f"layer name & output size & {name} & params \\\\",
        "\\hline",
    ]
    for row in table.rows:
        shape = escape(shape_text(row.shape, table.at))
        made.append(f"{escape(row.name)} & {shape} & {_content(row)} & {row.cost.params:,} \\\\")
        made.append("\\hline")
    macs = f"{escape(short(table.total.macs))} MACs" if known else "--"
    made.append(f"total & & {macs} & {table.total.params:,} \\\\")
    made += ["\\hline", "\\end{tabular}"]
    return "\n".join(made) + "\n"


def _content(row: Row) -> str:
    """The matrix of convolutions of a repeated block, or the description."""
    groups: list[tuple[tuple[Chip, ...], int]] = []
    for run in row.runs:
        boxes = _flat(run)
        if boxes is None or not boxes:
            return escape(row.text)
        if groups and groups[-1][0] == boxes:
            groups[-1] = (boxes, groups[-1][1] + run.count)
        else:
            groups.append((boxes, run.count))
    if not groups or (row.repeat == 1 and not row.shortcuts) or len(groups) > 4:
        return escape(row.text)
    before = (
        "".join(f"{escape(t)}, " for t in row.text.split(" · ")[:-1] if "(" not in t)
        if len(groups) == 1
        else ""
    )
    return before + ", ".join(_matrix(boxes, count) for boxes, count in groups)


def _flat(run: Run) -> tuple[Chip, ...] | None:
    boxes = chips(run.graph)
    if boxes is None:
        return None
    made: list[Chip] = []
    for box in form(boxes):
        made.extend(box.inner if isinstance(box, Around) else [box])
    return tuple(made)


def _matrix(boxes: tuple[Chip, ...], count: int) -> str:
    lines = r" \\ ".join(f"\\text{{{escape(chip_text(b))}}}" for b in boxes)
    return f"$\\begin{{bmatrix}} {lines} \\end{{bmatrix}} \\times {count}$"
