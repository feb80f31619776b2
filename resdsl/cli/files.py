"""Files that commands read and write."""

from __future__ import annotations

from pathlib import Path

from resdsl.cli.errors import Usage
from resdsl.elaborate.files import read_source
from resdsl.source import Source


def suffix_of(path: str, known: tuple[str, ...]) -> str:
    """The suffix of a file to write, one of the known."""
    suffix = Path(path).suffix.lstrip(".")
    if suffix not in known:
        raise Usage(
            f"`{path}`: the suffix decides what is written; known: {', '.join('.' + k for k in known)}"
        )
    return suffix


def spec_files(paths: list[str]) -> list[Path]:
    """The files that paths name, with those in folders."""
    found: list[Path] = []
    for text in paths:
        path = Path(text)
        if path.is_dir():
            found.extend(sorted(path.rglob("*.res")))
        elif path.exists():
            found.append(path)
        else:
            raise Usage(f"there is no `{text}`")
    if not found:
        raise Usage("no .res files there")
    return found


def read(path: Path) -> Source:
    """The text of a spec."""
    source = read_source(path)
    if isinstance(source, str):
        raise Usage(f"cannot read `{path}`: {source}")
    return source
