"""Breaks emitted lines that are too long, as a formatter would: one argument a line."""

from __future__ import annotations

import ast
import re

WIDTH = 100


def wrap(line: str, indent: int = 0) -> list[str]:
    """A statement in one line, or broken at its outermost brackets. Emitted code is ASCII."""
    if indent + len(line) <= WIDTH:
        return [" " * indent + line]
    if line.startswith("def "):
        start, end = line.index("("), line.rindex(")")
        parts = [p + "," for p in re.split(r", (?![^\[]*\])", line[start + 1 : end])]
        return [
            " " * indent + line[: start + 1],
            *(" " * (indent + 4) + p for p in parts),
            " " * indent + line[end:],
        ]
    value: ast.expr | None = getattr(ast.parse(line.replace("return ", "_ =    ", 1)).body[0], "value", None)
    return _break(line, value, indent) if value is not None else [" " * indent + line]


def _break(line: str, value: ast.expr, indent: int, comma: str = "") -> list[str]:
    """Break a line at the brackets of `value`, an expression in it."""
    flat = " " * indent + line + comma
    found = _brackets(line, value)
    if len(flat) <= WIDTH or found is None:
        return [flat]
    start, end, parts, loop = found
    lines = [" " * indent + line[: start + 1]]
    for low, high in parts:
        lines += _item(line[low:high], indent + 4, "" if loop else ",")
    if loop:
        lines.append(" " * (indent + 4) + line[parts[0][1] : end].strip())
    return [*lines, " " * indent + line[end:] + comma]


def _item(text: str, indent: int, comma: str) -> list[str]:
    """An argument, an element, or a key with its value, on lines of its own."""
    for before, after in (("f(", ")"), ("{", "}")):
        try:
            whole = ast.parse(before + text + after, mode="eval").body
        except SyntaxError:
            continue
        if isinstance(whole, ast.Call):
            value = whole.keywords[0].value if whole.keywords else whole.args[0]
        else:
            assert isinstance(whole, ast.Dict)
            value = whole.values[0]
        for node in ast.walk(value):
            if isinstance(node, ast.expr | ast.keyword) and node.end_col_offset is not None:
                node.col_offset -= len(before)
                node.end_col_offset -= len(before)
        return _break(text, value, indent, comma)
    raise AssertionError(f"neither an argument nor a pair: {text}")


def _brackets(line: str, value: ast.expr) -> tuple[int, int, list[tuple[int, int]], bool] | None:
    """Where an expression can be broken: its brackets, what is between the commas, whether it loops."""
    if isinstance(value, ast.Starred):
        value = value.value
    end = (value.end_col_offset or 0) - 1
    parts: list[ast.expr | ast.keyword]
    match value:
        case ast.Call():
            parts = [*value.args, *value.keywords]
            start = line.index("(", value.func.end_col_offset or 0)
        case ast.List() | ast.Tuple() if line[value.col_offset] in "([":
            parts, start = list(value.elts), value.col_offset
        case ast.ListComp() | ast.GeneratorExp():
            parts, start = [value.elt], value.col_offset
        case ast.Dict():
            start = value.col_offset
            pairs = zip(value.keys, value.values, strict=True)
            return start, end, [(k.col_offset, v.end_col_offset or 0) for k, v in pairs if k], False
        case ast.IfExp():
            return _brackets(line, value.body)
        case ast.BinOp():
            return _brackets(line, value.right) or _brackets(line, value.left)
        case _:
            return None
    loop = isinstance(value, ast.ListComp | ast.GeneratorExp)
    if len(parts) == 1 and isinstance(parts[0], ast.expr) and not loop:
        inner = _brackets(line, parts[0])
        if inner is not None:
            return inner
    return (start, end, [(p.col_offset, p.end_col_offset or 0) for p in parts], loop) if parts else None
