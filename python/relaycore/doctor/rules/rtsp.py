"""Rules of RTSP that need no session: methods, errors, authentication, description (RFC 2326)."""

from __future__ import annotations

import secrets
from typing import Final

from relaycore.doctor.credentials import digest_challenges
from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.rules.asking import need_header, need_status
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

METHODS: Final = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN")
BACK_CHANNEL: Final = "www.onvif.org/ver20/backchannel"
NOBODY: Final = "relaycore-doctor"
"""A user whom no server has."""

UNKNOWN_TAG: Final = "relaycore.doctor.unknown"


async def options(visit: Visit) -> None:
    """OPTIONS names the methods that every server has."""
    client = await visit.connect()
    answer = await client.request("OPTIONS", visit.url)
    need_status(answer, 200)
    named = {name.strip().upper() for name in need_header(answer, "Public").split(",")}
    if missing := [name for name in METHODS if name not in named]:
        raise Broken(Message("{header} does not name {values}.", header="Public", values=", ".join(missing)))


async def sequence_number(visit: Visit) -> None:
    """CSeq is that of the request, for the second request of a connection as well."""
    client = await visit.connect()
    for wanted in ("1", "2"):
        answer = await client.request("OPTIONS", visit.url, log_in=False)
        if (got := need_header(answer, "CSeq")) != wanted:
            raise Broken(
                Message(
                    "{header} is {value} and not {wanted}.", header="CSeq", value=repr(got), wanted=wanted
                )
            )


async def pipelined(visit: Visit) -> None:
    """Two requests that come in one piece have two answers."""
    client = await visit.connect()
    request = f"OPTIONS {visit.url} RTSP/1.0\r\nCSeq: "
    await client.send("".join(f"{request}{number}\r\n\r\n" for number in (71, 72)).encode())
    for wanted in ("71", "72"):
        got = need_header(await client.answer(), "CSeq")
        if got != wanted:
            raise Broken(
                Message(
                    "{header} is {value} and not {wanted}.", header="CSeq", value=repr(got), wanted=wanted
                )
            )


async def unknown_method(visit: Visit) -> None:
    """A method that nobody has."""
    client = await visit.connect()
    need_status(await client.request("RELAYCORE", visit.url), 501, 405)


async def other_version(visit: Visit) -> None:
    """RTSP 2.0 is refused by its number, or spoken."""
    client = await visit.connect()
    answer = await client.request("OPTIONS", visit.url, version="RTSP/2.0", log_in=False)
    if answer.version != "RTSP/2.0" or answer.status != 200:
        need_status(answer, 505)


async def unknown_tag(visit: Visit) -> None:
    """A demand that nobody knows is refused by its name."""
    client = await visit.connect()
    answer = await client.request(
        "DESCRIBE", visit.url, {"Accept": "application/sdp", "Require": UNKNOWN_TAG}
    )
    need_status(answer, 551)
    if UNKNOWN_TAG not in need_header(answer, "Unsupported"):
        raise Broken(Message("{header} does not name {values}.", header="Unsupported", values=UNKNOWN_TAG))


async def back_channel(visit: Visit) -> None:
    """The back channel is described where it is asked for, or refused."""
    client = await visit.connect()
    answer = await client.request(
        "DESCRIBE", visit.url, {"Accept": "application/sdp", "Require": BACK_CHANNEL}
    )
    if answer.status == 404:
        raise Untried(Message("The stream is not described: the answer is {status}.", status=answer.status))
    need_status(answer, 200, 551)
    if answer.status == 200 and b"a=sendonly" not in answer.body:
        raise Broken(Message("The description has no {values}.", values="a=sendonly"))


async def not_found(visit: Visit) -> None:
    """A path that is not there."""
    client = await visit.connect()
    path = f"relaycore-doctor-{secrets.token_hex(4)}"
    uri = f"{visit.target.root}/{path}"
    answer = await client.request("DESCRIBE", uri, {"Accept": "application/sdp"})
    if answer.status in (401, 403) and visit.credentials is None:
        raise Untried(Message("The server asks for a password: give --user."))
    need_status(answer, 404)


async def connection_kept(visit: Visit) -> None:
    """After refusals, the connection still answers."""
    client = await visit.connect()
    await client.request("RELAYCORE", visit.url)
    await client.request("DESCRIBE", visit.url, {"Accept": "application/sdp", "Require": UNKNOWN_TAG})
    await client.request("PLAY", visit.url, {"Session": "relaycoredoctor"})
    await client.request("DESCRIBE", f"{visit.target.root}/relaycore-doctor-{secrets.token_hex(4)}")
    await client.request("OPTIONS", visit.url)


async def description(visit: Visit) -> None:
    """DESCRIBE gives a description of the type that was asked for."""
    answer, found = await visit.describe()
    kind = need_header(answer, "Content-Type").partition(";")[0].strip().lower()
    if kind != "application/sdp":
        raise Broken(
            Message(
                "{header} is {value} and not {wanted}.",
                header="Content-Type",
                value=repr(kind),
                wanted="application/sdp",
            )
        )
    need_header(answer, "Content-Length")
    starts = [line[:2] for line in found.lines]
    if missing := [name for name in ("v=", "o=", "s=", "t=") if name not in starts]:
        raise Broken(Message("The description has no {values}.", values=", ".join(missing)))


async def content_base(visit: Visit) -> None:
    """URLs of tracks are whole, or there is a base to put before them."""
    answer, found = await visit.describe()
    base = answer.get("content-base")
    controls = [line for media in found.media for line in media.lines if line.startswith("a=control:")]
    if len(controls) < len(found.media):
        raise Broken(Message("The description has no {values}.", values="a=control"))
    if base is None and all("://" in line for line in controls):
        return
    if not need_header(answer, "Content-Base").endswith("/"):
        raise Broken(Message("{header} does not end in a slash.", header="Content-Base"))


async def challenge(visit: Visit) -> None:
    """401 says how to log in, also to somebody who is not let in."""
    client = await visit.connect()
    answer = await client.request("DESCRIBE", visit.url, {"Accept": "application/sdp"}, log_in=False)
    if answer.status != 401:
        raise Untried(Message("The server asks for no password."))
    need_header(answer, "WWW-Authenticate")
    wrong = (
        f'Digest username="relaycore-doctor", realm="", nonce="0", uri="{visit.url}", response="{"0" * 32}"'
    )
    answer = await client.request(
        "DESCRIBE", visit.url, {"Accept": "application/sdp", "Authorization": wrong}, log_in=False
    )
    need_status(answer, 401)
    need_header(answer, "WWW-Authenticate")


async def digest(visit: Visit) -> None:
    """A password can be proven without being shown."""
    client = await visit.connect()
    answer = await client.request("DESCRIBE", visit.url, {"Accept": "application/sdp"}, log_in=False)
    if answer.status != 401:
        raise Untried(Message("The server asks for no password."))
    asked = digest_challenges(answer.all("www-authenticate"))
    if not any("realm" in one and "nonce" in one for one in asked):
        raise Broken(Message("{header} does not name {values}.", header="WWW-Authenticate", values="Digest"))


RULES: Final = (
    Rule(
        "rtsp-options",
        Message("OPTIONS is answered with the methods that every server has."),
        "RFC 2326 §10.1, §12.28",
        options,
    ),
    Rule("rtsp-cseq", Message("An answer has the CSeq of its request."), "RFC 2326 §12.17", sequence_number),
    Rule(
        "rtsp-pipelined",
        Message("Two requests in one piece are both answered, in their order."),
        "RFC 2326 §9.1",
        pipelined,
    ),
    Rule(
        "rtsp-unknown-method",
        Message("An unknown method is answered 501 or 405."),
        "RFC 2326 §1.5, §11.3.1",
        unknown_method,
    ),
    Rule(
        "rtsp-version",
        Message("RTSP 2.0 is answered 505, or in its own version."),
        "RFC 2326 §7.1.1, RFC 7826 §19.1",
        other_version,
    ),
    Rule(
        "rtsp-require",
        Message("An unknown feature that is required is answered 551, and named in Unsupported."),
        "RFC 2326 §12.32, §11.3.14",
        unknown_tag,
    ),
    Rule(
        "rtsp-back-channel",
        Message("A back channel that is asked for is described, or refused with 551."),
        "ONVIF Streaming §5.3",
        back_channel,
    ),
    Rule(
        "rtsp-not-found", Message("A path that is not there is answered 404."), "RFC 2326 §7.1.1", not_found
    ),
    Rule(
        "rtsp-connection-kept",
        Message("A refusal does not close the connection."),
        "RFC 2326 §1.1",
        connection_kept,
    ),
    Rule(
        "rtsp-challenge",
        Message("401 has a challenge, also after wrong credentials."),
        "RFC 2617 §1.2",
        challenge,
    ),
    Rule("rtsp-digest", Message("Digest is among the challenges."), "ONVIF Streaming, ONVIF Core", digest),
    Rule(
        "rtsp-description",
        Message("DESCRIBE is answered with a description, its type and its length."),
        "RFC 2326 §10.2, RFC 4566 §5",
        description,
    ),
    Rule(
        "rtsp-content-base",
        Message("Relative URLs of tracks have a Content-Base that ends in a slash."),
        "RFC 2326 §C.1.1",
        content_base,
    ),
)
