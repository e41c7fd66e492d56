"""Users of the command line, and passwords for those who have none."""

from __future__ import annotations

import getpass
import secrets
import sys
from collections.abc import Callable, Sequence

import msgspec

from relaycore.addresses import is_loopback
from relaycore.errors import ConfigurationError
from relaycore.language import Message, _
from relaycore.settings import Config, User

__all__ = ["add_users", "generate_password", "with_users"]

ADMIN = "admin"
"""Name of the user who is made when the network is let in and nobody was named."""

# Without characters that look alike, or that mean something in a URL or a shell.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 4


def generate_password() -> str:
    """A random password of 79 bits that can be read aloud: ``k7wd-x3mq-9tfa-hj2e``."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def add_users(
    config: Config,
    given: Sequence[str],
    ask: Callable[[str], str] | None = None,
    *,
    has_others: bool = False,
) -> tuple[Config, list[User]]:
    """The settings with the users of ``--user NAME[:PASSWORD]``, and those whose password was made here.

    Who has no password is asked for one where there is a terminal, and gets one otherwise. Where the network
    is let in and there is no user, one is made. ``has_others`` says that there are some elsewhere.
    """
    if ask is None and sys.stdin is not None and sys.stdin.isatty():
        ask = getpass.getpass
    users = {user.name: user for user in config.users}
    generated: list[User] = []
    for text in given:
        name, colon, password = text.partition(":")
        if not colon and ask is not None:
            password = ask(_("Password for {name} (empty: make one): ", name=name))
        user = _user(name, password or generate_password())
        users[name] = user
        if not password:
            generated.append(user)
    reachable = config.lan or not is_loopback(config.host)
    if reachable and not users and not has_others and not config.anonymous:
        users[ADMIN] = _user(ADMIN, generate_password())
        generated.append(users[ADMIN])
    return msgspec.structs.replace(config, users=list(users.values())), generated


def with_users(config: Config, added: Sequence[User]) -> Config:
    """The settings with users who are not in the file; they win over those of the same name."""
    users = {user.name: user for user in (*config.users, *added)}
    return msgspec.structs.replace(config, users=list(users.values()))


def _user(name: str, password: str) -> User:
    try:
        return msgspec.convert({"name": name, "password": password}, User)
    except msgspec.ValidationError:
        raise ConfigurationError(
            Message(
                "--user: write NAME or NAME:PASSWORD; a name has 1 to 64 characters without colon, "
                "quote and backslash, a password 1 to 256 characters."
            )
        ) from None
