"""Syntax errors in the language's own terms.

Each rule looks at the place where the parser stopped and is silent unless it knows what happened.
"""

from __future__ import annotations

import re

from resdsl.diagnostics.model import Diagnostic
from resdsl.diagnostics.suggest import closest
from resdsl.source import Span
from resdsl.syntax.build_expr import RESERVED
from resdsl.syntax.mistakes.stuck import FORMS, Stuck
from resdsl.syntax.tokens import CLOSING, OPENING, Kind, Token, tokens

_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
_STATEMENTS = (
    "stage", "layer", "output", "input", "expect", "from", "apply", "init", "param", "buffer", "for", "if", "let",
)  # fmt: skip
_ITEMS = ("net", "block", "let", "use", "edition")
_WORDS = (Kind.WORD, Kind.PATH, Kind.STRING, Kind.NUMBER, Kind.SIZE)


def misspelt_word(s: Stuck) -> Diagnostic | None:
    """`outptu x`, `} shortct: identity`: a word of the language with a slip."""
    found, first = s.found, s.statement[0] if s.statement else None
    if found is None or found.kind not in _WORDS:
        return None
    if found.kind is Kind.WORD and (meant := closest(found.text, _accepted(s, found))):
        token = found
    elif (
        first is not None
        and first.kind is Kind.WORD
        and not first.text[-1].isdigit()
        and first.text not in RESERVED
    ):
        words = ("residual",) if found.text == "shortcut" else _STATEMENTS if s.statement == [first] else ()
        meant, token = closest(first.text, words), first
    else:
        return None
    if meant is None:
        return None
    fix = s.cure(f"did you mean `{meant}`?", (s.span(token), meant))
    if fix is None:
        return None
    return s.error(
        "not a word of the language",
        expected=f"`{meant}`",
        found=f"`{token.text}`",
        at=s.span(token),
        fix=fix,
    )


def _accepted(s: Stuck, found: Token) -> list[str]:
    """The words that could stand in the place of one that is not at the start of a statement."""
    if s.opener is None:
        return list(_ITEMS)
    if s.before is None or s.line(s.before) != s.line(found) or s.statement == []:
        return []
    return [word for word in s.accepts if word.isalpha() and word.islower()]


def extra_comma(s: Stuck) -> Diagnostic | None:
    """`input image: [3, H, W],` and a line end."""
    comma = s.before
    if comma is None or comma.text != "," or not (s.newline and s.is_line):
        return None
    fix = s.cure("leave out the comma", (s.span(comma), ""))
    return s.error("one comma too many", at=s.span(comma), found="`,`", fix=fix) if fix else None


def missing_value(s: Stuck) -> Diagnostic | None:
    """`width =` and then nothing."""
    if s.before is None or s.before.text not in (
        "=",
        "->",
        "+",
        "-",
        "*",
        "/",
        "%",
        "**",
        *_COMPARISONS,
        ",",
    ):
        return None
    if s.found and s.found.text not in (",", ";", ")", "]", "}", ":", "="):
        return None
    wanted = "a value" if "INT" in s.accepts else "a step" if "from" in s.accepts else ""
    if not wanted and "NAME" in s.accepts:
        wanted = "a name"
    return s.error(expected=f"{wanted} after `{s.before.text}`") if wanted else None


def lone_else(s: Stuck) -> Diagnostic | None:
    """`else` without `if`."""
    word = s.found if s.found and s.found.text == "else" else None
    return s.error("no `if` stands right before this `else`", expected="a step") if word else None


def missing_else(s: Stuck) -> Diagnostic | None:
    """`a if b` as a value."""
    word = s.said("if")
    if "else" not in s.accepts or not word or s.statement[0] is word:
        return None
    return s.error(
        expected="`else`",
        also=(word, "a choice begins here"),
        help="a choice has two values: `a if b else c`",
    )


def comparison(s: Stuck) -> Diagnostic | None:
    """`a < b < c`."""
    first = s.said(*_COMPARISONS)
    if not (s.found and first and s.found.text in _COMPARISONS):
        return None
    return s.error(
        "a second comparison",
        expected="`and` or the end of the comparison",
        also=(first, "the first"),
        help="join comparisons with `and`: `a < b and b < c`",
    )


def schedule(s: Stuck) -> Diagnostic | None:
    """`then` outside of arguments, or behind a comma."""
    if s.statement and s.statement[0].text == "then" and not s.is_line:
        then = s.statement[0]
        comma = [t for t in tokens(s.source.text, s.start, then.start) if not t.is_bare][-1]
        fix = s.cure("leave out the comma", (s.span(comma), ""), safe=True)
        if fix:
            return s.error("one argument", expected="`then`", found="`,`", at=s.span(comma), fix=fix)
    if not (s.found and s.found.text == "then"):
        return None
    return s.error(
        "a schedule stands only in the arguments of a call",
        help="give it to the step that is repeated: `unit(64, stride = 2 then 1) x 3`",
    )


def missing_colon(s: Stuck) -> Diagnostic | None:
    """`input image [3, H, W]`."""
    if not (s.found and s.found.text == "[" and ":" in s.accepts and s.before):
        return None
    fix = s.cure("insert the missing `:`", (s.behind(s.before), ":"), safe=True)
    return s.error(expected="`:` before a shape", fix=fix) if fix else None


def one_line(s: Stuck) -> Diagnostic | None:
    """Two statements on one line, and arguments without parentheses."""
    token, before = s.found, s.before
    if token is None or before is None or "_NL" not in s.accepts or not s.is_same_line:
        return None
    if token.kind in (Kind.NUMBER, Kind.SIZE) and before.kind is Kind.WORD and not s.form:
        arguments = s.run(token.start, ";", "->", "x", "as")
        gap, end = Span(s.source, before.end, token.start), s.behind(arguments[-1])
        help = "arguments stand in parentheses"
        return s.error(help=help, fix=s.cure(help, (gap, "("), (end, ")")))
    if token.kind not in (Kind.WORD, Kind.PATH, Kind.STRING) or before.text in _ITEMS:
        return None
    fix = s.cure("separate the statements with `;`", (s.behind(before), ";"))
    return s.error("another statement begins here", fix=fix) if fix else None


def applied(s: Stuck) -> Diagnostic | None:
    """`conv(64, 3x3)(x)`: a module called with values, as in PyTorch."""
    found, before = s.found, s.before
    if found is None or found.text != "(" or before is None or before.text != ")" or not s.is_line:
        return None
    if s.statement[0].text in _ITEMS:
        return None
    inside = s.run(found.end)
    rest = tokens(s.source.text, inside[-1].end if inside else found.end, s.end)
    closing = next((t for t in rest if not t.is_bare), None)
    if (
        closing is None
        or closing.text != ")"
        or not all(t.kind is Kind.WORD or t.text == "," for t in inside)
    ):
        return None
    return s.error(
        "a step takes the value before it",
        help="another one comes by `from`: `from x -> step`",
        fix=s.cure("leave it out", (s.span(found).to(s.span(closing)), "")),
    )


def repeated_stage(s: Stuck) -> Diagnostic | None:
    """`stage body { ... } x 3`."""
    word = s.found
    if word is None or word.text != "x" or s.statement[:1] == [] or s.statement[0].text != "stage":
        return None
    opener = next((t for t in s.statement if t.text == "{"), None)
    count = s.run(word.start, ";")
    if opener is None or s.before is None:
        return None
    repeat = s.source.text[word.start : count[-1].end]
    out = Span(s.source, s.before.end, count[-1].end)
    return s.error(
        "a stage is one row, and does not repeat",
        help="what repeats is a block or a body: `stage NAME { unit(64) x 3 }`",
        fix=s.cure("repeat what is in it", (s.behind(opener), " {"), (out, f" {repeat} }}")),
    )


def shape(s: Stuck) -> Diagnostic | None:
    """`input image: 3xHxW`, `at 224`."""
    found = s.found
    if found is None or s.accepts != {"["} or found.kind not in (Kind.NUMBER, Kind.SIZE):
        return None
    if not s.statement or s.statement[0].text not in ("input", "expect", "stage", "param", "buffer"):
        return None
    match = re.compile(r"[0-9]+(?:x\w+?)+\b").match(s.source.text, found.start)
    example = ", ".join(match[0].split("x")) if match else "3, 224, 224"
    span = Span(s.source, *match.span()) if match else s.span(found)
    help = f"write the shape without the batch: `[{example}]`"
    return s.error(
        "a size is written as a whole shape",
        expected="`[`",
        found=f"`{span.text}`",
        at=span,
        help=help,
        fix=s.cure(help, (span, f"[{example}]")) if match else None,
    )


def conditions(s: Stuck) -> Diagnostic | None:
    """`where` after `at`, and `if` for `where`."""
    if s.found is None:
        return None
    if s.found.text == "if" and "where" in s.accepts:
        fix = s.cure("write `where`", (s.span(s.found), "where"), safe=True)
        return s.error(expected="`where`", fix=fix)
    if s.found.text != "where" or s.said("at") is None:
        return None
    return s.error(
        "conditions stand before `at`",
        help="write `input image: [3, H, W] where H % 32 == 0 at [3, 224, 224]`",
    )


def sum_of_values(s: Stuck) -> Diagnostic | None:
    """`image + y`, where both are values of the flow."""
    if s.found is None or s.found.text not in tuple("+-*/") or not s.is_line or "_NL" not in s.accepts:
        return None
    if s.after and s.after.text == "=" and s.after.start == s.found.end:
        return s.error("a value does not change", help="give the new one a name of its own with `let`")
    if s.found.text not in ("+", "*"):
        return None
    if not s.after or s.after.kind is not Kind.WORD or any(t.kind is Kind.NUMBER for t in s.statement):
        return None
    op = "add" if s.found.text == "+" else "mul"
    return s.error(
        "this computes with numbers",
        help=f"values of the net are joined by a step: `from a, b -> {op}`",
    )


def steps_with_commas(s: Stuck) -> Diagnostic | None:
    """`gelu, batchnorm`, `a, b -> add`, and `let a = 3, b = 4`."""
    comma = s.found
    if comma is None or comma.text != "," or "_NL" not in s.accepts:
        return None
    if s.form:
        fix = s.cure("begin another `let`", (s.span(comma), "; let")) if s.said("let") else None
        return s.error("one value has one `let`", fix=fix) if fix else None
    names = s.run(comma.start, "->")
    if s.statement and all(t.kind is Kind.WORD or t.text == "," for t in (*s.statement, *names)):
        begin = Span(s.source, s.statement[0].start, s.statement[0].start)
        behind = s.source.text[names[-1].end :].lstrip()
        if behind.startswith("->") and (fix := s.cure("begin with `from`", (begin, "from "))):
            return s.error("values come by `from`", fix=fix)
    commas = [s.span(comma)]
    depth = 0
    for token in s.run(comma.end):
        depth += (token.text in OPENING) - (token.text in CLOSING)
        if token.text == "," and not depth:
            commas.append(s.span(token))
    ends = "\n" in s.source.text[commas[-1].end :].lstrip(" \t\r")[:1]
    edits = [(span, "" if ends and span is commas[-1] else ";") for span in commas]
    fix = s.cure("separate steps with `;` or a new line", *edits, safe=True)
    return s.error("steps have no comma between them", fix=fix) if fix else None


def arrow_at_end(s: Stuck) -> Diagnostic | None:
    """`conv(8, 3x3) ->` and a line end."""
    arrow = s.before
    if not (s.newline and arrow and arrow.text == "->" and s.next and s.next.start < s.end):
        return None
    gap = Span(s.source, arrow.start - 1, arrow.end)
    begin = Span(s.source, s.next.start, s.next.start)
    fix = s.cure(
        "begin the next line with `->`", (gap, "" if gap.text[0] == " " else gap.text[0]), (begin, "-> ")
    )
    return s.error(expected="a step after `->`", fix=fix)


def outside(s: Stuck) -> Diagnostic | None:
    """A step outside of nets and blocks."""
    if "edition" not in s.accepts or s.found is None:
        return None
    closer = s.before if s.before and s.before.text == "}" and s.indent(s.found) else None
    also = (closer, "this `}` closes the `net` or `block`") if closer else None
    help = f"a net is written {FORMS['net']}"
    return s.error("steps stand inside of a `net` or `block`", also=also, help=None if closer else help)
