"""What a net in one file says of itself, and whether it can run here: without torch.

In a package it is JSON under the key `resdsl` of the metadata, in a `.onnx` a property of that name. It is read, and
compared with this machine, before any code of the file runs.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import resdsl
from resdsl.backend.errors import MissingTorch
from resdsl.backend.image import DEVIATION, MEAN
from resdsl.conditions import condition
from resdsl.domain import Domain, match_sizes
from resdsl.sets import SizeSet
from resdsl.sizes import Shape, Size, variable

FORMAT = 1
"""Of the metadata; a higher one is not read."""

KEY = "resdsl"
"""The entry of the metadata."""


DAMAGED = "the file is truncated or damaged"


class BadArtefact(Exception):
    """A file cannot be run here; the text says why."""


@dataclass(frozen=True)
class About:
    """What a file says of itself.

    Attributes:
        net: its name; `settings`: arguments that were given from outside.
        spec: by name of each file, its text.
        inputs: their shapes without the batch; a dimension that varies is an input size by name.
        sizes: the input sizes that vary, with the values they may take.
        at: the values of these that are usual.
        batch: images in a call; None for any number.
        outputs: their shapes, as text.
        labels: names of the classes, in order; empty where it has none.
        random: whether no weights were given, so that its own are random.
        device: it runs on, `cpu` or `cuda`; empty where it runs on any.
        machine: the system and processor it was compiled for, like `Linux x86_64`; `needs`: the features that
            its code uses of the CPU (`avx2`, `fma`) or the GPU (`sm_90`).
        torch, resdsl: the versions that made it.
    """

    net: str
    settings: Mapping[str, str]
    spec: Mapping[str, str]
    inputs: tuple[Shape, ...]
    sizes: Mapping[str, SizeSet]
    at: Mapping[str, int]
    batch: int | None
    outputs: tuple[str, ...]
    labels: tuple[str, ...]
    random: bool
    device: str
    machine: str
    needs: tuple[str, ...]
    torch: str
    resdsl: str

    @property
    def calls(self) -> str:
        """What it takes, in words."""
        shapes = ", ".join("[" + ", ".join(map(str, shape)) + "]" for shape in self.inputs)
        terms = [condition(s, var) or f"any {var}" for var, s in self.sizes.items()]
        return "; ".join([shapes, "any batch" if self.batch is None else f"batches of {self.batch}", *terms])

    def misfit(
        self, shape: Sequence[int], values: dict[str, int] | None = None, input: int = 0
    ) -> str | None:
        """Why an input does not fit, given its shape without the batch; the sizes go into `values`."""
        found = {} if values is None else values
        return match_sizes(self.inputs[input], tuple(shape), Domain(dict(self.sizes)), found)

    def to_json(self) -> str:
        """The metadata, for a reader that need not know resdsl."""
        spec = {
            name: {"sha256": hashlib.sha256(text.encode()).hexdigest(), "text": text}
            for name, text in self.spec.items()
        }
        sizes = {
            var: {
                "condition": condition(s, var),
                **asdict(s),
                "head": hex(s.head),
                "residues": hex(s.residues),
            }
            for var, s in self.sizes.items()
        }
        inputs = [
            [d if isinstance(d, int) else d.var for d in shape if isinstance(d, (int, Size))]
            for shape in self.inputs
        ]
        preprocessing = {
            "resize": "shorter side to round(256 / 224 * max(height, width)), bilinear, antialiased",
            "crop": "centre",
            "divide": 255,
            "mean": MEAN,
            "deviation": DEVIATION,
        }
        own = {**self.__dict__, "spec": spec, "sizes": sizes, "inputs": inputs}
        return json.dumps(
            {"format": FORMAT, **own, "dtype": "float32", "preprocessing": preprocessing}, ensure_ascii=False
        )

    @staticmethod
    def of_json(found: Mapping[str, Any]) -> About:
        """What `to_json` wrote."""
        sizes = {
            var: SizeSet(int(s["start"]), int(s["head"], 16), int(s["period"]), int(s["residues"], 16))
            for var, s in found["sizes"].items()
        }
        return About(
            net=str(found["net"]),
            settings=dict(found["settings"]),
            spec={name: str(file["text"]) for name, file in found["spec"].items()},
            inputs=tuple(
                tuple(variable(d) if isinstance(d, str) else int(d) for d in s) for s in found["inputs"]
            ),
            sizes=sizes,
            at={var: int(found["at"][var]) for var in sizes},
            batch=None if found["batch"] is None else int(found["batch"]),
            outputs=tuple(found["outputs"]),
            labels=tuple(found["labels"]),
            random=bool(found.get("random", False)),
            device=str(found["device"]),
            machine=str(found["machine"]),
            needs=tuple(found["needs"]),
            torch=str(found["torch"]),
            resdsl=str(found["resdsl"]),
        )


def read_about(path: str | Path) -> About:
    """What a package says of itself; none of its code runs. Raises BadArtefact, and OSError where there is no file."""
    entries: list[dict[str, str]] = []
    foreign = "it is not a file that `resdsl compile -o FILE.pt2` writes"
    with open(path, "rb") as file:
        if file.read(2) != b"PK":
            raise BadArtefact(foreign)
    try:
        with zipfile.ZipFile(path) as archive:
            texts = [archive.read(n) for n in archive.namelist() if n.endswith("_metadata.json")]
            entries = [json.loads(text) for text in texts]
    except OSError:
        raise
    except Exception:  # damage shows as many types
        raise BadArtefact(DAMAGED) from None
    try:
        own = next((json.loads(entry[KEY]) for entry in entries if KEY in entry), None)
        if own is None:
            raise BadArtefact(foreign)
        if int(own["format"]) > FORMAT:
            raise BadArtefact(
                f"resdsl {own['resdsl']} wrote it in a newer format; this is resdsl {resdsl.__version__}"
            )
        return About.of_json(own)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadArtefact("what it says of itself is damaged") from None


# ---------------------------------------------------------------- this machine


def check_here(about: About) -> None:
    """Raise BadArtefact for a package that was compiled for another torch, system, CPU or GPU."""
    again = "compile it again"
    if about.torch != (here := torch_release()):
        raise BadArtefact(f"it was compiled by torch {about.torch}, and this is torch {here}: {again}")
    if about.machine != (here := machine()):
        raise BadArtefact(f"it was compiled for {about.machine}, and this is {here}: {again} here")
    if about.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise BadArtefact("it was compiled for a CUDA device, and there is none here")
    found = features(about.device)
    missing = [need for need in about.needs if need not in found]
    if missing:
        what = "GPU" if about.device == "cuda" else "CPU"
        raise BadArtefact(
            f"it was compiled for a {what} with {', '.join(missing)}, which this one lacks: {again} here"
        )


def torch_release() -> str:
    """`2.13.0` of the torch that is installed, `2.13.0+cpu` or another build; torch is not loaded."""
    folder = torch_folder()
    found = re.search(r"__version__ = '([^'+]+)", (folder / "version.py").read_text(encoding="utf-8"))
    return found[1] if found else "unknown"


def torch_folder() -> Path:
    """Where torch is installed. Raises MissingTorch."""
    try:
        spec = find_spec("torch")
    except ValueError:  # what `sys.modules["torch"] = None` leads to
        spec = None
    if spec is None or spec.origin is None:
        raise MissingTorch
    return Path(spec.origin).parent


def machine() -> str:
    """The system and processor, like `Linux x86_64`."""
    return f"{platform.system()} {platform.machine()}"


def features(device: str) -> set[str]:
    """What the processor is capable of, in the words of `About.needs`."""
    if device == "cuda":
        import torch

        major, minor = torch.cuda.get_device_capability()
        return {f"sm_{major}{minor}"}
    if machine() == "Linux x86_64":
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return set(
            next((line for line in lines if line.startswith("flags")), "").replace("_", "").split()[2:]
        )
    import torch

    return {torch.backends.cpu.get_cpu_capability().lower()}
