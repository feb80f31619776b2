"""Ops from other packages: `use ext.mypkg { blurpool }`.

A package offers ops by an entry point in the group `resdsl.ops` that names a module; the ops in it are
declared as resdsl's own are (`docs/extending.md`). Importing a package runs its code, so a spec can only name
it: nothing is imported unless it is installed and was allowed, by `--extension mypkg`, by

    [tool.resdsl]
    extensions = ["mypkg"]

in the `pyproject.toml` of the folder where the command runs or one above it, or by `allow` in Python.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from resdsl.ops.base import Op

GROUP = "resdsl.ops"
_allowed: set[str] = set()
_loaded: dict[str, dict[str, type[Op]]] = {}


class NoExtension(Exception):
    """An extension cannot be used; `reason` says why, `help` what to do."""

    def __init__(self, reason: str, help: str) -> None:
        super().__init__(f"{reason}; {help}")
        self.reason, self.help = reason, help


def allow(*names: str) -> None:
    """Let specs use these extensions, by the names of their entry points."""
    _allowed.update(names)


def configured(folder: Path) -> list[str]:
    """The extensions that the nearest `pyproject.toml` with a table for resdsl allows."""
    for place in (folder, *folder.parents):
        file = place / "pyproject.toml"
        if file.is_file():
            import tomllib

            try:
                table = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("resdsl")
            except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
                return []
            if isinstance(table, dict):
                names = table.get("extensions", [])
                return [n for n in names if isinstance(n, str)] if isinstance(names, list) else []
    return []


def entry(name: str) -> EntryPoint:
    """Where the ops of an installed extension are. Imports nothing of it; raises `NoExtension`."""
    from importlib.metadata import entry_points

    from resdsl.diagnostics.suggest import did_you_mean, listed

    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        known = (
            f"installed: {listed(sorted(points))}" if points else "`pip install` the package that offers it"
        )
        raise NoExtension(f"no extension `{name}` is installed", did_you_mean(name, points) or known)
    return points[name]


def load(name: str) -> dict[str, type[Op]]:
    """The ops of an allowed extension by name, importing it. Raises `NoExtension`."""
    if name in _loaded:
        return _loaded[name]
    point = entry(name)
    if name not in _allowed and name not in configured(Path.cwd()):
        raise NoExtension(
            f"the extension `{name}` is installed, but not allowed",
            f"allow it with `--extension {name}`, or in pyproject.toml: `[tool.resdsl]`,"
            f' `extensions = ["{name}"]`; it runs code of its package',
        )
    from resdsl.ops.base import OUTSIDE

    try:
        module = point.load()
    except Exception as error:
        raise NoExtension(
            f"the extension `{name}` cannot be imported: {type(error).__name__}: {error}",
            "this is a fault of that package",
        ) from error
    home = getattr(module, "__name__", "")
    found = {
        op: cls
        for place, ops in OUTSIDE.items()
        if place == home or place.startswith(f"{home}.")
        for op, cls in ops.items()
    }
    if not found:
        raise NoExtension(f"the extension `{name}` declares no op", "this is a fault of that package")
    _loaded[name] = found
    return found
