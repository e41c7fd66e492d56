"""The player in Firefox, by the ways in which Debian's can decode what comes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.firefox import Firefox, firefox
from tests.browser.seen import GRAB, seen_of

TRANSPORTS = ("mse", "mjpeg")

PLAYS = """(name) => new Promise((done) => {
    customElements.whenDefined("relaycore-player").then(() => {
        const player = document.querySelector("relaycore-player");
        const told = () => player.transport === name && done(true);
        player.addEventListener("playing", told);
        if (player.getAttribute("transports") !== name) {
            player.setAttribute("transports", name);
            player.play();
        }
        told();
    });
})"""

SHOWN = f"""() => {{
    const player = document.querySelector("relaycore-player");
    const element = player.shadowRoot.querySelector(".stage > :is(video, canvas):not(.coming, .last)");
    return element === null ? null : ({GRAB})(element);
}}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Firefox]:
    with firefox() as browser:
        yield browser


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_right_picture_moves_on(browser: Firefox, site: str, transport: str) -> None:
    browser.goto(f"{site}/cam")
    assert browser.evaluate(PLAYS, transport)
    counters: set[int] = set()
    while len(counters) < 3:
        seen = seen_of(browser.evaluate(SHOWN))
        if seen is not None:
            assert seen.wrong_bars() == []
            counters.add(seen.counter)


def test_it_takes_a_way_that_it_can_by_itself(browser: Firefox, site: str) -> None:
    browser.goto(f"{site}/cam")
    assert (
        browser.evaluate("""async () => {
        await customElements.whenDefined("relaycore-player");
        const player = document.querySelector("relaycore-player");
        if (player.transport === null) await new Promise((done) => player.addEventListener("playing", done));
        return player.transport;
    }""")
        in TRANSPORTS
    )
