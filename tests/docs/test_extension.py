"""The worked example of docs/extending.md, installed as a package of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "docs" / "extension"
SPEC = PACKAGE / "antialiased.res"
RUN = """\
import torch
from resdsl import extensions, load
extensions.allow("blurpool")
net = load("SPEC")
module = net.module().eval()
x = torch.rand(2, 3, 65, 50)
assert module(x).shape == (2, 10)
blur = module.pool
y = torch.full((1, 64, 8, 8), 2.0)
assert torch.allclose(blur(y)[..., 1:-1, 1:-1], torch.tensor(2.0))
assert blur(y).shape == (1, 64, 4, 4)
compiled = torch.compile(module, fullgraph=True, backend="eager")
with torch.no_grad():
    assert torch.equal(compiled(x), module(x))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example package installed by pip."""
    folder = tmp_path_factory.mktemp("site")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--target",
        str(folder),
        str(PACKAGE),
    ]
    done = subprocess.run(install, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"pip cannot build packages here: {done.stderr.strip()[-200:]}")
    return folder


def _run(site: Path | None, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT), *([str(site)] if site else [])]))
    return subprocess.run([sys.executable, *arguments], env=env, cwd=cwd, capture_output=True, text=True)


def _check(site: Path | None, cwd: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return _run(site, cwd, "-m", "resdsl", "check", str(SPEC), *options)


def test_not_installed(tmp_path: Path) -> None:
    done = _check(None, tmp_path)
    assert done.returncode == 1
    assert "no extension `blurpool` is installed" in done.stdout
    done = _check(None, tmp_path, "--extension", "blurpool")
    help = "`pip install` the package that offers it"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"resdsl: no extension `blurpool` is installed; {help}\n"


def test_misspelt(site: Path, tmp_path: Path) -> None:
    done = _check(site, tmp_path, "--extension", "blurpol")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "resdsl: no extension `blurpol` is installed; did you mean `blurpool`?\n"


def test_its_ops_are_described(site: Path, tmp_path: Path) -> None:
    allowed = ("--extension", "blurpool")
    for command in (["ops"], ["ops", "blurpool"], ["ops", "--markdown"]):
        done = _run(site, tmp_path, "-m", "resdsl", *command, *allowed)
        assert done.returncode == 0, done.stderr
        assert "blurpool" in done.stdout
    assert _run(site, tmp_path, "-m", "resdsl", "ops", "blurpool").returncode == 2


def test_installed_but_not_allowed(site: Path, tmp_path: Path) -> None:
    done = _check(site, tmp_path)
    assert done.returncode == 1
    assert "installed, but not allowed" in done.stdout
    assert "--extension blurpool" in done.stdout


def test_nothing_is_imported_unless_allowed(site: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom resdsl.cli import main\n"
        f"main(['check', {str(SPEC)!r}])\nassert 'blurpool' not in sys.modules"
    )
    done = _run(site, tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr


def test_allowed_on_the_command_line(site: Path, tmp_path: Path) -> None:
    done = _check(site, tmp_path, "--extension", "blurpool")
    assert done.returncode == 0, done.stdout + done.stderr


def test_allowed_by_the_project(site: Path, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.resdsl]\nextensions = ["blurpool"]\n')
    folder = tmp_path / "specs"
    folder.mkdir()
    assert _check(site, folder).returncode == 0


def test_front_end_needs_no_torch(site: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\nfrom resdsl.cli import main\n"
        f"sys.exit(main(['summary', {str(SPEC)!r}, '--depth', 'op', '--extension', 'blurpool']))"
    )
    done = _run(site, tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    assert "blur pool" in done.stdout


def test_runs_in_torch(site: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    done = _run(site, tmp_path, "-c", RUN.replace("SPEC", str(SPEC)))
    assert done.returncode == 0, done.stderr
    out = tmp_path / "net.py"
    made = _run(
        site, tmp_path, "-m", "resdsl", "compile", str(SPEC), "--extension", "blurpool", "-o", str(out)
    )
    assert made.returncode == 0, made.stderr
    assert "import blurpool.layers" in out.read_text()
