"""Certificates: made where there is none, read, and read anew when they change."""

from __future__ import annotations

import asyncio
import ssl
import stat
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from relaycore import Relay
from relaycore.errors import ConfigurationError, StateError
from relaycore.settings import Config, TlsSettings
from relaycore.tls import TlsFiles, self_signed
from tests.support.http import TIMEOUT

LOOK_S = 0.01


def read(chain: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(chain.read_bytes())


def test_a_certificate_is_made_once_and_names_this_machine(tmp_path: Path) -> None:
    chain, key = self_signed(tmp_path, ["192.0.2.7", "cam.example.org"])
    first = chain.read_bytes()
    assert self_signed(tmp_path, []) == (chain, key)
    assert chain.read_bytes() == first
    names = read(chain).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", "cam.example.org"} <= set(names.get_values_for_type(x509.DNSName))
    assert {"127.0.0.1", "192.0.2.7"} <= {str(found) for found in names.get_values_for_type(x509.IPAddress)}
    ssl.create_default_context().load_cert_chain(chain, key)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_its_key_is_the_owners_alone(tmp_path: Path) -> None:
    _, key = self_signed(tmp_path, [])
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", ["ends soon", "is none", "has no key"])
def test_one_that_is_of_no_use_is_replaced(
    tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        if damage == "ends soon":
            patched.setattr(sys.modules[self_signed.__module__], "VALID_DAYS", 20)
        chain, key = self_signed(tmp_path, [])
    if damage == "is none":
        chain.write_bytes(b"x")
    if damage == "has no key":
        key.unlink()
    self_signed(tmp_path, [])
    assert read(chain).not_valid_after_utc - datetime.now(UTC) > timedelta(days=800)
    ssl.create_default_context().load_cert_chain(chain, key)


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "tls").write_bytes(b"")
    with pytest.raises(StateError, match="--state-folder"):
        self_signed(tmp_path, [])


class Used:
    """What an engine is given."""

    def __init__(self) -> None:
        self.pairs: asyncio.Queue[tuple[bytes, bytes]] = asyncio.Queue()
        self.refuses: Callable[[bytes, bytes], bool] = lambda _chain, _key: False

    def __call__(self, chain: bytes, key: bytes) -> None:
        if self.refuses(chain, key):
            raise ValueError("certificate and key cannot be used together")
        self.pairs.put_nowait((chain, key))

    async def next(self) -> tuple[bytes, bytes]:
        async with asyncio.timeout(TIMEOUT):
            return await self.pairs.get()


async def test_changed_files_are_read_anew_when_they_belong_together(tmp_path: Path) -> None:
    old, new = self_signed(tmp_path / "old", []), self_signed(tmp_path / "new", [])
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(old[0].read_bytes())
    key.write_bytes(old[1].read_bytes())
    used = Used()
    files = TlsFiles(
        TlsSettings(certificate=str(chain), key=str(key)), used, folder=None, names=[], look_s=LOOK_S
    )
    await files.open()
    assert await used.next() == (old[0].read_bytes(), old[1].read_bytes())
    before = files.fingerprint
    refused = asyncio.Event()

    def refuses(found_chain: bytes, found_key: bytes) -> bool:
        whole = (found_chain, found_key) == (new[0].read_bytes(), new[1].read_bytes())
        if not whole:
            refused.set()
        return not whole

    used.refuses = refuses
    chain.write_bytes(new[0].read_bytes())
    async with asyncio.timeout(TIMEOUT):
        await refused.wait()
    assert files.fingerprint == before
    key.write_bytes(new[1].read_bytes())
    assert await used.next() == (new[0].read_bytes(), new[1].read_bytes())
    await files.close()
    assert files.fingerprint != before
    assert files.fingerprint.replace(":", "") == read(new[0]).fingerprint(hashes.SHA256()).hex().upper()


async def test_files_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    def files(settings: TlsSettings, used: Used) -> TlsFiles:
        return TlsFiles(settings, used, folder=None, names=[])

    with pytest.raises(ConfigurationError, match=r"missing\.pem cannot be read"):
        await files(TlsSettings(certificate=str(tmp_path / "missing.pem")), Used()).open()
    with pytest.raises(ConfigurationError, match="state_folder"):
        await files(TlsSettings(enabled=True), Used()).open()
    used = Used()
    used.refuses = lambda _chain, _key: True
    chain, _ = self_signed(tmp_path, [])
    with pytest.raises(ConfigurationError, match="together"):
        await files(TlsSettings(certificate=str(chain)), used).open()


async def test_a_relay_is_encrypted_with_the_certificate_of_its_folder(tmp_path: Path) -> None:
    config = Config(port=0, tls=TlsSettings(enabled=True), state_folder=str(tmp_path))
    async with Relay(config) as relay:
        trusting = ssl.create_default_context(cafile=tmp_path / "tls" / "certificate.pem")
        trusting.verify_flags &= ~ssl.VERIFY_X509_STRICT
        reader, writer = await asyncio.open_connection(
            *relay.address, ssl=trusting, server_hostname="localhost"
        )
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(TIMEOUT):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert relay.certificate is not None
        sent = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        digest = x509.load_der_x509_certificate(sent).fingerprint(hashes.SHA256())
        assert relay.certificate.fingerprint.replace(":", "") == digest.hex().upper()
        writer.close()
        assert relay.urls("cam")[0].startswith("rtsp://")


async def test_addresses_are_those_of_encrypted_connections_where_others_are_refused(tmp_path: Path) -> None:
    config = Config(port=0, tls=TlsSettings(required=True), state_folder=str(tmp_path))
    async with Relay(config) as relay:
        assert relay.urls("cam")[0].startswith("rtsps://")
