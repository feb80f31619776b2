"""Workflow commands: GitHub Actions shows them on the changed lines of a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from resdsl.diagnostics.model import Diagnostic


def as_github(diagnostics: Sequence[Diagnostic]) -> str:
    """One `::error ...::message` or `::warning ...::message` for each diagnostic."""
    return "".join(f"{_command(d)}\n" for d in diagnostics)


def _command(d: Diagnostic) -> str:
    source, start = d.primary.span.source, d.primary.span.start
    line, column = source.line_col(start)
    # The last character, not the end: a span may end behind a newline.
    end_line, _ = source.line_col(max(start, d.primary.span.end - 1))
    properties = {"file": source.path, "line": str(line), "endLine": str(end_line)}
    if end_line == line:  # GitHub drops columns of an annotation over several lines
        properties["col"] = str(column)
    properties["title"] = d.code.slug
    joined = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    message = "\n".join((d.message, *(f"help: {text}" for text in d.help)))
    return f"::{d.severity} {joined}::{_data(message)}"


def _data(text: str) -> str:
    # "%" first: it begins the other escapes.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
