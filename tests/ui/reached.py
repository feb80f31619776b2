"""Places that make a message, in the front end and in the commands, and those that the golden files reach.

A place is a call that is given the words: of a `Diagnostic`, of what reports one, of a refusal that becomes one, and
of a command that was given wrongly.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Set
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import resdsl
from resdsl.cli.errors import Usage
from resdsl.diagnostics.model import Diagnostic
from resdsl.elaborate.files import read_source
from resdsl.elaborate.functions import Refuse
from resdsl.elaborate.make import _Wrong
from resdsl.ops.base import Reject
from resdsl.pipeline import Checked, check
from resdsl.source import Source

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("*/*.res"))
SYNTAX = sorted((HERE.parent / "syntax" / "errors").glob("*.res"))
PACKAGE = Path(resdsl.__file__).parent
FRONT_END = (
    "find.py",
    "pipeline.py",
    "elaborate/*.py",
    "graph/*.py",
    "ops/*.py",
    "syntax/*.py",
    "syntax/mistakes/*.py",
)
MAKERS = {"Diagnostic", "Reject", "Refuse", "_Wrong", "error", "_error", "_bad", "too_large"}

Line = tuple[str, int]
reached: set[Line] = set()
"""Lines that made a message while `recording`, those that called them included."""


@cache
def checked(path: Path) -> Checked:
    """The diagnostics of a spec, each spec checked once; what it reaches is recorded."""
    source = read_source(path, path.name)
    assert isinstance(source, Source)
    with recording():
        return check(source, file_of(path))


def file_of(path: Path) -> Path | None:
    """Where a case lies for what it uses: those in `texts` are texts without a file."""
    return None if path.parent.name == "texts" else path


def unreached(files: tuple[str, ...] = FRONT_END, makers: Set[str] = MAKERS) -> list[str]:
    """Places, as `file:line: code`, that nothing recorded so far has reached."""
    return [
        f"{path.relative_to(PACKAGE)}:{call.lineno}: {' '.join(ast.unparse(call).split())[:120]}"
        for pattern in files
        for path in sorted(PACKAGE.glob(pattern))
        for call in _places(path, makers)
        if not any((str(path), n) in reached for n in range(call.lineno, (call.end_lineno or 0) + 1))
    ]


def _places(path: Path, makers: Set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
            if name in makers:
                yield node


@contextmanager
def recording() -> Iterator[None]:
    """Note which lines make messages. A `Reject` counts once somebody reads what it says: most are only made."""
    kept = [(kind, kind.__init__) for kind in (Diagnostic, Refuse, _Wrong, Reject, Usage)]
    message = Reject.message

    def noting(init: Any) -> Any:
        def made(self: Any, *args: Any, **more: Any) -> None:
            init(self, *args, **more)
            if isinstance(self, Reject):
                self.lines = _lines()
            else:
                reached.update(_lines())

        return made

    def read(self: Any) -> str:
        reached.update(self.lines)
        return message.fget(self)

    for kind, init in kept:
        kind.__init__ = noting(init)
    Reject.message = property(read)
    try:
        yield
    finally:
        for kind, init in kept:
            kind.__init__ = init
        Reject.message = message


def _lines() -> list[Line]:
    """Lines that are running, the innermost first."""
    found = []
    frame = sys._getframe(2)
    while frame is not None:
        found.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return found
