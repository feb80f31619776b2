"""Text to syntax tree. With `errors.py` the only importer of lark.

Building the LALR tables takes a tenth of a second, so lark keeps them in the user's cache folder, keyed
by the grammar and the versions of lark and Python.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from resdsl import resources
from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Diagnostic, Label, Sink
from resdsl.source import Source, Span
from resdsl.syntax import ast

if TYPE_CHECKING:
    from lark import Lark, Token

MAX_NESTING = 100


class _Newlines:
    """Drops newlines inside ( ) and [ ]. Inside braces they separate statements."""

    always_accept = ("_NL",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        open_brackets: list[str] = []
        for token in stream:
            if token.type in ("LPAR", "LSQB", "LBRACE"):
                open_brackets.append(token.type)
                if len(open_brackets) > MAX_NESTING:
                    raise _TooDeep(token.start_pos or 0)
            elif token.type in ("RPAR", "RSQB", "RBRACE"):
                if open_brackets:
                    open_brackets.pop()
            elif token.type == "_NL" and open_brackets and open_brackets[-1] != "LBRACE":
                continue
            yield token


class _TooDeep(Exception):
    """Brackets nested beyond reason, which would exhaust Python's stack further on."""


def _cache_file() -> str | bool:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = FilePath(base) / "resdsl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return str(folder / "grammar.bin") if os.access(folder, os.W_OK) else False


@cache
def lark_parser() -> Lark:
    """The parser, from the saved tables where there are any."""
    from lark import Lark

    grammar = resources.grammar()
    options: dict[str, Any] = {
        "parser": "lalr",
        "lexer": "contextual",
        "start": ["start", "_expr"],
        "propagate_positions": True,
        "maybe_placeholders": False,
        "postlex": _Newlines(),
    }
    try:
        return Lark(grammar, cache=_cache_file(), **options)
    except (OSError, EOFError, ValueError, KeyError, TypeError):  # a damaged cache is not the user's fault
        return Lark(grammar, **options)


def parse(source: Source, sink: Sink) -> ast.File | None:
    """Parse a file. Adds one syntax error at most, and then returns None."""
    from lark.exceptions import UnexpectedInput

    from resdsl.syntax.build import Builder
    from resdsl.syntax.errors import explain_syntax_error

    if not source.text.strip():
        sink.add(
            Diagnostic(
                codes.EMPTY_FILE,
                "the file is empty",
                Label(Span(source, 0, 0), "nothing is declared here"),
                help=("start with `net NAME { ... }`, or let `resdsl new` write a first spec",),
            )
        )
        return None
    try:
        tree = lark_parser().parse(source.text, start="start")
        return Builder(source, sink).file(tree)
    except UnexpectedInput as error:
        sink.add(explain_syntax_error(source, error))
    except (_TooDeep, RecursionError) as error:
        at = error.args[0] if isinstance(error, _TooDeep) else 0
        sink.add(
            Diagnostic(
                codes.TOO_DEEP,
                f"brackets are nested more than {MAX_NESTING} deep",
                Label(Span(source, at, at + 1), "one too many here"),
                help=("name the inner parts with `let` or `block`",),
            )
        )
    return None


def parse_expression(source: Source, start: int, end: int, sink: Sink) -> ast.Expr | None:
    """Parse a part of a source as one expression (the braces of a string)."""
    from lark.exceptions import UnexpectedInput

    from resdsl.syntax.build import Builder
    from resdsl.syntax.errors import explain_syntax_error

    try:
        tree = lark_parser().parse(source.text[start:end], start="_expr")
        return Builder(source, sink, start).expression(tree.children[0])
    except UnexpectedInput as error:
        sink.add(explain_syntax_error(source, error, start))
        return None
