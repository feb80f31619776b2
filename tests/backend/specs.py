"""Nets of the bundled specs and of small texts, for the tests of the backend."""

from __future__ import annotations

from functools import cache

import pytest

from resdsl import resources
from resdsl.elaborate.files import read_source
from resdsl.graph.model import Net
from resdsl.pipeline import check
from resdsl.source import Source


@cache
def bundled(file: str, name: str) -> Net:
    """A net of `specs/FILE.res`; skips while there is none."""
    path = resources.specs() / f"{file}.res"
    if not path.exists():
        pytest.skip(f"no {path.name}")
    checked = check(read_source(path, path.name), path, [name])
    assert checked.ok, checked.diagnostics
    return checked.nets[name]


def net(text: str, name: str = "n") -> Net:
    """A net of a text."""
    checked = check(Source("test.res", text))
    assert checked.ok, [d.message for d in checked.diagnostics]
    return checked.nets[name]
