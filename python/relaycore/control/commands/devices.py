"""``relaycore devices``: the cameras and microphones of this machine."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable

from relaycore.capture.devices import list_devices
from relaycore.capture.model import Devices, Mode
from relaycore.control.console import make_console, say, show_table
from relaycore.language import Message, message_lines

NAME = "devices"
HELP = "list cameras and microphones"
DESCRIPTION = "Lists the cameras and microphones of this machine with what they can do."


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def run(arguments: argparse.Namespace) -> int:
    """Prints what is there."""
    found = list_devices()
    if arguments.json:
        sys.stdout.write(json.dumps(_plain(found), indent=2) + "\n")
        return 0
    console = make_console()
    if found.cameras:
        rows = [(camera.name, camera.device, _modes(camera.modes)) for camera in found.cameras]
        show_table(console, Message("Cameras"), (Message("name"), Message("device"), Message("modes")), rows)
    else:
        say(console, Message("No camera was found. `relaycore serve` serves the test pattern."))
    if found.microphones:
        rows = [(microphone.name, microphone.device, "") for microphone in found.microphones]
        show_table(
            console, Message("Microphones"), (Message("name"), Message("device")), (row[:2] for row in rows)
        )
    else:
        say(console, Message("No microphone was found."))
    return 0


def _modes(modes: Iterable[Mode]) -> str:
    """One line a format and size, with its frame rates: ``mjpeg 1280x720 at 30, 25``."""
    rates: dict[tuple[str, int, int], list[float]] = {}
    for mode in modes:
        rates.setdefault((mode.format, mode.width, mode.height), []).append(float(mode.fps))
    return message_lines(
        Message(
            "{format} {width}x{height} at {rates}",
            format=name,
            width=width,
            height=height,
            rates=", ".join(f"{fps:g}" for fps in sorted(set(found), reverse=True)),
        )
        for (name, width, height), found in rates.items()
    )


def _plain(found: Devices) -> dict[str, object]:
    return {
        "cameras": [
            {
                "name": camera.name,
                "device": camera.device,
                "driver": camera.driver,
                "modes": [
                    {
                        "format": mode.format,
                        "width": mode.width,
                        "height": mode.height,
                        "fps": round(float(mode.fps), 3),
                    }
                    for mode in camera.modes
                ],
            }
            for camera in found.cameras
        ],
        "microphones": [
            {"name": microphone.name, "device": microphone.device} for microphone in found.microphones
        ],
    }
