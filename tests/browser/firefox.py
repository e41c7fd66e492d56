"""Debian's Firefox without a window, driven over WebDriver BiDi (W3C), which it speaks itself.

Playwright drives only a Firefox of its own, and Debian has no geckodriver.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import aiohttp

__all__ = ["Firefox", "firefox"]

EXECUTABLE: Final = "firefox-esr"

LIMIT: Final = 45.0
"""Seconds for what takes a moment; only a hang takes that long."""

_SAYS: Final = "WebDriver BiDi listening on "

PREFERENCES: Final = """
user_pref("app.normandy.enabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("extensions.systemAddon.update.enabled", false);
user_pref("media.autoplay.default", 0);
user_pref("media.gmp-manager.updateEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "http://127.0.0.1:9/");
user_pref("toolkit.telemetry.server", "http://127.0.0.1:9/");
"""
"""Nothing that it would ask of the internet by itself."""

_Result = TypeVar("_Result")


class Firefox:
    """One tab. All methods wait for what they ask for."""

    def __init__(self, address: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._numbers = itertools.count(1)
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._wait(self._connect(f"{address}/session"))
        self.call("session.new", capabilities={})
        self._tab = self.call("browsingContext.getTree")["contexts"][0]["context"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._wait(self._disconnect())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT)
        self._loop.close()

    def goto(self, url: str) -> None:
        """Opens a page, and waits until it is loaded."""
        self.call("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def evaluate(self, function: str, *arguments: Any) -> Any:
        """What a function of JavaScript gives, or the promise that it gives; JSON both ways."""
        source = f"async (text) => JSON.stringify(await ({function})(...JSON.parse(text)))"
        found = self.call(
            "script.callFunction",
            functionDeclaration=source,
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            awaitPromise=True,
            target={"context": self._tab},
            userActivation=True,
        )
        assert found["type"] == "success", found["exceptionDetails"]["text"]
        return json.loads(found["result"].get("value", "null"))

    def call(self, method: str, **parameters: Any) -> Any:
        """The result of a command. AssertionError when it fails."""
        return self._wait(self._call(method, parameters))

    def _wait(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT)

    async def _connect(self, address: str) -> None:
        self._http = aiohttp.ClientSession()
        self._socket = await self._http.ws_connect(address, max_msg_size=0)

    async def _disconnect(self) -> None:
        assert self._socket is not None
        assert self._http is not None
        await self._socket.close()
        await self._http.close()

    async def _call(self, method: str, parameters: dict[str, Any]) -> Any:
        assert self._socket is not None
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            answer = await self._socket.receive_json(timeout=LIMIT)
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return answer["result"]


@contextmanager
def firefox() -> Iterator[Firefox]:
    """A Firefox with an empty profile, until the end of the block."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "user.js").write_text(PREFERENCES, encoding="utf-8")
        command = [
            EXECUTABLE,
            "--headless",
            "--no-remote",
            "--profile",
            folder,
            "--remote-debugging-port",
            "0",
        ]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        clock = threading.Timer(LIMIT, process.kill)
        clock.start()
        draining: threading.Thread | None = None
        try:
            assert process.stderr is not None
            said = next((line for line in process.stderr if _SAYS in line), "")
            assert said, "Firefox ended before it could be driven"
            clock.cancel()
            draining = threading.Thread(target=process.stderr.read, daemon=True)
            draining.start()
            with Firefox(said.partition(_SAYS)[2].strip()) as browser:
                yield browser
        finally:
            clock.cancel()
            process.kill()
            process.wait(LIMIT)
            if draining is not None:
                draining.join(LIMIT)
            assert process.stderr is not None
            process.stderr.close()
