"""A net in one file: compiled ahead of time, it runs without resdsl and without compiling again.

Such a file is a package of torch's AOTInductor: a zip archive with a shared library, which holds the weights, and
with metadata. `torch._inductor.aoti_load_package` runs it; what resdsl says of it is in its metadata, as JSON under
the key `resdsl`, and is read before any code of the file runs.

A package serves one device, one version of torch and CPUs like the one it was compiled on. It is native code: who
runs it trusts who made it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import resdsl
from resdsl.backend.build import load
from resdsl.backend.compile import memory_format
from resdsl.backend.dynamic import dynamic_shapes, example, one_graph
from resdsl.backend.errors import MissingTorch
from resdsl.backend.image import DEVIATION, MEAN, BadImage, likeliest, read_image
from resdsl.backend.inference.fold import folded
from resdsl.backend.signature.cut import NotCut
from resdsl.conditions import condition
from resdsl.domain import Domain, match_sizes
from resdsl.emit import emit, net_class
from resdsl.files import write_file
from resdsl.graph.model import Net
from resdsl.sets import SizeSet
from resdsl.sizes import Shape, Size, shape_at, variable

try:
    import torch
    from torch import Tensor, nn
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

FORMAT = 1
"""Of the metadata; a higher one is not read."""

KEY = "resdsl"
"""The entry of the package's metadata."""

CPUS = ("DEFAULT", "AVX2", "AVX512")
"""What `torch.backends.cpu.get_cpu_capability` says on x86: each runs what was compiled for those before it."""


class BadArtefact(Exception):
    """A file cannot be run here; the text says why."""


class NotCompiled(Exception):
    """Torch cannot compile a net ahead of time on this machine; the text says why."""


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
        device: it runs on, `cpu` or `cuda`; `cpu`: what its CPU must be capable of.
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
    device: str
    cpu: str
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
            device=str(found["device"]),
            cpu=str(found["cpu"]),
            torch=str(found["torch"]),
            resdsl=str(found["resdsl"]),
        )


# ---------------------------------------------------------------- writing


def write_artefact(
    path: str | Path,
    net: Net,
    module: nn.Module,
    *,
    at: Mapping[str, int],
    batch: int | None = 1,
    spec: Mapping[str, str] | None = None,
    labels: Sequence[str] = (),
) -> About:
    """Compile a net with its weights for inference, into one file: whole, or not at all.

    Args:
        path: the file, which ends in `.pt2`.
        net: a checked net.
        module: an emitted module of it, for its weights and its device; it stays as it is.
        at: the input sizes; with `batch=None` those of a usual call.
        batch: images in a call; None for any number, and for all sizes that `one_graph` serves.
        spec: the texts it was made from, by name.
        labels: names of the classes.

    Raises:
        NotCompiled: torch or the C++ compiler do not do it.
        ValueError: `at` is not among these sizes.
        OSError: the file cannot be written.
    """
    check_target(Path(path))
    about = describe(net, module, at=at, batch=batch, spec=spec, labels=labels)
    with explained():
        package = _packaged(exported(net, module, at, batch), about)
    write_file(path, package)
    return about


def describe(
    net: Net,
    module: nn.Module,
    *,
    at: Mapping[str, int],
    batch: int | None,
    spec: Mapping[str, str] | None,
    labels: Sequence[str],
) -> About:
    """What a file says of itself. Arguments and ValueError as for `write_artefact`."""
    dynamic = batch is None
    shapes = [shape or () for shape in net.graph.input_shapes]
    served = one_graph(net) if dynamic else {}
    for shape in shapes:
        reason = match_sizes(shape, shape_at(shape, dict(at)), Domain(served), {}) if dynamic else None
        if reason is not None:
            raise ValueError(reason)
    return About(
        net=net.name,
        settings=dict(net.settings),
        spec=dict(spec or {}),
        inputs=tuple(shape if dynamic else shape_at(shape, dict(at)) for shape in shapes),
        sizes=served,
        at={var: at[var] for var in served},
        batch=batch,
        outputs=tuple(
            "?" if shape is None else f"[{', '.join(map(str, shape))}]" for shape in net.graph.output_shapes
        ),
        labels=tuple(labels),
        device=_place(module).type,
        cpu=torch.backends.cpu.get_cpu_capability(),
        torch=_release(torch.__version__),
        resdsl=resdsl.__version__,
    )


def exported(net: Net, module: nn.Module, at: Mapping[str, int], batch: int | None) -> Any:
    """A net for inference, with the weights of a module, as `torch.export` gives it."""
    place = _place(module)
    inputs = tuple(example(net, 2 if batch is None else batch, dict(at), place))
    shapes = dynamic_shapes(net) if batch is None else None
    return torch.export.export(_for_inference(net, module, place), inputs, dynamic_shapes=shapes)


def _place(module: nn.Module) -> torch.device:
    return next((t.device for t in module.parameters()), torch.device("cpu"))


def check_target(path: Path) -> None:
    """Raise OSError before anything is compiled if no file can be there."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(path.parent))


def _for_inference(net: Net, module: nn.Module, place: torch.device) -> nn.Module:
    """A copy of a module, in evaluation mode, as it is compiled."""
    made = load(emit(net, check_sizes=False), net_class(net), net.name).to(place)
    made.load_state_dict(module.state_dict())
    made.eval().requires_grad_(False)
    layout: Any = memory_format(made)
    with suppress(NotCut):  # then inductor folds what it can
        made = folded(made)
    return made.to(memory_format=layout)  # type: ignore[call-overload, no-any-return]


def _packaged(program: Any, about: About) -> bytes:
    """Compile an exported program into a package.

    It is written to memory: where a disk is full, torch ends the whole process.
    """
    options = {
        "aot_inductor.metadata": {KEY: about.to_json()},
        "cpp.dynamic_threads": True,  # else it runs on as many threads as there are here
    }
    package = BytesIO()
    # Freezing is read from the global setting; among the options it has no effect.
    config: Any = torch._inductor.config
    with config.patch(freezing=True):
        torch._inductor.aoti_compile_and_package(program, package_path=package, inductor_configs=options)
    return package.getvalue()


@contextmanager
def explained() -> Iterator[None]:
    """Say in a sentence why torch failed."""
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of torch, about itself
            yield
    except Exception as error:
        chain: list[BaseException] = []
        cause: BaseException | None = error
        while cause is not None and cause not in chain:
            chain.append(cause)
            cause = getattr(cause, "inner_exception", None) or cause.__cause__ or cause.__context__
        texts = [str(e) for e in chain]
        if any("No space left on device" in text for text in texts):
            raise OSError(errno.ENOSPC, "no space left on device") from error
        if any(type(e).__name__ == "InvalidCxxCompiler" for e in chain):
            raise NotCompiled(
                "this needs a C++ compiler, and none was found: install g++, or name one in CXX"
            ) from error
        narrowed = next(
            (found for text in texts if (found := re.search(r"Constraints violated \(([^)]*)\)", text))), None
        )
        if narrowed is not None:
            reason = (
                f"torch {torch.__version__} cannot keep `{narrowed[1]}` open in it for every size that fits"
            )
            raise NotCompiled(f"{reason}: leave --dynamic out") from error
        lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
        told = [line for line in lines if "error: " in line or "failed: " in line]  # by the C++ compiler
        first = next(iter(told or lines), "")
        raise NotCompiled(
            f"torch {torch.__version__} does not: {first or type(chain[0]).__name__}"
        ) from error


# ---------------------------------------------------------------- reading


def read_about(path: str | Path) -> About:
    """What a file says of itself; none of its code runs. Raises BadArtefact, and OSError where there is no file."""
    entries: list[dict[str, str]] = []
    foreign = "it is not a file that `resdsl compile -o FILE.pt2` writes"
    with open(path, "rb") as file:
        if file.read(2) != b"PK":
            raise BadArtefact(foreign)
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip() is not None
            texts = [archive.read(n) for n in archive.namelist() if n.endswith("_metadata.json")]
            entries = [json.loads(text) for text in texts]
    except OSError:
        raise
    except Exception:  # damage shows as many types
        damaged = True
    if damaged:
        raise BadArtefact("the file is truncated or damaged")
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


@dataclass(frozen=True)
class Artefact:
    """A file that is loaded: `about` it, and what runs it."""

    about: About
    run: Any

    def __call__(self, *inputs: Tensor) -> Any:
        """The outputs. Raises ValueError for inputs that it was not compiled for."""
        at: dict[str, int] = {}
        for i, x in enumerate(inputs):
            reason = self.about.misfit(x.shape[1:], at, i)
            if reason is None and self.about.batch not in (None, len(x)):
                reason = f"it was compiled for a batch of {self.about.batch}, this is one of {len(x)}"
            if reason is not None:
                raise ValueError(f"{self.about.net}: {reason}")
        return self.run(*(x.contiguous() for x in inputs))

    def predict(
        self, path: str | Path, top: int, at: tuple[int, ...] | None = None
    ) -> list[tuple[int, float]]:
        """The `top` most likely classes of a picture, as `resdsl.backend.image.predict`. Raises `BadImage`."""
        about = self.about
        shape = at or shape_at(about.inputs[0], dict(about.at))
        if len(about.inputs) != 1 or len(shape) != 3 or shape[0] not in (1, 3):
            raise BadImage(f"`{about.net}` does not take one image of 1 or 3 channels")
        image = read_image(path, *shape).to(about.device)
        with torch.inference_mode():
            scores = self(image.expand(about.batch or 1, -1, -1, -1))
        if not isinstance(scores, Tensor) or scores.dim() != 2:
            raise BadImage(f"`{about.net}` does not give one score for each class")
        return likeliest(scores[0], top)


def load_artefact(path: str | Path) -> Artefact:
    """Load a file that `write_artefact` wrote. Raises BadArtefact, and OSError where there is no file."""
    about = read_about(path)
    here = _release(torch.__version__)
    if about.torch != here:
        raise BadArtefact(
            f"it was compiled by torch {about.torch}, and this is torch {here}: compile it again"
        )
    if about.device == "cuda" and not torch.cuda.is_available():
        raise BadArtefact("it was compiled for a CUDA device, and there is none here")
    cpu = torch.backends.cpu.get_cpu_capability()
    if about.cpu != cpu and cpu not in CPUS[CPUS.index(about.cpu) if about.cpu in CPUS else len(CPUS) :]:
        raise BadArtefact(f"it was compiled for a CPU with {about.cpu}, and this one has {cpu}")
    try:
        run = torch._inductor.aoti_load_package(str(path))
    except Exception as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadArtefact(f"torch does not load it: {first}") from error
    return Artefact(about, run)


def _release(version: str) -> str:
    """`2.13.0` of `2.13.0+cpu`: builds for several devices are of one release."""
    return version.split("+")[0]
