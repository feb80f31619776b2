"""The place where a parser stopped: what stands around it, and what could have stood there."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from resdsl.diagnostics import codes
from resdsl.diagnostics.fixes import edited
from resdsl.diagnostics.model import Diagnostic, Edit, Fix, Label
from resdsl.source import Source, Span
from resdsl.syntax.tokens import CLOSING, OPENING, Kind, Token, tokens

_MARKS = ("{", "(", "=", ":", ",", "]", ")", "}")
FORMS = {
    "apply": "`apply NAME`",
    "block": "`block NAME(parameters) { ... }`",
    "buffer": "`buffer NAME: [shape] = initialiser`",
    "edition": "`edition 2026`",
    "expect": "`expect params == N`, any other condition, or `expect NAME: [shape]`",
    "for": "`for NAME in LIST { ... }`",
    "from": "`from NAME, ... -> step`",
    "if": "`if CONDITION { ... } else { ... }`",
    "init": "`init OP.ARGUMENT = initialiser`",
    "input": "`input NAME: [3, H, W]`",
    "layer": "`layer NAME = step`",
    "let": "`let NAME = value`",
    "net": "`net NAME(parameters) { ... }`, or `net NAME = call` for one of a family",
    "output": "`output NAME, ...`",
    "param": "`param NAME: [shape] = initialiser` for a trained tensor; parameters of a block or net "
    "stand in its parentheses",
    "residual": "`residual { ... } shortcut: POLICY`",
    "stage": "`stage NAME { ... }`",
    "use": '`use "file.res" { NAME, ... }`, or `use std.resnet { NAME, ... }`',
}
"""How what begins with a word of the language is written."""


@dataclass(frozen=True)
class Stuck:
    """Where a part `[start, end)` of a source stops following the grammar.

    `accepts` holds the words and signs that could stand at `at`, and the names of terminals such as
    `NAME`; `newline` says that a line ended too early; `rule` is what the part should be.
    """

    source: Source
    start: int
    end: int
    at: int
    accepts: frozenset[str]
    newline: bool
    rule: str
    _open: list[Token] = field(default_factory=list, init=False)
    _statements: list[list[Token]] = field(default_factory=lambda: [[]], init=False)

    def __post_init__(self) -> None:
        for token in tokens(self.source.text, self.start, self.at):
            self._walk(token)

    def _walk(self, token: Token) -> None:
        in_lines = not self._open or self._open[-1].text == "{"
        if token.text in OPENING:
            self._statements[-1].append(token)
            self._open.append(token)
            self._statements.append([])
        elif token.text in CLOSING and self._open:
            self._open.pop()
            self._statements.pop()
            self._statements[-1].append(token)
        elif token.kind is Kind.NEWLINE or token.text == ";":
            if in_lines:
                self._statements[-1] = []
        elif token.text == "," and not in_lines:
            self._statements[-1] = []
        elif token.kind is not Kind.COMMENT:
            self._statements[-1].append(token)

    # ---------------------------------------------------------------- what stands around

    @cached_property
    def statement(self) -> list[Token]:
        """Tokens of this statement or argument before the place, without those inside its brackets."""
        return self._statements[-1]

    @cached_property
    def opener(self) -> Token | None:
        """The innermost bracket that is open."""
        return self._open[-1] if self._open else None

    @property
    def is_argument(self) -> bool:
        """Whether the innermost bracket stands in the arguments of a call."""
        return len(self._open) > 1 and self._open[-2].text == "("

    def closes_outer(self, closing: str) -> bool:
        """Whether a bracket that this one closes is open around the innermost one."""
        return any(OPENING[token.text] == closing for token in self._open[:-1])

    @cached_property
    def is_line(self) -> bool:
        """Whether a newline ends a statement here."""
        return self.opener is None or self.opener.text == "{"

    @cached_property
    def _before(self) -> list[Token]:
        return [t for t in tokens(self.source.text, self.start, self.at) if not t.is_bare]

    @cached_property
    def before(self) -> Token | None:
        """The token before the place."""
        return self._before[-1] if self._before else None

    @cached_property
    def _from_here(self) -> list[Token]:
        rest = tokens(self.source.text, self.at, len(self.source.text))
        found: list[Token] = []
        for token in rest:
            if not token.is_bare:
                found.append(token)
            if len(found) == 3:
                break
        return found

    @cached_property
    def next(self) -> Token | None:
        """The first token from the place on, also behind a newline or the end of the part."""
        return self._from_here[0] if self._from_here else None

    @cached_property
    def found(self) -> Token | None:
        """The token that does not fit, or None where a line or the part ends too early."""
        return None if self.newline or self.at >= self.end else self.next

    @cached_property
    def after(self) -> Token | None:
        """The token after `next`."""
        return self._from_here[1] if len(self._from_here) > 1 else None

    def run(self, start: int, *stops: str) -> list[Token]:
        """Tokens from an offset on, to the end of the line or of the brackets, or to one of these words or signs."""
        found: list[Token] = []
        depth = 0
        for token in tokens(self.source.text, start, self.end):
            depth += (token.text in OPENING) - (token.text in CLOSING)
            if token.is_bare or depth < 0 or (not depth and token.text in stops):
                break
            found.append(token)
        return found

    def line(self, token: Token) -> int:
        """The line of a token."""
        return self.source.line_col(token.start)[0]

    def margin(self, token: Token) -> str:
        """The blanks at the head of the line of a token."""
        text = self.source.line_text(self.line(token))
        return text[: len(text) - len(text.lstrip())]

    def indent(self, token: Token) -> int:
        """The indentation of the line of a token."""
        return len(self.margin(token))

    @property
    def is_same_line(self) -> bool:
        """Whether `next` stands on the line of `before`."""
        return bool(self.before and self.next and self.line(self.before) == self.line(self.next))

    def said(self, *words: str) -> Token | None:
        """The last of these words in the statement."""
        return next((t for t in reversed(self.statement) if t.text in words), None)

    # ---------------------------------------------------------------- words

    @property
    def form(self) -> str | None:
        """How a statement of this kind is written."""
        head = self.said("residual") or (self.statement[0] if self.statement else None)
        return f"it is written {FORMS[head.text]}" if self.is_line and head and head.text in FORMS else None

    @cached_property
    def found_words(self) -> str:
        """What stands at the place."""
        if self.newline:
            return "a new line"
        token = self.next
        if token is None:
            return "the end of the file"
        if token.kind is Kind.STRANGE and not token.text.isprintable():
            return f"the character U+{ord(token.text):04X}"
        text = token.text if len(token.text) <= 40 else token.text[:37] + "..."
        return f"`{text}`"

    @cached_property
    def expected(self) -> str:
        """What could have stood there, as a reader would say it."""
        words = self._expected_things()
        if not words:
            words = [f"`{word}`" for word in sorted(self.accepts) if not word.isupper() and word != "$END"]
        words = words[:4] or ["something else"]
        return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"

    def _expected_things(self) -> list[str]:
        accepts = self.accepts
        if "edition" in accepts:
            return ["`net`", "`block`", "`let`", "`use`"]
        if "layer" in accepts:
            return ["a step", "`}`"] if "}" in accepts else ["a step"]
        marks = [f"`{mark}`" for mark in _MARKS if mark in accepts]
        if "INT" in accepts:
            value = "a value" if "NAME" in accepts else "a number"
            return [value, *(mark for mark in marks if mark in ("`)`", "`]`"))]
        if "_NL" in accepts:
            return ["`else`"] if "else" in accepts else ["a new line", "`;`"]
        if "NAME" in accepts:
            return ["a name", *(mark for mark in marks if mark in ("`)`", "`}`", "`:`"))]
        if "PATH" in accepts:
            return ["a name with a dot, like `conv.weight`"]
        if self.opener and OPENING[self.opener.text] in accepts:
            return [mark for mark in marks if mark in ("`,`", "`:`", "`)`", "`]`", "`}`")]
        if "else" in accepts:
            return ["`else`"]
        return marks + [f"`{word}`" for word in ("in", "shortcut") if word in accepts]

    # ---------------------------------------------------------------- trying a fix

    def cure(self, title: str, *edits: tuple[Span, str], safe: bool = False) -> Fix | None:
        """A fix of this source, if it cures."""
        fix = self.fix(title, *edits, safe=safe)
        return fix if self.cures(fix) else None

    def cures(self, fix: Fix) -> bool:
        """Whether the parser takes the rest of the statement, or of the argument, once the fix is made."""
        from resdsl.syntax.parser import stops_at

        text = edited(self.source.text, fix.edits, self.start, self.end)
        stop = stops_at(text, self.rule)
        if stop is None:
            return True
        reach = max(self.at, *(edit.span.end for edit in fix.edits))
        begin = len(edited(self.source.text, fix.edits, self.start, reach))
        around: list[str] = []
        level = None
        for token in tokens(text, 0, stop):
            if token.start >= begin:
                level = len(around) if level is None else level
                in_line = not around or around[-1] == "{"
                ends = token.kind is Kind.NEWLINE or token.text in ";{}" if in_line else token.text == ","
                if ends and len(around) <= level:
                    return True
            if token.text in OPENING:
                around.append(token.text)
            elif token.text in CLOSING and around:
                around.pop()
        return False

    # ---------------------------------------------------------------- making a diagnostic

    def span(self, token: Token) -> Span:
        """The place of a token."""
        return Span(self.source, token.start, token.end)

    @cached_property
    def here(self) -> Span:
        """The token that does not fit, or the place behind the last one where something is missing."""
        token = self.found if self.found or self.newline else self.next
        if token:
            return self.span(token)
        at = self.before.end if self.before else self.at
        return Span(self.source, at, at)

    def behind(self, token: Token) -> Span:
        """The empty place behind a token."""
        return Span(self.source, token.end, token.end)

    def fix(self, title: str, *edits: tuple[Span, str], safe: bool = False) -> Fix:
        """A fix of this source."""
        return Fix(title, tuple(Edit(span, text) for span, text in edits), safe)

    def error(
        self,
        label: str = "",
        *,
        expected: str | None = None,
        found: str | None = None,
        at: Span | None = None,
        also: tuple[Token, str] | None = None,
        help: str | None = None,
        fix: Fix | None = None,
    ) -> Diagnostic:
        """A syntax error. Without more it says what was expected and what was found."""
        return Diagnostic(
            codes.SYNTAX,
            f"expected {expected or self.expected}, found {found or self.found_words}",
            Label(at or self.here, label),
            (Label(self.span(also[0]), also[1]),) if also else (),
            help=(help,) if help else (),
            fix=fix,
        )
