"""`resdsl bench`, run in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from resdsl.backend.bench.compare import Bench, Job, Row
from resdsl.cli import bench

SPEC = "net n {\n  input image: [3, H, W] at [3, 8, 8]\n  conv(8, 3x3, bias = true)\n}\n"


@pytest.fixture(autouse=True)
def spec(cli):
    """A spec in the folder of the test."""
    Path("n.res").write_text(SPEC)


@pytest.fixture
def asked(monkeypatch) -> list[Any]:
    """Nothing is measured; what was asked for is kept."""
    kept: list[Any] = []

    def compare(job: Job, against: list[str], runs: int, progress: Any) -> Bench:
        kept[:] = [job, against, runs]
        known = {"name": "n", "params": 224, "macs": 13824, "activations": 512, "shapes": [[3, 8, 8]]}
        known |= {"device": "cpu", "name_of_device": "A", "cores": 2, "threads": 2, "torch": "2"}
        known |= {"python": "3", "system": "Linux"}
        rows = (
            Row("resdsl", "by onednn", 0.5, (0.001, 0.0012, 0.0014), 1.0, 2**28, None),
            Row("eager", "", 0.01, (0.002, 0.0024, 0.13), 2.0, 2**28, 2**20),
        )
        return Bench(
            job, known, {"flops": 1e11, "bytes": 3e10}, rows, {"torch": "left out: it is <late>"}, runs
        )

    monkeypatch.setattr(bench, "compare", compare)
    return kept


def test_the_table(cli, asked) -> None:
    code, out, err = cli("bench", "n.res", "--at", "3x8x6", "--batch", "2", "--runs", "3")
    assert (code, err) == (0, "")
    job, against, runs = asked
    assert (job.at, job.batch, job.train, job.device, runs) == ({"H": 8, "W": 6}, 2, False, None, 3)
    assert against == ["eager", "torch", "frozen", "onnxruntime"]
    assert out == (Path(__file__).parent / "bench.txt").read_text()


def test_files(cli, asked) -> None:
    code, _, err = cli("bench", "n.res", "--json", "a.json", "--plot", "a.svg", "--against", "eager, torch")
    assert (code, err) == (0, "wrote a.json\nwrote a.svg\n")
    assert asked[1] == ["eager", "torch"]
    found = json.loads(Path("a.json").read_text())
    assert found["skipped"] == {"torch": "left out: it is <late>"}
    assert found["sides"][0]["images_per_s"] == pytest.approx(1 / 0.0012)
    drawn = ElementTree.parse("a.svg").getroot()
    assert len(drawn.findall("{*}rect")) == 3
    assert [t.text for t in drawn.findall("{*}text")][1:] == [
        "resdsl",
        "833 images/s",
        "eager",
        "417 images/s",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch", "0"], "--batch takes a number of at least 1, not `0`"),
        (["--batch=-3"], "--batch takes a number of at least 1, not `-3`"),
        (["--runs", "0"], "--runs takes a number of at least 1, not `0`"),
        (
            ["--against", "jax"],
            "--against takes eager, torch, frozen, onnxruntime, not `jax`",
        ),
        (["--against", ""], "--against takes eager, torch, frozen, onnxruntime, not ``"),
        (["--device", "tpu"], "--device takes cpu or cuda, not `tpu`"),
        (["--at", "3xH"], "--at takes a shape like 3x224x224, not `3xH`"),
        (["--plot", "a.png"], "`a.png`: the suffix decides what is written; known: .svg"),
        (["--json", "no/a.json"], "cannot write `no/a.json`: there is no folder `no`"),
    ],
)
def test_wrong_use(cli, arguments, message) -> None:
    code, out, err = cli("bench", "n.res", *arguments)
    assert (code, out, err.removeprefix("resdsl bench: ").removeprefix("resdsl: ")) == (2, "", f"{message}\n")
    assert sorted(p.name for p in Path(".").iterdir()) == ["n.res"]


def test_wrong_specs(cli) -> None:
    assert cli("bench", "resnet51")[0] == 2
    assert cli("bench")[0] == 2
    code, out, _ = cli("bench", "n.res", "--set", "depth=3")
    assert code == 2
    assert "depth" in out


def test_without_torch(cli, monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    code, out, err = cli("bench", "n.res")
    assert (code, out) == (2, "")
    assert 'pip install "resdsl[torch]"' in err


def test_no_such_device(cli) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is one")
    assert cli("bench", "n.res", "--device", "cuda") == (
        2,
        "",
        "resdsl: there is no device `cuda` here; leave --device out to run on the CPU\n",
    )
