"""The words of a text, comments and newlines included: for the formatter and for syntax errors.

It agrees with the grammar's terminals on every text that parses, and takes any other text too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

OPENING = {"(": ")", "[": "]", "{": "}"}
CLOSING = {closing: opening for opening, closing in OPENING.items()}


class Kind(StrEnum):
    """What a token is."""

    NEWLINE = "newline"
    COMMENT = "comment"
    STRING = "string"
    OPEN_STRING = "open string"
    SIZE = "size"
    NUMBER = "number"
    PATH = "path"
    WORD = "word"
    SIGN = "sign"
    STRANGE = "strange"


@dataclass(frozen=True, slots=True)
class Token:
    """A word at `[start, end)`."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def is_bare(self) -> bool:
        """Whether it carries no code: a newline or a comment."""
        return self.kind in (Kind.NEWLINE, Kind.COMMENT)

    @property
    def is_value(self) -> bool:
        """Whether a value may end with it."""
        return self.kind in _VALUES or self.text in (")", "]", "}")


_VALUES = (Kind.STRING, Kind.SIZE, Kind.NUMBER, Kind.PATH, Kind.WORD)
_PATTERNS = {
    "NEWLINE": r"\r?\n",
    "BLANK": r"[ \t\r]+",
    "COMMENT": r"\#[^\n]*",
    "STRING": r'"[^"\n]*"',
    "OPEN_STRING": r'"[^\n]*',
    "SIZE": r"[0-9]+(?:x[0-9]+)+(?![A-Za-z0-9_])",
    "NUMBER": r"[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?",
    "PATH": r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)+",
    "WORD": r"[A-Za-z_][A-Za-z0-9_]*",
    "SIGN": r"->|\*\*|[=!<>]=|[-+*/%<>=(){}\[\],;:]",
    "STRANGE": r".",
}
_TOKEN = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS.items()), re.DOTALL)


def tokens(text: str, start: int = 0, end: int | None = None) -> Iterator[Token]:
    """All tokens of a part of a text, blanks and the mark at the head of the file left out."""
    start += text.startswith("\ufeff") and not start
    for match in _TOKEN.finditer(text, start, len(text) if end is None else end):
        name = match.lastgroup or ""
        if name != "BLANK":
            yield Token(Kind[name], match.group(), *match.span())
