"""The certificate of a relay that runs: read at its start, and anew when one of its files changes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path

from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings.tls import TlsSettings
from relaycore.system.file_watch import LOOK_S, WatchedFile
from relaycore.tls.self_signed import self_signed

__all__ = ["TlsFiles"]

_log = logging.getLogger(__name__)


class TlsFiles:
    """Gives the engine its certificate. All methods are called from the loop.

    ``use`` is given chain and key as PEM, and raises ValueError when they cannot be used. ``folder`` is the
    state folder, ``names`` are names and addresses of this machine for a certificate that is made.
    """

    def __init__(
        self,
        settings: TlsSettings,
        use: Callable[[bytes, bytes], None],
        *,
        folder: Path | None,
        names: Iterable[str],
        look_s: float = LOOK_S,
    ) -> None:
        self._settings = settings
        self._use = use
        self._folder = folder
        self._names = names
        self._look_s = look_s
        self._tasks: list[asyncio.Task[None]] = []
        self._reading = asyncio.Lock()
        self.fingerprint = ""
        """SHA-256 of the certificate, as browsers and `openssl x509 -fingerprint` show it."""
        self.is_self_signed = not settings.certificate
        """Whether the certificate was made here."""

    async def open(self) -> None:
        """Reads the files and begins to follow them.

        ConfigurationError when they cannot be used, StateError when none can be made.
        """
        chain, key = await asyncio.to_thread(self._paths)
        watched = [WatchedFile(chain), WatchedFile(key)]
        try:
            await self._read(chain, key)
        except (OSError, ValueError) as error:
            raise ConfigurationError(Message("tls: {sentence}", sentence=_sentence(error))) from error
        self._tasks = [asyncio.create_task(self._follow(file, chain, key)) for file in watched]

    async def close(self) -> None:
        """Follows the files no longer."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []

    def _paths(self) -> tuple[Path, Path]:
        if self._settings.certificate:
            return Path(self._settings.certificate), Path(self._settings.key or self._settings.certificate)
        if self._folder is None:
            raise ConfigurationError(
                Message(
                    "tls: there is no folder to keep a certificate in: name `certificate` and `key`, "
                    "or a `state_folder`."
                )
            )
        return self_signed(self._folder, self._names)

    async def _read(self, chain: Path, key: Path) -> None:
        async with self._reading:
            certificates = await asyncio.to_thread(chain.read_bytes)
            secret = await asyncio.to_thread(key.read_bytes)
            self._use(certificates, secret)
            self.fingerprint = _fingerprint(certificates)

    async def _follow(self, file: WatchedFile, chain: Path, key: Path) -> None:
        changes = asyncio.Event()
        watching = asyncio.create_task(file.watch(changes.set, look_s=self._look_s))
        try:
            while True:
                await changes.wait()
                changes.clear()
                try:
                    await self._read(chain, key)
                except (OSError, ValueError) as error:
                    # Certificate and key change one after the other: the second change brings them together.
                    _log.warning("the certificate stays as it was: %s", _sentence(error))
                else:
                    _log.info("new connections get another certificate: SHA-256 %s", self.fingerprint)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching


def _fingerprint(certificates: bytes) -> str:
    """Of the first certificate of a PEM file that the engine has read."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    text = certificates.decode("ascii", "replace")
    first = text[text.index(begin) : text.index(end) + len(end)]
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).digest()
    return ":".join(f"{byte:02X}" for byte in digest)


def _sentence(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return f"{error.filename} cannot be read: {error.strerror}"
    return str(error)
