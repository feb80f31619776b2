"""Reading options that several commands have."""

from __future__ import annotations

import argparse

from resdsl.cli.errors import Usage


def settings(args: argparse.Namespace) -> dict[str, str]:
    """`--set NAME=VALUE` as a dict."""
    made: dict[str, str] = {}
    for text in getattr(args, "set", []):
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise Usage(f"--set takes NAME=VALUE, not `{text}`")
        if name.strip() in made:
            raise Usage(f"--set gives `{name.strip()}` twice")
        made[name.strip()] = value.strip()
    return made


def input_shape(args: argparse.Namespace) -> tuple[int, ...] | None:
    """`--at 3x224x224` as a shape."""
    text = getattr(args, "at", None)
    return None if text is None else shape_of(text)


def shape_of(text: str) -> tuple[int, ...]:
    """`3x224x224` as a shape."""
    parts = text.strip("[]").replace(",", "x").replace(" ", "").split("x")
    if not all(p.isascii() and p.isdigit() and len(p) < 20 and int(p) > 0 for p in parts):
        raise Usage(f"--at takes a shape like 3x224x224, not `{text}`")
    return tuple(int(p) for p in parts)
