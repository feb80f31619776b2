"""A lark error as a diagnostic: what was expected, what was found, and what was probably meant."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from resdsl.diagnostics.model import Diagnostic
from resdsl.source import Source
from resdsl.syntax.mistakes import brackets, habit, language, names, shortcuts, use
from resdsl.syntax.mistakes.stuck import Stuck

if TYPE_CHECKING:
    from lark.exceptions import UnexpectedInput

# The first that recognises the place speaks.
_RULES = (
    habit.quotes,
    habit.foreign_comment,
    use.use,
    habit.foreign_word,
    habit.number,
    habit.repeat,
    habit.size,
    habit.annotation,
    shortcuts.shortcut_colon,
    language.shape,
    names.dotted_step,
    names.counted_name,
    names.item_inside,
    names.name_of_item,
    brackets.body_without_braces,
    language.applied,
    language.repeated_stage,
    brackets.other_brackets,
    language.steps_with_commas,
    language.sum_of_values,
    names.missing_let,
    habit.other_sign,
    habit.strange_character,
    language.conditions,
    language.misspelt_word,
    names.reserved_name,
    brackets.not_closed,
    brackets.wrong_closer,
    brackets.body_not_closed,
    shortcuts.shortcut_inside,
    shortcuts.missing_shortcut,
    language.arrow_at_end,
    language.extra_comma,
    language.missing_value,
    language.lone_else,
    language.missing_else,
    language.comparison,
    language.schedule,
    language.missing_colon,
    language.one_line,
    brackets.closed_early,
    brackets.inside_brackets,
    language.outside,
)


def explain_syntax_error(
    source: Source, error: UnexpectedInput, offset: int, end: int, rule: str
) -> Diagnostic:
    """Say what was expected where the parser stopped in the part `[offset, end)` of a source."""
    token: Any = getattr(error, "token", None)
    kind = "" if token is None else token.type
    at = end if kind == "$END" else min(offset + (error.pos_in_stream or 0), end)
    newline = kind == "_NL" and source.text[at : at + 1] != ";"
    stuck = Stuck(source, offset, end, at, _accepts(error), newline, rule)
    said = next(filter(None, (speak(stuck) for speak in _RULES)), None) or stuck.error()
    if said.fix and not stuck.cures(said.fix):
        said = replace(said, fix=None)  # a second mistake stands beside the first: the words still hold
    if stuck.form and not said.help and not said.fix:
        said = replace(said, help=(stuck.form,))
    return said


def _accepts(error: Any) -> frozenset[str]:
    """Everything that could have come next, signs and words as they are written."""
    state = error.state
    states, end = state.parse_conf.states, state.parse_conf.end_state
    written = _written()
    possible = (name for name in states[state.state_stack[-1]] if name.isupper())
    return frozenset(
        written.get(name, name) for name in possible if _fits(states, end, list(state.state_stack), name)
    )


def _fits(states: Any, end: Any, stack: list[Any], terminal: str) -> bool:
    """Whether the parser can take a terminal: lark's tables also name some that fail a little later."""
    while stack[-1] != end:
        if terminal not in states[stack[-1]]:
            return False
        _, argument = states[stack[-1]][terminal]
        if not hasattr(argument, "expansion"):
            return True
        if argument.expansion:
            del stack[-len(argument.expansion) :]
        stack.append(states[stack[-1]][argument.origin.name][1])
    return True


@cache
def _written() -> dict[str, str]:
    """Names of terminals that are one word or sign, and how each is written."""
    from lark.lexer import PatternStr

    from resdsl.syntax.parser import lark_parser

    written = {}
    for terminal in lark_parser().terminals:
        value = terminal.pattern.value
        if isinstance(terminal.pattern, PatternStr):
            written[terminal.name] = value
        elif value.removesuffix(r"\b").isalpha():
            written[terminal.name] = value.removesuffix(r"\b")
    return written
