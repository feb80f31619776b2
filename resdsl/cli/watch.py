"""`resdsl watch`: checks a spec whenever it is saved, and serves its page to a browser on this machine."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread
from urllib.parse import quote, unquote

from resdsl.cli.errors import Usage
from resdsl.cli.load import find_or_fail
from resdsl.cli.options import settings
from resdsl.cli.show import failing, show
from resdsl.diagnostics import render
from resdsl.diagnostics.model import Diagnostic, Sink
from resdsl.elaborate.files import Loader, read_source
from resdsl.files import reason
from resdsl.find import NotFound, find
from resdsl.graph.model import Net
from resdsl.pipeline import check

HOST = "127.0.0.1"
FIRST_PORT, LAST_PORT = 8080, 8099
PAUSE = 0.25
"""Seconds between two looks at the files."""
SETTLE = 0.1
"""Seconds after which a file that was wrong is read again if it changed: an editor may have been half way."""
SILENCE = 15.0
"""Seconds after which a browser is told that the server is there, so that a closed one is noticed."""


def watch_command(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C."""
    found = find_or_fail(args, args.spec)
    if args.net is not None and found.net not in (None, args.net):
        raise Usage(f"`{args.spec}` names the net already: leave --net out")
    assert found.path is not None
    watched = Watched(args, found.net or args.net)
    watched.look()
    server = _server(args.port)
    server.watched = watched
    Thread(target=server.serve_forever, daemon=True).start()
    print(f"watching {found.source.path}: http://{HOST}:{server.server_port}/ (Ctrl-C ends)", flush=True)
    try:
        while True:
            time.sleep(PAUSE)
            if watched.changed():
                watched.look()
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Watched:
    """A spec that is being written, as it was last seen.

    Attributes:
        args: of the command.
        only: the net asked for; None for all.
        version: changes whenever something was saved.
        nets: as they were when the spec was last without errors.
        broken: they as far as they check, when it has errors.
        problems: the diagnostics, when it has errors.
        news: is notified of a new version.
    """

    args: argparse.Namespace
    only: str | None
    version: str = ""
    nets: dict[str, Net] = field(default_factory=dict)
    broken: dict[str, Net] = field(default_factory=dict)
    problems: Sequence[Diagnostic] = ()
    news: Condition = field(default_factory=Condition)
    _stamps: dict[Path, tuple[int, int] | None] = field(default_factory=dict)
    _pages: dict[str, bytes] = field(default_factory=dict)

    def changed(self) -> bool:
        """Whether one of the files was saved since."""
        return any(_stamp(path) != stamp for path, stamp in self._stamps.items())

    def look(self) -> None:
        """Read and check the spec, and say in the terminal what is wrong."""
        first = not self.version
        diagnostics, nets = self._read()
        if failing(diagnostics) or not nets:
            time.sleep(SETTLE)
            if self.changed():
                diagnostics, nets = self._read()
        wrong = failing(diagnostics)
        show(self.args, diagnostics)
        if not first and not wrong:
            print(f"checked again: {len(nets)} net{'s' if len(nets) != 1 else ''}, every shape fits")
        sys.stdout.flush()
        with self.news:
            self.broken = nets if wrong else {}
            self.problems = diagnostics if wrong else ()
            if not wrong:
                self.nets = nets
            self.version = str(time.time_ns())
            self._pages.clear()
            self.news.notify_all()

    def _read(self) -> tuple[Sequence[Diagnostic], dict[str, Net]]:
        """What is wrong with the spec now, and its nets."""
        nets: dict[str, Net] = {}
        diagnostics: Sequence[Diagnostic]
        try:
            found = find(self.args.spec)
        except NotFound as error:
            diagnostics = (error.diagnostic,)
            self._stamps = {path: _stamp(path) for path in self._stamps}
        else:
            assert found.path is not None
            # The stamps are taken before the files are read: what is saved meanwhile is read again.
            self._stamps = {path: _stamp(path) for path in {found.path.resolve(), *self._stamps}}
            names = None if self.only is None else [self.only]
            checked = check(found.source, found.path, names, settings(self.args))
            diagnostics, nets = checked.diagnostics, checked.nets
            if checked.module is not None:
                self._stamps |= {p: _stamp(p) for p in _files(found.path) if p not in self._stamps}
        return diagnostics, nets

    def page(self, name: str) -> bytes | None:
        """The page of a net; of the first where no name is given. None if there is no such net."""
        from resdsl.render.html import Live, page, problems_page
        from resdsl.render.outline.rows import rows
        from resdsl.render.pictures.broken import broken_page, concerning

        with self.news:
            nets = self.nets | self.broken
            problems = render(self.problems, "full") if self.problems else ""
            live = Live(self.version, tuple(nets), name or next(iter(nets), ""), problems)
            if live.net in self._pages:
                return self._pages[live.net]
            if nets and live.net not in nets:
                return None
            broken = self.broken.get(live.net)
            wrong = concerning(broken, self.problems, self.broken.values()) if broken else ()
            if broken and failing(wrong):
                made = broken_page(broken, wrong, live=live)
            elif live.net in self.nets:
                made = page(rows(self.nets[live.net]), live=live)
            else:
                title = f"{self.args.spec}: {'not right' if problems else 'no net'} yet"
                made = problems_page(title, problems, live=live)
            return self._pages.setdefault(live.net, made.encode())


def _files(path: Path) -> list[Path]:
    """A spec and the files it uses."""
    source = read_source(path)
    if isinstance(source, str):
        return [path.resolve()]
    loader = Loader(Sink(), path.parent)
    loader.load(source, path)
    return list(loader.modules)


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file is saved; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


# ---------------------------------------------------------------- the server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    watched: Watched

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that went away is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def _server(port: int | None) -> _Server:
    """A server on the port, or on the first free one."""
    if port is not None:
        try:
            return _Server((HOST, port), _Handler)
        except OverflowError:
            raise Usage(f"a port is a number from 0 to 65535, not {port}") from None
        except OSError as error:
            raise Usage(
                f"cannot use port {port}: {reason(error)}; without --port a free one is taken"
            ) from None
    for free in range(FIRST_PORT, LAST_PORT + 1):
        try:
            return _Server((HOST, free), _Handler)
        except OSError:
            continue
    return _Server((HOST, 0), _Handler)  # any


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """`/` and `/NET` are pages, `/events` tells of new versions."""
        port = self.server.server_port
        if self.headers["Host"] not in (f"{HOST}:{port}", f"localhost:{port}"):
            # Another site's name may have been pointed here to read what is being written.
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path == "/events":
            self._events()
        elif (made := self.server.watched.page(unquote(self.path.lstrip("/").partition("?")[0]))) is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            self._begin("text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(made)))
            self.end_headers()
            self.wfile.write(made)

    def _events(self) -> None:
        """Server-sent events: the version now, and each new one."""
        self._begin("text/event-stream")
        self.end_headers()
        watched, sent = self.server.watched, ""
        while True:
            with watched.news:
                watched.news.wait_for(lambda: watched.version != sent, SILENCE)  # noqa: B023
                now = watched.version
            self.wfile.write(f"data: {quote(now)}\n\n".encode() if now != sent else b": still here\n\n")
            self.wfile.flush()
            sent = now

    def _begin(self, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal shows diagnostics."""
