"""The settings of a relay: all of a configuration file."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from relaycore.settings.access import AccessSettings
from relaycore.settings.alerts import AlertSettings
from relaycore.settings.camera import CameraSettings
from relaycore.settings.ice import IceServer, check_count
from relaycore.settings.journeys import JourneySettings
from relaycore.settings.language import check_language
from relaycore.settings.ledger import LedgerSettings
from relaycore.settings.onvif import OnvifSettings
from relaycore.settings.origins import check_origin
from relaycore.settings.paths import PathSettings
from relaycore.settings.tls import TlsSettings
from relaycore.settings.users import User
from relaycore.settings.values import DEFAULT_PORT, Limit, Switch, normal_path

__all__ = ["Config"]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one relay."""

    host: Annotated[
        str,
        Meta(min_length=1, description="an address or a host name of this machine", examples=["127.0.0.1"]),
    ] = "127.0.0.1"
    """Address to listen on. Anything but loopback needs users."""

    port: Annotated[
        int,
        Meta(ge=0, le=65_535, description="a port from 1 to 65535, or 0 for any free one", examples=[8554]),
    ] = DEFAULT_PORT
    """Port to listen on; 0 takes a free one."""

    lan: Switch = False
    """Listen on all addresses instead of ``host``."""

    anonymous: Switch = False
    """Let everybody read who reaches the port, even from the network, and publish where there are no users.
    Without this, a relay that has users asks for one of them, and a relay that listens to the network must
    have users."""

    publish: Annotated[
        Literal["any", "configured"], Meta(description="`any` or `configured`", examples=["configured"])
    ] = "any"
    """Where clients may publish: to any path that is free, or only to those in ``paths``."""

    basic: Switch = False
    """Offer Basic authentication beside Digest. It sends passwords readable over the network, so only for
    clients that know nothing else."""

    api: Switch = True
    """Answer HTTP on the same port, too: the control API and metrics, for users and for programs of this
    machine."""

    tls: Annotated[TlsSettings, Meta(description="a [tls] table")] = msgspec.field(
        default_factory=TlsSettings
    )
    """Encryption of the connections on this port."""

    users: Annotated[list[User], Meta(description="[[users]] tables with name and password")] = msgspec.field(
        default_factory=list
    )
    """Who may read and publish."""

    access: Annotated[
        AccessSettings, Meta(description="an [access] table, with [[access.rules]] tables in it")
    ] = msgspec.field(default_factory=AccessSettings)
    """Who may do what at which path, from where and when."""

    state_folder: Annotated[
        str, Meta(description="the name of a folder", examples=["/var/lib/relaycore"])
    ] = ""
    """Folder for what has to last, the users of `relaycore user` and the ledger among it. Where none is
    named, the command line program takes that of the platform, and a relay in another program keeps
    nothing."""

    ledger: Annotated[LedgerSettings, Meta(description="a [ledger] table")] = msgspec.field(
        default_factory=LedgerSettings
    )
    """Whether and how it is recorded who watched. It is kept in the state folder."""

    journeys: Annotated[JourneySettings, Meta(description="a [journeys] table")] = msgspec.field(
        default_factory=JourneySettings
    )
    """Whether it is counted how far attempts to view come. The counts are kept in the state folder."""

    alerts: Annotated[AlertSettings, Meta(description="an [alerts] table")] = msgspec.field(
        default_factory=AlertSettings
    )
    """What is told as odd, and to whom."""

    cameras: Annotated[
        dict[str, CameraSettings], Meta(description="[cameras.PATH] tables, one for each camera")
    ] = msgspec.field(default_factory=dict)
    """The cameras, by path."""

    paths: Annotated[dict[str, PathSettings], Meta(description="[paths.PATH] tables, one for each path")] = (
        msgspec.field(default_factory=dict)
    )
    """What is to happen at which path: where its stream comes from, who may use it, where it goes on to."""

    path_defaults: Annotated[
        PathSettings, Meta(description="a [path_defaults] table with settings of paths")
    ] = msgspec.field(default_factory=PathSettings)
    """The settings of every path that is not in ``paths``. In a file, a table in ``paths`` that leaves out a
    setting has it from here."""

    onvif: Annotated[OnvifSettings, Meta(description="an [onvif] table")] = msgspec.field(
        default_factory=OnvifSettings
    )
    """How programs that look for cameras of ONVIF find the relay."""

    aliases: Switch = True
    """Where there is exactly one camera, names that recorders guess lead to it: ``/stream1``, ``/live.sdp``
    and others."""

    limits: Annotated[dict[str, Limit], Meta(description="a [limits] table of whole numbers")] = (
        msgspec.field(default_factory=dict)
    )
    """Bounds of the engine that differ from their defaults."""

    shards: Annotated[
        int, Meta(ge=0, le=1024, description="a number of threads, or 0 for one a core", examples=[0])
    ] = 0
    """Threads that carry packets; 0 takes one for each core."""

    embed_origins: Annotated[
        list[
            Annotated[
                str,
                Meta(
                    description="the origin of a page, like `https://example.org`",
                    examples=["https://example.org"],
                    extra={"check": check_origin},
                ),
            ]
        ],
        Meta(description="a list of origins"),
    ] = msgspec.field(default_factory=list)
    """Other sites whose pages may play what everybody may read, with ``<relaycore-player>`` or in a frame."""

    ice_servers: Annotated[
        list[IceServer],
        Meta(
            description="at most 8 [[ice_servers]] tables with url, username and credential",
            extra={"check": check_count, "secret": True},
        ),
    ] = msgspec.field(default_factory=list)
    """STUN and TURN servers that clients of WebRTC are told of, where they do not reach the relay itself."""

    language: Annotated[
        str,
        Meta(
            description="the tag of a language that relaycore speaks",
            examples=["fr"],
            extra={"check": check_language},
        ),
    ] = ""
    """Language of pages and of refusals for browsers that ask for none that is there, and of what the command
    line program prints. Where none is named, that is English and what the environment says."""

    log_json: Switch = False
    """Log as JSON, one object a line. Only for the command line program: a library does not configure
    logs."""

    trace_latency: Switch = False
    """Print how long pictures spend in each stage. Only for the command line program."""

    qr: Switch = True
    """Show a QR code of the address at the start. Only for the command line program."""

    def path_settings(self, path: str) -> PathSettings:
        """The settings that hold at a path, whether it is in ``paths`` or not."""
        return self.paths.get(path, self.path_defaults)

    def with_normal_paths(self) -> Config:
        """The same settings, each path without the slashes around it. ConfigurationError for what is none."""
        return msgspec.structs.replace(
            self,
            cameras={normal_path(path): settings for path, settings in self.cameras.items()},
            paths={normal_path(path): settings for path, settings in self.paths.items()},
        )
