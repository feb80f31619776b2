"""Every bundled net that torchvision has too, beside it: one row a model.

    python -m benchmarks.parity [NET ...] [--markdown FILE]

Keys (the same names, in order), strict load both ways, the largest difference of the outputs in evaluation and in
training (float32, eager, CPU, random weights and statistics; the same random numbers are drawn), parameters, MACs
(torch's FlopCounterMode at the size the net is counted at, on meta tensors) and lines of code. Needs torch and
torchvision; the reference models are made as the tests make them (`tests/specs/twins.py`).
"""

from __future__ import annotations

import argparse
import gc
import platform
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
warnings.filterwarnings("ignore")

import torch  # noqa: E402
from backend.reference import logits, randomise  # noqa: E402
from specs.twins import HUGE, TABLES, TWINS, empty, size, theirs  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from benchmarks.lines import Library, table  # noqa: E402
from resdsl import load  # noqa: E402
from resdsl.backend.build import build  # noqa: E402
from resdsl.sizes import shape_at  # noqa: E402

HEAD = ("model", "keys", "strict load", "evaluation", "training", "parameters", "MACs", "lines")


@dataclass
class Row:
    """What was found of one model.

    Attributes:
        keys: state_dict names and shapes, in order.
        strict: each loads the other's weights, strictly.
        evaluation: largest difference of an output, relative to the largest output; so is `training`.
        params: ours and theirs.
        macs: ours and theirs, for one sample.
        lines: of code, of the net and all blocks it uses.
    """

    name: str
    keys: bool
    strict: bool
    evaluation: float
    training: float
    params: tuple[int, int]
    macs: tuple[int, int]
    lines: int

    @property
    def holds(self) -> bool:
        """Whether nothing differs but by rounding."""
        same = self.params[0] == self.params[1] and self.macs[0] == self.macs[1]
        return self.keys and self.strict and same and max(self.evaluation, self.training) <= 1e-6

    def cells(self) -> list[str]:
        """The row as text."""
        return [
            self.name,
            "same" if self.keys else "DIFFER",
            "both ways" if self.strict else "FAILS",
            *("0" if d == 0 else f"{d:.1e}" for d in (self.evaluation, self.training)),
            *(f"{a:,}" if a == b else f"{a:,}, NOT {b:,}" for a, b in (self.params, self.macs)),
            str(self.lines),
        ]


def shapes(module: Any) -> list[tuple[str, tuple[int, ...]]]:
    """The names and shapes of the state."""
    return [(name, tuple(tensor.shape)) for name, tensor in module.state_dict().items()]


def compare(name: str) -> Row:
    """One model."""
    net = load(name)
    with torch.device("meta"):
        counted = theirs(name).eval()
        with FlopCounterMode(display=False) as counter:
            counted(torch.empty(1, *shape_at(net.net.graph.input_shapes[0] or (), net.net.nominal or {})))
        keys = shapes(build(net.net)) == shapes(counted)
    make = (lambda made: made()) if name in TABLES else empty
    ours, reference = make(lambda: build(net.net)), make(lambda: theirs(name))
    if name.startswith("mnasnet"):
        ours._version = 2  # version 1 has other widths, and torchvision would turn into it
    randomise(reference)
    try:
        ours.load_state_dict(reference.state_dict(), strict=True)
        reference.load_state_dict(ours.state_dict(), strict=True)
        strict = True
    except RuntimeError:
        strict = False
    x = torch.randn(1 if name in HUGE else 2, 3, *size(name), generator=torch.Generator().manual_seed(1))
    largest = []
    for training in (False, True):
        outputs = []
        for module in (ours, reference):
            torch.manual_seed(0)
            with torch.no_grad():
                outputs.append(logits(module.train(training)(x)))
        a, b = outputs
        same = a.shape == b.shape and bool(b.isfinite().all())
        largest.append(float((a - b).abs().max() / b.abs().max()) if same else float("inf"))
    params = sum(p.numel() for p in counted.parameters())
    lines = sum(map(len, Library().lines([name]).values()))
    macs = (net.macs, counter.get_total_flops() // 2)
    return Row(name, keys, strict, largest[0], largest[1], (net.params, params), macs, lines)


def main() -> int:
    """Compare and print; exit status 1 if anything differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("nets", nargs="*", metavar="NET", help="all of torchvision's by default")
    parser.add_argument("--markdown", type=Path, help="write the table there")
    args = parser.parse_args()
    names, rows, started = args.nets or list(TWINS), [], time.monotonic()
    widths = (30, 6, 11, 10, 10, 13, 16, 5)
    print("  ".join(f"{h:<{w}}" for h, w in zip(HEAD, widths, strict=True)))
    for name in sorted(names):
        rows.append(compare(name))
        gc.collect()
        print("  ".join(f"{c:<{w}}" for c, w in zip(rows[-1].cells(), widths, strict=True)), flush=True)
    print(f"\n{table(names)}\n")
    failed = [row.name for row in rows if not row.holds]
    print(
        f"{len(rows) - len(failed)} of {len(rows)} models agree with torchvision in everything; torch"
        f" {torch.__version__}, {platform.machine()}, {time.monotonic() - started:.0f} s"
    )
    if args.markdown:
        lines = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in rows)]
        args.markdown.write_text("".join(f"| {' | '.join(line)} |\n" for line in lines), encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
