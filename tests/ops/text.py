"""Torch text as a line of Python, without torch."""

from __future__ import annotations

from typing import Any

from resdsl.ops.base import New, Text


def source(text: Text, inputs: int) -> str:
    """The expression, with inputs x0, x1, ... and the module m."""
    names = [f"x{i}" for i in range(inputs)]
    words: dict[str, Any] = {name: repr(value) for name, value in text.literals}
    return text.template.format(*names, **words, **{"self": "m", "*": ", ".join(names)})


def created(new: New) -> str:
    """The expression that makes a module."""
    return f"{new.target}({', '.join([*map(repr, new.args), *(f'{k}={v!r}' for k, v in new.kwargs)])})"
