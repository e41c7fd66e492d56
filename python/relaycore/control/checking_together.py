"""Finds the mistakes that single settings do not have: those of one beside another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from relaycore._relaycore import limits as known_limits
from relaycore.access.roles import NAMED_ACTIONS
from relaycore.control.checking import Mistake, Mistakes, check_table, did_you_mean
from relaycore.control.loops import check_loops
from relaycore.control.toml_lines import KeyPath
from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings import AccessRule, CameraSettings, MulticastSettings, PathSettings, normal_path
from relaycore.settings.ice import IceServer, ice_objection
from relaycore.settings.masks import mask_objection
from relaycore.settings.multicast import GROUP_PORTS

__all__ = ["check_together", "over_defaults"]

_OF_ONE_PATH = ("source", "forward", "multicast")
"""Settings of a path that make no sense for all paths."""

_OF_A_SOURCE = ("source_on_demand", "on_demand_close_after", "source_transport", "loop")
"""Settings of a path that mean nothing without ``source``."""

_OF_TRANSCODING = ("encoder", "bitrate", "gop_seconds")
"""Settings of a path that mean nothing without ``transcode``."""


def check_together(document: Mapping[str, Any], mistakes: Mistakes) -> None:
    """Adds what is wrong in a whole document, also in one that has mistakes of other kinds."""
    cameras = _check_keys("cameras", document.get("cameras"), mistakes)
    for key in cameras.values():
        _check_masks(key, document["cameras"][key], mistakes)
    paths = _check_keys("paths", document.get("paths"), mistakes)
    defaults = _readable(document.get("path_defaults", {})) or PathSettings()
    tables = {
        path: (key, over_defaults(defaults, settings, document["paths"][key]))
        for path, key in paths.items()
        if (settings := _readable(document["paths"][key])) is not None
    }
    _check_defaults(document.get("path_defaults"), mistakes)
    for path, (key, settings) in tables.items():
        _check_path(path, ("paths", key), settings, document["paths"][key], mistakes)
        if settings.source is not None and path in cameras:
            text = Message(
                "[cameras.{cameras}] is at this path already; choose another path, or remove one.",
                cameras=cameras[path],
            )
            mistakes.append(Mistake(("paths", key, "source"), text))
    _check_renditions(tables, cameras, mistakes)
    _check_groups(tables, mistakes)
    check_loops(tables, document, mistakes)
    _check_users(document.get("users"), mistakes)
    _check_rules(document.get("access"), mistakes)
    _check_tokens(document.get("access"), mistakes)
    _check_names(document, mistakes)
    _check_limits(document.get("limits"), mistakes)
    _check_tls(document.get("tls"), mistakes)
    _check_mail(document.get("alerts"), mistakes)
    _check_ice(document.get("ice_servers"), mistakes)
    if document.get("lan") is True and "host" in document:
        mistakes.append(
            Mistake(("host",), Message("lan = true listens on all addresses already; remove one of the two."))
        )


def _check_masks(key: str, table: object, mistakes: Mistakes) -> None:
    """Masks that are no part of the picture, and those that could not be drawn."""
    settings = check_table(CameraSettings, table, (), [])
    if settings is None:
        return
    for index, mask in enumerate(settings.masks):
        if (objection := mask_objection(mask)) is not None:
            mistakes.append(Mistake(("cameras", key, "masks", index), objection))
    if settings.masks and settings.encoder == "copy":
        text = Message(
            'with "copy", what the camera has encoded itself is sent on, and no mask can be '
            "drawn on it; choose another encoder, or remove the masks."
        )
        mistakes.append(Mistake(("cameras", key, "encoder"), text))


def _check_tls(table: object, mistakes: Mistakes) -> None:
    if isinstance(table, Mapping) and "key" in table and "certificate" not in table:
        text = Message("a key is of no use without its certificate; name that as well, or remove it.")
        mistakes.append(Mistake(("tls", "key"), text))


def _check_ice(tables: object, mistakes: Mistakes) -> None:
    """TURN servers that would let nobody in, and STUN servers that are given a password."""
    for index, table in enumerate(tables if isinstance(tables, list) else ()):
        server = check_table(IceServer, table, (), [])
        if server is not None and (objection := ice_objection(server)) is not None:
            mistakes.append(Mistake(("ice_servers", index), objection))


def _check_mail(alerts: object, mistakes: Mistakes) -> None:
    """A user who can log in nowhere."""
    table = alerts.get("mail") if isinstance(alerts, Mapping) else None
    if not isinstance(table, Mapping) or not table.get("user"):
        return
    if not (table.get("password_file") or table.get("password_variable")):
        text = Message("its password is missing; name it with password_file or password_variable.")
        mistakes.append(Mistake(("alerts", "mail", "user"), text))
    if table.get("security") == "none":
        text = Message(
            "a password is not sent without encryption; remove the user, or encrypt the connection."
        )
        mistakes.append(Mistake(("alerts", "mail", "user"), text))


def over_defaults(defaults: PathSettings, settings: PathSettings, given: Iterable[str]) -> PathSettings:
    """The settings of a path: those that are ``given``, and the others as in ``defaults``."""
    return msgspec.structs.replace(defaults, **{name: getattr(settings, name) for name in given})


def _readable(table: object) -> PathSettings | None:
    """The settings in a table; ``None`` where it has mistakes, which are told elsewhere."""
    return check_table(PathSettings, table, (), [])


def _check_keys(name: str, tables: object, mistakes: Mistakes) -> dict[str, str]:
    """The keys of tables that are called by a path, by the path that each means."""
    seen: dict[str, str] = {}
    for key in tables if isinstance(tables, Mapping) else ():
        try:
            path = normal_path(key)
        except ConfigurationError:
            text = Message(
                "it is not a path; use letters, digits, '-', '_' and '.', like [{name}.front].", name=name
            )
            mistakes.append(Mistake((name, key), text))
            continue
        if path in seen:
            text = Message("it is the same path as {seen}; choose another one.", seen=repr(seen[path]))
            mistakes.append(Mistake((name, key), text))
        seen.setdefault(path, key)
    return seen


def _check_defaults(table: object, mistakes: Mistakes) -> None:
    for name in _OF_ONE_PATH:
        if isinstance(table, Mapping) and name in table:
            text = Message(
                "all paths would have the same; write it into the table of one path, like [paths.front]."
            )
            mistakes.append(Mistake(("path_defaults", name), text))


def _check_path(
    path: str,
    where: tuple[str, str],
    settings: PathSettings,
    table: Mapping[str, Any],
    mistakes: Mistakes,
) -> None:
    """What is set and has no effect."""
    for needed, there, names in (
        ("source", settings.source is not None, _OF_A_SOURCE),
        ("transcode", settings.transcode != "none", _OF_TRANSCODING),
    ):
        for name in names if not there else ():
            if name in table:
                text = Message(
                    "it does nothing without {needed}; set {needed} for {path}, or remove this.",
                    needed=needed,
                    path=path,
                )
                mistakes.append(Mistake((*where, name), text))


def _check_renditions(
    tables: Mapping[str, tuple[str, PathSettings]], cameras: Mapping[str, str], mistakes: Mistakes
) -> None:
    """A path at which ``transcode`` of another path puts its stream."""
    for path, (_, settings) in tables.items():
        if settings.transcode != "none":
            rendition = f"{path}/h264"
            for name, taken in (("cameras", cameras.get(rendition)), ("paths", _key(tables, rendition))):
                if taken is not None:
                    text = Message(
                        "transcode of {path} serves its stream at this path; choose another path.", path=path
                    )
                    mistakes.append(Mistake((name, taken), text))


def _key(tables: Mapping[str, tuple[str, PathSettings]], path: str) -> str | None:
    return tables[path][0] if path in tables else None


def _check_groups(tables: Mapping[str, tuple[str, PathSettings]], mistakes: Mistakes) -> None:
    """Multicast of two paths that gets mixed up."""
    seen: list[tuple[str, MulticastSettings]] = []
    for path, (key, settings) in tables.items():
        if (multicast := settings.multicast) is None:
            continue
        for other, taken in seen:
            if taken.group == multicast.group and abs(taken.port - multicast.port) < GROUP_PORTS:
                text = Message(
                    "{other} sends to this group, too; choose another group, or a port that is "
                    "at least {group_ports} away from {port}.",
                    other=other,
                    group_ports=GROUP_PORTS,
                    port=taken.port,
                )
                mistakes.append(Mistake(("paths", key, "multicast", "group"), text))
        seen.append((path, multicast))


def _check_users(users: object, mistakes: Mistakes) -> None:
    names: Counter[str] = Counter()
    for index, name in _user_names(users):
        names[name] += 1
        if names[name] == 2:
            text = Message('"{name}" is there twice; each user needs another name.', name=name)
            mistakes.append(Mistake(("users", index, "name"), text))


def _check_rules(access: object, mistakes: Mistakes) -> None:
    """Rules that are about nothing, or that let anyone do what takes a user."""
    rules = access.get("rules") if isinstance(access, Mapping) else None
    for index, table in enumerate(rules if isinstance(rules, list) else ()):
        if (rule := check_table(AccessRule, table, (), [])) is None:
            continue
        where = ("access", "rules", index)
        for name, values, example in (
            ("actions", rule.actions, ["read"]),
            ("paths", rule.paths, ["house/**"]),
        ):
            if not values:
                mistakes.append(
                    Mistake((*where, name), Message("the list is empty; name one, or more"), example)
                )
        named = sorted(NAMED_ACTIONS.intersection(rule.actions))
        if rule.effect == "allow" and named and not rule.users and not rule.roles:
            text = Message(
                "anyone could {named}, which takes a user; name users or roles in this rule.", named=named[0]
            )
            mistakes.append(Mistake((*where, "actions"), text))


def _check_tokens(access: object, mistakes: Mistakes) -> None:
    """Tokens without a key, with two, or in any way that they like."""
    table = access.get("tokens") if isinstance(access, Mapping) else None
    if not isinstance(table, Mapping):
        return
    where = ("access", "tokens")
    if table.get("key_file") and table.get("jwks_file"):
        text = "the keys are in key_file already; remove one of the two."
        mistakes.append(Mistake((*where, "jwks_file"), text))
    if not (table.get("key_file") or table.get("jwks_file")):
        text = "there is no key that tokens are compared with; name key_file or jwks_file."
        mistakes.append(Mistake(where, text))
    elif not table.get("algorithms"):
        text = "tokens must not choose how they are signed; name the algorithms"
        mistakes.append(Mistake((*where, "algorithms"), text, ["EdDSA"]))


def _check_names(document: Mapping[str, Any], mistakes: Mistakes) -> None:
    """Users that paths name. A file without users leaves them to the command line."""
    known = {name for _, name in _user_names(document.get("users"))}
    paths = document.get("paths")
    places: dict[KeyPath, object] = {("path_defaults",): document.get("path_defaults")}
    for key, table in paths.items() if isinstance(paths, Mapping) else ():
        places["paths", key] = table
    for where, table in places.items():
        for action in ("publish", "read"):
            names = table.get(action) if isinstance(table, Mapping) else None
            for index, name in enumerate(names if isinstance(names, list) else ()):
                if known and isinstance(name, str) and name not in known:
                    text = Message(
                        'there is no user "{name}"; {hint}', name=name, hint=did_you_mean(name, known)
                    )
                    mistakes.append(Mistake((*where, action, index), text))


def _user_names(users: object) -> Iterator[tuple[int, str]]:
    for index, user in enumerate(users if isinstance(users, list) else ()):
        name = user.get("name") if isinstance(user, Mapping) else None
        if isinstance(name, str):
            yield index, name


def _check_limits(limits: object, mistakes: Mistakes) -> None:
    known = {name: (unit, lowest, highest) for name, unit, _, lowest, highest in known_limits()}
    for name, value in limits.items() if isinstance(limits, Mapping) else ():
        if name not in known:
            text = Message("there is no such limit; {hint}", hint=did_you_mean(name, known))
            mistakes.append(Mistake(("limits", name), text))
        elif type(value) is int and value >= 0:
            unit, lowest, highest = known[name]
            if not lowest <= value <= highest:
                text = Message(
                    "{value} is not right; it should be {lowest} to {highest} {unit}.",
                    value=value,
                    lowest=lowest,
                    highest=highest,
                    unit=unit,
                )
                mistakes.append(Mistake(("limits", name), text))
