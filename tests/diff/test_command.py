"""`resdsl diff`, run in this process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.diff.pairs import BASE

Cli = Callable[..., tuple[int, str, str]]

TWO = BASE + BASE[BASE.index("net n") :].replace("net n", "net m").replace("layer1", "first")


def _write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


def test_two_nets(cli: Cli) -> None:
    code, out, err = cli("diff", "resnet50_v1", "resnet50")
    assert (code, err) == (1, "")
    assert out.startswith("--- resnet50_v1   std/resnet.res   3×224×224\n+++ resnet50      std/resnet.res")
    assert "\nwarning: strict load SUCCEEDS, but outputs differ\n" in out
    assert cli("diff", "resnet50", "resnet50")[0] == 0


def test_two_files(cli: Cli) -> None:
    _write("a.res", BASE)
    _write("b.res", BASE.replace("bn1 = batchnorm; relu", "bn1 = batchnorm; gelu"))
    code, out, _ = cli("diff", "a.res", "b.res")
    assert code == 1
    assert "all 5 blocks of `unit`: layer1.0, layer1.1, layer2.0 to layer2.2" in out
    assert "2  relu  relu → gelu" in out
    assert cli("diff", "a.res", "a.res") == (
        0,
        "--- n   a.res   3×32×32\n+++ n   a.res   3×32×32\n\n"
        "identical: the same function and the same 76 tensors\n",
        "",
    )


def test_settings(cli: Cli) -> None:
    code, out, _ = cli("diff", "resnet18", "--set-b", "classes=10")
    assert code == 1
    assert "120 of 122 tensors carry over, all but `fc`" in out
    assert "+++ resnet18  classes=10" in out
    code, out, _ = cli("diff", "resnet18", "resnet18", "--set", "classes=10")
    assert code == 0
    code, _, err = cli("diff", "resnet18", "--set", "classes=10", "--set-b", "classes=5")
    assert code == 2
    assert "--set and --set-b both give `classes`" in err


def test_files_with_several_nets(cli: Cli) -> None:
    _write("a.res", TWO)
    _write("b.res", TWO.replace("layer2 = unit(16", "layer2 = unit(8").replace("net m", "net o"))
    code, out, _ = cli("diff", "a.res", "b.res")
    assert code == 1
    assert "~  n  strict load FAILS" in out
    assert "-  m  removed\n+  o  added\n" in out
    assert "3 nets: 1 changed, 1 removed, 1 added" in out
    assert "\n--- n   a.res" in out  # one changed: it is shown whole
    code, out, _ = cli("diff", "a.res", "a.res")
    assert code == 0
    assert "2 nets: 2 identical" in out
    code, out, _ = cli("diff", "a.res", "b.res", "--as", "json")
    assert json.loads(out)["only_a"] == ["m"]
    assert "| ~ | `n` | strict load FAILS" in cli("diff", "a.res", "b.res", "--as", "md")[1]


def test_a_net_is_looked_for_by_name(cli: Cli) -> None:
    _write("a.res", TWO)
    assert cli("diff", "a.res:m", "a.res")[0] == 0
    code, _, err = cli("diff", "resnet18", "a.res")
    assert code == 2
    assert "`a.res` has no net `resnet18`; it has `n`, `m`" in err


def test_outputs(cli: Cli) -> None:
    assert cli("diff", "resnet50_v1", "resnet50", "-o", "d.json")[0] == 1
    found = json.loads(Path("d.json").read_text())
    assert found["verdict"] == "outputs"
    assert (found["a"]["macs"], found["b"]["macs"]) == (3_857_973_248, 4_089_184_256)
    assert cli("diff", "resnet50_v1", "resnet50", "-o", "d.md")[0] == 1
    assert "```diff\n! 3 of 16 blocks" in Path("d.md").read_text()
    assert cli("diff", "resnet50_v1", "resnet50", "-o", "d.dot")[0] == 1
    assert Path("d.dot").read_text().startswith('digraph "resnet50_v1 to resnet50"')
    code, _, err = cli("diff", "resnet50_v1", "resnet50", "-o", "d.doc")
    assert code == 2
    assert "the suffix decides" in err
    assert not Path("d.doc").exists()
    assert cli("diff", "resnet50_v1", "resnet50", "-o", "no/folder/d.md")[0] == 2


def test_rename_map(cli: Cli) -> None:
    _write("a.res", BASE)
    _write("b.res", BASE.replace("conv1 = ", "first = "))
    code, out, err = cli("diff", "a.res", "b.res", "--rename-map", "map.json")
    assert code == 1
    assert "same function under other names" in out
    assert "wrote map.json: 76 of 76 keys, 5 renamed" in err
    names = json.loads(Path("map.json").read_text())
    assert names["layer1.0.conv1.weight"] == "layer1.0.first.weight"
    assert names["fc.bias"] == "fc.bias"
    code, _, err = cli("diff", "lenet5", "resnet18", "--rename-map", "none.json")
    assert code == 2
    assert "no tensor of `lenet5` has a place in `resnet18`" in err
    assert not Path("none.json").exists()


def test_mistakes(cli: Cli) -> None:
    code, out, _ = cli("diff", "resnet50_v2", "resnet50")
    assert code == 2
    assert "did you mean `resnet50_v1`?" in out
    code, _, err = cli("diff", "resnet50_v1", "resnet50", "--at", "5x3x3x3")
    assert code == 2
    assert "`H` and `W` vary" in err
    _write("bad.res", "net n { input x: [3, H, W]\n conv(8, 3x3); nothing }\n")
    code, out, _ = cli("diff", "bad.res", "resnet18")
    assert code == 1
    assert "error[unknown-name]" in out
    assert cli("diff")[0] == 2


def test_expectations_that_no_longer_hold(cli: Cli) -> None:
    """Whoever changes a net sees what changed before mending what the file expects."""
    one = BASE.replace("fc = linear(classes)", "fc = linear(classes)\n  expect params == 1")
    _write("a.res", one)
    code, out, err = cli("diff", "a.res", "a.res")
    assert code == 0
    assert "identical" in out
    assert "note: 1 `expect` of `a.res` does not hold" in err


# ---------------------------------------------------------------- git

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def _git(*args: str) -> None:
    who = {
        "GIT_AUTHOR_NAME": "n",
        "GIT_AUTHOR_EMAIL": "e",
        "GIT_COMMITTER_NAME": "n",
        "GIT_COMMITTER_EMAIL": "e",
    }
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *args], check=True, capture_output=True, env={**os.environ, **who, **alone})


@pytest.fixture
def repository(cli: Cli) -> Cli:
    """A repository with a spec that uses another, and has changed since."""
    _git("init", "-q")
    _write("nets/parts.res", BASE[: BASE.index("net n")])
    _write("nets/n.res", 'use "parts.res" { unit }\n' + BASE[BASE.index("net n") :])
    _git("add", ".")
    _git("commit", "-qm", "one")
    parts = Path("nets/parts.res")
    parts.write_text(parts.read_text().replace("bn1 = batchnorm; relu", "bn1 = batchnorm; gelu"))
    _git("commit", "-qam", "two")
    parts.write_text(parts.read_text().replace("gelu", "silu"))
    return cli


@needs_git
def test_against_git(repository: Cli) -> None:
    code, out, err = repository("diff", "nets/n.res")
    assert (code, err) == (1, "")
    assert out.startswith("--- n   HEAD:nets/n.res   3×32×32\n+++ n   nets/n.res        3×32×32\n")
    assert "gelu → silu" in out
    assert "relu → silu" in repository("diff", "nets/n.res:n", "--git", "HEAD~1")[1]
    assert "relu → gelu" in repository("diff", "nets/n.res", "--git", "HEAD~1..HEAD")[1]
    assert "relu → gelu" in repository("diff", "nets/n.res", "nets/n.res", "--git", "HEAD~1..HEAD")[1]
    assert repository("diff", "nets/n.res", "--git", "HEAD..HEAD")[0] == 0


@needs_git
def test_git_from_elsewhere(repository: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("nets")
    assert "--- n   HEAD:nets/n.res" in repository("diff", "n.res")[1]
    Path("n.res").rename("m.res")
    code, out, _ = repository("diff", "n.res", "m.res", "--git", "HEAD")
    assert code == 1
    assert "--- n   HEAD:nets/n.res   3×32×32\n+++ n   m.res" in out


@needs_git
def test_mistakes_with_git(repository: Cli, tmp_path_factory: pytest.TempPathFactory) -> None:
    for arguments, message in (
        (("nets/n.res", "--git", "v9"), "git knows no revision `v9`"),
        (("nets/n.res", "--git", "HEAD.."), "--git takes a revision, or two like v1.0..v2.0"),
        (("nets/n.res", "--git=--help"), "git knows no revision `--help`"),
        (("nets/m.res",), "`nets/m.res` is not in revision `HEAD`, did you mean `n.res`?"),
        (("none/m.res",), "there is no folder `none`"),
    ):
        code, out, err = repository("diff", *arguments)
        assert (code, out) == (2, "")
        assert message in err
    outside = tmp_path_factory.mktemp("outside") / "n.res"
    outside.write_text(BASE)
    code, _, err = repository("diff", str(outside))
    assert code == 2
    assert "is not in a git repository" in err


@needs_git
def test_an_empty_repository(cli: Cli) -> None:
    _git("init", "-q")
    _write("n.res", BASE)
    code, _, err = cli("diff", "n.res")
    assert code == 2
    assert "the git repository has no commit yet" in err


@needs_git
def test_a_spec_that_uses_the_library(cli: Cli) -> None:
    _git("init", "-q")
    _write(
        "n.res",
        "use std.resnet { basic }\n" + BASE.replace("unit(8)", "basic(8)").replace("unit(16", "basic(16"),
    )
    _write("n.res", Path("n.res").read_text().replace(BASE[: BASE.index("net n")], ""))
    _git("add", ".")
    _git("commit", "-qm", "one")
    code, _, err = cli("diff", "n.res")
    assert code == 0
    assert err == "note: `HEAD:n.res` uses `std`, which is read as it is today\n"


def test_without_git(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _write("n.res", BASE)
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, err = cli("diff", "n.res")
    assert code == 2
    assert "git is not installed" in err


def test_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['graphviz'] = None\nfrom resdsl.cli import main\n"
        "sys.exit(main(['diff', 'resnet50_v1', 'resnet50', '-o', 'd.dot']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "d.dot").exists()
