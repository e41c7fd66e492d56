"""The data protocol of a path: what its settings say, and what follows from the rest of the configuration."""

from __future__ import annotations

import msgspec

from relaycore.access.rules import RENDITION, SOUNDS, base_of
from relaycore.settings import Config, ProtocolSettings

__all__ = ["Kept", "PathProtocol", "fields_of", "notices_of", "protocol_of", "protocols_of"]

MEDIA = "pictures and sound"
NOT_KEPT = "not kept by relaycore, but for the newest seconds in memory while the stream is live"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is kept, and for how long."""

    what: str
    time: str


class PathProtocol(msgspec.Struct, frozen=True, kw_only=True):
    """The record of the processing at a path. Texts that are empty were not set."""

    path: str
    responsible: str
    contact: str
    purpose: str
    legal_basis: str
    subjects: str
    recipients: list[str]
    transfers: str
    kept: list[Kept]
    measures: list[str]
    """What protects the data, by the configuration and by what was written."""
    notice: bool
    """Whether everybody may read this."""


def protocol_of(config: Config, path: str) -> PathProtocol:
    """The data protocol of a path, or of that which it is made of."""
    source = path
    if path not in config.paths and path not in config.cameras:
        source = base_of(path)
    settings = config.path_settings(source)
    protocol = settings.protocol or ProtocolSettings()
    return PathProtocol(
        path=path,
        responsible=protocol.responsible,
        contact=protocol.contact,
        purpose=settings.purpose or "",
        legal_basis=protocol.legal_basis,
        subjects=protocol.subjects,
        recipients=list(protocol.recipients),
        transfers=protocol.transfers,
        kept=[*_media(protocol), *_ledger(config)],
        measures=[*_measures(config, source), *([protocol.measures] if protocol.measures else [])],
        notice=protocol.notice,
    )


def protocols_of(config: Config) -> list[PathProtocol]:
    """Those of all paths that have a camera or settings, by name."""
    return [protocol_of(config, path) for path in sorted(config.cameras.keys() | config.paths.keys())]


def notices_of(config: Config) -> dict[str, tuple[str, bool]]:
    """What readers are told of a path before they watch: what it is for, and whether its notice is a page.

    Only of paths that have something to tell, and of what is made of them.
    """
    found = {}
    for path in config.cameras.keys() | config.paths.keys():
        settings = config.path_settings(path)
        has_page = config.api and settings.protocol is not None and settings.protocol.notice
        if settings.purpose or has_page:
            found[path] = (settings.purpose or "", has_page)
            made = [RENDITION] if settings.transcode != "none" else []
            for ending in (*made, *SOUNDS.values()):
                if path + ending not in config.paths and path + ending not in config.cameras:
                    found[path + ending] = found[path]
    return found


def fields_of(protocol: PathProtocol) -> list[tuple[str, str]]:
    """The lines of a protocol for a person: what each is about, and what it says."""
    return [
        ("Responsible", protocol.responsible),
        ("Contact", protocol.contact),
        ("Purpose", protocol.purpose),
        ("Legal basis", protocol.legal_basis),
        ("Who is seen", protocol.subjects),
        ("Recipients", "; ".join(protocol.recipients)),
        ("Transfers to other countries", protocol.transfers),
        ("How long it is kept", "; ".join(f"{kept.what}: {kept.time}" for kept in protocol.kept)),
        ("Protected by", "; ".join(protocol.measures)),
    ]


def _media(protocol: ProtocolSettings) -> list[Kept]:
    found = [Kept(what=MEDIA, time=NOT_KEPT)]
    if protocol.kept:
        found.append(Kept(what=f"{MEDIA}, by those who get them", time=protocol.kept))
    return found


def _ledger(config: Config) -> list[Kept]:
    """What the ledger keeps of those who watch."""
    if not config.ledger.enabled:
        return []
    days = config.ledger.retention
    addresses = {"truncated": "with their network", "full": "with their address", "none": "without address"}
    who = addresses[config.ledger.addresses]
    return [
        Kept(what=f"who watched or published, {who}", time=_days(days.session)),
        Kept(what=f"who was refused, {who}", time=_days(days.refusal)),
        Kept(what="who changed settings or read the record", time=_days(days.act)),
    ]


def _days(number: int) -> str:
    if number == 0:
        return "for ever"
    return "1 day" if number == 1 else f"{number} days"


def _measures(config: Config, path: str) -> list[str]:
    found = []
    camera = config.cameras.get(path)
    if camera is not None and camera.masks:
        count = len(camera.masks)
        what = "1 part of the picture is" if count == 1 else f"{count} parts of the picture are"
        found.append(f"{what} hidden by privacy masks")
    if config.tls.required:
        found.append("connections are encrypted")
    elif config.tls.enabled or config.tls.certificate:
        found.append("connections can be encrypted")
    if config.ledger.enabled:
        found.append("it is on record who watches")
    return found
