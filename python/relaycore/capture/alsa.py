"""Microphones of Linux, as ALSA lists them in /proc/asound."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from relaycore.capture.model import Microphone

__all__ = ["list_microphones", "parse_pcm", "prepare"]

_LINE: Final = re.compile(r"(\d+)-(\d+): (.*)")
_CONFIGURATION: Final = Path("/usr/share/alsa/alsa.conf")


def list_microphones(file: Path = Path("/proc/asound/pcm")) -> list[Microphone]:
    """The sound devices that record, in the order of their cards."""
    try:
        return parse_pcm(file.read_text(errors="replace"))
    except OSError:
        return []


def parse_pcm(text: str) -> list[Microphone]:
    """The devices that record, of the text of /proc/asound/pcm.

    ::

        00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1
    """
    found = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        parts = [part.strip() for part in re.split(r"(?:^|\s):\s", match[3])]
        if any(part.startswith("capture") for part in parts[1:]):
            # "plughw" converts the rate and the format where the hardware does not have what is asked for.
            device = f"plughw:{int(match[1])},{int(match[2])}"
            name = next((part for part in parts if part), device)
            found.append(Microphone(name, device, "alsa"))
    return found


def prepare() -> None:
    """Shows the libasound inside PyAV the system's configuration: it looks for it where PyAV was built."""
    if _CONFIGURATION.exists():
        os.environ.setdefault("ALSA_CONFIG_PATH", str(_CONFIGURATION))
