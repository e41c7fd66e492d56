"""From the moment a picture shows to the moment a browser shows it, and how long the first one takes."""

from __future__ import annotations

from statistics import median
from typing import Any, Final

import numpy as np
from playwright.sync_api import Browser, sync_playwright

from benchmarks.result import Figure, Options, Result
from benchmarks.server import PATTERN_720P30, serve
from benchmarks.web.eyes import FIRST_PICTURE, WATCH
from tests.browser.chromium import EXECUTABLE, FLAGS

AIMS_MS: Final = {"webrtc": 150.0, "mse": 400.0, "hls": None, "mjpeg": None}
"""Medians of the age of a picture."""

LABELS: Final = {"webrtc": "WebRTC", "mse": "MSE", "hls": "HLS", "mjpeg": "Motion JPEG"}

FIRST_PICTURE_MS: Final = 500.0

PICTURES: Final = 300
"""Ten seconds."""

WARM_UP: Final = 60
"""The first pictures come while the player still gets to the live edge."""

STARTS: Final = 5
"""How often a page is opened, each time in an empty profile."""


def run(_options: Options) -> Result:
    """Opens the page of the camera once for each transport that the relay has."""
    figures: list[Figure] = []
    runs: list[dict[str, Any]] = []
    with serve(*PATTERN_720P30) as server, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=EXECUTABLE, args=FLAGS)
        site = f"http://{server.address}"
        for name in _offered(browser, site):
            figures += _measure(browser, site, name, runs)
        version = browser.version
        browser.close()
    return Result(
        title="Glass to glass in a browser",
        method=(
            "The page of the test pattern at 720p30 in headless Chromium, which decodes and draws without a "
            f"graphics card, on the processors of the server. The age of each of {PICTURES} pictures is "
            "from the time in its strip, when it was due to be taken, until the browser tells the page "
            "that it shows it (requestVideoFrameCallback) and the strip is read back out of it, both by the "
            "same wallclock. The time to the first picture is from the beginning of the navigation, the page "
            f"and its scripts included, the median of {STARTS} starts with empty profiles."
        ),
        figures=figures,
        versions={"chromium": version},
        runs=runs,
    )


def _offered(browser: Browser, site: str) -> list[str]:
    page = browser.new_page()
    found = page.request.get(f"{site}/api/v1/paths/cam/player").json()["transports"]
    page.close()
    return [name for name in AIMS_MS if name in found]


def _measure(browser: Browser, site: str, name: str, runs: list[dict[str, Any]]) -> list[Figure]:
    firsts = []
    ages: list[float] = []
    counters: list[int] = []
    for start in range(STARTS):
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        page.add_init_script(_only(name))
        page.goto(f"{site}/cam", wait_until="commit")
        firsts.append(float(page.evaluate(FIRST_PICTURE)))
        if start == STARTS - 1:
            player = page.locator("relaycore-player").element_handle()
            seen = page.evaluate(WATCH, [player, PICTURES, WARM_UP])
            counters = [counter for counter, _ in seen]
            ages = [age for _, age in seen]
        context.close()
    middle, p95 = np.percentile(ages, [50, 95])
    label = LABELS[name]
    runs.append({"transport": name, "first_picture_ms": [round(first, 1) for first in firsts]})
    return [
        Figure(f"{label}: age of a picture, median", float(middle), "ms", below=AIMS_MS[name]),
        Figure(f"{label}: 95th percentile of it", float(p95), "ms"),
        Figure(f"{label}: pictures not seen", counters[-1] - counters[0] + 1 - len(set(counters)), ""),
        Figure(f"{label}: first picture, median", median(firsts), "ms", below=FIRST_PICTURE_MS),
    ]


def _only(name: str) -> str:
    """A script that lets the player of a page use one transport only."""
    return f"""new MutationObserver(() => {{
        for (const player of document.querySelectorAll("relaycore-player:not([transports])")) {{
            player.setAttribute("transports", "{name}");
        }}
    }}).observe(document, {{ childList: true, subtree: true }});"""
