"""What notebooks show of a net: always something, and never an exception."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from resdsl import api
from resdsl.render import notebook
from resdsl.render.drawing.renderer import find_renderer
from resdsl.render.pictures import draw

SPEC = "edition 2026\nnet {name} {{ input x: [3, 8, 8]; conv(4, 3x3); relu }}\n"


def drawn() -> bool:
    try:
        find_renderer("svg")
    except draw.NoRenderer:
        return False
    return True


needs_renderer = pytest.mark.skipif(not drawn(), reason="needs Graphviz")


@needs_renderer
def test_the_bundle_has_a_picture_and_a_table() -> None:
    net = api.loads(SPEC.format(name="tiny"))
    bundle = net._repr_mimebundle_()
    assert list(bundle) == ["text/plain", "text/html", "image/svg+xml"]
    assert bundle["text/plain"] == net.summary()
    assert bundle["image/svg+xml"] == net._repr_svg_()
    assert bundle["image/svg+xml"] in bundle["text/html"]
    assert net._mime_() == ("text/html", bundle["text/html"])


@needs_renderer
def test_it_is_as_wide_as_its_place_but_not_larger_than_drawn() -> None:
    net = api.load("resnet50")
    natural = re.search(r'<svg width="([\d.]+pt)"', net.draw().decode())
    shown = net._repr_svg_()
    assert natural is not None
    assert shown is not None
    assert shown.startswith(f'<svg width="100%" style="max-width:{natural[1]};height:auto"')
    assert "viewBox" in shown
    ElementTree.fromstring(shown)


@needs_renderer
def test_pictures_on_one_page_do_not_share_names() -> None:
    shown = [api.load(name)._repr_html_() for name in ("resnet18", "resnet34", "resnet50")]
    names = [set(re.findall(r'\bid="([^"]*)"', text)) for text in shown]
    assert all(names)
    assert len(set.union(*names)) == sum(map(len, names))
    for text, own in zip(shown, names, strict=True):
        assert set(re.findall(r'aria-\w+="([^"]*)"', text)) <= own


def test_without_a_renderer_it_is_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> bytes:
        raise draw.NoRenderer("none")

    monkeypatch.setattr(draw, "draw", missing)
    net = api.loads(SPEC.format(name="tiny"))
    assert net._repr_svg_() is None
    assert list(net._repr_mimebundle_()) == ["text/plain", "text/html"]
    assert "tiny   input 3×8×8" in net._repr_html_()


def test_a_fault_does_not_stop_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> str:
        raise RecursionError

    monkeypatch.setattr(draw, "draw", broken)
    monkeypatch.setattr(notebook, "summary", broken)
    net = api.loads(SPEC.format(name="tiny"))
    assert net._repr_mimebundle_()["text/plain"] == "tiny\n"


def test_a_net_without_a_size() -> None:
    text = "edition 2026\nnet open { input x: [3, H, W]; conv(4, 3x3) }\n"
    assert "open   input 3 × H × W" in api.loads(text)._repr_mimebundle_()["text/plain"]
