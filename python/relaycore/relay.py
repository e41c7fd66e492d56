"""The relay: what a program that embeds relaycore uses."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, Unpack
from weakref import WeakSet

import msgspec

from relaycore._relaycore import (
    Engine,
    HttpConnection,
    Journey,
    PullEvent,
    Request,
    Session,
    SessionEvent,
    Track,
)
from relaycore.access.account_watch import AccountWatch
from relaycore.access.decisions import DECISION_TIMEOUT_S, Gatekeeper, Refuse
from relaycore.access.leases import Leases
from relaycore.access.outside import Authorise, DecisionWebhook
from relaycore.access.policy import Policy
from relaycore.access.rules import SOUNDS, base_of, camera_of
from relaycore.access.share_links import ShareLink
from relaycore.access.sharing import Sharing, checked_link
from relaycore.access.token_files import TokenFiles, load_keys
from relaycore.access.users import UserStore
from relaycore.addresses import is_loopback, reachable_addresses, url_host
from relaycore.alerts.alerts import Alerts
from relaycore.alerts.model import Alert, CameraPicture
from relaycore.camera_controls import CameraControls
from relaycore.camera_encoders import CameraEncoders
from relaycore.cameras import Cameras, Rendition
from relaycore.capture.model import Control, ControlName
from relaycore.encode.running import EncoderOptions, EncoderState, EncoderWish
from relaycore.engine_link import EngineLink, Listeners, listen_sentence
from relaycore.errors import (
    ConfigurationError,
    ListenError,
    PathError,
    RelayClosed,
    RelaycoreError,
    SourceError,
    StateError,
)
from relaycore.events import (
    AlertRaised,
    CameraFailed,
    CameraReady,
    Event,
    EventReader,
    SessionEnded,
    SessionStarted,
    SettingsChanged,
    StreamAdded,
    StreamRemoved,
)
from relaycore.journeys.journeys import Journeys
from relaycore.language import Message
from relaycore.latency import StageLatency, summarise
from relaycore.ledger.ledger import Ledger
from relaycore.ledger.records import now_ms
from relaycore.onvif.analysis.watch import PictureState
from relaycore.onvif.device import Devices
from relaycore.onvif.discovery.announcement import Announcement
from relaycore.paths.aliases import Alias, aliases_of, path_of
from relaycore.paths.hooks import HookEvent, HookFunction
from relaycore.paths.host import PathHost
from relaycore.paths.manager import Paths, patience
from relaycore.paths.path import PathStatus
from relaycore.paths.sound_rendition import sound_of
from relaycore.pipeline.view import Direction, View
from relaycore.privacy.record import notices_of
from relaycore.publisher import Publisher
from relaycore.readers import AccessUnitReader, FrameReader
from relaycore.relay_types import Overrides, StreamStatus, Wishes
from relaycore.reload.plan import Reload, plan_paths, plan_reload
from relaycore.settings import CameraSettings, Config, Faults, PathSettings, User, normal_path
from relaycore.stream_table import StreamTable
from relaycore.tls import TlsFiles
from relaycore.unit_pump import UnitPump
from relaycore.web.server import Web
from relaycore.web.viewing import Entrance

__all__ = ["Relay", "StreamStatus"]

_Part = TypeVar("_Part")

CLOSE_TIMEOUT_S = 1.75
"""Seconds each that cameras and readers get to end; together with the ledger they stay below the 5 s that a
service manager waits."""

LEDGER_TIMEOUT_S = 1.0
"""Seconds that the ledger gets to write what waits."""


_DEVICE_EVENTS = (CameraReady, StreamAdded, StreamRemoved, SettingsChanged)
"""After these there may be other devices for those who look for cameras."""


class Relay:
    """A server for live video inside an asyncio program.

    ::

        async with Relay(port=8554) as relay:
            await relay.add_camera("cam", camera="pattern")
            async for frame in relay.frames("cam"):
                ...

    It listens while the ``async with`` block runs. All methods are called from the event loop in which it was
    entered; several relays may live in one loop and one process. Packets go out without the loop, which is
    asked only who may read and publish: ``authorise``, if given, is awaited for each request of a client that
    has shown who it is. ``on_ready`` and ``on_not_ready`` are awaited when something feeds a path and when
    nothing does any more, ``on_reader_start`` and ``on_reader_end`` for each reader; one that takes its time
    holds up nothing but the hooks of its path that follow.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        authorise: Authorise | None = None,
        decision_timeout: float = DECISION_TIMEOUT_S,
        on_ready: HookFunction | None = None,
        on_not_ready: HookFunction | None = None,
        on_reader_start: HookFunction | None = None,
        on_reader_end: HookFunction | None = None,
        **overrides: Unpack[Overrides],
    ) -> None:
        config = msgspec.structs.replace(config or Config(), **overrides).with_normal_paths()
        self.users = UserStore(config.users)
        """The users; may be changed at any time."""
        # Their passwords are kept no longer than needed.
        self.config = msgspec.structs.replace(config, users=[])
        """The settings, without the users."""
        self.load_settings: Callable[[], Config] | None = None
        """Reads the settings anew, for who asks for that over HTTP. Set by a program that has them in a
        file; called in a thread."""
        self._gatekeeper = Gatekeeper(
            self.users, self._policy(config), authorise=authorise, timeout=decision_timeout
        )
        self._gatekeeper.turns_away = self.turns_away
        self._hooks: dict[HookEvent, HookFunction | None] = {
            "ready": on_ready,
            "not_ready": on_not_ready,
            "reader_start": on_reader_start,
            "reader_end": on_reader_end,
        }
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._engine: Engine | None = None
        self._link: EngineLink | None = None
        self.devices = Devices(self)
        """What it is for programs that look for cameras of ONVIF."""
        self._cameras: Cameras | None = None
        self._paths: Paths | None = None
        self._web: Web | None = None
        self._leases: Leases | None = None
        self._sharing: Sharing | None = None
        self._tokens = TokenFiles(self.users, lambda: self._revoke(()))
        self._accounts: AccountWatch | None = None
        self._ledger: Ledger | None = None
        self._alerts: Alerts | None = None
        self._journeys: Journeys | None = None
        self._tls: TlsFiles | None = None
        self._announcement: Announcement | None = None
        self._address = ("", 0)
        self._asks_before_media = False
        self._aliases: list[Alias] = []
        self._reloading = asyncio.Lock()
        self._streams = StreamTable(self._emit)
        self._events: WeakSet[EventReader] = WeakSet()

    # Opening and closing

    async def __aenter__(self) -> Self:
        if self._engine is not None:
            raise RelayClosed(Message("The relay is open already: make another one."))
        host = "0.0.0.0" if self.config.lan else self.config.host  # noqa: S104 (asked for by lan)
        try:
            engine = Engine(shards=self.config.shards, limits=dict(self.config.limits))
        except ValueError as error:
            raise ConfigurationError(Message("The limits are not right: {error}", error=error)) from None
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._engine = engine
        self._streams.open(engine)
        listeners = Listeners(
            session=self._on_session,
            stream=self._streams.happened,
            pull=self._on_pull,
            http=self._on_http,
            journey=self._on_journey,
            prepare=self._prepare,
            admit=self._admit,
        )
        self._link = EngineLink(engine, self._gatekeeper, listeners)
        folder = Path(self.config.state_folder) if self.config.state_folder else None
        controls, encoders = CameraControls(folder), CameraEncoders(folder)
        self._cameras = Cameras(
            self._streams.add, self._streams.remove, self._emit, self._on_picture, controls, encoders
        )
        self._paths = Paths(self._path_host(engine), self._hooks, patience(self.config.limits))
        self._link.open()
        self._ledger = self._make_ledger(engine)
        self._ask_before_media(engine)
        self._journeys = self._count_journeys(engine)
        self._alerts = Alerts(self.config.alerts, self._ledger, sessions=engine.sessions, tell=self._tell_of)
        if self.config.api:
            entrance = Entrance(
                drain=self._link.drain,
                admit=self._admit_from_web,
                prepare_publisher=self._paths.prepare_publisher,
            )
            parts = self._ledger, self._alerts, self._journeys
            self._web = Web(self, engine, self._gatekeeper, entrance, *parts)
        self._leases = Leases(engine, self._gatekeeper, self._disconnect, self._because)
        self._leases.open()
        self._sharing = Sharing(self.users.links, folder)
        try:
            if self._ledger is not None:
                await self._ledger.open()
            self._alerts.open()
            if self.config.state_folder:
                self._accounts = AccountWatch(
                    Path(self.config.state_folder), self.users, self._accounts_changed
                )
                await self._accounts.open()
            await self.devices.open(folder)
            await controls.open()
            await encoders.open()
            await self._open_tls(engine, host)
            await self._tokens.apply(self.config.access.tokens)
            await self._ask_webhook(self.config.access.webhook)
            self._refuse_strangers(host, self.users.anybody or self.config.anonymous)
            if self._web is not None:
                await self._web.open()
                engine.accept_http(True)
            self._address = await asyncio.to_thread(self._listen, engine, host)
            engine.set_notices(notices_of(self.config))
            self._paths.configure(self.config.paths, self.config.path_defaults)
            for failure in (await self._cameras.add_all(self.config.cameras)).values():
                raise failure
            self._name_camera()
            self._announcement = Announcement(self.devices.targets)
            self.devices.on_change = self._announcement.changed
            scheme = "https" if self.config.tls.required else "http"
            await self._announcement.open(host, self._address[1], scheme)
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends cameras, publishers and sessions, tells every reader, and closes the port.

        Takes at most 5 seconds.
        """
        engine, link, cameras, paths, web = self._engine, self._link, self._cameras, self._paths, self._web
        ledger, alerts = self._ledger, self._alerts
        if engine is None or link is None or cameras is None or paths is None:
            return
        if self._announcement is not None:
            await self._announcement.close()
            self._announcement = None
        engine.accept_http(False)
        await self.devices.close()
        closing = [paths.close(), cameras.close(CLOSE_TIMEOUT_S)]
        parts = (web, self._accounts, self._leases, self._tokens, self._tls, self._gatekeeper.webhook)
        self._gatekeeper.webhook = None
        closing += [part.close() for part in parts if part is not None]
        self._engine = self._link = self._cameras = self._paths = self._web = None
        self._accounts = self._leases = self._sharing = self._tls = None
        self._streams.close()
        await asyncio.gather(*closing)
        await link.close()
        await asyncio.to_thread(engine.close, CLOSE_TIMEOUT_S)
        link.tell_last()
        last = [] if alerts is None else [alerts.close(LEDGER_TIMEOUT_S)]
        last += [] if ledger is None else [ledger.close(LEDGER_TIMEOUT_S)]
        if self._journeys is not None:
            last.append(asyncio.to_thread(self._journeys.close, LEDGER_TIMEOUT_S))
        self._ledger = self._alerts = self._journeys = None
        await asyncio.gather(*last)
        self._streams.clear()
        link.wake_all()
        for reader in list(self._events):
            reader.close()

    async def reload(self, config: Config, *, dry_run: bool = False) -> Reload:
        """Goes on with other settings, and tells what changed and which sessions ended by it.

        Sessions go on unless their path changed in a way that ends them, or their user lost the right to it.
        Settings that hold from start to end, like the port, stay as they were. Paths, cameras and users are
        those of ``config`` from now on, but cameras that the program has added stay. A camera that does not
        open is told as :class:`relaycore.events.CameraFailed`. With ``dry_run`` nothing is changed.
        ConfigurationError, and nothing is changed, where the network comes in and ``config`` has neither
        users nor ``anonymous``.
        """
        engine = self._open(self._engine)
        async with self._reloading:
            config = config.with_normal_paths()
            settings = config.access.tokens
            keys = await load_keys(settings)
            settled = bool(config.users or self.users.stored or keys) or config.anonymous
            self._refuse_strangers(self._address[0], settled)
            plan = plan_reload(self.config, self.users, config, engine.sessions())
            if not dry_run:
                await self._tokens.apply(settings)
                await self._ask_webhook(config.access.webhook)
                await self._apply(plan, config.users)
                if plan.changes:
                    self._emit(SettingsChanged(path=""))
        return plan

    # Cameras and publishers

    async def add_camera(
        self, path: str, settings: CameraSettings | None = None, **wishes: Unpack[Wishes]
    ) -> None:
        """Opens a camera and serves it at ``path``; returns when it delivers.

        What is wished stands in ``settings``, in keywords, or in both, where the keywords win. DeviceError,
        EncoderError or PathError when it cannot be done, ConfigurationError for masks that are not right.
        """
        cameras = self._open(self._cameras)
        settings = msgspec.structs.replace(settings or CameraSettings(), **wishes)
        await cameras.add(self._free_path(path), settings)
        self._name_camera()

    async def set_camera(self, path: str, settings: CameraSettings) -> None:
        """Opens a camera as :meth:`add_camera` does, and has it among the settings until the next reload."""
        path = normal_path(path)
        async with self._reloading:
            if path in self.paths and self.paths[path].sources:
                raise PathError(Message("The path {path} has a source: choose another one.", path=repr(path)))
            await self.add_camera(path, settings)
            cameras = {**self.config.cameras, path: settings}
            self.config = msgspec.structs.replace(self.config, cameras=cameras)
            self._emit(SettingsChanged(path=path))

    async def remove_camera(self, path: str) -> None:
        """Closes a camera, and ends its stream. PathError when there is none at ``path``.

        One of the settings comes back with the next reload.
        """
        path = normal_path(path)
        async with self._reloading:
            await self._open(self._cameras).remove(path, CLOSE_TIMEOUT_S)
            self._name_camera()
            if path in self.config.cameras:
                cameras = {name: kept for name, kept in self.config.cameras.items() if name != path}
                self.config = msgspec.structs.replace(self.config, cameras=cameras)
                self._emit(SettingsChanged(path=path))

    def mirror(self, path: str, of: str) -> None:
        """Shows at ``path`` what the stream at ``of`` shows, as if it came from another camera.

        It has SSRCs, sequence numbers and timestamps of its own, and costs something only while somebody
        reads it: the pictures are encoded and packetised once. It ends with that stream, or by
        :meth:`remove_mirror`. PathError when there is no stream at ``of``, or when ``path`` is taken.
        """
        self._streams.mirror(self._free_path(path), normal_path(of))

    def remove_mirror(self, path: str) -> None:
        """Ends what :meth:`mirror` has made. PathError when there is none at ``path``."""
        path = normal_path(path)
        self._streams.mirrored(path)
        self._streams.remove(path)

    def set_faults(self, path: str, faults: Faults) -> None:
        """What goes wrong with a mirror from now on, in place of what did before.

        PathError when there is none at ``path``, ValueError for what cannot be.
        """
        self._streams.set_faults(normal_path(path), faults)

    def faults(self, path: str) -> Faults:
        """What goes wrong with a mirror. PathError when there is none at ``path``."""
        return self._streams.faults(normal_path(path))

    def turns_away(self, path: str) -> bool:
        """Whether the camera at a path, or that of a rendition, refuses every login: a fault of a mirror."""
        return self._streams.refuses(path) or self._streams.refuses(base_of(path))

    def mirrors(self) -> dict[str, str]:
        """The paths of all mirrors, and those of what they show."""
        return self._streams.mirrors()

    async def start_multicast(self, path: str) -> None:
        """Sends a path to its group of multicast also without a session of RTSP, for who only listens.

        Does so until :meth:`stop_multicast` or :meth:`close`, also when its stream ends and comes back. A
        source on demand is started. PathError where the path has no group that can be sent to, SourceError
        when its source does not come in time.
        """
        path = normal_path(path)
        await self._open(self._paths).start_multicast(path)
        self._emit(SettingsChanged(path=path))

    def stop_multicast(self, path: str) -> None:
        """Takes :meth:`start_multicast` back: a path is sent to its group for sessions alone, as at first."""
        path = normal_path(path)
        paths = self._open(self._paths)
        if paths.sends_multicast(path):
            paths.stop_multicast(path)
            self._emit(SettingsChanged(path=path))

    def sends_multicast(self, path: str) -> bool:
        """Whether a path is sent to its group without a session: after :meth:`start_multicast`."""
        return self._open(self._paths).sends_multicast(normal_path(path))

    async def stop_source(self, path: str) -> None:
        """Stops what feeds a path, its camera or its source, until :meth:`start_source`.

        Its stream ends. Other settings do not start it. PathError when nothing feeds it that the relay could
        start again: publishers are ended by :meth:`kick`.
        """
        path = normal_path(path)
        cameras = self._open(self._cameras)
        async with self._reloading:
            if path in cameras:
                await cameras.stop(path, CLOSE_TIMEOUT_S)
            else:
                await self._open(self._paths).stop(path)
            self._emit(SettingsChanged(path=path))

    async def start_source(self, path: str) -> None:
        """Starts again what :meth:`stop_source` has stopped, and waits until a camera delivers.

        What it raises is as for :meth:`add_camera`; does nothing where nothing was stopped.
        """
        path = normal_path(path)
        cameras = self._open(self._cameras)
        async with self._reloading:
            if path in cameras:
                await cameras.start(path)
            else:
                await self._open(self._paths).start(path)
            self._emit(SettingsChanged(path=path))

    @property
    def stopped(self) -> frozenset[str]:
        """The paths whose camera or source somebody has stopped."""
        paths = {status.path for status in self.path_status() if status.stopped}
        return self._open(self._cameras).stopped | paths

    # What cameras are, encode and show

    async def camera_controls(self, path: str) -> Mapping[ControlName, Control]:
        """What can be set of a camera itself, like its brightness, and what that is at this moment.

        Empty for what has no controls: cameras of Windows and macOS, test patterns and files. PathError when
        no camera runs at ``path``, DeviceError when its driver does not say.
        """
        return await self._open(self._cameras).controls(normal_path(path))

    async def set_camera_controls(
        self, path: str, values: Mapping[ControlName, int], *, keep: bool = True
    ) -> None:
        """Sets controls of a camera itself, all of these or none; its stream goes on.

        They are set again when the camera is opened anew or comes back, and with ``keep`` after a restart,
        too, where there is a state folder. PathError when no camera runs at ``path``, ConfigurationError for
        what is none of :meth:`camera_controls` or out of its range, DeviceError when the driver refuses it,
        StateError when it is set but cannot be kept.
        """
        await self._open(self._cameras).set_controls(normal_path(path), values, keep=keep)

    def encoder(self, path: str, rendition: Rendition = "main") -> EncoderState:
        """How the pictures of a camera are encoded at this moment: what the encoder that runs was told.

        ``sub`` is the smaller rendition at PATH/sub; where nobody reads it, how it would be encoded.
        PathError when no camera runs at ``path``.
        """
        return self._open(self._cameras).encoder(self._streams.shown(normal_path(path)), rendition)

    def encoder_options(self, path: str, rendition: Rendition = "main") -> EncoderOptions:
        """What :meth:`set_encoder` takes there. PathError when no camera runs at ``path``."""
        return self._open(self._cameras).encoder_options(self._streams.shown(normal_path(path)), rendition)

    async def set_encoder(
        self,
        path: str,
        *,
        rendition: Rendition = "main",
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
        bitrate: int | None = None,
        gop_seconds: float | None = None,
        keep: bool = False,
    ) -> None:
        """Changes the encoder of a running camera; returns when it encodes like that.

        Sessions go on: what follows is of the same stream and clock, and begins with a random access point
        and its parameter sets. It lasts while the camera is open, also when it is lost and comes back. With
        ``keep`` it holds as well when the camera is opened anew, and where there is a state folder after a
        restart, until the camera's settings of size, rate, encoder, bitrate or GOP are others. PathError when
        no camera runs at ``path``, ConfigurationError for what is none of :meth:`encoder_options`,
        EncoderError, and nothing is changed, when there is no such encoder here, StateError when it is
        changed but cannot be kept.
        """
        path = normal_path(path)
        wish = EncoderWish(width, height, fps, bitrate, gop_seconds)
        try:
            await self._open(self._cameras).set_encoder(path, rendition, wish, keep=keep)
        except StateError:
            self._emit(SettingsChanged(path=path))
            raise
        self._emit(SettingsChanged(path=path))

    def force_key_frame(self, path: str, rendition: Rendition = "main") -> bool:
        """Has the next picture of a camera be a random access point. False where the camera encodes itself.

        PathError when no camera runs at ``path``.
        """
        return self._open(self._cameras).force_key_frame(self._streams.shown(normal_path(path)), rendition)

    def newest_jpeg(self, path: str) -> tuple[bytes, int] | None:
        """The newest JPEG that the camera at a path gave, as it is, and the time of its capture in ns.

        ``None`` where there is none: a camera that gives no JPEG or is lost, masks, or a view of a part.
        """
        return self._open(self._cameras).newest_jpeg(normal_path(path))

    def view(self, path: str) -> View:
        """What a camera shows of its scene at this moment, and whether that moves.

        PathError when no camera runs at ``path``, or one whose own access units are sent on.
        """
        return self._open(self._cameras).view(normal_path(path))

    async def set_view(
        self,
        path: str,
        pan: float | None = None,
        tilt: float | None = None,
        zoom: float | None = None,
        *,
        speed: float | None = None,
    ) -> None:
        """Shows another part of a camera's scene, to all who watch it.

        ``pan`` and ``tilt`` say where the middle of what is shown is, from -1 (left, below) to 1 (right,
        above), ``zoom`` how large it is, from 0, all of the scene, to 1, a quarter of its width; what is not
        given stays. It goes there with a part of full ``speed``, up to 1, at once without one, and never
        leaves the scene. Privacy masks stay where they are in it. PathError as in :meth:`view`,
        ConfigurationError for what is out of range.
        """
        self._open(self._cameras).go(normal_path(path), pan, tilt, zoom, speed)

    async def move_view(
        self,
        path: str,
        *,
        pan: float = 0.0,
        tilt: float = 0.0,
        zoom: float = 0.0,
        seconds: float | None = None,
    ) -> None:
        """Moves what a camera shows, with parts of full speed from -1 to 1, by each picture a little.

        It ends at an edge, after ``seconds``, with the next call of :meth:`set_view`, or with
        :meth:`stop_view`. PathError and ConfigurationError as in :meth:`set_view`.
        """
        self._open(self._cameras).move(normal_path(path), Direction(pan, tilt, zoom), seconds)

    async def stop_view(self, path: str, *, turning: bool = True, zooming: bool = True) -> None:
        """Ends a motion, or only that of pan and tilt, or of zoom. PathError as in :meth:`view`."""
        self._open(self._cameras).stop_moving(normal_path(path), turning=turning, zooming=zooming)

    def publish(
        self,
        path: str,
        tracks: Sequence[Track] | None = None,
        *,
        can_force_key_frames: bool = True,
        **wishes: Unpack[Wishes],
    ) -> Publisher:
        """Starts a stream that this program makes; without ``tracks`` it has one of H.264.

        ``wishes`` (encoder, bitrate, fps, gop_seconds...) are for :meth:`Publisher.write_frame`. A program
        that writes access units and cannot make a random access point when :meth:`Publisher.key_frame_wanted`
        asks for one sets ``can_force_key_frames`` to False: readers then start with the cached pictures.
        """
        path = self._free_path(path)
        settings = msgspec.structs.replace(CameraSettings(), **wishes)
        if settings.masks:
            raise ConfigurationError(
                Message(
                    "Privacy masks are drawn on the pictures of cameras only: draw on those that you "
                    "publish before you write them."
                )
            )
        stream = self._streams.add(path, tracks or [Track.h264()], settings.join, can_force_key_frames)
        return Publisher(stream, settings, lambda: self._streams.remove(path))

    # Paths

    @property
    def paths(self) -> Mapping[str, PathSettings]:
        """The settings of paths that have some of their own, those of :meth:`set_path` included."""
        return self.config.paths

    async def set_path(self, path: str, settings: PathSettings, *, dry_run: bool = False) -> Reload:
        """Gives a path these settings, in place of those that it had, as :meth:`reload` does.

        It lasts until the relay is closed or reloaded. With ``dry_run`` nothing is changed.
        """
        return await self._change_path(normal_path(path), settings, dry_run)

    async def remove_path(self, path: str, *, dry_run: bool = False) -> Reload:
        """Forgets the settings of a path, which is then as any other. PathError when it has none."""
        return await self._change_path(normal_path(path), None, dry_run)

    async def _change_path(self, path: str, settings: PathSettings | None, dry_run: bool) -> Reload:
        engine = self._open(self._engine)
        async with self._reloading:
            paths = dict(self.paths)
            if settings is not None:
                paths[path] = settings
            elif paths.pop(path, None) is None:
                raise PathError(Message("The path {path} has no settings of its own.", path=repr(path)))
            plan = plan_paths(self.config, self.users, paths, engine.sessions())
            if not dry_run:
                await self._apply(plan, None)
                self._emit(SettingsChanged(path=path))
        return plan

    def path_status(self) -> list[PathStatus]:
        """How all paths do that have settings or a stream, by name."""
        return self._open(self._paths).status()

    async def prepare(self, path: str) -> None:
        """Starts what a path needs to be read, and waits for it: a source on demand, or the rendition.

        Clients of the relay need not be told; a program calls this before :meth:`read` or :meth:`frames`.
        SourceError when it will not be there in time.
        """
        await self._open(self._paths).prepare(normal_path(path))

    async def playable_sound(self, path: str, codecs: Collection[str]) -> str | None:
        """The path at which the sound of ``path`` is in one of these codecs, for who plays no other.

        ``None`` where that is ``path`` itself, and where there is no sound that could be made to it. What it
        takes is started: sound is encoded anew at PATH/opus or PATH/aac while somebody reads it there, on the
        clock of the pictures. PathError when there is no stream, SourceError when the sound does not come.
        """
        path = normal_path(path)
        tracks = self._streams.named(path).tracks
        if any(track.kind == "audio" and track.codec in codecs for track in tracks):
            return None
        base = self._base_of(path)
        if base != path and base in self._streams:
            return await self._sound_of(base, codecs)
        return await self._sound_of(path, codecs)

    async def _sound_of(self, path: str, codecs: Collection[str]) -> str | None:
        tracks = self._streams.named(path).tracks
        number = sound_of(tracks)
        if number is None:
            return None
        if tracks[number].codec in codecs:
            return path
        made = next((path + SOUNDS[codec] for codec in codecs if codec in SOUNDS), None)
        if made is not None:
            await self._open(self._paths).prepare(made)
        return made

    # Reading

    def read(self, path: str) -> AccessUnitReader:
        """The access units of a stream, from its newest random access point on.

        PathError when there is no stream.
        """
        reader = self._streams.open_reader(path)
        found = AccessUnitReader(reader)
        self._open(self._link).add_reader(reader.id, found)
        return found

    def frames(self, path: str) -> FrameReader:
        """The decoded pictures of a stream, the newest first where there are too many.

        PathError as in :meth:`read`.
        """
        reader = self._streams.open_reader(path)
        found = FrameReader(reader)
        self._open(self._link).add_reader(reader.id, found)
        return found

    def events(self) -> EventReader:
        """What happens from now on, as an asynchronous iterator of :class:`relaycore.events.Event`."""
        reader = EventReader()
        self._events.add(reader)
        return reader

    def watching(self, path: str | None = None) -> AbstractContextManager[None]:
        """Has the pictures of a camera looked at as long as it is entered, of all of them without a path.

        What is found is told by MotionChanged, SceneChanged and DarknessChanged of :mod:`relaycore.events`. A
        camera whose settings have a table ``motion`` is looked at in any case, or never, as it says; one
        whose pictures are sent on as they come never is.
        """
        return self._open(self._cameras).watching(None if path is None else normal_path(path))

    def picture_state(self, path: str) -> PictureState | None:
        """What is found in the pictures of a camera now; ``None`` while they are not looked at."""
        return self._open(self._cameras).picture_state(normal_path(path))

    # Alerts

    def alerts(self) -> list[Alert]:
        """The newest alerts, the newest first.

        Where there is a ledger, those that it would have told of before the start are among them.
        """
        return self._open(self._alerts).newest

    # Recording

    async def record_act(
        self, act: str, target: str | None = None, *, user: str | None = None, means: str = "program"
    ) -> None:
        """Puts on record that ``user`` is about to do something: ``act`` to ``target``.

        Does nothing where there is no ledger. StateError where it cannot be written and nothing is to be done
        then. The relay records by itself what is done over HTTP and on the command line.
        """
        if self._ledger is not None:
            await self._ledger.act(act, target, means=means, user=user)

    # Looking

    @property
    def address(self) -> tuple[str, int]:
        """Address and port that it listens on."""
        self._open(self._engine)
        return self._address

    def urls(self, path: str) -> list[str]:
        """The RTSP URLs of a path, one for each address that it listens on, the best one first.

        They are those of encrypted connections (`rtsps://`) where others are not taken.
        """
        host, port = self.address
        scheme = "rtsps" if self.config.tls.required else "rtsp"
        addresses = reachable_addresses(host)
        return [f"{scheme}://{url_host(address)}:{port}/{normal_path(path)}" for address in addresses]

    @property
    def certificate(self) -> TlsFiles | None:
        """The certificate that connections may be encrypted with; ``None`` where they may not."""
        return self._tls

    def sessions(self) -> list[Session]:
        """The sessions at this moment, those of browsers included."""
        return self._open(self._engine).sessions()

    def kick(self, session: str) -> bool:
        """Ends a session by its id. False when there is none."""
        return self._open(self._engine).kick(session)

    def end_sessions(self, user: str, reason: str = "ended by the program") -> list[Session]:
        """Ends all that a user has open, and gives the sessions of RTSP that were among it.

        Connections of RTSP and HTTP on which the user came in are closed, too. Who still has the right to may
        come in again. ``reason`` is for the ledger and the log.
        """
        engine = self._open(self._engine)
        ended = [session for session in engine.sessions() if session.user == user]
        self._open(self._leases).revoke({user}, reason)
        return ended

    # Share links

    def shares(self) -> list[ShareLink]:
        """The share links, those that have ended not long ago among them, the newest first."""
        return sorted(self.users.links, key=lambda link: (-link.made, link.id))

    async def share(
        self, path: str, purpose: str, *, seconds: float, sessions: int = 0, user: str | None = None
    ) -> ShareLink:
        """Makes a link by which anyone reads ``path`` for so many seconds, ``sessions`` at a time (0: any).

        Where there is a state folder, the link is still good when the relay is started again. ``user`` is who
        makes it. ConfigurationError where it cannot be a link, StateError where it cannot be kept.
        """
        link = checked_link(path, purpose, seconds=seconds, sessions=sessions, made_by=user)
        await self._open(self._sharing).add(link)
        self._ask_before_media(self._open(self._engine))
        return link

    def share_token(self, link: ShareLink) -> str:
        """What stands in a URL behind ``?share=``. It lets in whoever has it."""
        return self.users.links.token(link)

    async def revoke_share(self, link_id: str, reason: str = "The share link was revoked") -> bool:
        """Ends a share link, and all that is open by it. False where there is none that lets anybody in."""
        link = await self._open(self._sharing).revoke(link_id)
        if link is not None:
            self._revoke({link.name}, reason)
        return link is not None

    def streams(self) -> list[StreamStatus]:
        """What is live at this moment, by path."""
        cameras, shown = self._open(self._cameras), self._streams.shown
        return [
            StreamStatus(path, tuple(stream.tracks), stream.stats(), cameras.status(shown(path)))
            for path, stream in self._streams.items()
        ]

    def latency(self, path: str) -> list[StageLatency]:
        """How long the last pictures of a stream spent in each stage. PathError when there is no stream."""
        return summarise(self._streams.named(normal_path(path)).latency())

    # Inside

    async def _open_tls(self, engine: Engine, host: str) -> None:
        settings = self.config.tls
        if not (settings.enabled or settings.required or settings.certificate):
            return
        folder = Path(self.config.state_folder) if self.config.state_folder else None
        names = [*await asyncio.to_thread(reachable_addresses, host), self.config.host]
        files = TlsFiles(settings, engine.set_certificate, folder=folder, names=names)
        await files.open()
        self._tls = files

    @staticmethod
    def _refuse_strangers(host: str, settled: bool) -> None:
        """ConfigurationError where the network comes in and it is not settled who that may be."""
        if settled or is_loopback(host):
            return
        raise ConfigurationError(
            Message(
                "Listening on {host} lets the network in: add a user, or set anonymous = true to let "
                "everybody in.",
                host=host,
            )
        )

    async def _apply(self, plan: Reload, users: Iterable[User] | None) -> None:
        """Does what was planned; without ``users`` they stay."""
        engine, cameras, paths = (
            self._open(self._engine),
            self._open(self._cameras),
            self._open(self._paths),
        )
        for ending in plan.sessions:
            self._because(ending.session.id, ending.reason)
            engine.kick(ending.session.id)
        if users is not None:
            self.users.replace(users)
        before, config = self.config.cameras, plan.config
        self.config = config
        self._gatekeeper.apply(self._policy(config))
        self._ask_before_media(engine)
        self._open(self._leases).revoke({change.user for change in plan.changes if change.user is not None})
        engine.set_notices(notices_of(config))
        paths.configure(config.paths, config.path_defaults)
        changed = [
            path
            for path, settings in before.items()
            if config.cameras.get(path) != settings
            and not await self._change(cameras, path, settings, config.cameras.get(path))
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
            self._emit(CameraFailed(path=path, reason=str(error)))
        # A camera that failed is tried again at the next reload.
        opened = {path: settings for path, settings in config.cameras.items() if path not in failures}
        self.config = msgspec.structs.replace(self.config, cameras=opened)
        self._name_camera()

    def _name_camera(self) -> None:
        """Has readers find the camera by the names that recorders guess, where there is exactly one."""
        engine, cameras = self._open(self._engine), self._open(self._cameras)
        self._aliases = aliases_of(cameras.paths, self.config.paths) if self.config.aliases else []
        engine.set_aliases(self._aliases)

    def named_path(self, name: str, query: str = "") -> str:
        """The path that readers mean by a name: another one where recorders guess this, otherwise itself.

        The empty name is that of the only camera.
        """
        if not name and self._aliases:
            return self._aliases[0][2]
        if name in self._streams:
            return name
        return path_of(self._aliases, name, query) or name

    async def _change(
        self, cameras: Cameras, path: str, before: CameraSettings, after: CameraSettings | None
    ) -> bool:
        """Goes on with what may change while it runs; False where more has, or it takes opening it anew."""
        if after is None:
            return False
        try:
            changed = await cameras.change(path, before, after)
        except Exception:
            # It is closed whatever went wrong, which is told when it is opened anew.
            return False
        if changed and after.sub and not before.sub:
            self._open(self._paths).keep_sub(path)
        return changed

    async def _ask_webhook(self, url: str) -> None:
        """Has the server at this URL decide, too, from now on; none where it is empty."""
        before = self._gatekeeper.webhook
        if before is not None and before.url == url:
            return
        self._gatekeeper.webhook = DecisionWebhook(url) if url else None
        if before is not None:
            await before.close()

    def _ask_before_media(self, engine: Engine) -> None:
        """Has the engine ask before media flows where that may be refused."""
        on_record = self._ledger is not None and self._ledger.refuses
        self._asks_before_media = on_record or self._gatekeeper.limits_sessions
        engine.ask_before_media(self._asks_before_media)

    def _accounts_changed(self, gone: Collection[str] | None) -> None:
        """The account file has changed, and these are gone; ``None`` where it only has more share links."""
        if gone is None:
            self._ask_before_media(self._open(self._engine))
        else:
            self._revoke(gone)

    def _revoke(self, names: Collection[str], reason: str | None = None) -> None:
        """The users or share links are others: ends all of these, and what is not allowed any more."""
        self._ask_before_media(self._open(self._engine))
        self._open(self._leases).revoke(names, reason)

    def _disconnect(self, users: Collection[str]) -> None:
        if self._web is not None:
            self._web.disconnect(users)

    def _because(self, session: str, reason: str) -> None:
        if self._ledger is not None:
            self._ledger.because(session, reason)

    def _count_journeys(self, engine: Engine) -> Journeys | None:
        """Begins to count attempts to view, where that is wished and there is a place for it."""
        if not (self.config.journeys.enabled and self.config.state_folder):
            return None
        journeys = Journeys(
            Path(self.config.state_folder),
            self.config.journeys,
            unix_ns=engine.unix_ns,
            is_there=lambda path: path in self._streams or path in self.config.paths,
            discarded=lambda: engine.discarded_journeys,
        )
        journeys.start()
        engine.tell_journeys(True)
        return journeys

    def _on_journey(self, journey: Journey) -> None:
        if self._journeys is not None:
            self._journeys.attempt(journey)

    def _make_ledger(self, engine: Engine) -> Ledger | None:
        """The ledger, where there is to be one; not open yet."""
        settings = self.config.ledger
        if not settings.enabled:
            return None
        if not self.config.state_folder:
            raise ConfigurationError(
                Message("The ledger is kept in the state folder: set state_folder, too.")
            )
        ledger = Ledger(
            Path(self.config.state_folder),
            settings,
            who=lambda session: self.users.identity(session.user, session.ticket),
            purpose=self._purpose,
            unix_ns=engine.unix_ns,
        )
        self._gatekeeper.on_refused = ledger.refused
        return ledger

    def _tell_of(self, alert: Alert) -> None:
        self._emit(AlertRaised(path=alert.path or "", alert=alert))

    def _purpose(self, path: str) -> str | None:
        """What a path is for, by its settings or by those of the path that it is made of."""
        return self.config.path_settings(self._base_of(path)).purpose

    def _base_of(self, path: str) -> str:
        """The path that one is made of by its name; itself where it has settings of its own."""
        if path in self.config.paths:
            return path
        return camera_of(path, _AllCameras(self)) or base_of(path)

    def _policy(self, config: Config) -> Policy:
        """The policy in some settings, for all cameras that there are at a time."""
        return Policy.of(config, _AllCameras(self))

    def serves_camera(self, path: str) -> bool:
        """Whether a camera is served at a path, be it stopped or not."""
        return path in self.config.cameras or (self._cameras is not None and path in self._cameras)

    def _path_host(self, engine: Engine) -> PathHost:
        return PathHost(
            engine=engine,
            cameras=self._open(self._cameras),
            add_stream=self._streams.add,
            remove_stream=self._streams.remove,
            stream=self._streams.get,
            open_pump=self._open_pump,
            emit=self._emit,
        )

    def _listen(self, engine: Engine, host: str) -> tuple[str, int]:
        try:
            return engine.listen(host, self.config.port)
        except OSError as error:
            raise ListenError(listen_sentence(error, host, self.config.port)) from None

    def _free_path(self, path: str) -> str:
        cameras = self._open(self._cameras)
        path = normal_path(path)
        if path in self._streams or path in cameras:
            raise PathError(
                Message(
                    "The path {path} is taken: choose another one, or end its stream first.", path=repr(path)
                )
            )
        return path

    def _open_pump(self, path: str) -> UnitPump:
        pump = UnitPump(self._streams.open_reader(path))
        self._open(self._link).add_reader(pump.number, pump)
        return pump

    def _on_session(self, happened: SessionEvent) -> None:
        session = happened.session
        if self._web is not None:
            self._web.on_session(happened)
        if self._leases is not None:
            (self._leases.begin if happened.kind == "started" else self._leases.end)(session)
        if self._ledger is not None:
            if happened.kind == "started":
                self._ledger.session_started(session)
            else:
                self._ledger.session_ended(session, happened.reason)
        if self._journeys is not None:
            if happened.kind == "started":
                self._journeys.started(session)
            else:
                self._journeys.ended(session, happened.reason)
        if happened.kind == "started":
            self._emit(SessionStarted(path=session.path, session=session))
        else:
            self._emit(SessionEnded(path=session.path, session=session, reason=happened.reason))

    def _admit(self, session: Session, answer: Callable[[Refuse | None], None]) -> None:
        """Answers when a session is on record; says why it may not go on where that cannot be."""
        refused = None if self._leases is None else self._leases.admit(session)
        if refused is not None or self._ledger is None:
            answer(refused)
        else:
            self._ledger.admit(session, answer)

    def _admit_from_web(self, session: Session, answer: Callable[[Refuse | None], None]) -> None:
        """As :meth:`_admit`, where the engine would ask."""
        if self._asks_before_media:
            self._admit(session, answer)
        else:
            answer(None)

    async def _prepare(self, request: Request) -> Refuse | None:
        """Makes a path ready for who may read or publish it; says why that cannot be."""
        paths, path = self._open(self._paths), request.path.strip("/")
        if request.action == "publish":
            paths.prepare_publisher(path)
            return None
        try:
            await paths.prepare(path)
        except SourceError as error:
            return Refuse(404, str(error))
        return None

    def _on_pull(self, happened: PullEvent) -> None:
        self._open(self._paths).on_pull(happened)

    def _on_http(self, connection: HttpConnection) -> None:
        # Without anybody who takes it, it is closed with this object.
        if self._web is not None:
            self._web.take(connection)

    def _emit(self, event: Event) -> None:
        """Gives an event to whoever listens; from any thread."""
        if self._loop is None or self._loop.is_closed():
            return
        if threading.get_ident() == self._thread:
            self._push(event)
        else:
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                self._loop.call_soon_threadsafe(self._push, event)

    def _on_picture(self, path: str, luma: bytes, brightness: float) -> None:
        """A small picture of a camera; from any thread."""
        picture = CameraPicture(now_ms(), path, luma, brightness)
        if self._loop is not None and self._alerts is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                self._loop.call_soon_threadsafe(self._alerts.take, picture)

    def _push(self, event: Event) -> None:
        for reader in list(self._events):
            reader.push(event)
        if self._alerts is not None:
            self._alerts.happened(event)
        if self._paths is not None:
            self._paths.happened(event)
        if self._announcement is not None and isinstance(event, _DEVICE_EVENTS):
            self._announcement.changed()

    @staticmethod
    def _open(part: _Part | None) -> _Part:
        if part is None:
            raise RelayClosed(Message("The relay is not open: use it inside `async with Relay(...)`."))
        return part


class _AllCameras:
    """The paths of the cameras of a relay, at any time: also of those that the program has added."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self._relay.serves_camera(path)
