"""The command `catalogue`: a folder about some specs, with pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

from resdsl.cli.errors import Usage
from resdsl.cli.files import read, spec_files
from resdsl.cli.show import exit_code, failing, show
from resdsl.diagnostics.model import Diagnostic
from resdsl.files import reason, write_file
from resdsl.find import bundled_files
from resdsl.pipeline import check


def catalogue_command(args: argparse.Namespace) -> int:
    """`resdsl catalogue [PATH...] -o FOLDER`; 1 if a spec has errors, and then nothing is written."""
    from resdsl.render.catalogue import catalogue
    from resdsl.render.pictures.draw import NoRenderer

    paths = spec_files(args.paths) if args.paths else bundled_files()
    diagnostics: list[Diagnostic] = []
    specs = []
    for path in paths:
        source = read(path, None if args.paths else f"std/{path.name}")
        specs.append(check(source, path))
        diagnostics.extend(specs[-1].diagnostics)
    show(args, diagnostics)
    if failing(diagnostics):
        return exit_code(diagnostics)
    folder = Path(args.output)
    made: set[Path] = set()
    try:
        for name, data in catalogue(specs):
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            write_file(place, data)
            made.add(place)
    except NoRenderer as error:
        raise Usage(str(error)) from None
    except OSError as error:
        raise Usage(f"cannot write `{error.filename or folder}`: {reason(error)}") from None
    print(f"wrote {len(made)} files; begin with {folder / 'README.md'}")
    return 0
