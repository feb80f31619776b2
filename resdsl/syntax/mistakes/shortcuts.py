"""Syntax errors in residuals.

Each rule looks at the place where the parser stopped and is silent unless it knows what happened.
"""

from __future__ import annotations

from resdsl.diagnostics.model import Diagnostic
from resdsl.source import Span
from resdsl.syntax.mistakes.stuck import FORMS, Stuck
from resdsl.syntax.tokens import tokens

_POLICIES = "`identity`, `projection`, `zero_pad` or `none`"


def shortcut_colon(s: Stuck) -> Diagnostic | None:
    """`shortcut identity`, `shortcut = identity`, `} identity`, `} + identity`, `identity, projection`."""
    found, word = s.found, s.said("shortcut")
    if s.accepts == {"shortcut"} and found is not None:
        before, instead = Span(s.source, found.start, found.start), s.span(found)
        for edit in ((before, "shortcut: "), (instead, "shortcut"), (instead, "shortcut:")):
            if fix := s.cure(f"write `{edit[1].strip()}`", edit):
                return s.error(expected="`shortcut`", fix=fix)
        return None
    if word is not None and found is not None and found.text in (",", "/", "|") and "else" in s.accepts:
        fix = s.cure("write `else`", (s.span(found), " else"))
        return s.error("where the first does not fit, the second does", expected="`else`", fix=fix)
    if word is None or word not in s.statement[-2:] or ":" not in s.accepts:
        return None
    places = [s.behind(word), *([s.behind(s.before)] if s.before else [])]
    if found is not None and found.text == "=":
        places.append(Span(s.source, places[-1].start, found.end))
    for place in places:
        if fix := s.cure("insert the missing `:`", (place, ":"), safe=True):
            return s.error(expected="`:` before what the shortcut does", fix=fix)
    return None


def shortcut_inside(s: Stuck) -> Diagnostic | None:
    """`residual { ...; shortcut: identity }`."""
    word = s.after if s.found is not None and s.found.text == ";" else s.found
    if word is None or word.text != "shortcut" or not s.is_line or word.start >= s.end:
        return None
    policy = s.run(word.start, ";")
    rest = tokens(s.source.text, policy[-1].end, s.end)
    closer = next((t for t in rest if not t.is_bare), None)
    fix = None
    if closer is not None and closer.text == "}" and s.before:
        moved = s.source.text[word.start : policy[-1].end]
        out = Span(s.source, s.before.end, policy[-1].end)
        fix = s.cure("move it behind the body", (out, ""), (s.behind(closer), f" {moved}"))
    return s.error(
        "stands behind the body of a residual, not in it",
        expected="a step",
        found="`shortcut`",
        at=s.span(word),
        help=None if fix else f"it is written {FORMS['residual']}",
        fix=fix,
    )


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
