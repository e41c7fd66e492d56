"""Screenshots of the pages, to be looked at: ``make screenshots``.

Each scene in three languages, of which one is written from right to left, light and dark, wide and narrow.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chromium import EXECUTABLE, FLAGS, FLAGS_OF_FAKE_CAMERA
from tests.browser.whip import WHIP
from tests.support.server import Server, serve

__all__ = ["LANGUAGES", "SCENES", "main", "take"]

FOLDER: Final = Path(".cache/screenshots")

LANGUAGES: Final = ("en", "ar", "zh-Hans")

SIZES: Final = {"wide": (1280, 800), "narrow": (390, 780)}

Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")

LIMIT_MS: Final = 20_000

CONFIGURATION: Final = """
port = 0
[cameras.cam]
camera = "pattern"
size = "640x360"
[cameras."house/yard"]
camera = "pattern"
size = "640x360"
[paths."house/yard"]
purpose = "Safety of the crane and of those who work under it"
[paths."house/yard".protocol]
responsible = "Crane Ltd, Harbour Road 1"
contact = "privacy@crane.example"
notice = true
"""


def _playing(page: Page, site: str) -> None:
    page.goto(f"{site}/cam")
    player = page.locator("relaycore-player")
    page.wait_for_function(
        "(player) => player.transport !== null", arg=player.element_handle(), timeout=LIMIT_MS
    )
    page.keyboard.press("Tab")
    player.locator("button").first.focus()
    page.keyboard.press("i")
    expect(player.locator("dl.figures dd")).not_to_have_count(0, timeout=LIMIT_MS)
    # The second time there is something to compare with.
    page.wait_for_timeout(1200)


def _notice(page: Page, site: str) -> None:
    page.goto(f"{site}/house/yard")
    expect(page.locator("relaycore-player .notice")).to_be_visible(timeout=LIMIT_MS)


def _waiting(page: Page, site: str) -> None:
    page.goto(f"{site}/nobody")
    status = page.get_by_role("status")
    expect(status).to_contain_text("nobody", timeout=LIMIT_MS)
    page.wait_for_timeout(1500)


def _console(page: Page, site: str) -> None:
    page.goto(f"{site}/")
    expect(page.locator(".picture img:not([hidden])").first).to_be_visible(timeout=LIMIT_MS)
    # Charts need a few figures.
    page.wait_for_timeout(7000)


def _publish(page: Page, site: str) -> None:
    page.add_init_script(WHIP)
    page.goto(f"{site}/phone/publish")
    page.locator("button.start").click()
    expect(page.locator("main[data-state=live] .figures")).to_contain_text(":", timeout=LIMIT_MS)


SCENES: Final[Mapping[str, Callable[[Page, str], None]]] = {
    "player": _playing,
    "notice": _notice,
    "waiting": _waiting,
    "console": _console,
    "publish": _publish,
}
"""What is shown, each by what brings a page there."""


def main() -> int:
    """Takes all screenshots, and says where they are."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--scene", action="append", choices=list(SCENES), help="only this one")
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    with _relay() as relay, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=EXECUTABLE, args=[*FLAGS, *FLAGS_OF_FAKE_CAMERA])
        host, port = relay.address
        for scene, language, scheme, size in product(wanted.scene or SCENES, LANGUAGES, SCHEMES, SIZES):
            file = wanted.folder / f"{scene}.{language}.{scheme}.{size}.png"
            take(browser, f"http://{host}:{port}", scene, language, scheme, size, file)
            sys.stdout.write(f"{file}\n")
        browser.close()
    return 0


def take(
    browser: Browser, site: str, scene: str, language: str, scheme: Scheme, size: str, file: Path
) -> None:
    """Takes one screenshot."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        locale=language,
        color_scheme=scheme,
        device_scale_factor=1,
        has_touch=size == "narrow",
    )
    try:
        page = context.new_page()
        SCENES[scene](page, site)
        page.screenshot(path=file)
    finally:
        context.close()


@contextmanager
def _relay() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "relaycore.toml"
        file.write_text(CONFIGURATION, encoding="utf-8")
        with serve(str(file), streams=2) as server:
            yield server


if __name__ == "__main__":
    sys.exit(main())
