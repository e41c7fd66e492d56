"""A person who has to say who they are comes back to the picture that they wanted."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from tests.browser.barriers import barriers
from tests.browser.playing import player_in, plays
from tests.browser.seen import wait_for_picture
from tests.support.server import serve

FILE = """
[cameras."house/yard"]
camera = "pattern"
size = "320x240"
[[users]]
name = "anna"
password = "open sesame"
"""


def test_who_logs_in_gets_the_picture_that_they_came_for(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "relaycore.toml"
    file.write_text(FILE)
    with serve(str(file)) as relay:
        site = "http://{}:{}".format(*relay.address)
        page.goto(f"{site}/house/yard")
        assert page.url == f"{site}/login?next=%2Fhouse%2Fyard"
        assert barriers(page) == []
        page.get_by_label("User").fill("anna")
        page.get_by_label("Password").fill("open sesame")
        page.get_by_label("Password").press("Enter")
        page.wait_for_url(f"{site}/house/yard")
        assert wait_for_picture(plays(player_in(page))).wrong_bars() == []
