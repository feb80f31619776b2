"""Syntax errors that come from other languages, notations and keyboards.

Each rule looks at the place where the parser stopped and is silent unless it knows what happened.
"""

from __future__ import annotations

import re

from resdsl.diagnostics.model import Diagnostic
from resdsl.source import Span
from resdsl.syntax.stuck import Stuck
from resdsl.syntax.tokens import Kind, Token

_MEANT = {
    "×": "x",
    "−": "-",
    "–": "-",
    "—": "-",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "·": "*",
    "^": "**",
    "“": '"',
    "”": '"',
    "„": '"',
    "\u00a0": " ",
}
_WORDS = {"&": "and", "|": "or", "!": "not"}

# What another language calls it: what to write, and whether the word alone can be replaced.
_FOREIGN = {
    "def": ("block", "a part is declared with `block NAME(...) { ... }`, a whole net with `net`"),
    "class": ("block", "a part is declared with `block NAME(...) { ... }`, a whole net with `net`"),
    "fn": ("block", "a part is declared with `block NAME(...) { ... }`, a whole net with `net`"),
    "function": ("block", "a part is declared with `block NAME(...) { ... }`, a whole net with `net`"),
    "model": ("net", "a net is declared with `net NAME(...) { ... }`"),
    "network": ("net", "a net is declared with `net NAME(...) { ... }`"),
    "var": ("let", "a value gets a name with `let NAME = ...`"),
    "const": ("let", "a value gets a name with `let NAME = ...`"),
    "elif": ("else if", "write `else if`"),
    "elsif": ("else if", "write `else if`"),
    "elseif": ("else if", "write `else if`"),
    "return": ("output", "the last value is the output; `output NAME, ...` names several"),
    "import": ("", 'names of other files come with `use "file.res" { name, ... }`'),
    "include": ("", 'names of other files come with `use "file.res" { name, ... }`'),
    "while": ("", "a step is repeated with `x COUNT`, a list is walked with `for NAME in LIST { ... }`"),
}


def open_string(s: Stuck) -> Diagnostic | None:
    """A string without its second quote."""
    token = s.found
    if token is None or token.kind is not Kind.OPEN_STRING:
        return None
    last = "\n" not in s.source.text[token.end :]
    return s.error(
        "the string begins here",
        expected='`"` to end the string',
        found="the end of the file" if last else "the end of the line",
        at=Span(s.source, token.start, token.start + len(token.text.rstrip())),
    )


def strange_character(s: Stuck) -> Diagnostic | None:
    """A character that the language does not use."""
    token = s.found
    if token is None or token.kind is not Kind.STRANGE:
        return None
    if token.text == "'":
        return _single_quotes(s, token)
    if token.text in _WORDS:
        return _c_operator(s, token)
    if token.text in _MEANT:
        meant = _MEANT[token.text]
        shown = f"`{meant}`" if meant.strip() else "a blank"
        name = "" if token.text.strip() else "this is a blank that does not break lines"
        return s.error(name, expected=shown, fix=s.fix(f"write {shown}", (s.span(token), meant)))
    follower = s.source.text[token.end : token.end + 1]
    if token.text == "." and follower.isdigit():
        return s.error(fix=s.fix("write a digit before the point", (s.span(token), "0."), safe=True))
    if token.text == "\\":
        return s.error(help="a line goes on inside `( )` and `[ ]`, and where the next begins with `->`")
    return s.error("this character has no meaning here")


def _single_quotes(s: Stuck, token: Token) -> Diagnostic:
    match = re.compile(r"'([^'\"\n]*)'").match(s.source.text, token.start)
    if not match:
        return s.error(help="strings stand in double quotes")
    span = Span(s.source, token.start, match.end())
    return s.error(
        expected="a string in double quotes",
        found=f"`{match[0]}`",
        at=span,
        fix=s.fix("use double quotes", (span, f'"{match[1]}"'), safe=True),
    )


def _c_operator(s: Stuck, token: Token) -> Diagnostic:
    word = _WORDS[token.text]
    length = 2 if s.source.text.startswith(token.text * 2, token.start) and word != "not" else 1
    span = Span(s.source, token.start, token.start + length)
    left = s.source.text[span.start - 1 : span.start].strip(" \t([")
    right = s.source.text[span.end : span.end + 1].strip()
    text = f"{' ' if left else ''}{word}{' ' if right else ''}"
    return s.error(
        expected=f"`{word}`",
        found=f"`{span.text}`",
        at=span,
        fix=s.fix(f"write `{word}`", (span, text), safe=True),
    )


def foreign_comment(s: Stuck) -> Diagnostic | None:
    """`// text`, `/* text */`, and `//` as whole division."""
    token = s.found
    if token is None or token.text not in ("/", "*"):
        return None
    if s.before and s.before.text == "/" and s.before.end == token.start:
        token = s.before
    span = Span(s.source, token.start, token.start + 2)
    if span.text not in ("//", "/*"):
        return None
    rest = s.source.text[span.end :].split("\n", 1)[0]
    in_expression = not s.is_line or bool(s.statement and s.statement[0].text == "let")
    if span.text == "//" and in_expression and re.match(r"\s*[\w.(]+\s*([-+*,)\]].*)?$", rest):
        return s.error(
            found="`//`", expected="an operator", at=span, help="`div(a, b)` divides whole numbers"
        )
    fix = s.fix("begin the comment with `#`", (span, "#"), safe=True) if span.text == "//" else None
    return s.error(
        expected="`#` before a comment",
        found=f"`{span.text}`",
        at=span,
        fix=fix,
        help="comments begin with `#`",
    )


def foreign_word(s: Stuck) -> Diagnostic | None:
    """`def`, `elif`, `return` and the like."""
    word = s.found
    if word is None or word.text not in _FOREIGN:
        word = s.before if s.before and s.found and s.is_same_line else None
        if word is None or word.text not in _FOREIGN or s.statement[:1] != [word]:
            return None
    meant, help = _FOREIGN[word.text]
    is_chain = meant == "else if"
    expected = f"`{meant}`" if meant else "a word of the language"
    fix = (
        s.fix(help if is_chain else f"write {expected}", (s.span(word), meant), safe=is_chain)
        if meant
        else None
    )
    return s.error(expected=expected, found=f"`{word.text}`", at=s.span(word), help=help, fix=fix)


def colon(s: Stuck) -> Diagnostic | None:
    """`stride: 2`, `conv1: conv(64)`, and the colon of Python before a body."""
    token = s.found
    if token and token.text == ":" and "=" in s.accepts:
        return _colon_for_equals(s, token)
    if token and token.text == ":" and "{" in s.accepts:
        with_body = s.after is not None and s.after.text == "{"
        fix = s.fix("leave out the colon", (s.span(token), ""), safe=True) if with_body else None
        return s.error(expected="`{`", help="a body stands in braces, without a colon", fix=fix)
    before = s.before
    if token and before and before.text == ":" and s.accepts == {"["} and len(s.statement) == 2:
        if token.text == "=":
            span = Span(s.source, before.start, token.end)
            fix = s.fix("write `=`", (span, "="), safe=True)
            return s.error(expected="`=`", found=f"`{span.text}`", at=span, fix=fix)
        if token.kind in (Kind.WORD, Kind.PATH) or token.text == "{":
            return _colon_for_equals(s, before)
    return None


def _colon_for_equals(s: Stuck, token: Token) -> Diagnostic:
    text = s.source.text
    left = "" if text[token.start - 1 : token.start].isspace() else " "
    right = "" if text[token.end : token.end + 1].isspace() else " "
    return s.error(
        expected="`=`",
        found="`:`",
        at=s.span(token),
        fix=s.fix("write `=`", (s.span(token), f"{left}={right}"), safe=True),
    )


def equals(s: Stuck) -> Diagnostic | None:
    """`=` in a condition, and `==` before a value."""
    token = s.found
    if token is None:
        return None
    if token.text == "=" and s.before and s.before.text == "=" and s.before.end == token.start:
        span = Span(s.source, s.before.start, token.end)
        fix = s.fix("write `=`", (span, "="), safe=True)
        return s.error(expected="`=`", found="`==`", at=span, fix=fix)
    condition = s.said("expect", "if", "where")
    if token.text == "=" and condition and condition != s.before:
        return s.error(
            "this compares, so it needs two",
            expected="`==`",
            fix=s.fix("write `==`", (s.span(token), "=="), safe=True),
        )
    return None


def repeat(s: Stuck) -> Diagnostic | None:
    """`unit(64) x3` and `unit(64) * 3`."""
    token = s.found
    if token is None or "x" not in s.accepts:
        return None
    if re.fullmatch(r"[xX][0-9]+", token.text):
        text = f"x {token.text[1:]}"
    elif token.text == "*" and s.after and s.after.kind in (Kind.NUMBER, Kind.WORD):
        text = "x"
    else:
        return None
    shown = text if " " in text or not s.after else f"x {s.after.text}"
    return s.error(
        "a repeat is written with `x` and a blank",
        expected=f"`{shown}`",
        fix=s.fix(f"write `{shown}`", (s.span(token), text), safe=True),
    )


def size(s: Stuck) -> Diagnostic | None:
    """`3 x 3` for a size."""
    left, token, right = s.before, s.found, s.after
    if not (left and token and right and token.text == "x"):
        return None
    if left.kind is not Kind.NUMBER or right.kind is not Kind.NUMBER or not s.is_same_line:
        return None
    span = Span(s.source, left.start, right.end)
    joined = f"{left.text}x{right.text}"
    return s.error(
        "a size is one word",
        expected=f"`{joined}`",
        found=f"`{span.text}`",
        at=span,
        fix=s.fix(f"write `{joined}`", (span, joined), safe=True),
    )
