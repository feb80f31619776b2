"""One line for each diagnostic: `path:line:column: error[slug] message`."""

from __future__ import annotations

from collections.abc import Sequence

from resdsl.diagnostics.columns import clean
from resdsl.diagnostics.model import Diagnostic


def as_concise(diagnostics: Sequence[Diagnostic]) -> str:
    """Lines that editors and `grep` understand."""
    return "".join(f"{_line(d)}\n" for d in diagnostics)


def _line(d: Diagnostic) -> str:
    text = f"{d.primary.span.place}: {d.severity}[{d.code.slug}] {d.message}"
    return clean(" ".join(text.splitlines()))
