"""`resdsl summary`: its options, its files, and what it says when it is asked wrongly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resdsl.cli import main
from resdsl.render.tables.summary import summary
from tests.render.nets import net


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["summary", *options]) == 0
    return capsys.readouterr().out


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(capsys, "resnet152") == summary(net("resnet:resnet152"))


def test_one_number_is_every_axis_that_varies(capsys: pytest.CaptureFixture[str]) -> None:
    expected = summary(net("resnet:resnet50"), {"H": 256, "W": 256})
    assert asked(capsys, "resnet50", "--at", "256") == expected
    assert asked(capsys, "resnet50", "--at", "256x256") == expected
    assert asked(capsys, "resnet50", "--at", "3x256x256") == expected


def test_a_batch_takes_more_memory_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    one, many = (json.loads(asked(capsys, "resnet20", "--as", "json", "--batch", n)) for n in ("1", "128"))
    assert many["total"] == one["total"]
    assert many["memory"]["weights"] == one["memory"]["weights"] == 4 * one["total"]["params"]
    assert many["memory"]["inference"]["values"] == 128 * one["memory"]["inference"]["values"]
    held = many["memory"]["training"]
    # All but the statistics of the norms, 688 channels of them.
    assert 128 * one["memory"]["training"]["saved"] - held["saved"] == 127 * 8 * 688
    assert held["with_adam"] - held["with_sgd"] == held["gradients"] == many["memory"]["weights"]


def test_several_nets(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert "resnet18" in asked(capsys, "resnet18", "resnet50")
    asked(capsys, "resnet18", "resnet50", "-o", "both.tex")
    assert "layer name & output size & resnet18 & resnet50" in (folder / "both.tex").read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["resnet50", "--at", "wide"], "--at takes a shape"),
        (["resnet50", "--at", "1x2x3x4"], "`H` and `W` vary"),
        (["resnet50", "--at", "4x224x224"], "3"),
        (["unet", "--at", "100"], "16"),
        (["lenet5", "--at", "40"], "fixed"),
        (["resnet18", "resnet50", "--depth", "op"], "one net"),
        (["resnet50", "--depth", "op", "-o", "a.tex"], "by stages"),
        (["resnet18", "resnet50", "--batch", "8"], "the memory, which this table leaves out"),
        (["resnet50", "--batch", "8", "--as", "csv"], "the memory, which this table leaves out"),
        (["resnet50", "-o", "a.doc"], ".md, .csv, .json, .tex"),
    ],
)
def test_what_is_asked_wrongly(
    options: list[str], reason: str, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert main(["summary", *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("resdsl: ")
    assert reason in error
    assert not list(folder.iterdir())
