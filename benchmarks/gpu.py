"""Every claim about a GPU, measured in one call of less than ten minutes.

    python benchmarks/gpu.py [--budget SECONDS] [--runs N] [--only PATTERN] [--json FILE]
    python benchmarks/gpu.py --device cpu --net resnet18 --at 3x64x64 --batch 4 --json FILE

The second runs the same code without a GPU, on small sizes. The twin is `torch.compile` of torchvision's model, or of
the emitted module where torchvision is not installed, in channels last. Every side is a process of its own with an
empty cache, and they take turns. Beside each speed stands the error: how far the outputs, or the gradients of a step,
are from those of eager float32, over the twin's distance.

Rows come in the order of their weight. What does not fit into the budget, or fails, is named with the reason, and what
is measured is written at once. `variants` in the file has every side, also those that no claim is about: they tell
which should be the default.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.claims import Claim, machine_line
from resdsl.backend.bench.compare import CannotRun, Job, Side, ratio, turns
from resdsl.files import write_file

RESULTS = Path(__file__).parent / "results"
SIDES = "benchmarks.gpu_sides"
ERROR = 1.5
"""How far our answer may be from float32's, as a multiple of the twin's distance."""


@dataclass(frozen=True)
class Row:
    """Sides that take turns.

    Attributes:
        title: of its claims.
        job: what they run.
        bars: by side, the least that its time may be over ours.
        others: further sides.
        tuned: sides that take long to compile and measure meanwhile: one after the other, while there is time.
        needs: seconds without those.
    """

    title: str
    job: Job
    bars: dict[str, float]
    others: tuple[str, ...] = ()
    tuned: tuple[str, ...] = ()
    needs: float = 45


def rows(job: Job) -> list[Row]:
    """All rows, for a net at a size, in the order of their weight."""
    many, one = job, replace(job, batch=1)
    step = replace(job, train=True)
    training = ("resdsl/benchmark", "resdsl/reduce-overhead", "twin/benchmark", "eager")
    return [
        Row(f"inference bf16, batch {many.batch}", many, {"twin": 1.3}),
        Row("inference bf16, batch 1", one, {"twin/reduce-overhead": 1.0}),
        Row(f"training bf16, batch {step.batch}", step, {"twin": 1.05}, needs=75),
        Row(
            f"ways of inference bf16, batch {many.batch}",
            many,
            {},
            ("twin", "cudnn", "cudnn/matmul", "twin/benchmark", "eager"),
            ("resdsl/max-autotune", "twin/max-autotune"),
        ),
        Row(
            "ways of inference bf16, batch 1",
            one,
            {},
            ("twin/reduce-overhead", "cudnn", "cudnn/matmul", "eager"),
        ),
        Row(
            f"ways of training bf16, batch {step.batch}",
            step,
            {},
            ("twin", *training),
            ("resdsl/max-autotune", "twin/max-autotune"),
            needs=90,
        ),
        Row(f"training fp32, batch {step.batch}", replace(step, dtype="fp32"), {"twin": 1.05}, needs=75),
        Row(
            f"inference fp32, batch {many.batch}", replace(many, dtype="fp32"), {"twin": 1.0}, ("twin/tf32",)
        ),
    ]


@dataclass
class Run:
    """What is measured in one call.

    Attributes:
        known: of the machine.
        budget: seconds for all of it.
        runs: turns.
        file: where it is written after each row; None for nowhere.
    """

    known: dict[str, Any]
    budget: float
    runs: int
    file: Path | None
    claims: list[Claim] = field(default_factory=list)
    variants: list[dict[str, Any]] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=perf_counter)

    @property
    def left(self) -> float:
        """Seconds of the budget that are left."""
        return self.budget - (perf_counter() - self.started)

    def say(self, text: str) -> None:
        """A line of progress."""
        print(f"[{self.budget - self.left:4.0f} s] {text}", flush=True)

    def leave_out(self, what: str, why: object) -> None:
        """Note what is not measured."""
        self.left_out[what] = str(why)
        self.say(f"{what}: NOT MEASURED: {why}")

    def claim(self, claim: Claim) -> None:
        """Note and show a claim."""
        self.claims.append(claim)
        self.say(str(claim))

    def write(self) -> None:
        """Write what is there so far."""
        if self.file is not None:
            each = [asdict(claim) | {"holds": claim.holds} for claim in self.claims]
            found = {
                "environment": self.known,
                "claims": each,
                "variants": self.variants,
                "left_out": self.left_out,
            }
            write_file(str(self.file), json.dumps(found, indent=1) + "\n")

    # ------------------------------------------------------------ a row

    def measure(self, row: Row) -> None:
        """Measure a row; what fails is left out."""
        if self.left < row.needs:
            self.leave_out(row.title, f"it takes {row.needs:.0f} s, and {max(0.0, self.left):.0f} s are left")
            return
        try:
            with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
                truth = str(Path(folder) / "truth")
                self.say(f"{row.title}: eager in float32")
                with Side("eager", replace(row.job, dtype="fp32"), SIDES) as exact:
                    exact.ask("compile", self.left)
                    exact.ask("answer", self.left, file=truth)
                machine = stack.enter_context(Side("machine", row.job, SIDES))
                peak = machine.ask("peak", self.left)
                sides, first = self.open(row, stack)
                self.say(f"{row.title}: {self.runs} turns of {', '.join(sides)}")
                times = turns(sides, self.runs)
                errors = {name: side.ask("error", self.left, file=truth) for name, side in sides.items()}
                memory = {name: side.ask("memory", self.left)["peak"] for name, side in sides.items()}
            self.variants += [
                {
                    "row": row.title,
                    "side": name,
                    "how": first[name]["how"],
                    "twin": first[name]["twin"],
                    "first_call_s": first[name]["seconds"],
                    "call_s": statistics.median(s for turn in times for s in turn[name]),
                    "time_over_resdsl": ratio(times, name),
                    "share_of_peak_flops": share(row.job, sides[name].known, times, name, peak["flops"]),
                    "peak_flops": peak["flops"],
                    "peak_bytes": peak["bytes"],
                    "error": errors[name],
                    "memory_bytes": memory[name],
                }
                for name in sides
            ]
            for made in self.variants[-len(sides) :]:
                self.say(
                    f"  {made['side']:<24} {1000 * made['call_s']:9.3f} ms  {made['time_over_resdsl']:6.3f} of ours"
                    f"  {made['share_of_peak_flops']:5.1%} of peak  first call {made['first_call_s']:5.1f} s"
                    f"  off by {made['error']['outputs']:.1e}, gradients {made['error']['gradients']:.1e}"
                )
            self.judge(row)
        except CannotRun as reason:
            self.leave_out(row.title, reason)
        finally:
            self.write()

    def open(self, row: Row, stack: ExitStack) -> tuple[dict[str, Side], dict[str, dict[str, Any]]]:
        """The sides of a row, compiled: those that measure nothing meanwhile all at once."""
        sides: dict[str, Side] = {}
        first: dict[str, dict[str, Any]] = {}

        def compiled(name: str) -> Any:
            side = Side(name, row.job, SIDES)
            try:
                return side, side.ask("compile", self.left)
            except BaseException as reason:
                side.close()
                if isinstance(reason, CannotRun):
                    return reason
                raise

        def keep(name: str, made: Any) -> None:
            if isinstance(made, CannotRun):
                if name == "resdsl" or name in row.bars:
                    raise made
                self.leave_out(f"{row.title}, {name}", made)
            else:
                sides[name], first[name] = stack.enter_context(made[0]), made[1]

        together = list(dict.fromkeys(("resdsl", *row.bars, *row.others)))
        self.say(f"{row.title}: compiling {', '.join(together)}")
        with ThreadPoolExecutor(len(together)) as pool:
            for name, made in list(zip(together, pool.map(compiled, together), strict=True)):
                keep(name, made)
        for name in row.tuned:
            if self.left < 150:
                self.leave_out(f"{row.title}, {name}", "too little time is left to tune it")
                continue
            self.say(f"{row.title}: tuning {name}")
            keep(name, compiled(name))
        return sides, first

    def judge(self, row: Row) -> None:
        """The claims of a row: its speed, and that it was not bought with a wrong answer."""
        made = {variant["side"]: variant for variant in self.variants if variant["row"] == row.title}
        ours = made["resdsl"]
        for name, bar in row.bars.items():
            twin = made[name]
            reached = f"{ours['share_of_peak_flops']:.0%} of the FLOP/s of one GEMM"
            detail = f"ours {1000 * ours['call_s']:.2f} ms a call, {reached}"
            of = f"{name} of {twin['twin']}"
            self.claim(Claim(f"{row.title}, {of}", twin["time_over_resdsl"], bar, False, detail))
            kind = "gradients" if row.job.train else "outputs"
            a, b = ours["error"][kind], twin["error"][kind]
            least = 1e-5  # where both are exact
            detail = f"{kind} are {a:.1e} off those of eager float32, the twin's {b:.1e}"
            self.claim(
                Claim(f"{row.title}, error over {name}'s", max(a, least) / max(b, least), ERROR, True, detail)
            )


def share(job: Job, known: dict[str, Any], times: Any, name: str, peak: float) -> float:
    """The FLOPs a second of a side, of those of one product of matrices."""
    seconds = statistics.median(s for turn in times for s in turn[name])
    return float(2 * known["macs"] * job.batch * (3 if job.train else 1) / seconds / peak)


def driver() -> str:
    """The version of NVIDIA's driver, where there is one."""
    try:
        command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        made = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return made.stdout.strip().splitlines()[0] if made.stdout.strip() else ""


def versions() -> dict[str, Any]:
    """What a GPU's numbers depend on beyond what a side knows."""
    import torch

    return {"driver": driver(), "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--budget", type=float, default=570, help="seconds for all of it (570)")
    parser.add_argument("--runs", type=int, default=15, help="turns of each side (15)")
    parser.add_argument("--only", metavar="PATTERN", help="the rows whose title has this regular expression")
    parser.add_argument("--json", type=Path, help="results/gpu-CARD.json; for the CPU nowhere")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to try the script")
    parser.add_argument("--net", default="resnet50", help="a bundled net (resnet50)")
    parser.add_argument("--at", metavar="SHAPE", help="image size, like 3x64x64")
    parser.add_argument("--batch", type=int, default=256, help="images at once, where it is not 1 (256)")
    args = parser.parse_args()
    height, width = map(int, args.at.split("x")[1:]) if args.at else (224, 224)
    job = Job(args.net, at={"H": height, "W": width}, batch=args.batch, device=args.device, dtype="bf16")
    chosen = [row for row in rows(job) if re.search(args.only or "", row.title)]
    if not chosen:
        parser.error(f"no row matches; there are: {', '.join(row.title for row in rows(job))}")
    try:
        with Side("machine", job, SIDES) as machine:
            known = machine.known | versions()
    except CannotRun as reason:
        print(f"{reason}; to try this script: --device cpu, with small sizes", file=sys.stderr)
        return 2
    card = re.sub(r"[^a-z0-9]+", "-", known["name_of_device"].lower()).strip("-")
    file = args.json or (None if args.device == "cpu" else RESULTS / f"gpu-{card}.json")
    print(f"{machine_line(known)}\ndriver {known['driver']}, CUDA {known['cuda']}, cuDNN {known['cudnn']}\n")
    run = Run(known, args.budget, args.runs, file)
    try:
        for row in chosen:
            run.measure(row)
    except KeyboardInterrupt:
        print("interrupted" + (f"; {file} has what was measured" if file else ""), file=sys.stderr)
        return 130
    if file is not None:
        run.say(f"wrote {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
