"""Nets compiled into one file: what they compute, what they say of themselves, and what is said of bad files."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from resdsl.cli import main
from resdsl.files import write_file

from .specs import net

torch = pytest.importorskip("torch")
numpy = pytest.importorskip("numpy")

from resdsl import load  # noqa: E402
from resdsl.backend.artefact import about as about_file  # noqa: E402
from resdsl.backend.artefact.about import About, BadArtefact, features, machine, read_about  # noqa: E402
from resdsl.backend.artefact.load import Artefact, load_artefact, with_torch  # noqa: E402
from resdsl.backend.artefact.native import Native, NotNative  # noqa: E402
from resdsl.backend.artefact.write import FORMATS, write  # noqa: E402
from resdsl.backend.build import build  # noqa: E402
from resdsl.backend.dynamic import example  # noqa: E402
from resdsl.backend.image import predict  # noqa: E402

from .reference import randomise  # noqa: E402

BLOCKS = "edition 2026\nblock stem(width) { conv1 = conv(width, 3x3, stride = 2); bn1 = batchnorm; relu }\n"
SPEC = """edition 2026
use "blocks.res" { stem }
net n {
  input image: [3, H, W] where H % 4 == 0 at [3, 32, 32]
  stem = stem(16)
  residual { conv2 = conv(32, 3x3, stride = 2); bn2 = batchnorm; relu } shortcut: projection
  global_avgpool; flatten; fc = linear(3)
}"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec, weights, class names, a picture, and the net compiled for one size and for all."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("artefact")
    (folder / "n.res").write_text(SPEC)
    (folder / "blocks.res").write_text(BLOCKS)
    (folder / "names.txt").write_text("cat\ndög\nbird\n")
    Image.effect_mandelbrot((60, 50), (-3, -2.5, 2, 2.5), 100).convert("RGB").save(folder / "p.png")
    torch.save(_module(folder).state_dict(), folder / "w.pth")
    command = [
        "compile",
        str(folder / "n.res"),
        "-o",
        str(folder / "all.pt2"),
        "--device",
        "cpu",
        "--dynamic",
    ]
    weights = ["--weights", str(folder / "w.pth"), "--labels", str(folder / "names.txt")]
    assert main([*command, *weights]) == 0
    spec = load(folder / "n.res")
    spec.save(folder / "one.pt2", folder / "w.pth", batch=2, labels=["cat", "dög", "bird"])
    assert not list(folder.glob(".*")), "nothing is left beside the files"
    return folder


def _net(folder: Path) -> Any:
    return load(folder / "n.res").net


def _module(folder: Path) -> Any:
    torch.manual_seed(0)
    module = build(_net(folder))
    randomise(module)
    return module.eval()


# ---------------------------------------------------------------- what it computes


CALLS = {"one": [(2, 32, 32)], "all": [(1, 32, 32), (5, 8, 41), (2, 64, 20)]}


@pytest.mark.parametrize("name", CALLS)
def test_outputs(home: Path, name: str) -> None:
    """By torch's C library alone, and by torch: as the module computes."""
    loaded, module, made = load_artefact(home / f"{name}.pt2"), _module(home), _net(home)
    if sys.platform == "linux":
        assert isinstance(loaded.run, Native)
    by_torch = Artefact(loaded.about, with_torch(home / f"{name}.pt2", "cpu"))
    for batch, height, width in CALLS[name]:
        (x,) = example(made, batch, {"H": height, "W": width})
        with torch.no_grad():
            wanted = module(x).numpy()
        for run in (loaded, by_torch):
            (got,) = run(x.to(memory_format=torch.channels_last).numpy())
            assert abs(got - wanted).max() < 1e-5 * abs(wanted).max()


def test_torch_is_as_it_was(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """What is used of torch that is not public is there; without it the public loader serves."""
    assert torch._C._aoti.AOTIModelPackageLoader(str(home / "one.pt2"), "model", False, 1, -1)
    monkeypatch.delattr(torch._C._aoti, "AOTIModelPackageLoader")
    called = []
    monkeypatch.setattr(torch._inductor, "aoti_load_package", lambda path: called.append(path) or _Loaded)
    assert with_torch(home / "one.pt2", "cpu")(numpy.zeros(1))[0].tolist() == [0.0]
    assert called == [str(home / "one.pt2")]


class _Loaded:
    class loader:
        @staticmethod
        def run(tensors: list[Any]) -> list[Any]:
            return tensors


@pytest.mark.skipif(sys.platform != "linux", reason="torch itself runs it there")
def test_torch_is_not_imported(home: Path) -> None:
    """It takes longer than all else until the first answer."""
    command = ["run", str(home / "one.pt2"), "--image", str(home / "p.png"), "--top", "1"]
    code = f"import sys; from resdsl.cli import main; assert main({command}) == 0; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_command(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = predict(_net(home), _module(home), home / "p.png", "cpu", 2)
    lines = []
    for name in ("one", "all"):
        assert main(["run", str(home / f"{name}.pt2"), "--image", str(home / "p.png"), "--top", "2"]) == 0
        lines.append(capsys.readouterr().out.splitlines())
    names = ["cat", "dög", "bird"]
    assert (
        lines[0]
        == lines[1]
        == [f"{names[i]:<{max(len(names[j]) for j, _ in wanted)}}  {p:.3f}" for i, p in wanted]
    )


def test_another_size(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = predict(_net(home), _module(home), home / "p.png", "cpu", 3, {"H": 48, "W": 40})
    got = load_artefact(home / "all.pt2").predict(home / "p.png", 3, (3, 48, 40))
    assert [i for i, _ in got] == [i for i, _ in wanted]
    assert [p for _, p in got] == pytest.approx([p for _, p in wanted], abs=1e-5)
    shown = []
    for spec in ("n.res", "all.pt2"):
        weights = (
            ["--weights", str(home / "w.pth"), "--labels", str(home / "names.txt")] if spec == "n.res" else []
        )
        command = ["run", str(home / spec), "--image", str(home / "p.png"), "--at", "3x48x40", *weights]
        assert main([*command, "--device", "cpu", *(["--no-compile"] if weights else [])]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]


WITHOUT = """
import json, sys, torch
run = torch._inductor.aoti_load_package(sys.argv[1])
about = json.loads(run.loader.get_metadata()["resdsl"])
answers = []
for change in sys.argv[2:]:
    try:
        answers.append(list(run(eval(change, {"torch": torch})).shape))
    except RuntimeError as error:
        answers.append(str(error))
assert "resdsl" not in sys.modules
print(json.dumps([about["net"], about["labels"], answers]))
"""


@pytest.mark.parametrize(
    ("name", "fits", "others"),
    [
        (
            "one",
            ["2, 3, 32, 32"],
            ["1, 3, 32, 32", "2, 3, 64, 64", "2, 3, 8, 8", "2, 1, 32, 32", "2, 3, 1024", "0, 3, 32, 32"],
        ),
        (
            "all",
            ["1, 3, 32, 32", "5, 3, 8, 41"],
            ["2, 3, 31, 32", "2, 3, 4, 32", "2, 3, 0, 32", "2, 1, 32, 32", "0, 3, 32, 32"],
        ),
    ],
)
def test_without_resdsl(home: Path, name: str, fits: list[str], others: list[str]) -> None:
    """In a fresh process, with torch alone and without a C++ compiler; it refuses what it was not compiled for."""
    calls = [f"torch.zeros({shape})" for shape in [*fits, *others]]
    changed = [
        f"torch.zeros({fits[0]}){how}"
        for how in (".double()", ".to(memory_format=torch.channels_last)", "[0]")
    ]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(home / f"{name}.pt2"), *calls, *changed],
        env={**os.environ, "PATH": "/nowhere", "CXX": "/nowhere/g++", "PYTHONPATH": ""},
        cwd=home,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    net, labels, answers = json.loads(done.stdout)
    assert (net, labels) == ("n", ["cat", "dög", "bird"])
    assert answers[: len(fits)] == [[int(shape.split(",")[0]), 3] for shape in fits]
    for answer in answers[len(fits) :]:
        assert answer.startswith(
            "n: the input must be a contiguous float32 tensor on cpu; it was compiled for "
        )


# ---------------------------------------------------------------- what it says of itself


def test_about(home: Path) -> None:
    one, all = read_about(home / "one.pt2"), read_about(home / "all.pt2")
    assert one.spec == all.spec == {"n.res": SPEC, "blocks.res": BLOCKS}
    assert (one.inputs, one.sizes, one.batch) == (((3, 32, 32),), {}, 2)
    assert [str(d) for d in all.inputs[0]] == ["3", "H", "W"]
    assert all.calls == "[3, H, W]; any batch; H % 4 == 0 and H >= 8; W >= 5"
    assert (all.at, all.labels, all.outputs) == ({"H": 32, "W": 32}, ("cat", "dög", "bird"), ("[3]",))
    text = json.loads(all.to_json())
    assert text["spec"]["n.res"]["sha256"] == hashlib.sha256((home / "n.res").read_bytes()).hexdigest()
    assert text["sizes"]["H"]["condition"] == "H % 4 == 0 and H >= 8"
    assert (text["format"], text["dtype"], text["preprocessing"]["divide"]) == (1, "float32", 255)
    page = (Path(__file__).parents[2] / "docs" / "artefacts.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    assert sorted(text) == sorted(re.findall(r"`(\w+)`", " ".join(rows)))
    assert About.of_json(text) == all
    assert all.machine == machine()
    assert set(all.needs) <= features("cpu")


@pytest.mark.parametrize(
    ("name", "shape", "says"),
    [
        ("one", "3x64x64", "the input is [3, 32, 32]"),
        ("all", "3x31x32", "`H` = 31 does not meet `H % 4 == 0 and H >= 8`; the next that does is 32"),
        ("all", "3x4x32", "`H` must be at least 8, this is 4"),
        ("all", "1x32x32", "the input is [3, H, W]"),
        ("all", "3x32", "the input is [3, H, W], which has 3 dimensions"),
    ],
)
def test_sizes_it_was_not_compiled_for(
    home: Path, name: str, shape: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(home / f"{name}.pt2"), "--image", str(home / "p.png"), "--at", shape]) == 2
    assert capsys.readouterr().err == f"resdsl: `n`: {says}\n"
    x = numpy.zeros((2, *map(int, shape.split("x"))))
    with pytest.raises(ValueError, match="n: "):
        load_artefact(home / f"{name}.pt2")(x)


def test_batches_it_was_not_compiled_for(home: Path) -> None:
    with pytest.raises(ValueError, match="n: it was compiled for a batch of 2, this is one of 3"):
        load_artefact(home / "one.pt2")(numpy.zeros((3, 3, 32, 32)))


# ---------------------------------------------------------------- bad files


def _changed(home: Path, path: Path, change: dict[str, Any]) -> None:
    """A copy that says something else of itself."""
    with zipfile.ZipFile(home / "one.pt2") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("_metadata.json"):
                entry = json.loads(data)
                entry["resdsl"] = json.dumps({**json.loads(entry["resdsl"]), **change})
                data = json.dumps(entry).encode()
            new.writestr(name, data)


def test_random_weights(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A net compiled without weights says so, and so does what runs it."""
    made: list[About] = []

    def packaged(_: Any, about: About) -> tuple[bytes, About]:
        made.append(about)
        return b"", about

    monkeypatch.setitem(FORMATS, ".pt2", packaged)
    for weights in ([], ["--weights", str(home / "w.pth")]):
        assert main(["compile", str(home / "n.res"), "-o", str(tmp_path / "n.pt2"), *weights]) == 0
    assert [about.random for about in made] == [True, False]

    capsys.readouterr()
    _changed(home, tmp_path / "n.pt2", {"random": True})
    for path, noted in ((tmp_path / "n.pt2", True), (home / "one.pt2", False)):
        assert main(["run", str(path), "--image", str(home / "p.png")]) == 0
        note = f"note: the weights of `{path}` are random: it was compiled without --weights\n"
        assert capsys.readouterr().err == (note if noted else "")


def test_what_is_being_done_is_said(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(FORMATS, ".pt2", lambda _, about: (b"", about))
    spec, steps, path = load(home / "n.res"), list[str](), tmp_path / "n.pt2"
    write(path, spec.net, spec.module(), at={"H": 32, "W": 32}, progress=steps.append)
    assert steps == ["exporting n", f"compiling n into {path}", f"writing {path}"]


def test_what_needs_torch_itself(home: Path, tmp_path: Path) -> None:
    """A package with a table of ops that have no C interface."""
    (tmp_path / "n.pt2").write_bytes((home / "one.pt2").read_bytes())
    with zipfile.ZipFile(tmp_path / "n.pt2", "a") as archive:
        folder = next(name for name in archive.namelist() if name.endswith(".so")).rsplit("/", 1)[0]
        archive.writestr(f"{folder}/extern.json", "{}")
    with pytest.raises(NotNative):
        Native(tmp_path / "n.pt2")
    assert not isinstance(load_artefact(tmp_path / "n.pt2").run, Native)


def _zip(home: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", b"data")


def _flipped(home: Path, path: Path) -> None:
    data = bytearray((home / "one.pt2").read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)


FOREIGN = "it is not a file that `resdsl compile -o FILE.pt2` writes"
DAMAGED = "the file is truncated or damaged"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda home, path: path.write_bytes(b""), FOREIGN),
        (lambda home, path: path.write_bytes(b"hello"), FOREIGN),
        (_zip, FOREIGN),
        (lambda home, path: path.write_bytes((home / "one.pt2").read_bytes()[:-100]), DAMAGED),
        (lambda home, path: path.write_bytes((home / "one.pt2").read_bytes()[:3000]), DAMAGED),
        (_flipped, DAMAGED),
        (
            lambda h, p: _changed(h, p, {"format": 2, "resdsl": "9.0"}),
            "resdsl 9.0 wrote it in a newer format",
        ),
        (
            lambda h, p: _changed(h, p, {"torch": "2.1.0"}),
            "it was compiled by torch 2.1.0, and this is torch ",
        ),
        (
            lambda h, p: _changed(h, p, {"machine": "Plan9 vax"}),
            "it was compiled for Plan9 vax, and this is ",
        ),
        (
            lambda h, p: _changed(h, p, {"needs": ["fpu9", "fma"]}),
            "it was compiled for a CPU with fpu9, which this one lacks: compile it again here",
        ),
        (
            lambda h, p: _changed(h, p, {"device": "cuda"}),
            "it was compiled for a CUDA device, and there is none here",
        ),
        (lambda h, p: _changed(h, p, {"inputs": 3}), "what it says of itself is damaged"),
        (lambda h, p: _changed(h, p, {"sizes": {"H": {}}}), "what it says of itself is damaged"),
    ],
)
def test_bad_files(
    home: Path,
    make: Callable[[Path, Path], Any],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "CUDA" in says and torch.cuda.is_available():
        pytest.skip("there is one here")
    make(home, tmp_path / "bad.pt2")
    assert main(["run", str(tmp_path / "bad.pt2"), "--image", str(home / "p.png")]) == 1
    out = " ".join(capsys.readouterr().out.split())  # in one line
    assert out.startswith(f"error[bad-artefact]: `{tmp_path / 'bad.pt2'}` cannot be run: {says}")


def test_torch_runs_no_damaged_file(home: Path, tmp_path: Path) -> None:
    _flipped(home, tmp_path / "n.pt2")
    with pytest.raises(BadArtefact, match=DAMAGED):
        with_torch(tmp_path / "n.pt2", "cpu")


@pytest.mark.skipif(machine() != "Linux x86_64", reason="other machines name no features")
def test_cpus(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs on a CPU with more than its code needs, not on one with less."""
    needs = read_about(home / "one.pt2").needs
    assert {"avx2", "avx512f"} & set(needs), "any CPU of the last ten years"
    assert "fma" in needs
    monkeypatch.setattr(about_file, "features", lambda _: {*needs, "more"})
    load_artefact(home / "one.pt2")
    monkeypatch.setattr(about_file, "features", lambda _: {*needs} - {"fma"})
    with pytest.raises(BadArtefact, match="compiled for a CPU with fma, which this one lacks"):
        load_artefact(home / "one.pt2")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["run", "none.pt2", "--image", "p.png"], 2, "cannot read `none.pt2`: there is no such file"),
        (["run", "one.pt2", "--image", "none.png"], 2, "cannot read `none.png`: there is no such file"),
        (["run", "one.pt2", "--image", "n.res"], 1, "error[bad-image]: it is not an image that Pillow reads"),
        (
            ["run", "one.pt2", "--image", "p.png", "--device", "mps"],
            2,
            "was compiled for cpu: leave --device",
        ),
        (["run", "one.pt2", "--image", "p.png", "--weights", "w.pth"], 2, "leave --weights out"),
        (["run", "one.pt2", "--image", "p.png", "--no-compile"], 2, "leave --no-compile out"),
        (["run", "one.pt2", "--image", "p.png", "--set", "a=1"], 2, "leave --set out"),
        (["run", "one.pt2", "--image", "p.png", "--labels", "none"], 2, "cannot read `none`"),
        (["compile", "n.res", "--weights", "w.pth"], 2, "--weights goes with -o FILE.pt2 or FILE.onnx"),
        (
            ["compile", "n.res", "-o", "n.py", "--labels", "names.txt"],
            2,
            "--labels goes with -o FILE.pt2 or FILE.onnx",
        ),
        (
            ["compile", "n.res", "-o", "x.pt2", "--mode", "default"],
            2,
            "torch.compile does not write a .pt2: leave",
        ),
        (["compile", "n.res", "-o", "x.pt2", "--weights", "none.pth"], 2, "cannot read `none.pth`"),
        (["compile", "n.res", "-o", "x.pt2", "--weights", "n.res"], 1, "error[bad-weights]"),
        (["compile", "n.res", "-o", "x.onnx", "--device", "cpu"], 2, "a .onnx is for every device"),
        (
            ["compile", "n.res", "-o", "x.pt2", "--labels", "p.png"],
            2,
            "cannot read `p.png`: it is not UTF-8 text",
        ),
        (["compile", "n.res", "-o", "x.pt2", "--labels", "none"], 2, "cannot read `none`"),
        (
            ["compile", "n.res", "-o", "x.pt2", "--at", "3x30x32"],
            2,
            "`n`: `H` = 30 does not meet `H % 4 == 0`",
        ),
        (
            ["compile", "n.res", "-o", "x.pt2", "--at", "3x4x4", "--dynamic"],
            2,
            "one file serves many sizes at once, but `H` must be at least 8",
        ),
        (["compile", "none.res", "-o", "x.pt2", "--dynamic"], 2, "error[unreadable]"),
        (["compile", "never.res", "-o", "x.pt2", "--dynamic"], 1, "error[no-size]"),
        (["compile", "n.res", "-o", "none/x.pt2"], 2, "cannot write `none/x.pt2`: there is no folder `none`"),
        (["compile", "n.res", "-o", "folder.pt2"], 2, "it is a folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_commands(
    home: Path,
    arguments: list[str],
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(home)
    (home / "folder.pt2").mkdir(exist_ok=True)
    never = "add { { maxpool(2x2, 2); resize(2) }; identity }"
    (home / "never.res").write_text(f"net n {{\n  input x: [3, H, W] where H % 2 == 1\n  {never}\n}}\n")
    assert main(arguments) == code
    assert says in "".join(capsys.readouterr())
    assert not Path("x.pt2").exists()


# ---------------------------------------------------------------- what keeps it from being written


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (KeyboardInterrupt(), 130, "resdsl: interrupted"),
        (RuntimeError("x.cpp: error: No space left on device"), 2, "n.pt2`: no space left on device"),
        (OSError(28, "No space left on device"), 2, "n.pt2`: no space left on device"),
        (
            RuntimeError("C++ compile error\n\nx.cpp:3: error: what is this"),
            2,
            "does not: x.cpp:3: error: what is this",
        ),
        (
            RuntimeError("Constraints violated (T)! For more"),
            2,
            "cannot keep `T` open in it for every size that fits",
        ),
        (RuntimeError("no such kernel\nand more"), 2, "cannot be compiled into a file: torch "),
    ],
)
def test_it_stops(
    home: Path,
    error: BaseException,
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(torch._inductor, "aoti_compile_and_package", fail)
    (tmp_path / "n.pt2").write_text("as before")
    assert main(["compile", str(home / "n.res"), "-o", str(tmp_path / "n.pt2"), "--device", "cpu"]) == code
    assert says in capsys.readouterr().err
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("n.pt2", "as before")]


@pytest.mark.skipif(os.name != "posix", reason="there Ctrl-C is no signal")
def test_interrupted(home: Path, tmp_path: Path) -> None:
    """Ctrl-C while the C++ compiler runs; this one presses it."""
    compiler, out = tmp_path / "g++", tmp_path / "out"
    compiler.write_text("#!/bin/sh\nkill -INT $PPID\nsleep 60\n")
    compiler.chmod(0o755)
    out.mkdir()
    (out / "n.pt2").write_text("as before")
    command = ["compile", str(home / "n.res"), "-o", str(out / "n.pt2"), "--device", "cpu"]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; from resdsl.cli import main; sys.exit(main({command}))"],
        env={**os.environ, "CXX": str(compiler), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (130, -signal.SIGINT), done.stderr
    assert done.stderr.endswith("resdsl: interrupted\n")
    assert [(p.name, p.read_text()) for p in out.iterdir()] == [("n.pt2", "as before")]


def test_full_disk(home: Path, tmp_path: Path) -> None:
    """The file does not fit; nothing of it stays."""
    resource = pytest.importorskip("resource")
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    write = partial(write_file, tmp_path / "n.pt2", (home / "one.pt2").read_bytes())
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**14, kept[1]))
        with pytest.raises(OSError, match="File too large"):
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
        signal.signal(signal.SIGXFSZ, previous)
    assert not list(tmp_path.iterdir())


def test_no_compiler(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config: Any = torch._inductor.config
    with config.patch({"cpp.cxx": ("/nowhere/g++",), "force_disable_caches": True}):
        made = main(["compile", str(home / "n.res"), "-o", str(tmp_path / "n.pt2"), "--device", "cpu"])
    assert made == 2
    assert "this needs a C++ compiler, and none was found: install g++" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_nets_that_take_no_picture(home: Path, tmp_path: Path) -> None:
    """`run` names what is on a picture; other nets are for `load_artefact`."""
    from resdsl.backend.image import BadImage

    about = read_about(home / "all.pt2")
    sound = net("edition 2026\nnet n { input x: [4, T] at [4, 16]\n conv(4, 3, bias = true) }")
    shape = sound.graph.input_shapes[0]
    assert shape is not None
    other = Artefact(
        About(**{**about.__dict__, "inputs": (shape,), "sizes": sound.fits, "at": {"T": 16}}), lambda: []
    )
    with pytest.raises(BadImage, match="does not take one image"):
        other.predict(home / "p.png", 1)


def test_saving(home: Path, tmp_path: Path) -> None:
    """From Python, mistakes are exceptions; `home` holds a file that it wrote."""
    spec = load(home / "n.res")
    with pytest.raises(ValueError, match=r"is written as \.pt2 or \.onnx"):
        spec.save(tmp_path / "n.txt", home / "w.pth")
    with pytest.raises(ValueError, match="No such file"):
        spec.save(tmp_path / "n.pt2", home / "none.pth")
    with pytest.raises(ValueError, match="one file serves many sizes at once, but `H` must be at least 8"):
        spec.save(tmp_path / "n.pt2", spec.module(), at=(3, 4, 4), batch=None)
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- ONNX


@pytest.mark.parametrize(
    ("options", "calls"),
    [(["--batch", "2"], [(2, 32, 32)]), (["--dynamic"], [(1, 32, 32), (5, 8, 41), (2, 64, 20)])],
)
def test_onnx(home: Path, options: list[str], calls: list[tuple[int, int, int]], tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    path, module, made = tmp_path / "n.onnx", _module(home), _net(home)
    command = ["compile", str(home / "n.res"), "-o", str(path), "--weights", str(home / "w.pth"), *options]
    assert main(command) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["n.onnx"]
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    about = About.of_json(json.loads(session.get_modelmeta().custom_metadata_map["resdsl"]))
    assert about.spec == {"n.res": SPEC, "blocks.res": BLOCKS}
    for batch, height, width in calls:
        (x,) = example(made, batch, {"H": height, "W": width})
        (got,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        with torch.no_grad():
            wanted = module(x)
        assert float((torch.from_numpy(got) - wanted).abs().max()) < 1e-5 * float(wanted.abs().max())


def test_onnx_says_nothing_of_torchvision(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Torch warns that ops are left out, which no net uses, where torchvision is not installed."""
    registration = pytest.importorskip("torch.onnx._internal.exporter._registration")
    monkeypatch.setattr(registration.importlib.util, "find_spec", lambda _: None)

    def export(*_: Any, **__: Any) -> None:
        assert registration._get_overload("torchvision::nms") is None
        registration.logger.warning("something else")
        raise RuntimeError("stop")

    monkeypatch.setattr(torch.onnx, "export", export)
    monkeypatch.setattr("resdsl.backend.artefact.onnx.NEEDED", ())
    with caplog.at_level("WARNING"):
        assert main(["compile", str(home / "n.res"), "-o", str(tmp_path / "n.onnx")]) == 2
    assert caplog.messages == ["something else"]


def test_no_onnx(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from resdsl.backend.artefact import onnx

    monkeypatch.setattr(onnx, "NEEDED", ("no_such_package", "torch"))
    assert main(["compile", str(home / "n.res"), "-o", str(tmp_path / "n.onnx")]) == 2
    assert 'this needs no_such_package: pip install "resdsl[onnx]"' in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
