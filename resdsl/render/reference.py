"""The op reference, made from the ops themselves: `resdsl ops`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING
from inspect import cleandoc
from itertools import groupby

from resdsl.elaborate.values import write
from resdsl.ops import OPS
from resdsl.ops.base import Op, arguments, show


def usage(cls: type[Op]) -> str:
    """How an op is called: `conv(out, size, stride = 1)`."""
    parts = [
        n if f.default is MISSING else f"{n} = {write(f.default)}" for n, (_, f) in arguments(cls).items()
    ]
    text = f"{cls.name}({', '.join(parts)})" if parts else cls.name
    return text + {"arms": " { arms }", "steps": " { steps }"}.get(cls.body or "", "")


def listing(ops: Mapping[str, type[Op]] = OPS) -> str:
    """One line for each op, by category."""
    lines: list[str] = []
    ordered = sorted(ops.values(), key=lambda c: (c.category, c.name))
    for category, group in groupby(ordered, key=lambda c: c.category):
        lines.append(f"{category}")
        lines.extend(f"  {c.name:<20} {_first(c)}" for c in group)
    return "\n".join(lines) + "\n"


def _first(cls: type[Op]) -> str:
    return cleandoc(cls.__doc__ or "").split("\n")[0]


def describe(cls: type[Op]) -> str:
    """Everything about one op, as text."""
    lines = [usage(cls), "", cleandoc(cls.__doc__ or ""), ""]
    for name, (arg, _) in arguments(cls).items():
        lines.append(f"  {name:<14} {arg.doc}")
    if cls.examples:
        lines += ["", "examples"]
        for example in cls.examples:
            lines.append(f"  {example.call:<44} for {', '.join(map(show, example.inputs))}")
    return "\n".join(lines).rstrip() + "\n"


def markdown(ops: Mapping[str, type[Op]] = OPS) -> str:
    """The reference of ops as markdown."""
    lines = ["# Ops", "", "Shapes leave the batch out. Made by `resdsl ops --markdown`.", ""]
    for cls in sorted(ops.values(), key=lambda c: c.name):
        lines += [f"## `{usage(cls)}`", "", cleandoc(cls.__doc__ or ""), ""]
        rows = [f"| `{n}` | {a.kind} | {a.doc} |" for n, (a, _) in arguments(cls).items()]
        if rows:
            lines += ["| argument | kind | meaning |", "| --- | --- | --- |", *rows, ""]
        if cls.examples:
            lines += [
                "```res",
                *(f"{e.call}  # {', '.join(map(show, e.inputs))}" for e in cls.examples),
                "```",
                "",
            ]
    return "\n".join(lines)
