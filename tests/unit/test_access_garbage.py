"""Broken headers, tokens and cookies: 400 or 401 with a reason, whatever they are, and nothing else."""

from __future__ import annotations

import base64
import logging
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass, replace

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relaycore import Relay, TokenSettings, User
from relaycore.access.answers import Allow, Challenge, Refuse
from relaycore.access.decisions import Gatekeeper
from relaycore.access.identity import Identity
from relaycore.access.logins import Logins
from relaycore.access.policy import Policy
from relaycore.access.share_links import ShareLink, ShareLinks
from relaycore.access.tokens import read_keys
from relaycore.access.users import UserStore
from tests.support.http import Answer, Raw

ANNA = User(name="anna", password="open sesame")
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

ROUNDS = 4000
"""Inputs for the gatekeeper; a tenth of it goes over the wire."""

PRINTABLE = string.ascii_letters + string.digits + string.punctuation + " "
STRANGE = "\x00\t\x7f\x80\xff\u202e\U0001f511é\\\"'=,;:%&.?/-_"


@dataclass(frozen=True)
class Asked:
    action: str = "read"
    method: str = "DESCRIBE"
    path: str = "/cam"
    uri: str = "rtsp://127.0.0.1/cam"
    query: str | None = None
    authorization: str | None = None
    user_agent: str | None = "test"
    peer: str = "127.0.0.1:5000"
    secure: bool = False


class Hours:
    """A clock by which nobody has to wait for the wrong password before."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 7200.0
        return self.now


def mutated(chance: random.Random, text: str) -> str:
    """A text with a few changes, which is never the same."""
    found = text
    while found == text:
        letters = list(found)
        for _ in range(chance.choice((1, 1, 2, 5, 30))):
            at = chance.randrange(len(letters) + 1)
            match chance.randrange(6):
                case 0:
                    letters[at:at] = chance.choice(PRINTABLE + STRANGE)
                case 1:
                    del letters[at : at + chance.choice((1, 1, 8, 100))]
                case 2 if at < len(letters):
                    letters[at] = chance.choice(PRINTABLE + STRANGE)
                case 3:
                    letters[at:at] = letters[at // 2 : at]
                case 4 if at < len(letters):
                    letters[at] = letters[at].swapcase()
                case 5:
                    letters[at:at] = chance.choice(STRANGE) * chance.choice((1, 50, 3000))
        found = "".join(letters)[:20_000]
    return found


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def token() -> str:
    return jwt.encode({"sub": "ada", "exp": 4102444800}, PRIVATE, "EdDSA")  # the year 2100


def digest() -> str:
    return (
        'Digest username="anna", realm="relaycore", nonce="bm9uY2U=", uri="rtsp://127.0.0.1/cam", '
        'response="0123456789abcdef0123456789abcdef", algorithm=MD5, qop=auth, nc=00000001, cnonce="abc"'
    )


def store() -> tuple[UserStore, str]:
    """Users, keys of tokens, and a link with its token."""
    users = UserStore([ANNA])
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = PRIVATE.public_key().public_bytes(serialization.Encoding.PEM, form)
    users.tokens = read_keys(TokenSettings(key_file="k", algorithms=["EdDSA"]), pem)
    users.links = ShareLinks(bytes(range(32)))
    link = ShareLink(id="abcdefgh", path="cam", purpose="a visit", made=0, ends=4102444800)
    users.links.add(link)
    return users, users.links.token(link)


def broken(chance: random.Random, share: str, rounds: int) -> Iterator[Asked]:
    """Questions with something that is nearly right."""
    bearer = token()
    headers = [basic("anna:open sesame"), basic("anna:guess"), digest(), f"Bearer {bearer}"]
    for number in range(rounds):
        match number % 6:
            case 0:
                yield Asked(query=f"share={mutated(chance, share)}".replace("&", ""))
            case 1:
                yield Asked(query=f"token={mutated(chance, bearer)}".replace("&", ""))
            case 2:
                yield Asked(authorization=basic(mutated(chance, "anna:open sesame")))
            case 3:
                yield Asked(
                    authorization="".join(chance.choices(PRINTABLE + STRANGE, k=chance.randrange(200)))
                )
            case _:
                yield Asked(authorization=mutated(chance, chance.choice(headers)))


def is_still_right(asked: Asked, share: str) -> bool:
    """Whether a change left the meaning as it was: a slash behind a link, a space in front of a header."""
    header = (asked.authorization or "").strip()
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "basic":
        return rest.strip() == basic("anna:open sesame").partition(" ")[2]
    if scheme.lower() == "bearer":
        return _signed_by_us(rest.strip())
    for name, value in (part.partition("=")[::2] for part in (asked.query or "").split(";")):
        text = value.partition("/")[0]
        if (name == "share" and text == share) or (name == "token" and _signed_by_us(text)):
            return True
    return False


def _signed_by_us(text: str) -> bool:
    """The last letter of Base64 has bits that mean nothing, so that several texts are the same signature."""
    try:
        jwt.decode(text, PRIVATE.public_key(), algorithms=["EdDSA"])
    except (jwt.PyJWTError, ValueError):
        return False
    return True


async def test_the_gatekeeper_says_what_is_wrong_and_lets_nobody_in(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    users, share = store()
    gatekeeper = Gatekeeper(users, Policy(basic=True), clock=Hours())
    seen = set()
    for asked in broken(random.Random(7), share, ROUNDS):
        if is_still_right(asked, share):
            continue
        match await gatekeeper.decide(asked):
            case Allow() as allowed:
                pytest.fail(f"{allowed} for {asked}")
            case Challenge(challenges):
                assert challenges[0].startswith("Digest ")
                assert all("\r" not in line and "\n" not in line for line in challenges)
                seen.add(401)
            case Refuse(status, reason):
                assert status == 400, (status, reason, asked)
                assert reason
                seen.add(400)
    assert seen == {400, 401}
    assert caplog.records == []


async def test_the_right_ones_get_in_so_that_the_test_means_something() -> None:
    users, share = store()
    gatekeeper = Gatekeeper(users, Policy(basic=True), clock=Hours())
    right = (
        Asked(query=f"share={share}"),
        Asked(query=f"token={token()}"),
        Asked(authorization=basic("anna:open sesame")),
        Asked(authorization=f"Bearer {token()}"),
    )
    for asked in right:
        assert isinstance(await gatekeeper.decide(asked), Allow)
        assert isinstance(await gatekeeper.decide(replace(asked, path="/cam/")), Allow)


async def answer(relay: Relay, request: str, *headers: str) -> Answer:
    """What a request is answered with on a connection of its own."""
    connection = await Raw.connect(relay.address)
    try:
        connection.send("\r\n".join([request, *headers, "\r\n"]).encode())
        return await connection.answer()
    finally:
        await connection.close()


async def test_rtsp_and_http_answer_so_too() -> None:
    users, share = store()
    async with Relay(port=0, basic=True, users=[ANNA]) as relay:
        relay.users.tokens = users.tokens
        nobody_waits(relay._lasting.gatekeeper)
        url = relay.urls("cam")[0]
        for asked in broken(random.Random(11), share, ROUNDS // 10):
            query = _on_the_wire(asked.query).replace(" ", "")
            header = _on_the_wire(asked.authorization)
            sent = replace(asked, query=query or None, authorization=header or None)
            # What follows would be the name of a track, or no part of the query.
            if is_still_right(sent, share) or not {"/", "#"}.isdisjoint(query):
                continue
            login = [f"Authorization: {header}"] if header else []
            uri = f"{url}?{query}" if query else url
            rtsp = await answer(relay, f"DESCRIBE {uri} RTSP/1.0", "CSeq: 1", *login)
            assert rtsp.status in (400, 401), (rtsp, asked)
            http = await answer(relay, "GET /api/v1/paths HTTP/1.1", "Host: localhost", *login)
            assert http.status in (400, 401), (http, asked)
            assert http.body


def nobody_waits(gatekeeper: Gatekeeper) -> None:
    """However many wrong passwords there were."""
    attempts = gatekeeper._recognition._attempts
    for budget in (attempts._accounts, attempts._made_up, attempts._networks, attempts._homes):
        budget._clock = Hours()


def _on_the_wire(text: str | None) -> str:
    """What can stand in a line, and is not too long for one."""
    return "".join(letter for letter in text or "" if letter.isprintable()).strip()[:1500]


async def test_cookies_are_nobodys_whatever_they_hold() -> None:
    chance = random.Random(13)
    logins = Logins()
    right, _ = logins.begin(Identity("anna"), 600)
    for _ in range(ROUNDS):
        assert logins.identity(mutated(chance, right)) is None
    assert logins.identity(right) is not None
    async with Relay(port=0, users=[ANNA]) as relay:
        for name in ("relaycore_login", "relaycore_share", "language"):
            for _ in range(ROUNDS // 60):
                cookie = f"Cookie: {name}={_on_the_wire(mutated(chance, right))}"
                found = await answer(relay, "GET /own/notice HTTP/1.1", "Host: localhost", cookie)
                assert found.status in (400, 401), (found, cookie)
                assert found.body
