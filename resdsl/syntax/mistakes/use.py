"""What other languages write to take names from other files."""

from __future__ import annotations

from resdsl.diagnostics.model import Diagnostic, Fix
from resdsl.source import Span
from resdsl.syntax.mistakes.stuck import FORMS, Stuck
from resdsl.syntax.tokens import Kind, Token, tokens

_HEADS = ("use", "import", "include", "from")
_OF_PATHS = (".", "/", ":")


def use(s: Stuck) -> Diagnostic | None:
    """`use cbr from "f.res"`, `from std.resnet import basic`, `use std.resnet.basic`, `use "f.res" (cbr)`."""
    words = _words(s)
    if not words:
        return None
    head = words[0]
    span = s.span(head).to(s.span(words[-1]))
    renames = any(word.text in ("as", "=") for word in words)
    help = f"it is written {FORMS['use']}"
    if renames:
        help = f"names are taken as their file calls them: {FORMS['use']}"
    fix = None if renames else _rewritten(s, words, span, help)
    if head.text == "use":
        in_names = s.opener is not None and s.before is not None and s.before.kind is Kind.WORD
        return s.error(expected="`,` or `}`" if in_names else None, help=help, fix=fix)
    return s.error(expected="`use`", found=f"`{head.text}`", at=s.span(head), help=help, fix=fix)


def _words(s: Stuck) -> list[Token]:
    """The words of what takes names, if the parser stopped in it."""
    items: list[list[Token]] = [[]]
    depth = 0
    for token in tokens(s.source.text, s.start, s.end):
        depth += (token.text == "{") - (token.text == "}")
        if token.kind is Kind.NEWLINE and depth <= 0:
            if items[-1] and items[-1][-1].end >= s.at:
                break
            items.append([])
        elif not token.is_bare:
            items[-1].append(token)
    words = items[-1]
    is_one = bool(words) and words[0].text in _HEADS and s.indent(words[0]) == 0 and words[0].start <= s.at
    return words if is_one and not (words[0].text == "from" and s.opener) else []


def _rewritten(s: Stuck, words: list[Token], span: Span, title: str) -> Fix | None:
    files = [word.text for word in words if word.kind in (Kind.STRING, Kind.PATH)]
    names = [word.text for word in words if word.kind is Kind.WORD and word.text not in _HEADS]
    if len(files) == 1 and not names and files[0].count(".") > 1 and '"' not in files[0]:
        files[0], _, last = files[0].rpartition(".")
        names = [last]
    if len(files) != 1 or not names or any(word.text in _OF_PATHS for word in words):
        return None
    text = f"use {files[0]} {{ {', '.join(names)} }}"
    return s.cure(title, (span, text))
