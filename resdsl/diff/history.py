"""A spec as it was in a revision of git, with the files it uses as they were then."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from resdsl.elaborate.files import read_source
from resdsl.source import Source
from resdsl.syntax import ast

SUFFIX = ".res"


class NoHistory(Exception):
    """There is no such file in git; the text says why."""


@dataclass(frozen=True)
class Old:
    """A spec of another revision: its text under the name git gives it, and where a copy lies for now."""

    source: Source
    path: Path


@contextmanager
def at_revision(path: Path, revision: str) -> Iterator[Old]:
    """The spec at `path` as it was in a revision: `HEAD`, `v1.0`, a hash.

    A spec may only use files of its own folder, so that folder's specs are copied to a temporary one. What it uses
    from `std` is read from the resdsl that runs: see `uses_library`.

    Raises:
        NoHistory: git is not installed, the file is in no repository, or there is no such revision or file in it.
    """
    folder = path.resolve().parent
    if not folder.is_dir():
        raise NoHistory(f"there is no folder `{path.parent}`")
    commit = _commit(folder, revision)
    inside = _text(folder, "rev-parse", "--show-prefix").rstrip("\n")
    blobs = dict(_listed(folder, commit))
    if path.name not in blobs:
        near = _nearest(path.name, blobs)
        raise NoHistory(f"`{inside}{path.name}` is not in revision `{revision}`{near}")
    with TemporaryDirectory(prefix="resdsl-") as temporary:
        root = Path(temporary)
        for name, data in zip(blobs, _contents(folder, list(blobs.values())), strict=True):
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        source = read_source(root / path.name, f"{revision}:{inside}{path.name}")
        if isinstance(source, str):
            raise NoHistory(f"cannot read `{revision}:{inside}{path.name}`: {source}")
        yield Old(source, root / path.name)


def uses_library(file: ast.File) -> bool:
    """Whether a spec uses the bundled library, of which there is only today's."""
    origins = [item.origin for item in file.items if isinstance(item, ast.Use)]
    return any(isinstance(o, ast.Path) and o.parts[0] == "std" for o in origins)


def _commit(folder: Path, revision: str) -> str:
    """The hash of a revision: what else git is asked holds no text of the user's."""
    if _git(folder, "rev-parse", "--is-inside-work-tree").returncode:
        raise NoHistory(f"`{folder}` is not in a git repository")
    found = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found.returncode:
        if revision == "HEAD":
            raise NoHistory("the git repository has no commit yet")
        raise NoHistory(f"git knows no revision `{revision}`")
    return found.stdout.decode().strip()


def _listed(folder: Path, commit: str) -> Iterator[tuple[str, str]]:
    """The specs below a folder in a commit, links left out: name from there, and hash."""
    for line in _text(folder, "ls-tree", "-r", "-z", commit, "--", ".").split("\0"):
        facts, _, name = line.partition("\t")
        mode, _, rest = facts.partition(" ")
        if name.endswith(SUFFIX) and mode.startswith("100"):
            yield name, rest.split(" ")[1]


def _contents(folder: Path, hashes: list[str]) -> Iterator[bytes]:
    data = _git(folder, "cat-file", "--batch", given="\n".join(hashes).encode()).stdout
    start = 0
    for _ in hashes:
        end = data.index(b"\n", start)
        size = int(data[start:end].split(b" ")[2])
        yield data[end + 1 : end + 1 + size]
        start = end + size + 2


def _nearest(name: str, known: dict[str, str]) -> str:
    from resdsl.diagnostics.suggest import did_you_mean

    help = did_you_mean(name, [other for other in known if "/" not in other])
    return f", {help}" if help else ""


def _text(folder: Path, *args: str) -> str:
    done = _git(folder, *args)
    if done.returncode:
        raise NoHistory(f"git {args[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode(errors="surrogateescape")


def _git(folder: Path, *args: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *args], input=given, capture_output=True, check=False, env=environment
        )
    except FileNotFoundError:
        raise NoHistory("git is not installed") from None
