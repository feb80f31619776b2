"""The commands that need no torch, run in this process. (`test_torch_free.py` runs them without torch.)"""

import subprocess
import sys
from io import StringIO
from pathlib import Path

from resdsl.diagnostics.codes import CODES
from resdsl.ops import OPS

GOOD = """\
net n {
  input image: [3, H, W] at [3, 32, 32]
  conv(8, 3x3, bias = true)
  expect params == 224
}
"""
UGLY = GOOD.replace("8, 3x3", "8,3x3")


def test_without_a_command_it_helps(cli):
    code, out, _ = cli()
    assert code == 0
    assert all(name in out for name in ("check", "compile", "draw", "fmt", "explain"))


def test_check_several(cli):
    Path("a.res").write_text(GOOD)
    Path("b.res").write_text(GOOD.replace("224", "225"))
    code, out, _ = cli("check", "a.res", "b.res", "resnet18")
    assert code == 1
    assert "error[expect-failed]" in out
    assert "b.res:4:10" in out
    assert out.endswith(
        "a.res: 1 net checked, every shape fits\nstd/resnet.res: net `resnet18` checked, every shape fits\n"
    )


def test_check_a_library_of_blocks(cli):
    Path("blocks.res").write_text("block b { relu }\n")
    assert cli("check", "blocks.res") == (0, "blocks.res: 0 nets checked, every shape fits\n", "")


def test_test(cli):
    Path("nets").mkdir()
    Path("nets/a.res").write_text(GOOD)
    Path("nets/b.res").write_text(GOOD.replace("net n", "net m"))
    code, out, _ = cli("test", "nets")
    assert code == 0
    assert out.splitlines()[-1] == "2 nets, 2 expectations, no file failed"
    Path("nets/b.res").write_text(GOOD.replace("224", "1"))
    code, out, _ = cli("test", "nets")
    assert code == 1
    assert "FAIL nets/b.res: 1 net, 1 expectation\n" in out
    assert "1 file failed" in out
    Path("empty").mkdir()
    assert cli("test", "empty")[0] == 2
    assert cli("test", "missing")[0] == 2


def test_fmt(cli, monkeypatch):
    path = Path("a.res")
    path.write_text(UGLY)
    code, out, _ = cli("fmt", "--check", "a.res")
    assert (code, out) == (1, "would format a.res\n")
    assert path.read_text() == UGLY
    code, out, _ = cli("fmt", "--diff", "a.res")
    assert code == 1
    assert "+  conv(8, 3x3, bias = true)" in out
    assert cli("fmt", "a.res")[0] == 0
    assert path.read_text() == GOOD
    assert cli("fmt", "--check", "a.res")[:2] == (0, "")
    monkeypatch.setattr("sys.stdin", StringIO(UGLY))
    assert cli("fmt", "-")[:2] == (0, GOOD)


def test_fmt_leaves_a_broken_file_alone(cli):
    Path("a.res").write_text("net n { conv(8,3x3 }\n")
    code, out, _ = cli("fmt", "a.res")
    assert code == 1
    assert "error[syntax]" in out
    assert Path("a.res").read_text() == "net n { conv(8,3x3 }\n"


def test_new(cli):
    assert cli("new", "first") == (0, "", "wrote first.res; try: resdsl summary first.res\n")
    assert "net first(" in Path("first.res").read_text()
    for name in ("net.res", "conv", "basic", "my-first.net", "été"):  # none is the name of a net
        assert cli("new", name)[0] == 0
        written = Path(name if name.endswith(".res") else f"{name}.res")
        assert "net mynet(" in written.read_text()
        assert cli("check", written)[0] == 0
    assert cli("check", "first.res") == (0, "first.res: 1 net checked, every shape fits\n", "")
    assert cli("fmt", "--check", "first.res")[0] == 0
    code, _, err = cli("new", "first.res")
    assert (code, err) == (2, "resdsl: `first.res` exists already\n")
    assert cli("new", "no/such/folder/x.res")[0] == 2


def test_list(cli):
    code, out, _ = cli("list")
    assert code == 0
    assert {"resnet50", "resnet110", "lenet5"} <= set(out.split())
    assert "    use std.blocks { " in out  # it has no nets


def test_explain(cli):
    code, out, _ = cli("explain", "shortcut-mismatch")
    assert code == 0
    assert out.startswith("# shortcut-mismatch\n")
    code, out, _ = cli("explain")
    assert [line.split()[0] for line in out.splitlines()] == list(CODES)
    code, _, err = cli("explain", "shortcut-mismach")
    assert code == 2
    assert "did you mean `shortcut-mismatch`?" in err


def test_ops(cli):
    code, out, _ = cli("ops")
    assert code == 0
    assert all(name in out for name in OPS)
    assert "nn.Conv2d" in cli("ops", "conv")[1]
    assert cli("ops", "--markdown")[1].startswith("#")
    code, _, err = cli("ops", "convv")
    assert code == 2
    assert "did you mean `conv`?" in err


def test_torch_is_not_imported(tmp_path):
    commands = [
        ["check", "resnet18", "lenet5"], ["test", "a.res"], ["fmt", "--check", "a.res"], ["new", "b.res"],
        ["list"], ["explain", "syntax"], ["ops"], ["summary", "a.res"],
    ]  # fmt: skip
    (tmp_path / "a.res").write_text(GOOD)
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from resdsl.cli import main\n"
        f"assert not any(main(c) for c in {commands!r})\n"
        "assert not {'numpy', 'PIL', 'graphviz'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
