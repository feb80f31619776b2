"""The page of a net as a file: what it knows, and that it needs nothing else. (`test_page_browser.py` uses it.)"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from resdsl.cli import main
from resdsl.elaborate.builder import compose
from resdsl.emit import classes, emit
from resdsl.graph.model import Feed, Graph, Net, Port
from resdsl.pipeline import check
from resdsl.render.drawing.palette import BLACK, DARK, GREY, INK, NEUTRAL, PAPER, STAGES
from resdsl.render.html.data import data
from resdsl.render.html.tree import Item, Level, folding_note, tree
from resdsl.render.numbers import field_text
from resdsl.render.outline.rows import rows
from resdsl.render.pictures import draw as draw_module
from resdsl.render.pictures.draw import draw
from resdsl.source import Source

from .nets import SHAPES, net, sizes

NETS = (
    *SHAPES,
    "resnet:resnet50",
    "resnet:resnet34_a",
    "cifar_resnet:resnet1202",
    "densenet:densenet121",
    "inception_v3:inception_v3",
    "swin:swin_t",
    "unet:unet_resnet34",
    "hourglass:hourglass8",
    "mobilenet_v2:mobilenet_v2",
    "faster_rcnn:fasterrcnn_resnet50_fpn",
    "se_resnet:se_resnet50",
    "vgg:vgg16",
)


def made(text: str, name: str | None = None) -> Net:
    checked = check(Source("odd.res", text))
    assert checked.ok, [d.message for d in checked.diagnostics]
    return checked.nets[name or next(iter(checked.nets))]


def page(of: Net) -> str:
    return draw(of, "html", at=sizes(of)).decode()


def levels(top: Level) -> Iterator[Level]:
    seen: list[Level] = [top]
    for level in seen:
        yield level
        seen += [i.inside for i in level.items if i.inside is not None and i.inside not in seen]


# ---------------------------------------------------------------- what it knows


@pytest.mark.parametrize("name", NETS)
def test_counts_add_up_at_every_level(name: str) -> None:
    table = rows(net(name), sizes(net(name)))
    top = tree(table)
    assert sum(i.cost.params for i in top.items) == table.total.params
    assert sum(i.cost.macs for i in top.items) == table.total.macs
    assert sum((Counter(i.shortcuts) for i in top.items), Counter()) == Counter(table.shortcuts)
    for level in levels(top):
        if level.graph is not None and level is not top:
            assert sum(i.cost.macs for i in level.items) == table.plan.known[id(level.graph)].macs
            assert sum(i.cost.params for i in level.items) == table.plan.known[id(level.graph)].params


@pytest.mark.parametrize("name", NETS)
def test_few_boxes_at_every_level(name: str) -> None:
    top = tree(rows(net(name), sizes(net(name))))
    assert len(top.items) <= 25
    assert all(len(level.items) <= 60 for level in levels(top))


@pytest.mark.parametrize("name", NETS)
def test_edges_lead_forward_and_stay_inside(name: str) -> None:
    for level in levels(tree(rows(net(name), sizes(net(name))))):
        first = len(level.inlets)
        for number, item in enumerate(level.items):
            for source, index in item.inputs:
                assert 0 <= source < first + number
                assert source < first or index < len(level.items[source - first].shapes)
            if item.inside is not None and not item.copies:
                assert len(item.inside.inlets) == len(item.inputs)
        assert all(0 <= source < first + len(level.items) for source, _ in level.outputs)


def paths(level: Level, prefix: str) -> Iterator[str]:
    """Addresses of the steps without a graph, as the page makes them."""
    for item in level.items:
        if item.is_part:
            assert item.inside is not None
            yield from paths(item.inside, prefix)
            continue
        for id in item.copies or (item.id,):
            if item.inside is None:
                yield prefix + id
            else:
                yield from paths(item.inside, f"{prefix}{id}.")


def addresses(graph: Graph, prefix: str) -> Iterator[str]:
    for node in graph.nodes():
        if isinstance(node.content, Graph):
            yield from addresses(node.content, f"{prefix}{node.id}.")
        elif not isinstance(node.content, Feed):
            yield prefix + node.id


@pytest.mark.parametrize("name", NETS)
def test_every_step_has_one_place(name: str) -> None:
    found = list(paths(tree(rows(net(name), sizes(net(name)))), ""))
    assert len(found) == len(set(found))
    assert set(found) == set(addresses(net(name).graph, ""))


@pytest.mark.parametrize("name", NETS)
def test_each_graph_is_written_once(name: str) -> None:
    known = net(name)
    told = data(rows(known, sizes(known)), *classes(known))
    graphs = [level for level in told["levels"] if "kind" in level]
    assert len(graphs) <= len(known.graph.signatures())
    assert all(
        node["level"] < len(told["levels"])
        for level in told["levels"]
        for node in level["nodes"]
        if "level" in node
    )


def test_the_classes_are_those_of_the_source() -> None:
    known = net("resnet:resnet50")
    texts, of = classes(known)
    source = emit(known)
    assert list(texts) == ["BottleneckProjection", "Bottleneck", "ResNet50"]
    assert all(text in source for text in texts.values())
    assert of[id(known.graph)] == "ResNet50"


# ---------------------------------------------------------------- receptive fields

MOBILENET = """\
block separable(out, stride = 1) {
  conv(in.channels, 3x3, stride = stride, groups = in.channels); batchnorm; relu
  conv(out, 1x1); batchnorm; relu
}
net mobilenet {
  input image: [3, H, W] at [3, 224, 224]
  conv(32, 3x3, stride = 2); batchnorm; relu
  separable(64); separable(128, stride = 2); separable(128); separable(256, stride = 2); separable(256)
  separable(512, stride = 2); separable(512) x 5; last = separable(1024, stride = 2); end = separable(1024)
}
"""


def field_at(level: Level, path: str, before: object = None, prefix: str = "") -> str | None:
    """The field of the step at an address, worked out from the data as the page does."""
    for item in level.items:
        assert isinstance(item, Item)
        inside = item.inside
        if not item.is_part and prefix + item.id == path:
            return field_text(item.field if before is None else compose(before, item.field))  # type: ignore[arg-type]
        if item.is_part and inside is not None:
            found = field_at(inside, path, before, prefix)
            if found is not None:
                return found
        elif inside is not None and not item.copies and path.startswith(f"{prefix}{item.id}."):
            source = item.inputs[0][0]
            first = len(level.inlets)
            given = level.inlets[source].field if source < first else level.items[source - first].field
            start = given if before is None else compose(before, given)  # type: ignore[arg-type]
            return field_at(inside, path, start, f"{prefix}{item.id}.")
    return None


@pytest.mark.parametrize(
    ("name", "path", "extent"),
    [
        # Araujo et al. 2019, "Computing Receptive Fields of Convolutional Neural Networks", Table 1.
        ("alexnet:alexnet", "features.12", "195"),
        ("vgg:vgg16", "features.30", "212"),
        ("inception_v3:inception_v3", "Mixed_7c", "1311"),
        ("mobilenet", "end", "315"),
        ("resnet:resnet50_v1", "layer4", "483"),
        ("resnet:resnet101_v1", "layer4", "1027"),
        ("resnet:resnet152_v1", "layer4", "1507"),
        # Inside: a 3x3 after 7x7 / 2 and 3x3 / 2 reaches two strides of 4 further than 11.
        ("resnet:resnet50", "layer1.0.conv2", "19"),
        ("resnet:resnet50", "layer1.0.downsample.0", "11"),
        ("resnet:resnet50", "layer2.0.conv2", "43"),
    ],
)
def test_receptive_field(name: str, path: str, extent: str) -> None:
    known = made(MOBILENET) if name == "mobilenet" else net(name)
    found = field_at(tree(rows(known)), path)
    if found is None:  # a row of several steps: the value is at its end
        found = field_text(known.graph.fields[Port(path)])
    assert found == extent


# ---------------------------------------------------------------- the file


class Reader(HTMLParser):
    """Collects tags, and the texts of scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, text: str) -> None:
        if self.tags:
            self.texts.setdefault(self.tags[-1][0], []).append(text)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


def test_it_is_one_file_that_asks_for_nothing() -> None:
    text = page(net("resnet:resnet50"))
    for tag, attributes in read(text).tags:
        assert tag not in ("link", "img", "iframe", "object", "base")
        assert not {"src", "href"} & set(attributes) or tag == "a"
        assert not any(name.startswith("on") or name == "style" for name in attributes), attributes
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)
    assert style
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    policy = re.search('Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    assert policy[1].startswith("default-src 'none'; style-src 'sha256-")
    assert "connect-src" not in policy[1]
    assert "unsafe" not in policy[1]


def test_title_description_and_a_table_without_scripts() -> None:
    text = page(net("resnet:resnet50"))
    assert "<title>resnet50: 25.6 M params · 4.09 GMACs at 3×224×224</title>" in text
    assert 'name="description" content="6 stages.' in text
    assert '<html lang="en"' in text
    noscript = re.search("<noscript>(.*?)</noscript>", text, re.DOTALL)
    assert noscript
    assert "25,557,032" in noscript[1]


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("resnet:resnet50", 150),
        ("cifar_resnet:resnet1202", 300),
        ("swin:swin_v2_b", 300),
        ("densenet:densenet201", 300),
    ],
)
def test_it_is_small(name: str, most: int) -> None:
    assert len(page(net(name)).encode()) < most * 1000


def test_same_bytes() -> None:
    text = "## A net.\nnet n {\n  input x: [3, H, W] at [3, 8, 8]\n  conv(8, 3x3, bias = true)\n}\n"
    assert page(made(text)) == page(made(text))


ODD = """\
## </script><script>alert(1)</script> <!-- & "quoted" {{data}}
block odd(n) {
  residual {
    "a<b>" = conv(n, 3x3, bias = true); "x&y" = relu; "</script>" = conv(n, 3x3, bias = true)
  } shortcut: identity
}
## </title><img src=x onerror=alert(1)> <!-- é 漢 \u2028
net odd_net {
  input image: [8, H, W] at [8, 16, 16]
  "<b>bold</b>" = odd(8)
  "</script><script>window.bad=1</script>" = odd(8) x 2
}
"""


def test_metacharacters() -> None:
    known = made(ODD)
    text = draw(known, "html", title="<i>\"&'</i></title>").decode()
    tags = Counter(tag for tag, _ in read(text).tags)
    assert tags["script"] == 2
    assert tags["b"] == tags["img"] == tags["i"] == 0
    assert tags["title"] == 1
    told = re.search('<script type="application/json" id="net">(.*?)</script>', text, re.DOTALL)
    assert told
    assert "<" not in told[1]
    facts = json.loads(told[1])
    assert facts["title"] == "<i>\"&'</i></title>"
    assert "<title>&lt;i&gt;&quot;&amp;&#x27;" in text
    assert "</script><script>window.bad=1</script>" in json.dumps(facts, ensure_ascii=False)


def test_a_net_of_a_hundred_thousand_ops() -> None:
    body = "conv(4, 3x3, bias = true); relu; " * 5
    known = made(f"block b {{ {body} }}\nnet n {{\n  input x: [4, H, W] at [4, 8, 8]\n  l = b x 10_000\n}}\n")
    table = rows(known)
    assert folding_note(table) == "100,000 steps: equal copies and long chains are folded"
    with pytest.warns(UserWarning, match="100,000 steps"):
        assert len(draw(known, "html")) < 150_000


def test_a_long_chain_of_unlike_ops() -> None:
    known = made(
        "net n {\n  input x: [4, H, W] at [4, 8, 8]\n"
        "  for i in range(2000) { conv(4 + i % 2, 3x3, bias = true); relu }\n}\n"
    )
    top = tree(rows(known))
    assert all(len(level.items) <= 60 for level in levels(top))
    assert len(list(paths(top, ""))) == 4000


def test_without_an_input_size() -> None:
    known = made("net n {\n  input x: [3, H, W]\n  conv(8, 3x3, bias = true)\n}\n")
    told = data(rows(known), *classes(known))
    assert not told["counted"]
    assert "macs" not in told["levels"][0]["nodes"][0]
    assert "8 × H × W" in told["strings"]


def test_a_card_lists_the_convolutions_of_its_block() -> None:
    def recipes(name: str) -> set[str]:
        known = net(name)
        told = data(rows(known, sizes(known)), *classes(known))
        return {told["strings"][n["recipe"]] for n in told["levels"][0]["nodes"] if "recipe" in n}

    assert "1×1, 64 · 3×3, 64 · 1×1, 256 · squeeze_excite" in recipes("se_resnet:se_resnet50")
    known = made(
        "block b(w) {\n  residual { for i in range(9) { conv(w, 3x3) } } shortcut: identity\n}\n"
        "net n {\n  input x: [1000, 8, 8]\n  y = b(1000)\n}\n"
    )
    told = data(rows(known), *classes(known))
    assert "3×3, 1000 · 3×3, 1000 · 3×3, 1000 · 3×3, 1000 · …" in told["strings"]


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_what_the_style_pairs() -> None:
    pairs = [(GREY, PAPER), (INK, PAPER), (BLACK, PAPER), (STAGES[3].line, PAPER)]
    for fill, line in (*STAGES, NEUTRAL):
        pairs += [(line, fill), (line, PAPER), (INK, fill), (BLACK, fill)]
    for text, behind in pairs:
        assert contrast(text, behind) >= 4.5, (text, behind)
        assert contrast(DARK[text], DARK[behind]) >= 4.5, (text, behind)


# ---------------------------------------------------------------- the command


@pytest.fixture
def no_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Path:
        raise AssertionError("a page needs no renderer")

    monkeypatch.setattr(draw_module, "render", refuse)
    monkeypatch.setattr(draw_module, "find_renderer", refuse)


def test_draw_without_graphviz(
    no_graphviz: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["draw", "resnet20", "-o", "net.html", "--theme", "dark"]) == 0
    assert 'data-theme="dark"' in Path("net.html").read_text(encoding="utf-8")
    assert main(["compile", "resnet20", "-o", "net2.html"]) == 0
    assert 'data-theme="auto"' in Path("net2.html").read_text(encoding="utf-8")
    assert main(["draw", "resnet20", "-o", "no.html", "--view", "column"]) == 2
    assert main(["draw", "resnet20", "-o", "no.html", "--fold", "2"]) == 2
    assert not Path("no.html").exists()
    assert "Traceback" not in capsys.readouterr().err
