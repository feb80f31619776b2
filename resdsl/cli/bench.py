"""The command `bench`: how fast a net runs, next to other ways to run it."""

from __future__ import annotations

import argparse
import json

from resdsl.backend.bench.compare import SIDES, Bench, CannotRun, Job, compare
from resdsl.cli.errors import Usage
from resdsl.cli.files import check_writable, suffix_of, write
from resdsl.cli.load import load_net, sizes
from resdsl.cli.options import settings
from resdsl.cli.torch import Progress

OTHERS = tuple(name for name in SIDES if name != "resdsl")


def bench_command(args: argparse.Namespace) -> int:
    """`resdsl bench SPEC`."""
    against = _others(args.against)
    if args.plot:
        suffix_of(args.plot, ("svg",))
    for file in filter(None, (args.json, args.plot)):
        check_writable(file)
    net = load_net(args)
    job = Job(
        args.spec,
        settings(args),
        sizes(args, net),
        args.batch,
        args.train,
        args.device,
        tuple(args.extension),
        args.dtype,
    )
    progress = Progress()
    try:
        found = compare(job, against, args.runs, progress)
    except CannotRun as error:
        raise Usage(str(error)) from None
    finally:
        progress("")
    print(found)
    if args.json:
        write(args.json, json.dumps(found.data(), indent=1) + "\n")
    if args.plot:
        write(args.plot, _plot(found))
    return 0


def _others(text: str) -> list[str]:
    """`eager,torch` as names of sides."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in OTHERS:
            raise Usage(f"--against takes {', '.join(OTHERS)}, not `{name}`")
    return names


def _plot(found: Bench) -> str:
    """Images a second, as bars."""
    from resdsl.render.drawing.bars import bars

    title, device, *_ = str(found).splitlines()
    each = [(row.side, found.job.batch / row.latency[1]) for row in found.rows]
    shown = [(name, value, f"{value:,.{0 if value >= 100 else 1}f} images/s") for name, value in each]
    return bars(f"{' '.join(title.split())} {device}", shown)
