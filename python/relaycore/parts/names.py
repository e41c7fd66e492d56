"""What the names of paths mean in a relay: which are of cameras, of renditions, guessed, or free."""

from __future__ import annotations

from relaycore._relaycore import Engine
from relaycore.access.rules import base_of, camera_of
from relaycore.cameras import Cameras
from relaycore.errors import PathError, RelayClosed
from relaycore.language import Message
from relaycore.parts.settings import CurrentSettings
from relaycore.paths.aliases import Alias, aliases_of, path_of
from relaycore.settings import normal_path
from relaycore.stream_table import StreamTable

__all__ = ["AllCameras", "Names"]


class AllCameras:
    """The paths of the cameras of a relay, at any time: also of those that the program has added."""

    def __init__(self, settings: CurrentSettings) -> None:
        self._settings = settings
        self.open: Cameras | None = None
        """The cameras, while the relay is open."""

    def __contains__(self, path: object) -> bool:
        return path in self._settings.config.cameras or (self.open is not None and path in self.open)


class Names:
    """Knows the names of one relay. All methods are called from the loop."""

    def __init__(self, settings: CurrentSettings, streams: StreamTable, cameras: AllCameras) -> None:
        self._settings = settings
        self._streams = streams
        self._cameras = cameras
        self._aliases: list[Alias] = []

    def base_of(self, path: str) -> str:
        """The path that one is made of by its name; itself where it has settings of its own."""
        if path in self._settings.config.paths:
            return path
        return camera_of(path, self._cameras) or base_of(path)

    def purpose(self, path: str) -> str | None:
        """What a path is for, by its settings or by those of the path that it is made of."""
        return self._settings.config.path_settings(self.base_of(path)).purpose

    def free(self, path: str) -> str:
        """The path as it is kept, where nothing is at it. PathError when it is taken."""
        path = normal_path(path)
        if path in self._streams or path in self._cameras_open:
            raise PathError(
                Message(
                    "The path {path} is taken: choose another one, or end its stream first.", path=repr(path)
                )
            )
        return path

    def name_camera(self, engine: Engine) -> None:
        """Has readers find the camera by the names that recorders guess, where there is exactly one."""
        config = self._settings.config
        self._aliases = aliases_of(self._cameras_open.paths, config.paths) if config.aliases else []
        engine.set_aliases(self._aliases)

    def meant(self, name: str, query: str) -> str:
        """The path that readers mean by a name; the empty one is that of the only camera."""
        if not name and self._aliases:
            return self._aliases[0][2]
        if name in self._streams:
            return name
        return path_of(self._aliases, name, query) or name

    @property
    def _cameras_open(self) -> Cameras:
        if self._cameras.open is None:
            raise RelayClosed(Message("The relay is not open: use it inside `async with Relay(...)`."))
        return self._cameras.open
