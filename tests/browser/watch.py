"""What goes wrong in a page without anybody seeing it: errors of scripts, and what its policy kept out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request

__all__ = ["Trouble", "unwatched", "watch"]

HERE = ("127.0.0.1", "localhost", "other.localhost")
"""The only hosts that a page may ask."""


@dataclass
class Trouble:
    """What a page complained of. A test that brings trouble on purpose calls :meth:`expect`."""

    found: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, *parts: str) -> None:
        """Complaints with one of these in them are no fault."""
        self.expected += parts

    def unexpected(self) -> list[str]:
        """What should not have been."""
        return [text for text in self.found if not any(part in text for part in self.expected)]


_UNWATCHED: set[Page] = set()


@contextmanager
def unwatched(page: Page) -> Iterator[None]:
    """What a test itself does to a page meanwhile is no trouble of the page."""
    _UNWATCHED.add(page)
    try:
        yield
    finally:
        _UNWATCHED.remove(page)


def watch(page: Page) -> Trouble:
    """Keeps what a page complains of from now on, and any host that it asks and should not."""
    trouble = Trouble()

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and page not in _UNWATCHED:
            trouble.found.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def on_request(request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("blob", "data") and url.hostname not in HERE:
            trouble.found.append(f"asked {request.url}")

    note: Callable[[object], None] = lambda error: trouble.found.append(f"error: {error}")  # noqa: E731
    page.on("console", on_console)
    page.on("pageerror", note)
    page.on("request", on_request)
    return trouble
