"""Measures a net side by side with other ways to run it: `resdsl bench`.

Each side is a process of its own (`side`), and they take turns: whatever the machine does meanwhile, it does to all. A
ratio is the median over the turns, so that it does not depend on when a side ran.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from resdsl.backend.errors import MissingTorch

SIDES = {
    "resdsl": "`resdsl compile`",
    "eager": "the plain module",
    "torch": "torch.compile of the plain module",
    "frozen": "the same, with weights frozen to constants",
    "onnxruntime": "the module exported to ONNX",
}
LEAST_TURN = 0.25
"""Seconds a side runs at a turn: short calls are repeated. Until threads that slept are on a core each again, a call or
two may take twice as long, and the median over a turn leaves them out."""


class CannotRun(Exception):
    """A side does not run; the text says why."""


class TookTooLong(CannotRun):
    """A side did not answer in time, and was stopped."""


@dataclass(frozen=True)
class Job:
    """What is run.

    Attributes:
        spec: a file, `FILE:NET` or a bundled name.
        settings: parameters of the net, as text.
        at: input sizes by name; the usual ones by default.
        batch: images at once.
        train: a training step, forward and backward, not inference.
        device: where; a GPU if there is one.
        extensions: packages whose ops are allowed.
        dtype: what it computes in: fp32, bf16 or fp16.
    """

    spec: str
    settings: Mapping[str, str] = field(default_factory=dict)
    at: Mapping[str, int] = field(default_factory=dict)
    batch: int = 1
    train: bool = False
    device: str | None = None
    extensions: tuple[str, ...] = ()
    dtype: str = "fp32"


class Side:
    """A process that runs a job in one way, with an empty cache of compiled code.

    Args:
        side: its name.
        job: what it runs.
        module: whose `main` answers.

    Attributes:
        known: what it said of the net and the machine.

    Raises:
        CannotRun: it cannot run this job.
        MissingTorch: torch is not installed.
    """

    def __init__(self, side: str, job: Job, module: str = "resdsl.backend.bench.side") -> None:
        if importlib.util.find_spec("torch") is None:
            raise MissingTorch
        self._folder = tempfile.TemporaryDirectory(prefix="resdsl-bench-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        home = str(Path(__file__).parents[3])
        caches = {
            "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor"),
            "TRITON_CACHE_DIR": str(folder / "triton"),
        }
        paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._log = folder / "log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", f"from {module} import main; main()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | caches | {"PYTHONPATH": os.pathsep.join(paths)},
                start_new_session=True,  # so that the compilers it starts end with it
            )
        try:
            self.known = self._send({"side": side, **asdict(job)}, None)
        except BaseException:
            self.close()
            raise

    def ask(self, what: str, limit: float | None = None, **arguments: Any) -> dict[str, Any]:
        """Ask for a method of `side.Runner`. Raises CannotRun, or TookTooLong after so many seconds."""
        return self._send({"ask": what, **arguments}, limit)

    def _send(self, question: dict[str, Any], limit: float | None) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._end()

        timer = threading.Timer(limit or 0, stop)
        if limit is not None:
            timer.start()
        try:
            stdin.write(json.dumps(question) + "\n")
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if late.is_set():
            raise TookTooLong(f"it was stopped after {limit:.0f} s")
        if not line:
            raise CannotRun(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        if "unable" in answer:
            raise CannotRun(answer["unable"])
        return answer

    def _last_words(self) -> str:
        code = self._process.wait()
        if code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"its process ended with code {code}"

    def _end(self) -> None:
        """Stop it, and what it started."""
        if self._process.poll() is not None:
            return
        if hasattr(os, "killpg"):
            os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()

    def close(self) -> None:
        """End the process and remove its cache."""
        self._end()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # of what was still to be written to it
                    pipe.close()
        self._folder.cleanup()

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# ---------------------------------------------------------------- a comparison


@dataclass(frozen=True)
class Row:
    """What was measured of a side.

    Attributes:
        side: its name.
        how: in which way it ran.
        first: seconds of the first call, which compiles, in a fresh process with an empty cache.
        latency: seconds of a call: lower quartile, median, upper quartile.
        ratio: its time as a multiple of that of `resdsl`, median over the turns.
        peak: bytes of its process at most, compiling included; `call`: bytes a call takes beyond what stays.
    """

    side: str
    how: str
    first: float
    latency: tuple[float, float, float]
    ratio: float
    peak: int | None
    call: int | None


@dataclass(frozen=True)
class Bench:
    """A comparison.

    Attributes:
        job: what ran.
        known: of the net and the machine.
        peak: FLOPs and bytes a second the machine does at best.
        rows: the sides, `resdsl` first.
        skipped: why a side is not among them.
        runs: turns.
    """

    job: Job
    known: dict[str, Any]
    peak: dict[str, float]
    rows: tuple[Row, ...]
    skipped: dict[str, str]
    runs: int

    @property
    def flops(self) -> float:
        """Of a call. A backward pass takes twice the forward pass: gradients of values, and of weights."""
        macs: int = self.known["macs"]
        return 2.0 * macs * self.job.batch * (3 if self.job.train else 1)

    @property
    def bytes(self) -> float:
        """That a call moves at least where nothing but a layer's own norm and activation is fused with it.

        Weights are read, and each layer's output is written and read once; thrice that in training, where the weights
        are 32-bit floats in any case.
        """
        width = 4.0 if self.job.dtype == "fp32" else 2.0
        weights: float = self.known["params"] * (4.0 if self.job.train else width)
        values: int = 2 * self.known["activations"] * self.job.batch
        return (weights + width * values) * (3 if self.job.train else 1)

    def shares(self, row: Row) -> tuple[float, float]:
        """The share a side reaches of the FLOPs and of the bytes a second that the machine does at best."""
        seconds = row.latency[1]
        return self.flops / seconds / self.peak["flops"], self.bytes / seconds / self.peak["bytes"]

    def data(self) -> dict[str, Any]:
        """All of it as JSON takes it."""
        return {
            "net": self.known["name"],
            "job": asdict(self.job),
            "shapes": self.known["shapes"],
            "environment": {k: self.known[k] for k in ENVIRONMENT},
            "runs": self.runs,
            "peak": {"flops_per_second": self.peak["flops"], "bytes_per_second": self.peak["bytes"]},
            "call": {"flops": self.flops, "bytes": self.bytes},
            "sides": [self._side(row) for row in self.rows],
            "skipped": self.skipped,
        }

    def _side(self, row: Row) -> dict[str, Any]:
        of_flops, of_bytes = self.shares(row)
        low, middle, high = row.latency
        return {
            "side": row.side,
            "how": row.how,
            "first_call_s": row.first,
            "latency_s": {"median": middle, "quartiles": [low, high]},
            "images_per_s": self.job.batch / middle,
            "time_over_resdsl": row.ratio,
            "share_of_peak": {"flops": of_flops, "bytes": of_bytes},
            "memory_bytes": {"peak": row.peak, "call": row.call},
        }

    def __str__(self) -> str:
        known, job = self.known, self.job
        what = "training step" if job.train else "inference"
        shapes = " and ".join("×".join(map(str, s)) for s in known["shapes"])
        threads = f"{known['threads']} thread" + ("s" if known["threads"] != 1 else "")
        lines = [
            f"{known['name']}   {what}, batch {job.batch} of {shapes}"
            + (f", in {job.dtype}" if job.dtype != "fp32" else ""),
            f"on {known['name_of_device']}, {threads}, torch {known['torch']}",
            "",
            *_aligned([HEAD, *map(self._cells, self.rows)]),
            "",
            f"peak         {self.peak['flops'] / 1e9:,.0f} GFLOP/s in one {self.job.dtype} GEMM, "
            f"{self.peak['bytes'] / 1e9:,.1f} GB/s in one copy; FLOP/s and bytes/s are shares of it",
            "first call   compiles, in a fresh process with an empty cache",
            f"runs         {self.runs} turns of each; latency is the median, with the quartiles",
            "ratio        time over that of resdsl, the median over the turns",
            "memory       of the process at most; a call: beyond what stays",
        ]
        notes = {row.side: row.how for row in self.rows if row.how} | self.skipped
        return "\n".join([*lines, *(f"{side:<13}{note}" for side, note in notes.items())])

    def _cells(self, row: Row) -> list[str]:
        low, middle, high = (1000 * seconds for seconds in row.latency)
        return [
            row.side,
            f"{row.first:.2f} s",
            f"{_figures(middle)} ms",
            f"{_figures(low)}–{_figures(high)}",
            f"{_figures(self.job.batch / row.latency[1])}",
            f"{row.ratio:.2f}",
            *(f"{share:.0%}" for share in self.shares(row)),
            *("?" if size is None else f"{_figures(size / 2**20)} MiB" for size in (row.peak, row.call)),
        ]


ENVIRONMENT = ("device", "name_of_device", "cores", "threads", "torch", "python", "system")
HEAD = ["side", "first call", "latency", "", "images/s", "ratio", "FLOP/s", "bytes/s", "memory", "a call"]


def _figures(value: float) -> str:
    """Three figures."""
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows under a head and a rule: the first column to the left, the others to the right."""
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    lines = [
        "  ".join(f"{cell:<{w}}" if c == 0 else f"{cell:>{w}}" for c, (cell, w) in enumerate(cells)).rstrip()
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    ]
    return [lines[0], "─" * (sum(widths) + 2 * (len(widths) - 1)), *lines[1:]]


def compare(
    job: Job,
    against: Sequence[str] = ("eager", "torch"),
    runs: int = 20,
    progress: Callable[[str], None] = lambda text: None,
) -> Bench:
    """Measure a net as resdsl compiles it, and in other ways.

    Args:
        job: what to run.
        against: names of other sides.
        runs: turns.
        progress: is told what is being done.

    Raises:
        CannotRun: resdsl's own side does not run.
        MissingTorch: torch is not installed.
    """
    skipped: dict[str, str] = {}
    with ExitStack() as stack:
        progress("measuring the machine ...")
        machine = stack.enter_context(Side("machine", job))
        sides: dict[str, Side] = {}
        first: dict[str, dict[str, Any]] = {}
        for name in ("resdsl", *(a for a in dict.fromkeys(against) if a != "resdsl")):
            progress(f"compiling: {SIDES[name]} ...")
            if job.train and name in ("frozen", "onnxruntime"):
                skipped[name] = "left out: it does not train"
                continue
            try:
                with ExitStack() as own:
                    side = own.enter_context(Side(name, job))
                    first[name] = side.ask("compile")
                    stack.push(own.pop_all())
                sides[name] = side
            except CannotRun as reason:
                if name == "resdsl":
                    raise
                skipped[name] = f"left out: {reason}"
        peaks: list[dict[str, float]] = []

        def before(turn: int) -> None:
            progress(f"measuring: turn {turn + 1} of {runs} ...")
            if turn < 5:
                peaks.append(machine.ask("peak"))

        times = turns(sides, runs, before)
        best = {key: max(found[key] for found in peaks) for key in ("flops", "bytes")}
        memory = {name: side.ask("memory") for name, side in sides.items()}
        known = sides["resdsl"].known
    rows = [
        Row(
            name,
            first[name]["how"],
            first[name]["seconds"],
            _quartiles([seconds for turn in times for seconds in turn[name]]),
            ratio(times, name),
            memory[name]["peak"],
            memory[name]["call"],
        )
        for name in sides
    ]
    return Bench(job, known, best, tuple(rows), skipped, runs)


Turn = dict[str, list[float]]
"""The seconds of some calls of each side, one side after the other."""


def turns(
    sides: Mapping[str, Side], runs: int, before: Callable[[int], object] = lambda turn: None
) -> list[Turn]:
    """Let sides that have compiled run in turn, each time in another order.

    Args:
        sides: by name.
        runs: how many turns.
        before: called before each turn, with its number.
    """
    names = list(sides)
    calls = {}
    for name, side in sides.items():  # this warms them too
        took = statistics.median(side.ask("times", calls=3)["seconds"])
        calls[name] = max(1, min(50, round(LEAST_TURN / took)))
    made = []
    for turn in range(runs):
        before(turn)
        shift = turn % len(names)
        order = [*names[shift:], *names[:shift]]
        made.append({name: sides[name].ask("times", calls=calls[name])["seconds"] for name in order})
    return made


def ratio(times: Sequence[Turn], name: str, to: str = "resdsl") -> float:
    """The time of a side as a multiple of another's: the median over the turns."""
    return statistics.median(statistics.median(turn[name]) / statistics.median(turn[to]) for turn in times)


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high
