"""The settings of a path in the body of a request, checked as those in a configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from relaycore.control.checking import Mistakes, check_table
from relaycore.control.checking_together import check_together, over_defaults
from relaycore.language import Message
from relaycore.settings import PathSettings, masked
from relaycore.web.answers import Refused
from relaycore.web.api.asked import refused_settings

if TYPE_CHECKING:
    from relaycore.relay import Relay

__all__ = ["checked_settings", "shown_settings"]

_HOOKS = ("on_ready", "on_not_ready", "on_reader_start", "on_reader_end")


def checked_settings(relay: Relay, path: str, body: Any) -> PathSettings:
    """The settings that a body asks for at a path; what it leaves out is as in ``path_defaults``.

    Refused with every mistake. Hooks are refused whatever they are: who knows a password of the relay is not
    to run programs on its machine, or to make it send requests, which needs the rights to its file.
    """
    mistakes: Mistakes = []
    where = ("paths", path)
    settings = check_table(PathSettings, body, where, mistakes)
    if isinstance(body, Mapping):
        check_together(_document(relay, path, body), mistakes)
        for name in _HOOKS:
            if name in body:
                raise Refused(
                    403,
                    Message(
                        "Hooks are set in the configuration file only: write {name} into "
                        "[paths.{path}] there.",
                        name=name,
                        path=path,
                    ),
                )
    texts = [mistake.inside(2) for mistake in mistakes if mistake.path[:2] == where]
    if settings is None or texts:
        raise refused_settings(path, texts)
    return over_defaults(relay.config.path_defaults, settings, body)


def shown_settings(settings: PathSettings) -> PathSettings:
    """The settings without passwords and tokens in URLs."""
    masked_all = _masked(msgspec.to_builtins(settings))
    return msgspec.convert(masked_all, PathSettings)


def _document(relay: Relay, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """What a configuration file would say, if it had this path and all that there is."""
    host, port = relay.address
    paths = {name: _given(settings) for name, settings in relay.paths.items()}
    return {
        "host": host,
        "port": port,
        "cameras": {name: {} for name in relay.config.cameras},
        "paths": {**paths, path: dict(body)},
        "users": [{"name": name} for name in relay.users],
    }


def _given(settings: PathSettings) -> dict[str, Any]:
    """The settings that differ from their defaults, as plain data."""
    plain, values = msgspec.to_builtins(PathSettings()), msgspec.to_builtins(settings)
    return {name: value for name, value in values.items() if value != plain[name]}


def _masked(value: Any) -> Any:
    match value:
        case str():
            return masked(value)
        case list():
            return [_masked(item) for item in value]
        case dict():
            return {key: _masked(item) for key, item in value.items()}
    return value
