from __future__ import annotations

import re
import shutil
import sys
import time
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from resdsl import load
from resdsl.render.drawing.arial import fitted, is_known, text_width
from resdsl.render.drawing.palette import DARK, PAPER
from resdsl.render.drawing.pdf import has_cairo
from resdsl.render.outline.rows import is_chain, rows
from resdsl.render.pictures import draw as draw_module
from resdsl.render.pictures.draw import FORMATS, VIEWS, NoRenderer, draw, find_renderer
from resdsl.render.pictures.options import SHOWN
from tests.conftest import Golden
from tests.render.looks import BOTH, SVG, installed, renders, texts, titles
from tests.render.nets import HERE, SOME, net, sizes

GOLDEN = HERE / "golden"
SMALL = ("tiny", "open", "mixed", "unet", "two", "shared", "resnet:resnet50", "cifar_resnet:resnet1202")


def views_of(name: str) -> list[str]:
    """The views of a net, with a block where it has one."""
    table = rows(net(name), sizes(net(name)))
    blocks = [row.name for row in table.rows if row.runs][:1]
    made = [view.replace("NAME", block) for view in VIEWS for block in blocks or [""]]
    return [v for v in made if not v.endswith(":") and (v != "column" or is_chain(table))]


ALL = [(name, view) for name in SMALL for view in views_of(name)]


@pytest.mark.parametrize(
    ("file", "name", "view", "options"),
    [
        ("resnet50.dot", "resnet:resnet50", "stages", {}),
        ("resnet1202_column.dot", "cifar_resnet:resnet1202", "column", {}),
        ("tiny_column.dot", "tiny", "column", {"show": ["shapes", "params", "macs", "names"]}),
        ("mixed_column.dot", "mixed", "column", {"wrap": 2, "fold": 1}),
        ("unet.dot", "unet", "stages", {}),
        ("two_graph.dot", "two", "graph", {}),
        ("mixed_graph.dot", "mixed", "graph", {"depth": 1, "lr": True}),
        ("bottleneck.dot", "resnet:resnet50", "block:conv3_x", {}),
    ],
)
def test_golden(golden: Golden, file: str, name: str, view: str, options: dict[str, object]) -> None:
    made = draw(net(name), "dot", view=view, at=sizes(net(name)), **options)  # type: ignore[arg-type]
    golden(GOLDEN / file, made.decode())


@pytest.mark.skipif(not installed("graphviz-pure"), reason="no graphviz-pure")
@pytest.mark.parametrize("view", ["column", "graph", "block:body"])
def test_golden_svg(golden: Golden, view: str) -> None:
    from importlib.metadata import version

    if version("graphviz-pure") != "0.2.2":
        pytest.skip("another version draws other bytes")
    made = draw(net("open"), "svg", view=view, theme="auto", at=sizes(net("open")), renderer="graphviz-pure")
    golden(GOLDEN / f"open_{view.partition(':')[0]}.svg", made.decode())


@pytest.mark.parametrize("name", [n for n in SOME if n != "deep"])
def test_dot_needs_no_renderer_and_is_the_same_each_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw_module, "render", None)
    for view in views_of(name):
        first = draw(net(name), "dot", view=view, at=sizes(net(name)))
        assert first == draw(net(name), "dot", view=view, at=sizes(net(name)))
        text = first.decode()
        assert set(re.findall(r'fontname="([^"]*)"', text)) == {"Arial"}
        assert not re.search(r"[\[ ](dpi|size)=", text)


@renders
@pytest.mark.parametrize("renderer", BOTH)
@pytest.mark.parametrize(("name", "view"), ALL)
def test_svg(name: str, view: str, renderer: str) -> None:
    made = net(name)
    data = draw(made, "svg", view=view, theme="auto", at=sizes(made), renderer=renderer)
    assert data == draw(made, "svg", view=view, theme="auto", at=sizes(made), renderer=renderer)
    root = ET.fromstring(data)
    assert root.get("role") == "img"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert desc is not None
    assert root.get("aria-labelledby") == title.get("id")
    assert root.get("aria-describedby") == desc.get("id")
    assert title.text
    assert desc.text
    # Every shape has a name that a reader can hear, and no id that a second picture would have too.
    assert not any(re.fullmatch(r"n?\d+|node\d+|%\d+", t) for t in titles(data))
    assert {e.get("id") for e in root.iter()} <= {None, title.get("id"), desc.get("id")}
    assert "@media (prefers-color-scheme:dark)" in data.decode()
    assert f'[aria-labelledby="{title.get("id")}"]{{background:{PAPER}}}' in data.decode()
    left, _, width, _ = map(float, str(root.get("viewBox")).split())
    moved = re.search(r"translate\(([\d.-]+)", data.decode())
    assert moved
    for text in root.iter(f"{SVG}text"):
        assert left <= float(str(text.get("x"))) + float(moved[1]) <= left + width
        # In any font it is as wide as its box was made for, and keeps the blanks at its ends.
        said = str(text.text)
        assert said == said.strip(" ")
        if len(said) > 1 and is_known(said):
            bold = text.get("font-weight") == "bold"
            wide = text_width(said, float(str(text.get("font-size"))), bold)
            assert float(str(text.get("textLength"))) == pytest.approx(wide, abs=0.06)
    if view in ("stages", "strip", "column"):
        assert len(data) < (50_000 if "1202" in name else 80_000)


@renders
@pytest.mark.parametrize("name", ["mixed", "resnet:resnet50", "cifar_resnet:resnet20"])
def test_two_renderers_write_the_same(name: str) -> None:
    if not (installed("dot") and installed("graphviz-pure")):
        pytest.skip("needs both")
    for view in views_of(name):
        pure, system = (draw(net(name), "svg", view=view, renderer=r) for r in ("graphviz-pure", "dot"))
        assert sorted(texts(pure)) == sorted(texts(system))
        assert sorted(titles(pure)) == sorted(titles(system))


@renders
@pytest.mark.parametrize("renderer", BOTH)
@pytest.mark.parametrize("view", ["stages", "column", "graph", "block:body"])
def test_png_is_the_same_each_time(renderer: str, view: str) -> None:
    data = draw(net("mixed"), "some/where.png", view=view, renderer=renderer)
    assert data.startswith(b"\x89PNG")
    assert data == draw(net("mixed"), "png", view=view, renderer=renderer)


@renders
@pytest.mark.parametrize("renderer", BOTH)
def test_pdf_is_the_same_each_time(renderer: str) -> None:
    if renderer != "dot" and not has_cairo():
        pytest.skip("no cairosvg")
    data = draw(net("tiny"), "pdf", renderer=renderer)
    assert data.startswith(b"%PDF")
    time.sleep(1.1)  # the format has a place for the second it was made in
    assert data == draw(net("tiny"), "pdf", renderer=renderer)


@pytest.mark.skipif(not has_cairo(), reason="no cairo")
@pytest.mark.parametrize("renderer", BOTH)
def test_cairo_fits_the_font_it_has_into_the_boxes(renderer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def keep(bytestring: bytes) -> bytes:
        made.append(bytestring.decode())
        return b"%PDF"

    monkeypatch.setattr("cairosvg.svg2pdf", keep)
    draw(net("resnet:resnet50"), "pdf", renderer=renderer)
    scales = [float(scale) for scale in re.findall(r'<text[^>]*transform="matrix\(([\d.]+) 0 0 1 ', made[0])]
    assert len(scales) > 40
    assert all(0.7 < scale < 1.1 for scale in scales)
    assert "textLength" not in made[0]


def test_no_renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    for format in ("svg", "png"):
        with pytest.raises(
            NoRenderer, match=r"no Graphviz found: `pip install resdsl\[draw\]` .*`-o tiny.dot`"
        ):
            draw(net("tiny"), format)
    with pytest.raises(NoRenderer, match="`dot` is not installed"):
        draw(net("tiny"), "svg", renderer="dot")
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    with pytest.raises(NoRenderer, match=r"PDF needs `pip install resdsl\[pdf\]` or .*`-o tiny.svg`"):
        draw(net("tiny"), "pdf")
    for view in views_of("mixed"):
        assert draw(net("mixed"), "dot", view=view).startswith(b"digraph")


def test_graphviz_is_found_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(NoRenderer, match="no Graphviz found"):
        draw(net("tiny"), "svg")


@renders
def test_letters_that_are_not_in_the_font_are_left_to_the_system() -> None:
    if not (installed("dot") and installed("graphviz-pure")):
        pytest.skip("needs both")
    assert find_renderer("png", text="plain × ü Ω").name == "graphviz-pure"
    assert find_renderer("png", text="図").name == "dot"
    assert find_renderer("svg", text="図").name == "graphviz-pure"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"view": "3d"}, "unknown view `3d`: there are stages, column, "),
        ({"view": "colum"}, "unknown view `colum`: did you mean `column`?"),
        ({"view": "block:"}, "unknown view `block:`"),
        ({"view": "graph:x"}, "unknown view `graph:x`"),
        ({"view": "block:nope"}, r"unknown block `nope`: .*more"),
        ({"view": "block:gatd"}, "unknown block `gatd`: did you mean `gated`?"),
        ({"theme": "drak"}, "unknown theme `drak`: did you mean `dark`?"),
        ({"renderer": "dott"}, "unknown renderer `dott`: did you mean `dot`?"),
        ({"view": "column", "show": ["parms"]}, "unknown word in `show` `parms`: did you mean `params`?"),
        ({"view": "column", "fold": 0}, "`fold` is a number from 1 or `none`, not `0`"),
        ({"view": "column", "fold": "all"}, "`fold` is a number from 1 or `none`, not `all`"),
        ({"view": "column", "wrap": 0}, "`wrap` is a number from 1, not `0`"),
        ({"view": "column", "wrap": True}, "`wrap` is a number from 1, not `True`"),
        ({"view": "graph", "depth": -1}, "`depth` is a number from 0, not `-1`"),
        ({"view": "stages", "wrap": 2}, "the view `stages` does not take `wrap`"),
        (
            {"view": "column", "lr": True},
            r"the view `column` does not take `lr` \(`block:NAME` and `graph` do\); it takes `fold`, `wrap`",
        ),
    ],
)
def test_mistakes(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        draw(net("mixed"), "dot", **options)  # type: ignore[arg-type]


def test_unknown_format() -> None:
    with pytest.raises(ValueError, match="unknown picture format `gif`"):
        draw(net("tiny"), "gif")
    with pytest.raises(ValueError, match="unknown picture format `pgn`: did you mean `png`"):
        draw(net("tiny"), "a.b/net.pgn")
    assert set(FORMATS) >= {"svg", "png", "pdf", "dot"}


def test_a_net_of_very_many_ops_is_folded_with_a_note() -> None:
    with pytest.warns(UserWarning, match="10,002 ops follow each other; 9,884 more ops are one box"):
        graph = draw(net("deep"), "dot", view="graph").decode()
    assert graph.count("\n") < 200
    with pytest.warns(UserWarning, match="4,801 layers are left out"):
        column = draw(net("deep"), "dot", view="column").decode()
    assert column.count("\n") < 900
    assert '"4,801 more layers"' in column or "4,801 more layers" in column


def test_what_is_asked_for_and_takes_minutes_is_refused() -> None:
    with pytest.raises(ValueError, match="too many"):
        draw(load("resnet1202").net, "dot", view="column", fold="none") and draw(
            _long(), "dot", view="column", fold="none"
        )
    with pytest.raises(ValueError, match="too many"):
        draw(_long(), "dot", view="graph", fold="none", depth=3)


def _long() -> object:
    from resdsl.api import loads

    return loads(
        "block b(w) { residual { conv(w, 3x3); batchnorm } shortcut: identity }\n"
        "net n { input image: [4, 8, 8]\n for i in range(7000) { b(4) } }"
    ).net


@renders
@pytest.mark.parametrize("renderer", BOTH)
def test_fully_expanded_resnet1202_has_every_layer(renderer: str) -> None:
    data = draw(net("cifar_resnet:resnet1202"), "svg", view="column", fold="none", renderer=renderer)
    assert sum(t.startswith("3×3 conv") for t in texts(data)) == 1201
    text = data.decode()
    assert text.count('class="edge shortcut identity"') == 598
    assert text.count('class="edge shortcut zero_pad"') == 2


# ---------------------------------------------------------------- titles and names

BAD = "<b>&\"\\N{}|\\l\\G &lt; ' é 図 --> ]]>"


@renders
@pytest.mark.parametrize("renderer", BOTH)
@pytest.mark.parametrize("view", ["stages", "column", "graph", "strip", "block:body"])
def test_a_title_is_shown_as_it_is(view: str, renderer: str) -> None:
    data = draw(
        net("open"), "svg", view=view, title=f" {BAD}\n\x00\x1b\ud800", at={"H": 8, "W": 8}, renderer=renderer
    )
    assert BAD in "".join(texts(data)).replace("\xa0", " ")


@pytest.mark.parametrize("view", ["stages", "column", "graph", "strip"])
def test_no_title(view: str) -> None:
    text = draw(net("open"), "dot", view=view, title="", at={"H": 8, "W": 8}).decode()
    assert ">open<" not in text


NAMES = ("a<b>&amp;c", "a|b", "x\\\\N", "é図", "<i>x</i>", "x\\\\ny", "-->", "a b")


@renders
@pytest.mark.parametrize("renderer", BOTH)
@pytest.mark.parametrize("name", NAMES)
def test_names_are_shown_as_they_are(name: str, renderer: str) -> None:
    from resdsl.api import loads

    made = loads(
        f'block k(w) {{ residual {{ "{name}" = conv(w, 3x3) }} shortcut: identity }}\n'
        f'net n {{ input image: [3, 8, 8]\n "{name}" = conv(4, 3x3)\n stage s {{ "b{name}" = k(4) x 2 }} }}'
    ).net
    wanted = list(made.graph.nodes())[1].id
    for view in ("column", "block:s", "graph"):
        data = draw(made, "svg", view=view, show=["names"], renderer=renderer)
        assert any(wanted in text for text in texts(data)), view


# ---------------------------------------------------------------- colours and fonts


@renders
def test_a_dark_picture_brings_its_paper() -> None:
    dark, light = (draw(net("resnet:resnet50"), "svg", theme=t).decode() for t in ("dark", "light"))
    assert f'style="background:{DARK[PAPER]}"' in dark
    assert "background" not in light


@pytest.mark.parametrize("view", ["stages", "column", "strip", "graph", "block:conv3_x"])
def test_dark_has_no_light_colour(view: str) -> None:
    text = draw(net("resnet:resnet50"), "dot", view=view, theme="dark").decode()
    assert not any(light in text for light in DARK)
    assert set(re.findall(r"#[0-9A-F]{6}", text)) <= set(DARK.values())
    light = draw(net("resnet:resnet50"), "dot", view=view).decode()
    assert set(re.findall(r"#[0-9A-Fa-f]{6}", light)) <= set(DARK)


def test_cut_labels_fit() -> None:
    assert fitted("short", 9, 100) == "short"
    cut = fitted("a very long description of a layer", 9, 60)
    assert cut.endswith("…")
    assert text_width(cut, 9) <= 60


@pytest.mark.parametrize("name", SOME)
def test_boxes_of_fixed_size_hold_their_labels(name: str) -> None:
    for view in ("stages", "strip", *(v for v in views_of(name) if v == "column" and name != "deep")):
        text = draw(net(name), "dot", view=view, at=sizes(net(name))).decode()
        for width, label in re.findall(
            r'width=([\d.]+), [^\n]*?fixedsize="true"[^\n]*?label="([^"]+)"', text
        ):
            assert text_width(label, 9) <= float(width) * 72 + 0.1


def test_specs_folder_is_here() -> None:
    assert (Path(__file__).parent / "specs" / "shapes.res").exists()


def test_what_may_be_shown() -> None:
    everything = draw(net("mixed"), "dot", view="graph", show=SHOWN).decode()
    nothing = draw(net("mixed"), "dot", view="graph", show=[]).decode()
    assert "32×8×8" in everything
    assert "params" in everything
    assert "MACs" in everything
    body = nothing.partition("\n node")[2]
    assert not re.search(r'label="[^"]*32×8×8', body)
    assert "params" not in body
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert draw(net("mixed"), "dot", view="column", show=[]) != draw(net("mixed"), "dot", view="column")
