"""All that there is of a relay while it is open, from its engine to what announces it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from relaycore._relaycore import Engine, HttpConnection, PullEvent
from relaycore.access.account_watch import AccountWatch
from relaycore.access.decisions import Gatekeeper
from relaycore.access.origins import HostNames
from relaycore.access.rtsp_door import RtspDoor
from relaycore.access.sharing import Sharing
from relaycore.access.token_files import TokenFiles
from relaycore.addresses import reachable_addresses
from relaycore.camera_controls import CameraControls
from relaycore.camera_encoders import CameraEncoders
from relaycore.cameras import Cameras
from relaycore.engine_link import EngineLink, Listeners, listen_sentence
from relaycore.errors import ConfigurationError, ListenError
from relaycore.events import CameraReady, Event, SettingsChanged, StreamAdded, StreamRemoved
from relaycore.language import Message
from relaycore.onvif.device import Devices
from relaycore.onvif.discovery.announcement import Announcement
from relaycore.parts.admission import Admission, refuse_strangers
from relaycore.parts.changes import CLOSE_TIMEOUT_S, Changes
from relaycore.parts.events import EventExchange
from relaycore.parts.names import AllCameras, Names
from relaycore.parts.records import Records
from relaycore.parts.settings import CurrentSettings
from relaycore.paths.hooks import HookEvent, HookFunction
from relaycore.paths.host import PathHost
from relaycore.paths.kept_groups import KeptGroups
from relaycore.paths.manager import Paths, patience
from relaycore.privacy.record import notices_of
from relaycore.stream_table import StreamTable
from relaycore.tls import TlsFiles
from relaycore.unit_pump import UnitPump
from relaycore.web.server import Web
from relaycore.web.viewing import Entrance

__all__ = ["Lasting", "MakeWeb", "Running"]

LEDGER_TIMEOUT_S: Final = 1.0
"""Seconds that the ledger gets to write what waits."""

_DEVICE_EVENTS: Final = (CameraReady, StreamAdded, StreamRemoved, SettingsChanged)
"""After these there may be other devices for those who look for cameras."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """What a relay has whether it is open or not."""

    settings: CurrentSettings
    gatekeeper: Gatekeeper
    hooks: Mapping[HookEvent, HookFunction | None]
    streams: StreamTable
    events: EventExchange
    all_cameras: AllCameras
    names: Names
    devices: Devices


MakeWeb = Callable[[Engine, Entrance, Records], Web]
"""Makes the HTTP server of a relay."""


class Running:
    """Opens and closes one relay. It is opened once; all methods are called from the loop."""

    def __init__(self, lasting: Lasting) -> None:
        """ConfigurationError where the settings cannot be."""
        self._settings, self._gatekeeper = lasting.settings, lasting.gatekeeper
        self._streams, self._events = lasting.streams, lasting.events
        self._names, self._all_cameras = lasting.names, lasting.all_cameras
        self._devices = lasting.devices
        config, folder = self._settings.config, self._settings.folder
        self.host = "0.0.0.0" if config.lan else config.host  # noqa: S104 (asked for by lan)
        try:
            self.engine = Engine(shards=config.shards, limits=dict(config.limits))
        except ValueError as error:
            raise ConfigurationError(Message("The limits are not right: {error}", error=error)) from None
        self.records = Records(
            self._settings,
            self.engine,
            self._gatekeeper,
            self._events,
            purpose=self._names.purpose,
            is_there=lambda path: path in self._streams or path in self._settings.config.paths,
        )
        self._controls = CameraControls(folder, lambda: self.cameras)
        self._encoders = CameraEncoders(folder, lambda: self.cameras)
        self.cameras = Cameras(
            self._streams.add,
            self._streams.remove,
            self._events.emit,
            self.records.on_picture,
            self._controls,
            self._encoders,
        )
        self._groups = KeptGroups(folder, lambda: self._settings.config.paths)
        self.paths = Paths(self._path_host(), lasting.hooks, patience(config.limits), self._groups)
        self.admission = Admission(self.engine, self._gatekeeper, self.records, self.paths)
        self.link = EngineLink(self.engine, self._listeners())
        self._tokens = TokenFiles(self._gatekeeper.users, self.admission.revoke)
        self.changes = Changes(
            self._settings,
            self.engine,
            self._gatekeeper,
            self.admission,
            self._tokens,
            self.cameras,
            self._all_cameras,
            self.paths,
            self._groups,
            self._names,
            self._events,
        )
        self.sharing = Sharing(self._gatekeeper.users.links, folder)
        self.web: Web | None = None
        self.tls: TlsFiles | None = None
        self.address = ("", 0)
        self._accounts: AccountWatch | None = None
        self._announcement = Announcement(self._devices.targets)

    def _listeners(self) -> Listeners:
        names = HostNames([self._settings.config.host])
        door = RtspDoor(self._gatekeeper, names, lambda: self._settings.config.embed_origins)
        return Listeners(
            session=self.admission.on_session,
            stream=self._streams.happened,
            pull=self._on_pull,
            http=self._on_http,
            journey=self.records.on_journey,
            decide=door.decide,
            prepare=self.admission.prepare,
            admit=self.admission.admit,
        )

    def _path_host(self) -> PathHost:
        return PathHost(
            engine=self.engine,
            cameras=self.cameras,
            add_stream=self._streams.add,
            remove_stream=self._streams.remove,
            stream=self._streams.get,
            open_pump=self._open_pump,
            emit=self._events.emit,
        )

    # Opening and closing

    async def open(self, make_web: MakeWeb) -> None:
        """Opens all, the port last but cameras. Whatever it raises, :meth:`close` has to follow."""
        config, users, engine = self._settings.config, self._gatekeeper.users, self.engine
        self._events.open()
        self._events.listeners += [self.records.alerts.happened, self.paths.happened, self._on_event]
        self._streams.open(engine)
        self._all_cameras.open = self.cameras
        self.link.open()
        self.admission.open()
        if config.api:
            entrance = Entrance(
                drain=self.link.drain,
                admit=self.admission.admit_from_web,
                prepare_publisher=self.paths.prepare_publisher,
            )
            self.web = self.admission.web = make_web(engine, entrance, self.records)
        await self.records.open()
        folder = self._settings.folder
        if folder is not None:
            self._accounts = AccountWatch(folder, users, self.admission.accounts_changed)
            await self._accounts.open()
        await self._devices.open(folder)
        await self._controls.open()
        await self._encoders.open()
        await self._groups.open()
        await self._open_tls()
        await self._tokens.apply(config.access.tokens)
        await self.admission.ask_webhook(config.access.webhook)
        refuse_strangers(self.host, users.anybody or config.anonymous)
        if self.web is not None:
            await self.web.open()
            engine.accept_http(True)
        self.address = await asyncio.to_thread(self._listen)
        engine.set_notices(notices_of(config))
        self.paths.configure(config.paths, config.path_defaults)
        await self.changes.open_cameras()
        self._devices.on_change = self._announcement.changed
        scheme = "https" if config.tls.required else "http"
        await self._announcement.open(self.host, self.address[1], scheme)

    async def withdraw(self) -> None:
        """Lets nobody find it any more, and takes no more connections of HTTP."""
        await self._announcement.close()
        self.engine.accept_http(False)
        await self._devices.close()

    async def close(self) -> None:
        """Closes all, after :meth:`withdraw`."""
        self._events.listeners.remove(self.paths.happened)
        parts = (self.web, self._accounts, self.admission, self._tokens, self.tls)
        closing = [self.paths.close(), self.cameras.close(CLOSE_TIMEOUT_S)]
        closing += [part.close() for part in parts if part is not None]
        self._all_cameras.open = None
        self._streams.close()
        await asyncio.gather(*closing)
        await self.link.close()
        await asyncio.to_thread(self.engine.close, CLOSE_TIMEOUT_S)
        self.link.tell_last()
        await self.records.close(LEDGER_TIMEOUT_S)
        self._streams.clear()
        self.link.wake_all()
        self._events.close()

    def _listen(self) -> tuple[str, int]:
        port = self._settings.config.port
        try:
            return self.engine.listen(self.host, port)
        except OSError as error:
            raise ListenError(listen_sentence(error, self.host, port)) from None

    async def _open_tls(self) -> None:
        settings = self._settings.config.tls
        if not (settings.enabled or settings.required or settings.certificate):
            return
        names = [*await asyncio.to_thread(reachable_addresses, self.host), self._settings.config.host]
        files = TlsFiles(settings, self.engine.set_certificate, folder=self._settings.folder, names=names)
        await files.open()
        self.tls = files

    # What happens

    def _open_pump(self, path: str) -> UnitPump:
        pump = UnitPump(self._streams.open_reader(path))
        self.link.add_reader(pump.number, pump)
        return pump

    def _on_pull(self, happened: PullEvent) -> None:
        self.paths.on_pull(happened)

    def _on_http(self, connection: HttpConnection) -> None:
        # Without anybody who takes it, it is closed with this object.
        if self.admission.web is not None:
            self.admission.web.take(connection)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, _DEVICE_EVENTS):
            self._announcement.changed()
