"""The default picture and the strip: of every bundled net, on one page, with all that must be seen."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import pytest

from resdsl.graph.cost import Cost
from resdsl.graph.model import Net
from resdsl.pipeline import check
from resdsl.render.drawing.arial import text_width
from resdsl.render.drawing.canvas import Canvas
from resdsl.render.drawing.paper import MOST_BOXES, READABLE, SMALLEST, fits, scale
from resdsl.render.drawing.renderer import NoRenderer, find_renderer, render
from resdsl.render.numbers import short
from resdsl.render.outline.folding import folded
from resdsl.render.outline.rows import Table, rows
from resdsl.render.pictures.cards import colors_of, low_line
from resdsl.render.pictures.levels import levels
from resdsl.render.pictures.options import Options
from resdsl.render.pictures.panel import general
from resdsl.render.pictures.places import edges_of, places
from resdsl.render.pictures.stages import stages_canvas, stages_picture
from resdsl.render.pictures.strip import powers, strip_picture
from resdsl.resources import specs
from resdsl.source import Source
from tests.conftest import Golden
from tests.render.nets import HERE, SOME, file, net, sizes

FILES = sorted(path.stem for path in specs().glob("*.res"))


@cache
def pictures(name: str) -> list[tuple[Table, Canvas, str]]:
    """The tables of the nets of a bundled file with their default pictures and those as DOT."""
    made = []
    for one in file(name).values():
        table = rows(one, sizes(one))
        canvas = stages_canvas(table, Options())
        assert canvas is not None, one.name
        made.append((table, canvas, canvas.dot.text()))
    return made


def of(text: str) -> Net:
    """The net of a spec."""
    checked = check(Source("t.res", "edition 2026\n" + text))
    assert checked.ok, [d.message for d in checked.diagnostics]
    return next(iter(checked.nets.values()))


# ---------------------------------------------------------------- every bundled net


@pytest.mark.parametrize("name", FILES)
def test_the_default_picture_fits_a_page_and_can_be_read(name: str) -> None:
    for table, canvas, text in pictures(name):
        assert fits(canvas), (table.net.name, canvas.width, canvas.height, canvas.boxes)
        boxes = len(re.findall(r'fixedsize="true".*class="(?:stage|other|block)', text))
        assert boxes == canvas.boxes <= MOST_BOXES
        written = [float(size) for size in re.findall(r'(?:point-size="|fontsize=)([\d.]+)', text)]
        assert min(written) >= SMALLEST
        assert SMALLEST * scale(canvas.width, canvas.height) >= READABLE


@pytest.mark.parametrize("name", FILES)
def test_no_label_is_wider_than_its_box(name: str) -> None:
    for _, _, text in pictures(name):
        found = re.findall(
            r'width=([\d.]+), height=[\d.]+, fixedsize="true", margin=0, label=(.*?), (?:\w+=)', text
        )
        for width, label in found:
            room = float(width) * 72
            if label.startswith('"'):
                assert text_width(label.strip('"'), 9) <= room + 0.1
            for line in re.findall(r"<tr>((?:(?!<tr>).)*?)</tr>", label):
                pieces = re.findall(r'<font point-size="([\d.]+)"[^>]*>(<b>)?([^<]*)', line)
                bars = sum(map(float, re.findall(r'<td width="([\d.]+)" height="5"', line)))
                assert sum(text_width(t, float(s), bool(b)) for s, b, t in pieces) + bars <= room + 2.1, line


@pytest.mark.parametrize("name", FILES)
def test_no_number_of_parameters_is_cut(name: str) -> None:
    for table in (table for table, *_ in pictures(name)):
        for row in table.rows:
            if row.cost.params and not row.runs:
                assert low_line(row, 180).endswith(f"{short(row.cost.params)} params")


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_shortcut_is_drawn_beside_the_trunk_and_in_the_legend(name: str) -> None:
    for table, _, text in pictures(name):
        drawn = re.findall(r'-> .*pos="e,[-\d.]+,[-\d.]+ ([^"]*)".*class="shortcut (\w+)"', text)
        assert set(table.shortcuts) <= {kind for _, kind in drawn}
        told = {kind for _, kind in drawn} | ({"skip"} if 'class="skip"' in text else set())
        assert told == set(re.findall(r'^ "legend (\w+)" \[', text, re.MULTILINE))
        for points, _ in drawn:  # it leaves the line that it goes around, and by enough to be seen
            pairs = [tuple(map(float, point.split(","))) for point in points.split()]
            assert all(max(axis) - min(axis) >= 8 for axis in zip(*pairs, strict=True))


@pytest.mark.parametrize("name", FILES)
def test_the_shortcuts_of_folded_views_add_up(name: str) -> None:
    for table, _, text in pictures(name):
        told: Counter[str] = Counter()
        spread = set()
        for row, kind, count in re.findall(
            r'"([^"]*)" -> "\1" .*class="shortcut (\w+)".*: ([\d,]+) [\w-]+ short', text
        ):
            told[kind] += int(count.replace(",", ""))
            spread.add(row)
        for row in table.rows:
            if row.name not in spread and f'"{row.name} step 1' in text:  # drawn block by block, with notes
                told.update(row.shortcuts)
        assert {k: n for k, n in told.items() if k != "concat"} == table.shortcuts


@pytest.mark.parametrize("name", FILES)
def test_every_value_between_stages_is_drawn_with_its_shape(name: str) -> None:
    for table, _, text in pictures(name):
        names = {row.name: place for place, row in enumerate(table.rows)}
        flows = re.findall(r'^ "([^"]*)" -> "([^"]*)" .*class="(?:flow|skip)"', text, re.MULTILINE)
        assert len(re.findall(r'^ "shape (?:into|from|of) ', text, re.MULTILINE)) >= len(flows)
        if all(f'"{row}" [pos' in text for row in names):  # no stage is folded
            drawn = Counter((names.get(tail), names[head]) for tail, head in flows if head in names)
            assert drawn == Counter((e.tail if e.tail >= 0 else None, e.head) for e in edges_of(table))


@pytest.mark.parametrize("name", FILES)
def test_counts_of_the_cards_add_up(name: str) -> None:
    for one in file(name).values():
        table = rows(one, sizes(one))
        for most in (25, 7, 3, 1):
            smaller, _ = folded(table, most)
            assert len(smaller.rows) <= max(most, 1)
            total, shortcuts = Cost(), Counter[str]()
            for row in smaller.rows:
                total += row.cost
                shortcuts.update(row.shortcuts)
            assert total == table.total
            assert shortcuts == Counter(table.shortcuts)
            assert sorted(n for r in smaller.rows for n in r.steps) == sorted(
                n for r in table.rows for n in r.steps
            )


GOLDEN = ("unet:unet_resnet34", "efficientnet:efficientnet_b0", "googlenet:googlenet", "hourglass:hourglass8")


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(golden: Golden, name: str) -> None:
    picture = stages_picture(rows(net(name)))
    golden(HERE / "golden" / f"{name.partition(':')[2]}_stages.dot", picture.text())


def test_golden_strip(golden: Golden) -> None:
    golden(
        HERE / "golden" / "resnet50_strip.dot", strip_picture(rows(net("resnet:resnet50")), Options()).text()
    )


# ---------------------------------------------------------------- forms of nets


def test_encoders_and_decoders_are_found_in_the_graph() -> None:
    found = {table.net.name for name in FILES for table, *_ in pictures(name) if levels(table) is not None}
    assert found == {"unet", "unet_unpadded", "unet_resnet18", "unet_resnet34", "unet_resnet50"}


def test_levels_of_an_encoder_and_decoder() -> None:
    table = rows(net("unet:unet_resnet34"))
    found = levels(table)
    assert found is not None
    names = [row.name for row in table.rows]
    blocks = [f"decoder.blocks.{i}" for i in range(5)]
    assert [[names[i] for i in part] for part in found.down] == [
        ["conv1"],
        ["conv2_x"],
        ["conv3_x"],
        ["conv4_x"],
    ]
    assert [[names[i] for i in part] for part in found.up] == [
        [*blocks[3:], "head"],
        *([b] for b in blocks[2::-1]),
    ]
    assert [names[i] for i in found.bottom] == ["conv5_x"]
    shapes = [edge.shapes for edge in found.skips]
    assert [len(s) for s in shapes] == [1] * 4


def test_branches_stand_side_by_side() -> None:
    where = places(rows(net("googlenet:googlenet")))
    assert where is not None
    table = rows(net("googlenet:googlenet"))
    columns = {row.name: where.columns[place] for place, row in enumerate(table.rows)}
    assert columns == dict.fromkeys(columns, 0) | {"aux1": 1, "aux2": 2}
    assert {e.route for e in where.edges} == {"down", "side"}
    towers = places(rows(net("contrastive:moco_resnet50")))
    assert towers is not None
    assert sorted(towers.columns.values()) == [0] * 7 + [1] * 7
    assert {e.route for e in towers.edges} == {"down"}


def test_skips_of_a_pyramid_lie_inside_each_other() -> None:
    where = places(rows(net("fpn:fpn_resnet50")))
    assert where is not None
    assert [(e.tail, e.head, e.lane) for e in where.edges if e.route == "lane"] == [
        (1, 5, 2),
        (2, 5, 1),
        (3, 5, 0),
    ]


def chain(count: int) -> Net:
    stages = "\n".join(f"  s{i} = c({8 + i})" for i in range(count))
    return of(
        f"block c(width) {{ conv(width, 3x3); relu }}\nnet long {{\n  input x: [3, 8, 8]\n{stages}\n}}\n"
    )


@pytest.mark.parametrize("count", [30, 120])
def test_many_different_stages_are_folded_to_one_page(count: int) -> None:
    table = rows(chain(count))
    assert len(table.rows) == count
    canvas = stages_canvas(table, Options())
    assert canvas is not None
    assert fits(canvas)
    assert canvas.boxes >= 9


def test_stages_that_come_in_turn_are_framed() -> None:
    table = rows(net("hourglass:hourglass8"))
    smaller, (frame,) = folded(table, 25)
    names = [row.name for row in smaller.rows]
    assert names[frame.first : frame.last + 1] == ["hourglass1–7", "res1–7", "fc1–7", "heatmaps1–7"]
    assert frame.times == 7
    assert names[frame.last + 1 :] == ["hourglass8", "res8", "fc8", "head"]


def tangle(towers: int) -> Net:
    """Each stage takes the last one of its tower, and one from far away."""
    lines = [
        "block c(width) { conv(width, 3x3); relu }",
        "block j(width) { input x, y; concat { from x; from y }",
    ]
    lines += ["  conv(width, 3x3) }", "net tangle {", "  input x: [3, 8, 8]"]
    lines += [f"  from x -> c({8 + i}) as t{i}" for i in range(towers)]
    for i in range(towers, 24):
        lines.append(f"  from t{i - towers}, t{(i * 7) % (i - 1)} -> j({8 + i}) as t{i}")
    ends = ", ".join(f"t{i}" for i in range(24 - towers, 24))
    return of("\n".join([*lines, f"  output {ends}", "}"]))


def test_a_tangle_is_folded_or_laid_out_by_graphviz() -> None:
    table = rows(tangle(3))
    assert places(table) is None
    canvas = stages_canvas(table, Options())
    assert canvas is not None
    assert fits(canvas)
    table = rows(tangle(6))
    dot = stages_picture(table)
    assert dot.engine == "dot"
    assert len(re.findall(r'class="(?:stage|other)', dot.text())) <= MOST_BOXES


# ---------------------------------------------------------------- the strip


@pytest.mark.parametrize("name", FILES)
def test_strip(name: str) -> None:
    for table, *_ in pictures(name):
        text = strip_picture(table, Options()).text()
        assert text == strip_picture(table, Options()).text()
        cards = re.findall(r'fixedsize="true".*tooltip=.*class="(?:stage|other)', text)
        assert len(cards) <= 12
        assert set(table.shortcuts) <= set(re.findall(r'class="shortcut (\w+)"', text))
        assert min(float(size) for size in re.findall(r'point-size="([\d.]+)', text)) >= SMALLEST
        assert "…</font>" not in text, "no name and no op is cut"


def test_a_card_of_the_strip_with_many_layers_says_how_many_more() -> None:
    layers = "\n".join(f"    conv{i} = conv({1000 * i}, 3x3, bias = true)" for i in range(1, 9))
    body = "body = residual { conv(8000, 3x3, bias = true) } shortcut: identity"
    made = of(f"net a {{\n  input x: [3, 8, 8]\n  stem = {{\n{layers}\n  }}\n  {body}\n}}\n")
    text = strip_picture(rows(made), Options()).text()
    for line in ("3×3 conv, 1000", "3×3 conv, 2000", "3×3 conv, 3000", "+5 more"):
        assert f">{line}</font>" in text


def test_the_strip_of_resnet50_is_as_wide_as_a_readme() -> None:
    text = strip_picture(rows(net("resnet:resnet50")), Options())
    assert re.findall(r'"conv\d_x, copy 2"', text.text())
    places_ = [tuple(map(float, p.split(","))) for p in re.findall(r'pos="([-\d.]+,[-\d.]+)"', text.text())]
    across, down = zip(*places_, strict=True)
    assert max(across) - min(across) < 880 * SMALLEST / 8  # text of 8 pixels when it is 880 pixels wide
    assert max(down) - min(down) < 80


# ---------------------------------------------------------------- what is asked for, and how texts are made


def test_what_is_shown() -> None:
    table = rows(net("resnet:resnet50"))
    for show, there, gone in (
        (("shapes",), "64×112×112", "params</font>"),
        (("params",), "params</font>", "GMACs</font>  "),
        (("macs",), "1.03 GMACs", "1.22 M params"),
    ):
        text = stages_picture(table, Options(show=show)).text()
        assert there in text
        assert gone not in text.replace("GMACs at", "")


@pytest.mark.parametrize(
    ("texts", "made"),
    [
        (["3×3, 64"], "3×3, 64"),
        (["1×1, 64", "1×1, 128"], "1×1"),
        (["3×3 depthwise, 96", "5×5 depthwise, 240"], "3×3/5×5 depthwise"),
        (["3×3, 64", "5×5, 64", "7×7, 64"], "k×k, 64"),
        (["fc 384", "fc 768"], "fc"),
        (["3×3, 256, dilation 2", "3×3, 512, dilation 4"], "3×3"),
    ],
)
def test_what_blocks_have_in_common(texts: list[str], made: str) -> None:
    assert general(texts) == made


def test_shapes_in_few_letters() -> None:
    assert powers((64, 56, 56), {}) == "64×56²"
    assert powers((64, 8, 8, 8), {}) == "64×8³"
    assert powers((64, 56, 28), {}) == "64×56×28"
    assert powers((197, 768), {}) == "197×768"
    assert powers((1000,), {}) == "1000"


# ---------------------------------------------------------------- what renderers make of it


def _installed(renderer: str) -> bool:
    try:
        import graphviz  # noqa: F401  # type: ignore[import-not-found, unused-ignore]

        find_renderer("svg", renderer=renderer)
    except (ImportError, NoRenderer):
        return False
    return True


@pytest.mark.parametrize("renderer", ["graphviz-pure", "dot"])
@pytest.mark.parametrize(
    "name",
    [
        "resnet:resnet50",
        "cifar_resnet:resnet1202",
        "swin:swin_v2_b",
        "unet:unet_resnet34",
        "googlenet:googlenet",
    ],
)
def test_pictures_are_as_large_as_they_were_planned(name: str, renderer: str) -> None:
    if not _installed(renderer):
        pytest.skip(f"no {renderer}")
    made = net(name)
    canvas = stages_canvas(rows(made, sizes(made)), Options())
    assert canvas is not None
    svg = render(canvas.dot.text(), "neato", "svg", made.name, renderer).decode()
    width, height = map(float, re.findall(r'viewBox="\S+ \S+ ([\d.]+) ([\d.]+)"', svg)[0])
    pad = float(re.findall(r"translate\(([\d.]+)", svg)[0])
    assert abs(width - 2 * pad - (canvas.width - 2 * canvas.pad)) < 3
    assert abs(height - 2 * pad - (canvas.height - 2 * canvas.pad)) < 3


def test_the_nets_of_the_other_tests() -> None:
    for name in SOME:
        table = rows(net(name), sizes(net(name)))
        canvas = stages_canvas(table, Options())
        assert canvas is not None
        assert fits(canvas)


UP = """
net up(base = 8) {
  input image: [1, H, W] where H % 4 == 0, W % 4 == 0 at [1, 64, 64]
  enc1 = double(base); maxpool(2x2, 2)
  enc2 = double(2 * base); maxpool(2x2, 2)
  mid = double(4 * base)
  up2 = conv_transpose(2 * base, 2x2, stride = 2)
  from up2, enc2 -> concat
  dec2 = double(2 * base)
  up1 = conv_transpose(base, 2x2, stride = 2)
  from up1, enc1 -> concat
  dec1 = double(base)
}
block double(width) { conv(width, 3x3); relu; conv(width, 3x3); relu }
"""


def test_a_decoder_of_up_convolutions_is_the_right_side_of_a_u() -> None:
    table = rows(of(UP))
    canvas = stages_canvas(table, Options())
    assert canvas is not None
    text = canvas.dot.text()
    places = dict(re.findall(r'^ "(\w+)" \[pos="([-\d.]+),', text, re.MULTILINE))
    assert float(places["enc1"]) == float(places["enc2"]) < float(places["dec2"]) == float(places["up1"])
    colors = dict(zip((row.name for row in table.rows), colors_of(table), strict=True))
    assert colors["enc1"] == colors["dec1"] != colors["enc2"] == colors["dec2"] != colors["mid"]
    # A skip is told from the shortcut of a block.
    assert len(re.findall(r'penwidth=2, class="skip"|class="skip".*penwidth=2', text)) == 2
