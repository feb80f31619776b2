"""Canonical layout. Lines are never joined or split: only blanks, empty lines and empty `;` change.

The steps: lines of tokens; one text for each, with its indentation; empty lines; columns.
"""

from __future__ import annotations

from dataclasses import dataclass

from resdsl.source import Source
from resdsl.syntax.layout import align_comments, align_tables, separate_items
from resdsl.syntax.spacing import Spacing
from resdsl.syntax.tokens import CLOSING, OPENING, Kind, Token, tokens

INDENT = 2
FARTHEST = 60  # a column behind this one is not a place to continue at


@dataclass(slots=True)
class Line:
    """A line on its way: `depth` is the number of brackets open before it."""

    tokens: list[Token]
    comment: str = ""
    depth: int = 0
    indent: int = 0
    text: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands on it."""
        return not self.tokens and not self.comment

    def first(self, *words: str) -> bool:
        """Whether it begins with one of these tokens."""
        return bool(self.tokens) and self.tokens[0].text in words


@dataclass(slots=True)
class _Bracket:
    text: str
    content: int  # column of lines inside
    closing: int  # column of a line that begins with the closing bracket


def format_source(source: Source) -> str:
    """The text in its canonical layout. Raises ValueError if it does not parse."""
    from resdsl.diagnostics.model import Sink
    from resdsl.syntax.parser import parse

    if parse(source, Sink()) is None:
        raise ValueError(f"{source.path} has syntax errors")
    lines = _lines(source.text)
    _Layout(lines).run()
    lines = separate_items(lines)
    align_tables(lines)
    return "\n".join(align_comments(lines)) + "\n"


def _lines(text: str) -> list[Line]:
    lines = [Line([])]
    for token in tokens(text):
        if token.kind is Kind.NEWLINE:
            lines.append(Line([]))
        elif token.kind is Kind.COMMENT:
            lines[-1].comment = _comment(token.text)
        else:
            lines[-1].tokens.append(token)
    for line in lines:
        needed = [t for i, t in enumerate(line.tokens) if t.text != ";" or _separates(line.tokens, i)]
        # a `;` keeps the comment behind it from becoming the doc of the line below
        line.tokens = needed or (line.tokens[:1] if line.comment else [])
    return lines


def _separates(line: list[Token], i: int) -> bool:
    """Whether the `;` at `i` has statements on both sides."""
    if i == 0 or i + 1 == len(line):
        return False
    return line[i - 1].text != "{" and line[i + 1].text not in (";", "}")


def _comment(text: str) -> str:
    text = text.rstrip()
    body = text.lstrip("#")
    hashes = text[: len(text) - len(body)]
    joined = len(hashes) <= 2 and body and body[0] != "!" and not body[0].isspace()
    return f"{hashes} {body}" if joined else text


class _Layout:
    """Gives each line its text and indentation."""

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines
        self.spacing = Spacing()
        self.open: list[_Bracket] = []

    def run(self) -> None:
        previous: Line | None = None
        widths = _family_widths(self.lines)
        for line in self.lines:
            line.depth = len(self.open)
            line.indent = self._indent(line, previous)
            self._write(line, widths.get(id(line), 0))
            if line.tokens:
                previous = line
                self.spacing.newline()

    def _indent(self, line: Line, previous: Line | None) -> int:
        base = self.open[-1].content if self.open else 0
        closers = 0
        for token in line.tokens:
            if token.text not in CLOSING:
                break
            closers += 1
        if closers:
            return min(bracket.closing for bracket in self.open[-closers:])
        in_lines = not self.open or self.open[-1].text == "{"
        after_body = previous is not None and previous.tokens[-1].text == "}"
        continues = line.first("->") or (line.first("else", "shortcut") and not after_body)
        is_name = len(line.tokens) > 1 and line.tokens[0].text == "shortcut" and line.tokens[1].text == "="
        return base + INDENT if in_lines and continues and not is_name else base

    def _write(self, line: Line, name_width: int) -> None:
        column = line.indent
        text = ""
        for i, token in enumerate(line.tokens):
            gap = self.spacing.gap(token) if i else (self.spacing.gap(token) and "")
            if name_width and i == 2:
                gap = " " * (name_width - len(line.tokens[1].text) + 1)
            text += gap + token.text
            if token.text in CLOSING:
                self.open.pop()
            elif token.text in OPENING:
                self._push(line, i, column + len(text))
        line.text = text

    def _push(self, line: Line, i: int, column: int) -> None:
        token = line.tokens[i]
        is_last = i + 1 == len(line.tokens)
        content, closing = line.indent + INDENT, line.indent
        if token.text == "{" and self._opened_here(line, i):
            content, closing = self.open[-1].content + INDENT, self.open[-1].content
        elif token.text != "{" and not is_last:
            content = column if column <= FARTHEST else line.indent + 2 * INDENT
        self.open.append(_Bracket(token.text, content, closing))

    def _opened_here(self, line: Line, i: int) -> bool:
        """Whether the brace around this one stands on the same line."""
        depth = 0
        for token in reversed(line.tokens[:i]):
            if token.text in CLOSING:
                depth += 1
            elif token.text in OPENING:
                if depth == 0:
                    return token.text == "{"
                depth -= 1
        return False


def _family_widths(lines: list[Line]) -> dict[int, int]:
    """For each `net NAME = ...` in a run of them, the width of the longest name."""
    widths: dict[int, int] = {}
    run: list[Line] = []
    for line in [*lines, Line([])]:
        if [t.text for t in line.tokens[:3:2]] == ["net", "="]:
            run.append(line)
            continue
        longest = max((len(member.tokens[1].text) for member in run), default=0)
        widths.update((id(member), longest) for member in run)
        run = []
    return widths
