"""What is printed and drawn: golden files, and what they must hold."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

import resdsl
from resdsl.diff.as_json import to_json
from resdsl.diff.compare import compare
from resdsl.diff.markdown import to_markdown
from resdsl.diff.picture import changes_dot, picture
from resdsl.diff.text import to_text
from resdsl.render.pictures.draw import NoRenderer
from tests.conftest import Golden
from tests.diff.pairs import BASE, BUNDLED, CHANGES, changed, everything, readme, text

GOLDEN = Path(__file__).parent / "golden"

SAID: dict[str, tuple[str, str, dict[str, Any]]] = {
    "v1_v15": ("resnet50_v1", "resnet50", {}),
    "identical": ("resnet50", "resnet50", {}),
    "deeper": ("resnet101", "resnet152", {}),
    "head": ("resnet50", "resnet50", {"classes": 10}),
    "training": ("stochastic_depth110", "resnet110", {}),
    "shortcuts": ("resnet34", "plain34", {}),
    "block": ("resnet34", "resnet50", {}),
    "padding": ("unet", "unet_unpadded", {}),
    "norms": ("vgg11", "vgg11_bn", {}),
}


def _bundled(name: str) -> Any:
    a, b, given = SAID[name]
    return compare(resdsl.load(a).net, resdsl.load(b, **given).net)


@pytest.mark.parametrize("name", SAID)
def test_golden(golden: Golden, name: str) -> None:
    golden(GOLDEN / f"{name}.txt", to_text(_bundled(name)))


def test_golden_of_other_formats(golden: Golden) -> None:
    found = _bundled("v1_v15")
    golden(GOLDEN / "v1_v15.md", to_markdown(found))
    golden(GOLDEN / "v1_v15.json", json.dumps(to_json(found), indent=2, ensure_ascii=False) + "\n")
    golden(GOLDEN / "v1_v15_picture.txt", changes_dot(found).description + "\n")


def test_golden_of_small_changes(golden: Golden) -> None:
    made = []
    for name in CHANGES:
        said = to_text(compare(text(BASE), changed(name))).split("\n", 3)[3]
        made.append(f"======== {name}\n{said}")
    golden(GOLDEN / "small.txt", "\n".join(made))


def test_what_must_be_said_of_v1() -> None:
    said = to_text(_bundled("v1_v15"))
    for part in (
        "warning: strict load SUCCEEDS, but outputs differ",
        "all 320 tensors have the same names and shapes",
        "3 of 16 blocks of `bottleneck`: layer2.0, layer3.0, layer4.0",
        "conv1  1×1 conv  stride 2 → 1",
        "conv2  3×3 conv  stride 1 → 2",
        "3,857,973,248 → 4,089,184,256  +231,211,008  +6.0 %",
    ):
        assert part in said


@pytest.mark.parametrize("other", ["resnet50", "resnet101", "wide_resnet50_2", "resnext50_32x4d"])
def test_what_many_layers_share_is_said_once(other: str) -> None:
    """The initial weights of every convolution differ; JSON names each."""
    found = compare(text(readme()), resdsl.load(other).net)
    line = "all 53 `conv` layers: weight starts from torch's default → kaiming_normal(mode = fan_out, "
    for said in (to_text(found), to_markdown(found)):
        assert said.count(line) == said.count("starts from") == 1
    drawn = changes_dot(found).description
    assert drawn.count(line.replace("`", "")) == drawn.count("starts from") == 1
    layers = to_json(found)["layers"]
    assert sum(any("starts from" in f["name"] for f in c["arguments"]) for c in layers) == 53


def test_what_some_layers_share_names_them() -> None:
    other = BASE.replace("bn1 = batchnorm", "bn1 = batchnorm(eps = 0.001)")
    other = other.replace("bn2 = batchnorm", "bn2 = batchnorm(eps = 0.001, momentum = 0.2)")
    said = to_text(
        compare(text(BASE), text(other.replace("norm = batchnorm", "norm = batchnorm(eps = 0.001)")))
    )
    assert "~ 11 of 12 `batchnorm` layers: eps 1e-05 → 0.001\n  ~     norm, layer*.*.bn* (10×)\n" in said
    assert "~     bn2  batchnorm  momentum 0.1 → 0.2\n" in said
    assert said.count("eps") == 1


def test_layers_of_a_block_that_change_alike_share_a_line() -> None:
    said = to_text(_bundled("padding"))
    assert "~     conv1, conv2  3×3 conv  padding 1 → 0\n" in said


@pytest.mark.parametrize("name", SAID)
def test_color_only_adds_escapes(name: str) -> None:
    found = _bundled(name)
    assert re.sub("\x1b\\[[0-9]+m", "", to_text(found, color=True)) == to_text(found)


def test_bundled_pairs_are_said_in_few_lines() -> None:
    for a, b in BUNDLED:
        said = to_text(compare(resdsl.load(a).net, resdsl.load(b).net))
        assert len(said.splitlines()) <= 110, (a, b)
        assert all(line == line.rstrip() for line in said.splitlines())


def test_in_python() -> None:
    a, b = resdsl.load("resnet50_v1"), resdsl.load("resnet50")
    found = a.diff(b, at=(3, 64, 64))
    assert found.verdict == "outputs"
    assert found.weights.strict
    assert "3×64×64" in str(found)
    with pytest.raises(ValueError, match="dimensions"):
        a.diff(b, at=(3, 64))


# ---------------------------------------------------------------- pictures


def test_every_stage_has_its_card() -> None:
    for a, b in BUNDLED:
        found = compare(resdsl.load(a).net, resdsl.load(b).net)
        drawn = changes_dot(found).text()
        for pair in found.stages:
            if pair.differs:
                assert f": {pair.name} (" in drawn
        signs = {c for c in ("added", "removed", "changed") if f'class="{c}"' in drawn}
        wanted = {
            "added" if p.a is None else "removed" if p.b is None else "changed"
            for p in found.stages
            if p.differs
        }
        assert signs == wanted


def test_svg_says_what_it_shows() -> None:
    try:
        data = picture(_bundled("v1_v15"), "svg", theme="auto")
    except NoRenderer:
        pytest.skip("no renderer")
    assert data == picture(_bundled("v1_v15"), "svg", theme="auto")
    root = ElementTree.fromstring(data)
    words = {e.tag.rpartition("}")[2]: e.text or "" for e in list(root)[:2]}
    assert root.attrib["role"] == "img"
    assert words["title"].startswith("resnet50_v1 to resnet50")
    assert words["desc"].startswith("strict load SUCCEEDS, but outputs differ. conv1 equal.")
    assert "conv3_x differs: bottleneck(128), /2 × 4 (MACs +8.1 %" in words["desc"]


def test_any_two_nets() -> None:
    """Nets that have little in common are compared, said and drawn too."""
    nets = [net for _, net in everything()]
    for a, b in zip(nets[::3], nets[40::3], strict=False):
        found = compare(a, b)
        assert str(found).count("\n") <= 130
        assert json.loads(json.dumps(to_json(found)))["verdict"] == found.verdict
        assert changes_dot(found).description
        assert to_markdown(found).startswith("### ")
