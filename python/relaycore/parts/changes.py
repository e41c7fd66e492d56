"""Changes a relay while it runs: its settings, its cameras, and what feeds its paths."""

from __future__ import annotations

import asyncio

from relaycore._relaycore import Engine
from relaycore.access.decisions import Gatekeeper
from relaycore.access.policy import Policy
from relaycore.access.token_files import TokenFiles, load_keys
from relaycore.cameras import Cameras, Rendition
from relaycore.encode.running import EncoderWish
from relaycore.errors import PathError, RelaycoreError, StateError
from relaycore.events import CameraFailed, SettingsChanged
from relaycore.language import Message
from relaycore.parts.admission import Admission, refuse_strangers
from relaycore.parts.events import EventExchange
from relaycore.parts.names import AllCameras, Names
from relaycore.parts.settings import CurrentSettings
from relaycore.paths.kept_groups import KeptGroups
from relaycore.paths.manager import Paths
from relaycore.privacy.record import notices_of
from relaycore.reload.plan import Reload, plan_paths, plan_reload
from relaycore.settings import CameraSettings, Config, PathSettings

__all__ = ["CLOSE_TIMEOUT_S", "Changes"]

CLOSE_TIMEOUT_S = 1.75
"""Seconds each that cameras and readers get to end; together with the ledger they stay below the 5 s that a
service manager waits."""


class Changes:
    """Makes the changes of one open relay, one after the other. All methods are called from the loop."""

    def __init__(
        self,
        settings: CurrentSettings,
        engine: Engine,
        gatekeeper: Gatekeeper,
        admission: Admission,
        tokens: TokenFiles,
        cameras: Cameras,
        all_cameras: AllCameras,
        paths: Paths,
        groups: KeptGroups,
        names: Names,
        events: EventExchange,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._gatekeeper = gatekeeper
        self._admission = admission
        self._tokens = tokens
        self._cameras = cameras
        self._all_cameras = all_cameras
        self._paths, self._groups = paths, groups
        self._names = names
        self._events = events
        self._turn = asyncio.Lock()

    # Settings

    async def reload(self, config: Config, host: str, *, dry_run: bool) -> Reload:
        """Goes on with other settings; see :meth:`relaycore.Relay.reload`. It listens on ``host``."""
        async with self._turn:
            config, users = config.with_normal_paths(), self._gatekeeper.users
            keys = await load_keys(config.access.tokens)
            refuse_strangers(host, bool(config.users or users.stored or keys) or config.anonymous)
            plan = plan_reload(self._settings.config, users, config, self._engine.sessions())
            if not dry_run:
                await self._tokens.apply(config.access.tokens)
                await self._admission.ask_webhook(config.access.webhook)
                for ending in plan.sessions:
                    self._admission.end(ending.session.id, ending.reason)
                users.replace(config.users)
                await self._apply(plan)
                if plan.changes:
                    self._events.emit(SettingsChanged(path=""))
        return plan

    async def change_path(self, path: str, settings: PathSettings | None, *, dry_run: bool) -> Reload:
        """Gives a path these settings, or none. PathError when there are none to forget."""
        async with self._turn:
            config = self._settings.config
            paths = dict(config.paths)
            if settings is not None:
                paths[path] = settings
            elif paths.pop(path, None) is None:
                raise PathError(Message("The path {path} has no settings of its own.", path=repr(path)))
            plan = plan_paths(config, self._gatekeeper.users, paths, self._engine.sessions())
            if not dry_run:
                for ending in plan.sessions:
                    self._admission.end(ending.session.id, ending.reason)
                await self._apply(plan)
                self._events.emit(SettingsChanged(path=path))
        return plan

    async def _apply(self, plan: Reload) -> None:
        """Does what was planned; users are others already, and sessions have ended."""
        before, config = self._settings.config.cameras, plan.config
        self._settings.config = config
        self._gatekeeper.apply(Policy.of(config, self._all_cameras))
        self._admission.revoke({change.user for change in plan.changes if change.user is not None})
        self._engine.set_notices(notices_of(config))
        self._paths.configure(config.paths, config.path_defaults)
        cameras = self._cameras
        changed = [
            path
            for path, settings in before.items()
            if config.cameras.get(path) != settings
            and not await self._change(path, settings, config.cameras.get(path))
        ]
        stopped = cameras.stopped.intersection(changed)
        await cameras.remove_all(changed, CLOSE_TIMEOUT_S)
        for path in stopped.intersection(config.cameras):
            cameras.keep(path, config.cameras[path])
        added = {path: settings for path, settings in config.cameras.items() if path not in cameras}
        failures = await cameras.add_all(added)
        for path, error in failures.items():
            if not isinstance(error, RelaycoreError):
                raise error
            self._events.emit(CameraFailed(path=path, reason=str(error)))
        # A camera that failed is tried again at the next reload.
        self._settings.set_cameras(
            {path: settings for path, settings in config.cameras.items() if path not in failures}
        )
        self._names.name_camera(self._engine)

    async def _change(self, path: str, before: CameraSettings, after: CameraSettings | None) -> bool:
        """Goes on with what may change while it runs; False where more has, or it takes opening it anew."""
        if after is None:
            return False
        try:
            changed = await self._cameras.change(path, before, after)
        except Exception:
            # It is closed whatever went wrong, which is told when it is opened anew.
            return False
        if changed and after.sub and not before.sub:
            self._paths.keep_sub(path)
        return changed

    # Cameras

    async def open_cameras(self) -> None:
        """Opens the cameras of the settings. Raises what the first has raised that does not open."""
        for failure in (await self._cameras.add_all(self._settings.config.cameras)).values():
            raise failure
        self._names.name_camera(self._engine)

    async def add_camera(self, path: str, settings: CameraSettings) -> None:
        """Opens a camera that is none of the settings."""
        await self._cameras.add(self._names.free(path), settings)
        self._names.name_camera(self._engine)

    async def set_camera(self, path: str, settings: CameraSettings) -> None:
        """Opens a camera, and has it among the settings."""
        async with self._turn:
            config = self._settings.config
            if path in config.paths and config.paths[path].sources:
                raise PathError(Message("The path {path} has a source: choose another one.", path=repr(path)))
            await self.add_camera(path, settings)
            self._settings.set_cameras({**self._settings.config.cameras, path: settings})
            self._events.emit(SettingsChanged(path=path))

    async def remove_camera(self, path: str) -> None:
        """Closes a camera, which is none of the settings any more. PathError when there is none."""
        async with self._turn:
            await self._cameras.remove(path, CLOSE_TIMEOUT_S)
            self._names.name_camera(self._engine)
            cameras = dict(self._settings.config.cameras)
            if cameras.pop(path, None) is not None:
                self._settings.set_cameras(cameras)
                self._events.emit(SettingsChanged(path=path))

    async def set_encoder(self, path: str, rendition: Rendition, wish: EncoderWish, *, keep: bool) -> None:
        """Changes a running encoder. StateError when that is done and cannot be kept."""
        try:
            await self._cameras.set_encoder(path, rendition, wish, keep=keep)
        except StateError:
            self._events.emit(SettingsChanged(path=path))
            raise
        self._events.emit(SettingsChanged(path=path))

    # What feeds paths

    async def stop_source(self, path: str) -> None:
        """Stops a camera or a source. PathError when there is none."""
        async with self._turn:
            if path in self._cameras:
                await self._cameras.stop(path, CLOSE_TIMEOUT_S)
            else:
                await self._paths.stop(path)
            self._events.emit(SettingsChanged(path=path))

    async def start_source(self, path: str) -> None:
        """Starts what was stopped."""
        async with self._turn:
            if path in self._cameras:
                await self._cameras.start(path)
            else:
                await self._paths.start(path)
            self._events.emit(SettingsChanged(path=path))

    @property
    def stopped(self) -> frozenset[str]:
        """The paths whose camera or source somebody has stopped."""
        paths = {status.path for status in self._paths.status() if status.stopped}
        return self._cameras.stopped | paths

    # Groups of multicast

    async def start_multicast(self, path: str, *, keep: bool) -> None:
        """Sends a path to its group without a session, with ``keep`` after a restart, too.

        PathError or SourceError where that cannot be, StateError where it is sent and cannot be kept.
        """
        await self._paths.start_multicast(path)
        try:
            if keep:
                await self._groups.add(path)
        finally:
            self._events.emit(SettingsChanged(path=path))

    async def stop_multicast(self, path: str) -> None:
        """Sends it for sessions alone again. StateError where that does not hold after a restart."""
        changes = self._paths.sends_multicast(path) or path in self._groups
        # Before it is forgotten: whoever starts it meanwhile is not stopped.
        self._paths.stop_multicast(path)
        try:
            await self._groups.remove(path)
        finally:
            if changes:
                self._events.emit(SettingsChanged(path=path))

    def keeps_multicast(self, path: str) -> bool:
        """Whether a path is sent to its group after a restart, too."""
        return path in self._groups
