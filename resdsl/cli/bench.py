"""The command `bench`: how fast a net runs, next to other ways to run it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from resdsl.backend.bench.compare import SIDES, Bench, CannotRun, Job, compare
from resdsl.backend.errors import MissingTorch
from resdsl.cli.errors import Failed, Usage
from resdsl.cli.load import load_net, sizes
from resdsl.cli.options import settings
from resdsl.cli.torch import Progress
from resdsl.files import write_file

OTHERS = tuple(name for name in SIDES if name != "resdsl")


def bench_command(args: argparse.Namespace) -> int:
    """`resdsl bench SPEC`."""
    against = _others(args.against)
    for option, value in (("--batch", args.batch), ("--runs", args.runs)):
        if value < 1:
            raise Usage(f"{option} takes a number of at least 1")
    if args.device and args.device.split(":")[0] not in ("cpu", "cuda", "mps"):
        raise Usage(f"--device takes cpu or cuda, not `{args.device}`")
    if args.plot and Path(args.plot).suffix != ".svg":
        raise Usage(f"`{args.plot}`: the plot is written as .svg")
    for file in filter(None, (args.json, args.plot)):
        if not Path(file).parent.is_dir():
            raise Usage(f"`{file}`: there is no such folder")
    try:
        net = load_net(args)
    except Failed:
        return 1
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
    except (MissingTorch, CannotRun) as error:
        raise Usage(str(error)) from None
    finally:
        progress("")
    print(found)
    if args.json:
        write_file(args.json, json.dumps(found.data(), indent=1) + "\n")
        print(f"wrote {args.json}", file=sys.stderr)
    if args.plot:
        write_file(args.plot, _plot(found))
        print(f"wrote {args.plot}", file=sys.stderr)
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
    from resdsl.render.bars import bars

    title, device, *_ = str(found).splitlines()
    each = [(row.side, found.job.batch / row.latency[1]) for row in found.rows]
    shown = [(name, value, f"{value:,.{0 if value >= 100 else 1}f} images/s") for name, value in each]
    return bars(f"{' '.join(title.split())} {device}", shown)
