"""Files that commands read and write: one text for each way in which that can fail."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resdsl.cli.errors import Usage
from resdsl.files import check_target, reason, write_file

if TYPE_CHECKING:
    from resdsl.source import Source

# ---------------------------------------------------------------- written


def suffix_of(path: str, known: tuple[str, ...]) -> str:
    """The suffix of a file to write, one of the known."""
    suffix = Path(path).suffix.lstrip(".")
    if suffix not in known:
        raise Usage(
            f"`{path}`: the suffix decides what is written; known: {', '.join('.' + k for k in known)}"
        )
    return suffix


def table_format(args: argparse.Namespace, *known: str) -> Any:
    """How a table is written: as `--as` says, or the suffix of `-o`. Refuses a file that cannot be written."""
    if not args.output:
        return args.table or "text"
    format, suffix = args.table or suffix_of(args.output, known), Path(args.output).suffix.lstrip(".")
    if suffix in known and suffix != format:
        raise Usage(f"--as {format} and -o {args.output} ask for two formats: leave --as out")
    check_writable(args.output)
    return format


def check_writable(path: str | Path) -> None:
    """Refuse a file that cannot be written, before work that takes long."""
    try:
        check_target(path)
    except OSError as error:
        raise Usage(f"cannot write `{path}`: {reason(error)}") from None


def save(path: str | Path, data: str | bytes) -> None:
    """Write a file whole."""
    check_writable(path)
    try:
        write_file(path, data)
    except OSError as error:
        raise Usage(f"cannot write `{path}`: {reason(error)}") from None


def write(path: str | Path, data: str | bytes, more: str = "") -> None:
    """Write a file whole, and say so."""
    save(path, data)
    print(f"wrote {path}{more}", file=sys.stderr)


def put(args: argparse.Namespace, text: str) -> None:
    """Write a text to the file of `-o`, or print it."""
    if args.output:
        write(args.output, text)
    else:
        print(text.rstrip("\n"))


# ---------------------------------------------------------------- read


def check_readable(*paths: str | None) -> None:
    """Refuse files that are given and cannot be opened, before work that takes long."""
    for path in paths:
        if path is None:
            continue
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            raise Usage(f"cannot read `{path}`: {reason(error)}") from None


def spec_files(paths: list[str]) -> list[Path]:
    """The files that paths name, with those in folders."""
    found: list[Path] = []
    for text in paths:
        path = Path(text)
        found.extend(sorted(path.rglob("*.res")) if path.is_dir() else [path])
    if not found:
        raise Usage(f"there is no .res file in {', '.join(f'`{p}`' for p in paths)}")
    return found


def read(path: Path, shown: str | None = None) -> Source:
    """The text of a spec, and the name it is shown under."""
    from resdsl.elaborate.files import read_source  # `run net.pt2` needs none of the language

    source = read_source(path, shown)
    if isinstance(source, str):
        raise Usage(f"cannot read `{path}`: {source}")
    return source
