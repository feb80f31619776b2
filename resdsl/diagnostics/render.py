"""Diagnostics as text, in one of five formats; each format is a file `as_*.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, assert_never

from resdsl.diagnostics.model import Diagnostic

Format = Literal["full", "concise", "json", "github", "sarif"]


def render(diagnostics: Iterable[Diagnostic], format: Format, *, color: bool = False) -> str:
    """Show diagnostics in the order given. What is not empty ends with a newline.

    Args:
        diagnostics: what to show; `Sink.sorted()` gives the usual order.
        format: `full` and `concise` are for people, the others for machines.
        color: whether `full` uses ANSI colours; the other formats never do.
    """
    items = tuple(diagnostics)
    # Formats are imported when used: a run without mistakes needs none of them.
    match format:
        case "full":
            from resdsl.diagnostics.as_text import as_text

            return as_text(items, color=color)
        case "concise":
            from resdsl.diagnostics.as_concise import as_concise

            return as_concise(items)
        case "json":
            from resdsl.diagnostics.as_json import as_json

            return as_json(items)
        case "github":
            from resdsl.diagnostics.as_github import as_github

            return as_github(items)
        case "sarif":
            from resdsl.diagnostics.as_sarif import as_sarif

            return as_sarif(items)
        case _:
            assert_never(format)
