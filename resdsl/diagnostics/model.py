"""Diagnostics are values: a pass adds them to a `Sink` and never raises on what a user wrote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from resdsl.source import Span


class Severity(StrEnum):
    """How bad it is. Only errors make a command fail."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Code:
    """A stable word for one kind of mistake; its page is `explain/<slug>.md`."""

    slug: str
    severity: Severity
    summary: str


@dataclass(frozen=True, slots=True)
class Label:
    """A place and what to say about it."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text of `span` by `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that cure a diagnostic. `safe` ones cannot change what the author meant."""

    title: str
    edits: tuple[Edit, ...]
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake: what, where, why, and how to repair it.

    `message` is a lowercase clause without a full stop; identifiers stand in backticks. Only `help`
    and `fix` say how to repair. `notes` are facts; a note may have several lines.
    """

    code: Code
    message: str
    primary: Label
    secondary: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    fix: Fix | None = None

    @property
    def severity(self) -> Severity:
        """Severity of its code."""
        return self.code.severity


@dataclass(slots=True)
class Sink:
    """Collects diagnostics, at most one of a kind at a place (a block is checked at many shapes)."""

    items: list[Diagnostic] = field(default_factory=list)
    _seen: set[tuple[str, int, int, int]] = field(default_factory=set)

    def add(self, diagnostic: Diagnostic) -> None:
        """Add one, unless the same code was already reported at the same place."""
        span = diagnostic.primary.span
        key = (diagnostic.code.slug, id(span.source), span.start, span.end)
        if key not in self._seen:
            self._seen.add(key)
            self.items.append(diagnostic)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Add several."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    @property
    def has_errors(self) -> bool:
        """Whether anything added is an error."""
        return any(d.severity is Severity.ERROR for d in self.items)

    def sorted(self) -> tuple[Diagnostic, ...]:
        """All of them, by file and place."""

        def key(d: Diagnostic) -> tuple[str, int, int, str]:
            span = d.primary.span
            return span.source.path, span.start, span.end, d.code.slug

        return tuple(sorted(self.items, key=key))
