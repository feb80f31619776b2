"""Writes docs/performance.md from the measurements in benchmarks/results/.

compile.py, artefact.py, dtype.py and gpu.py make these.

python benchmarks/performance.py [--check]
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "performance.md"
HEAD = """\
# Performance

Made by `python benchmarks/performance.py` from the measurements in [benchmarks/results](../benchmarks/results). Each
number is a ratio of two sides that took turns in one run, the median over the turns; every side is a process of its
own with an empty cache. The twin is the emitted module, plain PyTorch, by `torch.compile`, in channels last.

"cold" is the time of the first call over the twin's (less is better), "flat" what a further layer adds to it over the
twin's, "steady" the twin's time over ours (more is better), "memory" and "gradients" those of a training step. "of the
peak" is the share of the FLOPs a second that the fastest product of two matrices reaches in the same run: where ours is
near all of it, no other lowering of the same sums can be much faster. A training step keeps the memory that it frees;
the twin, as torch does on the CPU, fetches it anew ([more](architecture.md#how-a-net-runs)).

"first answer" is the time from the start of a process to its answer, ours by `resdsl run net.pt2`, over another's, and
"answer" how far that is from eager ([more](artefacts.md)). "accuracy" says how many photographs get the first answer
that they get in float32, and how far probabilities are off, over eager under autocast.
"""


MISSED = {
    r"inference, batch 8, torch": "ours takes nearly all of the machine's peak and the twin most of it, so that the bar"
    " asks for more products a second than the machine computes.",
    r"training.*memory": "the tensors of both are as large to within a percent; the rest is what glibc's heap loses"
    " between blocks that are freed in another order.",
}
"""What is known of a claim that does not hold, by its title."""


def page() -> str:
    """The text of the page."""
    lines = [HEAD]
    for file in sorted((HERE / "results").glob("*.json")):
        found = json.loads(file.read_text(encoding="utf-8"))
        known = found["environment"]
        lines += [
            f"## {known['name_of_device']}",
            "",
            f"{known['cores']} cores, {known['threads']} threads, torch {known['torch']}, Python {known['python']},"
            f" {known['system']}{_card(known)}.",
            "",
            "| what | ratio | wanted | | |",
            "| --- | ---: | --- | --- | --- |",
        ]
        for claim in sorted(found["claims"], key=lambda c: c["title"]):
            bound = f"{'at most' if claim['at_most'] else 'at least'} {claim['bar']:.3g}"
            verdict = "holds" if claim["holds"] else "**missed**"
            lines.append(
                f"| {claim['title']} | {claim['value']:.3g} | {bound} | {verdict} | {claim['detail']} |"
            )
        lines.append("")
        missed = [claim["title"] for claim in found["claims"] if not claim["holds"]]
        for pattern, reason in MISSED.items():
            titles = sorted(title for title in missed if re.search(pattern, title))
            if titles:
                lines += [f"- missed: {'; '.join(titles)}: {reason}"]
        lines += [f"- not measured: {what}: {why}" for what, why in found.get("left_out", {}).items()]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _card(known: dict[str, Any]) -> str:
    """What a GPU runs with."""
    if not known.get("cuda"):
        return ""
    return f", driver {known['driver']}, CUDA {known['cuda']}, cuDNN {known['cudnn']}"


def main() -> int:
    """Write the page, or say whether it is as the measurements say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the page would change")
    if parser.parse_args().check:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
