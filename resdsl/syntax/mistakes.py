"""Syntax errors in the language's own terms.

Each rule looks at the place where the parser stopped and is silent unless it knows what happened.
"""

from __future__ import annotations

from resdsl.diagnostics.model import Diagnostic
from resdsl.diagnostics.suggest import closest
from resdsl.syntax.build_expr import RESERVED
from resdsl.syntax.stuck import Stuck
from resdsl.syntax.tokens import CLOSING, OPENING, Kind, Token, tokens

_POLICIES = "`identity`, `projection`, `zero_pad` or `none`"
_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
_WITH_BODY = ("stage", "for", "if", "block", "net", "else")
_STATEMENTS = (
    "stage", "layer", "output", "input", "expect", "from", "apply", "init", "param", "buffer", "for", "if", "let",
)  # fmt: skip
_ITEMS = ("net", "block", "let", "use", "edition")
_WORDS = (Kind.WORD, Kind.PATH, Kind.STRING, Kind.NUMBER, Kind.SIZE)


def reserved_name(s: Stuck) -> Diagnostic | None:
    """`layer = conv(64)`: a word of the language as a name."""
    word = s.before
    if word is None or word.text not in RESERVED or s.statement != [word]:
        return None
    if s.found is None or s.found.text not in ("=", ":"):
        return None
    return s.error(
        "begins a statement of its own",
        expected="a name",
        found=f"the word `{word.text}`",
        at=s.span(word),
        help=f'choose another name; a key of this name is written `"{word.text}"`',
    )


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
    fix = s.fix(f"did you mean `{meant}`?", (s.span(token), meant))
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


def not_closed(s: Stuck) -> Diagnostic | None:
    """A bracket that is open where the file or the item ends."""
    if s.newline or s.at < s.end or s.opener is None:
        return None
    opener = _suspect(s) if s.opener.text == "{" else s.opener
    closing = OPENING[opener.text]
    fix = None
    if opener == s.opener and s.before:
        if closing not in s.accepts or s.line(opener) == s.line(s.before):
            insert = f" {closing}" if closing == "}" else closing
        else:
            insert = f"\n{' ' * s.indent(opener)}{closing}"
        fix = s.fix(f"insert the missing `{closing}`", (s.behind(s.before), insert))
    return s.error(expected=f"`{closing}`", also=(opener, f"`{opener.text}` was opened here"), fix=fix)


def _suspect(s: Stuck) -> Token:
    """The `{` whose `}` is missing, as the indentation tells."""
    opened: list[Token] = []
    newline = True
    for token in tokens(s.source.text, s.start, s.at):
        if token.text == "{":
            opened.append(token)
        elif token.text == "}" and opened:
            opener = opened.pop()
            if newline and s.indent(token) < s.indent(opener):
                return opener
        newline = token.kind is Kind.NEWLINE
    return opened[-1]


def wrong_closer(s: Stuck) -> Diagnostic | None:
    """A closing bracket of another kind than the open one, or of none."""
    token = s.found
    if token is None or token.text not in CLOSING:
        return None
    if s.opener is None or (s.opener.text == "{" and token.text != "}"):
        without = s.fix(f"leave out the `{token.text}`", (s.span(token), ""))
        return s.error(f"no `{CLOSING[token.text]}` is open here", fix=without)
    closing = OPENING[s.opener.text]
    if closing == token.text:
        return None
    fix = None
    if closing in s.accepts and s.before and closing != "}":
        fix = s.fix(f"insert the missing `{closing}`", (s.behind(s.before), closing))
    return s.error(expected=f"`{closing}`", also=(s.opener, f"`{s.opener.text}` was opened here"), fix=fix)


def missing_shortcut(s: Stuck) -> Diagnostic | None:
    """A residual that does not say what its shortcut does."""
    residual = s.said("residual")
    if s.accepts == {"shortcut"} and residual:
        return s.error(
            "what the shortcut does must be written here",
            expected="`shortcut` after the body of a residual",
            also=(residual, "the residual begins here"),
            help=f"add `shortcut: POLICY`, where the policy is {_POLICIES}, or `POLICY else POLICY`",
        )
    word = s.said("shortcut")
    if word and s.before and (s.before == word or s.before.text == ":") and s.before in s.statement[-2:]:
        return s.error(help=f"`shortcut: POLICY`, where the policy is {_POLICIES}, or steps in braces")
    return None


def missing_body(s: Stuck) -> Diagnostic | None:
    """`stage conv2` and a line end; a body that begins on the next line."""
    if s.found or "{" not in s.accepts or not s.statement or s.statement[0].text not in _WITH_BODY:
        return None
    head = s.statement[0]
    if s.next and s.before and s.next.text == "{" and s.newline:
        gap = type(s.here)(s.source, s.before.end, s.next.start)
        fix = s.fix("open the body on the same line", (gap, " ")) if not gap.text.strip() else None
        return s.error("the body opens on this line", expected="`{`", fix=fix)
    return s.error(
        expected=s.expected if head.text in ("net", "block") else "`{`",
        also=(head, f"this `{head.text}` has no body"),
    )


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
    """`then` outside of arguments."""
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
    fix = s.fix("insert the missing `:`", (s.behind(s.before), ":"), safe=True)
    return s.error(expected="`:` before a shape", fix=fix)


def inside_brackets(s: Stuck) -> Diagnostic | None:
    """A comma or a closing bracket that is missing in ( ) or [ ]."""
    opener, before, token = s.opener, s.before, s.found
    if opener is None or before is None or token is None or s.is_line:
        return None
    closing = OPENING[opener.text]
    where = (opener, f"`{opener.text}` was opened here")
    if closing not in s.accepts or "INT" in s.accepts:
        return s.error(also=where)
    if token.text == ";":
        return _semicolon(s, opener, before, token)
    on_new_line = s.line(token) > s.line(before)
    starts_value = token.kind in _WORDS or token.text in ("[", "{", "(", "-")
    if on_new_line and (token.text == "->" or s.indent(token) <= s.indent(opener)):
        fix = s.fix(f"insert the missing `{closing}`", (s.behind(before), closing))
        return s.error(also=where, fix=fix)
    if starts_value and "," in s.accepts:
        fix = s.fix("insert the missing `,`", (s.behind(before), ","))
        return s.error(also=where, fix=fix)
    return s.error(also=where)


def _semicolon(s: Stuck, opener: Token, before: Token, token: Token) -> Diagnostic:
    closing = OPENING[opener.text]
    rest = s.source.text[token.end :].split("\n", 1)[0]
    if rest.count(closing) > rest.count(opener.text):
        fix = s.fix("write `,`", (s.span(token), ","))
    else:
        fix = s.fix(f"insert the missing `{closing}`", (s.behind(before), closing))
    return s.error(also=(opener, f"`{opener.text}` was opened here"), fix=fix)


def one_line(s: Stuck) -> Diagnostic | None:
    """Two statements on one line, and arguments without parentheses."""
    token, before = s.found, s.before
    if token is None or before is None or "_NL" not in s.accepts or not s.is_same_line:
        return None
    if token.kind in (Kind.NUMBER, Kind.SIZE) and before.kind is Kind.WORD:
        return s.error(help=f"arguments stand in parentheses: `{before.text}({token.text})`")
    if token.kind not in (Kind.WORD, Kind.PATH, Kind.STRING):
        return None
    fix = s.fix("separate the statements with `;`", (s.behind(before), ";"))
    return s.error("another statement begins here", fix=fix)


def input_clauses(s: Stuck) -> Diagnostic | None:
    """`input image: [3, H, W] at 224`, and `where` after `at`."""
    found = s.found
    if found is None or not s.statement or s.statement[0].text not in ("input", "expect"):
        return None
    if s.before is not None and s.before.text == "at" and found.kind in (Kind.NUMBER, Kind.SIZE):
        return s.error(
            "a size is written as a whole shape",
            expected="`[`",
            help="write the shape without the batch: `at [3, 224, 224]`",
        )
    if found.text == "where" and s.said("at") is not None:
        return s.error(
            "conditions stand before `at`",
            help="write `input image: [3, H, W] where H % 32 == 0 at [3, 224, 224]`",
        )
    return None


def outside(s: Stuck) -> Diagnostic | None:
    """A step outside of nets and blocks."""
    if (
        "edition" not in s.accepts
        or s.found is None
        or s.found.kind not in (Kind.WORD, Kind.STRING, Kind.PATH)
    ):
        return None
    closer = s.before if s.before and s.before.text == "}" and s.indent(s.found) else None
    also = (closer, "this `}` closes the `net` or `block`") if closer else None
    return s.error("steps stand inside of a `net` or `block`", also=also)
