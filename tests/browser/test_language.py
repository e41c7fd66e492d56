"""What a page shows comes from the catalogues: in the pseudo-language nothing is left in plain English."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from relaycore.language.pseudo import OPEN
from tests.browser.seen import wait_for_picture
from tests.browser.watch import Trouble

WORDS = """() => {
  const found = [];
  const walk = (root) => {
    for (const part of root.querySelectorAll("*")) {
      if (part.shadowRoot) walk(part.shadowRoot);
      if (["SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE"].includes(part.tagName)) continue;
      // Names of languages are in those languages, code and what a person named in none.
      if (part.closest("code, bdi, [hreflang], option[lang]")) continue;
      for (const name of ["title", "aria-label", "placeholder", "alt"]) {
        if (part.getAttribute(name)) found.push(part.getAttribute(name));
      }
      for (const child of part.childNodes) {
        if (child.nodeType === Node.TEXT_NODE && child.data.trim()) found.push(child.data.trim());
      }
    }
  };
  walk(document.body);
  return found;
}"""

NAMES = frozenset({"cam", "elsewhere", "relaycore", "WebRTC", "opus", "pcm", "Mbit", "kbit", "fps"})
"""Names and units, and the path."""


def plain(page: Page) -> list[str]:
    """Texts of a page with a word that is not pseudo."""
    texts: list[str] = page.evaluate(WORDS)
    assert texts
    left = []
    for text in texts:
        outside = re.sub(r"https?://\S+|rtsps?://\S+|[\w.-]+:\d+|\bx264\b|\d+x\d+", " ", text)
        words = [w for w in re.findall(r"[A-Za-z]{3,}", outside) if w not in NAMES and not w.isupper()]
        if words:
            left.append(text)
    return left


@pytest.mark.parametrize("size", [{"width": 1200, "height": 900}, {"width": 390, "height": 800}])
def test_the_player_is_in_one_language(page: Page, site: str, size: dict[str, int]) -> None:
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    page.goto(f"{site}/cam?language=en-XA")
    wait_for_picture(page.locator("relaycore-player video").first)
    assert plain(page) == []


def test_the_console_is_in_one_language(page: Page, site: str) -> None:
    page.goto(f"{site}/?language=en-XA")
    expect(page.locator("article[data-path=cam]")).to_contain_text(OPEN)
    assert plain(page) == []


@pytest.mark.parametrize("address", ["/phone/publish", "/login", "/elsewhere"])
def test_other_pages_are_in_one_language(page: Page, site: str, trouble: Trouble, address: str) -> None:
    trouble.expect("the server responded with a status of 404")
    page.goto(f"{site}{address}?language=en-XA")
    expect(page.locator("html")).to_have_attribute("lang", "en-XA")
    page.wait_for_load_state("networkidle")
    assert plain(page) == []


def test_the_player_follows_the_language_of_the_page(page: Page, site: str) -> None:
    page.goto(f"{site}/cam?language=ar")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    wait_for_picture(page.locator("relaycore-player video").first)
    assert any("إيقاف" in text for text in page.evaluate(WORDS))
    page.goto(f"{site}/cam")
    expect(page.locator("html")).to_have_attribute("lang", "ar")
