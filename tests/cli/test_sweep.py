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
            "40,000 settings are more than 10,000; try some of them with --sample 1000",
        ),
        (["--set", "depth=[1, 2]"], "no parameter `depth`; did you mean `depths`?"),
        (["--set", "classes=[1, 2]", "--set", "classes=3"], "--set gives `classes` twice"),
        ([*UNITS, "--where", "macs <"], "is not a condition"),
        ([*UNITS, "--where", "maks < 3"], "unknown name `maks`; it may use `unit`, `depths`, `params`"),
        ([*UNITS, "--where", "macs"], "a condition must be true or false"),
        ([*UNITS, "--sort", "width"], "--sort takes a column: unit, depths, params, macs, activations"),
        ([*UNITS, "--sample", "20000"], "20,000 settings are more"),
        ([*UNITS, "--at", "3x224x224,a"], "--at takes a shape like 3x224x224"),
    ],
)
def test_usage(arguments: list[str], said: str, capsys: Any) -> None:
    assert main(["sweep", "resnet", *arguments]) == 2
    assert said in capsys.readouterr().err


def _rows(capsys: Any, *arguments: str) -> list[dict[str, str]]:
    assert main(["sweep", "resnet", "--set", "unit=basic", *arguments, "--as", "csv"]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


@pytest.mark.parametrize("text", ["range(10, 40, 10)", "[10] + [20, 30]", "[10 * i for i in [1, 2, 3]]"])
def test_any_list_is_values_to_try(text: str, capsys: Any) -> None:
    rows = _rows(capsys, "--set", "depths=[[1, 1, 1, 1]]", "--set", f"classes={text}")
    assert [row["classes"] for row in rows] == ["10", "20", "30"]


def test_a_list_that_was_one_value_is_pointed_out(capsys: Any) -> None:
    hint = "hint: each item of depths=[2, 2, 2, 2] was tried alone"
    for spec in ("resnet", "resnet18"):  # without a default, and with one
        unit = ["--set", "unit=basic"] if spec == "resnet" else []
        assert main(["sweep", spec, *unit, "--set", "depths=[2, 2, 2, 2]"]) == 1
        said = capsys.readouterr().err
        assert hint in said
        assert "--set 'depths=[[2, 2, 2, 2]]'" in said
    assert main(["sweep", "resnet18", "--set", "classes=[10, 20]"]) == 0
    assert "hint" not in capsys.readouterr().err


def test_several_inputs_are_a_column(capsys: Any) -> None:
    depths = ["--set", "depths=[[1, 1, 1, 1], [2, 2, 2, 2]]"]
    both = _rows(capsys, *depths, "--at", "3x64x64,3x96x64")
    assert [row["at"] for row in both] == ["3x64x64", "3x96x64"] * 2
    assert both == _rows(capsys, *depths, "--at", "3x64x64", "--at", "3x96x64")
    one = _rows(capsys, *depths, "--at", "3x64x64")
    assert [row["macs"] for row in one] == [row["macs"] for row in both[::2]]
    assert "at" not in one[0]


def test_where_and_sort(capsys: Any) -> None:
    depths = ["--set", "depths=[[3, 1, 1, 1], [1, 1, 1, 1], [2, 1, 1, 1]]"]
    rows = _rows(capsys, *depths, "--where", "depths[0] > 1 and params > 1e6", "--sort", "MACs")
    assert [row["depths"] for row in rows] == ["[2, 1, 1, 1]", "[3, 1, 1, 1]"]
    rows = _rows(capsys, *depths, "--at", "3x96x96,3x64x64", "--sort", "at")
    assert [row["at"] for row in rows] == ["3x64x64"] * 3 + ["3x96x96"] * 3
    assert main(["sweep", "resnet", "--set", "unit=basic", *depths, "--where", "params < 0"]) == 0
    assert capsys.readouterr().out.startswith("resnet   3 settings, 0 with params < 0\n")


def test_samples_are_repeated_by_their_seed(capsys: Any) -> None:
    space = ["--set", "depths=[[a, 1, 1, 1] for a in range(1, 99)]", "--set", "classes=range(1, 999)"]
    first = _rows(capsys, *space, "--sample", "4")
    assert len({(row["depths"], row["classes"]) for row in first}) == 4
    assert first == _rows(capsys, *space, "--sample", "4", "--seed", "0")
    assert first != _rows(capsys, *space, "--sample", "4", "--seed", "1")
    every = _rows(capsys, "--set", "depths=[[1, 1, 1, 1]]", "--set", "classes=[1, 2]", "--sample", "9")
    assert [row["classes"] for row in every] == ["1", "2"]


def test_a_file_with_mistakes_or_several_nets(capsys: Any, tmp_path: Path) -> None:
    spec = tmp_path / "nets.res"
    spec.write_text("net a(width) {\n  input x: [3, 8, 8]\n  conv(width, 3x3)\n  reluu\n}\n")
    assert main(["sweep", str(spec), "--set", "width=[1, 2]"]) == 1
    assert capsys.readouterr().out.count("error[unknown-name]") == 1
    spec.write_text("net a(width) {\n  input x: [3, 8, 8]\n  conv(width, 3x3)\n}\nnet b = a(3)\n")
    assert main(["sweep", str(spec), "--set", "width=[1, 2]"]) == 2
    assert f"has 2 nets: `a`, `b`; say which: `{spec}:a`" in capsys.readouterr().err
    assert main(["sweep", f"{spec}:b", "--set", "width=[1, 2]"]) == 0
    assert main(["sweep", f"{spec}:c", "--set", "width=[1, 2]"]) == 2
