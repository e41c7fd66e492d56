"""What keeps people from using a page, as far as axe-core finds it."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.watch import unwatched

__all__ = ["barriers"]


def barriers(page: Page) -> list[str]:
    """Each rule that an element of the page breaks, in a line: the rule, what it wants, the element."""
    with unwatched(page):  # It makes elements with styles, which the policy of a page may not allow.
        found = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {violation['help']}: {node['html'][:200]}: {node['failureSummary']}"
        for violation in found
        for node in violation["nodes"]
    ]
