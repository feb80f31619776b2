"""Breaks emitted lines that are too long, as a formatter would: one argument a line."""

from __future__ import annotations

import ast

WIDTH = 100


def wrap(line: str, indent: int = 0) -> list[str]:
    """A statement in one line, or broken at its outermost brackets. Emitted code is ASCII."""
    if indent + len(line) <= WIDTH or line.startswith("#"):
        return [" " * indent + line]
    try:
        tree = ast.parse(line if not line.endswith(":") else line + " pass").body[0]
    except (SyntaxError, IndexError):
        return [" " * indent + line]
    value = getattr(tree, "value", None)
    if not isinstance(value, ast.expr):
        return [" " * indent + line]
    return _break(line, value, indent)


def _break(line: str, value: ast.expr, indent: int, comma: str = "") -> list[str]:
    """Break a line at the brackets of `value`, an expression in it."""
    flat = " " * indent + line + comma
    parts = _parts(value)
    if len(flat) <= WIDTH or not parts:
        return [flat]
    if len(parts) == 1 and isinstance(parts[0], ast.Call | ast.List) and len(_parts(parts[0])) > 1:
        return _break(line, parts[0], indent, comma)
    start, end = _span(parts[0])[0], _span(parts[-1])[1]
    lines = [" " * indent + line[:start].rstrip()]
    for part in parts:
        low, high = _span(part)
        inner = ast.parse("f(" + line[low:high] + ")").body[0]
        assert isinstance(inner, ast.Expr)
        lines.extend(_item(line[low:high], indent + 4, "," if not isinstance(value, ast.ListComp) else ""))
    rest = line[end:].lstrip()
    return [*lines, " " * indent + rest.lstrip(",") + comma]


def _item(text: str, indent: int, comma: str) -> list[str]:
    call = ast.parse(f"f({text})", mode="eval").body
    assert isinstance(call, ast.Call)
    value = call.keywords[0].value if call.keywords else call.args[0]
    for node in ast.walk(value):
        if hasattr(node, "col_offset"):
            node.col_offset -= 2
            node.end_col_offset -= 2  # type: ignore[attr-defined]
    for keyword in call.keywords:
        keyword.col_offset -= 2
    return _break(text, value, indent, comma)


def _parts(value: ast.expr) -> list[ast.expr | ast.keyword]:
    """What may stand on lines of its own."""
    match value:
        case ast.Call():
            return [*value.args, *value.keywords]
        case ast.List() | ast.Tuple():
            return list(value.elts)
        case ast.Starred():
            return _parts(value.value)
        case ast.ListComp():
            return [value.elt]
        case _:
            return []


def _span(part: ast.expr | ast.keyword) -> tuple[int, int]:
    end = part.value.end_col_offset if isinstance(part, ast.keyword) else part.end_col_offset
    assert end is not None
    return part.col_offset, end
