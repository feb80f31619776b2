"""Every claim about nets in one file: how soon a fresh process answers, and how exactly.

    python benchmarks/artefact.py [--net NAME] [--runs N] [--json FILE]

Each side is a fresh process, from its start until its answer is printed, and they take turns. Ours is all of
`resdsl run`, which reads a picture too; the others get its pixels as an array. The twin is the emitted module, with
the same weights, by `torch.compile`; its cache is filled before. Two processes that only load show where time goes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from benchmarks.claims import Claim, keep, machine_line
from resdsl import load
from resdsl.backend.artefact.load import load_artefact
from resdsl.backend.artefact.write import write
from resdsl.backend.bench.compare import Job, Side
from resdsl.backend.dynamic import example
from resdsl.backend.image import read_image

PLAIN = "import numpy; x = numpy.load('image.npy')\n"
TWIN = """
import torch, emitted
net = emitted.{name}(); net.load_state_dict(torch.load('net.pth', weights_only=True)); net.eval()
net = torch.compile(net.to(memory_format=torch.channels_last))
with torch.no_grad(): print(int(net(torch.from_numpy(x).to(memory_format=torch.channels_last)).argmax()), flush=True)
"""
ONNXRUNTIME = """
import onnxruntime
net = onnxruntime.InferenceSession('net.onnx', providers=['CPUExecutionProvider'])
print(net.run(None, {net.get_inputs()[0].name: x})[0].argmax(), flush=True)
"""
PUBLIC = """
import torch
net = torch._inductor.aoti_load_package('net.pt2')
print(int(net(torch.from_numpy(x)).argmax()), flush=True)
"""


def first_answer(command: list[str], folder: Path) -> float:
    """Seconds from the start of a process until its first line."""
    home = str(Path(__file__).parents[1])
    started = perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ
        | {"PYTHONPATH": home, "TORCHINDUCTOR_CACHE_DIR": str(folder / "cache"), "PYTHONUNBUFFERED": "1"},
    )
    with process:
        assert process.stdout is not None
        line = process.stdout.readline()
        took = perf_counter() - started
    if not line or process.returncode:
        raise SystemExit(f"{' '.join(command)[:60]} gave no answer")
    return took


def prepare(name: str, folder: Path) -> str:
    """Write a net with random weights in all forms, and a picture; the name of its class."""
    from PIL import Image

    net = load(name)
    torch.manual_seed(0)
    module = net.module().eval()
    for key, tensor in module.named_buffers():  # not the mean 0 and variance 1 of a fresh net
        if key.endswith("running_mean"):
            tensor.normal_(0, 0.1)
        elif key.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
    for suffix in (".pt2", ".onnx"):
        print(f"writing {name}{suffix} ...", flush=True)
        write(folder / f"net{suffix}", net.net, module, at=net.sizes(), labels=[str(i) for i in range(1000)])
    torch.save(module.state_dict(), folder / "net.pth")
    (folder / "emitted.py").write_text(net.source())
    Image.effect_mandelbrot((500, 400), (-3, -2.5, 2, 2.5), 100).convert("RGB").save(folder / "image.png")
    import numpy

    numpy.save(folder / "image.npy", read_image(folder / "image.png", 3, 224, 224))
    return type(module).__name__


def answers(name: str, folder: Path) -> list[Claim]:
    """How far what each file computes is from the eager module: of the largest value."""
    import onnxruntime

    net = load(name)
    module = net.module().eval()
    module.load_state_dict(torch.load(folder / "net.pth", weights_only=True))
    (x,) = example(net.net, 1, net.sizes())
    with torch.no_grad():
        wanted = module(x)
    session = onnxruntime.InferenceSession(folder / "net.onnx", providers=["CPUExecutionProvider"])
    found = {
        ".pt2": load_artefact(folder / "net.pt2")(x.numpy())[0],
        ".onnx": session.run(None, {session.get_inputs()[0].name: x.numpy()})[0],
    }
    made = []
    for suffix, got in found.items():
        far = float((torch.from_numpy(got) - wanted).abs().max() / wanted.abs().max())
        detail = "largest difference from eager, of the largest value"
        made.append(Claim(f"answer of {name}{suffix}", far, 1e-5, True, detail))
    return made


def measure(name: str, runs: int, folder: Path) -> list[Claim]:
    """First answers, ours over the others'."""
    kind = prepare(name, folder)
    sides = {
        "resdsl run": ["-m", "resdsl", "run", "net.pt2", "--image", "image.png", "--top", "1"],
        "onnxruntime": ["-c", PLAIN + ONNXRUNTIME],
        "torch.compile, warm cache": ["-c", PLAIN + TWIN.format(name=kind)],
        "torch's own loader": ["-c", PLAIN + PUBLIC],
        "import torch alone": ["-c", "import torch; print(1, flush=True)"],
    }
    for command in sides.values():  # fills caches
        first_answer(command, folder)
    took: dict[str, list[float]] = {side: [] for side in sides}
    for turn in range(runs):
        print(f"turn {turn + 1} of {runs} ...", flush=True)
        names = list(sides)
        for side in names[turn % len(names) :] + names[: turn % len(names)]:
            took[side].append(first_answer(sides[side], folder))
    ours = took.pop("resdsl run")
    bars = {"onnxruntime": 2.0, "torch.compile, warm cache": 1 / 3}
    claims = []
    for side, theirs in took.items():
        value = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        detail = f"{statistics.median(ours):.2f} s, the other {statistics.median(theirs):.2f} s"
        claims.append(Claim(f"first answer {name}.pt2, {side}", value, bars.get(side, 1.0), True, detail))
    return claims + answers(name, folder)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--net", default="resnet50", help="a bundled net of images (resnet50)")
    parser.add_argument("--runs", type=int, default=9, help="turns of each side (9)")
    parser.add_argument("--json", type=Path, help="keeps the rows of earlier runs on the same machine")
    args = parser.parse_args()
    with Side("machine", Job("", device="cpu")) as machine:
        known = machine.known
    print(f"{machine_line(known)}; {args.runs} turns, medians of ratios\n")
    with tempfile.TemporaryDirectory() as folder:
        claims = measure(args.net, args.runs, Path(folder))
    print(*claims, sep="\n")
    if args.json:
        keep(args.json, known, claims)


if __name__ == "__main__":
    main()
