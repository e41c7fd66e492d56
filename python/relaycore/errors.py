"""The errors of relaycore, in one tree.

::

    RelaycoreError
    ├── ConfigurationError      a setting or a file of settings is wrong
    ├── DeviceError             a camera or microphone cannot be used
    │   ├── NoSuchDevice        there is none of that name
    │   ├── NoSuchMode          it has no such size, frame rate or format
    │   ├── DeviceBusy          another program uses it
    │   ├── PermissionRefused   the operating system refuses access
    │   └── DeviceLost          it was there and is gone
    ├── EncoderError            a codec is missing or failed
    ├── HookError               a command or webhook that was to be run failed
    ├── ListenError             the address or port cannot be listened on
    ├── PathError               a path is malformed, taken or not there
    ├── SourceError             what feeds a path, or what it is forwarded to, cannot be reached
    ├── StateError              what is kept on disk cannot be read or written
    └── RelayClosed             the relay is not open (any more)

``str(error)`` is the whole message for a person: one clear sentence that says what is wrong and what to do
next. Programs tell errors apart by their class. It is English; :func:`relaycore.language.shown` has it in the
language of a person, where it was made as a :class:`relaycore.language.Message`.
"""

from __future__ import annotations

from relaycore.language.message import message_lines

__all__ = [
    "ConfigurationError",
    "DeviceBusy",
    "DeviceError",
    "DeviceLost",
    "EncoderError",
    "HookError",
    "ListenError",
    "NoSuchDevice",
    "NoSuchMode",
    "PathError",
    "PermissionRefused",
    "RelayClosed",
    "RelaycoreError",
    "SourceError",
    "StateError",
]


class RelaycoreError(Exception):
    """Any error that relaycore raises for a reason which a person or a program can do something about."""


class ConfigurationError(RelaycoreError):
    """A setting is wrong.

    ``mistakes`` holds every mistake that was found, each a line of its own; ``str(error)`` shows them all.
    """

    def __init__(self, *mistakes: str) -> None:
        super().__init__(mistakes[0] if len(mistakes) == 1 else message_lines(mistakes))
        self.mistakes: tuple[str, ...] = mistakes


class DeviceError(RelaycoreError):
    """A camera or a microphone cannot be used."""


class NoSuchDevice(DeviceError):
    """No camera or microphone has the name that was asked for."""


class NoSuchMode(DeviceError):
    """The device has no mode of the size, frame rate or format that was asked for."""


class DeviceBusy(DeviceError):
    """Another program uses the device."""


class PermissionRefused(DeviceError):
    """The operating system does not let this user open the device."""


class DeviceLost(DeviceError):
    """The device was in use and is gone, most often because it was unplugged."""


class EncoderError(RelaycoreError):
    """An encoder or decoder is not there, or failed."""


class HookError(RelaycoreError):
    """A command or webhook of the configuration failed."""


class ListenError(RelaycoreError):
    """The address and port cannot be listened on."""


class PathError(RelaycoreError):
    """A path is malformed, is taken by another stream, or has no stream."""


class SourceError(RelaycoreError):
    """A source of a path cannot be opened or read, or a server does not take what is forwarded to it."""


class StateError(RelaycoreError):
    """What is kept in the state folder cannot be read or written."""


class RelayClosed(RelaycoreError):
    """The relay is not open: it was not entered yet, or it was left."""
