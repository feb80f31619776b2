"""Files are written whole or not at all, and the cache of parsed files cannot do harm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from resdsl import files, resources
from resdsl.diagnostics.model import Sink
from resdsl.elaborate.files import read_source
from resdsl.source import Source
from resdsl.syntax import cache
from resdsl.syntax.parser import parse


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "net.py"
    target.write_text("old")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write_file(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_write_keeps_the_mode(tmp_path: Path) -> None:
    target = tmp_path / "net.py"
    target.write_text("old")
    target.chmod(0o640)
    files.write_file(target, "new")
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("new", 0o640)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "net.py").symlink_to(tmp_path / "real" / "net.py")
    for text in ("first", "second"):
        files.check_target(tmp_path / "net.py")
        files.write_file(tmp_path / "net.py", text)
        assert (tmp_path / "real" / "net.py").read_text() == text
    assert (tmp_path / "net.py").is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes with a name")
def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "net.py"
    os.mkfifo(pipe)
    files.check_target(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        files.write_file(pipe, "text")
        assert os.read(reader, 10) == b"text"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize("path", sorted(resources.specs().glob("*.res")), ids=lambda p: p.stem)
def test_the_cache_gives_the_parsed_tree(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_folder", lambda: tmp_path)
    source = read_source(path)
    assert isinstance(source, Source)
    first = cache.parse(source, Sink())
    again = cache.parse(source, Sink())
    plain = parse(source, Sink())
    assert first == again == plain
    assert first is not again
    assert again is not None
    assert plain is not None
    assert [i.span for i in again.items] == [i.span for i in plain.items]


@pytest.mark.parametrize("content", ["", "{}", "[0]", "[99, 0, 1]", "not json", '[-1, "x"]', "[" * 5000])
def test_a_damaged_entry_is_parsed_again(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_folder", lambda: tmp_path)
    source = Source("a.res", "net a { input x: [3, H, W]; relu }\n")
    made = cache.parse(source, Sink())
    [entry] = tmp_path.iterdir()
    entry.write_text(content)
    assert cache.parse(source, Sink()) == made


def test_texts_with_mistakes_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_folder", lambda: tmp_path)
    for _ in range(2):
        sink = Sink()
        cache.parse(Source("a.res", "net a { let in = 3 }\n"), sink)
        assert sink.has_errors
    assert list(tmp_path.iterdir()) == []
