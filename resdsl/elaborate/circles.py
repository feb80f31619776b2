"""Blocks that use each other without an end, found in the text: also those that no net uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Label
from resdsl.elaborate.files import Module
from resdsl.elaborate.scope import Session
from resdsl.elaborate.values import Definition
from resdsl.syntax import ast


def report_circles(session: Session, module: Module) -> set[int]:
    """Report blocks that always run themselves; returns the `id` of the declarations."""
    blocks = {n: d.decl for n, d in module.names.items() if isinstance(d, Definition) and d.module is module}
    uses: dict[str, dict[str, ast.Call]] = {}
    for name, decl in blocks.items():
        uses[name] = {}
        if isinstance(decl, ast.Block):
            hidden = {p.name.id for p in decl.params}
            for call in _always(decl.body):
                if call.callee.id in blocks and call.callee.id not in hidden:
                    uses[name].setdefault(call.callee.id, call)
    found: set[int] = set()
    for name in blocks:
        circle = _circle(name, uses)
        if circle and not any(id(blocks[n]) in found for n in circle):
            found.update(id(blocks[n]) for n in circle)
            _report(session, circle, blocks, uses)
    return found


def _report(
    session: Session, circle: list[str], blocks: dict[str, Any], uses: dict[str, dict[str, ast.Call]]
) -> None:
    first, *others = circle
    calls = [(name, after, uses[name][after]) for name, after in zip(circle, [*others, first], strict=True)]
    word = "net" if blocks[first].is_net else "block"
    message = f"{word} `{first}` uses itself without an end"
    if others:
        message = f"blocks use each other without an end: {' -> '.join(f'`{n}`' for n in [*circle, first])}"
    session.error(
        codes.RECURSIVE_BLOCK,
        message,
        calls[0][2].span,
        f"`{first}` uses `{calls[0][1]}`" if others else "",
        secondary=[Label(call.span, f"`{name}` uses `{after}`") for name, after, call in calls[1:]],
        help="let a parameter decide with `if` where it ends",
    )


def _circle(start: str, uses: dict[str, dict[str, ast.Call]]) -> list[str] | None:
    """The shortest way from a block back to itself."""
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:
        for after in uses[way[-1]]:
            if after == start:
                return way
            if after not in seen:
                seen.add(after)
                ways.append([*way, after])
    return None


def _always(part: Any) -> Iterator[ast.Call]:
    """Calls that run whenever a body does: those in an `if`, `for`, `layer` or an argument may not."""
    match part:
        case tuple():
            for each in part:
                yield from _always(each)
        case ast.If() | ast.For() | ast.Layer() | ast.Let():
            pass
        case ast.Application(thing=ast.Call() as call):
            yield call
        case ast.Application(thing=ast.WithBody(body=body)):
            yield from _always(body)
        case ast.Application(thing=ast.Residual(body=body)):
            yield from _always(body)
        case ast.Body() | ast.Step() | ast.Stage() | ast.Application():
            for each in fields(part) if is_dataclass(part) else ():
                yield from _always(getattr(part, each.name))
        case _:
            pass
