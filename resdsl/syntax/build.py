"""Lark's parse tree to the syntax tree of `ast.py`. One method for each rule of the grammar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lark import Token, Tree

from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Diagnostic, Label, Sink
from resdsl.source import Source, Span
from resdsl.syntax import ast

# Words that begin a statement or stand for a value. As names they would read as something else.
RESERVED = frozenset(
    "from apply layer stage input output param buffer for if let expect init residual in true false none else"
    " block net use edition and or not".split()
)


def _of(children: list[Any], kind: Any) -> list[Any]:
    return [c for c in children if isinstance(c, kind)]


def _one(children: list[Any], kind: Any) -> Any:
    return next((c for c in children if isinstance(c, kind)), None)


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


class _Args(tuple[Any, ...]):
    """Arguments in parentheses."""


class Builder:
    """Builds one file. `offset` shifts positions when only a part of the source was parsed."""

    def __init__(self, source: Source, sink: Sink, offset: int = 0) -> None:
        self.source, self.sink, self.offset = source, sink, offset

    # ---------------------------------------------------------------- driving

    def file(self, tree: Tree[Any]) -> ast.File:
        """The whole file."""
        items = tuple(self._node(child) for child in tree.children)
        return ast.File(items, self._head(), Span(self.source, 0, len(self.source.text)))

    def expression(self, tree: Any) -> ast.Expr:
        """One expression."""
        result: ast.Expr = self._node(tree)
        return result

    def _doc(self, start: int) -> str | None:
        """The `##` lines right above a place."""
        lines: list[str] = []
        for line in reversed(self.source.text[:start].split("\n")[:-1]):
            if not line.startswith("##"):
                break
            lines.append(line[2:].strip())
        return "\n".join(reversed(lines)) or None

    def _head(self) -> str | None:
        """The `##` lines at the head of the file."""
        lines: list[str] = []
        for line in self.source.text.lstrip().split("\n"):
            if not line.startswith("##"):
                break
            lines.append(line[2:].strip())
        return "\n".join(lines) or None

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

    # ---------------------------------------------------------------- items

    def _edition(self, children: list[Any], span: Span) -> ast.Edition:
        return ast.Edition(int(children[0].replace("_", "")), span)

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
            self._word_as_name(children[0]), tuple(params), _one(children, ast.Body), is_net, self._doc(span.start), span
        )

    def _family(self, children: list[Any], span: Span) -> ast.Family:
        return ast.Family(
            self._word_as_name(children[0]), children[1], tuple(_one(children, list) or ()), self._doc(span.start), span
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
        return ast.Let(self._word_as_name(children[0]), children[1], self._doc(span.start), span)

    def _for_(self, children: list[Any], span: Span) -> ast.For:
        *targets, iterable, body = children
        return ast.For(tuple(map(self._word_as_name, targets)), iterable, body, span)

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
        at = _one(children, _At)
        shape = at[0] if at else None
        if len(children) > 1 and not isinstance(children[1], _At):
            return ast.Expect(None, children[0], children[1], shape, span)
        return ast.Expect(children[0], None, None, shape, span)

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

    def _call(self, children: list[Any], span: Span) -> ast.Call:
        name = ast.Name(str(children[0]), self._span(children[0]))
        return ast.Call(name, tuple(children[1]) if len(children) > 1 else None, span)

    def _args(self, children: list[Any], span: Span) -> _Args:
        return _Args(children)

    def _arg(self, children: list[Any], span: Span) -> ast.Arg:
        if isinstance(children[0], Token):
            return ast.Arg(ast.Name(str(children[0]), self._span(children[0])), children[1], span)
        return ast.Arg(None, children[0], span)

    def _schedule(self, children: list[Any], span: Span) -> ast.Schedule:
        return ast.Schedule(tuple(children), span)

    def _mapping(self, children: list[Any], span: Span) -> ast.Mapping:
        return ast.Mapping(children[0], children[1], span)

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
                return ast.Literal(float(token.replace("_", "")), span)
            case "SIZE":
                return ast.SizeLit(tuple(int(d) for d in token.split("x")), span)
            case "STRING":
                return self._text(token)
            case kind:
                return ast.Literal({"TRUE": True, "FALSE": False, "NONE": None}[kind], span)

    def _int(self, token: Token) -> int:
        digits = token.replace("_", "")
        if len(digits) > 18:
            self.sink.add(
                Diagnostic(codes.BAD_VALUE, "the number is too large", Label(self._span(token)))
            )
            return 0
        return int(digits)

    def _word(self, children: list[Any], span: Span) -> ast.Name:
        return ast.Name(str(children[0]), span)

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
