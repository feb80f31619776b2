"""How fast the front end is, as ratios measured side by side in one run.

    python benchmarks/frontend.py [--runs N] [--json FILE]

Whole cold processes, alternating; each ratio is the median over the pairs. Needs torch and torchinfo for
the other side (`pip install -c constraints.txt '.[torch,reference]'`).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PYTHON = sys.executable
# Installed packages are byte-compiled; without this a working tree may be compiled anew in every process.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
IMPORT_TORCH = [PYTHON, "-c", "import torch"]
TORCHINFO = [
    PYTHON,
    "-c",
    "import torch, torchinfo, sys; sys.path.insert(0, sys.argv[1]); from net import ResNet152;"
    "torchinfo.summary(ResNet152(), (1, 3, 224, 224), device='cpu')",
]
DEEP = """\
block basic(width) {
  residual {
    conv1 = conv(width, 3x3); bn1 = batchnorm; relu
    conv2 = conv(width, 3x3); bn2 = batchnorm
  } shortcut: identity
  relu
}
net deep(n) {
  input image: [16, 32, 32]
  layer1 = basic(16) x n
  global_avgpool; flatten
  linear(10)
}
"""


def resdsl(*arguments: str) -> list[str]:
    """The command of a resdsl process."""
    return [PYTHON, "-m", "resdsl", *arguments]


def seconds(command: list[str]) -> float:
    """Wall time of one whole process."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def ratio(ours: list[str], theirs: list[str], runs: int) -> dict[str, float]:
    """Median of ours / theirs over alternating pairs, after one warm-up of each."""
    seconds(ours), seconds(theirs)
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(runs)]
    return {
        "ours_s": statistics.median(a for a, _ in pairs),
        "theirs_s": statistics.median(b for _, b in pairs),
        "ratio": statistics.median(a / b for a, b in pairs),
    }


def slope(folder: Path, runs: int) -> dict[str, float]:
    """Check time against depth, inside one process each: microseconds a layer, from 110 to 10,000 layers."""
    spec = folder / "deep.res"
    spec.write_text(DEEP)
    code = (
        "import sys, time; from pathlib import Path\n"
        "from resdsl.pipeline import check; from resdsl.source import Source\n"
        "text = Path(sys.argv[1]).read_text(); best = 1e9\n"
        f"for _ in range({max(runs, 3)}):\n"
        "    t = time.perf_counter(); c = check(Source('deep.res', text), None, ['deep'], {'n': sys.argv[2]})\n"
        "    best = min(best, time.perf_counter() - t); assert c.ok\n"
        "print(best)"
    )
    made = {}
    for layers in (110, 1_000, 2_000, 5_000, 10_000):
        blocks = str(layers // 2)
        done = subprocess.run(
            [PYTHON, "-c", code, str(spec), blocks], check=True, capture_output=True, text=True
        )
        made[str(layers)] = float(done.stdout)
    return made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(
            resdsl("compile", "resnet152", "-o", str(folder / "net.py")),
            check=True,
            stderr=subprocess.DEVNULL,
        )
        rows = [
            (
                "check resnet50 / import torch",
                0.25,
                ratio(resdsl("check", "resnet50"), IMPORT_TORCH, args.runs),
            ),
            (
                "check resnet1202 / import torch",
                0.5,
                ratio(resdsl("check", "resnet1202"), IMPORT_TORCH, args.runs),
            ),
            (
                "summary resnet152 / torchinfo",
                0.1,
                ratio(resdsl("summary", "resnet152"), [*TORCHINFO, str(folder)], args.runs),
            ),
        ]
        depth = slope(folder, args.runs)
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {args.runs} alternating pairs, medians\n"
    )
    for title, bar, row in rows:
        verdict = "holds" if row["ratio"] <= bar else "MISSED"
        print(
            f"{title:<34} {row['ours_s']:6.2f} s / {row['theirs_s']:5.2f} s = {row['ratio']:.3f}"
            f"  (at most {bar}: {verdict})"
        )
    print("\ncheck time against depth (one process each, best of runs)")
    for layers, took in depth.items():
        print(f"{layers:>7} layers  {took * 1e3:8.1f} ms  {took / int(layers) * 1e6:7.1f} us a layer")
    growth = (depth["10000"] - depth["1000"]) / 9_000 / ((depth["2000"] - depth["1000"]) / 1_000)
    print(f"slope from 1,000 to 10,000 over slope from 1,000 to 2,000: {growth:.2f} (1 is linear)")
    if args.json:
        args.json.write_text(
            json.dumps({"rows": {t: r for t, _, r in rows}, "depth": depth}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
