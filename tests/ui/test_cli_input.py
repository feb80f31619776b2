"""What a user may type, and what a file may hold: always a message, never a traceback."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resdsl.cli import main
from resdsl.diagnostics.model import Sink
from resdsl.elaborate.files import MAX_BYTES
from resdsl.source import Source
from resdsl.syntax.parser import parse

GOOD = "net n {\n  input image: [3, H, W] at [3, 32, 32]\n  conv(8, 3x3, bias = true)\n}\n"
WRONG = """\
net n(unused = 3, stride = 2) {
  input image: [3, H, W] at [3, 32, 32]
  conv(8, 3x3, stride); batchnrom
  residual { conv(16, 3x3, bias = true) } shortcut: identity
}
"""


def write(name: str, text: str | bytes) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"\n\n  \n", "the file"),
        (b"# only this\n", "the file declares nothing"),
        (b"\x00\x01\x02binary", "it is a binary file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "it is a binary file"),
        ("block café { relu }".encode("latin-1"), "it is not UTF-8 text (byte 9)"),
        (b"\xff\xfen\x00e\x00t\x00", "it is a binary file"),
        (b"net n {", "expected `}`"),
        (b"x" * (MAX_BYTES + 1), "it is larger than 4 MB"),
    ],
    ids=["empty", "blank", "comment", "binary", "png", "latin-1", "utf-16", "cut off", "huge"],
)
def test_strange_files(cli, content, says):
    write("a.res", content)
    code, out, _ = cli("check", "a.res")
    assert code == (2 if says.startswith("it is") else 1)
    assert says in out


def test_marks_and_line_ends_of_windows(cli):
    write("a.res", b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert cli("check", "a.res")[0] == 0


def test_used_file_with_a_name_that_is_too_long(cli):
    write("a.res", f'use "{"a" * 300}.res" {{ unit }}\n' + GOOD)
    code, out, _ = cli("check", "a.res")
    assert code == 1
    assert "file name too long" in out


def test_folder_and_missing_file(cli):
    Path("folder").mkdir()
    write("nets.res", GOOD)
    assert "it is a folder" in cli("check", "folder")[1]
    code, out, _ = cli("check", "net.res")
    assert code == 2
    assert "there is no such file" in out
    assert "did you mean `nets.res`?" in out


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root can read everything")
def test_unreadable_file(cli):
    write("a.res", GOOD).chmod(0)
    code, out, _ = cli("check", "a.res")
    assert code == 2
    assert "permission denied" in out


def test_used_file_may_not_lead_outside(cli, tmp_path):
    write("outside/blocks.res", "block b { relu }\n")
    Path("inside").mkdir()
    os.symlink(tmp_path / "outside" / "blocks.res", "inside/link.res")
    os.symlink("loop.res", "inside/loop.res")
    for name, code in (
        ("link", "import-outside"),
        ("../outside/blocks", "import-outside"),
        ("loop", "import-not-found"),
    ):
        write("inside/net.res", f'use "{name}.res" {{ b }}\n' + GOOD.replace("conv", "b; conv"))
        exit_code, out, _ = cli("check", "inside/net.res")
        assert exit_code == 1
        assert f"error[{code}]" in out
        assert "Found 1 error" in out


# ---------------------------------------------------------------- arguments


def test_exit_codes(cli):
    write("good.res", GOOD)
    write("wrong.res", WRONG)
    assert cli("check", "good.res") == (0, "good.res: 1 net checked, every shape fits\n", "")
    assert cli("check", "wrong.res")[0] == 1
    assert cli("check", "good.res", "wrong.res", "missing.res")[0] == 2
    assert cli("check")[0] == 2
    assert cli("chekc", "good.res")[0] == 2
    assert cli("check", "good.res", "--format", "xml")[0] == 2
    assert cli("summary", "good.res", "--at", "3xH")[0] == 2


def test_all_files_are_checked(cli):
    write("good.res", GOOD)
    write("wrong.res", WRONG)
    _, out, _ = cli("check", "missing.res", "wrong.res", "good.res")
    assert "cannot read `missing.res`" in out
    assert "unknown name `batchnrom`" in out
    assert "good.res: 1 net checked" in out


@pytest.mark.parametrize(
    ("setting", "code", "says"),
    [
        ("classes", 2, "--set takes NAME=VALUE, not `classes`"),
        ("=3", 2, "--set takes NAME=VALUE"),
        ("clases=10", 2, "did you mean `classes`?"),
        ("zzz=10", 2, "it has `unit`, `depths`"),
        ("classes=10 +", 2, "`10 +` is not a value"),
        ("classes=", 2, "`classes` is given no value"),
        ("classes=1 2", 2, "`1 2` is not a value"),
        ("classes=many", 2, "unknown name `many`"),
        ('classes="ten"', 1, "must be an integer"),
        ("classes=0", 1, "must be at least 1"),
        ("classes=2 ** 10 ** 9", 2, "exponent"),
        ("classes=10", 0, "every shape fits"),
    ],
)
def test_settings(cli, setting, code, says):
    got, out, err = cli("check", "resnet18", "--set", setting)
    assert got == code
    assert says in out + err


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("good.res:n", "net `n` checked"),
        ("good.res:m", "`good.res` has no net `m`"),
        ("good.res:", "1 net checked"),
        ("missing.res:n", "cannot read `missing.res`"),
        ("resnet:resnet18", "net `resnet18` checked"),
        ("resnet:resnet10", "`std/resnet.res` has no net `resnet10`"),
        ("lenet5:lenet", "`lenet5` is one net"),
        ("resnet1", "there is no bundled net"),
        ("resnet5", "there is no bundled net"),
        ("", "it names no file"),
        (":", "it names no file"),
        ("a" * 5000, "cannot read"),
        ("\udc80", "cannot read"),
    ],
)
def test_specs(cli, spec, says):
    write("good.res", GOOD)
    code, out, _ = cli("check", spec)
    assert says in out
    assert code == (0 if "checked" in says else 2)


# ---------------------------------------------------------------- formats and fixes


def test_formats(cli):
    write("wrong.res", WRONG)
    code, out, _ = cli("check", "wrong.res", "--format", "json")
    assert code == 1
    slugs = {d["code"] for d in json.loads(out)}
    assert slugs == {"unused-parameter", "positional", "unknown-name"}

    _, out, _ = cli("check", "wrong.res", "--format", "sarif")
    run = json.loads(out)["runs"][0]
    assert {r["ruleId"] for r in run["results"]} == slugs

    _, out, _ = cli("check", "wrong.res", "--format", "github")
    assert all(line.startswith("::error file=wrong.res,line=") for line in out.splitlines())
    assert len(out.splitlines()) == 3

    _, out, _ = cli("check", "wrong.res", "--format", "concise")
    assert out.splitlines()[0].startswith("wrong.res:1:7: error[unused-parameter]")


@pytest.mark.parametrize("format", ["json", "sarif"])
def test_machine_formats_without_mistakes(cli, format):
    write("good.res", GOOD)
    code, out, _ = cli("check", "good.res", "--format", format)
    assert code == 0
    json.loads(out)
    code, out, _ = cli("check", "missing.res", "--format", format)
    assert code == 2
    json.loads(out)


def test_fix_applies_only_safe_fixes(cli):
    path = write("wrong.res", WRONG)
    code, out, err = cli("check", "wrong.res", "--fix")
    fixed = path.read_text()
    assert "stride = stride" in fixed
    assert "batchnorm" in fixed
    assert "shortcut: identity\n" in fixed
    assert err.count("fixed: ") == 2
    assert code == 1  # the shortcut and the parameter remain
    assert "--unsafe-fixes" in out
    assert parse(Source("wrong.res", fixed), Sink()) is not None

    cli("check", "wrong.res", "--unsafe-fixes")
    assert "identity else projection" in path.read_text()


def test_bundled_specs_are_not_changed(cli):
    assert cli("check", "resnet18", "--fix")[0] == 2


# ---------------------------------------------------------------- anything at all


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=30))
def test_any_setting(capsys, text):
    for argument in (text, f"classes={text}"):
        assert main(["check", "lenet5", f"--set={argument}"]) in (0, 1, 2)
        capsys.readouterr()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=20))
def test_any_spec(capsys, text):
    if text.startswith("-"):
        return
    assert main(["check", "--", text]) in (0, 1, 2)
    capsys.readouterr()
