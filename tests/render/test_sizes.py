"""The report on input sizes: golden files, and what it says against the net itself."""

from __future__ import annotations

import csv
import io
import json
from functools import cache
from typing import Any

import pytest

from resdsl.diagnostics.columns import width as columns_of
from resdsl.elaborate.files import read_source
from resdsl.graph.given import NoSuchSize, sizes_given
from resdsl.graph.model import Net
from resdsl.pipeline import check
from resdsl.render.sizes.fitting import fitting
from resdsl.render.sizes.table import sizes_table
from resdsl.resources import specs
from resdsl.sizes import shape_at
from resdsl.source import Source
from tests.conftest import Golden
from tests.render.nets import HERE

GOLDEN = HERE / "golden"
NETS = ("unet", "bounded", "unpadded", "sound", "two", "fixed", "auxiliary")
ALL = (*NETS, "resnet:resnet50", "unet_broken:unet")


@cache
def nets(file: str) -> dict[str, Net]:
    path = HERE / "specs" / f"{file}.res"
    path = path if path.exists() else specs() / f"{file}.res"
    source = read_source(path, path.name)
    assert isinstance(source, Source)
    return check(source, path).nets


def net(name: str) -> Net:
    """A net of `specs/sizes.res`, or `file:net`."""
    file, _, inner = name.rpartition(":")
    return nets(file or "sizes")[inner]


def text_of(text: str) -> Net:
    """The net of a text, broken or not."""
    (made,) = check(Source("net.res", text)).nets.values()
    return made


def given(made: Net, *at: tuple[int, ...]) -> list[dict[str, int]] | None:
    found = [sizes_given(made, numbers) for numbers in at]
    return [sizes for sizes in found if sizes is not None] or None


@pytest.mark.parametrize(
    ("file", "name", "at"),
    [
        ("sizes_resnet50", "resnet:resnet50", ()),
        ("sizes_resnet50_at", "resnet:resnet50", ((224,), (240, 320), (3, 225, 400), (512,), (1024,), (65,))),
        ("sizes_unet", "unet", ()),
        ("sizes_unet_at", "unet", ((225, 400), (4,), (64,))),
        ("sizes_unet_broken", "unet_broken:unet", ()),
        ("sizes_bounded", "bounded", ((64, 16), (80, 17))),
        ("sizes_unpadded", "unpadded", ((64,), (24,), (23,))),
        ("sizes_sound", "sound", ((16000,), (16001,))),
        ("sizes_two", "two", ((64, 96, 1000), (64, 96, 1001))),
        ("sizes_fixed", "fixed", ()),
        ("sizes_auxiliary", "auxiliary", ((64,), (16,))),
    ],
)
def test_golden(golden: Golden, file: str, name: str, at: tuple[tuple[int, ...], ...]) -> None:
    golden(GOLDEN / f"{file}.txt", sizes_table(net(name), given(net(name), *at)))


@pytest.mark.parametrize("format", ["md", "csv", "json"])
def test_golden_of_other_formats(golden: Golden, format: Any) -> None:
    made = net("unet")
    golden(GOLDEN / f"sizes_unet.{format}", sizes_table(made, given(made, (64,), (225, 400)), format=format))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("width", [40, 60, 100])
def test_no_line_is_wider_than_asked(name: str, width: int) -> None:
    made = net(name)
    at = None if not made.sizes else given(made, *[(n,) * len(made.sizes) for n in (7, 16, 64, 100, 1000)])
    title, text = sizes_table(made, at, width=width).split("\n", 1)
    assert title.startswith(made.name)
    assert max(map(columns_of, text.splitlines())) <= width


@pytest.mark.parametrize("name", ALL)
def test_smallest_and_witness(name: str) -> None:
    made = net(name)
    found = fitting(made)
    assert found.smallest == {var: min(v for v in range(1, 300) if v in made.fits[var]) for var in made.sizes}
    told = {var: one.value for one in found.witnesses for var in one.names}
    for var, least in found.smallest.items():
        failing = [v for v in range(least, 300) if v not in made.needed.of(var)]
        assert told.get(var) == (failing[0] if failing else None)
    for var, near in found.near.items():
        assert near
        assert set(near) <= {v for v in range(20_000) if v in made.fits[var]}


@pytest.mark.parametrize("name", ALL)
def test_json_has_it_all(name: str) -> None:
    made = net(name)
    found = json.loads(sizes_table(made, format="json"))
    assert list(found) == [
        *("net", "settings", "sizes", "at", "verdict", "fits", "where", "needed", "training"),
        *("training_outputs", "smallest", "largest", "fails", "near", "columns", "stages"),
    ]
    for stage in found["stages"]:
        assert len(stage["values"]) == len(found["columns"])
    for place, column in enumerate(found["columns"]):
        assert column["fits"] == all(v in made.fits[var] for var, v in column["at"].items())
        inputs = [s["values"][place] for s in found["stages"] if s["kind"] == "input"]
        assert inputs == [list(shape_at(s, column["at"])) for s in made.graph.input_shapes if s is not None]


def test_csv_has_a_column_for_each_size() -> None:
    made = net("unet")
    lines = list(csv.reader(io.StringIO(sizes_table(made, given(made, (16,), (17,)), format="csv"))))
    assert lines[0] == ["stage", "shape", "16×16", "17×17"]
    assert lines[2] == ["enc1", "[8, H / 2, W / 2]", "8×8×8", ""]


def test_color_only_adds_color() -> None:
    plain, colored = sizes_table(net("unet")), sizes_table(net("unet"), color=True)
    assert colored.startswith("\x1b[1munet\x1b[0m   input")
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[2m"):
        colored = colored.replace(code, "")
    assert colored == plain


def test_unknown_format() -> None:
    with pytest.raises(ValueError, match="text, md, csv or json"):
        sizes_table(net("unet"), format="tex")  # type: ignore[arg-type]


# ---------------------------------------------------------------- `where`, and what is needed

POOLED = """\
net n {{
  input image: [3, H, W] {} at [3, {}, 64]
  conv(8, 3x3, bias = true) as s; maxpool(2x2, 2)
  conv_transpose(8, 2x2, stride = 2, bias = true)
  concat {{ identity; from s }}
}}
"""


@pytest.mark.parametrize(
    ("where", "own", "verdict", "said"),
    [
        ("where H % 2 == 0, W % 2 == 0", 64, "stated", "where     says so\n"),
        (
            "where H % 2 == 0, W % 4 == 0",
            64,
            "stronger",
            "steps     run exactly when H % 2 == 0 and W % 2 == 0\n",
        ),
        ("", 64, "missing", "where     does not say so\n"),
        ("where W % 2 == 0", 64, "missing", "where     says only W % 2 == 0\n"),
        (
            "where H % 2 == 1",
            63,
            "none",
            "where  says H % 2 == 1\nsteps  run exactly when H % 2 == 0 and W % 2 == 0\n",
        ),
    ],
)
def test_where(where: str, own: int, verdict: str, said: str) -> None:
    made = text_of(POOLED.format(where, own))
    assert fitting(made).verdict == verdict
    assert said in sizes_table(made)


def test_no_size_fits() -> None:
    made = text_of(POOLED.format("where H % 2 == 1", 63))
    text = sizes_table(made)
    assert "fits   at no size\n" in text
    assert "63×64 does not fit: no H fits\n" in text
    assert "smallest" not in text
    assert json.loads(sizes_table(made, format="json"))["fits"] == {"H": None, "W": "W % 2 == 0"}


def test_where_and_a_least_size() -> None:
    text = "net n { input x: [3, H, H] where H % 2 == 0\n conv(8, 7x7, padding = 0, bias = true) }"
    told = sizes_table(text_of(text))
    assert "fits      exactly when H % 2 == 0 and H >= 8\n" in told
    assert "where     asks for more than the steps need\nsteps     run exactly when H >= 7\n" in told
    assert "first     8, 10, 12, 14, 16\n" in told


def test_a_net_inside_asks() -> None:
    text = """\
net inner { input x: [8, H, W] where H % 4 == 0, W % 2 == 0 at [8, 8, 8]
  conv(8, 3x3, bias = true) }
net outer { input image: [3, H, W]
  conv(8, 3x3, bias = true)
  body = inner }
"""
    told = sizes_table(check(Source("net.res", text), None, ["outer"]).nets["outer"])
    assert (
        "fails     at H = 5: body asks for `H % 4 == 0`\n          at W = 3: body asks for `W % 2 == 0`\n"
        in told
    )


def test_what_is_left_over() -> None:
    told = sizes_table(
        text_of("net n { input x: [3, H, W]\n conv(4, 3x3, bias = true)\n down = pixel_unshuffle(2) }")
    )
    assert "fails     at H = 3 or W = 3: down leaves 1 over\n" in told


def test_several_inputs_of_other_sizes_fail_apart() -> None:
    text = """\
net n { input a: [3, H, W], b: [3, T, W]
  from a -> pixel_unshuffle(2) as x
  from b -> pixel_unshuffle(3) as y
  output x, y }
"""
    told = sizes_table(text_of(text), [{"H": 2, "W": 6, "T": 3}, {"H": 1, "W": 7, "T": 4}])
    assert "exactly when H % 2 == 0 and W % 6 == 0 and T % 3 == 0\n" in told
    assert "smallest  a 3×2×6, b 3×3×6\n" in told
    assert "2×12×6\n" in told


# ---------------------------------------------------------------- sizes as they are given


def test_sizes_given() -> None:
    made = net("resnet:resnet50")
    assert sizes_given(made, [224]) == {"H": 224, "W": 224}
    assert sizes_given(made, [225, 400]) == {"H": 225, "W": 400}
    assert sizes_given(made, [3, 225, 400]) == {"H": 225, "W": 400}
    assert sizes_given(made, [4, 225, 400]) is None
    assert sizes_given(net("sound"), [100]) == sizes_given(net("sound"), [1, 100]) == {"T": 100}
    assert sizes_given(net("two"), [9]) == {"H": 9, "W": 9, "T": 9}
    assert sizes_given(net("fixed"), [1, 28, 28]) == {}
    assert sizes_given(net("fixed"), [1, 32, 28]) is None
    square = text_of("net n { input x: [3, H, H]\n conv(8, 3x3, bias = true) }")
    assert (
        sizes_given(square, [8]) == sizes_given(square, [8, 8]) == sizes_given(square, [3, 8, 8]) == {"H": 8}
    )


@pytest.mark.parametrize(
    ("name", "numbers", "message"),
    [
        ("resnet:resnet50", (0,), "a size is at least 1"),
        ("resnet:resnet50", (1, 2, 3, 4), "`H` and `W` vary: one number for both, or 2 like 224x400"),
        ("resnet:resnet50", (2**32,), "less than 2"),
        ("two", (1, 2), "`H`, `W` and `T` vary: one number for all, or 3 like 224x400x64"),
        ("sound", (1, 2, 3), "only `T` varies, so a size is one number"),
        ("fixed", (28,), "the input is fixed"),
    ],
)
def test_no_such_size(name: str, numbers: tuple[int, ...], message: str) -> None:
    with pytest.raises(NoSuchSize, match=message):
        sizes_given(net(name), numbers)


def test_a_square_is_not_a_rectangle() -> None:
    square = text_of("net n { input x: [3, H, H]\n conv(8, 3x3, bias = true) }")
    with pytest.raises(NoSuchSize, match="`H` cannot be 8 and 9"):
        sizes_given(square, [8, 9])


def test_a_stage_larger_than_any_tensor() -> None:
    made = net("resnet:resnet50")
    with pytest.raises(NoSuchSize, match="less than 2"):
        sizes_table(made, [{"H": 10**9, "W": 10**9}])
