"""What the tests of pictures share: the renderers that are installed, and what is in an SVG."""

from __future__ import annotations

import importlib.util
import xml.etree.ElementTree as ET

import pytest

from resdsl.render.pictures.draw import NoRenderer, find_renderer

SVG = "{http://www.w3.org/2000/svg}"


def installed(renderer: str) -> bool:
    if importlib.util.find_spec("graphviz") is None:
        return False
    try:
        find_renderer("svg", renderer=renderer)
    except NoRenderer:
        return False
    return True


renders = pytest.mark.skipif(not installed("auto"), reason="no Graphviz")
BOTH = [
    pytest.param(name, marks=pytest.mark.skipif(not installed(name), reason=f"no {name}"))
    for name in ("graphviz-pure", "dot")
]
"""Both renderers, as values of a parameter."""


def texts(svg: bytes) -> list[str]:
    return ["".join(t.itertext()) for t in ET.fromstring(svg).iter(f"{SVG}text")]


def titles(svg: bytes) -> list[str]:
    return ["".join(t.itertext()) for t in ET.fromstring(svg).iter(f"{SVG}title")]
