"""Where the time of a convolutional net goes on the CPU, layer by layer, next to onnxruntime.

    python benchmarks/layers.py [SPEC] [--batch N] [--turns N]

onnxruntime, oneDNN call by call (`packed`) and oneDNN Graph (`planned`) take turns in one process, with as many
threads. Each row is one kind of convolution with all that is fused into it: the milliseconds of all of that kind in one
call of the net and onnxruntime's over ours, medians over the turns. What onnxruntime says includes its own calls,
`packed` those of torch; `planned` is what oneDNN itself reports of the kernels that it runs. The share is that of the
fastest product of matrices.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import re
import statistics
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import onnxruntime
import torch
from torch import fx

from resdsl.backend.bench.measure import settled
from resdsl.backend.bench.side import Machine
from resdsl.backend.build import load
from resdsl.backend.dynamic import example, usual_sizes
from resdsl.backend.inference.onednn import packed
from resdsl.backend.inference.onednn_graph import planned
from resdsl.emit import emit, net_class
from resdsl.find import find
from resdsl.pipeline import check

Kind = tuple[int, ...]
"""Channels in and out, height and width of the kernel, of the input and of the output."""

Turn = dict[Kind, float]
"""Milliseconds of all convolutions of a kind."""

OTHER: Kind = ()


class Timed(fx.Interpreter):
    """Runs a packed graph with a clock around each call."""

    turn: Turn

    def run_node(self, node: fx.Node) -> Any:
        """A node of the graph."""
        if not node.op.startswith("call_"):
            return super().run_node(node)
        values, _ = self.fetch_args_kwargs_from_env(node)
        started = perf_counter()
        made = super().run_node(node)
        took = 1000 * (perf_counter() - started)
        kind = OTHER
        if "_convolution_pointwise" in str(node.target):
            first = int("pointwise_.binary" in str(node.target))  # behind the sum that it is added to
            image, kernel = values[first], values[2 if "binary" in str(node.target) else 1]
            kind = (image.shape[1], made.shape[1], *kernel.shape[2:], *image.shape[2:], *made.shape[2:])
        self.turn[kind] += took
        return made


@contextmanager
def printed(file: Path) -> Iterator[None]:
    """Send what C code prints to a file."""
    sys.stdout.flush()
    kept = os.dup(1)
    with file.open("wb") as out:
        os.dup2(out.fileno(), 1)
    try:
        yield
    finally:
        ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)


def reported(run: Callable[[], Any], file: Path) -> tuple[Turn, dict[Kind, str]]:
    """What oneDNN says of the kernels of a call: milliseconds, and their names."""
    turn: Turn = defaultdict(float)
    names: dict[Kind, str] = {}
    with printed(file), torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):  # type: ignore[no-untyped-call]
        run()
    for line in file.read_text().splitlines():
        if ",primitive,exec,cpu," not in line:
            continue
        *fields, took = line.split(",")
        kind = OTHER
        if fields[5] == "convolution":
            sizes = {name: int(n) for name, n in re.findall(r"([a-z]+)(\d+)", fields[-1])}
            kind = tuple(sizes[name] for name in ("ic", "oc", "kh", "kw", "ih", "iw", "oh", "ow"))
            names[kind] = fields[6]
        turn[kind] += float(took)
    return turn, names


def profiled(file: Path, turns: int) -> tuple[list[Turn], Counter[Kind]]:
    """What onnxruntime wrote down of its last calls, and how many convolutions of a kind there are."""
    found: list[Turn] = [defaultdict(float) for _ in range(turns)]
    times, kinds = defaultdict(list), {}
    for event in json.loads(file.read_text()):
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            what, name = event["args"], event["name"]
            shapes = [next(iter(s.values())) for s in (*what["input_type_shape"], *what["output_type_shape"])]
            kinds[name] = OTHER
            if what["op_name"] == "Conv":
                image, kernel, made = shapes[0], shapes[1], shapes[-1]
                kinds[name] = (image[1], made[1], *kernel[2:], *image[2:], *made[2:])
            times[name].append(event["dur"] / 1000)
    for name, each in times.items():
        for turn, took in zip(found, each[-turns:], strict=True):
            turn[kinds[name]] += took
    return [dict(turn) for turn in found], Counter(kinds.values())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("spec", nargs="?", default="resnet50")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--turns", type=int, default=30)
    args = parser.parse_args()
    place = find(args.spec)
    checked = check(place.source, place.path, [place.net] if place.net else None, {})
    net = checked.nets[place.net] if place.net else next(iter(checked.nets.values()))
    torch.set_grad_enabled(False)
    torch.manual_seed(0)
    module = load(emit(net, check_sizes=False), net_class(net), net.name).eval()
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    (x,) = example(net, args.batch, usual_sizes(net))
    x = x.contiguous(memory_format=torch.channels_last)
    with tempfile.TemporaryDirectory() as name, settled(module, [x]):
        folder = Path(name)
        torch.onnx.export(module, (x,), str(folder / "net.onnx"), dynamo=True, verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.enable_profiling, options.profile_file_prefix = True, str(folder / "profile")
        session = onnxruntime.InferenceSession(
            str(folder / "net.onnx"), options, providers=["CPUExecutionProvider"]
        )
        feed = {session.get_inputs()[0].name: x.contiguous().numpy()}
        timed, graph = Timed(packed(module, [x])), planned(module, [x])
        if graph is None:
            raise SystemExit("this torch has no bridge to oneDNN Graph")
        ours: list[Turn] = []
        theirs: list[Turn] = []
        names: dict[Kind, str] = {}
        machine = Machine(torch.device("cpu"))
        peaks = [float(machine.peak()["flops"])]
        for _ in range(3 + args.turns):
            session.run(None, feed)
            timed.turn = defaultdict(float)
            timed.run(x)
            ours.append(timed.turn)
            turn, names = reported(lambda: graph(x), folder / "kernels")
            theirs.append(turn)
        base, kinds = profiled(Path(session.end_profiling()), args.turns)
        peaks.append(float(machine.peak()["flops"]))
    table(base, ours[3:], theirs[3:], kinds, names, max(peaks), args.batch)


def table(
    base: list[Turn],
    ours: list[Turn],
    theirs: list[Turn],
    kinds: Counter[Kind],
    names: dict[Kind, str],
    flops: float,
    batch: int,
) -> None:
    """Print a row for each kind, and sums."""
    print(
        f"{torch.get_num_threads()} threads, {flops / 1e9:.0f} GFLOP/s at best; ms a call, onnxruntime's over ours"
    )
    print(f"{'':<42}{'onnxruntime':>16}{'packed':>15}{'planned':>15}{'share':>8}  kernel of planned")

    def row(title: str, chosen: list[Kind], work: float = 0, kernel: str = "") -> None:
        sums = [[sum(turn.get(k, 0.0) for k in chosen) for turn in side] for side in (base, ours, theirs)]
        meds = [statistics.median(side) for side in sums]
        ratios = [statistics.median(b / max(o, 1e-9) for b, o in zip(sums[0], s, strict=True)) for s in sums]
        cells = "".join(f"{m:9.3f} {r:5.2f}" for m, r in zip(meds[1:], ratios[1:], strict=True))
        share = f"{work / meds[2] * 1000 / flops:7.0%}" if work and meds[2] else ""
        print(f"{title:<42}{meds[0]:16.3f}{cells}{share:>8}  {kernel}")

    total = 0.0
    convolutions = [kind for kind in kinds if kind is not OTHER]
    for kind in convolutions:
        ic, oc, kh, kw, ih, iw, oh, ow = kind
        work = 2.0 * batch * ic * oc * kh * kw * oh * ow * kinds[kind]
        total += work
        title = f"{kinds[kind]:3} x {ic:4} to {oc:4}, {kh}x{kw}, {ih}x{iw} to {oh}x{ow}"
        row(title, [kind], work, names.get(kind, ""))
    row("all convolutions", convolutions, total)
    row("the rest", [OTHER])
    row("all", [*convolutions, OTHER])


if __name__ == "__main__":
    main()
