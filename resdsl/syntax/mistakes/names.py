"""Syntax errors where something gets a name.

Each rule looks at the place where the parser stopped and is silent unless it knows what happened.
"""

from __future__ import annotations

import re

from resdsl.diagnostics.model import Diagnostic, Fix
from resdsl.source import Span
from resdsl.syntax.build_expr import RESERVED
from resdsl.syntax.mistakes.stuck import FORMS, Stuck
from resdsl.syntax.tokens import CLOSING, OPENING, Kind, Token, tokens

_VALUES = (Kind.NUMBER, Kind.SIZE, Kind.STRING)


def reserved_name(s: Stuck) -> Diagnostic | None:
    """`layer = conv(64)`: a word of the language as a name."""
    word = s.before
    if word is None or word.text not in RESERVED or s.statement != [word]:
        return None
    if s.found is None or s.found.text not in ("=", ":"):
        return None
    if s.found.text == ":" and word.text in FORMS:
        is_shape = s.after is not None and s.after.text == "["
        fix = None if is_shape else s.cure("leave out the colon", (s.span(s.found), ""), safe=True)
        return s.error(fix=fix)
    return s.error(
        "begins a statement of its own",
        expected="a name",
        found=f"the word `{word.text}`",
        at=s.span(word),
        help=f'choose another name; a key of this name is written `"{word.text}"`',
    )


def missing_let(s: Stuck) -> Diagnostic | None:
    """`width = in.channels`: a value where a step was expected."""
    name = s.statement[0] if s.statement else s.next
    if name is None or name.kind is not Kind.WORD or name.text in RESERVED or not s.is_line:
        return None
    match = re.compile(r"[ \t]*(:?=|:)(?!=)[ \t]*").match(s.source.text, name.end)
    value = s.run(match.end())[:1] if match else []
    if match is None or not value or (match[1] == ":" and value[0].text == "["):
        return None
    if not s.statement and value[0].kind not in _VALUES and value[0].text not in ("[", "-", "("):
        return None  # a step outside of a net
    begin = Span(s.source, name.start, name.start), "let "
    sign = Span(s.source, match.start(), match.end()), " = "
    fix = s.cure("begin with `let`", begin) or s.cure("begin with `let`", begin, sign)
    if fix is None or s.cure("", sign):
        return None
    if match[1] == "=" and s.statement and (steps := _list_of_steps(s, value[0])):
        return s.error(
            help="steps run one after another in braces, as copies with `x`", expected="a step", fix=steps
        )
    return s.error(
        "a value gets its name with `let`",
        expected="a step" if s.statement else None,
        found=f"`{value[0].text}`" if s.statement else None,
        at=s.span(value[0]) if s.statement else None,
        fix=fix,
    )


def _list_of_steps(s: Stuck, opener: Token) -> Fix | None:
    """`[unit(64), unit(64)]` for steps, as `unit(64) x 2` or `{ unit(64); unit(128) }`."""
    inside = s.run(opener.end)
    if opener.text != "[" or not inside or all(t.text != "(" for t in inside):
        return None
    items, depth = [inside[0].start], 0
    ends = []
    for token in inside:
        depth += (token.text in OPENING) - (token.text in CLOSING)
        if token.text == "," and not depth:
            ends.append(token.start)
            items.append(token.end)
    text = s.source.text
    steps = [text[a:b].strip() for a, b in zip(items, [*ends, inside[-1].end], strict=True)]
    if not all(re.match(r"[A-Za-z_]\w*(\(|$)", step) for step in steps):
        return None
    closing = next(t for t in tokens(text, inside[-1].end, s.end) if not t.is_bare)
    span = s.span(opener).to(s.span(closing))
    alike = len(steps) > 1 and len(set(steps)) == 1
    written = f"{steps[0]} x {len(steps)}" if alike else f"{{ {'; '.join(steps)} }}"
    return s.cure(f"write `{written}`" if len(written) <= 60 else "write braces", (span, written))


def dotted_step(s: Stuck) -> Diagnostic | None:
    """`nn.Conv2d(64, 3)`."""
    path = s.before
    if path is None or path.kind is not Kind.PATH or s.statement[-1:] != [path] or "=" not in s.accepts:
        return None
    dot = path.end - len(path.text.rpartition(".")[2])
    span = Span(s.source, path.start, dot)
    fix = s.cure(f"leave out `{span.text}`", (span, ""))
    if fix is None:
        return None
    return s.error(
        "ops, blocks and nets have no dot in their names",
        expected="a step",
        found=f"`{path.text}`",
        at=s.span(path),
        fix=fix,
    )


def counted_name(s: Stuck) -> Diagnostic | None:
    """`conv[i] = ...`, `conv{i} = ...` and `"conv" + i = ...`."""
    if not s.statement or s.found is None:
        return None
    if s.found.text in ("+", "%") and s.statement[-1].kind is Kind.STRING and "=" in s.accepts:
        string = s.statement[-1]
        match = re.compile(r"\s*[+%]\s*(\w+)(?=\s*=[^=])").match(s.source.text, string.end)
        fix = None
        if match is not None and "%" not in string.text + match[0]:
            name = f'{string.text[:-1]}{{{match[1]}}}"'
            fix = s.cure(f"write `{name}`", (Span(s.source, string.start, match.end()), name))
        help = None if fix else 'a value stands in the name: `"conv{i}"`'
        return s.error("names are not computed: a value stands in them", help=help, fix=fix)
    if s.found.text not in ("[", "=", "{"):
        return None
    match = re.compile(r"([A-Za-z_]\w*)[\[{][ \t]*([^\[\]{}\"\n;=]+?)[ \t]*[\]}](?=\s*=[^=])").match(
        s.source.text, s.statement[0].start
    )
    if match is None:
        return None
    span, name = Span(s.source, *match.span()), f'"{match[1]}{{{match[2]}}}"'
    fix = s.cure(f"write `{name}`", (span, name))
    return s.error(
        "a name with a value in it is a string", expected="a name", found=f"`{span.text}`", at=span, fix=fix
    )


def item_inside(s: Stuck) -> Diagnostic | None:
    """A `block` in a net."""
    item = s.before
    if item is None or s.found is None or s.opener is None or not s.is_line or not s.is_same_line:
        return None
    if item.text not in ("net", "block", "use") or s.statement != [item]:
        return None
    return s.error(
        f"a `{item.text}` stands outside of nets and blocks",
        expected="a step",
        found=f"`{item.text}`",
        at=s.span(item),
        help="move it to the top of the file; a body of its own may be a `let`: `let part = { ... }`",
    )


def name_of_item(s: Stuck) -> Diagnostic | None:
    """`net small-net`, `block 3d`, `net "small"`."""
    head = s.statement[0] if s.statement else None
    if head is None or head.text not in ("net", "block", "let", "layer", "input") or len(s.statement) > 2:
        return None
    match = re.compile(r"[ \t]+([\w\"'.-]+)").match(s.source.text, head.end)
    if match is None or s.found is None or not match.start(1) <= s.found.start < match.end(1):
        return None
    name = re.sub(r"\W", "_", match[1].strip("\"'"))
    name = f"_{name}" if name[:1].isdigit() else name
    span = Span(s.source, *match.span(1))
    fix = s.cure(f"write `{name}`", (span, name))
    if fix is None:
        return None
    return s.error(
        "names are made of letters, digits and `_`, and begin with no digit",
        expected="a name",
        found=f"`{span.text}`",
        at=span,
        fix=fix,
    )
