"""The verdict on a net: it fits at every admitted input size, at some only, or at none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from resdsl.conditions import clauses, condition
from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Edit, Fix, Label
from resdsl.domain import Domain, equal
from resdsl.elaborate.admit import clash_of
from resdsl.elaborate.scope import Session
from resdsl.elaborate.values import Definition
from resdsl.graph.model import Graph
from resdsl.graph.needs import Change, Needed, changes, conditions, needed
from resdsl.ops.base import Reject
from resdsl.sets import EVERY, NONE, SizeSet, common
from resdsl.sizes import NotClosed, evaluate
from resdsl.source import Span
from resdsl.syntax import ast

if TYPE_CHECKING:
    from resdsl.elaborate.nets import NetScope

MOST_PLACES = 3
LONGEST = 90


def settle(session: Session, scope: NetScope, graph: Graph, definition: Definition) -> tuple[Domain, Domain]:
    """The sizes at which all steps run, in evaluation and in training; reports where `where` admits others."""
    found = conditions(graph)
    made = needed(found, training=False), needed(found, training=True)
    if session.never:
        nowhere = Domain(dict.fromkeys(scope.sizes, NONE))
        return nowhere, nowhere
    if session.failed or scope.input is None:
        return made
    plain = [n for n in found if not n.training]
    for asked in (plain, found) if len(plain) < len(found) else (plain,):
        verdict = _Verdict(session, scope, definition, asked)
        for var in scope.sizes:
            if not verdict.possible(var):
                verdict.no_size(var)
                return made
        if verdict.some_sizes() or (asked is plain and scope.nominal is not None and verdict.nominal()):
            return made
    return made


class _Verdict:
    """What is admitted, what is needed, and the words for it."""

    def __init__(
        self, session: Session, scope: NetScope, definition: Definition, found: list[Needed]
    ) -> None:
        self.session, self.scope, self.definition, self.found = session, scope, definition, found
        self.does = "trains" if any(n.training for n in found) else "fits"
        self.where = session.domain
        self.large = {v: self._met(v, implied=True) for v in scope.sizes}
        self.agree = {v: self._met(v, implied=False) for v in scope.sizes}

    def _met(self, var: str, *, implied: bool) -> SizeSet:
        return common(
            one.condition.sets.get(var, EVERY) for one in self.found if one.asks_least(var) == implied
        )

    def possible(self, var: str) -> bool:
        """Whether some admitted size fits."""
        return bool(self.where.of(var) & self.large[var] & self.agree[var])

    # ------------------------------------------------------------ no size

    def no_size(self, var: str) -> None:
        """Report the first conditions that leave nothing, and the two that clash."""
        left, asked = self.where.of(var), list[Needed]()
        for one in self.found:
            sets = one.condition.sets.get(var)
            if sets is None:
                continue
            if left & sets:
                left &= sets
                asked.append(one)
                continue
            self._clash(var, one, sets, asked)
            return

    def _clash(self, var: str, one: Needed, sets: SizeSet, asked: list[Needed]) -> None:
        where = self.where.of(var)
        statement = self.scope.input
        assert statement is not None
        help = "no input size meets both: change a stride, a padding or `ceil_mode` on one of the ways"
        notes = [f"here only {self._text(sets, var)} fits"]
        secondary = []
        if not where & sets and statement.where:
            place = statement.where[0].span.to(statement.where[-1].span)
            secondary.append(Label(place, "admits none of the sizes that fit"))
            reason = clash_of(where, sets)
            if self.agree[var] & self.large[var]:
                help = f"the net itself fits where {self._text(self.agree[var] & self.large[var], var)}"
        else:
            other = next((a for a in asked if not a.condition.sets[var] & sets), None)
            reason = clash_of(other.condition.sets[var], sets) if other is not None else ""
            for before in [other] if other is not None else asked[-2:]:
                asks = f"needs {self._text(before.condition.sets[var], var)}"
                secondary.append(Label(before.condition.span, asks))
        self.session.error(
            codes.NO_SIZE,
            f"`{self.definition.name}` {self.does} at no `{var}`",
            one.condition.span,
            f"needs {self._text(sets, var)}",
            secondary=secondary,
            notes=[reason] if reason else notes if not secondary else (),
            help=help,
        )

    # ------------------------------------------------------------ some sizes

    def some_sizes(self) -> bool:
        """Whether, reporting it, the net fits at some of the admitted sizes only: when, and the smallest that fails."""
        wrong = {
            var: least
            for var in self.scope.sizes
            if (least := ((self.where.of(var) & self.large[var]) - self.agree[var]).least) is not None
        }
        if not wrong:
            return False
        at = self._values(wrong)
        nominal = self.scope.nominal or {}
        smallest = ", ".join(f"{var} = {least}" for var, least in wrong.items())
        notes = [f"the smallest size that fails is {smallest}"]
        if any(var in nominal and nominal[var] not in self.agree[var] for var in wrong):
            at = nominal  # the size the author thinks of
        failing = [n for n in self.found if not all(at[v] in s for v, s in n.condition.sets.items())]
        failing = [n for n in failing if any(v in wrong for v in n.condition.sets)] or failing
        one = failing[0]
        ways = self._ways(one, at)
        label = f"at {_sizes(at, one)}, {_outcome(one, at)}"
        when = " and ".join(self._text(self._shortest(var), var) for var in wrong)
        elsewhere = self._elsewhere(one, wrong)
        statement = self.scope.input
        assert statement is not None
        secondary = [_label(change) for way in ways for change in way]
        if statement.where:
            place = statement.where[0].span.to(statement.where[-1].span)
            secondary.append(Label(place, f"admits {_sizes(at, one)}"))
        helps, fix = self._helps(one, ways, wrong, at)
        self.session.error(
            codes.NOT_EVERY_SIZE,
            f"`{self.definition.name}` {self.does} exactly when {when}",
            one.condition.span,
            label,
            secondary=secondary,
            notes=[*elsewhere, *notes, *self._near(one, at)],
            help=helps,
            fix=fix,
        )
        return True

    def _values(self, wrong: dict[str, int]) -> dict[str, int]:
        """The smallest sizes that fail; where one fails, the others are alike if they may be."""
        same = max(wrong.values())
        values = {}
        for var in self.scope.sizes:
            admitted = self.where.of(var) & self.large[var]
            values[var] = wrong.get(var) or (same if same in admitted else admitted.least or same)
        return values

    def _shortest(self, var: str) -> SizeSet:
        """The condition in the shortest words: what is too small anyway may stay in."""
        exact = self.agree[var] & self.large[var]
        ways = [self.agree[var], exact]
        if self.where.of(var) & exact:
            ways += [self.where.of(var) & self.agree[var], self.where.of(var) & exact]
        return min(ways, key=lambda s: len(condition(s, var)))

    def _text(self, sizes: SizeSet, var: str) -> str:
        text = condition(sizes, var)
        if len(text) <= LONGEST:
            return f"`{text}`" if text else "any size"
        first = [str(v) for _, v in zip(range(6), sizes, strict=False)]
        return f"`{var}` is one of {', '.join(first)}, ..."

    def _ways(self, one: Needed, at: dict[str, int]) -> list[list[Change]]:
        """For each value that meets here the steps that changed its size, without those on both ways."""
        ways = [changes(one, i, at) for i, _ in enumerate(one.condition.ports)]
        shared = set(ways[0]).intersection(*ways[1:]) if len(ways) > 1 else set()
        made = []
        for way in ways:
            own = [change for address, change in way.items() if address not in shared]
            rounding = [c for c in own if c.rounded]
            made.append((rounding or own)[-2:])
        return made

    def _elsewhere(self, one: Needed, wrong: dict[str, int]) -> list[str]:
        """The block that holds the step, and the others that ask for more."""
        block = f"`{one.graph.name}`, at " if one.graph.kind in ("block", "net") else ""
        notes = [f"in {block}`{one.place}`"] if one.place else []
        others = dict.fromkeys(
            n.place or n.condition.span.place
            for n in self.found
            if n is not one
            and (n.place, n.condition.span) != (one.place, one.condition.span)
            and any(not (self.where.of(v) & self.large[v]) <= n.condition.sets.get(v, EVERY) for v in wrong)
            and not all(n.asks_least(v) for v in n.condition.sets)
        )
        others.pop(one.place, None)
        if others:
            named = [f"`{o}`" for o in others][:MOST_PLACES]
            more = len(others) - len(named)
            listed = ", ".join(named) + (f" and {more} more" if more else "")
            notes.append(f"{listed} {'asks' if len(others) == 1 else 'ask'} for a condition as well")
        return notes

    def _near(self, one: Needed, at: dict[str, int]) -> list[str]:
        """The sizes around that fit."""
        for var in one.condition.sets:
            fits = self.where.of(var) & self.large[var] & self.agree[var]
            if at[var] not in fits:
                below = next((v for v in range(at[var], 0, -1) if v in fits), None)
                near = [str(v) for v in (below, fits.after(at[var])) if v is not None]
                return [f"near {var} = {at[var]}, {' and '.join(near)} fit{'s' * (len(near) == 1)}"]
        return []

    # ------------------------------------------------------------ help

    def _helps(
        self, one: Needed, ways: list[list[Change]], wrong: dict[str, int], at: dict[str, int]
    ) -> tuple[list[str], Fix | None]:
        helps, fix = [], None
        where = self._where_fix(wrong)
        pool = next((c for way in ways for c in way if self._settled_by_ceil(one, ways, c)), None)
        if pool is not None:
            text = "`ceil_mode = true` in this pool makes the two agree at every size"
            if pool.span.text.endswith(")") and "ceil_mode" not in pool.span.text:
                end = Span(pool.span.source, pool.span.end - 1, pool.span.end - 1)
                fix = Fix(text, (Edit(end, ", ceil_mode = true"),), safe=False)
            else:
                helps.append(text)
        if fix is None and isinstance(where, Fix):
            fix = where
        elif where is not None:
            helps.append(where.title if isinstance(where, Fix) else where)
        if one.condition.relation == "==" and len(one.condition.ports) == 2 and pool is None:
            helps.append("fit one to the other with `crop_like`, `resize_like` or `pad`")
        for var in wrong:
            fits = self.where.of(var) & self.large[var] & self.agree[var]
            above = fits.after(at[var])
            if above is not None and at[var] not in fits:
                helps.append(f"pad the input to the next size that fits: {at[var]} to {above}")
                break
        return helps, fix

    def _where_fix(self, wrong: dict[str, int]) -> Fix | str | None:
        """The `where` that admits exactly what fits."""
        statement = self.scope.input
        assert statement is not None
        written = [
            c.span.text for c in statement.where if not any(v in c.span.text for v in self.scope.sizes)
        ]
        for var in self.scope.sizes:
            if var not in wrong:
                written += [c.span.text for c in statement.where if var in c.span.text]
                continue
            exact = self.where.of(var) & self.large[var] & self.agree[var]
            short = min((self.where.of(var) & self.agree[var], exact), key=lambda s: len(condition(s, var)))
            written += clauses(short, var)
        text = f"where {', '.join(written)}"
        if len(text) > 3 * LONGEST:
            return None
        message = f"admit only the sizes that fit: `{text}`"
        if statement.span.source is not self.definition.module.source:
            return message
        if statement.where:
            edit = Edit(statement.where[0].span.to(statement.where[-1].span), ", ".join(written))
        else:
            end = statement.ports[-1].span
            edit = Edit(Span(end.source, end.end, end.end), f" {text}")
        return Fix(message, (edit, *self._at_edits()), safe=False)

    def _at_edits(self) -> list[Edit]:
        """The sizes after `at` that do not fit, moved on to the next that do."""
        assert self.scope.input is not None
        statement, edits = self.scope.input, []
        for port, shape in zip(statement.ports, statement.at, strict=False):
            items = port.shape.items if port.shape is not None else ()
            for declared, written in zip(items, shape.items, strict=False):
                var = declared.id if isinstance(declared, ast.Name) else ""
                size = written.value if isinstance(written, ast.Literal) else None
                if var not in self.scope.sizes or not isinstance(size, int):
                    continue
                fits = self.where.of(var) & self.large[var] & self.agree[var]
                above = fits.after(size)
                if size not in fits and above is not None:
                    edits.append(Edit(written.span, str(above)))
        return edits

    def _settled_by_ceil(self, one: Needed, ways: list[list[Change]], change: Change) -> bool:
        """Whether rounding up in this pool makes the two sizes equal at every input size."""
        op = change.op
        if len(ways) != 2 or getattr(op, "ceil_mode", None) is not False or change.rounded != "down":
            return False
        way = next(w for w in ways if change in w)
        if way[-1] is not change or len(one.condition.ports) != 2:
            return False
        other = one.condition.right if ways.index(way) == 0 else one.condition.left
        try:
            (shape,) = replace(op, ceil_mode=True).shapes(*change.taken)  # type: ignore[type-var]
        except (Reject, NotClosed):
            return False
        return equal(shape[one.condition.axis], other) == {}

    # ------------------------------------------------------------ the size after `at`

    def nominal(self) -> bool:
        """Whether, reporting it, a size after `at` is too small."""
        statement, nominal = self.scope.input, self.scope.nominal
        assert statement is not None
        assert nominal is not None
        for var, value in nominal.items():
            if value in self.large[var]:
                continue
            bound = next(
                n for n in self.found if n.asks_least(var) and value not in n.condition.sets.get(var, EVERY)
            )
            at = statement.at[0].span.to(statement.at[-1].span) if statement.at else statement.span
            short = "nothing is left here" if bound.condition.right == 1 else _outcome(bound, nominal)
            self.session.error(
                codes.INPUT_TOO_SMALL,
                f"`{var}` = {value} is too small for the net",
                at,
                f"`{var}` must be at least {(self.large[var] & self.where.of(var)).least}",
                secondary=[Label(bound.condition.span, short)],
                help="use a larger input, a smaller window or more padding",
            )
            return True
        return False


def _sizes(at: dict[str, int], one: Needed) -> str:
    return ", ".join(f"{var} = {at[var]}" for var in one.condition.sets)


def _outcome(one: Needed, at: dict[str, int]) -> str:
    """What meets at given input sizes."""
    met = one.condition
    if met.relation == "where":
        return "this does not hold"
    left, right = evaluate(met.left, at), evaluate(met.right, at)
    if met.relation == ">=":
        return f"there are {left} positions, and {right} are needed"
    if len(met.ports) < 2:
        size = one.graph.shape(met.ports[0])
        total = f" of {evaluate(size[met.axis], at)}" if size is not None else ""
        return f"{left}{total} {'is' if left == 1 else 'are'} left over"
    node = one.graph.node(met.node)
    if node.shortcut:
        return f"the arm gives {left}, the shortcut {right}"
    return f"{left} meets {right}"


def _label(change: Change) -> Label:
    if change.rounded:
        return Label(
            change.span, f"rounds {change.before} / {change.stride} {change.rounded} to {change.after}"
        )
    return Label(change.span, f"{change.before} becomes {change.after} here")
