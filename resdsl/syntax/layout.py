"""Columns and empty lines of a formatted file."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

from resdsl.syntax.tokens import CLOSING, OPENING, Kind

if TYPE_CHECKING:
    from resdsl.syntax.formatter import Line

# ---------------------------------------------------------------- tables


def align_tables(lines: list[Line]) -> None:
    """Align the cells of consecutive rows `[a, b, c],` of one list, and of a comment that heads them."""
    for start, end in _runs(lines, lambda line: _cells(line) is not None and line.depth > 0):
        rows = [_cells(line) or [] for line in lines[start:end]]
        count = len(rows[0])
        if len(rows) < 2 or count < 2 or any(len(row) != count for row in rows):
            continue
        head = _head(lines[start - 1], count)
        widths = [max(len(row[i]) for row in [*rows, *head]) for i in range(count)]
        numeric = [all(_is_number(row[i]) for row in rows) for i in range(count)]
        for line, row in zip(lines[start:end], rows, strict=True):
            comma = "," if line.tokens[-1].text == "," else ""
            line.text = f"[{_padded(row, widths, numeric, ',')}]{comma}"
        for row in head:
            lines[start - 1].comment = f"#{_padded(row, widths, numeric, ' ')}".rstrip()


def _cells(line: Line) -> list[str] | None:
    """The cells of a row, if the line is one."""
    texts = [token.text for token in line.tokens]
    if texts[-1:] == [","]:
        texts.pop()
    if len(texts) < 3 or texts[0] != "[" or texts[-1] != "]":
        return None
    cells, depth, at = [""], 0, 0
    for token in line.tokens[: len(texts)]:
        begin = line.text.index(token.text, at)
        gap, at = line.text[at:begin], begin + len(token.text)
        depth += (token.text in "([{") - (token.text in ")]}")
        if depth == 0 and at < len(line.text.rstrip(",")):
            return None
        if depth == 1 and token.text == ",":
            cells.append("")
        elif not (depth == 0 or (depth == 1 and begin == 0)):
            cells[-1] += gap + token.text
    cells = [cell.strip() for cell in cells]
    return cells if all(cells) else None


def _head(line: Line, count: int) -> list[list[str]]:
    """The comment above a table as a row of words, if it has one for each column."""
    words = line.comment.removeprefix("#").split()
    if line.tokens or line.comment.startswith("##") or len(words) != count:
        return []
    return [[f" {words[0]}", *words[1:]]]


def _is_number(cell: str) -> bool:
    return cell.lstrip("-")[:1].isdigit() and "x" not in cell and " " not in cell


def _padded(row: list[str], widths: list[int], numeric: list[bool], comma: str) -> str:
    """Cells in their columns: numbers to the right, and the comma right behind the cell."""
    last = len(row) - 1
    text = ""
    for i, (cell, width) in enumerate(zip(row, widths, strict=True)):
        cell = cell.rjust(width) if numeric[i] else cell
        text += cell if i == last else f"{cell}{comma}".ljust(width + 2)
    return text


# ---------------------------------------------------------------- comments


def align_comments(lines: list[Line]) -> list[str]:
    """The final text of each line; comments behind code stand in one column on consecutive lines."""
    texts = [" " * line.indent + (line.text or line.comment) if not line.is_empty else "" for line in lines]
    for start, end in _runs(lines, lambda line: bool(line.tokens and line.comment)):
        column = max(map(len, texts[start:end])) + 2
        for i in range(start, end):
            texts[i] = texts[i].ljust(column) + lines[i].comment
    return texts


def _runs(lines: list[Line], belongs: Callable[[Line], bool]) -> list[tuple[int, int]]:
    """Runs `[start, end)` of consecutive lines that belong together."""
    runs: list[tuple[int, int]] = []
    for i, line in enumerate(lines):
        if not belongs(line):
            continue
        if runs and runs[-1][1] == i:
            runs[-1] = (runs[-1][0], i + 1)
        else:
            runs.append((i, i + 1))
    return runs


# ---------------------------------------------------------------- empty lines


def separate_items(lines: list[Line]) -> list[Line]:
    """The lines with the empty ones that belong between them."""
    before = _starts_of_items(lines)
    out: list[Line] = []
    waiting: Line | None = None  # an empty line, if one may stand here
    for i, line in enumerate(lines):
        if line.is_empty:
            waiting = line
            continue
        wanted = waiting is not None and not _opens(out) and not line.first(*CLOSING)
        if out and (wanted or i in before):
            out.append(waiting or type(line)([]))
        out.append(line)
        waiting = None
    return out


def _opens(lines: list[Line]) -> bool:
    """Whether the last line opens a bracket."""
    return bool(lines and lines[-1].tokens) and lines[-1].tokens[-1].text in OPENING


def _starts_of_items(lines: list[Line]) -> set[int]:
    """Lines that need an empty line above: the first of an item, or of the comments right above it."""
    starts: set[int] = set()
    items = [i for i, line in enumerate(lines) if line.depth == 0 and _kind(line)]
    for one, other in pairwise(items):
        begin = other
        while not lines[begin - 1].tokens and lines[begin - 1].comment:
            begin -= 1
        between = lines[one + 1 : other]
        kinds = _kind(lines[one]), _kind(lines[other])
        is_long = any(line.tokens for line in between) or _is_long(lines, other)
        if kinds[0] == kinds[1] and (not is_long or kinds[0] == "family"):
            continue
        if not any(line.is_empty and line.depth == 0 for line in between):
            starts.add(begin)
    return starts


def _is_long(lines: list[Line], i: int) -> bool:
    """Whether the item at line `i` goes on below."""
    below = next((line for line in lines[i + 1 :] if line.tokens), None)
    return below is not None and not (below.depth == 0 and _kind(below))


def _kind(line: Line) -> str:
    """What kind of item begins here, if one does."""
    if not line.tokens or line.tokens[0].kind is not Kind.WORD:
        return ""
    word = line.tokens[0].text
    if word == "net" and len(line.tokens) > 2 and line.tokens[2].text == "=":
        return "family"
    return {"edition": "head", "use": "head", "net": "net", "block": "block", "let": "let"}.get(word, "")
