"""A headless Chromium, driven by its DevTools protocol through a pipe: it opens no port and needs no package of Python.

As a program it says by its exit code whether the machine has one.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

# Debian's, which has no windows, or what a machine has already.
PROGRAMS = ("chromium-headless-shell", "chromium", "google-chrome")
_FLAGS = (
    "--headless",
    # Its own sandbox refuses to run as root; it opens only the files that these tests write.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-smooth-scrolling",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)
# How long it may say nothing: only a browser that hangs takes longer.
_SILENCE_SECONDS = 300


def program() -> str | None:
    """The path of the first Chromium that this machine has."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Chromium:
    """A running browser; leave it as a context manager to end it."""

    def __init__(self, program: str, profile: Path) -> None:
        # It reads commands from descriptor 3 and writes to 4, which the shell makes of its own 0 and 1.
        shell = ["sh", "-c", 'exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null', program]
        self._process = subprocess.Popen(
            [*shell, *_FLAGS, f"--user-data-dir={profile}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._commands, self._answers = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._unread = b""
        self._last = 0
        self.events: list[Mapping[str, Any]] = []

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.call("Browser.close")
            self._process.wait(_SILENCE_SECONDS)
        finally:
            self._process.kill()
            self._process.communicate()

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result; events that come before it are kept in ``events``."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        os.write(self._commands, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            said = self._next()
            if said.get("id") != self._last:
                self.events.append(said)
            elif "error" in said:
                raise RuntimeError(f"{method}: {said['error']['message']}")
            else:
                return said["result"]

    def wait(self, method: str, session: str) -> None:
        """Wait for an event, unless it has come already."""
        while not any(event.get("method") == method and event.get("sessionId") == session for event in self.events):
            self.events.append(self._next())

    def page(self) -> "Page":
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        return Page(self, self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"], target)

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + _SILENCE_SECONDS
        while b"\0" not in self._unread:
            readable, _, _ = select.select([self._answers], [], [], deadline - time.monotonic())
            part = os.read(self._answers, 2**20) if readable else b""
            if not part:
                raise RuntimeError("the browser ended, or hangs")
            self._unread += part
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)


class Page:
    """A tab; what it complains of is kept from the moment at which it is opened."""

    def __init__(self, browser: Chromium, session: str, target: str) -> None:
        self._browser, self._session, self._target = browser, session, target
        for domain in ("Page", "Runtime", "Log", "Accessibility"):
            self._call(f"{domain}.enable")

    def open(self, file: Path, width: int = 1280, *, dark: bool = False) -> "Page":
        """Show a file in a window of ``width`` by 900 pixels, in the light or in the dark colours."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self._call("Page.navigate", url=file.as_uri())
        self._browser.wait("Page.loadEventFired", self._session)
        return self

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)

    def evaluate(self, script: str) -> Any:
        """The value of an expression of JavaScript, as JSON. The page's policy does not hold for it."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description"))
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key that writes no letter, such as Tab or ArrowRight."""
        code = {"Tab": 9, "Enter": 13, "ArrowRight": 39, "ArrowDown": 40}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)
        # Scrolling by keys happens with the next picture.
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def names(self) -> Mapping[str, Sequence[str]]:
        """The names that a screen reader says, by the roles of what has them."""
        names: dict[str, list[str]] = {}
        for node in self._call("Accessibility.getFullAXTree")["nodes"]:
            if not node["ignored"]:
                names.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
        return names

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings in the console, exceptions, and dialogs that a script opened."""
        said = []
        for event in self._browser.events:
            if event.get("sessionId") != self._session:
                continue
            match event["method"], event["params"]:
                case "Log.entryAdded", {"entry": entry}:
                    said.append(entry["text"])
                case "Runtime.exceptionThrown", {"exceptionDetails": details}:
                    said.append(details["text"])
                case "Runtime.consoleAPICalled", {"type": "error" | "warning" as kind}:
                    said.append(f"console.{kind}")
                case "Page.javascriptDialogOpening", {"message": message}:
                    said.append(f"dialog: {message}")
        return said

    def picture(self, file: Path) -> None:
        """Write the whole page as a PNG, as wide as the window."""
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 16000), "scale": 1}
        data = self._call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"]
        file.write_bytes(base64.b64decode(data))

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **parameters)


if __name__ == "__main__":
    sys.exit(program() is None)
