"""A share link that is used from many networks: it was passed on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from relaycore.alerts.model import Evidence, Finding, Happening
from relaycore.alerts.places import MINUTE_MS, SHARE, network_in
from relaycore.alerts.table import Table
from relaycore.language import Message
from relaycore.ledger.records import Opening, Session
from relaycore.settings.alerts import SharedLinkRule

__all__ = ["SharedLink"]

MOST_LINKS: Final = 4096
"""Links that are remembered."""

MOST_NETWORKS: Final = 200
"""Networks of one link."""


class SharedLink:
    """Looks for it. The subject of an alert is the link, as ``share:ID``."""

    takes: ClassVar[tuple[type, ...]] = (Opening,)

    def __init__(self, settings: SharedLinkRule) -> None:
        self._settings = settings
        self._window = settings.minutes * MINUTE_MS
        self._links: Table[str, Evidence] = Table(MOST_LINKS, lambda: Evidence(MOST_NETWORKS))

    def take(self, happening: Happening) -> Iterator[Finding]:
        """Something has happened."""
        if not isinstance(happening, Opening) or isinstance(happening, Session):
            return
        subject, network = happening.subject, network_in(happening.network)
        if subject is None or network is None or not subject.startswith(SHARE):
            return
        used = self._links.use(subject)
        used.add(network, happening.at, happening.id)
        networks = used.since(happening.at - self._window)
        if len(networks) >= self._settings.networks:
            yield Finding(
                at=happening.at,
                rule="shared_link",
                subject=subject,
                path=happening.path,
                text=Message(
                    "The share link {link} for {path} was used from {networks} networks "
                    "within {minutes} minutes.",
                    link=subject.removeprefix(SHARE),
                    path=happening.path,
                    networks=len(networks),
                    minutes=self._settings.minutes,
                ),
                records=used.records,
            )
