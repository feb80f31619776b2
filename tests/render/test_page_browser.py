"""The page of a net in a browser: by mouse, by keys, in both themes and on paper."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from resdsl.pipeline import check
from resdsl.render.numbers import mac_count, short
from resdsl.render.pictures.broken import broken_page
from resdsl.render.pictures.draw import draw
from resdsl.source import Source

from .browser import CHROMIUM, Browser
from .nets import net, sizes
from .test_page import ODD, made

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

NETS = (
    "resnet:resnet50",
    "unet:unet_resnet34",
    "swin:swin_t",
    "cifar_resnet:resnet1202",
    "densenet:densenet121",
    "inception_v3:inception_v3",
    "hourglass:hourglass8",
)
SHIFT, CONTROL = 8, 2


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    made = Browser()
    yield made
    made.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def shown(browser: Browser, folder: Path) -> Iterator[Browser]:
    """The browser with the page of ResNet-50, which must end without an error or a request."""
    browser.media()
    show(browser, folder, "resnet:resnet50")
    yield browser
    assert browser.errors == []
    assert browser.requests == []


def show(browser: Browser, folder: Path, name: str) -> None:
    path = folder / f"{name.replace(':', '-')}.html"
    if not path.exists():
        known = made(ODD) if name == "odd" else net(name)
        path.write_bytes(draw(known, "html", theme="auto", at=sizes(known)))
    browser.open(path)
    browser.run("sessionStorage.clear()")


def keys(browser: Browser) -> list[str]:
    """Keys of the visible items, in order."""
    found: list[str] = browser.run("[...document.querySelectorAll('.item')].map((e) => e.dataset.key)")
    return found


def item(key: str) -> str:
    return f".item[data-key={json.dumps(key, ensure_ascii=False)}]"


def focused(browser: Browser) -> str | None:
    key: str | None = browser.run("document.activeElement.dataset?.key")
    return key


def text(browser: Browser, selector: str) -> str:
    found: str = browser.run(f"document.querySelector({json.dumps(selector)}).textContent")
    return found


def enter_picture(browser: Browser) -> None:
    """Tab until the focus is in the picture."""
    for _ in range(12):
        browser.key("Tab")
        if focused(browser):
            return
    raise AssertionError("Tab does not reach the picture")


# ---------------------------------------------------------------- every net


@pytest.mark.parametrize("name", [*NETS, "odd"])
def test_it_opens(browser: Browser, folder: Path, name: str) -> None:
    browser.media()
    show(browser, folder, name)
    assert browser.errors == []
    assert browser.requests == []
    assert 1 <= len(keys(browser)) <= 25
    assert browser.run("document.querySelectorAll('.edge').length") >= len(keys(browser))
    assert browser.run("window.bad") is None


OVERLAPS = """(() => {
  const boxes = [...document.querySelectorAll('.item')].filter((e) => !e.classList.contains('open'))
    .map((e) => [e.dataset.key, e.querySelector('.box').getBoundingClientRect()]);
  const found = [];
  boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {
    if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1) {
      found.push([a, b]);
    }
  }));
  return found;
})()"""
SPILLS = """(() => [...document.querySelectorAll('.card, .leaf')].filter((e) => {
  const box = e.querySelector('.box').getBoundingClientRect();
  return [...e.querySelectorAll('text')].some((t) => {
    const r = t.getBoundingClientRect();
    return r.left < box.left - 1 || r.right > box.right + 1 || r.top < box.top - 2 || r.bottom > box.bottom + 2;
  });
}).map((e) => e.dataset.key))()"""
INSIDE = """(() => [...document.querySelectorAll('.item .item')].filter((e) => {
  const inner = e.querySelector('.box, .frame').getBoundingClientRect();
  const outer = e.parentElement.closest('.item').querySelector('.frame').getBoundingClientRect();
  return inner.left < outer.left || inner.right > outer.right || inner.top < outer.top || inner.bottom > outer.bottom;
}).map((e) => e.dataset.key))()"""


@pytest.mark.parametrize("name", NETS)
def test_nothing_overlaps_folded_or_unfolded(browser: Browser, folder: Path, name: str) -> None:
    browser.media()
    show(browser, folder, name)
    for _ in range(4):
        assert browser.run(OVERLAPS) == []
        assert browser.run(SPILLS) == []
        assert browser.run(INSIDE) == []
        closed = browser.run(
            "[...document.querySelectorAll('.item[aria-expanded=false]')].slice(0, 6).map((e) => e.dataset.key)"
        )
        for key in closed:
            browser.run(
                f"document.querySelector({json.dumps(item(key))}).querySelector('.toggle')"
                ".dispatchEvent(new MouseEvent('click', { bubbles: true }))"
            )
    assert browser.errors == []


def test_numbers_are_written_as_in_the_table(shown: Browser) -> None:
    cards = " ".join(shown.run("[...document.querySelectorAll('.card .note')].map((e) => e.textContent)"))
    for count in (9_536, 215_808, 1_219_584, 7_098_368, 14_964_736, 2_049_000):
        assert f"{short(count)} params" in cards
    for count in (118_013_952, 667_942_912, 1_027_604_480, 1_464_336_384, 809_238_528, 2_048_000):
        assert mac_count(count) in cards


# ---------------------------------------------------------------- mouse


def test_fold_and_unfold_by_click(shown: Browser) -> None:
    before = keys(shown)
    assert "/layer2" in before
    shown.click(*shown.middle(f"{item('/layer2')} .toggle"))
    assert keys(shown) != before
    assert {"/layer2/0", "/layer2/1"} <= set(keys(shown))
    assert text(shown, f"{item('/layer2/1')} .times") == "× 3"
    shown.click(*shown.middle(f"{item('/layer2/1')} .toggle"))
    assert {f"/layer2/1/{i}" for i in (1, 2, 3)} <= set(keys(shown))
    shown.click(*shown.middle(f"{item('/layer2')} > .toggle"))
    assert keys(shown) == before
    shown.click(*shown.middle(f"{item('/layer2')} .title"), count=2)
    assert "/layer2/0" in keys(shown)
    shown.click(*shown.middle("#fold"))
    assert keys(shown) == before
    shown.click(*shown.middle("#unfold"))
    assert set(before) < set(keys(shown))
    assert {"/layer3/0", "/layer3/1", "/conv2_x/layer1"} <= set(keys(shown))


def test_shortcuts_are_shown_folded_and_unfolded(shown: Browser) -> None:
    assert "projection shortcuts × 4" in text(shown, "#legend")
    assert "identity shortcuts × 12" in text(shown, "#legend")
    card = text(shown, item("/layer2"))
    assert "1 projection" in card
    assert "3 identity" in card
    shown.click(*shown.middle(f"{item('/layer2')} .toggle"))
    shown.click(*shown.middle(f"{item('/layer2/0')} .toggle"))
    style = "getComputedStyle(document.querySelector('.open .edges > .projection')).strokeDasharray"
    assert shown.run(style) != "none"
    assert shown.run("document.querySelectorAll('.on-projection').length") == 1


def test_hover_shows_the_figures(shown: Browser) -> None:
    shown.mouse("mouseMoved", *shown.middle(f"{item('/layer3')} .title"))
    tip = text(shown, "#tip")
    assert not shown.run("document.getElementById('tip').hidden")
    for words in ("1024×14×14", "7,098,368", "1,464,336,384", "267", "5 identity"):
        assert words in tip
    shown.mouse("mouseMoved", 40, 400)
    assert shown.run("document.getElementById('tip').hidden")


def test_click_shows_spec_and_source(shown: Browser) -> None:
    shown.click(*shown.middle(f"{item('/layer3')} .title"))
    assert text(shown, "#panel-title") == "conv4_x"
    body = text(shown, "#panel-body")
    assert "resnet.res:" in body
    assert "class ResNet50" in body
    assert "layer3" in text(shown, "#panel-body pre mark")
    marked = shown.run(
        "[...document.querySelectorAll('#panel pre:last-of-type mark')].map((e) => e.textContent)"
    )
    assert any("self.layer3 = nn.Sequential(" in line for line in marked)
    assert shown.run(f"document.querySelector({json.dumps(item('/layer3'))}).ariaSelected") == "true"
    assert shown.run("location.hash") == "#layer3"
    shown.click(*shown.middle("#close"))
    assert shown.run("document.getElementById('panel').hidden")
    assert shown.run("location.hash") == ""


def test_pan_and_zoom(shown: Browser) -> None:
    where = "document.getElementById('world').getAttribute('transform')"
    start = shown.run(where)
    shown.mouse("mouseMoved", 100, 300)
    shown.mouse("mousePressed", 100, 300, button="left", clickCount=1)
    shown.mouse("mouseMoved", 160, 330, button="left", buttons=1)
    shown.mouse("mouseReleased", 160, 330, button="left", clickCount=1)
    moved = shown.run(where)
    a, b = (list(map(float, re.findall(r"[-\d.]+", t))) for t in (start, moved))
    assert (b[0] - a[0], b[1] - a[1], b[2]) == pytest.approx((60, 30, a[2]), abs=0.2)
    shown.mouse("mouseWheel", 640, 400, deltaX=0, deltaY=100, modifiers=0)
    shown.wait(f"{where} !== {json.dumps(moved)}")
    panned = list(map(float, re.findall(r"[-\d.]+", shown.run(where))))
    assert panned == pytest.approx([b[0], b[1] - 100, b[2]], abs=0.2)
    under = shown.middle(f"{item('/layer2')} .title")
    shown.mouse("mouseWheel", *under, deltaX=0, deltaY=-120, modifiers=CONTROL)
    shown.wait(f"!{where}.includes('({panned[0]}')")
    assert float(re.findall(r"[-\d.]+", shown.run(where))[2]) > b[2]
    assert shown.middle(f"{item('/layer2')} .title") == pytest.approx(under, abs=3)
    for button in ("in", "out", "out"):
        shown.click(*shown.middle(f"#{button}"))
    shown.click(*shown.middle("#fit"))
    assert shown.run(where) == start


# ---------------------------------------------------------------- keys


def test_everything_by_keys(shown: Browser) -> None:
    enter_picture(shown)
    first = keys(shown)[0]
    assert focused(shown) == first
    ring = f"getComputedStyle(document.querySelector({json.dumps(item(first))}).querySelector(':scope > .ring')).stroke"
    assert shown.run(ring) != "none"
    assert not shown.run("document.getElementById('tip').hidden")
    shown.key("ArrowDown")
    shown.key("ArrowDown")
    assert focused(shown) == "/layer2"
    assert "1,219,584" in text(shown, "#tip")
    shown.key("ArrowRight")
    assert shown.run(f"document.querySelector({json.dumps(item('/layer2'))}).ariaExpanded") == "true"
    assert focused(shown) == "/layer2"
    shown.key("ArrowRight")
    assert focused(shown) == "/layer2/0"
    shown.key(" ")
    shown.key("ArrowDown")
    assert focused(shown) == "/layer2/0/conv1"
    shown.key("Enter")
    assert "nn.Conv2d(in_channels, width, 1" in text(shown, "#panel-body")
    assert text(shown, "#panel-title") == "conv1"
    shown.key("Escape")
    assert shown.run("document.getElementById('panel').hidden")
    assert focused(shown) == "/layer2/0/conv1"
    for expected in ("/layer2/0", "/layer2/0", "/layer2", "/layer2"):
        shown.key("ArrowLeft")
        assert focused(shown) == expected
    assert shown.run(f"document.querySelector({json.dumps(item('/layer2'))}).ariaExpanded") == "false"
    shown.key("End")
    assert focused(shown) == keys(shown)[-1]
    shown.key("Home")
    assert focused(shown) == first
    before = text(shown, "#zoom")
    shown.key("-")
    assert text(shown, "#zoom") != before
    shown.key("0")
    assert text(shown, "#zoom") == before
    moved = "document.getElementById('world').getAttribute('transform')"
    start = shown.run(moved)
    shown.key("ArrowLeft", SHIFT)
    assert shown.run(moved) != start


def test_only_one_stop_for_tab(shown: Browser) -> None:
    assert shown.run("document.querySelectorAll('.item[tabindex=\"0\"]').length") == 1


def test_search_unfolds_what_it_finds(shown: Browser) -> None:
    shown.key("/")
    shown.type("layer3.4.conv2")
    assert shown.run("document.querySelectorAll('#results li').length") == 1
    shown.key("Enter")
    assert focused(shown) == "/layer3/1/4/conv2"
    assert text(shown, "#panel-title") == "conv2"
    assert "235" in text(shown, "#panel-body table")
    left, top, right, bottom = shown.run(
        "(() => { const b = document.activeElement.getBoundingClientRect();"
        "return [b.left, b.top, b.right, b.bottom]; })()"
    )
    stage = shown.run("document.getElementById('stage').getBoundingClientRect().right")
    assert 0 < left < right < stage
    assert 40 < top < bottom < 800
    shown.key("/")
    shown.run("document.getElementById('search').select()")
    shown.type("no such layer")
    assert "nothing of that name" in text(shown, "#results")
    shown.key("Escape")
    assert shown.run("document.getElementById('results').hidden")


def test_search_deep_inside_many_copies(browser: Browser, folder: Path) -> None:
    browser.media()
    show(browser, folder, "cifar_resnet:resnet1202")
    browser.key("/")
    browser.type("layer3.137.conv2")
    browser.key("Enter")
    assert browser.run("document.activeElement.dataset.key").endswith("/137/conv2")
    assert len(keys(browser)) < 80
    shape = "[...document.querySelectorAll('#panel-body td')].map((e) => e.textContent)"
    assert "64×8×8" in browser.run(shape)
    # 3 + 2 * 2 * 200 of the first stage, + 2 + 4 * 399 / 2 ...: the field after two 3x3s for each block.
    field = 3 + 2 * 400 + (2 + 2 * 2 * 399) + (2 * 2 + 4 * 2 * (2 * 137))
    assert str(field + 4 * 2) in browser.run(shape)


def test_a_link_opens_a_layer(browser: Browser, folder: Path) -> None:
    browser.media()
    show(browser, folder, "resnet:resnet50")
    address = (folder / "resnet-resnet50.html").resolve().as_uri()
    browser.open(f"{address}#layer4.1.bn2")
    assert text(browser, "#panel-title") == "bn2"
    assert "/layer4/1/1/bn2" in keys(browser)


# ---------------------------------------------------------------- names, roles, themes, paper


def test_names_and_roles(shown: Browser) -> None:
    shown.click(*shown.middle(f"{item('/layer2')} .toggle"))
    tree = shown.send("Accessibility.getFullAXTree")["nodes"]
    roles = [n["role"]["value"] for n in tree if not n["ignored"]]
    assert "tree" in roles
    items = [n for n in tree if n["role"]["value"] == "treeitem"]
    assert len(items) == len(keys(shown))
    names = [n["name"]["value"] for n in items]
    assert any(n.startswith("conv3_x, bottleneck(128), /2") and "1,219,584 parameters" in n for n in names)
    levels = shown.run("[...document.querySelectorAll('.item')].map((e) => [e.dataset.key, e.ariaLevel])")
    assert all(int(level) == key.count("/") for key, level in levels)
    for role in ("button", "combobox", "searchbox"):
        assert all(n["name"]["value"] for n in tree if n["role"]["value"] == role and not n["ignored"])


CONTRAST = """(() => {
  const parse = (c) => (c.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const lum = (c) => c.slice(0, 3).map((v) => linear(v / 255))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const over = (top, under) => top.slice(0, 3).map((v, i) => v * (top[3] ?? 1) + under[i] * (1 - (top[3] ?? 1)));
  const paper = parse(getComputedStyle(document.body).backgroundColor);
  const worst = [];
  for (const text of document.querySelectorAll('#picture text')) {
    let behind = paper;
    const around = [];
    for (let e = text.closest('.item'); e; e = e.parentElement.closest('.item')) around.unshift(e);
    for (const e of around) {
      const box = e.querySelector(':scope > .frame, :scope > .box:not(.behind)');
      const style = getComputedStyle(box);
      behind = over([...parse(style.fill).slice(0, 3), Number(style.fillOpacity)], behind);
    }
    const [a, b] = [lum(parse(getComputedStyle(text).fill)), lum(behind)].sort((x, y) => y - x);
    worst.push([(a + 0.05) / (b + 0.05), text.textContent]);
  }
  return worst.sort((x, y) => x[0] - y[0])[0];
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_as_drawn(shown: Browser, scheme: str) -> None:
    shown.media(prefers_color_scheme=scheme)
    paper = shown.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(13, 17, 23)")
    for key in ("/conv2_x", "/conv2_x/layer1", "/conv2_x/layer1/0", "/layer3"):
        shown.run(
            f"document.querySelector({json.dumps(item(key))}).querySelector('.toggle')"
            ".dispatchEvent(new MouseEvent('click', { bubbles: true }))"
        )
    least, words = shown.run(CONTRAST)
    assert least >= 4.5, words


def test_the_theme_button(shown: Browser) -> None:
    shown.media(prefers_color_scheme="dark")
    shown.click(*shown.middle("#theme"))
    assert shown.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_on_paper(browser: Browser, folder: Path) -> None:
    for name in ("resnet:resnet50", "unet:unet_resnet34"):
        browser.media()
        show(browser, folder, name)
        data = browser.pdf()
        assert data.startswith(b"%PDF")
        assert len(re.findall(rb"/Type\s*/Page\b", data)) == 1
    # Messages, and the picture whole on the page after them.
    path = folder / "broken.html"
    text = (Path(__file__).parents[2] / "docs" / "broken.res").read_text(encoding="utf-8")
    checked = check(Source("broken.res", text))
    path.write_text(broken_page(checked.nets["small"], checked.diagnostics), encoding="utf-8")
    browser.open(path)
    assert len(re.findall(rb"/Type\s*/Page\b", browser.pdf())) <= 2
    show(browser, folder, "resnet:resnet50")
    browser.media("print", prefers_color_scheme="dark")
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.run("getComputedStyle(document.querySelector('.tools')).display") == "none"
    browser.media()


def test_on_a_phone(browser: Browser, folder: Path) -> None:
    browser.media()
    browser.resize(390, 800)
    try:
        show(browser, folder, "resnet:resnet50")
        assert browser.run("document.documentElement.scrollWidth") <= 390
        boxes = browser.run(
            "[...document.querySelectorAll('.item .box')].map((e) => e.getBoundingClientRect())"
            ".map((b) => [b.left, b.right])"
        )
        assert all(0 <= left < right <= 390 for left, right in boxes)
    finally:
        browser.resize(1280, 800)
