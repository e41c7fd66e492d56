"""Functions of the player's modules, called in a browser."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

__all__ = ["call"]


def call(page: Page, module: str, body: str, *arguments: Any) -> Any:
    """What ``body`` gives, the body of a function to which ``m`` is a module and ``a`` are the arguments.

    The page has to be one of the relay.
    """
    return page.evaluate(
        "async ([module, body, a]) => new Function('m', 'a', body)(await import(module), a)",
        [f"/static/player/{module}", body, list(arguments)],
    )
