"""Chromium without a driver: it is told what to do through a pipe, by the DevTools protocol."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from select import select
from time import monotonic
from typing import Any

CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome", "chrome")
        if (found := shutil.which(name))
    ),
    None,
)
PATIENCE = 60.0

KEYS = {
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    "Tab": (9, ""),
    " ": (32, " "),
    "ArrowUp": (38, ""),
    "ArrowDown": (40, ""),
    "ArrowLeft": (37, ""),
    "ArrowRight": (39, ""),
    "Home": (36, ""),
    "End": (35, ""),
}


class Browser:
    """One headless Chromium with one page.

    Attributes:
        errors: what the page threw or wrote to the console as an error.
        requests: addresses it asked for, but for those of files and `data:`.
    """

    def __init__(self, width: int = 1280, height: int = 800) -> None:
        assert CHROMIUM
        self.folder = tempfile.TemporaryDirectory(prefix="chromium", ignore_cleanup_errors=True)
        commands, mine = os.pipe()
        theirs, replies = os.pipe()
        # Chromium reads commands from 3 and replies on 4; move ours out of the way first.
        commands, replies = (fcntl.fcntl(f, fcntl.F_DUPFD, 20) for f in (commands, replies))

        def places() -> None:
            os.dup2(commands, 3)
            os.dup2(replies, 4)

        self.process = subprocess.Popen(
            [
                CHROMIUM,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--no-first-run",
                "--force-color-profile=srgb",
                "--remote-debugging-pipe",
                f"--user-data-dir={self.folder.name}",
                f"--window-size={width},{height}",
                "about:blank",
            ],
            preexec_fn=places,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(replies)
        self.write, self.read = mine, theirs
        self.buffer = b""
        self.number = 0
        self.loaded: list[str] = []
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.session: str | None = None
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(t["targetId"] for t in targets if t["type"] == "page")
        self.session = self.send("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.send("Page.setLifecycleEventsEnabled", enabled=True)
        self.resize(width, height)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its result."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            reply = self._next()
            if reply.get("id") == self.number:
                if "error" in reply:
                    raise RuntimeError(f"{method}: {reply['error']['message']}")
                result: dict[str, Any] = reply["result"]
                return result

    def _next(self, patience: float = PATIENCE) -> dict[str, Any]:
        end = monotonic() + patience
        while b"\0" not in self.buffer:
            if not select([self.read], [], [], max(0.0, end - monotonic()))[0]:
                raise TimeoutError("Chromium does not answer")
            more = os.read(self.read, 1 << 20)
            if not more:
                raise RuntimeError("Chromium ended")
            self.buffer += more
        text, _, self.buffer = self.buffer.partition(b"\0")
        reply: dict[str, Any] = json.loads(text)
        self._note(reply)
        return reply

    def _note(self, reply: dict[str, Any]) -> None:
        method, given = reply.get("method"), reply.get("params", {})
        if method == "Page.lifecycleEvent" and given["name"] == "load":
            self.loaded.append(given["loaderId"])
        elif method == "Runtime.exceptionThrown":
            details = given["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and given["entry"]["level"] == "error":
            self.errors.append(given["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and given["type"] == "error":
            self.errors.append(str([a.get("value") for a in given["args"]]))
        elif method == "Network.requestWillBeSent":
            address = given["request"]["url"]
            if not address.startswith(("file:", "data:")):
                self.requests.append(address)

    def open(self, address: str | Path) -> None:
        """Load a page and wait until it is there."""
        if isinstance(address, Path):
            address = address.resolve().as_uri()
        self.send("Page.navigate", url="about:blank")
        for notes in (self.loaded, self.errors, self.requests):
            notes.clear()
        loader = self.send("Page.navigate", url=address)["loaderId"]
        while loader not in self.loaded:
            self._next()

    def run(self, expression: str) -> Any:
        """The value of JavaScript."""
        made = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in made:
            raise RuntimeError(made["exceptionDetails"].get("exception", {}).get("description"))
        return made["result"].get("value")

    def wait(self, expression: str) -> None:
        """Until JavaScript is true."""
        end = monotonic() + PATIENCE
        while not self.run(f"Boolean({expression})"):
            if monotonic() > end:
                raise TimeoutError(expression)

    def resize(self, width: int, height: int, scale: float = 1) -> None:
        """The size of the window."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )

    def media(self, medium: str = "", **features: str) -> None:
        """`media("print")`, `media(prefers_color_scheme="dark")`."""
        named = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self.send("Emulation.setEmulatedMedia", media=medium, features=named)

    def key(self, key: str, modifiers: int = 0) -> None:
        """Press a key; 8 is shift, 2 is control."""
        code, text = KEYS.get(key, (ord(key[0].upper()), key))
        common = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **common)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        """Write into what has the focus."""
        self.send("Input.insertText", text=text)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """`mouse("mouseMoved", 10, 20)`."""
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x: float, y: float, count: int = 1) -> None:
        """Click a place, or double-click it."""
        self.mouse("mouseMoved", x, y)
        for number in range(1, count + 1):
            for kind in ("mousePressed", "mouseReleased"):
                self.mouse(kind, x, y, button="left", clickCount=number)

    def middle(self, selector: str) -> tuple[float, float]:
        """The middle of an element."""
        x, y = self.run(
            f"(() => {{ const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        return x, y

    def screenshot(self, path: Path) -> None:
        """The window as PNG."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def pdf(self) -> bytes:
        """The page on A4."""
        made = self.send(
            "Page.printToPDF",
            printBackground=True,
            preferCSSPageSize=True,
            paperWidth=8.27,
            paperHeight=11.69,
        )
        return base64.b64decode(made["data"])

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.write)
        os.close(self.read)
        self.folder.cleanup()
