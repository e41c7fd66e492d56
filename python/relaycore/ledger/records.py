"""What is recorded, one type for each kind.

Times are milliseconds of Unix time. Each record has an ``id`` of 64 random bits: it names the record in
exports, and it keeps the hash of a record that was deleted from being guessed back to who it was about.
"""

from __future__ import annotations

import secrets
import time
from typing import Any, Final, Literal, get_args

import msgspec

__all__ = [
    "KINDS",
    "LONGEST_CLIENT",
    "Act",
    "Kind",
    "Opening",
    "Record",
    "Refusal",
    "Removal",
    "Session",
    "encode",
    "new_id",
    "now_ms",
    "read",
    "tidy",
]

Kind = Literal["opening", "session", "refusal", "act", "removal"]
"""An ``opening`` is written when a session begins, so that it is on record whatever happens then. The
``session`` is written when it ends and says all of it; the others are what their types say."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

LONGEST_CLIENT: Final = 200
"""Characters that are kept of what a client calls itself."""


class Record(msgspec.Struct, kw_only=True, tag_field="kind"):
    """What all have. ``number`` counts the records of a kind from 1; the ledger gives it."""

    number: int = 0
    at: int = msgspec.field(default_factory=lambda: now_ms())
    """When it was made."""
    id: str = msgspec.field(default_factory=lambda: new_id())
    subject: str | None = None
    """The user whom it is about, where that is known."""

    @classmethod
    def kind(cls) -> Kind:
        """The kind of record."""
        return _KINDS[cls]


class Opening(Record, kw_only=True, tag="opening"):
    """A session has been set up. Its session record will have the same ``id``."""

    role: str | None
    """The role of the user."""
    purpose: str | None
    """What the session is for, where something says so."""
    action: str
    """``read`` or ``publish``."""
    path: str
    protocol: str
    """``rtsp``, ``rtsp-over-http``, ``rtsp-over-websocket``, ``webrtc``, ``websocket``, ``mjpeg`` or ``hls``,
    with an ``s`` at the end where it was encrypted."""
    transport: str
    """``tcp``, ``udp`` or ``multicast``."""
    client: str | None
    """What the client program calls itself."""
    network: str | None
    """The address of the client, as much of it as the settings keep."""
    begun: int = msgspec.field(name="from")
    """When it was set up."""


class Session(Opening, kw_only=True, tag="session"):
    """A session, which has ended.

    What is ``None`` is not known: the relay did not see the end where it was ended itself.
    """

    to: int | None
    """When it ended."""
    bytes: int | None
    """RTP bytes that were sent to a reader, or came from a publisher."""
    discarded: int | None
    """RTP packets that were skipped because the reader was too slow."""
    first_picture_ms: int | None
    """Milliseconds from its beginning to the first picture that was sent; ``None`` also where there was
    none."""
    reason: str
    """Why it ended."""


class Refusal(Record, kw_only=True, tag="refusal"):
    """Somebody was not let in. ``subject`` is the account that was named, where there is one of that name."""

    action: str
    """What was wanted: ``read``, ``publish``, ``look``, ``control`` or ``audit``."""
    path: str | None
    protocol: str
    client: str | None
    network: str | None
    status: int
    """The status of RTSP or HTTP that was answered."""
    reason: str
    count: int = 1
    """How many refusals it stands for; more than one where there were too many to record each."""


class Act(Record, kw_only=True, tag="act"):
    """Somebody changed something, or read the ledger. ``subject`` is the user who did."""

    act: str
    """What was done, as the API or the command calls it."""
    target: str | None
    """What it was done to: a path, a session, the name of a user."""
    means: str
    """How: ``api``, ``command line`` or ``configuration``."""
    operator: str | None = None
    """The account of the operating system that did it, on the command line."""
    client: str | None = None
    network: str | None = None
    failed: int | None = None
    """The status that was answered where nothing came of the act with the same ``id``."""


class Removal(Record, kw_only=True, tag="removal"):
    """Records were deleted because they were old enough: proof of which, and that no others are missing."""

    of: str
    """Their kind."""
    first: int
    last: int
    """Their numbers, from the first to the last."""
    before: str
    """The link before the first, as hexadecimal digits."""
    link: str
    """The link of the last, likewise: a hash of all that was deleted."""
    newest: int
    """When the newest of them was made."""
    days: int
    """Days that they were to be kept."""


def now_ms() -> int:
    """The time of now, as records have it."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """A name for a record that nobody has guessed."""
    return secrets.token_hex(8)


def encode(record: Record) -> bytes:
    """A record as canonical JSON: sorted names, no spaces, UTF-8; a subset of RFC 8785."""
    return _ENCODER.encode(record)


def read(body: bytes | str) -> Record:
    """The record in a body. msgspec.DecodeError where there is none."""
    record: Record = _DECODER.decode(body)
    return record


def tidy(text: str | None, most: int) -> str | None:
    """A text of a stranger, short enough and without what cannot be written."""
    if text is None:
        return None
    return text[:most].encode("utf-8", "replace").decode("utf-8")


_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_DECODER: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(Opening | Session | Refusal | Act | Removal)
_KINDS: Final[dict[type[Record], Kind]] = {
    Opening: "opening",
    Session: "session",
    Refusal: "refusal",
    Act: "act",
    Removal: "removal",
}
