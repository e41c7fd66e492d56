"""Whom a load test may load: this machine, or a server whose owner says so."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from relaycore.addresses import is_loopback
from relaycore.bench.plan import Plan
from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings.urls import split_url

__all__ = ["check_hosts", "hosts_of"]

OWNED = "--i-own-this-server"


def hosts_of(plan: Plan) -> list[str]:
    """Every host that a plan names, once."""
    urls = [*(source.url for source in plan.sources), *(group.url for group in plan.groups)]
    return list(dict.fromkeys(split_url(url).hostname or "" for url in urls))


def check_hosts(hosts: Iterable[str], *, owned: bool) -> None:
    """ConfigurationError when a host is unknown, or has an address that is not loopback.

    All addresses of a name count, since any of them may be taken. With ``owned``, any host may be loaded.
    """
    for host in hosts:
        addresses = _addresses(host)
        far = [address for address in addresses if not is_loopback(address)]
        if far and not owned:
            raise ConfigurationError(
                Message(
                    "{host} ({names}) is not this machine: a load test of somebody else's server is "
                    "an attack. Where it is yours, add {owned}.",
                    host=host,
                    names=", ".join(far),
                    owned=OWNED,
                )
            )


def _addresses(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(
            Message("{host} is not known: {error}.", host=repr(host), error=error)
        ) from None
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
