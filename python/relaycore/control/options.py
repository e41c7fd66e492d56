"""Puts the options of the command line over the settings of the configuration file and the environment."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from relaycore.control.checking import Mistakes, check_value, placed
from relaycore.control.config import load_config, read_config
from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings import DEFAULT_PATH, CameraSettings, Config, normal_path

__all__ = ["config_from_options"]

CAMERA_OPTIONS = ("camera", "microphone", "size", "fps", "encoder", "bitrate")
"""Options that mean one camera; each has the name of its field."""

RELAY_OPTIONS = ("host", "port", "publish", "state_folder", "language")
"""Options with a value that mean the relay."""

SWITCHES = ("lan", "anonymous", "log_json", "trace_latency")
"""Options without a value that turn something on."""

TLS_OPTIONS = ("certificate", "key")
"""Options that mean encryption; each has the name of its field behind ``tls-``."""

OFF_SWITCHES = ("qr", "api")
"""What can be turned off, by an option that begins with ``no_``."""


def config_from_options(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Config:
    """The settings that the program runs with; users of the command line are not in them yet.

    ConfigurationError with all mistakes of file and environment, or with all of the command line.
    """
    if arguments.config is None:
        config = read_config("", "configuration", environment)
    else:
        config = load_config(Path(arguments.config), environment)
    mistakes: Mistakes = []
    relay: dict[str, Any] = _values(Config, RELAY_OPTIONS, arguments, mistakes)
    camera: dict[str, Any] = _values(CameraSettings, CAMERA_OPTIONS, arguments, mistakes)
    if mistakes:
        raise ConfigurationError(*(placed(str(mistake.path[0]), mistake.of_option()) for mistake in mistakes))
    if arguments.lan and arguments.host is not None:
        raise ConfigurationError(
            Message("--lan listens on all addresses already: leave out --host, or --lan.")
        )
    relay.update({name: True for name in SWITCHES if getattr(arguments, name)})
    if arguments.host is not None:
        relay["lan"] = False
    tls: dict[str, Any] = {
        name: value for name in TLS_OPTIONS if (value := getattr(arguments, f"tls_{name}")) is not None
    }
    if arguments.tls or tls:
        relay["tls"] = msgspec.structs.replace(config.tls, enabled=True, **tls)
    relay.update({name: False for name in OFF_SWITCHES if getattr(arguments, f"no_{name}")})
    if arguments.no_camera:
        _refuse_camera_options(arguments)
        relay["cameras"] = {}
    elif config.cameras or camera or arguments.path is not None or not config.paths:
        relay["cameras"] = _cameras(config.cameras, arguments.path, camera)
    return msgspec.structs.replace(config, **relay)


def _refuse_camera_options(arguments: argparse.Namespace) -> None:
    for name in (*CAMERA_OPTIONS, "path"):
        if getattr(arguments, name) is not None:
            raise ConfigurationError(
                Message("--no-camera opens no camera: leave out --{name}, or --no-camera.", name=name)
            )


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

    It is the one at ``--path``, or the only one. Where the file has none, it is at ``cam``.
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
            Message(
                "{option}: there are several cameras; name one with --path: {names}.",
                option=option,
                names=", ".join(sorted(cameras)),
            )
        )
    cameras[chosen] = msgspec.structs.replace(cameras.get(chosen, CameraSettings()), **wishes)
    return cameras
