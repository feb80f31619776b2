"""`resdsl sweep`: every combination, with the counts of `summary`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from resdsl import api
from resdsl.cli import main

UNITS = ["--set", "unit=[basic, bottleneck]", "--set", "depths=[[2, 2, 2, 2], [3, 4, 6, 3]]"]


def test_text(capsys: Any) -> None:
    assert main(["sweep", "resnet", *UNITS]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "resnet   4 settings"
    assert lines[2].split() == ["unit", "depths", "params", "MACs", "act."]
    assert lines[-1] == "bottleneck  [3, 4, 6, 3]  25,557,032  4.09 G  11.1 M"


def test_counts_are_those_of_the_nets(capsys: Any) -> None:
    assert main(["sweep", "resnet", *UNITS, "--at", "3x128x96", "--as", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    for row, name in ((rows[0], "resnet18"), (rows[1], "resnet34"), (rows[3], "resnet50")):
        cost = api.load(name).cost((3, 128, 96))
        assert [int(row[c]) for c in ("params", "macs", "activations")] == [
            cost.params,
            cost.macs,
            cost.activations,
        ]


def test_a_wrong_setting_is_named_and_the_others_counted(capsys: Any, tmp_path: Path) -> None:
    out = tmp_path / "search.json"
    assert (
        main(["sweep", "resnet", "--set", "unit=basic", "--set", "depths=[7, [1, 1, 1, 1]]", "-o", str(out)])
        == 1
    )
    first, second = json.loads(out.read_text())
    assert first["error"].startswith("only a list can be indexed")
    assert second["params"] > 0
    assert main(["sweep", "resnet", "--set", "unit=basic", "--set", "depths=[7, [1, 1, 1, 1]]"]) == 1
    assert "unit = basic, depths = 7: only a list" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "needs something to vary"),
        (["--set", "width=[]"], "no value to try"),
        (["--set", "width=[1,"], "is not a value"),
        (
            ["--set", f"classes={list(range(200))}", "--set", f"unit={list(range(200))}"],
            "40,000 settings are more",
        ),
    ],
)
def test_usage(arguments: list[str], said: str, capsys: Any) -> None:
    assert main(["sweep", "resnet", *arguments]) == 2
    assert said in capsys.readouterr().err
