"""A lark error as a diagnostic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Diagnostic, Label
from resdsl.source import Source, Span

if TYPE_CHECKING:
    from lark.exceptions import UnexpectedInput


def explain_syntax_error(source: Source, error: UnexpectedInput, offset: int = 0) -> Diagnostic:
    """Say what was expected where the parser stopped."""
    at = offset + (error.pos_in_stream or 0)
    at = min(max(at, 0), len(source.text))
    return Diagnostic(codes.SYNTAX, "unexpected text", Label(Span(source, at, min(at + 1, len(source.text)))))
