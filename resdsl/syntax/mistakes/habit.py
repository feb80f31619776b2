"""Syntax errors that come from other languages, notations and keyboards.

Each rule looks at the place where the parser stopped and is silent unless it knows what happened.
"""

from __future__ import annotations

import re

from resdsl.diagnostics.model import Diagnostic
from resdsl.source import Span
from resdsl.syntax.mistakes.brackets import braces
from resdsl.syntax.mistakes.stuck import Stuck
from resdsl.syntax.tokens import Kind, Token

_MEANT = {
    "×": ("x",),
    "−": ("-",),
    "–": ("-",),
    "—": ("-",),
    "→": ("->",),
    "≤": ("<=",),
    "≥": (">=",),
    "≠": ("!=",),
    "·": ("*",),
    "^": ("**",),
    "\u00a0": (" ",),
    "&": ("and",),
    "&&": ("and",),
    "|": ("then", "or", "->"),
    "||": ("or",),
    "!": ("not",),
    ":": ("=",),
    ":=": ("=",),
    "==": ("=",),
    "=": ("==", ":"),
    "=>": ("->", "="),
    ">>": ("->",),
    ".": ("->",),
    "|>": ("->",),
    "@": ("at",),
}
"""Signs of other languages, papers and keyboards, and what may be meant, the likeliest first."""
_TIGHT = ("-", "x", " ")
_WHY = {"==": "this compares, so it needs two", " ": "this is a blank that does not break lines"}
_SIGNS = re.compile(r"[-=:<>|&.+*/@!]+|.", re.DOTALL)
_QUOTES = "\"'“”„‘’‚«»"
_TYPES = ("int", "float", "bool", "str", "list", "List", "tuple", "Tuple", "Optional")

# What another language calls it: the word to write, if one will do, and how it is said here.
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
    "assert": ("expect", "what must hold is stated with `expect`"),
    "loop": ("", "a step is repeated with `x COUNT`, a list is walked with `for NAME in LIST { ... }`"),
    "repeat": ("", "a step is repeated with `x COUNT`, a list is walked with `for NAME in LIST { ... }`"),
    "while": ("", "a step is repeated with `x COUNT`, a list is walked with `for NAME in LIST { ... }`"),
}


def quotes(s: Stuck) -> Diagnostic | None:
    """A string in other quotes, with a letter before it, or without its second quote."""
    token, before = s.found, s.before
    if token is None or token.text[0] not in _QUOTES:
        return None
    if token.kind is Kind.STRING:
        if before is None or before.end != token.start or before.text not in ("f", "r", "b", "u"):
            return None
        fix = s.cure(f"leave out the `{before.text}`", (s.span(before), ""), safe=True)
        return s.error(
            "strings have no letter before them",
            expected="a string",
            found=f"`{before.text}{token.text}`",
            at=s.span(before).to(s.span(token)),
            fix=fix,
        )
    match = re.compile(f"[{_QUOTES}]([^{_QUOTES}\n]*)[{_QUOTES}]").match(s.source.text, token.start)
    if match:
        span = Span(s.source, *match.span())
        return s.error(
            expected="a string in double quotes",
            found=f"`{match[0]}`",
            at=span,
            fix=s.cure("use double quotes", (span, f'"{match[1]}"'), safe=True),
        )
    if token.kind is Kind.STRANGE:
        return s.error(help="strings stand in double quotes")
    last = "\n" not in s.source.text[token.end :]
    return s.error(
        "the string begins here",
        expected='`"` to end the string',
        found="the end of the file" if last else "the end of the line",
        at=Span(s.source, token.start, token.start + len(token.text.rstrip())),
    )


def other_sign(s: Stuck) -> Diagnostic | None:
    """`stride: 2`, `a && b`, `a => b`: a sign that means something else here, or nothing."""
    token = s.found
    if token is None or token.kind not in (Kind.SIGN, Kind.STRANGE):
        return None
    # the first half of `==` and `=>` may have been taken
    joined = s.before is not None and s.before.text in ("=", ":") and s.before.end == token.start
    match = _SIGNS.match(s.source.text, token.start - joined)
    assert match is not None
    span = Span(s.source, *match.span())
    for meant in _MEANT.get(span.text, ()):
        if not _may_stand(s, span.text, meant):
            continue
        shown = f"write `{meant}`" if meant.strip() else "write a blank"
        safe = meant not in ("->", "then") or span.text == "→"
        for first in _edits(s, span, meant):
            others = [(other, first[1]) for other in _others(s, span)]
            fix = s.cure(shown, first, safe=safe) or s.cure(shown, first, *others, safe=safe)
            if fix:
                sign = None if span.text.isspace() else f"`{span.text}`"
                expected = shown.removeprefix("write ")
                return s.error(_WHY.get(meant, ""), expected=expected, found=sign, at=span, fix=fix)
    return None


def _may_stand(s: Stuck, sign: str, meant: str) -> bool:
    """Whether what may be meant by a sign has its sense here: the parser takes words as names, too."""
    between_numbers = all(t is not None and t.kind in (Kind.NUMBER, Kind.SIZE) for t in (s.before, s.after))
    if meant == "then":
        return between_numbers and not s.is_line
    if meant in ("and", "or"):
        compares = s.said("==", "!=", "<", "<=", ">", ">=") is not None
        return bool(s.before and s.before.is_value) and (compares or not between_numbers)
    if meant == "==":
        return s.said("expect", "if", "where") not in (None, s.before)
    return sign != "=>" or (meant == "->") == s.is_line


def _edits(s: Stuck, span: Span, sign: str) -> list[tuple[Span, str]]:
    """How a sign could be put into the place of another, with the blanks it needs."""
    text = s.source.text
    left = "" if text[span.start - 1 : span.start] in (*" \t([", "") else " "
    right = "" if text[span.end : span.end + 1].isspace() else " "
    if sign == ":" and s.before:
        return [(Span(s.source, s.before.end, span.end), f":{right}")]
    spaced = span, f"{left}{sign}{right}"
    return [(span, sign), spaced] if sign in _TIGHT else [spaced]


def _others(s: Stuck, span: Span) -> list[Span]:
    """The same sign, with blanks around it, in the rest of the statement."""
    rest = s.run(span.end, ";")
    sign = re.compile(rf"(?<=\s){re.escape(span.text)}(?=\s)")
    end = rest[-1].end if rest else span.end
    return [Span(s.source, *match.span()) for match in sign.finditer(s.source.text, span.end, end)]


def strange_character(s: Stuck) -> Diagnostic | None:
    """A character that the language does not use."""
    token = s.found
    if token is None or token.kind is not Kind.STRANGE:
        return None
    text = s.source.text
    if token.text == "." and text[token.end : token.end + 1].isdigit():
        return s.error(fix=s.fix("write a digit before the point", (s.span(token), "0."), safe=True))
    if token.text == "." and s.before and s.before.kind is Kind.NUMBER and s.before.end == token.start:
        if text[token.end : token.end + 1] == ".":
            return s.error(help="`range(a, b)` lists the integers from `a` to before `b`")
        return s.error(fix=s.fix("write a digit behind the point", (s.span(token), ".0"), safe=True))
    if token.text == "\\":
        return s.error(help="a line goes on inside `( )` and `[ ]`, and where the next begins with `->`")
    if token.text == "?":
        return s.error(help="a choice is written `a if condition else b`")
    return s.error("this character has no meaning here")


def foreign_comment(s: Stuck) -> Diagnostic | None:
    """`// text`, `/* text */`, `-- text`, `% text`, a string that documents, and `//` as whole division."""
    token = s.found
    if token is None or token.text not in ("/", "*", "-", "%", '""'):
        return None
    text = s.source.text
    if s.before and s.before.text == "/" and s.before.end == token.start:
        token = s.before
    match = re.compile(r"//|/\*|--|%|\"{3}").match(text, token.start)
    if match is None or (match[0] not in ("//", "/*") and s.statement):
        return None
    span = Span(s.source, *match.span())
    rest = text[span.end :].split("\n", 1)[0]
    in_expression = not s.is_line or bool(s.statement and s.statement[0].text == "let")
    if match[0] == "//" and in_expression and re.match(r"\s*[\w.(]+\s*([-+*,)\]].*)?$", rest):
        return s.error(
            found="`//`", expected="an operator", at=span, help="`div(a, b)` divides whole numbers"
        )
    blank = "" if rest[:1].isspace() else " "
    edits = [(span, f"##{blank}" if match[0] == '"""' else f"#{blank}")]
    closing = {"/*": "*/", '"""': '"""'}.get(match[0])
    if closing and rest.rstrip().endswith(closing):
        end = span.end + len(rest.rstrip())
        edits.append((Span(s.source, end - len(closing), end), ""))
    help = "comments begin with `#`, doc comments with `##`" if closing else "comments begin with `#`"
    fix = s.cure(help, *edits, safe=True) if closing is None or edits[1:] else None
    return s.error(
        expected="`#` before a comment",
        found=f"`{span.text}`",
        at=span,
        fix=fix,
        help=help,
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
    edits = [(s.span(word), meant)]
    line = s.run(word.start)
    if line and line[-1].text == ":":
        edits += braces(s, word, s.span(line[-1]))
    fix = s.cure(help if is_chain else f"write {expected}", *edits, safe=is_chain) if meant else None
    return s.error(expected=expected, found=f"`{word.text}`", at=s.span(word), help=help, fix=fix)


def annotation(s: Stuck) -> Diagnostic | None:
    """`conv1: conv(64)`, where a shape was expected, and `width: int`."""
    token, colon = s.found, s.before
    if token is None or colon is None:
        return None
    if token.text == ":" and s.after is not None and s.after.text in _TYPES:
        span = s.span(token).to(s.span(s.after))
        fix = s.cure("leave the type out", (span, ""), safe=True)
        return s.error("names have no types", expected="`=`", found=f"`{span.text}`", at=span, fix=fix)
    if colon.text != ":" or s.accepts != {"["} or len(s.statement) != 2:
        return None
    if fix := s.cure("write `=`", (s.span(colon), " ="), safe=True):
        return s.error(expected="`=`", found="`:`", at=s.span(colon), fix=fix)
    return None


def repeat(s: Stuck) -> Diagnostic | None:
    """`unit(64) x3`, `unit(64) * 3`, `unit(64) times 3` and `3 x unit(64)`."""
    token = s.found
    if token is None:
        return None
    if "x" not in s.accepts:
        return _repeat_before(s, token)
    if re.fullmatch(r"[xX][0-9]+", token.text):
        text = f"x {token.text[1:]}"
    elif token.text in ("*", "times") and s.after and s.after.kind in (Kind.NUMBER, Kind.WORD):
        text = "x"
    else:
        return None
    shown = text if " " in text or not s.after else f"x {s.after.text}"
    fix = s.cure(f"write `{shown}`", (s.span(token), text), safe=True)
    return (
        s.error("a repeat is written with `x` and a blank", expected=f"`{shown}`", fix=fix) if fix else None
    )


def _repeat_before(s: Stuck, token: Token) -> Diagnostic | None:
    match = re.compile(r"([0-9]+)[ \t]*[x*][ \t]*(?=[A-Za-z{])").match(s.source.text, token.start)
    if match is None or "from" not in s.accepts:
        return None
    span = Span(s.source, *match.span())
    step = s.run(span.end, ";", "->")
    fix = s.cure("write the count behind the step", (span, ""), (s.behind(step[-1]), f" x {match[1]}"))
    return s.error("the count stands behind the step", expected="a step", at=s.span(token), fix=fix)


def size(s: Stuck) -> Diagnostic | None:
    """`3 x 3` and `3X3` for a size."""
    left = s.before
    if not (left and s.found and left.kind is Kind.NUMBER):
        return None
    match = re.compile(r"([0-9]+)[ \t]*[xX][ \t]*([0-9]+)\b").match(s.source.text, left.start)
    if not match:
        return None
    span = Span(s.source, *match.span())
    joined = f"{match[1]}x{match[2]}"
    return s.error(
        "a size is one word",
        expected=f"`{joined}`",
        found=f"`{span.text}`",
        at=span,
        fix=s.fix(f"write `{joined}`", (span, joined), safe=True),
    )


_SCALES = {"k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}
_IN_GROUPS = re.compile(r"[0-9]{1,3}([ ,'])[0-9]{3}(?:\1[0-9]{3})*(?![0-9])")
_IN_THOUSANDS = re.compile(r"([0-9][0-9_]*(?:\.[0-9]+)?) ?([kKMGBT])(?:MACs?|FLOPs?|)\b")


def number(s: Stuck) -> Diagnostic | None:
    """`95k`, `25.6 M`, `25,557,032` and `25 557 032`."""
    left = s.before
    if not (left and s.found and s.is_same_line and left.kind is Kind.NUMBER):
        return None
    if not s.is_line and s.found.start > left.end:
        return None  # a comma is missing
    if match := _IN_GROUPS.match(s.source.text, left.start):
        label, safe = "only `_` may part the digits", True
        whole = re.sub(r"\D", "_", match[0])
    elif match := _IN_THOUSANDS.match(s.source.text, left.start):
        # what is written so is mostly rounded
        label, safe = "numbers are written in full", False
        whole = f"{round(float(match[1]) * _SCALES[match[2]]):_}"
    else:
        return None
    span = Span(s.source, *match.span())
    return s.error(
        label,
        expected="a number",
        found=f"`{span.text}`",
        at=span,
        fix=s.cure(f"write `{whole}`", (span, whole), safe=safe),
    )
