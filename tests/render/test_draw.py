from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from resdsl.render import draw as draw_module
from resdsl.render.arial import fitted, text_width
from resdsl.render.draw import NoRenderer, draw, find_renderer
from resdsl.render.palette import CATEGORIES, DARK, NEUTRAL, PAPER, STAGES, darkened
from resdsl.render.rows import rows
from tests.conftest import Golden
from tests.render.nets import HERE, SOME, net, sizes

GOLDEN = HERE / "golden"
VIEWS = ("stages", "column", "graph")
SVG = "{http://www.w3.org/2000/svg}"


def _renderer() -> bool:
    try:
        import graphviz  # noqa: F401  # type: ignore[import-not-found, unused-ignore]

        find_renderer("svg")
    except (ImportError, NoRenderer):
        return False
    return True


renders = pytest.mark.skipif(not _renderer(), reason="no Graphviz")


@pytest.mark.parametrize(
    ("file", "name", "view"),
    [
        ("resnet50.dot", "resnet:resnet50", "stages"),
        ("resnet1202_column.dot", "cifar_resnet:resnet1202", "column"),
        ("unet.dot", "unet", "stages"),
        ("two_graph.dot", "two", "graph"),
        ("bottleneck.dot", "resnet:resnet50", "block:conv3_x"),
    ],
)
def test_golden(golden: Golden, file: str, name: str, view: str) -> None:
    golden(GOLDEN / file, draw(net(name), "dot", view=view, at=sizes(net(name))).decode())


@pytest.mark.parametrize("name", [n for n in SOME if n != "deep"])
@pytest.mark.parametrize("view", VIEWS)
def test_dot_needs_no_renderer_and_is_the_same_each_time(
    name: str, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draw_module, "render", None)
    first = draw(net(name), "dot", view=view, at=sizes(net(name)))
    assert first == draw(net(name), "dot", view=view, at=sizes(net(name)))
    text = first.decode()
    assert set(re.findall(r'fontname="([^"]*)"', text)) == {"Arial"}
    assert not re.search(r"[\[ ](dpi|size)=", text)


@pytest.mark.parametrize("name", SOME)
def test_each_row_and_kind_of_shortcut_is_drawn(name: str) -> None:
    table = rows(net(name), sizes(net(name)))
    text = draw(net(name), "dot", at=sizes(net(name))).decode()
    for row in table.rows:
        assert f'"{row.name}' in text
        if "pos=" in text:
            for kind in row.shortcuts:
                assert re.search(rf'"{re.escape(row.name)}[^"]*" -> .*class="shortcut {kind}"', text)


@pytest.mark.parametrize("name", SOME)
def test_boxes_of_fixed_size_hold_their_labels(name: str) -> None:
    text = draw(net(name), "dot", at=sizes(net(name))).decode()
    for width, label in re.findall(r'width=([\d.]+), [^\n]*?fixedsize="true"[^\n]*?label="([^"]+)"', text):
        assert text_width(label, 9) <= float(width) * 72 + 0.1
    for width, rest in re.findall(r'<table [^>]*width="([\d.]+)">(.*?)</table>', text):
        pieces = re.findall(r'<font point-size="([\d.]+)"[^>]*>(<b>)?([^<]*)', rest)
        if "<td align" in rest:
            assert sum(text_width(t, float(s), bool(b)) for s, b, t in pieces) <= float(width) * 1.15 + 2


@renders
@pytest.mark.parametrize(
    "name", ["tiny", "open", "mixed", "unet", "two", "resnet:resnet50", "cifar_resnet:resnet1202"]
)
@pytest.mark.parametrize("view", VIEWS)
def test_svg(name: str, view: str) -> None:
    made = net(name)
    data = draw(made, "svg", view=view, theme="auto", at=sizes(made))
    assert data == draw(made, "svg", view=view, theme="auto", at=sizes(made))
    root = ET.fromstring(data)
    assert root.get("role") == "img"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert desc is not None
    assert title.text
    assert made.name in title.text
    assert desc.text
    assert "prefers-color-scheme" in data.decode()
    left, _, width, _ = map(float, str(root.get("viewBox")).split())
    for text in root.iter(f"{SVG}text"):
        assert left <= float(str(text.get("x"))) <= left + width
    if view == "stages":
        assert len(data) < 60_000


@renders
def test_png_and_a_path() -> None:
    data = draw(net("tiny"), "some/where.png")
    assert data.startswith(b"\x89PNG")


def test_no_renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(NoRenderer, match=r"no Graphviz found: `pip install resdsl\[draw\]` .*`-o tiny.dot`"):
        draw(net("tiny"), "svg")
    with pytest.raises(NoRenderer, match="PDF needs"):
        draw(net("tiny"), "pdf")
    assert draw(net("tiny"), "dot").startswith(b"digraph")


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="unknown picture format `gif`"):
        draw(net("tiny"), "gif")
    with pytest.raises(ValueError, match="unknown view `3d`"):
        draw(net("tiny"), "dot", view="3d")
    with pytest.raises(ValueError, match="no block `nope`; there are `body`"):
        draw(net("mixed"), "dot", view="block:nope")
    with pytest.raises(ValueError, match="too many"):
        draw(net("deep"), "dot", view="graph")


def test_a_folded_picture_is_small() -> None:
    assert draw(net("cifar_resnet:resnet1202"), "dot").count(b"\n") < 120
    assert draw(net("cifar_resnet:resnet1202"), "dot", view="graph").count(b"\n") < 160


def test_dark_has_no_light_colour() -> None:
    text = draw(net("resnet:resnet50"), "dot", theme="dark").decode()
    assert not any(light in text for light in DARK)
    assert set(re.findall(r"#[0-9A-F]{6}", text)) <= set(DARK.values())


def _luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colors", [*STAGES, NEUTRAL, *CATEGORIES.values()])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast(colors: tuple[str, str], theme: str) -> None:
    fill, line = (darkened(c) if theme == "dark" else c for c in colors)
    for ink in ("#374151", "#111827"):
        ink = darkened(ink) if theme == "dark" else ink
        assert _contrast(fill, ink) >= 4.5
    assert _contrast(fill, line) >= 4.5
    assert _contrast(DARK[PAPER] if theme == "dark" else PAPER, line) >= 4.5


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_cut_labels_fit() -> None:
    assert fitted("short", 9, 100) == "short"
    cut = fitted("a very long description of a layer", 9, 60)
    assert cut.endswith("…")
    assert text_width(cut, 9) <= 60


def test_specs_folder_is_here() -> None:
    assert (Path(__file__).parent / "specs" / "shapes.res").exists()
