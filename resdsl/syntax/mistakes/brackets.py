"""Syntax errors in brackets and bodies: missing, of the wrong kind, or closed in the wrong place.

Each rule looks at the place where the parser stopped and is silent unless it knows what happened.
"""

from __future__ import annotations

from resdsl.diagnostics.model import Diagnostic, Fix
from resdsl.source import Span
from resdsl.syntax.mistakes.stuck import Stuck
from resdsl.syntax.tokens import CLOSING, OPENING, Kind, Token, tokens

_WITH_BODY = ("stage", "for", "if", "block", "net", "else")
_WORDS = (Kind.WORD, Kind.PATH, Kind.STRING, Kind.NUMBER, Kind.SIZE)


def not_closed(s: Stuck) -> Diagnostic | None:
    """A bracket that is open where the file or the item ends."""
    if s.newline or s.at < s.end or s.opener is None:
        return None
    if s.opener.text == "{" and (found := _by_indentation(s)):
        return found
    opener = _suspect(s)[0] if s.opener.text == "{" else s.opener
    closing = OPENING[opener.text]
    fix = None
    if opener == s.opener and s.before:
        if closing not in s.accepts or s.line(opener) == s.line(s.before):
            insert = f" {closing}" if closing == "}" else closing
        else:
            insert = f"\n{s.margin(opener)}{closing}"
        fix = s.fix(f"insert the missing `{closing}`", (s.behind(s.before), insert))
    return s.error(expected=f"`{closing}`", also=_opened(opener), fix=fix)


def body_not_closed(s: Stuck) -> Diagnostic | None:
    """A body that is open where what follows shows it: at `shortcut`, or where a residual ends without one."""
    at_shortcut = s.found is not None and s.found.text == "shortcut"
    if s.opener and s.is_line and (at_shortcut or (s.newline and s.accepts == {"shortcut"})):
        return _by_indentation(s)
    return None


def _by_indentation(s: Stuck) -> Diagnostic | None:
    """Report a body out of which a line steps before its `}`."""
    opener, is_sure = _suspect(s)
    token = _stepping_out(s, opener, opener.end, s.at + 1)
    if token is None:
        return None
    fix = s.cure("insert the missing `}`", _closing(s, opener, token))
    if fix is None and not is_sure:
        return None
    is_outer = token.text == "}"
    return s.error(
        "closes the body around" if is_outer else "indented as if the body had ended",
        expected="`}`",
        found="a `}` that is indented less" if is_outer else f"`{token.text}`",
        at=s.span(token),
        also=_opened(opener),
        fix=fix,
    )


def _suspect(s: Stuck) -> tuple[Token, bool]:
    """The `{` whose `}` is missing, and whether a later `}` that is indented less says so."""
    opened: list[Token] = []
    newline = True
    for token in tokens(s.source.text, s.start, s.at):
        if token.text == "{":
            opened.append(token)
        elif token.text == "}" and opened:
            opener = opened.pop()
            if newline and s.indent(token) < s.indent(opener):
                return opener, True
        newline = token.kind is Kind.NEWLINE
    assert s.opener is not None
    return opened[-1] if opened else s.opener, False


def _stepping_out(s: Stuck, head: Token, start: int, end: int) -> Token | None:
    """The first token of the first line in a part that is not indented more than that of the head."""
    newline = False
    for token in tokens(s.source.text, start, s.end):
        if token.start >= end:
            return None
        if newline and not token.is_bare and s.indent(token) <= s.indent(head):
            return token
        newline = token.kind is Kind.NEWLINE
    return None


def _closing(s: Stuck, head: Token, token: Token) -> tuple[Span, str]:
    """A `}` below the body of the head: on a line above that of the token, or before it if it goes on."""
    if token.text in ("shortcut", "else"):
        return Span(s.source, token.start, token.start), "} "
    return _closing_behind(s, head, token.start)


def _closing_behind(s: Stuck, head: Token, end: int) -> tuple[Span, str]:
    last = [t for t in tokens(s.source.text, s.start, end) if not t.is_bare][-1]
    return s.behind(last), f"\n{s.margin(head)}}}"


def _opened(opener: Token) -> tuple[Token, str]:
    return opener, f"`{opener.text}` was opened here"


# ---------------------------------------------------------------- never opened


def body_without_braces(s: Stuck) -> Diagnostic | None:
    """`for i in range(3):`, `if wide relu`, `residual` and a line end; a body that begins on the next line."""
    before, found = s.before, s.found
    if before is None or not s.statement or not s.is_line:
        return None
    is_residual = before.text == "residual"
    head = before if is_residual else s.statement[0]
    if not is_residual and head.text not in _WITH_BODY:
        return None
    if head.text == "stage" and before.text == ":" and s.accepts == {"["}:
        return _with_colon(s, head, before)
    if "{" not in s.accepts:
        return None
    if found is not None and found.text == ":":
        return _with_colon(s, head, found)
    if found is None and s.next and s.next.text == "{" and s.newline:
        gap = Span(s.source, before.end, s.next.start)
        fix = s.fix("open the body on the same line", (gap, " ")) if not gap.text.strip() else None
        return s.error("the body opens on this line", expected="`{`", fix=fix)
    on_line = found is not None and found.kind in _WORDS and head.text not in ("net", "block")
    edits = braces(s, head, s.behind(before)) if found is None or on_line else []
    fix = s.cure("put the body in braces", *edits) if edits else None
    if found is not None and fix is None:
        return None
    return s.error(
        expected=s.expected if head.text in ("net", "block") else "`{`",
        also=(head, f"this `{head.text}` has no body"),
        fix=fix,
    )


def _with_colon(s: Stuck, head: Token, colon: Token) -> Diagnostic:
    help = "a body stands in braces, without a colon"
    if s.after is not None and s.after.text == "{":
        fix = s.cure(help, (s.span(colon), ""), safe=True)
    else:
        edits = braces(s, head, s.span(colon))
        fix = s.cure(help, *edits) if edits else None
    return s.error(
        expected="`{`",
        found="`:`",
        at=s.span(colon),
        help=help,
        fix=fix,
    )


def braces(s: Stuck, head: Token, at: Span) -> list[tuple[Span, str]]:
    """Edits that put braces around a body, the first in a place behind its head.

    The body is the rest of the line, or else the lines below that are indented more; without any there are no edits.
    """
    rest = s.run(at.end, "shortcut")
    if rest:
        is_whole = sum((t.text in OPENING) - (t.text in CLOSING) for t in rest) == 0
        closing = s.behind(rest[-1]), " }" if is_whole else ""
    else:
        token = _stepping_out(s, head, at.end, s.end)
        end = token.start if token else s.end
        if all(t.is_bare for t in tokens(s.source.text, at.end, end)):
            return []
        closing = _closing(s, head, token) if token else _closing_behind(s, head, end)
        if token and token.text == "}" and s.indent(token) == s.indent(head):
            closing = s.behind(token), ""
    blank = "" if s.source.text[at.end : at.end + 1].isspace() else " "
    return [(at, f" {{{blank}"), closing]


# ---------------------------------------------------------------- of another kind


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
    if not s.closes_outer(token.text):
        fix = s.cure(f"write `{closing}`", (s.span(token), closing))
    elif closing in s.accepts and s.before and closing != "}":
        fix = s.fix(f"insert the missing `{closing}`", (s.behind(s.before), closing))
    return s.error(expected=f"`{closing}`", also=_opened(s.opener), fix=fix)


def other_brackets(s: Stuck) -> Diagnostic | None:
    """`input image: (3, H, W)`, `net small[classes = 10]`, `(3, 3)` for a list, `from (a, b)`."""
    token = s.found
    if token is None:
        return None
    if token.text == "," and s.opener and s.opener.text == "(" and "," not in s.accepts:
        token, wanted = s.opener, ["["]
    else:
        wanted = [mark for mark in OPENING if mark in s.accepts and mark != token.text]
    inside = s.run(token.end) if token.text in OPENING else []
    behind = inside[-1].end if inside else token.end
    closing = next((t for t in tokens(s.source.text, behind, s.end) if not t.is_bare), None)
    if token.text not in OPENING or closing is None or closing.text != OPENING[token.text]:
        return None
    if token == s.opener and (fix := _window(s, token, inside, closing)):
        return s.error(expected="a size", found=f"`{token.text} {closing.text}`", at=s.span(token), fix=fix)
    for mark in wanted:
        pair = f"`{mark} {OPENING[mark]}`"
        fix = s.cure(f"write {pair}", (s.span(token), mark), (s.span(closing), OPENING[mark]))
        if fix:
            what = f"a list in {pair}" if mark == "[" else pair
            found = f"`{token.text} {closing.text}`"
            return s.error(expected=what, found=found, at=s.span(token), fix=fix)
    if "NAME" not in s.accepts or token != s.found:
        return None
    blank = "" if s.source.text[token.start - 1].isspace() else " "
    fix = s.cure("leave out the brackets", (s.span(token), blank), (s.span(closing), ""))
    return s.error(fix=fix) if fix else None


def _window(s: Stuck, opener: Token, inside: list[Token], closing: Token) -> Fix | None:
    """`(3, 3)` as `3x3`, where a call may take a size."""
    numbers = [t for t in inside if t.text != ","]
    if not s.is_argument or not 2 <= len(numbers) <= 3 or any(not t.text.isdigit() for t in numbers):
        return None
    size = "x".join(t.text for t in numbers)
    return s.cure(f"write `{size}`", (s.span(opener).to(s.span(closing)), size))


# ---------------------------------------------------------------- closed too early


def closed_early(s: Stuck) -> Diagnostic | None:
    """`conv(8, 3x3) bias = true)` and `conv(8, 3x3), stride = 2`: arguments behind their parenthesis."""
    token, closer = s.found, s.before
    if token is None or closer is None or closer.text != ")" or not s.is_line:
        return None
    last = s.run(token.start, "->", ";")
    if token.text == ",":
        joint = s.span(closer), ""
    else:
        inside = [t for t in tokens(s.source.text, s.start, closer.start) if not t.is_bare][-1]
        joint = Span(s.source, inside.end, closer.end), ","
    fix = s.cure("leave the parenthesis open", joint)
    if fix is None and last:
        fix = s.cure("move the argument into the parentheses", joint, (s.behind(last[-1]), ")"))
    if fix is None:
        return None
    return s.error("closed before the last argument", expected="`,`", found="`)`", at=s.span(closer), fix=fix)


# ---------------------------------------------------------------- inside


def inside_brackets(s: Stuck) -> Diagnostic | None:
    """A comma or a closing bracket that is missing in ( ) or [ ]."""
    opener, before, token = s.opener, s.before, s.found
    if opener is None or before is None or token is None or s.is_line:
        return None
    closing = OPENING[opener.text]
    where = _opened(opener)
    if closing not in s.accepts or "INT" in s.accepts:
        return s.error(also=where)
    if token.text == ";":
        return _semicolon(s, opener, before, token)
    on_new_line = s.line(token) > s.line(before)
    ends = on_new_line and (token.text == "->" or s.indent(token) <= s.indent(opener))
    for mark in (closing, ",", "=") if ends else (",", closing, "="):
        blank = " " if mark == "=" else ""
        if fix := s.cure(f"insert the missing `{mark}`", (s.behind(before), f"{blank}{mark}")):
            return s.error(also=where, fix=fix)
    return s.error(also=where)


def _semicolon(s: Stuck, opener: Token, before: Token, token: Token) -> Diagnostic:
    closing = OPENING[opener.text]
    rest = s.source.text[token.end :].split("\n", 1)[0]
    if rest.count(closing) > rest.count(opener.text):
        fix = s.fix("write `,`", (s.span(token), ","))
    else:
        fix = s.fix(f"insert the missing `{closing}`", (s.behind(before), closing))
    return s.error(also=_opened(opener), fix=fix)
