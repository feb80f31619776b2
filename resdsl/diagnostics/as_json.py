"""One JSON array. Keys always stand in the same order; lines and columns count from 1."""

from __future__ import annotations

from collections.abc import Sequence

from resdsl.diagnostics.model import Diagnostic, Fix
from resdsl.source import Source, Span

Json = dict[str, object]


def as_json(diagnostics: Sequence[Diagnostic]) -> str:
    """The array, indented, in plain ASCII so that it survives any encoding of stdout."""
    import json

    return json.dumps([_diagnostic(d) for d in diagnostics], indent=2) + "\n"


def _diagnostic(d: Diagnostic) -> Json:
    labels = [(d.primary, True), *((label, False) for label in d.secondary)]
    return {
        "code": d.code.slug,
        "severity": str(d.severity),
        "message": d.message,
        "span": _span(d.primary.span),
        "labels": [
            {"span": _span(label.span), "text": label.text, "primary": primary} for label, primary in labels
        ],
        "notes": list(d.notes),
        "help": list(d.help),
        "fix": _fix(d.fix) if d.fix else None,
    }


def _fix(fix: Fix) -> Json:
    return {
        "title": fix.title,
        "safe": fix.safe,
        "edits": [{"span": _span(edit.span), "text": edit.text} for edit in fix.edits],
    }


def _span(span: Span) -> Json:
    return {
        "path": span.source.path,
        "start": _point(span.source, span.start),
        "end": _point(span.source, span.end),
    }


def _point(source: Source, offset: int) -> Json:
    line, column = source.line_col(offset)
    return {"line": line, "column": column, "offset": offset}
