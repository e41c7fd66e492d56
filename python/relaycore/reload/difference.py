"""What differs between the settings that a relay runs with and new ones, and what each difference does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

import msgspec

from relaycore.access.roles import RIGHTS
from relaycore.access.rules import RENDITION
from relaycore.access.users import UserStore
from relaycore.settings import CameraSettings, Config, PathSettings

__all__ = ["RESTART_SETTINGS", "Change", "Changes", "Effect", "difference"]


class Effect(Enum):
    """What it takes to apply a change; the value says so to a person."""

    LIVE = "at once"
    ENDS_SESSIONS = "at once, ends sessions"
    RESTART = "after a restart"


RESTART_SETTINGS: Final = frozenset(
    {
        "host",
        "port",
        "lan",
        "api",
        "state_folder",
        "journeys",
        "ledger",
        "alerts",
        "shards",
        "limits",
        "log_json",
        "trace_latency",
        "qr",
        "tls",
    }
)
"""Settings of a relay that hold from its start to its end; all others are applied at once."""

_REPLACES_STREAM: Final = frozenset({"source", "source_on_demand", "source_transport", "loop"})
"""Settings of a path whose change opens its source anew, so that its stream begins anew, too."""

_REPLACES_RENDITION: Final = frozenset({"transcode", "encoder", "bitrate", "gop_seconds"})
"""Settings of a path whose change begins the stream at PATH/h264 anew."""


@dataclass(frozen=True, slots=True)
class Change:
    """One setting, camera, path or user that differs.

    ``setting`` is its key, as in mistakes. ``path`` is the path whose sessions end by it, ``user`` the user
    whose sessions end, where ``effect`` says that some do.
    """

    setting: str
    kind: Literal["added", "changed", "removed"]
    effect: Effect
    path: str | None = None
    user: str | None = None

    def __str__(self) -> str:
        return f"{self.setting} {self.kind}"


@dataclass(frozen=True, slots=True)
class Changes:
    """All that differs, in the order of the settings. False when nothing does."""

    all: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.all)

    def __iter__(self) -> Iterator[Change]:
        return iter(self.all)

    def ending(self, path: str, user: str | None) -> Change | None:
        """The change that ends a session of a user at a path; ``None`` when none does.

        Sessions may also end because the new rules do not admit them, which the gatekeeper knows.
        """
        for change in self.all:
            if change.effect is Effect.ENDS_SESSIONS and (
                change.path == path or (change.user is not None and change.user == user)
            ):
                return change
        return None


def difference(old: Config, new: Config, users: UserStore | None = None) -> Changes:
    """What differs in ``new``. ``users`` are those of ``old`` where it does not hold them itself."""
    found: list[Change] = []
    for name in Config.__struct_fields__:
        before, after = getattr(old, name), getattr(new, name)
        match name:
            case "users":
                found += _users(UserStore(before) if users is None else users, new)
            case "cameras":
                found += _cameras(before, after)
            case "paths":
                found += _paths(old, new)
            case "limits":
                keys = [key for key in before | after if before.get(key) != after.get(key)]
                found += [Change(f"limits.{key}", _kind(before, after, key), Effect.RESTART) for key in keys]
            case "path_defaults":
                found += [
                    Change(f"{name}.{field}", "changed", Effect.LIVE) for field in _differing(before, after)
                ]
            case _ if before != after:
                effect = Effect.RESTART if name in RESTART_SETTINGS else Effect.LIVE
                found.append(Change(name, "changed", effect))
    return Changes(tuple(found))


def _users(before: UserStore, new: Config) -> Iterator[Change]:
    names = {user.name for user in new.users}
    for name in before.configured:
        if name not in names:
            yield Change(f"users.{name}", "removed", Effect.ENDS_SESSIONS, user=name)
    for user in new.users:
        if user.name not in before.configured:
            yield Change(f"users.{user.name}", "added", Effect.LIVE)
        elif not before.password_is(user.name, user.password):
            # Whoever changes a password wants those out who know only the old one.
            yield Change(f"users.{user.name}.password", "changed", Effect.ENDS_SESSIONS, user=user.name)
        elif (role := before.role(user.name)) != user.role:
            loses = role is not None and not RIGHTS[role] <= RIGHTS[user.role]
            effect = Effect.ENDS_SESSIONS if loses else Effect.LIVE
            yield Change(f"users.{user.name}", "changed", effect, user=user.name if loses else None)


def _cameras(before: dict[str, CameraSettings], after: dict[str, CameraSettings]) -> Iterator[Change]:
    for path in before | after:
        kind = _kind(before, after, path)
        if kind != "changed":
            effect = Effect.LIVE if kind == "added" else Effect.ENDS_SESSIONS
            yield Change(f"cameras.{path}", kind, effect, path=path)
            continue
        for name in _differing(before[path], after[path]):
            # Where the camera's own H.264 was sent on so far, the first mask ends sessions all the same.
            effect = Effect.LIVE if name in ("masks", "motion", "sub") else Effect.ENDS_SESSIONS
            yield Change(f"cameras.{path}.{name}", kind, effect, path=path)


def _paths(old: Config, new: Config) -> Iterator[Change]:
    for path in old.paths | new.paths:
        kind = _kind(old.paths, new.paths, path)
        before, after = old.path_settings(path), new.path_settings(path)
        differing = _differing(before, after)
        if kind != "changed" and not differing:
            yield Change(f"paths.{path}", kind, Effect.LIVE)
        for name in differing:
            if name in _REPLACES_STREAM and (before.sources or kind != "added"):
                ends, where = Effect.ENDS_SESSIONS, path
            elif name in _REPLACES_RENDITION and before.transcode != "none":
                ends, where = Effect.ENDS_SESSIONS, path + RENDITION
            else:
                ends, where = Effect.LIVE, path
            yield Change(f"paths.{path}.{name}", kind, ends, path=where)


def _differing(before: CameraSettings | PathSettings, after: CameraSettings | PathSettings) -> list[str]:
    """The keys of the settings that differ, as they stand in a file."""
    return [
        field.encode_name
        for field in msgspec.structs.fields(type(before))
        if getattr(before, field.name) != getattr(after, field.name)
    ]


def _kind(before: dict[str, Any], after: dict[str, Any], key: str) -> Literal["added", "changed", "removed"]:
    if key not in before:
        return "added"
    return "changed" if key in after else "removed"
