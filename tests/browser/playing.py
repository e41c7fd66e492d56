"""The player in a page, as tests find it."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Locator, Page

__all__ = [
    "ELEMENTS",
    "LIMIT_MS",
    "NOTE_NEXT",
    "NOTE_PLAYING",
    "media_of",
    "only",
    "player_in",
    "plays",
    "plays_by",
]

LIMIT_MS: Final = 20_000
"""Time for what takes a moment; only a hang takes that long."""

ELEMENTS: Final = {"webrtc": "video", "mse": "video", "hls": "video", "mjpeg": "canvas"}
"""What shows the picture, by transport."""

NOTE_PLAYING: Final = """(player) => {
    player.again = new Promise((done) => {
        player.addEventListener("playing", ({ detail }) => done(detail.transport), { once: true });
    });
}"""
"""Remembers, for ``NOTE_NEXT``, by what it plays the next time that it begins to."""

NOTE_NEXT: Final = "(player) => player.again"


def player_in(page: Page) -> Locator:
    """The only player of a page."""
    return page.locator("relaycore-player")


def media_of(player: Locator, transport: str) -> Locator:
    """The element that shows the picture of a transport, once that plays."""
    return player.locator(f".stage > {ELEMENTS[transport]}:not(.coming, .last)")


def plays_by(player: Locator, transport: str) -> Locator:
    """The element with the picture, once this transport plays."""
    player.page.wait_for_function(
        "([player, name]) => player.transport === name",
        arg=[player.element_handle(), transport],
        timeout=LIMIT_MS,
    )
    return media_of(player, transport)


def plays(player: Locator) -> Locator:
    """The element with the picture, once any transport plays."""
    name = player.page.wait_for_function(
        "(player) => player.transport", arg=player.element_handle(), timeout=LIMIT_MS
    )
    return media_of(player, name.json_value())


def only(page: Page, *transports: str) -> None:
    """Lets the players of pages to come use these transports only."""
    names = " ".join(transports)
    page.add_init_script(f"""
        new MutationObserver(() => {{
            for (const player of document.querySelectorAll("relaycore-player:not([transports])")) {{
                player.setAttribute("transports", "{names}");
            }}
        }}).observe(document, {{ childList: true, subtree: true }});
    """)
