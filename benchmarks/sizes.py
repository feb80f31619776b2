"""What it costs to check a net for every input size, against checking it for one, in one run.

    python benchmarks/sizes.py [--runs N] [--json FILE]

Each net is checked with free sizes (`[3, H, W]`) and with fixed ones, alternating in one process; the ratio is
the median over the pairs. The nets have 1,000 layers, strides whose product is up to 4,096, ways that round
differently, and skips over the whole depth. Torch-free.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from pathlib import Path

from resdsl import conditions, notation, sets, sizes
from resdsl.pipeline import check
from resdsl.source import Source

BAR = 2.0
CACHES = [
    made
    for module in (sizes, sets, conditions, notation)
    for made in vars(module).values()
    if hasattr(made, "cache_clear")
]
"""What is worked out once a process: emptied before each check, so that each is as a first one."""


def repeated(strides: list[int], layers: int) -> str:
    """Residual stages of equal blocks, one for each stride."""
    per = layers // (2 * len(strides))
    stages = "\n".join(f"  unit(16, stride = {s} then 1) x {per}" for s in strides)
    return (
        "block unit(width, stride = 1) {\n  residual {\n"
        "    conv(width, 3x3, stride = stride, padding = 1); batchnorm; relu\n"
        "    conv(width, 3x3); batchnorm\n  } shortcut: identity else projection\n  relu\n}\n"
        f"net n {{\n  input image: INPUT\n{stages}\n}}\n"
    )


def distinct(strides: list[int], layers: int) -> str:
    """No two layers alike: every width is another, every so often one strides."""
    every = layers // len(strides)
    lines = []
    for i in range(layers):
        stride = f", stride = {strides[i // every]}" if i % every == 0 and i // every < len(strides) else ""
        lines.append(
            f"  conv({8 + i % 97}, 3x3{stride}, padding = 1, bias = {'true' if i % 2 else 'false'}); relu"
        )
    return "net n {\n  input image: INPUT\n" + "\n".join(lines) + "\n}\n"


def rounding(strides: list[int], layers: int) -> str:
    """Residual blocks whose shortcuts pool: each stride brings a condition on the sizes."""
    per = layers // (2 * len(strides))
    where = f"H % {_product(strides)} == 0, W % {_product(strides)} == 0"
    blocks = "\n".join(f"  down(16, {s})\n  unit(16) x {max(1, per - 1)}" for s in strides)
    return (
        "block unit(width) {\n  residual { conv(width, 3x3); batchnorm; relu; conv(width, 3x3); batchnorm }"
        " shortcut: identity\n  relu\n}\n"
        "block down(width, stride) {\n  residual { conv(width, 3x3, stride = stride, padding = 1); batchnorm }"
        " shortcut: { avgpool([stride, stride], stride); conv(width, 1x1); batchnorm }\n  relu\n}\n"
        f"net n {{\n  input image: INPUT where {where}\n{blocks}\n}}\n"
    )


def unet(strides: list[int], layers: int) -> str:
    """Down and up again, with a skip for each stride."""
    per = max(1, layers // (4 * len(strides)))
    down = "\n".join(f"  cbr(16) x {per} as s{i}\n  maxpool([{s}, {s}], {s})" for i, s in enumerate(strides))
    up = "\n".join(
        f"  resize({s}) as u{i}\n  from u{i}, s{i} -> concat\n  cbr(16) x {per}"
        for i, s in reversed(list(enumerate(strides)))
    )
    where = f"H % {_product(strides)} == 0, W % {_product(strides)} == 0"
    return (
        "block cbr(width) { conv(width, 3x3); batchnorm; relu; conv(width, 3x3); batchnorm; relu }\n"
        f"net n {{\n  input image: INPUT where {where}\n  cbr(16)\n{down}\n  cbr(16)\n{up}\n}}\n"
    )


def _product(strides: list[int]) -> int:
    made = 1
    for s in strides:
        made *= s
    return made


def seconds(text: str) -> float:
    """Time of one check."""
    for cache in CACHES:
        cache.cache_clear()
    started = time.perf_counter()
    checked = check(Source("n.res", text))
    took = time.perf_counter() - started
    assert checked.ok, [d.message for d in checked.diagnostics]
    return took


def measure(text: str, size: int, runs: int) -> dict[str, float]:
    """Median of free / fixed over alternating pairs, after one warm-up of each."""
    free = text.replace("INPUT", "[3, H, W]")
    head, _, rest = text.partition("INPUT")
    fixed = head + f"[3, {size}, {size}]" + (rest[rest.index("\n") :] if rest.startswith(" where") else rest)
    seconds(free), seconds(fixed)
    pairs = [(seconds(free), seconds(fixed)) for _ in range(runs)]
    return {
        "free_s": statistics.median(a for a, _ in pairs),
        "fixed_s": statistics.median(b for _, b in pairs),
        "ratio": statistics.median(a / b for a, b in pairs),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    chains = {"32": [2] * 5, "4,096": [2] * 12, "4,096 by 4": [4] * 6, "3,600": [2, 3, 4, 5, 6, 5]}
    rows = {}
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {args.runs} alternating pairs, medians\n"
    )
    for kind in (repeated, distinct, rounding, unet):
        for product, strides in chains.items():
            row = measure(kind(strides, 1_000), _product(strides) * 2, args.runs)
            rows[f"{kind.__name__}, strides {product}"] = row
            verdict = "holds" if row["ratio"] <= BAR else "MISSED"
            print(
                f"{kind.__name__ + ', product of strides ' + product:<42} {row['free_s'] * 1e3:7.1f} ms /"
                f" {row['fixed_s'] * 1e3:6.1f} ms = {row['ratio']:.2f}  (at most {BAR}: {verdict})"
            )
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
