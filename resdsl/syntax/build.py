"""Lark's parse tree to the syntax tree of `ast.py`. One method for each rule of the grammar."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from lark import Token, Tree

from resdsl.source import Span
from resdsl.syntax import ast
from resdsl.syntax.build_expr import ExpressionBuilder


def _of(children: list[Any], kind: Any) -> list[Any]:
    return [c for c in children if isinstance(c, kind)]


def _one(children: list[Any], kind: Any) -> Any:
    return next((c for c in children if isinstance(c, kind)), None)


def _doc_text(line: str) -> str | None:
    """What a doc comment says, or None for any other line."""
    line = line.strip(" \t\r\ufeff")
    return line[2:].strip() if line.startswith("##") else None


class _Where(tuple[Any, ...]):
    """Conditions of an `input`."""


class _At(tuple[Any, ...]):
    """Shapes after `at`."""


class _As(tuple[Any, ...]):
    """Names after `as`."""


class _Until:
    def __init__(self, name: ast.LayerName) -> None:
        self.name = name


class _Repeat:
    def __init__(self, count: ast.Expr) -> None:
        self.count = count


class Builder(ExpressionBuilder):
    """Builds one file."""

    # ---------------------------------------------------------------- driving

    def file(self, tree: Tree[Any]) -> ast.File:
        """The whole file."""
        items = tuple(self._node(child) for child in tree.children)
        return ast.File(items, self._head(), Span(self.source, 0, len(self.source.text)))

    def _doc(self, start: int) -> str | None:
        """The `##` lines right above a place, which must be the first on its line."""
        line, column = self.source.line_col(start)
        if self.source.line_text(line)[: column - 1].strip(" \t\ufeff"):
            return None
        lines: list[str] = []
        for number in range(line - 1, 0, -1):
            text = _doc_text(self.source.line_text(number))
            if text is None:
                break
            lines.append(text)
        return "\n".join(reversed(lines)) or None

    def _head(self) -> str | None:
        """The `##` lines at the head of the file."""
        texts = map(_doc_text, self.source.text.lstrip("\ufeff \t\r\n;").split("\n"))
        return "\n".join(takewhile(lambda text: text is not None, texts)) or None  # type: ignore[arg-type]

    # ---------------------------------------------------------------- items

    def _edition(self, children: list[Any], span: Span) -> ast.Edition:
        return ast.Edition(self._int(children[0]), span)

    def _use(self, children: list[Any], span: Span) -> ast.Use:
        origin, *names = children
        return ast.Use(self._name([origin], self._span(origin)), tuple(map(self._word_as_name, names)), span)

    def _block(self, children: list[Any], span: Span) -> ast.Block:
        return self._declaration(children, span, is_net=False)

    def _net(self, children: list[Any], span: Span) -> ast.Block:
        return self._declaration(children, span, is_net=True)

    def _declaration(self, children: list[Any], span: Span, *, is_net: bool) -> ast.Block:
        params = _one(children, list) or []
        return ast.Block(
            self._word_as_name(children[0]),
            tuple(params),
            _one(children, ast.Body),
            is_net,
            self._doc(span.start),
            span,
        )

    def _family(self, children: list[Any], span: Span) -> ast.Family:
        return ast.Family(
            self._word_as_name(children[0]),
            children[1],
            tuple(_one(children, list) or ()),
            self._doc(span.start),
            span,
        )

    def _params(self, children: list[Any], span: Span) -> list[ast.Param]:
        return children

    def _param(self, children: list[Any], span: Span) -> ast.Param:
        return ast.Param(self._word_as_name(children[0]), children[1] if len(children) > 1 else None, span)

    def _expects(self, children: list[Any], span: Span) -> list[ast.Expect]:
        return children

    # ---------------------------------------------------------------- statements

    def _body(self, children: list[Any], span: Span) -> ast.Body:
        return ast.Body(tuple(children), span)

    def _step(self, children: list[Any], span: Span) -> ast.Step:
        links = tuple(_of(children, (ast.Application, ast.From, ast.Apply)))
        name = _one(children, (ast.Name, ast.Path, ast.Text))
        return ast.Step(name, _one(children, ast.ListExpr), links, tuple(_one(children, _As) or ()), span)

    def _annotation(self, children: list[Any], span: Span) -> ast.ListExpr:
        shape: ast.ListExpr = children[0]
        return shape

    def _stage(self, children: list[Any], span: Span) -> ast.Stage:
        return ast.Stage(children[0], _one(children, ast.ListExpr), children[-1], span)

    def _layer(self, children: list[Any], span: Span) -> ast.Layer:
        return ast.Layer(children[0], tuple(children[1:]), span)

    def _let_(self, children: list[Any], span: Span) -> ast.Let:
        *targets, value = children
        return ast.Let(self._named(targets), value, self._doc(span.start), span)

    def _for_(self, children: list[Any], span: Span) -> ast.For:
        *targets, iterable, body = children
        return ast.For(self._named(targets), iterable, body, span)

    def _if_(self, children: list[Any], span: Span) -> ast.If:
        return ast.If(children[0], children[1], children[2] if len(children) > 2 else None, span)

    def _state(self, children: list[Any], span: Span) -> ast.State:
        word, name, shape, *value = children
        return ast.State(word == "param", self._word_as_name(name), shape, value[0] if value else None, span)

    def _input(self, children: list[Any], span: Span) -> ast.Input:
        ports = tuple(_of(children, ast.PortDecl))
        return ast.Input(ports, tuple(_one(children, _Where) or ()), tuple(_one(children, _At) or ()), span)

    def _port(self, children: list[Any], span: Span) -> ast.PortDecl:
        return ast.PortDecl(self._word_as_name(children[0]), _one(children, ast.ListExpr), span)

    def _where(self, children: list[Any], span: Span) -> _Where:
        return _Where(children)

    def _output(self, children: list[Any], span: Span) -> ast.Output:
        names = tuple(c for c in children if not isinstance(c, Token))
        return ast.Output(names, len(names) < len(children), span)

    def _expect(self, children: list[Any], span: Span) -> ast.Expect:
        at = tuple(_one(children, _At) or ())
        if len(children) > 1 and not isinstance(children[1], _At):
            return ast.Expect(None, children[0], children[1], at, span)
        return ast.Expect(children[0], None, None, at, span)

    def _at(self, children: list[Any], span: Span) -> _At:
        return _At(children)

    def _init(self, children: list[Any], span: Span) -> ast.Init:
        return ast.Init(ast.Path(tuple(children[0].split(".")), self._span(children[0])), children[1], span)

    # ---------------------------------------------------------------- flow

    def _application(self, children: list[Any], span: Span) -> ast.Application:
        until, repeat = _one(children, _Until), _one(children, _Repeat)
        return ast.Application(
            children[0], until.name if until else None, repeat.count if repeat else None, span
        )

    def _until(self, children: list[Any], span: Span) -> _Until:
        return _Until(children[0])

    def _repeat(self, children: list[Any], span: Span) -> _Repeat:
        return _Repeat(children[0])

    def _from_(self, children: list[Any], span: Span) -> ast.From:
        return ast.From(tuple(children), span)

    def _apply(self, children: list[Any], span: Span) -> ast.Apply:
        return ast.Apply(children[0], span)

    def _as_(self, children: list[Any], span: Span) -> _As:
        return _As(children)

    def _with_body(self, children: list[Any], span: Span) -> ast.WithBody:
        return ast.WithBody(children[0], children[1], span)

    def _residual(self, children: list[Any], span: Span) -> ast.Residual:
        first = isinstance(children[0], ast.Shortcut)
        return ast.Residual(_one(children, ast.Body), _one(children, ast.Shortcut), first, span)

    def _shortcut(self, children: list[Any], span: Span) -> ast.Shortcut:
        # `shortcut NAME: policy`; the name is there when the colon does not follow the word at once.
        after_word = self.source.text[span.start + len("shortcut") : span.end].lstrip()
        named = not after_word.startswith(":")
        name, arms = (children[0], children[1:]) if named else (None, children)
        return ast.Shortcut(name, arms[0], arms[1] if len(arms) > 1 else None, span)
