"""The relay: what a program that embeds relaycore uses."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self, Unpack

import msgspec

from relaycore._relaycore import Engine, Session, Track
from relaycore.access.decisions import DECISION_TIMEOUT_S, Gatekeeper
from relaycore.access.outside import Authorise
from relaycore.access.policy import Policy
from relaycore.access.rules import base_of
from relaycore.access.share_links import ShareLink
from relaycore.access.sharing import checked_link
from relaycore.access.users import UserStore
from relaycore.addresses import reachable_addresses, url_host
from relaycore.alerts.model import Alert
from relaycore.cameras import Rendition
from relaycore.capture.model import Control, ControlName
from relaycore.encode.running import EncoderOptions, EncoderState, EncoderWish
from relaycore.errors import ConfigurationError, RelayClosed
from relaycore.events import EventReader
from relaycore.language import Message
from relaycore.latency import StageLatency, summarise
from relaycore.onvif.analysis.watch import PictureState
from relaycore.onvif.device import Devices
from relaycore.parts.events import EventExchange
from relaycore.parts.names import AllCameras, Names
from relaycore.parts.records import Records
from relaycore.parts.running import Lasting, Running
from relaycore.parts.settings import CurrentSettings
from relaycore.parts.sounds import playable_sound
from relaycore.paths.hooks import HookFunction
from relaycore.paths.path import PathStatus
from relaycore.pipeline.view import Direction, View
from relaycore.publisher import Publisher
from relaycore.readers import AccessUnitReader, FrameReader
from relaycore.relay_types import Overrides, StreamStatus, Wishes
from relaycore.reload.plan import Reload
from relaycore.settings import CameraSettings, Config, Faults, PathSettings, normal_path
from relaycore.settings.onvif import check_onvif
from relaycore.stream_table import StreamTable
from relaycore.tls import TlsFiles
from relaycore.web.server import Web
from relaycore.web.viewing import Entrance

__all__ = ["Relay", "StreamStatus"]


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
        check_onvif(config.onvif)
        self.users = UserStore(config.users)
        """The users; may be changed at any time."""
        # Their passwords are kept no longer than needed.
        self._settings = CurrentSettings(msgspec.structs.replace(config, users=[]))
        self.load_settings: Callable[[], Config] | None = None
        """Reads the settings anew, for who asks for that over HTTP. Set by a program that has them in a
        file; called in a thread."""
        self.devices = Devices(self)
        """What it is for programs that look for cameras of ONVIF."""
        self._events = EventExchange()
        self._streams = StreamTable(self._events.emit)
        self._all_cameras = AllCameras(self._settings)
        self._names = Names(self._settings, self._streams, self._all_cameras)
        self._lasting = Lasting(
            settings=self._settings,
            gatekeeper=Gatekeeper(
                self.users,
                Policy.of(config, self._all_cameras),
                authorise=authorise,
                timeout=decision_timeout,
            ),
            hooks={
                "ready": on_ready,
                "not_ready": on_not_ready,
                "reader_start": on_reader_start,
                "reader_end": on_reader_end,
            },
            streams=self._streams,
            events=self._events,
            all_cameras=self._all_cameras,
            names=self._names,
            devices=self.devices,
        )
        self._lasting.gatekeeper.turns_away = self.turns_away
        self._opened: Running | None = None
        self._records: Records | None = None

    @property
    def config(self) -> Config:
        """The settings, without the users."""
        return self._settings.config

    # Opening and closing

    async def __aenter__(self) -> Self:
        if self._opened is not None:
            raise RelayClosed(Message("The relay is open already: make another one."))
        running = self._opened = Running(self._lasting)
        self._records = running.records
        try:
            await running.open(self._make_web)
        except BaseException:
            await self.aclose()
            raise
        return self

    def _make_web(self, engine: Engine, entrance: Entrance, records: Records) -> Web:
        parts = records.ledger, records.alerts, records.journeys
        return Web(self, engine, self._lasting.gatekeeper, entrance, *parts)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends cameras, publishers and sessions, tells every reader, and closes the port.

        Takes at most 5 seconds.
        """
        running = self._opened
        if running is None:
            return
        await running.withdraw()
        if self._opened is not running:
            return  # it was called twice at the same time
        self._opened = None
        await running.close()
        self._records = None

    @property
    def _running(self) -> Running:
        if self._opened is None:
            raise RelayClosed(Message("The relay is not open: use it inside `async with Relay(...)`."))
        return self._opened

    async def reload(self, config: Config, *, dry_run: bool = False) -> Reload:
        """Goes on with other settings, and tells what changed and which sessions ended by it.

        Sessions go on unless their path changed in a way that ends them, or their user lost the right to it.
        Settings that hold from start to end, like the port, stay as they were. Paths, cameras and users are
        those of ``config`` from now on, but cameras that the program has added stay. A camera that does not
        open is told as :class:`relaycore.events.CameraFailed`. With ``dry_run`` nothing is changed.
        ConfigurationError, and nothing is changed, where the network comes in and ``config`` has neither
        users nor ``anonymous``.
        """
        running = self._running
        return await running.changes.reload(config, running.address[0], dry_run=dry_run)

    # Cameras and publishers

    async def add_camera(
        self, path: str, settings: CameraSettings | None = None, **wishes: Unpack[Wishes]
    ) -> None:
        """Opens a camera and serves it at ``path``; returns when it delivers.

        What is wished stands in ``settings``, in keywords, or in both, where the keywords win. DeviceError,
        EncoderError or PathError when it cannot be done, ConfigurationError for masks that are not right.
        """
        settings = msgspec.structs.replace(settings or CameraSettings(), **wishes)
        await self._running.changes.add_camera(path, settings)

    async def set_camera(self, path: str, settings: CameraSettings) -> None:
        """Opens a camera as :meth:`add_camera` does, and has it among the settings until the next reload."""
        await self._running.changes.set_camera(normal_path(path), settings)

    async def remove_camera(self, path: str) -> None:
        """Closes a camera, and ends its stream. PathError when there is none at ``path``.

        One of the settings comes back with the next reload.
        """
        await self._running.changes.remove_camera(normal_path(path))

    def mirror(self, path: str, of: str) -> None:
        """Shows at ``path`` what the stream at ``of`` shows, as if it came from another camera.

        It has SSRCs, sequence numbers and timestamps of its own, and costs something only while somebody
        reads it: the pictures are encoded and packetised once. It ends with that stream, or by
        :meth:`remove_mirror`. PathError when there is no stream at ``of``, or when ``path`` is taken.
        """
        self._streams.mirror(self._names.free(path), normal_path(of))

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

    async def start_multicast(self, path: str, *, keep: bool = False) -> None:
        """Sends a path to its group of multicast also without a session of RTSP, for who only listens.

        Does so until :meth:`stop_multicast` or :meth:`close`, also when its stream ends and comes back; with
        ``keep`` after a restart, too, where there is a state folder. A source on demand is started. PathError
        where the path has no group that can be sent to, SourceError when its source does not come in time,
        StateError when it is sent but cannot be kept.
        """
        await self._running.changes.start_multicast(normal_path(path), keep=keep)

    async def stop_multicast(self, path: str) -> None:
        """Takes :meth:`start_multicast` back: a path is sent to its group for sessions alone, as at first.

        StateError when that is done but does not hold after a restart.
        """
        await self._running.changes.stop_multicast(normal_path(path))

    def sends_multicast(self, path: str) -> bool:
        """Whether a path is sent to its group without a session: after :meth:`start_multicast`."""
        return self._running.paths.sends_multicast(normal_path(path))

    def keeps_multicast(self, path: str) -> bool:
        """Whether that was begun with ``keep``: with a state folder it outlasts a restart."""
        return self._running.changes.keeps_multicast(normal_path(path))

    async def stop_source(self, path: str) -> None:
        """Stops what feeds a path, its camera or its source, until :meth:`start_source`.

        Its stream ends. Other settings do not start it. PathError when nothing feeds it that the relay could
        start again: publishers are ended by :meth:`kick`.
        """
        await self._running.changes.stop_source(normal_path(path))

    async def start_source(self, path: str) -> None:
        """Starts again what :meth:`stop_source` has stopped, and waits until a camera delivers.

        What it raises is as for :meth:`add_camera`; does nothing where nothing was stopped.
        """
        await self._running.changes.start_source(normal_path(path))

    @property
    def stopped(self) -> frozenset[str]:
        """The paths whose camera or source somebody has stopped."""
        return self._running.changes.stopped

    # What cameras are, encode and show

    async def camera_controls(self, path: str) -> Mapping[ControlName, Control]:
        """What can be set of a camera itself, like its brightness, and what that is at this moment.

        Empty for what has no controls: cameras of Windows and macOS, test patterns and files. PathError when
        no camera runs at ``path``, DeviceError when its driver does not say.
        """
        return await self._running.cameras.controls(normal_path(path))

    async def set_camera_controls(
        self, path: str, values: Mapping[ControlName, int], *, keep: bool = True
    ) -> None:
        """Sets controls of a camera itself, all of these or none; its stream goes on.

        They are set again when the camera is opened anew or comes back, and with ``keep`` after a restart,
        too, where there is a state folder. PathError when no camera runs at ``path``, ConfigurationError for
        what is none of :meth:`camera_controls` or out of its range, DeviceError when the driver refuses it,
        StateError when it is set but cannot be kept.
        """
        await self._running.cameras.set_controls(normal_path(path), values, keep=keep)

    def encoder(self, path: str, rendition: Rendition = "main") -> EncoderState:
        """How the pictures of a camera are encoded at this moment: what the encoder that runs was told.

        ``sub`` is the smaller rendition at PATH/sub; where nobody reads it, how it would be encoded.
        PathError when no camera runs at ``path``.
        """
        return self._running.cameras.encoder(self._streams.shown(normal_path(path)), rendition)

    def encoder_options(self, path: str, rendition: Rendition = "main") -> EncoderOptions:
        """What :meth:`set_encoder` takes there. PathError when no camera runs at ``path``."""
        return self._running.cameras.encoder_options(self._streams.shown(normal_path(path)), rendition)

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
        wish = EncoderWish(width, height, fps, bitrate, gop_seconds)
        await self._running.changes.set_encoder(normal_path(path), rendition, wish, keep=keep)

    def force_key_frame(self, path: str, rendition: Rendition = "main") -> bool:
        """Has the next picture of a camera be a random access point. False where the camera encodes itself.

        PathError when no camera runs at ``path``.
        """
        return self._running.cameras.force_key_frame(self._streams.shown(normal_path(path)), rendition)

    def newest_jpeg(self, path: str) -> tuple[bytes, int] | None:
        """The newest JPEG that the camera at a path gave, as it is, and the time of its capture in ns.

        ``None`` where there is none: a camera that gives no JPEG or is lost, masks, or a view of a part.
        """
        return self._running.cameras.newest_jpeg(normal_path(path))

    def view(self, path: str) -> View:
        """What a camera shows of its scene at this moment, and whether that moves.

        PathError when no camera runs at ``path``, or one whose own access units are sent on.
        """
        return self._running.cameras.view(normal_path(path))

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
        self._running.cameras.go(normal_path(path), pan, tilt, zoom, speed)

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
        self._running.cameras.move(normal_path(path), Direction(pan, tilt, zoom), seconds)

    async def stop_view(self, path: str, *, turning: bool = True, zooming: bool = True) -> None:
        """Ends a motion, or only that of pan and tilt, or of zoom. PathError as in :meth:`view`."""
        self._running.cameras.stop_moving(normal_path(path), turning=turning, zooming=zooming)

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
        path = self._names.free(path)
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
        return await self._running.changes.change_path(normal_path(path), settings, dry_run=dry_run)

    async def remove_path(self, path: str, *, dry_run: bool = False) -> Reload:
        """Forgets the settings of a path, which is then as any other. PathError when it has none."""
        return await self._running.changes.change_path(normal_path(path), None, dry_run=dry_run)

    def path_status(self) -> list[PathStatus]:
        """How all paths do that have settings or a stream, by name."""
        return self._running.paths.status()

    async def prepare(self, path: str) -> None:
        """Starts what a path needs to be read, and waits for it: a source on demand, or the rendition.

        Clients of the relay need not be told; a program calls this before :meth:`read` or :meth:`frames`.
        SourceError when it will not be there in time.
        """
        await self._running.paths.prepare(normal_path(path))

    async def playable_sound(self, path: str, codecs: Collection[str]) -> str | None:
        """The path at which the sound of ``path`` is in one of these codecs, for who plays no other.

        ``None`` where that is ``path`` itself, and where there is no sound that could be made to it. What it
        takes is started: sound is encoded anew at PATH/opus or PATH/aac while somebody reads it there, on the
        clock of the pictures. PathError when there is no stream, SourceError when the sound does not come.
        """
        paths = self._running.paths
        return await playable_sound(
            normal_path(path), codecs, streams=self._streams, names=self._names, paths=paths
        )

    # Reading

    def read(self, path: str) -> AccessUnitReader:
        """The access units of a stream, from its newest random access point on.

        PathError when there is no stream.
        """
        reader = self._streams.open_reader(path)
        found = AccessUnitReader(reader)
        self._running.link.add_reader(reader.id, found)
        return found

    def frames(self, path: str) -> FrameReader:
        """The decoded pictures of a stream, the newest first where there are too many.

        PathError as in :meth:`read`.
        """
        reader = self._streams.open_reader(path)
        found = FrameReader(reader)
        self._running.link.add_reader(reader.id, found)
        return found

    def events(self) -> EventReader:
        """What happens from now on, as an asynchronous iterator of :class:`relaycore.events.Event`."""
        return self._events.reader()

    def watching(self, path: str | None = None) -> AbstractContextManager[None]:
        """Has the pictures of a camera looked at as long as it is entered, of all of them without a path.

        What is found is told by MotionChanged, SceneChanged and DarknessChanged of :mod:`relaycore.events`. A
        camera whose settings have a table ``motion`` is looked at in any case, or never, as it says; one
        whose pictures are sent on as they come never is.
        """
        return self._running.cameras.watching(None if path is None else normal_path(path))

    def picture_state(self, path: str) -> PictureState | None:
        """What is found in the pictures of a camera now; ``None`` while they are not looked at."""
        return self._running.cameras.picture_state(normal_path(path))

    # Alerts

    def alerts(self) -> list[Alert]:
        """The newest alerts, the newest first.

        Where there is a ledger, those that it would have told of before the start are among them.
        """
        return self._running.records.alerts.newest

    # Recording

    async def record_act(
        self, act: str, target: str | None = None, *, user: str | None = None, means: str = "program"
    ) -> None:
        """Puts on record that ``user`` is about to do something: ``act`` to ``target``.

        Does nothing where there is no ledger. StateError where it cannot be written and nothing is to be done
        then. The relay records by itself what is done over HTTP and on the command line.
        """
        if self._records is not None and self._records.ledger is not None:
            await self._records.ledger.act(act, target, means=means, user=user)

    # Looking

    @property
    def address(self) -> tuple[str, int]:
        """Address and port that it listens on."""
        return self._running.address

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
        return None if self._opened is None else self._opened.tls

    def sessions(self) -> list[Session]:
        """The sessions at this moment, those of browsers included."""
        return self._running.engine.sessions()

    def kick(self, session: str) -> bool:
        """Ends a session by its id. False when there is none."""
        return self._running.engine.kick(session)

    def end_sessions(self, user: str, reason: str = "ended by the program") -> list[Session]:
        """Ends all that a user has open, and gives the sessions of RTSP that were among it.

        Connections of RTSP and HTTP on which the user came in are closed, too. Who still has the right to may
        come in again. ``reason`` is for the ledger and the log.
        """
        return self._running.admission.end_sessions(user, reason)

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
        await self._running.sharing.add(link)
        self._running.admission.ask_before_media()
        return link

    def share_token(self, link: ShareLink) -> str:
        """What stands in a URL behind ``?share=``. It lets in whoever has it."""
        return self.users.links.token(link)

    async def revoke_share(self, link_id: str, reason: str = "The share link was revoked") -> bool:
        """Ends a share link, and all that is open by it. False where there is none that lets anybody in."""
        link = await self._running.sharing.revoke(link_id)
        if link is not None:
            self._running.admission.revoke({link.name}, reason)
        return link is not None

    def streams(self) -> list[StreamStatus]:
        """What is live at this moment, by path."""
        cameras, shown = self._running.cameras, self._streams.shown
        return [
            StreamStatus(path, tuple(stream.tracks), stream.stats(), cameras.status(shown(path)))
            for path, stream in self._streams.items()
        ]

    def latency(self, path: str) -> list[StageLatency]:
        """How long the last pictures of a stream spent in each stage. PathError when there is no stream."""
        return summarise(self._streams.named(normal_path(path)).latency())

    def named_path(self, name: str, query: str = "") -> str:
        """The path that readers mean by a name: another one where recorders guess this, otherwise itself.

        The empty name is that of the only camera.
        """
        return self._names.meant(name, query)

    def serves_camera(self, path: str) -> bool:
        """Whether a camera is served at a path, be it stopped or not."""
        return path in self._all_cameras
