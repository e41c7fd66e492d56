"""Names of devices that stay: a seed in the state folder, and of it one for each device."""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path
from typing import Final

from relaycore.errors import StateError
from relaycore.language import Message
from relaycore.system.private_files import write_private

__all__ = ["SEED_FILE", "device_mac", "device_urn", "load_seed"]

SEED_FILE: Final = "onvif.id"
"""Name of the seed in the state folder: one UUID."""


def load_seed(folder: Path | None) -> uuid.UUID:
    """The seed of this relay, made with the first call. Without a folder it lasts as long as the program.

    StateError when it cannot be kept.
    """
    if folder is None:
        return uuid.uuid4()
    path = folder / SEED_FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            write_private(path, str(uuid.uuid4()).encode("ascii"))
        return uuid.UUID(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise StateError(
            Message("{path} cannot be read: {error}. Put it back, or remove it.", path=path, error=error)
        ) from None


def device_urn(seed: uuid.UUID, name: str) -> str:
    """The name of a device among those of a seed; always the same (RFC 9562 section 5.5)."""
    return f"urn:uuid:{uuid.uuid5(seed, name)}"


def device_mac(seed: uuid.UUID, name: str) -> str:
    """A hardware address for a device that has none: locally administered, no group (IEEE 802 clause 8)."""
    octets = bytearray(uuid.uuid5(seed, name).bytes[:6])
    octets[0] = octets[0] & 0xFC | 0x02
    return ":".join(f"{octet:02x}" for octet in octets)
