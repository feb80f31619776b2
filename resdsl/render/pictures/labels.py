"""What stands beside the lines of a picture: shapes, and the names of what goes in and comes out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from resdsl.render.drawing.canvas import Canvas, Piece
from resdsl.render.drawing.palette import INK
from resdsl.render.numbers import shape_text
from resdsl.render.outline.rows import Table
from resdsl.render.pictures.options import Options
from resdsl.sizes import Shape

MOST_SHAPES = 3
LINE = 10.0


def shape_lines(table: Table, options: Options, shapes: Iterable[Shape | None]) -> list[str]:
    """Shapes of the values on a line, equal ones together: `7 × [256×64×64]`."""
    if not options.shows("shapes"):
        return []
    texts = [shape_text(shape, table.at) for shape in shapes]
    found = {text: texts.count(text) for text in texts}
    lines = [text if count == 1 else f"{count} × [{text}]" for text, count in found.items()]
    return lines if len(lines) <= MOST_SHAPES else [lines[0], f"… {len(lines) - 2} more", lines[-1]]


def draw_lines(
    canvas: Canvas, name: str, lines: Sequence[str], x: float, y: float, align: float = 0.0
) -> None:
    """Lines of text with their middle at y, that begin at x; with `align` 0.5 their middle is there, with 1 the end."""
    for number, line in enumerate(lines):
        piece = Piece(line, 8, INK)
        named = f"{name} {number + 1}" if number else name
        canvas.text(named, x - align * (piece.width + 2), y + (number - (len(lines) - 1) / 2) * LINE, piece)


def outputs(table: Table) -> dict[int, list[tuple[str, Shape | None]]]:
    """Names and shapes of what each row returns; -1 - i stands for input i of the net."""
    plan = table.plan
    owner = {number: place for place, row in enumerate(table.rows) for number in row.steps}
    feeds = [number for number in range(len(plan.steps)) if number not in owner]
    owner |= {number: -1 - place for place, number in enumerate(feeds)}
    names = table.net.graph.output_names or tuple(f"output {i + 1}" for i in range(len(plan.outputs)))
    if len(plan.outputs) == 1 and not table.net.graph.output_names:
        names = ("output",)
    found: dict[int, list[tuple[str, Shape | None]]] = {}
    for name, value in zip(names, plan.outputs, strict=True):
        found.setdefault(owner[value.step], []).append(
            (name, plan.steps[value.step].node.shapes[value.index])
        )
    return found


def joined_names(names: Sequence[str]) -> str:
    """`objectness · deltas`; of more than four the first and last."""
    return " · ".join(names) if len(names) <= 4 else f"{names[0]} … {names[-1]}"
