"""Lark's tree of a name or an expression to the syntax tree of `ast.py`."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from lark import Token

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Diagnostic, Edit, Fix, Label, Sink
from resdsl.source import Source, Span
from resdsl.syntax import ast

# Words that begin a statement or stand for a value. As names they would read as something else.
# fmt: off
RESERVED = frozenset((
    "from", "apply", "layer", "stage", "input", "output", "param", "buffer", "for", "if", "let",
    "expect", "init", "residual", "in", "true", "false", "none", "else", "block", "net", "use",
    "edition", "and", "or", "not",
))
# fmt: on


_PYTHON: dict[str, bool | None] = {"True": True, "False": False, "None": None}
_LITERALS: dict[str, bool | None] = {"TRUE": True, "FALSE": False, "NONE": None}
MAX_DIGITS = 18


class _Args(tuple[Any, ...]):
    """Arguments in parentheses."""


class ExpressionBuilder:
    """Methods by grammar rule. `offset` shifts positions when only a part of the source was parsed."""

    def __init__(self, source: Source, sink: Sink, offset: int = 0) -> None:
        self.source, self.sink, self.offset = source, sink, offset

    def expression(self, tree: Any) -> ast.Expr:
        """One expression."""
        result: ast.Expr = self._node(tree)
        return result

    def _node(self, tree: Any) -> Any:
        """Convert a tree, inner parts first. Depth is bounded by the bracket limit of the parser."""
        if isinstance(tree, Token):
            return tree
        method: Callable[[list[Any], Span], Any] = getattr(self, f"_{tree.data}")
        return method([self._node(c) for c in tree.children], self._span(tree))

    def _span(self, tree: Any) -> Span:
        if isinstance(tree, Token):
            start, end = tree.start_pos or 0, tree.end_pos or 0
        else:
            start, end = tree.meta.start_pos, tree.meta.end_pos
        return Span(self.source, self.offset + start, self.offset + end)

    def _word_as_name(self, token: Token) -> ast.Name:
        name = ast.Name(str(token), self._span(token))
        if name.id in RESERVED:
            self.sink.add(
                Diagnostic(
                    codes.RESERVED_NAME,
                    f"`{name.id}` is a word of the language and cannot be a name",
                    Label(name.span, "choose another name"),
                )
            )
        return name

    def _name(self, children: list[Any], span: Span) -> ast.LayerName:
        token = children[0]
        match token.type:
            case "STRING":
                return self._text(token)
            case "PATH":
                return ast.Path(tuple(token.split(".")), self._span(token))
            case _:
                return ast.Name(str(token), self._span(token))

    # ---------------------------------------------------------------- expressions

    def _cond(self, children: list[Any], span: Span) -> ast.Conditional:
        then, condition, otherwise = children
        return ast.Conditional(condition, then, otherwise, span)

    def _chain(self, operator: str, children: list[Any]) -> ast.Expr:
        result = children[0]
        for right in children[1:]:
            result = ast.Binary(operator, result, right, result.span.to(right.span))
        return result  # type: ignore[no-any-return]

    def _or_(self, children: list[Any], span: Span) -> ast.Expr:
        return self._chain("or", children)

    def _and_(self, children: list[Any], span: Span) -> ast.Expr:
        return self._chain("and", children)

    def _not_(self, children: list[Any], span: Span) -> ast.Unary:
        return ast.Unary("not", children[0], span)

    def _neg(self, children: list[Any], span: Span) -> ast.Unary:
        return ast.Unary("-", children[0], span)

    def _cmp(self, children: list[Any], span: Span) -> ast.Binary:
        left, operator, right = children
        return ast.Binary(str(operator), left, right, span)

    def _sum(self, children: list[Any], span: Span) -> ast.Expr:
        result = children[0]
        for operator, right in zip(children[1::2], children[2::2], strict=True):
            result = ast.Binary(str(operator), result, right, result.span.to(right.span))
        return result  # type: ignore[no-any-return]

    _prod = _sum

    def _pow(self, children: list[Any], span: Span) -> ast.Binary:
        return ast.Binary("**", children[0], children[1], span)

    def _item(self, children: list[Any], span: Span) -> ast.Index:
        return ast.Index(children[0], children[1], span)

    def _slice(self, children: list[Any], span: Span) -> ast.Slice:
        # lark leaves out what is missing, so the colon's place tells start from stop
        if len(children) == 2:
            return ast.Slice(children[0], children[1], span)
        if not children:
            return ast.Slice(None, None, span)
        starts_with_colon = self.source.text[span.start] == ":"
        return ast.Slice(None, children[0], span) if starts_with_colon else ast.Slice(children[0], None, span)

    def _literal(self, children: list[Any], span: Span) -> ast.Literal | ast.SizeLit | ast.Text:
        token = children[0]
        match token.type:
            case "INT":
                return ast.Literal(self._int(token), span)
            case "FLOAT":
                number = float(token.replace("_", ""))
                return ast.Literal(number if isfinite(number) else self._too_large(span), span)
            case "SIZE":
                dims = token.split("x")
                longest = max(map(len, dims))
                return ast.SizeLit(
                    tuple(map(int, dims)) if longest <= MAX_DIGITS else (self._too_large(span),) * len(dims),
                    span,
                )
            case "STRING":
                return self._text(token)
            case kind:
                return ast.Literal(_LITERALS[kind], span)

    def _int(self, token: Token) -> int:
        digits = token.replace("_", "")
        return int(digits) if len(digits) <= MAX_DIGITS else self._too_large(self._span(token))

    def _too_large(self, span: Span) -> int:
        self.sink.add(Diagnostic(codes.BAD_VALUE, "the number is too large", Label(span)))
        return 1

    def _word(self, children: list[Any], span: Span) -> ast.Name | ast.Literal:
        word = str(children[0])
        if word not in _PYTHON:
            return ast.Name(word, span)
        self.sink.add(
            Diagnostic(
                codes.SYNTAX,
                f"expected a value, found `{word}`",
                Label(span, "a value of Python"),
                fix=Fix(f"write `{word.lower()}`", (Edit(span, word.lower()),), safe=True),
            )
        )
        return ast.Literal(_PYTHON[word], span)

    def _path(self, children: list[Any], span: Span) -> ast.Path:
        return ast.Path(tuple(children[0].split(".")), span)

    def _arriving(self, children: list[Any], span: Span) -> ast.Arriving:
        return ast.Arriving(span)

    def _paren(self, children: list[Any], span: Span) -> ast.Expr:
        inner: ast.Expr = children[0]
        return inner

    def _invoke(self, children: list[Any], span: Span) -> ast.Call:
        return self._call(children, span)

    def _list(self, children: list[Any], span: Span) -> ast.ListExpr:
        return ast.ListExpr(tuple(children), span)

    def _comprehension(self, children: list[Any], span: Span) -> ast.Comprehension:
        element, *targets, iterable = children
        return ast.Comprehension(element, self._named(targets), iterable, span)

    def _targets(self, children: list[Any], span: Span) -> ast.Targets:
        return ast.Targets(self._named(children), span)

    def _named(self, targets: list[Any]) -> tuple[ast.Target, ...]:
        """Names, and groups of names, that `for` and `let` give to values."""
        return tuple(t if isinstance(t, ast.Targets) else self._word_as_name(t) for t in targets)

    def _text(self, token: Token) -> ast.Text:
        from resdsl.syntax.parser import parse_expression

        span, value = self._span(token), str(token)[1:-1]
        parts: list[str | ast.Expr] = []
        at = 0
        while True:
            opening = value.find("{", at)
            closing = value.find("}", max(opening, at))
            if opening < 0 and closing < 0:
                break
            if opening < 0 or closing < 0:
                place = span.start + 1 + max(opening, closing)
                self.sink.add(
                    Diagnostic(
                        codes.SYNTAX,
                        "a brace in a string has no partner",
                        Label(Span(self.source, place, place + 1), "`{expr}` puts a value into the name"),
                    )
                )
                break
            if opening > at:
                parts.append(value[at:opening])
            first = span.start + 1 + opening + 1
            inner = parse_expression(self.source, first, span.start + 1 + closing, self.sink)
            if inner is not None:
                parts.append(inner)
            at = closing + 1
        if value[at:] or not parts:
            parts.append(value[at:])
        return ast.Text(tuple(parts), span)

    # ---------------------------------------------------------------- calls

    def _call(self, children: list[Any], span: Span) -> ast.Call:
        name = ast.Name(str(children[0]), self._span(children[0]))
        return ast.Call(name, tuple(children[1]) if len(children) > 1 else None, span)

    def _args(self, children: list[ast.Arg], span: Span) -> _Args:
        """The lists right before a mapping belong to it: `[n, d], [m, d] -> [n, m]`."""
        made: list[ast.Arg] = []
        for arg in children:
            while isinstance(arg.value, ast.Mapping) and arg.name is None and made:
                before, mapping = made[-1], arg.value
                if before.name is not None or not isinstance(before.value, ast.ListExpr):
                    break
                whole = Span(self.source, before.span.start, arg.span.end)
                sources = (before.value, *mapping.sources)
                arg = ast.Arg(None, ast.Mapping(sources, mapping.target, whole), whole)
                made.pop()
            made.append(arg)
        return _Args(made)

    def _arg(self, children: list[Any], span: Span) -> ast.Arg:
        if isinstance(children[0], Token):
            return ast.Arg(ast.Name(str(children[0]), self._span(children[0])), children[1], span)
        return ast.Arg(None, children[0], span)

    def _schedule(self, children: list[Any], span: Span) -> ast.Schedule:
        return ast.Schedule(tuple(children), span)

    def _mapping(self, children: list[Any], span: Span) -> ast.Mapping:
        return ast.Mapping((children[0],), children[1], span)
