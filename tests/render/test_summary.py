from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from resdsl.diagnostics.columns import width as columns_of
from resdsl.graph.cost import cost
from resdsl.render.summary import summary
from tests.conftest import Golden
from tests.render.nets import HERE, SOME, net, sizes

GOLDEN = HERE / "golden"


@pytest.mark.parametrize(
    ("file", "name", "options"),
    [
        ("resnet50.txt", "resnet:resnet50", {}),
        ("resnet50_80.txt", "resnet:resnet50", {"width": 80}),
        ("resnet50_120.txt", "resnet:resnet50", {"width": 120}),
        ("resnet50.md", "resnet:resnet50", {"format": "md"}),
        ("resnet50.csv", "resnet:resnet50", {"format": "csv"}),
        ("resnet50.json", "resnet:resnet50", {"format": "json"}),
        ("resnet50.tex", "resnet:resnet50", {"format": "tex"}),
        ("resnet20.txt", "cifar_resnet:resnet20", {}),
        ("resnet20_op.txt", "cifar_resnet:resnet20", {"depth": "op"}),
        ("mixed_block.txt", "mixed", {"depth": "block"}),
        ("unet.txt", "unet", {}),
        ("two.txt", "two", {}),
    ],
)
def test_golden(golden: Golden, file: str, name: str, options: dict[str, Any]) -> None:
    made = net(name)
    at = {"H": 224, "W": 224} if name == "resnet:resnet50" else None
    golden(GOLDEN / file, summary(made, at, **options))


def test_without_a_size(golden: Golden) -> None:
    golden(GOLDEN / "open.txt", summary(net("open")))
    assert "--at 3x224x224" in summary(net("open"))
    found = json.loads(summary(net("open"), format="json"))
    assert found["total"]["params"] == cost(net("open").graph, {"H": 9, "W": 9}).params
    assert found["total"]["macs"] is None
    assert found["rows"][0]["output"] == [8, "H", "W"]


@pytest.mark.parametrize("name", SOME)
def test_json_is_exact(name: str) -> None:
    made = net(name)
    found = json.loads(summary(made, sizes(made), format="json"))
    total = cost(made.graph, sizes(made))
    assert (found["total"]["params"], found["total"]["macs"]) == (total.params, total.macs)
    assert sum(row["params"] for row in found["rows"]) == total.params
    assert sum(row["macs"] for row in found["rows"]) == total.macs


@pytest.mark.parametrize("name", SOME)
def test_csv_parses(name: str) -> None:
    text = summary(net(name), sizes(net(name)), format="csv")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert sum(int(line["params"]) for line in lines) == cost(net(name).graph, sizes(net(name))).params


@pytest.mark.parametrize("name", [n for n in SOME if n != "deep"])
@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_no_line_is_wider_than_asked(name: str, width: int) -> None:
    for depth in ("stage", "block", "op"):
        text = summary(net(name), sizes(net(name)), width=width, depth=depth)  # type: ignore[arg-type]
        lines = text.split("\n\n")[1].splitlines()
        assert max(map(columns_of, lines)) <= width


def test_tex_is_balanced() -> None:
    for name in SOME:
        text = summary(net(name), sizes(net(name)), format="tex")
        assert text.count("{") == text.count("}")
        assert text.count("\\begin") == text.count("\\end")
        assert all(
            line.count("&") == 3 for line in text.splitlines() if line.endswith("\\\\") and "&" in line
        )


def test_color_only_adds_escapes() -> None:
    import re

    made = net("cifar_resnet:resnet20")
    assert re.sub("\x1b\\[[0-9]+m", "", summary(made, color=True)) == summary(made)


def test_nothing_is_written_twice(tmp_path: Path) -> None:
    made = net("resnet:resnet50")
    assert summary(made, sizes(made)) == summary(made, sizes(made))
