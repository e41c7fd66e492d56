"""The page where a person logs in. It needs no script; all its texts are here."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final

from aiohttp import web

from relaycore.access.share_links import LONGEST_PURPOSE
from relaycore.language import Message, _, shown
from relaycore.web.player.static import static_files
from relaycore.web.spoken import html_tag, switch

__all__ = ["NO_LOGIN", "NO_PURPOSE", "LoginPage", "answer_with"]

NO_PURPOSE: Final = Message("Say what you want to watch for.")
"""Where a purpose is asked for and none was given."""

NO_LOGIN: Final = Message("A user and a password are needed.")
"""Where a form is not filled in."""

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    # With "no-referrer" browsers send the form with `Origin: null`, which is that of another site.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPage:
    """What stands on the page.

    ``next`` is where to go afterwards, ``wrong`` what went wrong, ``user`` what was typed as the name or,
    with ``is_in``, who is logged in. ``takes_password`` says that the form may send a password; otherwise the
    browser asks for it and sends a proof of it (Digest).
    """

    next: str = "/"
    wrong: str | None = None
    user: str = ""
    is_in: bool = False
    takes_password: bool = True
    asks_purpose: bool = False


def answer_with(page: LoginPage, status: int = 200) -> web.Response:
    """The page as an answer."""
    return web.Response(status=status, text=_text(page), content_type="text/html", headers=_HEADERS)


def _text(page: LoginPage) -> str:
    files = static_files()
    return _PAGE.format(
        html=html_tag(),
        title=escape(_("Log in")),
        icon=files.address("icon.svg"),
        style=files.address("login/login.css"),
        alert="" if page.wrong is None else f'<p role="alert">{escape(shown(page.wrong))}</p>\n',
        body=_logged_in(page) if page.is_in else _form(page),
        language=escape(_("Language")),
        languages=switch(),
    )


def _form(page: LoginPage) -> str:
    fields = [f'<input type="hidden" name="next" value="{escape(page.next)}">']
    if page.takes_password:
        fields += [
            _field("user", _("User"), "text", "username", page.user, 'maxlength="64" autocapitalize="none"'),
            _field("password", _("Password"), "password", "current-password", "", 'maxlength="256"'),
        ]
    else:
        fields.append(f"<p>{escape(_('The browser asks for user and password next.'))}</p>")
    if page.asks_purpose:
        label = _("What for (this is put on record)")
        fields.append(_field("purpose", label, "text", "off", "", f'maxlength="{LONGEST_PURPOSE}"'))
    action = 'method="post" action="/login"' if page.takes_password else 'method="get" action="/login/digest"'
    button = f'<button type="submit">{escape(_("Log in"))}</button>'
    return "\n".join([f"<form {action}>", *fields, button, "</form>"])


def _field(name: str, label: str, kind: str, fills: str, value: str, more: str) -> str:
    return (
        f'<label for="{name}">{escape(label)}</label>\n'
        f'<input id="{name}" name="{name}" type="{kind}" autocomplete="{fills}" value="{escape(value)}" '
        f"required {more}>"
    )


def _logged_in(page: LoginPage) -> str:
    said = _("You are logged in as {user}.", user=page.user)
    return "\n".join(
        [
            f"<p>{escape(said)}</p>",
            f'<p><a href="{escape(page.next)}">{escape(_("Go on"))}</a></p>',
            '<form method="post" action="/logout">',
            f'<button type="submit">{escape(_("Log out"))}</button>',
            "</form>",
        ]
    )


_PAGE: Final = """<!doctype html>
{html}
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="{style}">
</head>
<body>
<main>
<h1>{title}</h1>
{alert}{body}
</main>
<footer><nav aria-label="{language}">{languages}</nav></footer>
</body>
</html>
"""
