"""Bearer tokens: which are taken, what they allow, and that none chooses how it is compared."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as rsa_key

from relaycore import AccessSettings, LedgerSettings, Relay, TokenSettings
from relaycore.access.tokens import TokenKeys, TokenProblem, read_keys, token_in
from relaycore.errors import ConfigurationError
from relaycore.events import SessionEnded
from relaycore.ledger.records import Opening, Record
from tests.support.events import of_kind
from tests.support.rtsp import Client

PRIVATE = Ed25519PrivateKey.generate()
OTHER = Ed25519PrivateKey.generate()
EDDSA = TokenSettings(key_file="tokens.pem", algorithms=["EdDSA"])
SECRET = b"a secret of thirty-two bytes, at least"


def pem(key: Any) -> bytes:
    """The public half."""
    return bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def signed(key: Any = PRIVATE, algorithm: str = "EdDSA", header: Any = None, **claims: Any) -> str:
    """A token that holds for a minute, unless the claims say something else; without those that are None."""
    all_claims = {"sub": "anna", "exp": time.time() + 60, **claims}
    present = {name: value for name, value in all_claims.items() if value is not None}
    return jwt.encode(present, key, algorithm, headers=header)


@pytest.fixture
def keys() -> TokenKeys:
    return read_keys(EDDSA, pem(PRIVATE))


def test_a_token_says_who_where_how_long_and_what_for(keys: TokenKeys) -> None:
    ends = int(time.time()) + 60
    token = signed(exp=ends, role="operator", paths=["house/**"], purpose="a visit")
    who = keys.identity(token)
    assert (who.name, who.role, who.purpose, who.ends) == ("anna", "operator", "a visit", ends)
    assert who.offer is not None
    assert who.offer.covers("read", "house/front")
    assert not who.offer.covers("read", "garden")
    assert not who.offer.covers("look", None)
    plain = keys.identity(signed())
    assert (plain.role, plain.purpose) == ("viewer", None)
    assert plain.offer is not None
    assert plain.offer.covers("look", None)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"sub": None},
        {"exp": 1},
        {"exp": "soon"},
        {"exp": 1e400},
        {"nbf": time.time() + 3600},
        {"sub": ""},
        {"sub": "share:abcdefgh"},
        {"sub": 7},
        {"role": "king"},
        {"role": ["operator"]},
        {"paths": "house"},
        {"paths": ["a b"]},
        {"paths": [1]},
        {"paths": ["a"] * 65},
        {"purpose": "two\nlines"},
        {"purpose": "x" * 201},
        {"aud": "another server"},
    ],
)
def test_what_a_token_says_has_to_be_right(keys: TokenKeys, claims: dict[str, Any]) -> None:
    with pytest.raises(TokenProblem) as problem:
        keys.identity(signed(**claims))
    assert problem.value.status == 401


def test_issuer_and_audience_are_those_of_the_settings() -> None:
    settings = TokenSettings(key_file="k", algorithms=["EdDSA"], issuer="https://login", audience="relay")
    keys = read_keys(settings, pem(PRIVATE))
    assert keys.identity(signed(iss="https://login", aud=["other", "relay"])).name == "anna"
    for wrong in ({}, {"iss": "https://login"}, {"aud": "relay"}, {"iss": "https://evil", "aud": "relay"}):
        with pytest.raises(TokenProblem):
            keys.identity(signed(**wrong))


def of_parts(header: Any, claims: Any, signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_no_token_chooses_how_it_is_compared(keys: TokenKeys) -> None:
    claims = {"sub": "anna", "exp": time.time() + 60}
    public = pem(PRIVATE)
    confused = of_parts({"alg": "HS256"}, claims)
    body = confused.rpartition(".")[0]
    mac = hmac.digest(public, body.encode(), hashlib.sha256)
    confused = f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    for token in (
        of_parts({"alg": "none"}, claims),
        of_parts({"alg": "None"}, claims),
        of_parts({"alg": ["EdDSA"]}, claims),
        of_parts({}, claims),
        confused,
        signed(OTHER),
        signed(header={"crit": ["b64"], "b64": True}),
        signed()[:-4] + "AAAA",
    ):
        with pytest.raises(TokenProblem) as problem:
            keys.identity(token)
        assert problem.value.status in (400, 401)
    # Also where both kinds are taken, a public key is no secret.
    both = replace_algorithms(["EdDSA", "HS256"], public)
    with pytest.raises(TokenProblem, match="not signed by a key"):
        both.identity(confused)


def replace_algorithms(algorithms: Any, data: bytes) -> TokenKeys:
    return read_keys(TokenSettings(key_file="k", algorithms=algorithms), data)


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "..", "a.b.c.d", "é.é.é", "a" * 9000, "e30.e30.", "W10.W10.x"]
)
def test_what_is_no_token_is_called_so(keys: TokenKeys, token: str) -> None:
    with pytest.raises(TokenProblem) as problem:
        keys.identity(token)
    assert problem.value.status in (400, 401)


def test_keys_of_each_kind_are_read() -> None:
    rsa, curve = rsa_key(65537, 2048), generate_private_key(SECP256R1())
    for key, algorithm in ((rsa, "RS256"), (rsa, "PS512"), (curve, "ES256")):
        assert replace_algorithms([algorithm], pem(key)).identity(signed(key, algorithm)).name == "anna"
    assert replace_algorithms(["HS256"], SECRET + b"\n").identity(signed(SECRET, "HS256")).name == "anna"


@pytest.mark.parametrize(
    ("algorithms", "data"),
    [
        (["RS256"], pem(PRIVATE)),
        (["HS256"], b"short"),
        (["HS512"], SECRET),
        (["HS256"], pem(PRIVATE)),
        (["EdDSA"], b"-----BEGIN PUBLIC KEY-----\nnothing\n-----END PUBLIC KEY-----\n"),
        (["RS256"], pem(rsa_key(65537, 1024))),
    ],
)
def test_keys_that_do_not_fit_the_algorithms_are_refused(algorithms: Any, data: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"access\.tokens"):
        replace_algorithms(algorithms, data)


def test_a_set_has_several_keys_by_name() -> None:
    def entry(key: Ed25519PrivateKey, **more: Any) -> dict[str, Any]:
        raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        return {"kty": "OKP", "crv": "Ed25519", "x": x, **more}

    settings = TokenSettings(jwks_file="k", algorithms=["EdDSA"])
    listed = [
        entry(PRIVATE, kid="one"),
        entry(OTHER, kid="two", alg="EdDSA", use="sig"),
        entry(OTHER, kid="three", use="enc"),
        {"kty": "what"},
        7,
    ]
    keys = read_keys(settings, json.dumps({"keys": listed}).encode())
    assert keys.identity(signed()).name == "anna"
    assert keys.identity(signed(OTHER, header={"kid": "two"})).name == "anna"
    for kid in ("one", "three", "four"):
        with pytest.raises(TokenProblem):
            keys.identity(signed(OTHER, header={"kid": kid}))
    for data in (b"", b"{}", b'{"keys": 7}', b'{"keys": []}', b"[" * 100_000):
        with pytest.raises(ConfigurationError):
            read_keys(settings, data)


@pytest.mark.parametrize(
    ("query", "token"),
    [(None, None), ("token=a.b.c/trackID=1", "a.b.c"), ("a=1&token=x", "x"), ("tokens=x", None)],
)
def test_the_token_is_found_in_a_query(query: str | None, token: str | None) -> None:
    assert token_in(query) == token


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    (tmp_path / "tokens.pem").write_bytes(pem(PRIVATE))
    settings = TokenSettings(key_file=str(tmp_path / "tokens.pem"), algorithms=["EdDSA"])
    async with Relay(
        port=0,
        basic=True,
        state_folder=str(tmp_path),
        ledger=LedgerSettings(enabled=True, synchronous="normal"),
        access=AccessSettings(tokens=settings),
    ) as relay:
        await relay.add_camera("own", camera="pattern", size="160x120", fps=25, microphone="none")
        yield relay


def in_query(token: str) -> tuple[str, dict[str, str]]:
    return f"?token={token}", {}


def in_header(token: str) -> tuple[str, dict[str, str]]:
    return "", {"Authorization": f"Bearer {token}"}


def as_password(token: str) -> tuple[str, dict[str, str]]:
    return "", {"Authorization": "Basic " + base64.b64encode(f"anybody:{token}".encode()).decode()}


@pytest.mark.parametrize("way", [in_query, in_header, as_password])
async def test_a_token_plays_and_is_on_record(
    relay: Relay, way: Callable[[str], tuple[str, dict[str, str]]]
) -> None:
    assert relay._running.records.ledger is not None
    records: list[Record] = []
    relay._running.records.ledger.on_record = records.append
    query, headers = way(signed(purpose="a visit", role="operator"))
    async with await Client.connect(relay.urls("own")[0] + query) as client:
        client.headers = headers
        await client.start(udp=False)
        await client.packet()
    opening = records[0]
    assert isinstance(opening, Opening)
    assert (opening.subject, opening.role, opening.purpose) == ("anna", "operator", "a visit")


async def status(relay: Relay, headers: dict[str, str], path: str = "/api/v1/paths") -> tuple[int, str]:
    host, port = relay.address
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://{host}:{port}{path}", headers=headers) as answer,
    ):
        return answer.status, " ".join(answer.headers.getall("WWW-Authenticate", []))


async def test_a_token_is_taken_over_http_and_asked_for(relay: Relay) -> None:
    assert (await status(relay, in_header(signed())[1]))[0] == 200
    code, challenges = await status(relay, {})
    assert (code, challenges.endswith('Bearer realm="relaycore"')) == (401, True)
    code, challenges = await status(relay, in_header(signed(exp=1))[1])
    assert code == 401
    assert 'error="invalid_token", error_description="The token has expired"' in challenges
    assert (await status(relay, in_header("x")[1]))[0] == 400
    assert (await status(relay, in_header(signed(paths=["own"]))[1]))[0] == 403
    assert (await status(relay, in_header(signed(role="viewer"))[1], "/api/v1/ledger"))[0] == 403
    assert (await status(relay, in_header(signed(role="auditor"))[1], "/api/v1/ledger"))[0] == 200


async def test_a_browser_gets_a_cookie_in_place_of_the_token(relay: Relay) -> None:
    host, port = relay.address
    base, token = f"http://{host}:{port}", signed(paths=["own"])
    async with aiohttp.ClientSession() as http:
        page = await http.get(
            f"{base}/own/notice?a=b&token={token}", headers={"Accept": "text/html"}, allow_redirects=False
        )
        assert (page.status, page.headers["Location"]) == (303, "/own/notice?a=b")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        assert (await http.get(f"{base}/own/snapshot.jpg")).status == 401
        first = await http.get(f"{base}/own/snapshot.jpg?token={token}")
        assert first.status == 200
        assert first.cookies["relaycore_share"]["path"] == "/own"
        assert (await http.get(f"{base}/own/snapshot.jpg")).status == 200, "as for the parts of HLS"
        assert (await http.get(f"{base}/other/snapshot.jpg")).status == 401
    for wrong in (signed(OTHER), signed(exp=1), "x"):
        async with aiohttp.ClientSession() as http:
            answer = await http.get(f"{base}/own/snapshot.jpg?token={wrong}")
            assert answer.status in (400, 401)
            assert not answer.cookies


async def test_sessions_end_with_the_key_and_a_new_one_is_read(relay: Relay) -> None:
    events = relay.events()
    path = Path(relay.config.access.tokens.key_file)
    async with await Client.connect(f"{relay.urls('own')[0]}?token={signed()}") as client:
        await client.start(udp=False)
        await asyncio.to_thread(path.write_bytes, b"-----BEGIN nothing")
        assert (await status(relay, in_header(signed())[1]))[0] == 200
        await asyncio.to_thread(path.write_bytes, pem(OTHER))
        ended = await of_kind(events, SessionEnded)
        assert ended.session.user == "anna"
    assert (await status(relay, in_header(signed())[1]))[0] == 401
    assert (await status(relay, in_header(signed(OTHER))[1]))[0] == 200


async def test_a_session_ends_when_its_token_does(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    events = relay.events()
    async with await Client.connect(f"{relay.urls('own')[0]}?token={signed()}") as client:
        await client.start(udp=False)
        now = time.time
        monkeypatch.setattr("relaycore.access.decisions.wallclock", lambda: now() + 61)
        assert relay._running.admission._leases is not None
        relay._running.admission._leases.revoke()
        await of_kind(events, SessionEnded)


async def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    path.chmod(0o644)
    settings = TokenSettings(key_file=str(path), algorithms=["HS256"])
    with pytest.raises(ConfigurationError, match="chmod 600"):
        async with Relay(port=0, access=AccessSettings(tokens=settings)):
            pass
    path.chmod(0o600)
    async with Relay(port=0, access=AccessSettings(tokens=settings)) as relay:
        wanted = replace_settings(relay, key_file=str(tmp_path / "missing"))
        with pytest.raises(ConfigurationError, match="cannot be read"):
            await relay.reload(wanted)
        assert (await status(relay, in_header(signed(SECRET, "HS256"))[1]))[0] == 200
        await relay.reload(replace_settings(relay, key_file=""))
        assert relay.users.tokens is None


def replace_settings(relay: Relay, **tokens: Any) -> Any:
    settings = msgspec.structs.replace(relay.config.access.tokens, **tokens)
    return msgspec.structs.replace(relay.config, access=AccessSettings(tokens=settings))
