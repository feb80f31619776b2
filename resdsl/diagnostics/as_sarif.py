"""SARIF 2.1.0, the exchange format of code scanning services."""

from __future__ import annotations

from collections.abc import Sequence

from resdsl.diagnostics.model import Code, Diagnostic, Edit, Fix, Label
from resdsl.source import Source, Span

Json = dict[str, object]


def as_sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """A log of one run, whose rules are the codes that occur."""
    import json

    codes = sorted({d.code for d in diagnostics}, key=lambda code: code.slug)
    rank = {code.slug: index for index, code in enumerate(codes)}
    run: Json = {
        "tool": {"driver": {"name": "resdsl", "rules": [_rule(code) for code in codes]}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(d, rank[d.code.slug]) for d in diagnostics],
    }
    log: Json = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(log, indent=2) + "\n"


def _rule(code: Code) -> Json:
    return {
        "id": code.slug,
        "shortDescription": {"text": code.summary},
        "defaultConfiguration": {"level": str(code.severity)},
    }


def _result(d: Diagnostic, rule_index: int) -> Json:
    notes = (f"note: {text}" for text in d.notes)
    helps = (f"help: {text}" for text in d.help)
    result: Json = {
        "ruleId": d.code.slug,
        "ruleIndex": rule_index,
        "level": str(d.severity),
        "message": {"text": "\n".join((d.message, *notes, *helps))},
        "locations": [_location(d.primary)],
    }
    if d.secondary:
        result["relatedLocations"] = [
            {"id": index, **_location(label)} for index, label in enumerate(d.secondary)
        ]
    if d.fix:
        result["fixes"] = [_fix(d.fix)]
    return result


def _location(label: Label) -> Json:
    location: Json = {
        "physicalLocation": {
            "artifactLocation": _artifact(label.span.source),
            "region": _region(label.span),
        }
    }
    if label.text:
        location["message"] = {"text": label.text}
    return location


def _fix(fix: Fix) -> Json:
    by_source: dict[Source, list[Edit]] = {}
    for edit in fix.edits:
        by_source.setdefault(edit.span.source, []).append(edit)
    return {
        "description": {"text": fix.title},
        "artifactChanges": [
            {
                "artifactLocation": _artifact(source),
                "replacements": [_replacement(edit) for edit in edits],
            }
            for source, edits in by_source.items()
        ],
    }


def _replacement(edit: Edit) -> Json:
    return {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}


def _region(span: Span) -> Json:
    start_line, start_column = span.source.line_col(span.start)
    end_line, end_column = span.source.line_col(span.end)
    return {
        "startLine": start_line,
        "startColumn": start_column,
        "endLine": end_line,
        "endColumn": end_column,  # of the character behind the last one, in SARIF as in a Span
    }


def _artifact(source: Source) -> Json:
    from pathlib import PurePath
    from urllib.parse import quote

    path = PurePath(source.path)
    return {"uri": path.as_uri() if path.is_absolute() else quote(path.as_posix())}
