"""``relaycore serve``: serves the cameras until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from relaycore.access.accounts import AccountFile
from relaycore.control.console import StatusLine, legible, make_console
from relaycore.control.logs import configure_logs
from relaycore.control.options import config_from_options
from relaycore.control.passwords import add_users, with_users
from relaycore.control.reloading import keep_reloading
from relaycore.control.start_page import log_start, said_at_start, show_start
from relaycore.control.state_folder import state_folder
from relaycore.control.watch import log_events, trace_latency, watch_status
from relaycore.language import _, current, known, using
from relaycore.relay import Relay
from relaycore.settings import Config, User
from relaycore.system.descriptors import raise_descriptor_limit
from relaycore.system.event_loop import call_on_stop_signals, loop_factory
from relaycore.system.file_watch import WatchedFile

NAME = "serve"
HELP = "make the cameras of this machine IP cameras, and relay what is published"
DESCRIPTION = (
    "Serves a camera as H.264 at rtsp://127.0.0.1:8554/cam: the first one that is there, or the one of the "
    "options, or those of a configuration file. Without any camera it serves a test pattern. What other "
    "programs publish to any other path is relayed to all who read it."
)

_log = logging.getLogger(__name__)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command.

    None has a default: what is not given leaves the configuration as it is.
    """
    parser.add_argument("config", nargs="?", metavar="CONFIG", help="a configuration file (TOML)")
    camera = parser.add_argument_group("camera")
    camera.add_argument(
        "--camera", metavar="NAME", help="name or device of a camera, `pattern`, a media file, or lavfi:GRAPH"
    )
    camera.add_argument(
        "--microphone", metavar="NAME", help="name or device of a microphone, `auto`, or `none`"
    )
    camera.add_argument("--size", metavar="WxH", help="size in pixels, like 1280x720")
    camera.add_argument("--fps", metavar="N", help="pictures per second")
    camera.add_argument(
        "--encoder", metavar="NAME", help="`auto`, `copy` for what the camera gives, or an encoder of FFmpeg"
    )
    camera.add_argument("--bitrate", metavar="N", help="bits per second, like 800k or 2M")
    camera.add_argument("--path", metavar="PATH", help="path of the camera, `cam` by default")
    camera.add_argument(
        "--no-camera", action="store_true", help="open no camera: relay only what is published or pulled"
    )
    add_network_options(parser)
    output = parser.add_argument_group("output")
    output.add_argument("--log-json", action="store_true", help="print nothing but logs, as JSON")
    output.add_argument(
        "--trace-latency", action="store_true", help="print how long pictures spend in each stage"
    )
    output.add_argument("--no-qr", action="store_true", help="show no QR code")


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """The options of where the relay listens, to whom, and where it keeps what has to last."""
    network = parser.add_argument_group("network")
    network.add_argument("--host", metavar="ADDRESS", help="address to listen on, 127.0.0.1 by default")
    network.add_argument("--port", metavar="N", help="port to listen on, 8554 by default")
    network.add_argument(
        "--lan", action="store_true", help="let the network in; readers and publishers then need a password"
    )
    network.add_argument(
        "--anonymous", action="store_true", help="let everybody read, and publish where there are no users"
    )
    network.add_argument(
        "--publish",
        metavar="WHERE",
        help="`any`, or `configured` to open only the paths of the configuration",
    )
    network.add_argument(
        "--user",
        action="append",
        default=[],
        metavar="NAME[:PASSWORD]",
        help="somebody who may read and publish; may be given several times; without a password, it is asked "
        "for or made",
    )
    network.add_argument(
        "--tls",
        action="store_true",
        help="let connections be encrypted: rtsps:// and https:// on the same port",
    )
    network.add_argument(
        "--tls-certificate",
        metavar="FILE",
        help="certificate for that (PEM); without one, one is made",
    )
    network.add_argument("--tls-key", metavar="FILE", help="private key of the certificate (PEM)")
    network.add_argument(
        "--no-api", action="store_true", help="answer no HTTP: neither the control API nor metrics"
    )
    network.add_argument(
        "--state-folder", metavar="FOLDER", help="folder of what has to last, like users; one of the platform"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serves until a signal asks it to end. What it raises is a RelaycoreError."""
    raise_descriptor_limit()
    file = None if arguments.config is None else WatchedFile(Path(arguments.config))
    configured = settings_of(arguments)
    others = has_accounts(Path(configured.state_folder))
    config, generated = add_users(configured, arguments.user, has_others=others)
    added = [user for user in config.users if user not in configured.users]

    def load() -> Config:
        return with_users(settings_of(arguments), added)

    console = make_console()
    configure_logs(as_json=config.log_json, console=console)
    with using(known(config.language) or current()), asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(until_stopped(lambda: _serve(config, generated, console, load, file)))


def settings_of(arguments: argparse.Namespace) -> Config:
    """The settings of options, file and environment, with the state folder that is meant by them."""
    config = config_from_options(arguments, os.environ)
    folder = state_folder(config.state_folder, os.environ)
    return msgspec.structs.replace(config, state_folder=str(folder))


def has_accounts(folder: Path) -> bool:
    """Whether there are users in the state folder."""
    file = AccountFile(folder)
    try:
        return bool(file.all())
    finally:
        file.close()


async def _serve(
    config: Config,
    generated: list[User],
    console: Console,
    load: Callable[[], Config],
    file: WatchedFile | None,
) -> None:
    relay = Relay(config)
    relay.load_settings = load
    # From before the cameras open: what the first pictures bring to light is not to be missed.
    events = relay.events()
    async with relay:
        if config.log_json:
            _tell_passwords(generated)
            log_start(relay)
        else:
            show_start(console, relay, config, generated)
        with StatusLine(None if config.log_json else console) as line:
            tasks = [
                log_events(events, said_at_start(relay)),
                watch_status(relay, line, as_json=config.log_json),
                keep_reloading(relay, load, file),
            ]
            if config.trace_latency:
                tasks.append(trace_latency(relay, None if config.log_json else console))
            await asyncio.gather(*tasks)


async def until_stopped(program: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """Runs the program until a signal asks to end it; a second signal ends it without ceremony."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(program())
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        release()
        task.cancel()

    release = call_on_stop_signals(loop, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not stopped:
            raise
    finally:
        release()
    _log.info("stopped")
    return 0


def _tell_passwords(generated: list[User]) -> None:
    """Beside the logs, which are kept and sent around."""
    for user in generated:
        said = _("User {name}, password {password} (shown only now)", name=user.name, password=user.password)
        sys.stderr.write(f"relaycore: {legible(said, sys.stderr.encoding or 'ascii')}\n")
