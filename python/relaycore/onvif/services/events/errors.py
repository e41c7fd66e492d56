"""Why something about events is refused.

::

    EventError
    ├── NotSubscribed        there is no such subscription, or it is somebody else's
    ├── BadFilter            what is wished cannot be filtered like that
    ├── BadTermination       a time that is no time, or has passed
    ├── BadCallback          nobody is called back at this address
    └── TooManySubscriptions
"""

from __future__ import annotations

__all__ = [
    "BadCallback",
    "BadFilter",
    "BadTermination",
    "EventError",
    "NotSubscribed",
    "TooManySubscriptions",
]


class EventError(Exception):
    """The root. ``fault`` is the local name of the fault of WS-BaseNotification that says it."""

    fault = "SubscribeCreationFailedFault"


class NotSubscribed(EventError):
    """There is no such subscription, or it is somebody else's."""

    fault = "ResourceUnknownFault"


class BadFilter(EventError):
    """What is wished cannot be filtered like that."""

    def __init__(self, text: str, fault: str) -> None:
        super().__init__(text)
        self.fault = fault


class BadTermination(EventError):
    """A time that is no time, or has passed."""

    fault = "UnacceptableTerminationTimeFault"


class BadCallback(EventError):
    """Nobody is called back at this address."""


class TooManySubscriptions(EventError):
    """There are as many as there may be."""
