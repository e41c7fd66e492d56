"""Groups of multicast that are sent to without a session of RTSP, for who only listens."""

from __future__ import annotations

import logging
from typing import Protocol

from relaycore.errors import PathError
from relaycore.language import Message

__all__ = ["GroupEngine", "SentGroups", "no_group"]

_log = logging.getLogger(__name__)


class GroupEngine(Protocol):
    """What is used of :class:`relaycore._relaycore.Engine`."""

    def hold_group(self, path: str) -> None:
        """Sends to the group of a stream without a session, until it is released or the stream ends."""

    def release_group(self, path: str) -> bool:
        """Sends to it for sessions alone again."""


def no_group(path: str) -> PathError:
    """Why a path is not sent by multicast that has no settings for it."""
    return PathError(Message("The path {path} has no group: set `multicast` for it.", path=repr(path)))


class SentGroups:
    """Keeps sending to groups, whatever becomes of their streams. All methods are called from the loop."""

    def __init__(self, engine: GroupEngine) -> None:
        self._engine = engine
        self._paths: set[str] = set()

    def __contains__(self, path: object) -> bool:
        return path in self._paths

    def begin(self, path: str) -> None:
        """Sends to the group of a path from now on, or from when it has a stream.

        PathError where the path has no group, or the operating system does not send there.
        """
        try:
            self._engine.hold_group(path)
        except KeyError:
            pass  # It has no stream yet, or has it no more: see `fed`.
        except ValueError:
            raise no_group(path) from None
        except OSError as error:
            raise PathError(
                Message("The group of {path} cannot be sent to: {error}", path=repr(path), error=error)
            ) from None
        self._paths.add(path)

    def end(self, path: str) -> None:
        """Sends there for sessions alone."""
        if path in self._paths:
            self._paths.remove(path)
            self._engine.release_group(path)

    def fed(self, path: str) -> None:
        """A path has a stream, perhaps another one than before."""
        if path in self._paths:
            try:
                self.begin(path)
            except PathError as error:
                _log.error("a group is not sent to any more: %s", error, extra={"path": path})
                self._paths.remove(path)

    def changed(self, path: str) -> None:
        """A path has another group than before, or none any more."""
        if path in self._paths:
            self._engine.release_group(path)
            self.fed(path)
