"""Files that a command names: one that is not there, and one that cannot be written, are said alike by all."""

from __future__ import annotations

import argparse
import errno
import os
from pathlib import Path

import pytest

from resdsl.cli.arguments import parser

SPEC = "net n {\n  input image: [3, 8, 8]\n  flatten; linear(3)\n}\n"
READS = [
    "check FILE.res",
    "check n.res FILE.res",
    "summary FILE.res",
    "sizes FILE.res",
    "sweep FILE.res --set width=[1]",
    "draw FILE.res",
    "watch FILE.res",
    "diff FILE.res n.res",
    "diff n.res FILE.res",
    "compile FILE.res",
    "compile FILE.res -o n.py",
    "compile n.res -o n.pt2 --weights FILE.pth",
    "compile n.res -o n.pt2 --labels FILE.txt",
    "run FILE.res --image picture.png",
    "run FILE.pt2 --image picture.png",
    "run n.res --image FILE.png",
    "run n.res --image picture.png --weights FILE.pth",
    "run n.res --image picture.png --labels FILE.txt",
    "run n.pt2 --image FILE.png",
    "bench FILE.res",
    "fmt FILE.res",
    "test FILE.res",
    "catalogue FILE.res -o folder",
]
WRITES = [
    *(f"summary n.res -o FILE{suffix}" for suffix in (".md", ".csv", ".json", ".tex")),
    "sizes n.res -o FILE.md",
    "sweep n.res --set width=[1] -o FILE.csv",
    *(f"draw n.res -o FILE{suffix}" for suffix in (".svg", ".dot", ".html")),
    "diff n.res n.res -o FILE.json",
    "diff n.res n.res -o FILE.svg",
    "diff n.res n.res --rename-map FILE.json",
    *(f"compile n.res -o FILE{suffix}" for suffix in (".py", ".pt2", ".onnx", ".svg", ".md")),
    "bench n.res --json FILE.json",
    "bench n.res --plot FILE.svg",
    "new FILE.res",
]
OTHERS = {"list", "ops", "explain"}
"""Commands without a file."""


@pytest.fixture(autouse=True)
def files(cli):
    """A spec, and files that are there, in the folder of the test."""
    Path("n.res").write_text(SPEC)
    for name in ("picture.png", "n.pt2", "w.pth"):
        Path(name).write_bytes(b"")


def test_every_command_is_here():
    (commands,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    assert {line.split()[0] for line in READS + WRITES} | OTHERS == set(commands.choices)


@pytest.mark.parametrize("line", READS)
def test_a_file_that_is_not_there(cli, line):
    before = sorted(os.listdir())
    code, out, err = cli(*line.replace("FILE", "none").split())
    said = "cannot read `none.{}`: there is no such file".format(line.split("FILE.")[1].split()[0])
    assert said in out + err
    assert code == 2
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize("line", WRITES)
def test_a_file_that_cannot_be_written(cli, line):
    suffix = "." + line.split("FILE.")[1].split()[0]
    Path(f"folder{suffix}").mkdir()
    before = sorted(os.listdir())
    for name, reason in (("no/such/file", "there is no folder `no/such`"), ("folder", "it is a folder")):
        text = f"resdsl: cannot write `{name}{suffix}`: {reason}\n"
        if line.startswith("new") and name == "folder":
            text = f"resdsl: `{name}{suffix}` exists already\n"
        assert cli(*line.replace("FILE", name).split()) == (2, "", text)
    assert sorted(os.listdir()) == before


def test_a_full_disk(cli, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("resdsl.cli.files.write_file", full)
    text = "resdsl: cannot write `n.md`: no space left on device\n"
    assert cli("summary", "n.res", "-o", "n.md") == (2, "", text)


@pytest.mark.parametrize("line", ["fmt n.res", "check n.res --fix"])
@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_spec_in_a_folder_that_is_not_to_be_written(cli, line):
    Path("locked").mkdir()
    Path("locked/n.res").write_text(SPEC.replace("  flatten", " flaten"))
    Path("locked").chmod(0o500)
    code, _, err = cli(*line.replace("n.res", "locked/n.res").split())
    assert code == 2
    assert "resdsl: cannot write `locked/n.res`: permission denied" in err
