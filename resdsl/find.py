"""Which spec and which net an argument like `resnet50`, `nets.res` or `nets.res:resnet50` means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from resdsl import resources
from resdsl.diagnostics import codes
from resdsl.diagnostics.model import Diagnostic, Label, Sink
from resdsl.diagnostics.suggest import did_you_mean
from resdsl.elaborate.files import Loader, read_source
from resdsl.source import Source, Span

_NET = re.compile(r"^net[ \t]+([A-Za-z_][A-Za-z0-9_]*)", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """A spec that was found: its text, where it lies, and the net that was asked for."""

    source: Source
    path: Path | None
    net: str | None


class NotFound(Exception):
    """Nothing of that name; `diagnostic` says what was looked for."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def find(spec: str) -> Found:
    """Find a spec by file, `FILE:NET`, or bundled name. Raises `NotFound`."""
    name, net = spec, None
    if ":" in spec and not _exists(Path(spec)):
        name, _, net = spec.rpartition(":")
    if not name:
        raise NotFound(_unreadable(spec, "it names no file", None))
    path = Path(name)
    if path.suffix == ".res" or _exists(path) or "/" in name:
        source = read_source(path)
        if isinstance(source, str):
            raise NotFound(_unreadable(name, source, _help(path)))
        return Found(source, path, net)
    for file in bundled_files():
        source = read_source(file, f"std/{file.name}")
        if isinstance(source, str):
            continue
        names = _NET.findall(source.text)
        if name in names and net is None:
            return Found(source, file, name)
        if file.stem == name and net is not None:
            return Found(source, file, net)
        if name in names:
            raise NotFound(_unreadable(spec, f"`{name}` is one net", f"leave `:{net}` out"))
    reason = "there is no bundled net and no file of this name"
    raise NotFound(_unreadable(name, reason, did_you_mean(name, _whole_nets())))


def bundled_files() -> list[Path]:
    """The spec files that come with resdsl."""
    return sorted(resources.specs().rglob("*.res"))


def bundled_nets() -> list[str]:
    """Names of all bundled nets, those of a family's base included."""
    names: list[str] = []
    for file in bundled_files():
        names.extend(_NET.findall(file.read_text(encoding="utf-8")))
    return names


def _whole_nets() -> list[str]:
    """Names of the bundled nets that stand alone: a family's base needs more."""
    names: list[str] = []
    for file in bundled_files():
        source = read_source(file)
        module = None if isinstance(source, str) else Loader(Sink(), file.parent).load(source, file)
        names.extend(module.closed_nets if module else ())
    return names


def _exists(path: Path) -> bool:
    """Whether something lies there; no when the name is not one that the system takes."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _help(path: Path) -> str | None:
    """What to do about a file that cannot be read as a spec."""
    if _exists(path):
        folder = f"`resdsl test {path}` checks all files in it"
        return folder if path.is_dir() else "a spec is a text file, such as `resdsl new` writes"
    near = path.parent.glob("*.res") if _exists(path.parent) else ()
    return did_you_mean(str(path), map(str, near))


def _unreadable(name: str, reason: str, help: str | None) -> Diagnostic:
    return Diagnostic(
        codes.UNREADABLE,
        f"cannot read `{name}`: {reason}",
        Label(Span(Source(name, ""), 0, 0)),
        help=(help or "`resdsl list` shows the bundled nets",),
    )
