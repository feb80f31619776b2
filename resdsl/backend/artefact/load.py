"""Loads a package and runs it on arrays."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resdsl.backend.artefact.about import DAMAGED, About, BadArtefact, check_here, read_about
from resdsl.backend.artefact.native import Native, NotNative
from resdsl.backend.image import BadImage, likeliest, read_image
from resdsl.sizes import shape_at

if TYPE_CHECKING:
    import numpy

    Run = Callable[..., list[numpy.ndarray]]


@dataclass(frozen=True)
class Artefact:
    """A package that is loaded: `about` it, and what runs it."""

    about: About
    run: Run

    def __call__(self, *inputs: numpy.ndarray) -> list[numpy.ndarray]:
        """The outputs for arrays of float32. Raises ValueError for inputs that it was not compiled for."""
        import numpy

        at: dict[str, int] = {}
        for i, x in enumerate(inputs):
            reason = self.about.misfit(x.shape[1:], at, i)
            if reason is None and self.about.batch not in (None, len(x)):
                reason = f"it was compiled for a batch of {self.about.batch}, this is one of {len(x)}"
            if reason is not None:
                raise ValueError(f"{self.about.net}: {reason}")
        return self.run(*(numpy.ascontiguousarray(x, dtype=numpy.float32) for x in inputs))

    def predict(
        self, path: str | Path, top: int, at: tuple[int, ...] | None = None
    ) -> list[tuple[int, float]]:
        """The `top` most likely classes of a picture, as `resdsl.backend.image.predict`. Raises `BadImage`."""
        about = self.about
        shape = at or shape_at(about.inputs[0], dict(about.at))
        if len(about.inputs) != 1 or len(shape) != 3 or shape[0] not in (1, 3):
            raise BadImage(f"`{about.net}` does not take one image of 1 or 3 channels")
        image = read_image(path, *shape)
        scores = self(image.repeat(about.batch or 1, axis=0))
        if len(scores) != 1 or scores[0].ndim != 2:
            raise BadImage(f"`{about.net}` does not give one score for each class")
        return likeliest(scores[0][0], top)


def load_artefact(path: str | Path) -> Artefact:
    """Load a package that `write` wrote.

    Raises:
        BadArtefact: it cannot run here.
        MissingTorch: torch is not installed.
        OSError: there is no such file.
    """
    about = read_about(path)
    check_here(about)
    if about.device == "cpu":
        try:
            return Artefact(about, Native(path))
        except NotNative:
            pass
    return Artefact(about, with_torch(path, about.device))


def with_torch(path: str | Path, device: str) -> Run:
    """A package, run by torch. Raises BadArtefact."""
    import torch

    with zipfile.ZipFile(path) as archive:  # torch does not look
        if archive.testzip() is not None:
            raise BadArtefact(DAMAGED)
    try:
        # The public `aoti_load_package` imports all of the compiler, which takes seconds; this is what it calls.
        try:
            loader: Any = torch._C._aoti.AOTIModelPackageLoader(str(path), "model", False, 1, -1)
        except (AttributeError, TypeError):
            loader = torch._inductor.aoti_load_package(str(path)).loader
    except Exception as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadArtefact(f"torch does not load it: {first}") from error

    def run(*arrays: numpy.ndarray) -> list[numpy.ndarray]:
        given: Sequence[torch.Tensor] = [torch.from_numpy(x).to(device) for x in arrays]
        return [out.float().cpu().numpy() for out in loader.run(list(given))]

    return run
