"""The nets the tests draw: bundled ones, and small ones of every form."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from resdsl.elaborate.files import read_source
from resdsl.graph.model import Net
from resdsl.pipeline import check
from resdsl.resources import specs
from resdsl.source import Source

HERE = Path(__file__).parent
SHAPES = ("tiny", "open", "mixed", "unet", "two", "deep", "shared")
BUNDLED = (
    "resnet:resnet50",
    "resnet:resnet34_a",
    "resnet:plain34",
    "cifar_resnet:resnet20",
    "cifar_resnet:resnet1202",
)
SOME = (
    *SHAPES,
    *BUNDLED,
    "resnet_d:resnet50d",
    "se_resnet:se_resnet50",
    "mobilenet_v2:mobilenet_v2",
    "vgg:vgg16",
)


@cache
def file(name: str) -> dict[str, Net]:
    path = HERE / "specs" / "shapes.res" if name == "shapes" else specs() / f"{name}.res"
    source = read_source(path, path.name)
    assert isinstance(source, Source)
    checked = check(source, path)
    assert checked.ok, [d.message for d in checked.diagnostics]
    return checked.nets


def net(name: str) -> Net:
    """A net of `specs/shapes.res`, or `file:net`."""
    spec, _, inner = name.rpartition(":")
    return file(spec or "shapes")[inner]


def sizes(net: Net) -> dict[str, int]:
    """Sizes it can be counted at."""
    return net.nominal if net.nominal is not None else dict.fromkeys(net.sizes, 64)
