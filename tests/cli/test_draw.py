"""`resdsl draw`: what it writes, and what it says when it is asked for what it cannot do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from resdsl.cli import main
from resdsl.render.pictures import draw as draw_module


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--view", "column", "--fold", "none", "--wrap", "3"],
        ["--view", "column", "--depth", "0", "--show", "shapes, macs"],
        ["--view", "graph", "--depth", "1", "--lr"],
        ["--view", "block:conv3_x", "--title", "A block"],
        ["--view", "strip", "--theme", "dark"],
    ],
)
def test_it_writes_what_the_api_gives(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", "resnet20", *options, "-o", "net.dot"]) == 0
    assert capsys.readouterr().err == "wrote net.dot\n"
    text = Path("net.dot").read_text(encoding="utf-8")
    assert text.startswith("digraph")
    if "--title" in options:
        assert "<b>A block</b>" in text


def test_a_setting_that_does_not_go_draws_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", "lenet5", "--set", "clases=3", "-o", "net.dot"]) == 2
    assert capsys.readouterr().err == ""
    assert os.listdir(folder) == []


def test_no_title() -> None:
    assert main(["draw", "resnet20", "--title", "none", "-o", "net.dot"]) == 0
    assert "<b>resnet20</b>" not in Path("net.dot").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--view", "colum"], "unknown view `colum`: did you mean `column`?"),
        (["--theme", "drak"], "unknown theme `drak`: did you mean `dark`?"),
        (["--view", "block:conv3x"], "unknown block `conv3x`: did you mean `conv3_x`?"),
        (["--view", "column", "--fold", "many"], "`fold` is a number from 1 or `none`, not `many`"),
        (["--view", "column", "--wrap", "1.5"], "`wrap` is a number from 1, not `1.5`"),
        (["--wrap", "2"], "the view `stages` does not take `wrap`"),
        (["--view", "column", "--show", "shape"], "unknown word in `show` `shape`: did you mean `shapes`?"),
        (["-o", "net.gif"], "`net.gif`: the suffix decides what is written; known: .svg, .png, .pdf, .dot"),
        (["-o", ""], "the suffix decides what is written"),
        (["-o", "nowhere/net.dot"], "cannot write `nowhere/net.dot`: there is no folder `nowhere`"),
        (["-o", "folder.svg"], "cannot write `folder.svg`: it is a folder"),
    ],
)
def test_mistakes(options: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "folder.svg").mkdir()
    given = options if "-o" in options else [*options, "-o", "net.dot"]
    assert main(["draw", "resnet20", *given]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert os.listdir(folder) == ["folder.svg"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_to_be_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "locked").mkdir(mode=0o500)
    assert main(["draw", "resnet20", "-o", "locked/net.dot"]) == 2
    assert "cannot write `locked/net.dot`: permission denied" in capsys.readouterr().err


def test_what_is_left_out_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    Path("big.res").write_text(
        "net big { input image: [3, 8, 8]\n for i in range(900) { conv(4, 3x3, bias = true) } }",
        encoding="utf-8",
    )
    assert main(["draw", "big.res", "--view", "graph", "-o", "net.dot"]) == 0
    assert "note: 901 ops follow each other; 841 more ops are one box\n" in capsys.readouterr().err


def test_interrupted_it_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(draw_module, "render", stopped)
    assert main(["draw", "resnet20", "-o", "net.svg"]) == 130
    assert capsys.readouterr().err == "resdsl: interrupted\n"
    assert os.listdir(folder) == []


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_signal_while_graphviz_runs(folder: Path) -> None:
    (folder / "dot").write_text("#!/bin/sh\ntouch started\nexec sleep 60\n", encoding="utf-8")
    (folder / "dot").chmod(0o755)
    pytest.importorskip("graphviz")
    command = [sys.executable, "-m", "resdsl", "draw", "resnet20", "--renderer", "dot", "-o", "net.svg"]
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    running = subprocess.Popen(
        command,
        env=os.environ | {"PATH": path, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while not (folder / "started").exists():
        assert running.poll() is None
    os.killpg(running.pid, signal.SIGINT)
    assert running.communicate()[1] == b"resdsl: interrupted\n"
    assert running.returncode == 130
    assert sorted(os.listdir(folder)) == ["dot", "started"]
