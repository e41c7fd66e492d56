"""Puts the options of the command line over the settings of the configuration file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import msgspec

from relaycore.control.checking import Mistakes, check_value
from relaycore.control.config import load_config
from relaycore.errors import ConfigurationError
from relaycore.settings import DEFAULT_PATH, CameraSettings, Config, normal_path

__all__ = ["config_from_options"]

CAMERA_OPTIONS = ("camera", "microphone", "size", "fps", "encoder", "bitrate")
"""Options that mean one camera; each has the name of its field."""

RELAY_OPTIONS = ("host", "port")
"""Options with a value that mean the relay."""

SWITCHES = ("lan", "log_json", "trace_latency")
"""Options without a value."""


def config_from_options(arguments: argparse.Namespace) -> Config:
    """The settings that the program runs with; users of the command line are not in them yet.

    ConfigurationError with all mistakes of the file, or with all of the command line.
    """
    config = Config() if arguments.config is None else load_config(Path(arguments.config))
    mistakes: Mistakes = []
    relay: dict[str, Any] = _values(Config, RELAY_OPTIONS, arguments, mistakes)
    camera: dict[str, Any] = _values(CameraSettings, CAMERA_OPTIONS, arguments, mistakes)
    if mistakes:
        raise ConfigurationError(*(f"{mistake.path[0]}: {mistake.text}" for mistake in mistakes))
    if arguments.lan and arguments.host is not None:
        raise ConfigurationError("--lan listens on all addresses already: leave out --host, or --lan.")
    relay.update({name: True for name in SWITCHES if getattr(arguments, name)})
    if arguments.host is not None:
        relay["lan"] = False
    if arguments.no_qr:
        relay["qr"] = False
    relay["cameras"] = _cameras(config.cameras, arguments.path, camera)
    return msgspec.structs.replace(config, **relay)


def _values(
    kind: type[msgspec.Struct], names: tuple[str, ...], arguments: argparse.Namespace, mistakes: Mistakes
) -> dict[str, Any]:
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return {
        name: check_value(types[name], getattr(arguments, name), (f"--{name}",), mistakes, strict=False)
        for name in names
        if getattr(arguments, name) is not None
    }


def _cameras(
    configured: dict[str, CameraSettings], path: str | None, wishes: dict[str, Any]
) -> dict[str, CameraSettings]:
    """The cameras, the one that the options mean changed by them.

    It is the one at ``--path``, or the only one. Without any camera in the file there is one at ``cam``.
    """
    cameras = {normal_path(key): settings for key, settings in configured.items()}
    if path is not None:
        chosen = normal_path(path)
    elif not cameras:
        chosen = DEFAULT_PATH
    elif not wishes:
        return cameras
    elif len(cameras) == 1:
        chosen = next(iter(cameras))
    else:
        option = f"--{next(iter(wishes))}"
        raise ConfigurationError(
            f"{option}: there are several cameras; name one with --path: {', '.join(sorted(cameras))}."
        )
    cameras[chosen] = msgspec.structs.replace(cameras.get(chosen, CameraSettings()), **wishes)
    return cameras
