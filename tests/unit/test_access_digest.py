"""Digest, and what is offered: examples of the RFCs, what clients do differently, and what is refused."""

import base64
import hashlib
import re

import pytest

from relaycore.access.credentials import (
    BasicCredentials,
    DigestCredentials,
    MalformedHeader,
    parse_authorization,
)
from relaycore.access.digest import Authenticated, Authenticator, Challenged
from relaycore.access.nonces import LIFETIME_S, REMEMBERED, Freshness, Nonces
from relaycore.access.users import Algorithm, UserStore
from relaycore.settings import User

URI = "rtsp://127.0.0.1:8554/cam"
CLIENT = "127.0.0.1"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Client:
    """Answers a challenge as RFC 7616 says, in all the variants that clients have."""

    def __init__(self, challenge: str, name: str = "anna", password: str = "open sesame") -> None:
        parameters = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
        self.nonce = parameters["nonce"]
        self.realm = parameters["realm"]
        self.algorithm = parameters["algorithm"]
        self.name, self.password = name, password

    def hash(self, text: str) -> str:
        name = {"MD5": "md5", "SHA-256": "sha256"}[self.algorithm]
        return hashlib.new(name, text.encode()).hexdigest()

    def answer(self, count: int | None = 1, uri: str = URI, method: str = "DESCRIBE", extra: str = "") -> str:
        ha1 = self.hash(f"{self.name}:{self.realm}:{self.password}")
        ha2 = self.hash(f"{method}:{uri}")
        middle, qop = self.nonce, ""
        if count is not None:
            middle += f":{count:08x}:c0ffee:auth"
            qop = f', qop=auth, nc={count:08x}, cnonce="c0ffee"'
        response = self.hash(f"{ha1}:{middle}:{ha2}")
        return (
            f'Digest username="{self.name}", realm="{self.realm}", nonce="{self.nonce}", uri="{uri}", '
            f'response="{response}", algorithm={self.algorithm}{qop}{extra}'
        )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authenticator(clock: Clock) -> Authenticator:
    return Authenticator(UserStore([User(name="anna", password="open sesame")]), clock=clock)


def check(
    authenticator: Authenticator,
    header: str,
    *,
    uri: str = URI,
    path: str = "cam",
    client: str = CLIENT,
) -> Authenticated | Challenged:
    credentials = parse_authorization(header)
    assert isinstance(credentials, DigestCredentials)
    return authenticator.check(credentials, method="DESCRIBE", uri=uri, path=path, client=client)


def challenges(authenticator: Authenticator) -> tuple[str, ...]:
    return authenticator.challenges(CLIENT)


def test_the_challenges_are_sha_256_then_md5(authenticator: Authenticator) -> None:
    first, second = challenges(authenticator)
    assert re.fullmatch(
        r'Digest realm="relaycore", nonce="[\w-]{48}", algorithm=SHA-256, qop="auth", charset=UTF-8', first
    )
    assert ", algorithm=MD5, " in second


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("count", [1, None])
def test_the_right_password_is_let_in(authenticator: Authenticator, index: int, count: int | None) -> None:
    client = Client(challenges(authenticator)[index])
    assert check(authenticator, client.answer(count)) == Authenticated("anna")


@pytest.mark.parametrize(("name", "password"), [("anna", "open sesam"), ("anne", "open sesame")])
def test_a_wrong_password_or_user_is_not(authenticator: Authenticator, name: str, password: str) -> None:
    result = check(authenticator, Client(challenges(authenticator)[1], name, password).answer())
    assert isinstance(result, Challenged)
    assert result.wrong
    assert "stale" not in result.challenges[0]


def test_an_expired_nonce_is_stale_and_not_wrong(authenticator: Authenticator, clock: Clock) -> None:
    client = Client(challenges(authenticator)[0])
    clock.now += LIFETIME_S + 1
    result = check(authenticator, client.answer())
    assert isinstance(result, Challenged)
    assert not result.wrong
    assert all(", stale=true" in challenge for challenge in result.challenges)
    assert check(authenticator, Client(result.challenges[0]).answer()) == Authenticated("anna")


def test_a_wrong_password_with_an_expired_nonce_is_wrong(authenticator: Authenticator, clock: Clock) -> None:
    client = Client(challenges(authenticator)[0], password="guess")
    clock.now += LIFETIME_S + 1
    result = check(authenticator, client.answer())
    assert isinstance(result, Challenged)
    assert result.wrong


def test_a_count_is_used_once(authenticator: Authenticator) -> None:
    client = Client(challenges(authenticator)[0])
    header = client.answer(1)
    assert check(authenticator, header) == Authenticated("anna")
    assert isinstance(check(authenticator, header), Challenged)
    assert check(authenticator, client.answer(2)) == Authenticated("anna")


def test_counts_may_come_in_another_order_once_each(authenticator: Authenticator) -> None:
    client = Client(challenges(authenticator)[0])
    for count in (5, 3, 4, 80, 17):
        assert check(authenticator, client.answer(count)) == Authenticated("anna"), count
    for count in (5, 3, 80, 16, 0):
        assert isinstance(check(authenticator, client.answer(count)), Challenged), count


def test_the_nonce_of_another_address_is_not_taken(authenticator: Authenticator) -> None:
    header = Client(challenges(authenticator)[0]).answer()
    assert isinstance(check(authenticator, header, client="127.0.0.2"), Challenged)


def test_a_made_up_nonce_is_not_taken(authenticator: Authenticator) -> None:
    client = Client(challenges(authenticator)[0])
    for nonce in ("x", "A" * 48, "ä" * 48, client.nonce[:-1] + ("A" if client.nonce[-1] != "A" else "B")):
        client.nonce = nonce
        assert isinstance(check(authenticator, client.answer()), Challenged), nonce


@pytest.mark.parametrize(
    "signed",
    [
        URI,
        URI + "/",
        "/cam",
        "rtsp://camera.example/cam",
        URI + "/trackID=1",
        URI + "/track1",
        "rtsp://127.0.0.1:8554/%63am",
    ],
)
def test_the_uri_may_be_written_in_other_ways(authenticator: Authenticator, signed: str) -> None:
    header = Client(challenges(authenticator)[0]).answer(uri=signed)
    assert check(authenticator, header) == Authenticated("anna")


@pytest.mark.parametrize(
    "signed", ["/other", URI + "2", URI + "/private", "rtsp://127.0.0.1:8554", "rtsp://[/cam", "*"]
)
def test_credentials_for_one_path_do_not_open_another(authenticator: Authenticator, signed: str) -> None:
    header = Client(challenges(authenticator)[0]).answer(uri=signed)
    assert isinstance(check(authenticator, header), Challenged)


def test_credentials_of_another_method_do_not_count(authenticator: Authenticator) -> None:
    header = Client(challenges(authenticator)[0]).answer(method="OPTIONS")
    assert isinstance(check(authenticator, header), Challenged)


def test_basic_is_offered_on_wish_and_last(authenticator: Authenticator) -> None:
    assert not any(challenge.startswith("Basic") for challenge in challenges(authenticator))
    authenticator.basic = True
    assert challenges(authenticator)[-1] == 'Basic realm="relaycore", charset="UTF-8"'


def test_a_password_may_have_colons_and_any_characters() -> None:
    header = "basic " + base64.b64encode("anna:with:colon é".encode()).decode()
    assert parse_authorization(header) == BasicCredentials("anna", "with:colon é")


def test_the_example_of_rfc_7616_is_read() -> None:
    header = (
        'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=SHA-256, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
        'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, '
        'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    credentials = parse_authorization(header)
    assert isinstance(credentials, DigestCredentials)
    assert (credentials.name, credentials.algorithm, credentials.count) == (
        "Mufasa",
        Algorithm.SHA_256,
        "00000001",
    )
    ha1 = Algorithm.SHA_256.hash("Mufasa:http-auth@example.org:Circle of Life")
    ha2 = Algorithm.SHA_256.hash("GET:/dir/index.html")
    middle = f"{credentials.nonce}:{credentials.count}:{credentials.client_nonce}:auth"
    assert Algorithm.SHA_256.hash(f"{ha1}:{middle}:{ha2}") == credentials.response


def test_quoted_pairs_and_extended_names_are_read() -> None:
    rest = 'nonce="n", uri="/a,b", response="AB"'
    quoted = parse_authorization(f'Digest username="a\\"b\\\\c",{rest}')
    extended = parse_authorization(f"Digest username*=UTF-8''J%C3%A4s, {rest}")
    assert isinstance(quoted, DigestCredentials)
    assert isinstance(extended, DigestCredentials)
    assert (quoted.name, quoted.uri, quoted.response, quoted.algorithm) == (
        'a"b\\c',
        "/a,b",
        "ab",
        Algorithm.MD5,
    )
    assert extended.name == "Jäs"


@pytest.mark.parametrize(
    "header",
    [
        "Digest",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        'Digest username="a", username="b", nonce="n", uri="/", response="r"',
        'Digest username="a, nonce="n", uri="/", response="r"',
        'Digest username="a", nonce="n", uri="/"',
        'Digest username="", nonce="n", uri="/", response="r"',
        'Digest username="a", nonce="", uri="/", response="r"',
        'Digest username="a", nonce="n", uri="/", response="r", qop=auth, nc=1, cnonce="c"',
        'Digest username="a", nonce="n", uri="/", response="r", qop=auth, nc=00000001',
        "Digest username*=UTF-8''%FF, nonce=n, uri=/, response=r",
        "Digest " + "a" * 5000,
    ],
)
def test_a_malformed_header_is_called_so(header: str) -> None:
    with pytest.raises(MalformedHeader):
        parse_authorization(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Negotiate abc",
        'Digest username="a", nonce="n", uri="/", response="r", algorithm=SHA-1',
        'Digest username="a", nonce="n", uri="/", response="r", qop=auth-int, nc=00000001, cnonce="c"',
    ],
)
def test_what_is_not_offered_gives_no_credentials(header: str) -> None:
    assert parse_authorization(header) is None


def test_credentials_are_not_in_the_representation() -> None:
    assert "secret" not in repr(BasicCredentials("anna", "secret"))
    assert "secret" not in repr(DigestCredentials("anna", "n", "/", "secret", Algorithm.MD5, None, None))


def test_the_table_of_counts_is_bounded_and_never_opens_a_replay(clock: Clock) -> None:
    nonces = Nonces(clock)
    first = nonces.make(CLIENT)
    assert nonces.check(first, CLIENT, 1) is Freshness.FRESH
    clock.now += 1
    for _ in range(REMEMBERED):
        assert nonces.check(nonces.make(CLIENT), CLIENT, 1) is Freshness.FRESH
    assert nonces.check(first, CLIENT, 1) is Freshness.STALE
    assert nonces.check(nonces.make(CLIENT), CLIENT, 1) is Freshness.FRESH


def test_a_store_keeps_no_password_and_forgets_removed_users() -> None:
    users = UserStore([User(name="anna", password="hunter2")])
    assert "hunter2" not in repr(vars(users))
    assert users.password_is("anna", "hunter2")
    assert not users.password_is("anna", "hunter3")
    assert not users.password_is("nobody", "hunter2")
    users.remove("anna")
    assert not users.password_is("anna", "hunter2")
    assert "anna" not in users
