"""Names at compile time, and what the passes share while one net is elaborated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from resdsl.diagnostics.model import Code, Diagnostic, Fix, Label, Sink
from resdsl.domain import Domain
from resdsl.sizes import Shape
from resdsl.source import Span

if TYPE_CHECKING:
    from resdsl.elaborate.files import Module
    from resdsl.elaborate.values import Definition
    from resdsl.graph.model import Graph

MAX_NODES = 50_000
MAX_STEPS = 500_000
MAX_CALL_DEPTH = 64


class Env:
    """Compile-time names of a body: parameters, `let`, loop variables. Inner ones are looked up first."""

    __slots__ = ("module", "names", "outer", "sizes")

    def __init__(self, module: Module, outer: Env | None = None) -> None:
        self.module = module
        self.outer = outer
        self.names: dict[str, Any] = {}
        self.sizes: dict[str, Any] = {}

    def lookup(self, name: str) -> tuple[bool, Any]:
        """(found, value) in this body and the ones around it."""
        env: Env | None = self
        while env is not None:
            if name in env.names:
                return True, env.names[name]
            env = env.outer
        return False, None

    def spoil(self, name: str) -> None:
        """Silence what only follows from a name whose mistake was reported."""
        from resdsl.elaborate.values import POISON

        env: Env | None = self
        while env is not None:
            if name in env.names:
                env.names[name] = POISON
            env = env.outer

    def size(self, name: str) -> Any:
        """The input size (`H`) of that name in the net around, or None."""
        env: Env | None = self
        while env is not None:
            if name in env.sizes:
                return env.sizes[name]
            env = env.outer
        return None

    def words(self) -> Iterator[str]:
        """All names in sight, for suggestions."""
        env: Env | None = self
        while env is not None:
            yield from env.names
            env = env.outer


@dataclass(slots=True)
class Session:
    """What is shared while nets are elaborated.

    Attributes:
        sink: where diagnostics go.
        graphs: the signature cache: one graph for each block at the same arguments and shapes;
            None while it is being made.
        domain: the input sizes the current net admits.
        declared: the shapes of the inputs of the current net, as they were written.
        frames: the calls around the place being checked, outermost first.
        nodes: how many nodes were made, against `MAX_NODES`.
        steps: how many statements ran, against `MAX_STEPS`.
        at: the statement that ran last in the net itself.
        never: whether a mistake was found that keeps the current net from running at any size.
        failed: whether a mistake was found in the current net, be it reported before.
        endless: blocks that use themselves without an end, already reported.
        unused: what to say of names that nothing uses, each with the body that could.
        resolving: the members of families whose calls are being followed, to find circles.
    """

    sink: Sink
    graphs: dict[Any, Graph | None] = field(default_factory=dict)
    domain: Domain = field(default_factory=Domain)
    declared: list[Shape] = field(default_factory=list)
    frames: list[tuple[str, Span]] = field(default_factory=list)
    nodes: int = 0
    steps: int = 0
    at: Span | None = None
    never: bool = False
    failed: bool = False
    endless: set[int] = field(default_factory=set)
    unused: list[tuple[Span, Diagnostic]] = field(default_factory=list)
    resolving: list[Definition] = field(default_factory=list)

    def begin(self, domain: Domain) -> None:
        """Start another net."""
        self.domain, self.nodes, self.steps, self.failed = domain, 0, 0, False
        self.never, self.declared = False, []

    def error(
        self,
        code: Code,
        message: str,
        span: Span,
        label: str = "",
        *,
        secondary: Sequence[Label] = (),
        notes: Sequence[str] = (),
        help: str | Sequence[str] | None = None,
        fix: Fix | None = None,
    ) -> None:
        """Report a mistake, with the calls that led to it."""
        self.failed = True
        helps = (help,) if isinstance(help, str) else tuple(help or ())
        around = [f"in {text}, called at {place.place}" for text, place in reversed(self.frames[-3:])]
        self.sink.add(
            Diagnostic(code, message, Label(span, label), tuple(secondary), (*notes, *around), helps, fix)
        )

    @contextmanager
    def outside(self) -> Iterator[Span | None]:
        """Report at the call itself, which it gives: without the innermost frame."""
        kept = self.frames
        self.frames = kept[:-1]
        try:
            yield kept[-1][1] if kept else None
        finally:
            self.frames = kept

    @contextmanager
    def frame(self, text: str, span: Span) -> Iterator[None]:
        """Mark what is being checked, for the notes of diagnostics."""
        self.frames.append((text, span))
        try:
            yield
        finally:
            self.frames.pop()
