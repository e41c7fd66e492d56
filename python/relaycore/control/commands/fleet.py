"""``relaycore fleet``: simulates many cameras until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from rich.console import Console

from relaycore.capture.devices import list_devices
from relaycore.capture.opening import is_device
from relaycore.control.checking import Mistakes, check_value, placed
from relaycore.control.commands.serve import (
    add_network_options,
    has_accounts,
    settings_of,
    until_stopped,
)
from relaycore.control.console import make_console, say
from relaycore.control.logs import configure_logs
from relaycore.control.passwords import add_users
from relaycore.errors import ConfigurationError
from relaycore.fleet import MOST_CAMERAS, Fleet, scenes
from relaycore.language import Message, current, known, using
from relaycore.relay import Relay
from relaycore.settings import CameraSettings, Config, Faults, User
from relaycore.system.descriptors import raise_descriptor_limit
from relaycore.system.event_loop import loop_factory

NAME = "fleet"
HELP = "simulate many cameras, to rehearse a recorder"
DESCRIPTION = (
    "Serves many cameras at rtsp://127.0.0.1:8554/cam1, cam2 and so on. They show few scenes, each encoded "
    "once; a camera that nobody watches costs next to nothing. Each is a device of ONVIF of its own, and is "
    "found where the network is let in. What goes wrong can be changed while it runs, by the control API."
)


class _Wishes(msgspec.Struct):
    """Options that are no settings."""

    disconnect: Annotated[float, Meta(ge=0, le=86_400, description="a number of seconds", examples=[30])]
    faulty: Annotated[
        int, Meta(ge=0, le=MOST_CAMERAS, description="a number of cameras, from 0 to 1000", examples=[5])
    ]


_FAULTS = {"loss": "loss", "jitter": "jitter", "wrong_clock": "clock_offset"}
_WRONG = ("loss", "jitter", "freeze", "wrong_clock", "refuse_logins", "disconnect")
"""Options that have something go wrong."""

_NOT_HERE: dict[str, Any] = {
    "config": None,
    "camera": None,
    "microphone": None,
    "encoder": None,
    "bitrate": None,
    "path": None,
    "no_camera": True,
    "log_json": False,
    "trace_latency": False,
    "no_qr": True,
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.set_defaults(**_NOT_HERE)
    fleet = parser.add_argument_group("fleet")
    fleet.add_argument("--cameras", metavar="N", type=int, default=10, help="how many cameras, 10 by default")
    fleet.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="NAME",
        help=(
            "what they show: `pattern`, as without this option, a media file, or lavfi:GRAPH; may be given "
            "several times"
        ),
    )
    fleet.add_argument("--size", metavar="WxH", help="size in pixels, like 1280x720")
    fleet.add_argument("--fps", metavar="N", help="pictures per second")
    faults = parser.add_argument_group("faults")
    faults.add_argument(
        "--faulty",
        metavar="N",
        help="with how many of the cameras things go wrong, from cam1 on; with all by default",
    )
    faults.add_argument(
        "--loss", metavar="SHARE", help="share of the packets that are lost, like 0.02 for two of a hundred"
    )
    faults.add_argument(
        "--jitter", metavar="SECONDS", help="by up to how much packets are late, like 0.05; their order stays"
    )
    faults.add_argument("--freeze", action="store_true", help="send nothing, and let sessions go on")
    faults.add_argument(
        "--wrong-clock",
        metavar="SECONDS",
        help="how far the clock is ahead in sender reports and in ONVIF, like 3600, or behind, like -3600",
    )
    faults.add_argument(
        "--refuse-logins",
        action="store_true",
        help="answer every login as if the password were wrong; who watches already goes on",
    )
    faults.add_argument(
        "--disconnect",
        metavar="SECONDS",
        help="throw out one of those who watch each time that so many seconds have passed, like 30",
    )
    add_network_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serves until a signal asks it to end. What it raises is a RelaycoreError."""
    raise_descriptor_limit()
    faults = _faults(arguments)
    disconnect = _value(_Wishes, "disconnect", arguments.disconnect) or 0.0
    arguments.faulty = _faulty(arguments)
    sources = _sources(arguments.source)
    size, fps = arguments.size, _value(CameraSettings, "fps", arguments.fps)
    arguments.size = arguments.fps = None
    configured = settings_of(arguments)
    others = has_accounts(Path(configured.state_folder))
    config, generated = add_users(configured, arguments.user, has_others=others)
    config = scenes(config, sources, size, fps)
    console = make_console()
    configure_logs(as_json=False, console=console)
    with using(known(config.language) or current()), asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(
            until_stopped(lambda: _serve(config, generated, console, arguments, faults, disconnect))
        )


async def _serve(
    config: Config,
    generated: list[User],
    console: Console,
    arguments: argparse.Namespace,
    faults: Faults,
    disconnect: float,
) -> None:
    relay = Relay(config)
    fleet = Fleet(relay, arguments.cameras, faults=faults, faulty=arguments.faulty, disconnect=disconnect)
    async with relay:
        fleet.begin()
        _tell(console, relay, fleet, generated, _wrong(arguments) if arguments.faulty else [])
        await fleet.run()


def _tell(console: Console, relay: Relay, fleet: Fleet, generated: list[User], wrong: list[str]) -> None:
    """Shows the passwords that were made, where the cameras are, and what goes wrong with which."""
    for user in generated:
        said = Message(
            "User {name}, password {password} (shown only now)", name=user.name, password=user.password
        )
        say(console, said, "bold")
    first, last = (relay.urls(fleet.paths[at])[0] for at in (0, -1))
    count = len(fleet.paths)
    say(console, Message("Cameras: {count}, from {first} to {last}", count=count, first=first, last=last))
    if wrong:
        first, last = fleet.faulty[0], fleet.faulty[-1]
        options = ", ".join(wrong)
        say(
            console,
            Message("Faults: {options}, from {first} to {last}", options=options, first=first, last=last),
        )


def _faulty(arguments: argparse.Namespace) -> int:
    """With how many of the cameras things go wrong. ConfigurationError where so many cannot be."""
    if not 1 <= arguments.cameras <= MOST_CAMERAS:
        raise ConfigurationError(Message("A fleet has 1 to {most} cameras.", most=MOST_CAMERAS))
    faulty: int | None = _value(_Wishes, "faulty", arguments.faulty)
    if faulty is None:
        return int(arguments.cameras)
    if faulty > arguments.cameras:
        raise ConfigurationError(
            Message("--faulty: the fleet has {count} cameras, and no more.", count=arguments.cameras)
        )
    if faulty and not _wrong(arguments):
        raise ConfigurationError(Message("--faulty: say what is to go wrong, like --loss 0.02."))
    return faulty


def _sources(given: list[str]) -> list[str]:
    """What the cameras show."""
    for source in given:
        if is_device(source) and not list_devices().cameras:
            raise ConfigurationError(
                Message(
                    "--source: there is no file {file}: give a media file, or the test pattern by "
                    "`--source pattern`.",
                    file=repr(source),
                )
            )
    return given or ["pattern"]


def _wrong(arguments: argparse.Namespace) -> list[str]:
    """The options by which something goes wrong, as they were given."""
    given = {f"--{name.replace('_', '-')}": getattr(arguments, name) for name in _WRONG}
    return [name if value is True else f"{name} {value}" for name, value in given.items() if value]


def _faults(arguments: argparse.Namespace) -> Faults:
    given = {
        field: _value(Faults, field, getattr(arguments, option), f"--{option.replace('_', '-')}")
        for option, field in _FAULTS.items()
        if getattr(arguments, option) is not None
    }
    return Faults(frozen=arguments.freeze, refused=arguments.refuse_logins, **given)


def _value(kind: Any, field: str, text: str | None, option: str = "") -> Any:
    """What an option means as a field of these settings."""
    if text is None:
        return None
    (expected,) = (found.type for found in msgspec.structs.fields(kind) if found.name == field)
    mistakes: Mistakes = []
    value = check_value(expected, text, (option or f"--{field}",), mistakes, strict=False)
    if mistakes:
        raise ConfigurationError(*(placed(str(mistake.path[0]), mistake.of_option()) for mistake in mistakes))
    return value
