"""The commands that never load torch."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from resdsl.cli.common import Usage, failing, settings, show
from resdsl.diagnostics.model import Diagnostic
from resdsl.elaborate.files import read_source
from resdsl.files import write_file
from resdsl.find import Found, NotFound, find
from resdsl.pipeline import check
from resdsl.source import Source

FIRST_SPEC = """\
## A small residual network for 32x32 images.
edition 2026

## Two 3x3 convolutions and a shortcut; where the shapes differ, it is a 1x1 convolution.
block basic(width, stride = 1) {
  residual {
    conv1 = conv(width, 3x3, stride = stride); bn1 = batchnorm; relu
    conv2 = conv(width, 3x3); bn2 = batchnorm
  } shortcut downsample: identity else projection
  relu
}

net NAME(classes = 10) {
  input image: [3, H, W] at [3, 32, 32]
  stage stem { conv1 = conv(16, 3x3); bn1 = batchnorm; relu }
  stage stage1 { layer1 = basic(16) x 2 }
  stage stage2 { layer2 = basic(32, stride = 2 then 1) x 2 }
  stage stage3 { layer3 = basic(64, stride = 2 then 1) x 2 }
  stage head { global_avgpool; flatten; fc = linear(classes) }
}
"""


def check_command(args: argparse.Namespace) -> int:
    """`resdsl check SPEC...`."""
    everything: list[Diagnostic] = []
    good: list[str] = []
    for spec in args.spec:
        found = _found(spec, everything)
        if found is None:
            continue
        source, path, net = found.source, found.path, found.net
        checked = check(source, path, [net] if net else None, settings(args))
        if args.fix or args.unsafe_fixes:
            if path is None or source.path.startswith("std/"):
                raise Usage("--fix changes files, and a bundled spec is not yours to change")
            if _apply(path, source, checked.diagnostics, args.unsafe_fixes):
                source = _reread(path, source)
                checked = check(source, path, [net] if net else None, settings(args))
        everything.extend(checked.diagnostics)
        if checked.ok:
            good.append(_verdict(source, len(checked.nets), net))
    show(args, everything, always=True)
    if args.format == "full":
        for line in good:
            print(line)
    return 1 if failing(everything) else 0


def _found(spec: str, into: list[Diagnostic]) -> Found | None:
    try:
        return find(spec)
    except NotFound as error:
        into.append(error.diagnostic)
        return None


def _verdict(source: Source, count: int, net: str | None) -> str:
    what = f"net `{net}`" if net else f"{count} net{'s' if count != 1 else ''}"
    return f"{source.path}: {what} checked, every shape fits"


def _reread(path: Path, source: Source) -> Source:
    again = read_source(path, source.path)
    assert isinstance(again, Source)
    return again


def _apply(path: Path, source: Source, diagnostics: tuple[Diagnostic, ...], unsafe: bool) -> bool:
    from resdsl.diagnostics.fixes import apply_fixes

    text, applied = apply_fixes(source, diagnostics, unsafe=unsafe)
    if not applied:
        return False
    write_file(path, text)
    for fix in applied:
        print(f"fixed: {fix.title}", file=sys.stderr)
    return True


def suffix_of(path: str, known: tuple[str, ...]) -> str:
    """The suffix of a file to write, one of the known."""
    suffix = Path(path).suffix.lstrip(".")
    if suffix not in known:
        raise Usage(
            f"`{path}`: the suffix decides what is written; known: {', '.join('.' + k for k in known)}"
        )
    return suffix


def spec_files(args: argparse.Namespace, paths: list[str]) -> list[Path]:
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


def _read(args: argparse.Namespace, path: Path) -> Source:
    source = read_source(path)
    if isinstance(source, str):
        raise Usage(f"cannot read `{path}`: {source}")
    return source


def _stdin() -> Source:
    try:
        return Source("<stdin>", sys.stdin.read())
    except UnicodeDecodeError:
        raise Usage("the standard input is not UTF-8 text") from None


def fmt_command(args: argparse.Namespace) -> int:
    """`resdsl fmt PATH...`."""
    from resdsl.diagnostics.fixes import fix_diff
    from resdsl.diagnostics.model import Sink
    from resdsl.syntax.formatter import format_source
    from resdsl.syntax.parser import parse

    changed, broken = 0, False
    stdin = args.paths == ["-"]
    sources = [_stdin()] if stdin else [_read(args, p) for p in spec_files(args, args.paths)]
    for source in sources:
        sink = Sink()
        if parse(source, sink) is None or sink.has_errors:
            show(args, sink.sorted())
            broken = True
            continue
        text = format_source(source)
        if stdin and not args.check and not args.diff:
            print(text, end="")
        elif text != source.text:
            changed += 1
            if args.diff:
                print(fix_diff(source, text), end="")
            elif args.check:
                print(f"would format {source.path}")
            else:
                write_file(source.path, text)
                print(f"formatted {source.path}")
    return 1 if broken or (changed and (args.check or args.diff)) else 0


def test_command(args: argparse.Namespace) -> int:
    """`resdsl test PATH...`: every net of every file, and what the files expect of them."""
    nets = expectations = failed = 0
    for path in spec_files(args, args.paths):
        source = _read(args, path)
        checked = check(source, path)
        show(args, checked.diagnostics)
        count = _expectations(checked.module.file) if checked.module else 0
        good = not failing(checked.diagnostics)
        failed += not good
        nets, expectations = nets + len(checked.nets), expectations + count
        print(f"{'ok  ' if good else 'FAIL'} {path}: {len(checked.nets)} nets, {count} expectations")
    print(
        f"{nets} nets, {expectations} expectations, {failed or 'no'} file{'s' if failed > 1 else ''} failed"
    )
    return 1 if failed else 0


def _expectations(tree: object) -> int:
    """How many `expect` lines and shape annotations a file has."""
    from dataclasses import fields, is_dataclass

    from resdsl.syntax import ast

    if isinstance(tree, tuple):
        return sum(_expectations(part) for part in tree)
    if not is_dataclass(tree):
        return 0
    own = int(
        isinstance(tree, ast.Expect) or (isinstance(tree, (ast.Stage, ast.Step)) and tree.shape is not None)
    )
    return own + sum(_expectations(getattr(tree, f.name)) for f in fields(tree) if f.name != "span")


def ops_command(args: argparse.Namespace) -> int:
    """`resdsl ops [NAME]`."""
    from resdsl.diagnostics.suggest import did_you_mean
    from resdsl.ops import OPS
    from resdsl.render.reference import describe, listing, markdown

    if args.markdown:
        print(markdown(), end="")
    elif args.name is None:
        print(listing(), end="")
    elif args.name in OPS:
        print(describe(OPS[args.name]), end="")
    else:
        raise Usage(
            f"there is no op `{args.name}`; " + (did_you_mean(args.name, OPS) or "`resdsl ops` lists them")
        )
    return 0


def list_command(args: argparse.Namespace) -> int:
    """`resdsl list`."""
    from textwrap import fill

    from resdsl.diagnostics.model import Sink
    from resdsl.elaborate.files import Loader
    from resdsl.find import bundled_files

    for file in bundled_files():
        module = Loader(Sink(), file.parent).load(_read(args, file), file)
        assert module is not None
        head = (module.file.doc or "").split("\n\n")[0].replace("\n", " ")
        print(fill(f"{file.stem}: {head}", 100, subsequent_indent="  "))
        print(fill("  ".join(module.closed_nets), 100, initial_indent="    ", subsequent_indent="    "))
    return 0


def explain_command(args: argparse.Namespace) -> int:
    """`resdsl explain CODE`."""
    from resdsl.diagnostics.codes import CODES
    from resdsl.diagnostics.explain import page
    from resdsl.diagnostics.suggest import did_you_mean

    if args.code is None:
        width = max(map(len, CODES))
        for code in CODES.values():
            print(f"{code.slug:<{width}}  {code.severity:<7}  {code.summary}")
        return 0
    text = page(args.code)
    if text is None:
        raise Usage(
            f"there is no code `{args.code}`; "
            + (did_you_mean(args.code, CODES) or "`resdsl explain` lists them")
        )
    print(text, end="")
    return 0


def new_command(args: argparse.Namespace) -> int:
    """`resdsl new FILE`."""
    path = Path(args.path)
    if path.suffix != ".res":
        path = path.with_suffix(".res")
    if path.exists():
        raise Usage(f"`{path}` exists already")
    name = path.stem if path.stem.isidentifier() else "mynet"
    try:
        write_file(path, FIRST_SPEC.replace("NAME", name))
    except OSError as error:
        raise Usage(f"cannot write `{path}`: {error.strerror}") from None
    print(f"wrote {path}; try: resdsl summary {path}")
    return 0
