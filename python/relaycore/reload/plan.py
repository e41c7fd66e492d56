"""What a reload does: the changes, the settings that hold afterwards, and the sessions that end by them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from relaycore._relaycore import Session
from relaycore.access.answers import host_of
from relaycore.access.decisions import Gatekeeper
from relaycore.access.policy import Policy
from relaycore.access.users import UserStore
from relaycore.reload.difference import RESTART_SETTINGS, Changes, difference
from relaycore.settings import Action, Config, PathSettings
from relaycore.settings.onvif import check_onvif

__all__ = ["EndingSession", "Reload", "plan_paths", "plan_reload"]


@dataclass(frozen=True, slots=True)
class EndingSession:
    """A session that a reload ends, and a sentence that says why."""

    session: Session
    reason: str


@dataclass(frozen=True, slots=True)
class Reload:
    """What a reload does, or would do.

    ``config`` are the settings that hold afterwards, without the users: those which need a restart are in it
    as they were.
    """

    changes: Changes
    sessions: tuple[EndingSession, ...]
    config: Config


def plan_reload(running: Config, users: UserStore, wanted: Config, sessions: Iterable[Session]) -> Reload:
    """What it takes to get from the settings and users of a running relay to others. Changes nothing."""
    changes = difference(running, wanted, users)
    kept = {name: getattr(running, name) for name in RESTART_SETTINGS}
    config = msgspec.structs.replace(wanted, users=[], **kept)
    return _plan(changes, config, users.others(wanted.users), sessions)


def plan_paths(
    running: Config, users: UserStore, paths: dict[str, PathSettings], sessions: Iterable[Session]
) -> Reload:
    """What it takes to go on with other settings of paths, and all else as it is. Changes nothing."""
    config = msgspec.structs.replace(running, paths=paths)
    return _plan(difference(running, config), config, users, sessions)


def _plan(changes: Changes, config: Config, users: UserStore, sessions: Iterable[Session]) -> Reload:
    check_onvif(config.onvif)
    gatekeeper = Gatekeeper(users, Policy.of(config))
    ending = tuple(
        EndingSession(session, reason)
        for session in sessions
        if (reason := _why_it_ends(session, changes, gatekeeper)) is not None
    )
    return Reload(changes, ending, config)


def _why_it_ends(session: Session, changes: Changes, gatekeeper: Gatekeeper) -> str | None:
    change = changes.ending(session.path, session.user)
    if change is not None:
        return f"{change}."
    action: Action = "publish" if session.action == "publish" else "read"
    wish = gatekeeper.wish(action, session.path, host_of(session.peer))
    objection = gatekeeper.objection(wish, session.path, session.user, session.ticket)
    return None if objection is None else f"{objection.why}."
