"""What a configuration means, in words: who may come in, and what is at which path."""

from __future__ import annotations

from relaycore.access.rules import RENDITION
from relaycore.addresses import is_loopback
from relaycore.language import Message, message_lines
from relaycore.privacy.record import protocols_of
from relaycore.settings import CameraSettings, Config, PathSettings, masked

__all__ = [
    "MASK_COLUMNS",
    "PATH_COLUMNS",
    "PROTOCOL_COLUMNS",
    "mask_rows",
    "may_publish",
    "path_rows",
    "protocol_rows",
    "who_comes_in",
]

PATH_COLUMNS = (
    Message("path"),
    Message("comes from"),
    Message("read by"),
    Message("published by"),
    Message("goes on to"),
)
"""Titles of the columns of :func:`path_rows`."""

MASK_COLUMNS = (
    Message("path"),
    Message("what is hidden"),
    Message("where, in fractions of the picture"),
    Message("by"),
)
"""Titles of the columns of :func:`mask_rows`."""

PROTOCOL_COLUMNS = (
    Message("path"),
    Message("responsible"),
    Message("purpose"),
    Message("legal basis"),
    Message("may be read by"),
)
"""Titles of the columns of :func:`protocol_rows`."""


def who_comes_in(config: Config) -> str:
    """A sentence about address, users and strangers."""
    if config.lan:
        sentences = [Message("It listens on port {port} of all addresses.", port=config.port)]
    elif is_loopback(config.host):
        sentences = [
            Message(
                "It listens on port {port} of {host}, which only this machine reaches.",
                port=config.port,
                host=config.host,
            )
        ]
    else:
        sentences = [Message("It listens on port {port} of {host}.", port=config.port, host=config.host)]
    names = ", ".join(user.name for user in config.users)
    if config.anonymous and names:
        sentences.append(Message("Everybody may read, and publish as {names}.", names=names))
    elif config.anonymous:
        sentences.append(Message("Everybody may come in."))
    elif names:
        sentences.append(Message("These may come in: {names}.", names=names))
    elif config.lan or not is_loopback(config.host):
        sentences.append(Message("No user is named, so one is made at the start."))
    if config.access.rules:
        sentences.append(Message("Before that, the rules of [access] hold."))
    return message_lines(sentences, " ")


def path_rows(config: Config) -> list[tuple[str, ...]]:
    """One row for each path that has a camera or settings, and one for all others if they can be used."""
    rows: list[tuple[str, ...]] = []
    for path in sorted(config.cameras.keys() | config.paths.keys()):
        settings = config.path_settings(path)
        camera = config.cameras.get(path)
        rows.append(
            (path, _origin(settings, camera), *_rights(settings, camera), _aims(path, settings, camera))
        )
    defaults = config.path_defaults
    if config.publish == "any" and defaults.publish is not False:
        rows.append(
            (
                Message("any other"),
                _origin(defaults, None),
                *_rights(defaults, None),
                _aims("PATH", defaults, None),
            )
        )
    return rows


def mask_rows(config: Config) -> list[tuple[str, ...]]:
    """One row for each privacy mask of a camera."""
    return [
        (path, mask.name, str(mask), mask.fill)
        for path, camera in sorted(config.cameras.items())
        for mask in camera.masks
    ]


def protocol_rows(config: Config) -> list[tuple[str, ...]]:
    """One row for each path that has a data protocol."""
    return [
        (
            found.path,
            ", ".join(text for text in (found.responsible, found.contact) if text),
            found.purpose,
            found.legal_basis,
            Message("everybody") if found.notice else Message("who may come in"),
        )
        for found in protocols_of(config)
        if config.path_settings(found.path).protocol is not None
    ]


def may_publish(config: Config) -> bool:
    """Whether there is a path that somebody may publish to."""
    if config.publish == "any" and config.path_defaults.publish:
        return True
    return any(settings.publish and settings.source is None for settings in config.paths.values())


def _origin(settings: PathSettings, camera: CameraSettings | None) -> str:
    if camera is not None:
        return (
            Message("the first camera")
            if camera.camera is None
            else Message("camera {camera}", camera=masked(camera.camera))
        )
    sources = ""
    for source in map(masked, settings.sources):
        sources = Message("{first}, or {then}", first=sources, then=source) if sources else source
    if not sources:
        return Message("a publisher")
    return Message("{sources}, on demand", sources=sources) if settings.source_on_demand else sources


def _rights(settings: PathSettings, camera: CameraSettings | None) -> tuple[str, str]:
    own = camera is not None or settings.source is not None
    return _right(settings.read), "" if own else _right(settings.publish)


def _right(allowed: bool | list[str]) -> str:
    if isinstance(allowed, bool):
        return Message("all who may come in") if allowed else Message("nobody")
    return ", ".join(allowed) or Message("nobody")


def _aims(path: str, settings: PathSettings, camera: CameraSettings | None) -> str:
    aims: list[str] = [masked(url) for url in settings.forward]
    if settings.transcode != "none" and camera is None:
        rendition = f"{path}{RENDITION}"
        aims.insert(
            0, rendition if settings.transcode == "h264" else Message("{path} where needed", path=rendition)
        )
    if settings.multicast is not None:
        group, port = settings.multicast.group, settings.multicast.port
        aims.append(Message("{group} port {port}", group=group, port=port))
    return message_lines(aims, ", ")
