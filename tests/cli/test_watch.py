"""`resdsl watch`: the command in a process of its own, asked by HTTP and looked at with a browser."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import pytest
from render.browser import CHROMIUM, Browser
from render.looks import installed

from resdsl.cli.arguments import parser
from resdsl.cli.watch import Watched

DRAWS = installed("graphviz-pure") or installed("dot")
PATIENCE = 60.0
GOOD = """\
net small(classes = 10) {
  input image: [3, H, W] at [3, 32, 32]
  conv1 = conv(8, 3x3); bn1 = batchnorm; relu
  global_avgpool; flatten
  fc = linear(classes)
}
"""
BAD = GOOD.replace("relu", "reluu")


class Watch:
    """The command, running."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "resdsl", "watch", *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.said = ""
        Thread(target=self._listen, daemon=True).start()
        until(lambda: "http://" in self.said)
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", self.said)
        assert found
        self.port = int(found[1])

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line

    def get(self, path: str = "/", host: str | None = None) -> tuple[int, str]:
        """Status and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def stop(self) -> tuple[int, str]:
        """Ctrl-C: the exit code, and what it wrote to the standard error."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(PATIENCE)
        assert self.process.stderr
        return code, self.process.stderr.read()


def until(true: Callable[[], object]) -> None:
    end = monotonic() + PATIENCE
    while not true():
        assert monotonic() < end
        sleep(0.05)


def save(path: Path, text: str) -> None:
    """Write a file so that nobody sees half of it."""
    made = path.with_suffix(".new")
    made.write_text(text)
    made.replace(path)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Watch]]:
    running: list[Watch] = []

    def start(*arguments: str) -> Watch:
        running.append(Watch(tmp_path, *arguments, "--port", "0"))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def test_it_serves_and_checks_again(watch: Callable[..., Watch], tmp_path: Path) -> None:
    spec = tmp_path / "a.res"
    save(spec, GOOD)
    running = watch("a.res")
    status, text = running.get()
    assert status == 200
    assert "<title>small: 322 params" in text
    assert "connect-src 'self'" in text

    save(spec, BAD)
    until(lambda: "error[unknown-name]" in running.said)
    until(lambda: "unknown name `reluu`" in running.get()[1])
    assert "small: 1 error" in running.get()[1]
    assert ("data:image/svg+xml" in running.get()[1]) == DRAWS

    save(spec, "net small {")
    until(lambda: "error[syntax]" in running.said)
    until(lambda: '"id":"conv1"' in running.get()[1])  # as it was, since nothing of it can be read now

    save(spec, GOOD.replace("conv(8,", "conv(16,"))
    until(lambda: "checked again: 1 net, every shape fits" in running.said)
    until(lambda: "<title>small: 634 params" in running.get()[1])
    assert "reluu" not in running.get()[1]

    spec.unlink()
    until(lambda: "there is no such file" in running.said)
    save(spec, GOOD)
    until(lambda: running.said.count("checked again") == 2)
    code, errors = running.stop()
    assert code == 130
    assert errors == "resdsl: interrupted\n"


def test_a_file_that_is_half_written_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "a.res"
    spec.write_text(GOOD)
    args = parser().parse_args(["watch", str(spec)])
    watched = Watched(args, None)
    watched.look()
    for half in ("", GOOD[:40], None):
        if half is None:
            spec.unlink()
        else:
            spec.write_text(half)
        assert watched.changed()
        monkeypatch.setattr(time, "sleep", lambda _: spec.write_text(GOOD))
        watched.look()
        assert not watched.changed()
        assert not watched.problems
    assert capsys.readouterr().out.count("checked again: 1 net, every shape fits\n") == 3


def test_only_the_net_with_the_mistake_is_drawn_broken(watch: Callable[..., Watch], tmp_path: Path) -> None:
    save(tmp_path / "a.res", GOOD + BAD.replace("net small", "net other"))
    running = watch("a.res")
    assert "error[unknown-name]" in running.get()[1]
    assert "<title>other: 1 error" in running.get("/other")[1]
    assert "<title>small: 1 error" not in running.get("/small")[1]


def test_a_spec_that_was_never_right(watch: Callable[..., Watch], tmp_path: Path) -> None:
    spec = tmp_path / "a.res"
    save(spec, "net small { <b>")
    running = watch("a.res")
    text = running.get()[1]
    assert "error[syntax]" in text
    assert "<b>" not in text
    save(spec, GOOD)
    until(lambda: "<title>small: 322 params" in running.get()[1])


def test_files_it_uses_are_watched(watch: Callable[..., Watch], tmp_path: Path) -> None:
    save(tmp_path / "blocks.res", "block b(n) { conv(n, 3x3); batchnorm; relu }\n")
    save(
        tmp_path / "a.res",
        'use "blocks.res" { b }\nnet small {\n  input image: [3, H, W] at [3, 32, 32]\n  l = b(8)\n}\n',
    )
    running = watch("a.res")
    assert "<title>small: 232 params" in running.get()[1]
    save(tmp_path / "blocks.res", "block b(n) { conv(n, 1x1); batchnorm; relu }\n")
    until(lambda: "<title>small: 40 params" in running.get()[1])


def test_several_nets(watch: Callable[..., Watch], tmp_path: Path) -> None:
    save(tmp_path / "a.res", GOOD + GOOD.replace("net small", "net other").replace("8,", "16,"))
    running = watch("a.res")
    assert "<title>small:" in running.get()[1]
    assert "<title>other:" in running.get("/other")[1]
    assert '"nets":["small","other"]' in running.get()[1]
    assert running.get("/none")[0] == 404
    only = watch("a.res", "--net", "other")
    assert "<title>other:" in only.get()[1]
    assert only.get("/small")[0] == 404


def test_only_this_machine_is_served(watch: Callable[..., Watch], tmp_path: Path) -> None:
    save(tmp_path / "a.res", GOOD)
    running = watch("a.res")
    assert running.get(host="example.org")[0] == 403
    assert running.get(host=f"localhost:{running.port}")[0] == 200
    own = next(
        (a for a in socket.gethostbyname_ex(socket.gethostname())[2] if not a.startswith("127.")), None
    )
    if own:
        with pytest.raises(OSError, match=r"refused|timed out"):
            socket.create_connection((own, running.port), timeout=2).close()


def test_usage(tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "resdsl", "watch", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    save(tmp_path / "a.res", GOOD)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = run("a.res", "--port", str(taken.getsockname()[1]))
    assert code == 2
    assert "address already in use; without --port a free one is taken" in said
    code, said = run("a.res", "--port", "99999")
    assert code == 2
    assert "a port is a number" in said
    code, said = run("b.res")
    assert code == 2
    assert "cannot read `b.res`" in said
    code, said = run("a.res:small", "--net", "small2")
    assert code == 2
    assert "leave --net out" in said
    code, said = run("a.res", "--set", "classes")
    assert code == 2


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_page_reloads_and_says_what_is_wrong(watch: Callable[..., Watch], tmp_path: Path) -> None:
    spec = tmp_path / "a.res"
    save(spec, GOOD)
    running = watch("a.res")
    browser = Browser()
    try:
        browser.open(f"http://127.0.0.1:{running.port}/")
        save(spec, GOOD.replace("conv(8,", "conv(16,"))
        browser.wait("document.title.startsWith('small: 634 params')")
        save(spec, BAD)
        browser.wait("document.querySelector('#problems')")
        assert "unknown name `reluu`" in browser.run("document.querySelector('#problems').textContent")
        if DRAWS:
            browser.wait("document.querySelector('figure img')?.complete")
            assert browser.run("document.querySelector('figure img').naturalWidth") > 100
        save(spec, "net small {")
        browser.wait("document.querySelector('main.stale')")
        assert "error[syntax]" in browser.run("document.querySelector('#problems').textContent")
        assert browser.run("document.querySelectorAll('.item').length") > 0
        save(spec, GOOD)
        browser.wait("!document.querySelector('#problems') && document.title.startsWith('small: 322 params')")
        assert browser.errors == []
        assert all(a.startswith(f"http://127.0.0.1:{running.port}/") for a in browser.requests)
    finally:
        browser.close()
