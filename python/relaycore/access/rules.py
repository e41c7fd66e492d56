"""What the settings say of who may use which path: rules that only ever narrow down who may come in."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass, field
from typing import Final

from relaycore.language import Message
from relaycore.settings import Action, Config, PathSettings

__all__ = ["RENDITION", "SOUNDS", "SUB", "PathRules", "Rule", "base_of", "camera_of"]

RENDITION: Final = "/h264"
"""What is added to a path for the stream that ``transcode`` makes of it."""

SOUNDS: Final = {"opus": "/opus", "aac": "/aac"}
"""What is added to a path for its sound in a codec that browsers play, by that codec."""


SUB: Final = "/sub"
"""What is added to the path of a camera for its second, smaller rendition."""


def camera_of(path: str, cameras: Container[str]) -> str | None:
    """The camera whose second rendition a path is by its name; ``None`` where there is no such camera."""
    camera = path.removesuffix(SUB)
    return camera if camera != path and camera in cameras else None


def base_of(path: str) -> str:
    """The path that one with a name like this would be made of; the path itself where its name is another."""
    for ending in (RENDITION, *SOUNDS.values()):
        if path.endswith(ending):
            return path.removesuffix(ending)
    return path


@dataclass(frozen=True, slots=True)
class Rule:
    """Who of those who may come in may do one thing at one path.

    ``users`` is ``None`` for all of them. Where it is nobody, ``reason`` says why to a person.
    """

    users: Collection[str] | None
    reason: str = "Not allowed"


_EVERYBODY = Rule(None)


@dataclass(frozen=True, slots=True)
class PathRules:
    """The rules of all paths, those that are in no table included."""

    paths: Mapping[str, PathSettings] = field(default_factory=dict)
    defaults: PathSettings = field(default_factory=PathSettings)
    cameras: Container[str] = ()
    only_configured: bool = False

    @classmethod
    def of(cls, config: Config, cameras: Container[str] | None = None) -> PathRules:
        """The rules in the settings of a relay; ``cameras`` are all, where there are others, too."""
        served = config.cameras if cameras is None else cameras
        return cls(config.paths, config.path_defaults, served, config.publish == "configured")

    def rule(self, action: Action, path: str) -> Rule:
        """Who may do it at this path (without slashes around it)."""
        if action not in ("read", "publish"):
            return _EVERYBODY
        settings = self.paths.get(path, self.defaults)
        origin = self._made_of(path)
        if action == "read":
            allowed = settings.read if origin is None else self.paths.get(origin, self.defaults).read
            return _rule(allowed, Message("Nobody may read this path"))
        if path in self.cameras:
            return Rule((), Message("A camera is served at this path"))
        if settings.source is not None:
            return Rule((), Message("This path has a source of its own"))
        if origin is not None:
            return Rule((), Message("This path is made of {origin}", origin=origin))
        if self.only_configured and path not in self.paths:
            return Rule((), Message("Only the paths of the configuration may be published to"))
        return _rule(settings.publish, Message("Nobody may publish to this path"))

    def settings(self, path: str) -> PathSettings:
        """The settings that count for a path."""
        return self.paths.get(self.origin(path), self.defaults)

    @property
    def limits_readers(self) -> bool:
        """Whether some path may have only so many readers."""
        return any(settings.most_readers > 0 for settings in (self.defaults, *self.paths.values()))

    def origin(self, path: str) -> str:
        """The path that counts for a path: the one that ``transcode`` makes it of, or itself."""
        return self._made_of(path) or path

    def _made_of(self, path: str) -> str | None:
        if path in self.paths or path in self.cameras:
            return None
        camera = camera_of(path, self.cameras)
        if camera is not None:
            return camera
        origin = base_of(path)
        if origin == path:
            return None
        if path.endswith(RENDITION) and self.paths.get(origin, self.defaults).transcode == "none":
            return None
        return origin


def _rule(allowed: bool | list[str], reason: str) -> Rule:
    if isinstance(allowed, bool):
        return _EVERYBODY if allowed else Rule((), reason)
    return Rule(allowed, Message("This user may not") if allowed else reason)
