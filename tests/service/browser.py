"""A headless Chromium driven through its DevTools protocol, over a pipe: no port, no library."""

import base64
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--hide-scrollbars", "--mute-audio", "--remote-debugging-pipe",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
)  # fmt: skip


class Page:
    """One page. ``camera`` is an MJPEG file that its fake camera shows over and over."""

    def __init__(self, folder: Path, camera: Path | None = None):
        to_read, self._to = os.pipe()
        self._back, back_write = os.pipe()
        flags = [*FLAGS, f"--user-data-dir={folder}"]
        if camera is not None:
            flags.append(f"--use-file-for-fake-video-capture={camera}")

        def place_pipes():
            high_in, high_out = os.dup(to_read), os.dup(back_write)
            os.dup2(high_in, 3)
            os.dup2(high_out, 4)

        self._process = subprocess.Popen(
            [CHROMIUM, *flags, "about:blank"],
            preexec_fn=place_pipes,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(back_write)
        self._number, self._rest, self.problems = 0, b"", []
        target = self._ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        attach = {"targetId": target, "flatten": True}
        self._session = self._ask("Target.attachToTarget", attach)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._back)

    def ask(self, method, **parameters):
        return self._ask(method, parameters, self._session)

    def go(self, address):
        self.ask("Page.navigate", url=address)
        self.until("document.readyState === 'complete'")

    def run(self, expression):
        """The value of a JavaScript expression; promises are awaited."""
        answer = self.ask(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression, seconds=20):
        """Wait until a JavaScript expression holds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.run(expression):
                return
            time.sleep(0.05)
        raise AssertionError(
            f"never came true: {expression}; {self.run('document.body.innerText')}"
        )

    def press(self, key, code=0):
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                     windowsVirtualKeyCode=code, **text)  # fmt: skip

    def size(self, width, height, *, dark=False, reduced=False):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=False)  # fmt: skip
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", features=features)

    def picture(self, path, whole=False):
        answer = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(answer["data"]))

    def upload(self, selector, path):
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.ask("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def _ask(self, method, parameters, session=None):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._note(answer)

    def _next(self):
        while b"\0" not in self._rest:
            piece = os.read(self._back, 1 << 20)
            assert piece, "the browser has gone"
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _note(self, event):
        """Keep what a person with the developer tools open would see in red."""
        if event.get("method") == "Runtime.exceptionThrown":
            self.problems.append(event["params"]["exceptionDetails"]["text"])
        if event.get("method") == "Log.entryAdded":
            entry = event["params"]["entry"]
            if entry["level"] == "error":
                self.problems.append(f"{entry['text']} {entry.get('url', '')}")


def write_camera(path, pictures):
    """An MJPEG file for the fake camera: 640x480 RGB pictures as JPEGs in a row."""
    with path.open("wb") as file:
        for rgb in pictures:
            done, jpeg = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]),
                                      [cv2.IMWRITE_JPEG_QUALITY, 96])  # fmt: skip
            assert done
            file.write(jpeg.tobytes())
    return path


def swaying(rgb, count=60):
    """A 640x480 clip of a picture that moves by a few px, as a head does."""
    height, width = rgb.shape[:2]
    zoom = max(656 / width, 496 / height)
    large = cv2.resize(rgb, (round(width * zoom), round(height * zoom)),
                       interpolation=cv2.INTER_CUBIC)  # fmt: skip
    for i in range(count):
        x = (large.shape[1] - 640) // 2 + round(6 * np.sin(2 * np.pi * i / count))
        y = (large.shape[0] - 480) // 2 + round(4 * np.sin(4 * np.pi * i / count))
        yield large[y : y + 480, x : x + 640]
