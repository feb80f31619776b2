"""Writes terms as expressions, and shapes in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from resdsl.emit.names import literal
from resdsl.emit.progress import formula
from resdsl.emit.terms import Call, Chain, Make, Run, Slot, Term, grown
from resdsl.emit.unify import Parameters
from resdsl.graph.model import Graph
from resdsl.ops.base import Init
from resdsl.sizes import Dim

if TYPE_CHECKING:
    from resdsl.emit.plan import Planner


class Writer:
    """Fills terms with the texts of their slots, in order."""

    def __init__(self, planner: Planner, texts: Iterator[str | None]) -> None:
        self.planner, self.texts = planner, texts

    def next(self) -> str | None:
        """The next text; None for what is left out."""
        return next(self.texts)

    def term(self, term: Term) -> str:
        """A term as an expression."""
        match term:
            case Slot():
                return self.next() or ""
            case Call(head, args):
                name = head if isinstance(head, str) else self.next() or ""
                return f"{name}({self._arguments(args)})"
            case Make(graph):
                made = self.planner.of[id(graph)]
                words = [(n, self.next() or "") for n in made.parameters.ordered()]
                first = made.parameters.leading()
                return f"{made.name}({', '.join(t if n in first else f'{n}={t}' for n, t in words)})"
            case Chain(runs, named):
                items = ", ".join(self._run(r) for r in runs)
                if named and len(runs) == 1 and runs[0].count > 1:
                    return f"nn.Sequential(OrderedDict({items.removeprefix('*[').removesuffix(']')}))"
                return f"nn.Sequential(OrderedDict([{items}]))" if named else f"nn.Sequential({items})"

    def _arguments(self, args: tuple[tuple[str, Term], ...]) -> str:
        written = []
        for key, arg in args:
            if isinstance(arg, Slot):
                text = self.next()
                if text is not None:
                    written.append(f"{key}={text}" if key else text)
            else:
                text = self.term(arg)
                written.append(f"{key}={text}" if key else text)
        return ", ".join(written)

    def _run(self, run: Run) -> str:
        variable = "i" if run.copies or run.name is not None else "_"
        writer = Writer(self.planner, iter(self._grown(run))) if run.copies else self
        text = writer.term(run.first)
        if run.name is not None and run.count == 1:
            return f"({literal(run.name)}, {text})"
        count = self.next()
        if run.name is not None:
            counter = "{i}" if run.start == 0 else f"{{i + {run.start}}}"
            name = literal(run.name).replace("{", "{{").replace("}", "}}")
            text = f'(f{name[:-1]}{counter}", {text})'
        return text if count == "1" else f"*[{text} for {variable} in range({count})]"

    def _grown(self, run: Run) -> list[str | None]:
        """Texts of the first copy, with what is added for each further one."""
        found: list[str | None] = []
        for slot, values in grown(run, self.planner.arguments):
            if values is None:
                found.append(self.next())
            elif type(slot.value) is int:
                text, step = self.next(), self.next() or "1"
                found.append(f"{text} + {'i' if step == '1' else f'{step} * i'}".replace("+ -", "- "))
            else:
                found.append(formula(values))
        return found

    @staticmethod
    def init_call(init: Init, target: str) -> str:
        """`nn.init.normal_(m.weight, std=0.01)`."""
        words = [target, *(f"{name}={literal(value)}" for name, value in init.arguments)]
        return f"nn.init.{init.function}({', '.join(words)})"


_AXES = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}


def shape_text(graphs: Sequence[Graph], words: Parameters, inputs: list[int], exact: bool) -> str:
    """`(in_channels, H, W) -> (4 * width, H', W').` Sizes that differ between the members are letters."""
    takes = [[g.input_shapes[i] or () for g in graphs] for i in inputs]
    gives = [[g.output_shapes[i] or () for g in graphs] for i in range(len(graphs[0].outputs))]
    if exact:
        left = [_write(tuple(str(d) for d in t[0])) for t in takes]
        right = [_write(tuple(str(d) for d in t[0])) for t in gives]
    else:
        left = [_words(t, None, words) for t in takes]
        right = [_words(t, takes[0] if takes else None, words) for t in gives]
    return f"{', '.join(left) or '()'} -> {', '.join(right)}."


def _words(shapes: list[tuple[Dim, ...]], like: list[tuple[Dim, ...]] | None, words: Parameters) -> str:
    made = []
    for axis in range(len(shapes[0])):
        column = tuple(s[axis] if axis < len(s) else 0 for s in shapes)
        spatial = _AXES.get(len(shapes[0]) - 1, ())
        letter = spatial[axis - 1] if axis and spatial else "NF"[axis] if axis < 2 else f"d{axis}"
        if axis == 0 and spatial and len(shapes[0]) > 2:
            letter = "C"
        text = words.known(column) if all(isinstance(d, int) for d in column) else None
        if text is None:
            before = tuple(s[axis] if axis < len(s) else 0 for s in like) if like else None
            text = letter if before is None or before == column else f"{letter}'"
        made.append(text)
    return _write(tuple(made))


def _write(parts: tuple[str, ...]) -> str:
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
