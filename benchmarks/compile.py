"""Every claim about compiling, as ratios measured side by side in one run.

    python benchmarks/compile.py [--quick] [--only PATTERN] [--limit SECONDS] [--runs N] [--json FILE]

The twin is the emitted module, plain PyTorch as one writes it by hand, in channels last, by `torch.compile`: as it is
("torch"), and with frozen weights ("frozen"). Every side is a process of its own with an empty cache, and they take
turns. Cold compile is the first call of such a process; where the twin does not finish within `--limit`, the limit
stands for its time, and the ratio is the most it can be.

On two cores a full run takes about an hour and a half, of which ResNet-1202 takes 20 minutes, and `--quick` about four
minutes. Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.claims import Claim, keep, machine_line
from resdsl.backend.bench.compare import CannotRun, Job, Side, TookTooLong, ratio, turns

DEPTHS = (110, 218, 434, 866, 1202)


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    runs: int
    limit: float


Row = Callable[[Options], Iterator[Claim]]


def cifar(depth: int, *, batch: int = 4, train: bool = False) -> Job:
    """A CIFAR ResNet of so many layers, with shortcuts of option A."""
    settings = {"n": str((depth - 2) // 6)}
    return Job("cifar_resnet:cifar_resnet", settings, batch=batch, train=train, device="cpu")


def imagenet(depth: int, batch: int) -> Job:
    """A ResNet at 224x224."""
    return Job(f"resnet{depth}", batch=batch, device="cpu")


def first_call(side: str, job: Job, limit: float | None = None) -> float:
    """Seconds of the first call of a fresh process."""
    with Side(side, job) as made:
        return float(made.ask("compile", limit)["seconds"])


def cold(title: str, job: Job, bar: float, pairs: int, options: Options) -> Iterator[Claim]:
    """First call, ours over the twin's, in alternating fresh processes."""
    found = []
    late = ""
    for _ in range(pairs):
        ours = first_call("resdsl", job)
        try:
            twin = first_call("torch", job, options.limit)
        except TookTooLong:
            twin, late = options.limit, ", where it was stopped"
        found.append((ours, twin))
    ours, twin = (statistics.median(side) for side in zip(*found, strict=True))
    value = statistics.median(a / b for a, b in found)
    yield Claim(title, value, bar, True, f"{ours:.2f} s, twin {twin:.1f} s{late}")


def flat(title: str, train: bool, bar: float, depths: tuple[int, ...], options: Options) -> Iterator[Claim]:
    """What a further layer adds to the first call, ours over the twin's, which is measured on shallow nets."""
    slopes, shown = [], []
    for side, chosen in (("resdsl", depths), ("torch", (20, 56))):
        took = {depth: first_call(side, cifar(depth, train=train)) for depth in chosen}
        low, high = chosen[0], chosen[-1]
        slopes.append((took[high] - took[low]) / (high - low))
        each = ", ".join(f"{depth}: {seconds:.2f} s" for depth, seconds in took.items())
        shown.append(f"{1000 * slopes[-1]:.2f} ms a layer ({each})")
    yield Claim(title, slopes[0] / slopes[1], bar, True, ", twin ".join(shown))


def steady(title: str, job: Job, bars: dict[str, float], options: Options) -> Iterator[Claim]:
    """Time of a call, other sides over ours; for training also memory and gradients."""
    with ExitStack() as stack:
        sides = {}
        for name in ("resdsl", *bars):
            try:
                sides[name], _ = compiled(stack, name, job)
            except CannotRun as reason:
                if name != "onnxruntime":
                    raise
                print(f"{title + ', onnxruntime':<52}     left out: {reason}")
        yield from compared(title, job, sides, bars, options.runs)


def deep(
    title: str, job: Job, bar: float, bars: dict[str, float], runs: int, options: Options
) -> Iterator[Claim]:
    """First call and time of a call from the same processes: the twin takes minutes to compile."""
    with ExitStack() as stack:
        ours, first = compiled(stack, "resdsl", job)
        sides = {"resdsl": ours}
        try:
            sides["torch"], twin = compiled(stack, "torch", job, options.limit)
            detail = f"{first:.2f} s, twin {twin:.1f} s"
        except TookTooLong:
            twin = options.limit
            detail = f"{first:.2f} s, twin {twin:.1f} s, where it was stopped"
        yield Claim(f"cold {title}", first / twin, bar, True, detail)
        if "torch" in sides:
            for name in bars:
                if name != "torch":
                    sides[name], _ = compiled(stack, name, job)
            yield from compared(f"steady {title}", job, sides, bars, min(runs, options.runs))


def compiled(stack: ExitStack, name: str, job: Job, limit: float | None = None) -> tuple[Side, float]:
    """A side that made its first call, and the seconds that took."""
    side = stack.enter_context(Side(name, job))
    return side, float(side.ask("compile", limit)["seconds"])


def compared(
    title: str, job: Job, sides: dict[str, Side], bars: dict[str, float], runs: int
) -> Iterator[Claim]:
    """What sides that have compiled take, by turns, and which share of the fastest product of matrices they reach."""
    peaks: list[float] = []
    with Side("machine", job) as machine:
        times = turns(
            sides, runs, lambda turn: peaks.append(machine.ask("peak")["flops"]) if turn < 5 else None
        )
    medians = {name: statistics.median(s for turn in times for s in turn[name]) for name in sides}
    flops = 2 * job.batch * sides["resdsl"].known["macs"] * (3 if job.train else 1)
    share = {name: flops / seconds / max(peaks) for name, seconds in medians.items()}
    for name, bar in bars.items():
        if name in sides:
            ours = f"ours {1000 * medians['resdsl']:.2f} ms a call"
            detail = f"{ours}, {share['resdsl']:.0%} of the peak, it {share[name]:.0%}"
            yield Claim(f"{title}, {name}", ratio(times, name), bar, False, detail)
    if job.train:
        yield memory(title, sides)
        yield gradients(title, sides)


def memory(title: str, sides: dict[str, Side]) -> Claim:
    """What a step takes beyond what stays, ours over the twin's, and how much of this are tensors."""
    both = [sides["resdsl"], sides["torch"]]
    ours, twin = (side.ask("memory")["call"] for side in both)
    tensors = " and ".join(f"{side.ask('tensors')['bytes'] / 2**20:.1f}" for side in both)
    detail = f"{ours / 2**20:.1f} MiB, twin {twin / 2**20:.1f} MiB; tensors are {tensors} of it"
    return Claim(f"{title}, memory", ours / twin, 1.0, True, detail)


def gradients(title: str, sides: dict[str, Side]) -> Claim:
    """How many outputs and gradients are not the twin's, bit for bit."""
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "gradients.pt")
        sides["torch"].ask("gradients", file=file)
        found = sides["resdsl"].ask("gradients", file=file)
    detail = f"of {found['of']} differ; the largest difference is {found['largest']:.1e} of the largest value"
    return Claim(f"{title}, gradients", found["differ"], 0, True, detail)


def rows() -> dict[str, tuple[bool, Row]]:
    """Every row by its title, and whether it is quick."""
    made: dict[str, tuple[bool, Row]] = {}

    def add(title: str, measure: Callable[..., Iterator[Claim]], *what: object, quick: bool = False) -> None:
        made[title] = (quick, partial(measure, title, *what))

    third, tenth = 1 / 3, 1 / 10
    add("cold resnet20 inference", cold, cifar(20), third, 1, quick=True)
    add("cold resnet110 inference", cold, cifar(110), third, 3)
    add("cold resnet110 training", cold, cifar(110, train=True), third, 3)
    add("cold resnet152 inference", cold, imagenet(152, 1), third, 3)
    for net in ("lenet5", "mobilenet_v2", "vit_b_16", "densenet121"):
        add(f"cold {net} inference", cold, Job(net, device="cpu"), 1.05, 1)
    for net in ("mobilenet_v2", "resnet50"):
        add(f"cold {net} training", cold, Job(net, batch=2, train=True, device="cpu"), 1.05, 1)
    add("resnet1202 inference, batch 4", deep, cifar(1202), 1 / 100, {"torch": 1.2, "frozen": 1.0}, 10)
    add("resnet1202 training, batch 4", deep, cifar(1202, train=True), tenth, {"torch": 1.0}, 6)
    add("flat inference to 110", flat, False, 1 / 50, (20, 56, 110), quick=True)
    add("flat inference", flat, False, 1 / 50, DEPTHS)
    add("flat training", flat, True, 1 / 10, DEPTHS)
    for depth in (20, 56, 110):
        for batch in (4, 64):
            bars = {"torch": 1.2, "frozen": 1.0}
            quick = (depth, batch) == (20, 4)
            add(
                f"steady resnet{depth} inference, batch {batch}",
                steady,
                cifar(depth, batch=batch),
                bars,
                quick=quick,
            )
    for depth in (18, 50, 152):
        for batch in (1, 8):
            bars = {"torch": 1.2, "frozen": 1.0} | ({"onnxruntime": 0.93} if depth == 50 else {})
            add(f"steady resnet{depth} inference, batch {batch}", steady, imagenet(depth, batch), bars)
    for depth, batch, bar in ((20, 4, 1.0), (110, 4, 1.05), (110, 64, 1.0), (326, 4, 1.0), (326, 64, 1.0)):
        job = cifar(depth, batch=batch, train=True)
        title = f"steady resnet{depth} training, batch {batch}"
        add(title, steady, job, {"torch": bar}, quick=depth == 20)
    return made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the rows that take seconds")
    parser.add_argument("--only", metavar="PATTERN", help="the rows whose title has this regular expression")
    parser.add_argument("--limit", type=float, default=900, help="seconds the twin may compile (900)")
    parser.add_argument("--runs", type=int, default=20, help="turns of each side (20)")
    parser.add_argument("--json", type=Path, help="keeps the rows of earlier runs on the same machine")
    args = parser.parse_args()
    chosen = {
        title: row
        for title, (quick, row) in rows().items()
        if (quick or not args.quick) and re.search(args.only or "", title)
    }
    if not chosen:
        parser.error(f"no row matches; there are: {', '.join(rows())}")
    with Side("machine", Job("")) as machine:
        known = machine.known
    print(f"{machine_line(known)}; {args.runs} turns, medians of ratios\n")
    claims = []
    for title, row in chosen.items():
        try:
            for claim in row(Options(args.runs, args.limit)):
                claims.append(claim)
                print(claim, flush=True)
            if args.json:
                keep(args.json, known, claims)
        except CannotRun as reason:
            print(f"{title:<52}     NOT MEASURED: {reason}", flush=True)


if __name__ == "__main__":
    main()
