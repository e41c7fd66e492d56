"""What is asked before somebody may do something, and what the answer is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from relaycore.language import Message

__all__ = ["Allow", "Challenge", "Decision", "Question", "Refuse", "Rejection", "host_of"]


class Question(Protocol):
    """What the engine asks, a ``Request`` of the binding, or the HTTP side."""

    @property
    def action(self) -> str:
        """What the client wants to do: an :data:`Action`."""

    @property
    def method(self) -> str:
        """The RTSP or HTTP method."""

    @property
    def path(self) -> str:
        """The path of the stream, or of the HTTP request."""

    @property
    def uri(self) -> str:
        """The URI of the request line."""

    @property
    def query(self) -> str | None:
        """The query of the URI."""

    @property
    def authorization(self) -> str | None:
        """The header of that name."""

    @property
    def user_agent(self) -> str | None:
        """The header of that name."""

    @property
    def peer(self) -> str:
        """Address and port of the client."""

    @property
    def secure(self) -> bool:
        """Whether its connection is encrypted."""


@dataclass(frozen=True, slots=True)
class Allow:
    """The client may, as this user.

    ``ticket`` leads to more that is known of who it is, by :meth:`UserStore.identity`; 0 to nothing.
    """

    user: str | None
    ticket: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Challenge:
    """The client must show who it is: 401 with these ``WWW-Authenticate`` headers.

    ``wrong`` says that it has tried, as ``user`` where there is one of that name, and ``reason`` what was
    wrong with it.
    """

    challenges: tuple[str, ...]
    wrong: bool = field(default=False, compare=False)
    user: str | None = field(default=None, compare=False)
    reason: str = field(default=Message("Wrong password or user"), compare=False)


@dataclass(frozen=True, slots=True)
class Refuse:
    """The client may not: this RTSP status, and a reason that a person understands.

    ``because`` is the reason for the log, where it is not for the client. ``user`` is who it is or says it
    is, where there is a user of that name.
    """

    status: int
    reason: str
    because: str = ""
    user: str | None = field(default=None, compare=False)

    @property
    def why(self) -> str:
        """The reason for who runs the relay."""
        return self.because or self.reason


@dataclass(frozen=True, slots=True)
class Rejection:
    """Somebody was not let in, as ``user`` where there is one of the name that was sent."""

    question: Question
    user: str | None
    status: int
    reason: str


Decision = Allow | Challenge | Refuse


def host_of(peer: str) -> str:
    """The address of ``127.0.0.1:5000`` or ``[::1]:5000``."""
    return peer.rpartition(":")[0].strip("[]") or peer
