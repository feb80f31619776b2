"""The Python API: what the command line does, in small."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resdsl.diagnostics.model import Diagnostic
from resdsl.source import Source

if TYPE_CHECKING:
    from torch import nn

    from resdsl.backend.compile import Compiled
    from resdsl.diff.compare import Difference
    from resdsl.graph.cost import Cost
    from resdsl.graph.model import Net


class SpecError(Exception):
    """A spec has errors.

    Attributes:
        diagnostics: all of them, as values; `str(error)` is the text the command line shows.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.diagnostics = diagnostics
        super().__init__(diagnostics)

    def __str__(self) -> str:
        from resdsl.diagnostics import render

        return "\n" + render(self.diagnostics, "full")


def load(spec: str | Path, **settings: Any) -> Network:
    """Load and check one net.

    Args:
        spec: a file (`nets.res`, if it has one net), `FILE:NET`, or a bundled name (`resnet50`).
        settings: parameters of the net, as Python values or as text of the language.

    Raises:
        SpecError: the spec cannot be found or has errors.
    """
    from resdsl.find import NotFound, find

    try:
        found = find(str(spec))
    except NotFound as error:
        raise SpecError((error.diagnostic,)) from None
    return _network(found.source, found.path, found.net, {k: _as_text(v) for k, v in settings.items()})


def loads(text: str, net: str | None = None, **settings: Any) -> Network:
    """As `load`, for the text of a spec."""
    return _network(Source("<text>", text), None, net, {k: _as_text(v) for k, v in settings.items()})


def _network(source: Source, path: Path | None, net: str | None, settings: dict[str, str]) -> Network:
    from resdsl.pipeline import check, one_net

    checked = check(source, path, [net] if net else None, settings)
    if not checked.ok:
        raise SpecError(checked.diagnostics)
    chosen = one_net(checked)
    if isinstance(chosen, Diagnostic):
        raise SpecError((chosen,))
    return Network(chosen, checked.diagnostics, (source, path))


def _as_text(value: Any) -> str:
    from resdsl.elaborate.values import write

    if isinstance(value, str):
        return value
    return write(tuple(value) if isinstance(value, list) else value)


class Network:
    """A checked net. Sizes are given as shapes without the batch: `(3, 224, 224)`.

    Attributes:
        net: the graph and what is known of its input.
        diagnostics: warnings; a net with errors is never made.
    """

    def __init__(
        self,
        net: Net,
        diagnostics: tuple[Diagnostic, ...] = (),
        spec: tuple[Source, Path | None] | None = None,
    ) -> None:
        self.net = net
        self.diagnostics = diagnostics
        self._spec = spec

    @property
    def name(self) -> str:
        """Name of the net."""
        return self.net.name

    def check(self) -> tuple[Diagnostic, ...]:
        """Warnings about the spec."""
        return self.diagnostics

    def cost(self, at: tuple[int, ...] | None = None) -> Cost:
        """Parameters, MACs and activations for one sample of shape `at` (the spec's own by default)."""
        from resdsl.graph.cost import cost

        return cost(self.net.graph, self.sizes(at))

    @property
    def params(self) -> int:
        """Number of trained values."""
        from resdsl.graph.cost import params

        return params(self.net.graph)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one sample at the spec's own input size."""
        return self.cost().macs

    def sizes(self, at: tuple[int, ...] | None = None) -> dict[str, int]:
        """Input sizes by name for an input shape. Raises ValueError when it does not fit."""
        from resdsl.graph.model import sizes_for

        return sizes_for(self.net, at)

    def fits(self, *at: int) -> bool:
        """Whether the net takes an input of this size: `fits(224)`, `fits(225, 400)`, `fits(3, 225, 400)`.

        One number is the size of every axis that varies, else there is one for each. Raises ValueError for
        another number of them.
        """
        from resdsl.graph.given import sizes_given

        sizes = sizes_given(self.net, at)
        return sizes is not None and all(value in self.net.fits[var] for var, value in sizes.items())

    def sizes_table(self, *at: int | tuple[int, ...], **options: Any) -> str:
        """At which input sizes the net fits, exactly, and its shapes at some of them: `224`, `(225, 400)`.

        Without a size these are the spec's own and the smallest; see `resdsl.render.sizes.table`.
        """
        from resdsl.graph.given import NoSuchSize, sizes_given
        from resdsl.render.sizes.table import sizes_table

        chosen = []
        for numbers in at:
            sizes = sizes_given(self.net, numbers if isinstance(numbers, tuple) else (numbers,))
            if sizes is None:
                raise NoSuchSize(f"no input of `{self.name}` is {numbers}")
            chosen.append(sizes)
        return sizes_table(self.net, chosen if at else None, **options)

    def summary(self, at: tuple[int, ...] | None = None, **options: Any) -> str:
        """The table of stages, with the memory a `batch` takes; see `resdsl.render.tables.summary`."""
        from resdsl.render.tables.summary import summary

        return summary(self.net, self.sizes(at) if at or self.net.nominal is not None else None, **options)

    def draw(
        self, path: str | Path | None = None, *, at: tuple[int, ...] | None = None, **options: Any
    ) -> bytes:
        """A picture (SVG by default); written to `path` if one is given, whose suffix decides the format.

        Args:
            path: a file to write.
            at: input shape, the spec's own by default.
            options: `view`, `theme`, `title`, `fold`, `wrap`, `depth`, `show`, `lr`, `renderer`, as
                `resdsl.render.pictures.draw.draw` has them.

        Raises:
            resdsl.render.pictures.draw.NoRenderer: what it takes to draw is not installed.
            ValueError: an unknown view, block or format, or an option that the view does not take.
        """
        from resdsl.files import write_file
        from resdsl.render.pictures.draw import draw

        format = Path(path).suffix.lstrip(".") if path else "svg"
        data = draw(self.net, format, at=self.sizes(at) if at else None, **options)
        if path:
            write_file(path, data)
        return data

    def diff(self, other: Network, at: tuple[int, ...] | None = None) -> Difference:
        """What differs between this net and another, and which of its weights the other takes.

        `print` shows it as `resdsl diff` does; `verdict` and `weights` are for programs. `at` is an input shape for
        both, by default the specs' own. Raises ValueError when it does not fit.
        """
        from resdsl.diff.compare import compare

        sizes = [net.sizes(at) if at else None for net in (self, other)]
        return compare(self.net, other.net, *sizes)

    def source(self) -> str:
        """PyTorch source of the net, which runs with torch alone."""
        from resdsl.emit import emit

        return emit(self.net)

    def module(self) -> nn.Module:
        """The net as a `torch.nn.Module` with fresh weights."""
        from resdsl.backend.build import build

        return build(self.net)

    def compile(self, **options: Any) -> Compiled:
        """The net with fresh weights as a module that compiles each kind of call when it first comes.

        Inference and training each go the way that is fastest; `resdsl.backend.compile.compile_net` says more.
        """
        from resdsl.backend.compile import compile_net

        return compile_net(self.net, **options)

    def save(
        self,
        path: str | Path,
        weights: nn.Module | str | Path,
        *,
        at: tuple[int, ...] | None = None,
        batch: int | None = 1,
        labels: Sequence[str] | None = None,
    ) -> None:
        """Write the net with its weights into one file: `.pt2`, compiled for torch alone, or `.onnx`.

        Args:
            path: the file.
            weights: a module of the net, whose device the file is compiled for, or a file of weights.
            at: the input shape it is compiled for, the spec's own by default.
            batch: images in a call; None for any number and every size that one graph serves.
            labels: names of the classes; ImageNet's for 1000 classes by default.

        Raises:
            resdsl.backend.errors.NotCompiled: torch or the C++ compiler cannot.
            ValueError: the weights or the sizes do not fit, or the path has another suffix.
            OSError: the file cannot be written.
        """
        from resdsl.backend.artefact.write import write
        from resdsl.backend.image import class_names
        from resdsl.elaborate.files import texts

        if isinstance(weights, (str, Path)):
            from resdsl.backend.weights import load_weights

            file, weights = Path(weights), self.module()
            if problems := load_weights(weights, file):
                raise ValueError("\n".join(problems))
        write(
            path,
            self.net,
            weights,
            at=self.sizes(at),
            batch=batch,
            spec=texts(*self._spec) if self._spec else {},
            labels=class_names(self.net) if labels is None else labels,
        )

    def __repr__(self) -> str:
        return f"<resdsl net {self.name}: {self.params:,} parameters>"

    def _repr_html_(self) -> str:
        from resdsl.render.notebook import as_html

        return as_html(self.net)

    def _repr_svg_(self) -> str | None:
        from resdsl.render.notebook import as_svg

        return as_svg(self.net)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from resdsl.render.notebook import as_html, as_svg, as_text

        made = {"text/plain": as_text(self.net), "text/html": as_html(self.net)}
        svg = as_svg(self.net)
        return made | ({"image/svg+xml": svg} if svg else {})

    def _mime_(self) -> tuple[str, str]:  # marimo's
        return "text/html", self._repr_html_()
