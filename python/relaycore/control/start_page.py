"""What is shown when the relay has started: cameras, URLs, what to type, the QR code."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from rich.console import Console

from relaycore.addresses import is_loopback, reachable_addresses, url_host
from relaycore.control.checking import placed
from relaycore.control.console import qr_code, say, show_table
from relaycore.control.summary import PATH_COLUMNS, may_publish, path_rows
from relaycore.language import Message, parts_of
from relaycore.relay import Relay
from relaycore.relay_types import StreamStatus
from relaycore.settings import Config, User

__all__ = [
    "log_start",
    "page_url",
    "player_lines",
    "publish_path",
    "said_at_start",
    "show_start",
    "url_for",
]

_log = logging.getLogger(__name__)

PHONE: Final = "phone"
"""Path of a phone as a camera, where any path may be published to."""


def show_start(console: Console, relay: Relay, config: Config, generated: Sequence[User]) -> None:
    """Prints all of it. A generated password is shown here and never again."""
    streams = relay.streams()
    for line in _notices(streams):
        say(console, line, "yellow")
    rows = [(url, *_camera_cells(stream)) for stream in streams for url in relay.urls(stream.path)]
    if rows:
        show_table(
            console,
            Message("Cameras"),
            (Message("URL"), Message("camera"), Message("mode"), Message("encoder")),
            rows,
        )
    if config.paths:
        show_table(console, Message("Paths"), PATH_COLUMNS, path_rows(config))
    for user in generated:
        say(
            console,
            Message(
                "User {name}, password {password} (shown only now)", name=user.name, password=user.password
            ),
            "bold",
        )
    if may_publish(config):
        say(
            console,
            Message("Publish to {url}", url=url_for(relay.urls("PATH")[0], config, generated)),
        )
    if streams:
        url = url_for(relay.urls(streams[0].path)[0], config, generated)
        for line in player_lines(url):
            say(console, line)
        if not config.api:
            _show_code(console, config, url)
    if config.api:
        _show_pages(console, relay, config)
    if relay.certificate is not None:
        kind = Message("signed by itself") if relay.certificate.is_self_signed else Message("from a file")
        say(console, Message("Encrypted as well: rtsps:// and https:// on the same port."))
        say(
            console,
            Message(
                "Certificate ({kind}), SHA-256 {fingerprint}",
                kind=kind,
                fingerprint=relay.certificate.fingerprint,
            ),
            "dim",
        )
    if is_loopback(relay.address[0]):
        say(
            console, Message("Only this machine comes in. --lan lets the network in, with a password."), "dim"
        )


def _show_pages(console: Console, relay: Relay, config: Config) -> None:
    """Where to go with a browser. Nobody's password is in these addresses: browsers keep them."""
    streams = relay.streams()
    if streams:
        url = page_url(relay, streams[0].path)
        say(console, Message("Watch in a browser: {url}", url=url))
        _show_code(console, config, url)
    path = publish_path(config)
    if path is not None and (relay.certificate is not None or is_loopback(relay.address[0])):
        url = page_url(relay, f"{path}/publish", camera=True)
        say(console, Message("Use a phone as a camera: {url}", url=url))
        if not is_loopback(relay.address[0]):
            _show_code(console, config, url)
    elif path is not None:
        say(
            console,
            Message("To use a phone as a camera, add --tls: only encrypted pages are given the camera."),
            "dim",
        )
    say(console, Message("Console: {url}", url=page_url(relay, "")), "dim")


def _show_code(console: Console, config: Config, url: str) -> None:
    if config.qr and console.is_terminal:
        console.print(qr_code(url, console.encoding))


def page_url(relay: Relay, page: str, *, camera: bool = False) -> str:
    """The address of a page; encrypted where it has to be, as ``camera`` pages have beyond this machine."""
    host, port = relay.address
    encrypted = relay.config.tls.required or (camera and relay.certificate is not None)
    scheme = "https" if encrypted else "http"
    return f"{scheme}://{url_host(reachable_addresses(host)[0])}:{port}/{quote(page)}"


def publish_path(config: Config) -> str | None:
    """A path that a phone may publish to; ``None`` where there is none."""
    free = [path for path, kept in config.paths.items() if kept.publish and not kept.sources]
    is_new = PHONE not in config.paths and PHONE not in config.cameras
    if PHONE in free or (config.publish == "any" and config.path_defaults.publish and is_new):
        return PHONE
    return free[0] if free else None


def log_start(relay: Relay) -> None:
    """The same for logs, without passwords."""
    host, port = relay.address
    _log.info("listening", extra={"host": host, "port": port})
    for stream in relay.streams():
        device, mode, encoder = _camera_cells(stream)
        _log.info(
            "serving",
            extra={
                "path": stream.path,
                "urls": relay.urls(stream.path),
                "camera": device,
                "mode": mode,
                "encoder": encoder,
                "reason": stream.camera.description.reason if stream.camera is not None else None,
            },
        )


def said_at_start(relay: Relay) -> frozenset[str]:
    """What either of them has said of the cameras, sentence by sentence, as events say it."""
    descriptions = [stream.camera.description for stream in relay.streams() if stream.camera is not None]
    reasons = [line for description in descriptions for line in description.reason.splitlines()]
    return frozenset([*map(str, descriptions), *reasons])


def url_for(url: str, config: Config, generated: Sequence[User]) -> str:
    """The URL with a user in it, where one is needed; with the password where it was made a moment ago."""
    if config.anonymous or not config.users:
        return url
    user = generated[0] if generated else config.users[0]
    password = quote(user.password, safe="") if generated else "PASSWORD"
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{quote(user.name, safe='')}:{password}@{rest}"


def player_lines(url: str) -> list[str]:
    """What to paste into a shell to see the stream with little delay."""
    return [
        f'ffplay -fflags nobuffer -flags low_delay -rtsp_transport tcp "{url}"',
        f'vlc --network-caching=150 "{url}"',
    ]


def _notices(streams: Sequence[StreamStatus]) -> list[str]:
    return [
        placed(stream.path, reason)
        for stream in streams
        if stream.camera is not None
        for reason in parts_of(stream.camera.description.reason)
    ]


def _camera_cells(stream: StreamStatus) -> tuple[str, str, str]:
    if stream.camera is None:
        return "", "", ""
    description = stream.camera.description
    camera = description.source if description.sound is None else f"{description.source}, {description.sound}"
    return camera, description.mode, description.encoder
