"""Turns the options of ``relaycore bench`` into what is asked for, and finds every mistake in them."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeVar

import msgspec

from relaycore.bench.profiles import PROFILES
from relaycore.bench.wishes import Wishes
from relaycore.control.checking import Mistakes, check_value, did_you_mean
from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings import UserPassword

__all__ = ["PASSWORD_VARIABLE", "password_for", "profile_from_options", "settings_from_options"]

PASSWORD_VARIABLE: Final = "RELAYCORE_BENCH_PASSWORD"  # noqa: S105
"""Environment variable of the password of ``--user``."""

_Settings = TypeVar("_Settings", bound=msgspec.Struct)


def settings_from_options(
    kind: type[_Settings], arguments: argparse.Namespace, leave_out: Collection[str] = ()
) -> _Settings:
    """A ``kind`` with the values of the options of the same names. ConfigurationError with all mistakes."""
    mistakes: Mistakes = []
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        given = getattr(arguments, field.name, None)
        if given is not None and field.name not in leave_out:
            option = field.name if field.name == "url" else f"--{field.name.replace('_', '-')}"
            values[field.name] = check_value(field.type, given, (option,), mistakes, strict=False)
    if mistakes:
        raise ConfigurationError(*(f"{mistake.path[0]}: {mistake.of_option()}" for mistake in mistakes))
    return kind(**values)


def profile_from_options(arguments: argparse.Namespace) -> str:
    """The name of the profile. ConfigurationError when there is none of that name."""
    name: str = arguments.profile
    if name not in PROFILES:
        raise ConfigurationError(
            Message("There is no profile {name}; {hint}", name=repr(name), hint=did_you_mean(name, PROFILES))
        )
    return name


def password_for(
    wishes: Wishes, environment: Mapping[str, str], ask: Callable[[str], str] | None = None
) -> str | None:
    """The password of the user: from the environment, or typed at a terminal; ``None`` without a user.

    ConfigurationError when there is none, or it is too long.
    """
    if wishes.user is None:
        return None
    password = environment.get(PASSWORD_VARIABLE)
    if password is None and ask is None and sys.stdin is not None and sys.stdin.isatty():
        ask = getpass.getpass
    if password is None and ask is not None:
        password = ask(f"Password for {wishes.user}: ")
    if password is None:
        raise ConfigurationError(
            Message(
                "The password for {user} is missing: put it into {password_variable}, or start the "
                "load test at a terminal, where it is asked for.",
                user=wishes.user,
                password_variable=PASSWORD_VARIABLE,
            )
        )
    try:
        return msgspec.convert(password, UserPassword)
    except msgspec.ValidationError:
        raise ConfigurationError(Message("A password has 1 to 256 characters on one line.")) from None
