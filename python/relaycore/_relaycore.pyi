"""The engine of relaycore: streams, readers, sockets and the frame handoff, written in Rust.

Times ending in ``_ns`` are nanoseconds of the engine's clock, `now_ns`. A media thread never runs Python
and never waits for it: what needs a decision is found by `Engine.poll`.
"""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Literal, final

from typing_extensions import Buffer

__all__ = [
    "AccessUnit",
    "Engine",
    "FrameBuffer",
    "FramePool",
    "H264Parameters",
    "Handoff",
    "Handshake",
    "HttpConnection",
    "Journey",
    "JpegInfo",
    "LoadRun",
    "LoadViewers",
    "Mask",
    "OfferRefused",
    "PullEvent",
    "Reader",
    "ReaderReady",
    "Rendition",
    "Request",
    "Session",
    "SessionEvent",
    "Stream",
    "StreamEvent",
    "StreamStats",
    "Track",
    "WebSession",
    "inspect_jpeg",
    "interface_addresses",
    "limits",
    "measure_floor",
    "now_ns",
]

def now_ns() -> int:
    """Nanoseconds of the engine's clock: monotonic, from an arbitrary zero that all media times share."""

def interface_addresses() -> list[tuple[str, int, IPv4Address | IPv6Address, int]]:
    """What addresses this machine has: name and number of an interface, an address of it, its prefix length.

    Of interfaces that are up. Raises OSError where the system does not tell.
    """

def limits() -> list[tuple[str, str, int, int, int]]:
    """Every limit: its name, unit, default, lowest and highest value."""

def measure_floor(plan: Buffer) -> bytes:
    """Measures what this machine can do at all: the same bytes to the same number of sockets, in a bare loop.

    Plan and report are JSON; their fields are ``FloorPlan`` and ``FloorReport`` in
    ``rust/relaycore-load/src/plan.rs`` and ``report.rs``. Takes as long as the plan says and a little longer,
    without the GIL. Raises ValueError for a plan that cannot be carried out, and OSError when the system
    lacks what it wants: descriptors, system calls, processors.
    """

def inspect_jpeg(data: Buffer) -> JpegInfo:
    """What a JPEG is, read from its segments without decoding it, tolerant of what webcams send.

    Raises ValueError when it cannot be decoded.
    """

@final
class JpegInfo:
    """What `inspect_jpeg` found."""

    @property
    def width(self) -> int:
        """Width in pixels."""
    @property
    def height(self) -> int:
        """Height in pixels."""
    @property
    def sampling(self) -> str:
        """Chroma sampling: ``420``, ``422``, ``440``, ``411``, ``444``, ``grey`` or ``other``."""
    @property
    def complete(self) -> bool:
        """Whether the end marker is there; without it the picture was probably cut."""
    @property
    def odd_segments(self) -> int:
        """Things that no JPEG should have and that were read over."""
    @property
    def start(self) -> int:
        """Offset of the start marker in bytes."""
    @property
    def end(self) -> int:
        """Offset behind the picture in bytes."""

@final
class H264Parameters:
    """What an H.264 sequence parameter set says."""

    @staticmethod
    def parse(parameters: Buffer) -> H264Parameters:
        """Reads the first one of an Annex B byte stream; ValueError when there is none or it is broken."""
    @property
    def width(self) -> int:
        """Width in pixels, after cropping."""
    @property
    def height(self) -> int:
        """Height in pixels, after cropping."""
    @property
    def profile_idc(self) -> int:
        """Profile: 66 baseline, 77 main, 100 high."""
    @property
    def level_idc(self) -> int:
        """Ten times the level."""
    @property
    def full_range(self) -> bool | None:
        """Whether luma goes from 0 to 255; None when it does not say."""
    @property
    def max_num_reorder_frames(self) -> int | None:
        """Most pictures that are sent before another and shown after it; None when it does not say."""

@final
class Track:
    """One audio or video of a stream. Immutable."""

    @staticmethod
    def h264(parameters: Buffer | None = None) -> Track:
        """H.264 video, 90 kHz.

        ``parameters`` are SPS and PPS as Annex B, when known before the first key frame.
        """
    @staticmethod
    def aac(config: Buffer) -> Track:
        """AAC audio as its AudioSpecificConfig says; ValueError when that cannot be read."""
    @staticmethod
    def jpeg() -> Track:
        """Motion JPEG video, 90 kHz."""
    @staticmethod
    def of(
        codec: str,
        *,
        clock_rate: int | None = None,
        channels: int | None = None,
        parameters: Buffer | None = None,
    ) -> Track:
        """A track of any codec.

        One of ``h264``, ``h265``, ``mpeg4``, ``jpeg``, ``vp8``, ``vp9``, ``av1``, ``mpegvideo``, ``mpegts``,
        ``aac``, ``latm``, ``opus``, ``pcmu``, ``pcma``, ``g722``, ``l16``, ``mpegaudio``, ``ac3``, ``other``.

        ``clock_rate`` is in Hz: None means what the payload format prescribes, 90 kHz for MPEG-4 and other
        formats, and what the configuration of AAC says. ``channels`` matter to audio only: None means one, or
        what the configuration says. ``parameters`` are what a decoder needs to start: parameter sets of H.264
        and H.265 as Annex B, the configuration of MPEG-4, AAC (required) and LATM. ValueError for an unknown
        codec, a clock rate that is missing or a configuration of AAC that cannot be read.
        """
    @property
    def codec(self) -> str:
        """Its name, as `of` takes it; ``other`` for what relaycore carries without looking into it."""
    @property
    def kind(self) -> str:
        """``video``, ``audio`` or ``application``: metadata and everything else."""
    @property
    def encoding(self) -> str:
        """Encoding name in SDP: ``H264``, or what the publisher wrote."""
    @property
    def fmtp(self) -> str | None:
        """Format parameters in SDP, as one text; None when the format has none."""
    @property
    def clock_rate(self) -> int:
        """Ticks of media time in a second."""
    @property
    def channels(self) -> int:
        """Channels of audio; 0 for video."""
    @property
    def parameters(self) -> bytes:
        """What a decoder needs before the first access unit; see the constructors."""
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...

@final
class Engine:
    """Streams by path and the threads that serve their readers."""

    def __new__(
        cls, *, shards: int = 0, limits: Mapping[str, int] | None = None, server_name: str | None = None
    ) -> Engine:
        """Starts ``shards`` threads (0: one a core).

        ValueError for a limit that is unknown or out of its range.
        """
    def listen(self, host: str, port: int) -> tuple[str, int]:
        """Accepts connections; port 0 takes a free one.

        Gives the address. OSError when it cannot be bound.
        """
    def fileno(self) -> int:
        """The socket that is readable while `poll` has something.

        ValueError once `poll` was called after `close`: nothing is to be waited for then.
        """
    def poll(self) -> list[Any]:
        """What happened since the last call, oldest first; never waits.

        These are `Request`, `SessionEvent`, `StreamEvent`, `PullEvent`, `ReaderReady`, `HttpConnection` and
        `Journey`.
        """
    @property
    def discarded_events(self) -> int:
        """Events that were lost because nobody polled."""
    def tell_journeys(self, tell: bool) -> None:
        """Whether attempts to read that end without a session are told as `Journey`; not at first."""
    @property
    def discarded_journeys(self) -> int:
        """Attempts that were not told because nobody polled."""
    def accept_http(self, accept: bool) -> None:
        """Whether connections that speak HTTP are given away as `HttpConnection`.

        At first they are told that this port speaks RTSP. RTSP tunnelled over HTTP stays here either way.
        """
    def ask_before_media(self, ask: bool) -> None:
        """Whether a `Request` is made before the first media of a session flows, too.

        It comes after the `SessionEvent` of the session, and names it. Not asked at first.
        """
    def set_certificate(self, chain: Buffer, key: Buffer) -> None:
        """From now on new connections may be encrypted with this certificate, on the same port.

        Both are PEM: the chain of certificates, the server's own first, and its private key. TLS 1.2 and 1.3
        are spoken. Connections that are there keep their certificate. Raises ValueError when they cannot be
        read or do not belong together.
        """
    def allow(self, request: int, user: str | None = None, ticket: int = 0) -> None:
        """Answers a request: it may, as this user. An old or unknown request is ignored.

        The sessions that come of it have this ``ticket``.
        """
    def challenge(self, request: int, challenges: Sequence[str]) -> None:
        """Answers a request with 401 and these ``WWW-Authenticate`` headers."""
    def refuse(self, request: int, status: int, reason: str) -> None:
        """Answers a request with a status from 300 to 599 and a reason for a person."""
    def add_stream(
        self,
        path: str,
        tracks: Sequence[Track],
        *,
        can_force_key_frames: bool = True,
        join: Literal["squeeze", "wait", "raw"] = "squeeze",
    ) -> Stream:
        """Adds a stream. ValueError when the path is taken or cannot be part of a URL.

        ``can_force_key_frames`` says whether the writer heeds `Stream.key_frame_wanted`; ``join`` what a
        reader gets first: the newest pictures squeezed up to now, only what comes, or the newest pictures
        as they are.
        """
    def mirror(self, path: str, of: str) -> Stream:
        """A stream at ``path`` that shows what the one at ``of`` shows, under numbers of its own.

        SSRCs, sequence numbers and timestamps are its own; the packets of ``of`` are made once. It costs
        something only while somebody reads it. It ends with ``of`` at the latest, and then still has to be
        removed. Nothing can be written to it. Raises ValueError when there is no stream at ``of``, or as
        :meth:`add_stream`.
        """

    def configure_path(
        self,
        path: str,
        *,
        join: Literal["squeeze", "wait", "raw"] = "squeeze",
        publisher_timeout: float = 30.0,
        takeover: bool = False,
        multicast: tuple[str, int, int, str | None] | None = None,
    ) -> None:
        """How a path treats publishers and pulls, and their readers, from now on.

        Readers stay ``publisher_timeout`` seconds when a publisher has left. With ``takeover`` a second
        publisher ends the first, otherwise it is refused. ``multicast`` are address of the group, even port
        of the first track, time to live, and name or address of the interface (None: by the routes of the
        system) for readers that ask for it, also where the program itself writes the stream. ValueError for
        an unknown policy, a timeout that is no number of seconds, or a group that cannot be one.
        """
    def forget_path(self, path: str) -> None:
        """The path is as any other again."""
    def set_notices(self, notices: dict[str, tuple[str, bool]]) -> None:
        """What readers are told of these paths in their descriptions from now on; nothing of all others.

        What each is for, ``""`` where nobody said, and whether more is written at ``/PATH/notice``.
        """
    def set_aliases(self, aliases: list[tuple[str, list[str], str]]) -> None:
        """Other names under which readers find paths from now on; the first that fits counts.

        Each is a name without slashes around it, what the query has to hold among other things, and the path.
        A stream at a path of the same name goes first.
        """
    def hold_group(self, path: str) -> None:
        """Sends to the group of a stream without a session, until `release_group` or the end of the stream.

        All who listen count as one reader. Does nothing where it is held already. KeyError when there is no
        such stream, ValueError when its path has no group, OSError when it cannot be sent to.
        """
    def release_group(self, path: str) -> bool:
        """Sends to the group of a stream for sessions alone again; False when it was not held."""
    def remove_stream(self, path: str) -> None:
        """Removes a stream, if there is one; its readers are told and ended."""
    def open_reader(self, path: str, *, max_bytes: int | None = None) -> Reader:
        """A reader in this process; KeyError when there is no such stream.

        It holds at most ``max_bytes`` of what was not taken; None means the limit ``python_reader_bytes``.
        """
    def pull(self, path: str, url: str, *, transport: Literal["auto", "tcp", "udp"] = "auto") -> int:
        """Feeds a path with the stream of an RTSP server, ``rtsp://user:password@host/...``.

        It is tried again and again, with growing pauses, until `stop_pull`; a `PullEvent` tells how it goes.
        ``tcp`` asks for packets on the connection, ``udp`` for datagrams, and for the other where none come
        through; ``auto`` begins with the connection. Gives the number of the pull. ValueError when the path
        cannot be part of a URL, the URL is none of RTSP, or the transport is unknown.
        """
    def stop_pull(self, pull: int) -> None:
        """Takes a pull back: its server gets a goodbye. One that is not known is ignored."""
    def sessions(self) -> list[Session]:
        """All sessions of now, those of browsers included."""
    def begin_session(
        self,
        path: str,
        protocol: Literal["webrtc", "websocket", "mjpeg", "hls"],
        *,
        peer: str,
        action: Literal["read", "publish"] = "read",
        user: str | None = None,
        ticket: int = 0,
        user_agent: str | None = None,
        secure: bool = False,
    ) -> WebSession:
        """Begins a session whose media the program carries; a `SessionEvent` tells of it.

        ``peer`` is address and port of the client. A session that reads ends with its stream. KeyError when
        there is no stream to read, RuntimeError when too many events wait to be polled, ValueError for an
        unknown protocol or action and for a peer that is no address.
        """
    def add_rendition(self, framing: Literal["websocket", "plain"]) -> Rendition:
        """A rendition that the program makes, without chunks and viewers.

        Its chunks go out as they are, or as messages of a WebSocket, whose control frames are answered.
        OSError when the operating system gives no threads.
        """
    def answer_offer(self, session: WebSession, offer: str, *, sound: str | None = None) -> str:
        """Answers the offer (SDP) of the client of a session that reads or publishes by WebRTC.

        Gives the answer; from then on the media flows without the program. The sound of a reader is that of
        its path, or of the stream at ``sound``. OfferRefused when there can be no answer.
        """
    def restart_ice(self, session: WebSession, fragment: str) -> str:
        """Lets the client of a session of WebRTC connect anew, with its new name and password for that.

        Takes what it says as a fragment of SDP (RFC 8840), and gives that which answers. Media goes on.
        OfferRefused when nothing new is said, or the session has ended.
        """
    def add_candidates(self, session: WebSession, fragment: str) -> None:
        """Takes candidates of the client of a session, from a fragment of SDP (RFC 8840)."""
    def kick(self, session: str) -> bool:
        """Ends a session; False when there is none of this id."""
    def revoke_decisions(self) -> None:
        """Asks anew about everything that was allowed before, when it is wanted the next time.

        Sessions go on, and so does what their own connections ask of them.
        """
    def disconnect(self, users: set[str]) -> None:
        """Ends the sessions of these users and closes the connections on which one of them was let in.

        Those are closed within half a second, whether their clients read what is said or not. It is asked
        anew about all that was allowed before, as by `revoke_decisions`.
        """
    @property
    def connections(self) -> int:
        """Connections that are open now."""
    def unix_ns(self, at: int) -> int:
        """Unix time in nanoseconds of a moment of the engine's clock."""
    def close(self, timeout: float = 5.0) -> None:
        """Says goodbye to everybody and ends the threads.

        Waits at most ``timeout`` seconds for the goodbyes to be read. The next `poll` tells what happened
        last, and gives back all descriptors of the engine.
        """

@final
class Request:
    """A question that one connection waits for."""

    @property
    def id(self) -> int:
        """Names it in the answer."""
    @property
    def action(self) -> str:
        """What the client wants: ``read`` or ``publish``."""
    @property
    def method(self) -> str:
        """The RTSP method."""
    @property
    def path(self) -> str:
        """The path, percent-decoded."""
    @property
    def uri(self) -> str:
        """The URI as it was sent."""
    @property
    def query(self) -> str | None:
        """The query of the URI."""
    @property
    def authorization(self) -> str | None:
        """The ``Authorization`` header."""
    @property
    def user_agent(self) -> str | None:
        """The ``User-Agent`` header."""
    @property
    def peer(self) -> str:
        """Address and port of the client."""
    @property
    def session(self) -> Session | None:
        """The session whose media is to flow, where that is asked; see `Engine.ask_before_media`."""
    @property
    def secure(self) -> bool:
        """Whether its connection is encrypted."""
    @property
    def handshake(self) -> Handshake | None:
        """Where the request came from that opened the WebSocket which RTSP is spoken in, if it is in one."""

@final
class Handshake:
    """What the request that opened a WebSocket says of where it comes from."""

    @property
    def host(self) -> str:
        """The ``Host`` header; empty where there is none."""
    @property
    def origin(self) -> str | None:
        """The ``Origin`` header (RFC 6454 section 7)."""
    @property
    def fetch_site(self) -> str | None:
        """The ``Sec-Fetch-Site`` header (Fetch Metadata Request Headers)."""
    @property
    def forwarded(self) -> bool:
        """Whether a proxy has passed it on, and says so."""

@final
class Session:
    """A session of RTSP or of a browser. Its counters are those of the moment they are read."""

    @property
    def id(self) -> str:
        """Its id; with RTSP that in the ``Session`` header."""
    @property
    def action(self) -> Literal["read", "publish"]:
        """``read`` or ``publish``."""
    @property
    def path(self) -> str:
        """Its path."""
    @property
    def user(self) -> str | None:
        """Who it is, when known."""
    @property
    def ticket(self) -> int:
        """What `Engine.allow` was given for it."""
    @property
    def peer(self) -> str:
        """Address and port of the client."""
    @property
    def user_agent(self) -> str | None:
        """What the client calls itself."""
    @property
    def protocol(self) -> str:
        """``rtsp``, ``rtsp-over-http`` or ``-websocket``, ``webrtc``, ``websocket``, ``mjpeg`` or ``hls``."""
    @property
    def transport(self) -> str:
        """``tcp``, ``udp`` or ``multicast``."""
    @property
    def secure(self) -> bool:
        """Whether it is encrypted on its way."""
    @property
    def state(self) -> str:
        """``ready``, or ``playing`` to a reader, or ``recording`` what a publisher sends."""
    @property
    def started_ns(self) -> int:
        """When it was set up."""
    @property
    def bytes(self) -> int:
        """Bytes of media sent, or received of a publisher: of RTP packets where there are any."""
    @property
    def packets(self) -> int:
        """RTP packets sent, or received of a publisher; other protocols count what they call parts."""
    @property
    def discarded(self) -> int:
        """RTP packets, or parts, skipped because the reader was too slow."""
    @property
    def lost(self) -> int:
        """RTP packets lost on the way, as its reports say."""
    @property
    def jitter_ns(self) -> int:
        """Interarrival jitter as its newest reports say; the largest of its tracks."""
    @property
    def round_trip_ns(self) -> int | None:
        """Time to the client and back, when it has reported about a sender report."""
    @property
    def bandwidth(self) -> int | None:
        """Bits a second that the way to it carries, as a client of WebRTC that reads has estimated last."""
    @property
    def lag_ns(self) -> int:
        """How long the oldest of what it has not got waits to be sent; 0 when it has all."""
    @property
    def first_picture_ns(self) -> int | None:
        """When the first picture was sent."""
    def journey(self) -> Journey:
        """How far it came until now."""

@final
class Rendition:
    """Chunks of bytes that the engine writes to many viewers, framed once for all of them.

    A viewer begins at a chunk where that is possible, with the header that belongs to it. One that is too
    slow skips to the newest such chunk. All methods raise RuntimeError once it is closed.
    """

    def set_header(self, header: bytes) -> None:
        """What a viewer gets before chunks that are pushed from now on, unless it has it already."""
    def push(self, data: bytes, is_start: bool) -> None:
        """Gives all viewers a chunk; ``is_start`` says whether one may begin there."""
    def add_viewer(self, handle: int, session: WebSession, greeting: bytes) -> None:
        """Serves a viewer on the connection with this descriptor, which is the engine's from now on.

        ``greeting`` goes out first: the head of the answer of HTTP. Its session has begun, and ends with the
        connection. OSError when the socket cannot be taken.
        """
    @property
    def viewers(self) -> int:
        """How many there are."""
    def close(self) -> None:
        """Says goodbye to all viewers, whose sessions end."""

class OfferRefused(Exception):
    """An offer was not answered. Its arguments are the status of HTTP that says why, and the reason."""

@final
class WebSession:
    """A session of a browser whose media the program carries; it ends at the latest with this object.

    It also ends when it is kicked, when its user is disconnected, and with its stream: a `SessionEvent`
    tells. Whoever carries the media then stops.
    """

    @property
    def session(self) -> Session:
        """The session."""
    @property
    def ended(self) -> bool:
        """Whether it has ended, for whatever reason."""
    def plays(self) -> None:
        """Media is to flow from now on; `add` says so as well."""
    def add(self, count: int) -> None:
        """Counts one part of the media, of ``count`` bytes, that went out or came from a publisher."""
    def add_discarded(self, count: int) -> None:
        """Counts parts that its client was too slow for."""
    def first_picture(self) -> None:
        """Its client has the first picture; only the first call counts."""
    def end(self, reason: str = "the client left") -> bool:
        """Ends it; False when it has ended already."""

@final
class Journey:
    """An attempt to read: one that ended without a session, or how far a session came.

    Times are those of the engine's clock (`now_ns`); ``None`` where it did not come that far.
    """

    @property
    def path(self) -> str | None:
        """The path that it asked for last."""
    @property
    def user_agent(self) -> str | None:
        """What the client calls itself."""
    @property
    def protocol(self) -> str:
        """``rtsp``, ``rtsp-over-http`` or ``-websocket``, ``webrtc``, ``websocket``, ``mjpeg`` or ``hls``."""
    @property
    def transport(self) -> str | None:
        """``tcp``, ``udp`` or ``multicast``; ``None`` without a session."""
    @property
    def secure(self) -> bool:
        """Whether it is encrypted."""
    @property
    def connected_ns(self) -> int:
        """When its connection was taken in, or when one that had a session before asked for another."""
    @property
    def secured_ns(self) -> int | None:
        """When both sides had agreed how to encrypt."""
    @property
    def authorised_ns(self) -> int | None:
        """When it was allowed to read its path."""
    @property
    def described_ns(self) -> int | None:
        """When it got the description."""
    @property
    def set_up_ns(self) -> int | None:
        """When its first track was set up."""
    @property
    def playing_ns(self) -> int | None:
        """When its PLAY was let in."""
    @property
    def first_packet_ns(self) -> int | None:
        """When the first RTP packet was sent to it or its group."""
    @property
    def first_picture_ns(self) -> int | None:
        """When the first random access point was sent to it or its group."""
    @property
    def served_until_ns(self) -> int:
        """Until when it certainly got what was sent: now, its end, or since when it lags or is silent."""
    @property
    def ended_ns(self) -> int | None:
        """When it ended."""
    @property
    def reason(self) -> str | None:
        """Why it ended, without a session."""
    @property
    def status(self) -> int | None:
        """Status of the newest refusal, where nothing was passed after it."""
    @property
    def credentials(self) -> bool:
        """Whether the refused request said who asks."""

@final
class SessionEvent:
    """A session was set up or has ended."""

    @property
    def kind(self) -> str:
        """``started`` or ``ended``."""
    @property
    def session(self) -> Session:
        """The session."""
    @property
    def reason(self) -> str | None:
        """Why it ended."""

@final
class StreamEvent:
    """Something became of a stream that publishers or pulls feed."""

    @property
    def kind(self) -> str:
        """What happened.

        ``added``: its first publisher came. ``vacant``: the publisher left, readers stay. ``resumed``:
        another one goes on with it. ``removed``: it has ended, and its readers with it.
        """
    @property
    def path(self) -> str:
        """The path."""
    @property
    def stream(self) -> Stream:
        """The stream."""
    @property
    def reason(self) -> str | None:
        """Why it was removed."""

@final
class ReaderReady:
    """A reader of this process has something; not said again before it was emptied."""

    @property
    def reader(self) -> int:
        """`Reader.id`."""

@final
class PullEvent:
    """Something became of a pull."""

    @property
    def pull(self) -> int:
        """Number that `Engine.pull` gave."""
    @property
    def kind(self) -> str:
        """What happened.

        ``connected``: the server plays. ``failed``: it did not come to that, or is over; it is tried again.
        ``ended``: it was taken back, and the server told.
        """
    @property
    def path(self) -> str:
        """The path that it feeds."""
    @property
    def reason(self) -> str | None:
        """Why it failed.

        The same reason is told once until it is another, or the server played in between.
        """

@final
class HttpConnection:
    """A connection whose first request is one of HTTP, and no tunnel of RTSP; see `Engine.accept_http`."""

    @property
    def handle(self) -> int:
        """The descriptor, for ``socket.socket(fileno=...)``; it does not block.

        Who asks for it owns it and has to close it. It is closed with this object where nobody asked.
        """
    @property
    def data(self) -> bytes:
        """All that was read: the head of the first request, and perhaps what follows."""
    @property
    def peer(self) -> str:
        """Address of the client as ``host:port``."""
    @property
    def local(self) -> str:
        """Address that the client reached as ``host:port``."""
    @property
    def secure(self) -> bool:
        """Whether the client's bytes are encrypted; ``handle`` is then a local socket with what is inside."""

@final
class Stream:
    """What is live at a path."""

    @property
    def path(self) -> str:
        """The path."""
    @property
    def tracks(self) -> list[Track]:
        """Its tracks, with the newest parameter sets."""
    @property
    def readers(self) -> int:
        """Readers that play now."""
    def write(
        self,
        track: int,
        access_unit: Buffer,
        *,
        pts: int,
        captured_ns: int,
        received_ns: int = 0,
        decoded_ns: int = 0,
        taken_ns: int = 0,
        encoded_ns: int = 0,
        random_access: bool | None = None,
    ) -> int:
        """Packetises an access unit and hands it to every reader; gives the number of RTP packets.

        ``access_unit`` is Annex B for H.264 and H.265, a frame or superframe for VP8 and VP9, a temporal
        unit of OBUs with sizes for AV1, one raw frame for AAC, a whole JPEG; it must not change meanwhile.
        ``pts`` is in ticks of the track's clock rate from the zero of `now_ns`, ``captured_ns``
        the moment it was taken, the others when it passed the stages (0: it did not). ``random_access``
        None lets the stream look. Raises IndexError for an unknown track, ValueError for bytes of another
        codec, RuntimeError after removal.
        """
    def key_frame_wanted(self) -> bool:
        """Whether a key frame was asked for since the last call."""
    def set_faults(
        self, *, loss: float = 0.0, jitter: float = 0.0, frozen: bool = False, clock_offset: float = 0.0
    ) -> None:
        """What goes wrong from now on with a stream of :meth:`Engine.mirror`, so that players can be tested.

        ``loss`` is the share of packets that are lost, ``jitter`` seconds by up to which packets are late,
        ``clock_offset`` seconds that the clock of its sender reports is ahead. While it is ``frozen`` nothing
        comes. ValueError for what cannot be, RuntimeError for another stream.
        """

    def stats(self) -> StreamStats:
        """Counters of now."""
    def latency(self) -> dict[str, list[int]]:
        """Nanoseconds that the newest pictures spent in each stage.

        The stages are capture, decode, wait, encode, packetise, send, and total.
        """

@final
class StreamStats:
    """Counters of a stream."""

    @property
    def readers(self) -> int:
        """Readers that play now."""
    @property
    def access_units(self) -> int:
        """Access units written."""
    @property
    def bytes(self) -> int:
        """Bytes of access units written."""
    @property
    def packets(self) -> int:
        """RTP packets made."""
    @property
    def ring_bursts(self) -> int:
        """Bursts kept for readers that join."""
    @property
    def ring_bytes(self) -> int:
        """Bytes kept for readers that join."""

@final
class Reader:
    """A reader in this process. Too slow, it loses everything up to the next random access point."""

    @property
    def id(self) -> int:
        """Names it in `ReaderReady`."""
    @property
    def tracks(self) -> list[Track]:
        """Tracks of the stream."""
    def take(self, limit: int = 64) -> list[AccessUnit]:
        """Takes about ``limit`` access units, oldest first; never waits.

        After an empty list the next is announced.
        """
    @property
    def ended(self) -> bool:
        """Whether the stream has ended and all was taken."""
    @property
    def discarded(self) -> int:
        """RTP packets lost because it was too slow."""
    def close(self) -> None:
        """Stops reading."""

@final
class AccessUnit:
    """An encoded picture or piece of sound."""

    @property
    def track(self) -> int:
        """Index of the track."""
    @property
    def data(self) -> bytes:
        """The encoded bytes.

        Annex B for H.264 and H.265, a frame or superframe for VP8 and VP9, a temporal unit with its temporal
        delimiter for AV1, a raw frame for AAC, a whole JPEG.
        """
    @property
    def pts(self) -> int:
        """Media time in ticks of the track's clock rate from the zero of `now_ns`."""
    @property
    def captured_ns(self) -> int:
        """When it was taken."""
    @property
    def random_access(self) -> bool:
        """Whether a decoder can start here."""

@final
class FramePool:
    """A pool of I420 frame buffers of one size, which return to it when they are no longer used."""

    def __new__(cls, width: int, height: int, frames: int = 4) -> FramePool:
        """ValueError when the size is odd, zero or too large."""
    def acquire(self) -> FrameBuffer | None:
        """A buffer with old contents, or None when all are in use."""

@final
class FrameBuffer(Buffer):
    """Planes Y, U and V of a 4:2:0 picture without padding: ``width * height * 3 // 2`` writable bytes.

    It cannot be filled while a Python buffer (a memoryview, an array) shows it: BufferError.
    """

    @property
    def width(self) -> int:
        """Width in pixels."""
    @property
    def height(self) -> int:
        """Height in pixels."""
    def fill_from_422(
        self, y: Buffer, u: Buffer, v: Buffer, y_stride: int, u_stride: int, v_stride: int
    ) -> None:
        """Fills it from planar 4:2:2, whose chroma is averaged over two rows; strides in bytes."""
    def fill_from_420(
        self, y: Buffer, u: Buffer, v: Buffer, y_stride: int, u_stride: int, v_stride: int
    ) -> None:
        """Fills it from planar 4:2:0; strides in bytes."""
    def fill_from_yuyv(self, data: Buffer, stride: int) -> None:
        """Fills it from packed 4:2:2 in the order Y0 U Y1 V; stride in bytes."""
    def fill_scaled(
        self, picture: Buffer, width: int, height: int, window: tuple[float, float, float, float]
    ) -> None:
        """Fills it from a part of a picture of another size, in planar 4:2:0 without padding.

        ``window`` is its left and upper edge, width and height, in pixels of the picture; parts of pixels
        count. ValueError when it is not inside, or less than two pixels wide or high.
        """
    def draw(self, mask: Mask) -> None:
        """Paints a privacy mask over it; ValueError, and nothing painted, for one of another size."""

@final
class Mask:
    """What covers a part of frames of one size.

    The part is made of blocks of 2 x 2 pixels, given as ``spans``: the number of a row of blocks, its first
    block, and the block behind its last one. ValueError when a span is empty or not inside.
    """

    @staticmethod
    def of_colour(
        width: int, height: int, spans: list[tuple[int, int, int]], colour: tuple[int, int, int]
    ) -> Mask:
        """Covers them by one colour of luma and the two differences."""
    @staticmethod
    def of_squares(width: int, height: int, spans: list[tuple[int, int, int]], side: int) -> Mask:
        """Covers them by the means of squares of ``side`` blocks, 1 to 4096."""
    @staticmethod
    def of_blur(width: int, height: int, spans: list[tuple[int, int, int]], side: int) -> Mask:
        """Covers them by the same means, blended from the middle of each square to the next."""

@final
class Handoff:
    """One place between two threads: the newest item wins, what it displaces is counted."""

    def __new__(cls) -> Handoff: ...
    def offer(self, item: object) -> bool:
        """Leaves an item; False when it displaced one that waited, or the handoff is closed."""
    def take(self, timeout: float | None = None) -> Any | None:
        """Takes the item, waiting for one.

        None when ``timeout`` seconds are over, or it is closed and empty.
        """
    def close(self) -> None:
        """Wakes every taker; nothing more can be given."""
    @property
    def closed(self) -> bool:
        """Whether it was closed."""
    @property
    def offered(self) -> int:
        """Items given."""
    @property
    def taken(self) -> int:
        """Items taken."""
    @property
    def discarded(self) -> int:
        """Items displaced before they were taken."""

@final
class LoadRun:
    """A load test of any RTSP server: publishers of a synthetic stream, and readers that check what comes.

    Plan, snapshot and report are JSON; their fields are described in ``rust/relaycore-load/src/plan.rs`` and
    ``report.rs``. Raises ValueError for a plan that cannot be carried out.
    """

    def __new__(cls, plan: Buffer) -> LoadRun: ...
    def start(self) -> None:
        """Starts its threads, once. Raises OSError when the system has none left."""
    def snapshot(self) -> bytes:
        """Where it is: cheap, for a live view."""
    def stop(self) -> bytes:
        """Ends the run if it has not come to its end, and gives the report."""

@final
class LoadViewers:
    """Viewers by WebRTC of what a load test publishes: each makes an offer and connects by its answer.

    Most count what comes by the headers of its packets alone; one in ``check_one_in`` decrypts and checks it.
    The server is one of this machine. They run in one thread, on the processor ``cpu`` alone where one is
    named, until the run is over.
    Raises OSError when the system has no sockets left.
    """

    def __new__(
        cls, run: LoadRun, count: int, *, check_one_in: int, cpu: int | None = None
    ) -> LoadViewers: ...
    def offers(self) -> list[str]:
        """The offer (SDP) of each, for the server."""
    def answer(self, number: int, answer: str) -> None:
        """The server has answered the offer of this number."""
    def connected(self) -> int:
        """How many have connected."""
    def stop(self) -> bytes:
        """Ends the sessions, if the run is not over, and gives the report: JSON, once.

        Its fields are described in ``rust/relaycore-load/src/webrtc/mod.rs``.
        """
