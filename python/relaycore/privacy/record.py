"""The data protocol of a path: what its settings say, and what follows from the rest of the configuration."""

from __future__ import annotations

import msgspec

from relaycore.access.rules import RENDITION, SOUNDS, SUB, base_of, camera_of
from relaycore.language import _, _n
from relaycore.settings import Config, ProtocolSettings

__all__ = ["Kept", "PathProtocol", "fields_of", "notices_of", "protocol_of", "protocols_of"]


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
    """The data protocol of a path, or of that which it is made of, in the language that holds."""
    source = path
    if path not in config.paths and path not in config.cameras:
        source = camera_of(path, config.cameras) or base_of(path)
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
            made += [SUB] if path in config.cameras else []
            for ending in (*made, *SOUNDS.values()):
                if path + ending not in config.paths and path + ending not in config.cameras:
                    found[path + ending] = found[path]
    return found


def fields_of(protocol: PathProtocol) -> list[tuple[str, str]]:
    """The lines of a protocol for a person, in the language that holds: what each is about, what it says."""
    return [
        (_("Responsible"), protocol.responsible),
        (_("Contact"), protocol.contact),
        (_("Purpose"), protocol.purpose),
        (_("Legal basis"), protocol.legal_basis),
        (_("Who is seen"), protocol.subjects),
        (_("Recipients"), "; ".join(protocol.recipients)),
        (_("Transfers to other countries"), protocol.transfers),
        (_("How long it is kept"), "; ".join(f"{kept.what}: {kept.time}" for kept in protocol.kept)),
        (_("Protected by"), "; ".join(protocol.measures)),
    ]


def _media(protocol: ProtocolSettings) -> list[Kept]:
    not_kept = _("not kept by relaycore, but for the newest seconds in memory while the stream is live")
    found = [Kept(what=_("pictures and sound"), time=not_kept)]
    if protocol.kept:
        found.append(Kept(what=_("pictures and sound, by those who get them"), time=protocol.kept))
    return found


def _ledger(config: Config) -> list[Kept]:
    """What the ledger keeps of those who watch."""
    if not config.ledger.enabled:
        return []
    days = config.ledger.retention
    addresses = {
        "truncated": _("with their network"),
        "full": _("with their address"),
        "none": _("without address"),
    }
    who = addresses[config.ledger.addresses]
    return [
        Kept(what=_("who watched or published, {address}", address=who), time=_days(days.session)),
        Kept(what=_("who was refused, {address}", address=who), time=_days(days.refusal)),
        Kept(what=_("who changed settings or read the record"), time=_days(days.act)),
    ]


def _days(number: int) -> str:
    return _("for ever") if number == 0 else _n("{count} day", "{count} days", number)


def _measures(config: Config, path: str) -> list[str]:
    found = []
    camera = config.cameras.get(path)
    if camera is not None and camera.masks:
        found.append(
            _n(
                "{count} part of the picture is hidden by privacy masks",
                "{count} parts of the picture are hidden by privacy masks",
                len(camera.masks),
            )
        )
    if config.tls.required:
        found.append(_("connections are encrypted"))
    elif config.tls.enabled or config.tls.certificate:
        found.append(_("connections can be encrypted"))
    if config.ledger.enabled:
        found.append(_("it is on record who watches"))
    return found
