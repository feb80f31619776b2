"""Text to syntax tree. With `errors.py` the only importer of lark.

Building the LALR tables takes a tenth of a second, so lark keeps them in the user's cache folder, keyed
by the grammar and the versions of lark and Python.
"""

from __future__ import annotations

import os
import re
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
    from lark import Lark, Token, Tree
    from lark.lexer import TerminalDef

MAX_NESTING = 50  # brackets in brackets
MAX_DEPTH = 200  # levels of the tree; a sum of n terms has n
_LONG_CHAINS = ("or_", "and_", "sum", "prod")
_COMMENT = re.compile(r"#[^\n]*")
# At column 0, where no line of a body begins in an indented text; `let` also stands in bodies.
_ITEM = re.compile(r'^(?:(?:block|net|(?P<let>let))[ \t]+[\w"[]|use[ \t]|edition[ \t]+[0-9])', re.M)


class _TooDeep(Exception):
    """Nesting beyond reason, which would exhaust Python's stack further on."""


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
            elif (
                token.type == "_NL"
                and open_brackets
                and open_brackets[-1] != "LBRACE"
                and ";" not in _COMMENT.sub("", token)
            ):
                continue
            yield token


def _whole_words(terminal: TerminalDef) -> None:
    """Keep lark from reading `x3` as `x 3` and `letter` as `let ter` where no name can stand."""
    from lark.lexer import PatternRE, PatternStr

    if isinstance(terminal.pattern, PatternStr) and terminal.pattern.value.isalpha():
        terminal.pattern = PatternRE(terminal.pattern.value + r"\b")
        terminal.priority = 1  # above names, below paths


def _cache_file() -> str | bool:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = FilePath(base) / "resdsl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    # lark's key leaves `_whole_words` out: rename the file when that changes
    return str(folder / "tables-1.bin") if os.access(folder, os.W_OK) else False


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
        "edit_terminals": _whole_words,
    }
    try:
        return Lark(grammar, cache=_cache_file(), **options)
    except (OSError, EOFError, ValueError, KeyError, TypeError):  # a damaged cache is not the user's fault
        return Lark(grammar, **options)


def parse(source: Source, sink: Sink) -> ast.File | None:
    """Parse a file. Adds one syntax error at most for each item, and returns None if there are any."""
    from resdsl.syntax.build import Builder

    if not source.text.removeprefix("\ufeff").strip():
        sink.add(
            Diagnostic(
                codes.EMPTY_FILE,
                "the file is empty",
                Label(Span(source, 0, 0), "nothing is declared here"),
                help=("start with `net NAME { ... }`, or let `resdsl new` write a first spec",),
            )
        )
        return None
    tree = _tree(source, 0, len(source.text), "start")
    if not isinstance(tree, Diagnostic):
        return Builder(source, sink).file(tree)
    found = [tree] if tree.code is codes.TOO_DEEP else _errors_of_items(source) or [tree]
    sink.extend(found)
    return None


def parse_expression(source: Source, start: int, end: int, sink: Sink) -> ast.Expr | None:
    """Parse a part of a source as one expression (the braces of a string)."""
    from resdsl.syntax.build import Builder

    tree = _tree(source, start, end, "_expr")
    if isinstance(tree, Diagnostic):
        sink.add(tree)
        return None
    return Builder(source, sink, start).expression(tree.children[0])


def _tree(source: Source, start: int, end: int, rule: str) -> Tree[Any] | Diagnostic:
    """Lark's tree of a part of a source, or what is wrong with it."""
    from lark.exceptions import UnexpectedInput

    from resdsl.syntax.errors import explain_syntax_error

    try:
        tree = lark_parser().parse(_without_mark(source.text[start:end]), start=rule)
        _check_depth(tree)
        return tree
    except UnexpectedInput as error:
        return explain_syntax_error(source, error, start, end, rule)
    except _TooDeep as error:
        at = start + error.args[0]
        return Diagnostic(
            codes.TOO_DEEP,
            "the text is nested too deeply",
            Label(Span(source, at, at + 1), "one level too many here"),
            notes=(f"brackets nest at most {MAX_NESTING} deep, and expressions {MAX_DEPTH}",),
            help=("name the inner parts with `let` or `block`",),
        )


def stops_at(text: str, rule: str) -> int | None:
    """Where a text stops following the grammar; None if it does to its end."""
    from lark.exceptions import UnexpectedInput

    try:
        lark_parser().parse(_without_mark(text), start=rule)
    except UnexpectedInput as error:
        at_end = getattr(getattr(error, "token", None), "type", "") == "$END"
        return len(text) if at_end else error.pos_in_stream or 0
    except _TooDeep as error:
        place: int = error.args[0]
        return place
    return None


def _without_mark(text: str) -> str:
    """The text with a blank for the mark at the head of a file."""
    return f" {text[1:]}" if text.startswith("\ufeff") else text


def _check_depth(tree: Tree[Any]) -> None:
    """Later passes are recursive: keep a tree from exhausting Python's stack."""
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if not hasattr(node, "data"):
            continue
        if depth > MAX_DEPTH:
            raise _TooDeep(node.meta.start_pos)
        chain = sum(hasattr(child, "data") for child in node.children) if node.data in _LONG_CHAINS else 0
        waiting.extend((child, depth + 1 + chain) for child in node.children)


def _errors_of_items(source: Source) -> list[Diagnostic]:
    """The first error of each item, for a text that does not parse as a whole."""
    starts = _item_starts(source.text)
    parts = zip(starts, [*starts[1:], len(source.text)], strict=True)
    trees = (_tree(source, start, end, "start") for start, end in parts)
    return [tree for tree in trees if isinstance(tree, Diagnostic)]


def _item_starts(text: str) -> list[int]:
    """Where items begin, as far as that can be told from a text that does not parse."""
    from resdsl.syntax.tokens import CLOSING, OPENING, tokens

    found = {match.start(): match["let"] is not None for match in _ITEM.finditer(text)}
    items: list[int] = []
    depth = 0
    for token in tokens(text):
        is_let = found.get(token.start)
        if is_let is False or (is_let and not depth):
            items.append(token.start)
            depth = 0
        if token.text in OPENING:
            depth += 1
        elif token.text in CLOSING:
            depth = max(depth - 1, 0)
    if not items or text[: items[0]].strip():
        return [0, *items]
    return [0, *items[1:]]
