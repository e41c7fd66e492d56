"""What is found: devices with their scopes and types, and whether a probe means them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from relaycore.onvif.discovery.names import DEVICE_TYPE, DISCOVERY, NVT_TYPE

__all__ = ["QualifiedName", "Target", "device_scopes", "scope_matches"]

QualifiedName = tuple[str | None, str]
"""A namespace, ``None`` where the prefix is not bound, and a name in it."""

_RFC3986: Final = f"{DISCOVERY}/rfc3986"
_STRCMP0: Final = f"{DISCOVERY}/strcmp0"


@dataclass(frozen=True, slots=True)
class Target:
    """A device that can be found: a *target service* of WS-Discovery."""

    urn: str
    """Its name for ever, ``urn:uuid:`` and a UUID."""

    scopes: tuple[str, ...]
    """URIs that say what, where and which it is, as :func:`device_scopes` makes them."""

    path: str = "/onvif/device_service"
    """Where its device service is, on whatever address of this machine."""

    types: tuple[tuple[str, str], ...] = (NVT_TYPE, DEVICE_TYPE)
    """Namespace and name of what it is."""

    def is_meant(self, types: Iterable[QualifiedName], scopes: Iterable[str], rule: str) -> bool:
        """Whether it is of all these types and in all these scopes (WS-Discovery section 5.1)."""
        return all(map(self._is_a, types)) and all(
            any(scope_matches(wanted, scope, rule) for scope in self.scopes) for wanted in scopes
        )

    def _is_a(self, wanted: QualifiedName) -> bool:
        namespace, name = wanted
        # A prefix that is not bound is an error, and one that clients make: the name is what they meant.
        return wanted in self.types or (namespace is None and name in (known for _, known in self.types))


def device_scopes(
    name: str, hardware: str, *, location: str = "", mac: str = "", more: Iterable[str] = ()
) -> tuple[str, ...]:
    """The scopes of a camera (ONVIF Core section 7.3.2.2, with those that clients look for).

    ``mac`` is a hardware address like ``02:00:00:00:00:01``, by which Home Assistant tells cameras apart.
    """
    base = "onvif://www.onvif.org/"
    scopes = [
        f"{base}Profile/Streaming",
        f"{base}type/video_encoder",
        f"{base}type/Network_Video_Transmitter",
    ]
    scopes += [f"{base}name/{quote(name, safe='')}", f"{base}hardware/{quote(hardware, safe='')}"]
    if location:
        scopes.append(f"{base}location/{quote(location, safe='')}")
    if mac:
        scopes.append(f"{base}MAC/{mac}")
    return (*scopes, *more)


def scope_matches(wanted: str, scope: str, rule: str = "") -> bool:
    """Whether a scope that is looked for takes in one of a device (WS-Discovery section 5.1).

    By the rule of RFC 3986, which is the default, the path that is wanted is the beginning of the other one,
    by whole segments. A rule that is not known here matches nothing.
    """
    if rule == _STRCMP0:
        return wanted == scope
    if rule not in ("", _RFC3986):
        return False
    try:
        left, right = urlsplit(wanted), urlsplit(scope)
    except ValueError:
        return False
    if (left.scheme.lower(), left.netloc.lower()) != (right.scheme.lower(), right.netloc.lower()):
        return False
    wanted_path, path = _segments(left.path), _segments(right.path)
    return not {".", ".."}.intersection(wanted_path, path) and path[: len(wanted_path)] == wanted_path


def _segments(path: str) -> list[str]:
    parts = [unquote(part) for part in path.removeprefix("/").removesuffix("/").split("/")]
    return [] if parts == [""] else parts
