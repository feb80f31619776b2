"""The command `diff`: what differs between two nets, two files, or a file and its version in git."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resdsl.cli.errors import Usage
from resdsl.cli.files import check_writable, put, table_format, write
from resdsl.cli.load import find_or_fail, sizes
from resdsl.cli.options import settings
from resdsl.cli.show import fail, failing, use_color
from resdsl.diagnostics import codes
from resdsl.diagnostics.suggest import did_you_mean, listed
from resdsl.graph.model import Net
from resdsl.pipeline import Checked, check
from resdsl.source import Source

if TYPE_CHECKING:
    from resdsl.diff.compare import Difference

TEXTS = ("md", "json")
PICTURES = ("svg", "png", "pdf", "dot")


@dataclass(frozen=True)
class Side:
    """One side: where it comes from, the net that was named, and all nets that this means."""

    spec: str
    net: str | None
    nets: dict[str, Net]


def diff_command(args: argparse.Namespace) -> int:
    """`resdsl diff A [B]`: 0 when nothing differs, 1 when something does or a spec has errors."""
    format = table_format(args, *TEXTS, *PICTURES)
    if args.rename_map:
        check_writable(args.rename_map)
    one, two = _sides(args)
    named = one.net or two.net
    if named or len(one.nets) == len(two.nets) == 1:
        return _pair(args, _compare(args, _chosen(one, named), _chosen(two, named)), format)
    return _files(args, one, two, format)


# ---------------------------------------------------------------- what is compared


def _sides(args: argparse.Namespace) -> tuple[Side, Side]:
    from resdsl.diff.history import NoHistory

    both, only = settings(args), settings(argparse.Namespace(set=args.set_b))
    twice = next(iter(both.keys() & only.keys()), None)
    if twice:
        raise Usage(f"--set and --set-b both give `{twice}`")
    revision = args.git or ("HEAD" if args.other is None and not only else "")
    before, dots, after = revision.partition("..")
    if dots and not (before and after):
        raise Usage(f"--git takes a revision, or two like v1.0..v2.0, not `{revision}`")
    other = args.other or args.spec
    with ExitStack() as stack:
        try:
            one = _side(args, args.spec, before, both, stack)
            two = _side(args, other, after, both | only, stack)
        except NoHistory as reason:
            hint = "" if args.git else "\n  give a second spec to compare with: `resdsl diff A B`"
            raise Usage(f"{reason}{hint}") from None
    return one, two


def _side(
    args: argparse.Namespace, spec: str, revision: str, given: dict[str, str], stack: ExitStack
) -> Side:
    if revision:
        from resdsl.diff.history import at_revision

        path, net = _place(args, spec)
        old = stack.enter_context(at_revision(path, revision))
        source: Source = old.source
        path_now: Path | None = old.path
    else:
        found = find_or_fail(args, spec)
        source, path_now, net = found.source, found.path, found.net
    checked = check(source, path_now, [net] if net else None, given)
    wrong = [d for d in checked.diagnostics if d.code != codes.EXPECT_FAILED]
    if failing(wrong):
        fail(args, checked.diagnostics)
    unmet = sum(d.code == codes.EXPECT_FAILED for d in checked.diagnostics)
    if unmet:  # a net that was just changed often is no longer what its file expects
        verb = "does" if unmet == 1 else "do"
        print(f"note: {unmet} `expect` of `{source.path}` {verb} not hold", file=sys.stderr)
    if revision:
        _warn_of_library(checked, source)
    if not checked.nets:
        raise Usage(f"`{source.path}` declares no net that needs no arguments")
    return Side(source.path, net, checked.nets)


def _place(args: argparse.Namespace, spec: str) -> tuple[Path, str | None]:
    """File and net of a spec that need not be there today."""
    name, colon, net = spec.rpartition(":")
    if colon and name.endswith(".res"):
        return Path(name), net
    if spec.endswith(".res"):
        return Path(spec), None
    found = find_or_fail(args, spec)
    assert found.path is not None
    return found.path, found.net


def _warn_of_library(checked: Checked, source: Source) -> None:
    from resdsl.diff.history import uses_library

    if checked.module is not None and uses_library(checked.module.file):
        print(f"note: `{source.path}` uses `std`, which is read as it is today", file=sys.stderr)


def _chosen(side: Side, named: str | None) -> Net:
    """The net of a side that has several: the one of the name given on the other side."""
    if len(side.nets) == 1:
        return next(iter(side.nets.values()))
    if named in side.nets:
        return side.nets[named]
    help = did_you_mean(named or "", side.nets) or f"it has {listed(side.nets)}"
    raise Usage(f"`{side.spec}` has no net `{named}`; {help}")


def _compare(args: argparse.Namespace, a: Net, b: Net) -> Difference:
    from resdsl.diff.compare import compare

    return compare(a, b, *(sizes(args, net) if args.at else None for net in (a, b)))


# ---------------------------------------------------------------- what is written


def _pair(args: argparse.Namespace, found: Difference, format: str) -> int:
    """Print or write one comparison."""
    if args.rename_map:
        _write_map(args.rename_map, found)
    if format in PICTURES:
        _draw(args, found, format)
    else:
        put(args, _text(found, format, color=use_color(args) and not args.output))
    return 0 if found.verdict == "identical" else 1


def _write_map(path: str, found: Difference) -> None:
    names = found.weights.rename_map
    if not names:
        raise Usage(f"--rename-map: no tensor of `{found.a.name}` has a place in `{found.b.name}`")
    new = sum(old != name for old, name in names.items())
    counts = f": {len(names):,} of {len(found.weights.a):,} keys, {new:,} renamed"
    write(path, json.dumps(names, indent=1) + "\n", counts)


def _text(found: Difference, format: str, *, color: bool = False) -> str:
    if format == "json":
        from resdsl.diff.as_json import to_json

        return json.dumps(to_json(found), indent=2, ensure_ascii=False) + "\n"
    if format == "md":
        from resdsl.diff.markdown import to_markdown

        return to_markdown(found)
    from resdsl.diff.text import to_text

    return to_text(found, color=color)


def _draw(args: argparse.Namespace, found: Difference, format: str) -> None:
    from resdsl.diff.picture import picture
    from resdsl.render.pictures.draw import NoRenderer

    try:
        data = picture(found, format, theme=args.theme)
    except NoRenderer as error:
        raise Usage(str(error)) from None
    write(args.output, data)


# ---------------------------------------------------------------- files with several nets


def _several(one: Side, two: Side) -> str:
    """The nets that there are to choose from."""
    side = one if len(one.nets) > 1 else two
    return f"`{side.spec}` has {listed(side.nets)}; say which: `{side.spec}:{next(iter(side.nets))}`"


def _files(args: argparse.Namespace, one: Side, two: Side, format: str) -> int:
    """Compare the nets of two files by name."""
    if args.rename_map:
        raise Usage(f"--rename-map is about one net: {_several(one, two)}")
    if format in PICTURES:
        raise Usage(f"a picture shows one net: {_several(one, two)}")
    found = {n: _compare(args, net, two.nets[n]) for n, net in one.nets.items() if n in two.nets}
    gone = [n for n in one.nets if n not in found]
    new = [n for n in two.nets if n not in found]
    if format == "json":
        from resdsl.diff.as_json import to_json

        made = {"nets": {n: to_json(d) for n, d in found.items()}, "only_a": gone, "only_b": new}
        put(args, json.dumps(made, indent=2, ensure_ascii=False) + "\n")
    else:
        from resdsl.diff.files import overview

        text = overview(
            one.spec, two.spec, found, gone, new, format=format, color=use_color(args) and not args.output
        )
        differing = [d for d in found.values() if d.verdict != "identical"]
        if len(differing) == 1 or format == "md":
            text += "".join(
                "\n" + _text(d, format, color=use_color(args) and not args.output) for d in differing
            )
        put(args, text)
    return 1 if gone or new or any(d.verdict != "identical" for d in found.values()) else 0
