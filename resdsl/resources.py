"""Where the grammar and the bundled specs are: inside an installed package, or beside it in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def _root() -> Path:
    inside = Path(__file__).parent
    return inside if (inside / "grammars").is_dir() else inside.parent


def grammar() -> str:
    """Text of `grammars/res.lark`."""
    return (_root() / "grammars" / "res.lark").read_text(encoding="utf-8")


def specs() -> Path:
    """The folder of the bundled specs."""
    return _root() / "specs"
