"""Which tokens of a line stand together, and which have a blank between them."""

from __future__ import annotations

from resdsl.syntax.build_expr import RESERVED
from resdsl.syntax.tokens import Kind, Token

# Words that are names where a value cannot have ended before them.
_SOFT = frozenset(("x", "until", "as", "then", "at", "where", "shortcut"))
_VALUES = frozenset(("true", "false", "none"))


class Spacing:
    """Goes through a file token by token, as a minus or `in` means what the token before it says."""

    def __init__(self) -> None:
        self.before: Token | None = None
        self._ends_value = False  # whether a value may end with `before`
        self._is_sign = False  # whether `before` is a minus with one operand
        self._open: list[str] = []

    def newline(self) -> None:
        """A line ends: a statement, too, unless a bracket is open."""
        if not self._open or self._open[-1] == "{":
            self.before, self._ends_value, self._is_sign = None, False, False

    def gap(self, token: Token) -> str:
        """The blank between the token before and this one, if any."""
        gap = self._gap(token)
        self._take(token)
        return gap

    def _gap(self, token: Token) -> str:
        before, text = self.before, token.text
        if before is None or text in (",", ";", ")", "]") or before.text in ("(", "["):
            return ""
        if text == "}":
            return "" if before.text == "{" else " "
        if text == ":" or (before.text == ":" and self._in_index()):
            return ""
        if text == "(" or text == "[":
            return "" if (self._ends_value and before.text != "}") or self._is_sign else " "
        return "" if self._is_sign else " "

    def _in_index(self) -> bool:
        return bool(self._open) and self._open[-1] == "["

    def _take(self, token: Token) -> None:
        text = token.text
        self._is_sign = text == "-" and not self._ends_value
        self._ends_value = self._is_end(token)
        if text in ("(", "[", "{"):
            self._open.append(text)
        elif text in (")", "]", "}"):
            self._open.pop()
        self.before = token

    def _is_end(self, token: Token) -> bool:
        text = token.text
        if token.kind is not Kind.WORD:
            return token.is_value
        if text == "in":  # the value arriving, or the word of `for NAME in`
            return not self._ends_value
        if text in _SOFT:
            return not self._ends_value and (self.before is None or self.before.text != "residual")
        return text not in RESERVED or text in _VALUES
