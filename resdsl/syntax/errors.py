"""A lark error as a diagnostic: what was expected, what was found, and what was probably meant."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from resdsl.diagnostics.model import Diagnostic
from resdsl.source import Source
from resdsl.syntax import (
    mistakes,
    mistakes_of_brackets,
    mistakes_of_habit,
    mistakes_of_names,
    mistakes_of_shortcuts,
    mistakes_of_use,
)
from resdsl.syntax.stuck import Stuck

if TYPE_CHECKING:
    from lark.exceptions import UnexpectedInput

# The first that recognises the place speaks.
_RULES = (
    mistakes_of_habit.quotes,
    mistakes_of_habit.foreign_comment,
    mistakes_of_use.use,
    mistakes_of_habit.foreign_word,
    mistakes_of_habit.number,
    mistakes_of_habit.repeat,
    mistakes_of_habit.size,
    mistakes_of_habit.annotation,
    mistakes_of_shortcuts.shortcut_colon,
    mistakes.shape,
    mistakes_of_names.dotted_step,
    mistakes_of_names.counted_name,
    mistakes_of_names.item_inside,
    mistakes_of_names.name_of_item,
    mistakes_of_brackets.body_without_braces,
    mistakes_of_brackets.other_brackets,
    mistakes.steps_with_commas,
    mistakes.sum_of_values,
    mistakes_of_names.missing_let,
    mistakes_of_habit.other_sign,
    mistakes_of_habit.strange_character,
    mistakes.conditions,
    mistakes.misspelt_word,
    mistakes_of_names.reserved_name,
    mistakes_of_brackets.not_closed,
    mistakes_of_brackets.wrong_closer,
    mistakes_of_brackets.body_not_closed,
    mistakes_of_shortcuts.shortcut_inside,
    mistakes_of_shortcuts.missing_shortcut,
    mistakes.arrow_at_end,
    mistakes.extra_comma,
    mistakes.missing_value,
    mistakes.lone_else,
    mistakes.missing_else,
    mistakes.comparison,
    mistakes.schedule,
    mistakes.missing_colon,
    mistakes.one_line,
    mistakes_of_brackets.closed_early,
    mistakes_of_brackets.inside_brackets,
    mistakes.outside,
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
