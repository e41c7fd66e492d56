"""One request of SOAP and its answer, within limits, and without a password in either."""

from __future__ import annotations

import base64
import copy
import hashlib
import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from lxml import etree

from relaycore.doctor.credentials import Credentials
from relaycore.doctor.findings import Broken
from relaycore.http_digest import HttpDigest
from relaycore.language import Message
from relaycore.onvif.soap.names import NSMAP, WSSE, WSU
from relaycore.onvif.soap.xml import BadXml, parse

__all__ = ["Fetched", "Soap", "Token", "envelope", "fetch", "post", "try_method"]

ANSWER_S: Final = 5.0
"""Seconds that an answer may take, beside what it waits for."""

PICTURE_S: Final = 15.0
"""Seconds that a picture may take: those of 16 MiB at 10 Mbit/s, and a little more."""

MOST_BYTES: Final = 1024 * 1024
"""Bytes of a document that are read."""

PICTURE_BYTES: Final = 16 * 1024 * 1024
"""Bytes of a picture that are read."""

_DIGEST: Final = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer of HTTP, with the names of its headers in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def get(self, name: str) -> str | None:
        """The first header of a name in lower case."""
        return next((value for known, value in self.headers if known == name), None)

    def all_headers(self, name: str) -> list[str]:
        """Every header of a name in lower case."""
        return [value for known, value in self.headers if known == name]


@dataclass(frozen=True, slots=True)
class Soap(Fetched):
    """An answer of a web service. ``root`` is ``None`` where the body is no XML."""

    root: etree._Element | None

    def text(self, path: str) -> str | None:
        """The text at a path like ``.//tt:Name``, without spaces around it."""
        found = None if self.root is None else self.root.findtext(path, namespaces=NSMAP)
        return None if found is None else found.strip()

    def all(self, path: str) -> list[etree._Element]:
        """All elements at a path."""
        return [] if self.root is None else self.root.findall(path, namespaces=NSMAP)

    @property
    def is_fault(self) -> bool:
        """Whether it is a fault of SOAP 1.2."""
        return bool(self.all("s:Body/s:Fault"))

    @property
    def subcodes(self) -> list[str]:
        """The subcodes of a fault without their prefixes, the widest first."""
        return [(one.text or "").strip().rpartition(":")[2] for one in self.all(".//s:Subcode/s:Value")]

    @property
    def refuses(self) -> bool:
        """Whether it says that somebody else has to ask."""
        return self.status in (401, 403) or "NotAuthorized" in self.subcodes


@dataclass(frozen=True, slots=True)
class Token:
    """A WS-UsernameToken with a digest (WS-Security UsernameToken Profile 1.0 section 3.1)."""

    name: str
    digest: str
    nonce: str
    created: str

    @classmethod
    def of(
        cls, credentials: Credentials, ahead: timedelta = timedelta(), *, with_nonce: bool = True
    ) -> Token:
        """A new one, made so much later than now."""
        nonce = secrets.token_bytes(16) if with_nonce else b""
        created = (datetime.now(UTC) + ahead).strftime("%Y-%m-%dT%H:%M:%SZ")
        hashed = hashlib.sha1(
            nonce + created.encode() + credentials.password.encode(), usedforsecurity=False
        ).digest()
        return cls(
            credentials.user, base64.b64encode(hashed).decode(), base64.b64encode(nonce).decode(), created
        )

    def element(self) -> etree._Element:
        """The header of WS-Security."""
        spaces = {"wsse": WSSE, "wsu": WSU}
        header = etree.Element(f"{{{WSSE}}}Security", nsmap=spaces)
        token = etree.SubElement(header, f"{{{WSSE}}}UsernameToken")
        etree.SubElement(token, f"{{{WSSE}}}Username").text = self.name
        password = etree.SubElement(token, f"{{{WSSE}}}Password", Type=_DIGEST)
        password.text = self.digest
        if self.nonce:
            etree.SubElement(token, f"{{{WSSE}}}Nonce").text = self.nonce
        etree.SubElement(token, f"{{{WSU}}}Created").text = self.created
        return header


def envelope(body: str, token: Token | None = None, headers: Sequence[etree._Element] = ()) -> bytes:
    """An envelope of SOAP 1.2 around elements whose prefixes are those of relaycore.

    ``headers`` stand in its header, before the token.
    """
    spaces = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in NSMAP.items())
    root = etree.fromstring(f"<s:Envelope {spaces}><s:Header/><s:Body>{body}</s:Body></s:Envelope>")
    # An element that is put in moves: what is given is for more than one envelope.
    root[0].extend(copy.deepcopy(header) for header in headers)
    if token is not None:
        root[0].append(token.element())
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


async def post(
    url: str,
    data: bytes,
    said: list[tuple[bool, bytes]],
    *,
    credentials: Credentials | None = None,
    authorization: str | None = None,
    shown: str = "",
    wait_s: float = 0.0,
) -> Soap:
    """The answer to a request; with credentials, a challenge of Digest is answered.

    ``authorization`` is a login that is sent at once, ``shown`` what is kept of the request, ``wait_s`` how
    long it may wait for something to happen. Broken when there is no answer.
    """
    said.append((True, f"POST {url.partition('?')[0]}\n{shown or '(a body of XML)'}".encode()))
    headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
    if authorization is not None:
        headers["Authorization"] = authorization
    found = await _exchange("POST", url, data, headers, credentials, ANSWER_S + wait_s, MOST_BYTES)
    answer = Soap(found.status, found.headers, found.body, _root(found.body))
    said.append((False, _shown(answer)))
    return answer


async def try_method(method: str, url: str, said: list[tuple[bool, bytes]]) -> Fetched:
    """The answer to a request with a method and nothing else. Broken when there is none."""
    said.append((True, f"{method} {url.partition('?')[0]}".encode()))
    answer = await _exchange(method, url, None, {}, None, ANSWER_S, MOST_BYTES)
    said.append((False, _shown(answer)))
    return answer


async def fetch(url: str, said: list[tuple[bool, bytes]], credentials: Credentials | None) -> Fetched:
    """The picture at an address. Broken when there is no answer."""
    said.append((True, f"GET {url.partition('?')[0]}".encode()))
    answer = await _exchange("GET", url, None, {}, credentials, PICTURE_S, PICTURE_BYTES)
    said.append((False, f"HTTP {answer.status} {answer.get('content-type')} {len(answer.body)} B".encode()))
    return answer


async def _exchange(
    method: str,
    url: str,
    data: bytes | None,
    headers: dict[str, str],
    credentials: Credentials | None,
    seconds: float,
    most_bytes: int,
) -> Fetched:
    logins = (
        () if credentials is None else (HttpDigest(credentials.user, credentials.password, preemptive=False),)
    )
    context: ssl.SSLContext | bool = True
    if urlsplit(url).scheme == "https":
        # Cameras sign their certificates themselves, and Digest shows the password to nobody.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    limit = aiohttp.ClientTimeout(total=seconds)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, trust_env=False) as http,
            http.request(
                method,
                url,
                data=data,
                headers=headers,
                middlewares=logins,
                ssl=context,
                allow_redirects=False,
            ) as response,
        ):
            body = await _body(response, most_bytes)
            found = tuple((name.lower(), value) for name, value in response.headers.items())
            return Fetched(response.status, found, body)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        raise Broken(Message("There was no answer over HTTP.")) from None


async def _body(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_chunked(64 * 1024):
        body += piece
        if len(body) > most_bytes:
            raise Broken(Message("The answer has more than {count} bytes.", count=most_bytes))
    return bytes(body)


def _root(body: bytes) -> etree._Element | None:
    try:
        return parse(body, MOST_BYTES)
    except BadXml:
        return None


def _shown(answer: Fetched) -> bytes:
    body = answer.body.replace(b"><", b">\n<")
    kind = (answer.get("content-type") or "").encode()
    return f"HTTP {answer.status} ".encode() + kind + b"\n" + body
