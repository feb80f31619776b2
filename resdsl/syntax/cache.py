"""Parsed files, kept in the user's cache folder: parsing takes longer than all the rest of a check.

A tree is stored as JSON, so that reading it back can run nothing: a node is `[class, field, ...]`, a tuple
`[-1, item, ...]`, a span two offsets. The key covers the text, the grammar and the shape of the tree's
classes, so an entry is never stale. Only trees without diagnostics are kept.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import fields, is_dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from resdsl import resources
from resdsl.diagnostics.model import Sink
from resdsl.files import write_file
from resdsl.source import Source, Span
from resdsl.syntax import ast

KEPT = 256

_CLASSES: list[type[Any]] = [
    c for c in vars(ast).values() if isinstance(c, type) and is_dataclass(c) and c is not Span
]
_NUMBER = {c: i for i, c in enumerate(_CLASSES)}
_FIELDS = [tuple(f.name for f in fields(c) if f.name != "span") for c in _CLASSES]


def parse(source: Source, sink: Sink) -> ast.File | None:
    """As `parser.parse`, from the cache where the same text was parsed before."""
    place = _place(source)
    if place is not None:
        found = _load(place, source)
        if found is not None:
            return found
    from resdsl.syntax import parser

    before = len(sink.items)
    file = parser.parse(source, sink)
    if file is not None and place is not None and len(sink.items) == before:
        _store(place, file)
    return file


@cache
def _folder() -> Path | None:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = Path(base) / "resdsl" / "trees"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


@cache
def _version() -> bytes:
    shape = repr([(c.__name__, f) for c, f in zip(_CLASSES, _FIELDS, strict=True)])
    builder = Path(__file__).with_name("build.py").read_bytes()
    return resources.grammar().encode() + shape.encode() + builder


def _place(source: Source) -> Path | None:
    folder = _folder()
    if folder is None:
        return None
    return folder / (sha256(_version() + b"\0" + source.text.encode()).hexdigest() + ".json")


def _load(place: Path, source: Source) -> ast.File | None:
    try:
        data = json.loads(place.read_bytes())
        tree = _decode(data, source)
    except (OSError, ValueError, TypeError, IndexError, RecursionError):
        return None  # not there, or damaged: parse again
    return tree if isinstance(tree, ast.File) else None


def _store(place: Path, file: ast.File) -> None:
    with contextlib.suppress(OSError, RecursionError):
        write_file(place, json.dumps(_encode(file), separators=(",", ":")))
        kept = sorted(place.parent.glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in kept[KEPT:]:
            old.unlink()


def _encode(value: Any) -> Any:
    if isinstance(value, tuple):
        return [-1, *map(_encode, value)]
    number = _NUMBER.get(type(value))
    if number is None:
        return value
    inner = [_encode(getattr(value, name)) for name in _FIELDS[number]]
    return [number, value.span.start, value.span.end, *inner]


def _decode(value: Any, source: Source) -> Any:
    if not isinstance(value, list):
        return value
    number = value[0]
    if number == -1:
        return tuple([_decode(item, source) for item in value[1:]])
    inner = [_decode(item, source) for item in value[3:]]
    return _CLASSES[number](*inner, span=Span(source, value[1], value[2]))
