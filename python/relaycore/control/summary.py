"""What a configuration means, in words: who may come in, and what is at which path."""

from __future__ import annotations

from relaycore.access.rules import RENDITION
from relaycore.addresses import is_loopback
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

PATH_COLUMNS = ("path", "comes from", "read by", "published by", "goes on to")
"""Titles of the columns of :func:`path_rows`."""

MASK_COLUMNS = ("path", "what is hidden", "where, in fractions of the picture", "by")
"""Titles of the columns of :func:`mask_rows`."""

PROTOCOL_COLUMNS = ("path", "responsible", "purpose", "legal basis", "may be read by")
"""Titles of the columns of :func:`protocol_rows`."""


def who_comes_in(config: Config) -> str:
    """A sentence about address, users and strangers."""
    where = "all addresses" if config.lan else config.host
    sentence = f"It listens on port {config.port} of {where}"
    if not config.lan and is_loopback(config.host):
        sentence += ", which only this machine reaches"
    names = ", ".join(user.name for user in config.users)
    if config.anonymous:
        sentence += f"; everybody may read, and publish as {names}" if names else "; everybody may come in"
    elif names:
        sentence += f"; {names} may come in"
    elif config.lan or not is_loopback(config.host):
        sentence += "; no user is named, so one is made at the start"
    if config.access.rules:
        sentence += "; before that, the rules of [access] hold"
    return sentence + "."


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
            ("any other", _origin(defaults, None), *_rights(defaults, None), _aims("PATH", defaults, None))
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
            "everybody" if found.notice else "who may come in",
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
        return "the first camera" if camera.camera is None else f"camera {masked(camera.camera)}"
    sources = ", or ".join(masked(source) for source in settings.sources)
    if not sources:
        return "a publisher"
    return f"{sources}, on demand" if settings.source_on_demand else sources


def _rights(settings: PathSettings, camera: CameraSettings | None) -> tuple[str, str]:
    own = camera is not None or settings.source is not None
    return _right(settings.read), "" if own else _right(settings.publish)


def _right(allowed: bool | list[str]) -> str:
    if isinstance(allowed, bool):
        return "all who may come in" if allowed else "nobody"
    return ", ".join(allowed) or "nobody"


def _aims(path: str, settings: PathSettings, camera: CameraSettings | None) -> str:
    aims = [masked(url) for url in settings.forward]
    if settings.transcode != "none" and camera is None:
        when = "" if settings.transcode == "h264" else " where needed"
        aims.insert(0, f"{path}{RENDITION}{when}")
    if settings.multicast is not None:
        aims.append(f"{settings.multicast.group} port {settings.multicast.port}")
    return ", ".join(aims)
