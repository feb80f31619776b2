"""The settings that a sweep tries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from random import Random
from typing import Any

from resdsl.cli.errors import Usage
from resdsl.diagnostics.model import Sink
from resdsl.diagnostics.suggest import did_you_mean
from resdsl.elaborate.evaluate import Evaluator
from resdsl.elaborate.scope import Env, Session
from resdsl.elaborate.values import POISON, Definition, Recipe, SizeValue, write
from resdsl.source import Source
from resdsl.syntax import ast
from resdsl.syntax.parser import parse_expression

MOST_TRIALS = 10_000

Setting = tuple[tuple[str, str], ...]
"""A value for each parameter that varies, as text of the language."""


@dataclass(frozen=True)
class Space:
    """Every combination of the values of some parameters, the last of which changes fastest."""

    values: dict[str, list[str]]

    @property
    def count(self) -> int:
        """How many combinations there are."""
        return prod(map(len, self.values.values()))

    def all(self) -> Iterator[Setting]:
        """Every one of them."""
        return map(self._at, range(self.count))

    def sample(self, count: int, seed: int) -> Iterator[Setting]:
        """So many different ones, in order; the same for the same seed."""
        random, chosen = Random(seed), set[int]()
        while len(chosen) < min(count, self.count):
            chosen.add(random.randrange(self.count))
        return map(self._at, sorted(chosen))

    def _at(self, index: int) -> Setting:
        made = []
        for name, values in reversed(self.values.items()):
            index, which = divmod(index, len(values))
            made.append((name, values[which]))
        return tuple(reversed(made))


def space(net: Recipe, settings: dict[str, str]) -> Space:
    """What `--set` spans: a list is values to try, anything else is one value."""
    assert isinstance(net.target, Definition)
    made = Space({name: _values(net.target, name, text) for name, text in settings.items()})
    names = list(_parameters(net))
    for name in settings:
        if name not in names:
            listed = ", ".join(f"`{n}`" for n in names)
            help = did_you_mean(name, names) or (f"it has {listed}" if names else "it has none")
            raise Usage(f"net `{net.name}` has no parameter `{name}`; {help}")
    return made


def _values(base: Definition, name: str, text: str) -> list[str]:
    sink = Sink()
    expr = parse_expression(Source("--set", text), 0, len(text), sink)
    if expr is None or sink.has_errors:
        raise Usage(f"--set {name}={text}: `{text}` is not a value of the language")
    if isinstance(expr, ast.ListExpr):
        values = [item.span.text for item in expr.items]
    else:
        value = Evaluator(Session(sink)).evaluate(expr, Env(base.module))
        values = [text] if type(value) is not tuple else [write(item) for item in value]
    if not values:
        raise Usage(f"--set {name}={text} gives no value to try")
    return values


def meant_as_list(net: Recipe, settings: dict[str, str], tried: Space) -> Iterator[str]:
    """Where every setting failed, the parameters that may be lists but were tried with the items of one."""
    lists = _parameters(net)
    for name, values in tried.values.items():
        alone = [settings[name]] != values and not any(value.startswith("[") for value in values)
        if alone and lists[name] is not False:
            yield name


def _parameters(net: Recipe) -> dict[str, bool | None]:
    """The parameters of a net, and whether they are lists; None is not known."""
    assert isinstance(net.target, Definition)
    assert isinstance(net.target.decl, ast.Block)
    given = dict(net.bound)
    lists: dict[str, bool | None] = {}
    for param in net.target.decl.params:
        value: Any = given.get(param.name.id, param.default)
        is_list = isinstance(value, (tuple, ast.ListExpr, ast.Comprehension))
        lists[param.name.id] = None if value is None else is_list and not isinstance(value, SizeValue)
    return lists


class Condition:
    """`macs < 300e6`: what `--where` asks of a setting and its counts."""

    def __init__(self, text: str, base: Definition) -> None:
        sink = Sink()
        self.text, self.base = text, base
        self.expr = parse_expression(Source("--where", text), 0, len(text), sink)
        if self.expr is None or sink.has_errors:
            raise Usage(f"--where '{text}' is not a condition of the language, like 'macs < 300e6'")

    def holds(self, setting: Setting, counts: dict[str, int]) -> bool:
        """Whether it holds."""
        assert self.expr is not None
        sink = Sink()
        evaluator, env = Evaluator(Session(sink)), Env(self.base.module)
        for name, text in setting:
            expr = parse_expression(Source("--set", text), 0, len(text), sink)
            env.names[name] = POISON if expr is None else evaluator.evaluate(expr, Env(self.base.module))
        env.names.update(counts)
        value = evaluator.condition(self.expr, env)
        if sink.has_errors or not isinstance(value, bool):
            reason = sink.items[0].message if sink.items else "it has no value"
            raise Usage(
                f"--where '{self.text}': {reason}; it may use {', '.join(f'`{n}`' for n in env.names)}"
            )
        return value
