"""Rules of the session description (RFC 4566, and RFC 2326 appendix C for RTSP)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from relaycore.doctor.description import Description
from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

SESSION_ORDER: Final = "vosiuepcbtrzka"
MEDIA_ORDER: Final = "micbka"
"""Types of lines in the order that RFC 4566 section 5 gives; ``t`` and ``r`` take turns."""

DYNAMIC: Final = 96
"""Payload types from here on mean nothing without ``a=rtpmap`` (RFC 3551 section 3)."""


RANGE: Final = re.compile(r"a=range:(npt\s*=\s*(now|[\d:.]+)?-([\d:.]+)?|(clock|smpte[\w-]*)\s*=.*-.*)\s*")
"""Times that there are (RFC 2326 section C.1.5, 3.5 to 3.7)."""


async def lines(visit: Visit) -> None:
    """Every line is a letter and a value, in order, and the four that a session needs are there."""
    description = await _description(visit)
    for index, text in enumerate(_sections(description)):
        order = MEDIA_ORDER if index else SESSION_ORDER
        places = []
        for line in text:
            place = order.find(line[:1])
            if line[1:2] != "=" or place < 0:
                raise _wrong(line)
            places.append(order.find("t") if line[0] == "r" else place)
        if places != sorted(places):
            raise Broken(Message("The lines are not in their order."))
    patterns = {"v": r"0", "o": r"\S+ \d+ \d+ IN IP[46] \S+", "s": r".+", "t": r"\d+ \d+"}
    for letter, pattern in patterns.items():
        found = [line for line in description.lines if line.startswith(f"{letter}=")]
        if not found:
            raise _lacking(f"{letter}=")
        if not re.fullmatch(pattern, found[0][2:]):
            raise _wrong(found[0])


async def connection(visit: Visit) -> None:
    """An address is said for the session, or for every media."""
    description = await _description(visit)
    if not (_connections(description.lines) or all(_connections(media.lines) for media in description.media)):
        raise _lacking("c=")
    for line in (line for text in _sections(description) for line in _connections(text)):
        found = re.fullmatch(r"c=IN IP([46]) ([^/ ]+)((?:/\d{1,3}){0,2})", line)
        if found is None:
            raise _wrong(line)
        try:
            address = ipaddress.ip_address(found[2])
        except ValueError:
            # A name may stand there too.
            continue
        # A group of IPv4 has its lifetime behind it (section 5.7).
        if str(address.version) != found[1] or (
            address.version == 4 and address.is_multicast and not found[3]
        ):
            raise _wrong(line)


async def control(visit: Visit) -> None:
    """Each of several media has an ``a=control`` of its own."""
    media = (await _description(visit)).media
    urls = [next((line for line in one.lines if line.startswith("a=control:")), "") for one in media]
    if len(urls) > 1 and "" in urls:
        raise _lacking("a=control")
    for index, url in enumerate(urls):
        if url in urls[:index]:
            raise _wrong(url)


async def types(visit: Visit) -> None:
    """Dynamic payload types have an ``a=rtpmap``, and attributes are about types of their media."""
    for media in (await _description(visit)).media:
        if "RTP/" not in media.line:
            continue
        numbers = {int(word) for word in media.line.split(" ")[3:] if word.isascii() and word.isdigit()}
        mapped = set()
        for line in media.lines:
            found = re.match(r"a=(rtpmap|fmtp):", line)
            if found is None:
                continue
            named = re.fullmatch(
                r"a=rtpmap:(\d{1,3}) [^/ ]+/\d{1,9}(?:/\d{1,3})?\s*|a=fmtp:(\d{1,3}) .*", line
            )
            number = int(named[1] or named[2]) if named else -1
            if number not in numbers:
                raise _wrong(line)
            if found[1] == "rtpmap":
                mapped.add(number)
        for number in sorted(numbers - mapped):
            if number >= DYNAMIC:
                raise _lacking(f"a=rtpmap:{number}")


async def play_range(visit: Visit) -> None:
    """What is said of the times that there are can be read."""
    description = await _description(visit)
    found = [line for text in _sections(description) for line in text if line.startswith("a=range:")]
    if not found:
        raise Untried(Message("The description has no {values}.", values="a=range"))
    for line in found:
        if not RANGE.fullmatch(line):
            raise _wrong(line)


async def _description(visit: Visit) -> Description:
    _, description = await visit.describe()
    if not description.media:
        raise Untried(Message("The description names no media."))
    return description


def _sections(description: Description) -> list[tuple[str, ...]]:
    return [description.lines, *(media.lines for media in description.media)]


def _connections(text: Sequence[str]) -> list[str]:
    return [line for line in text if line.startswith("c=")]


def _lacking(values: str) -> Broken:
    return Broken(Message("The description has no {values}.", values=values))


def _wrong(line: str) -> Broken:
    return Broken(Message("A line of the description is wrong: {line}", line=repr(line[:200])))


RULES: Final = (
    Rule(
        "sdp-lines",
        Message("The description has v=, o=, s= and t=, and every line in its place."),
        "RFC 4566 §5",
        lines,
    ),
    Rule(
        "sdp-connection",
        Message("The description says an address for the session or for all media."),
        "RFC 4566 §5.7, RFC 2326 §C.1.7",
        connection,
    ),
    Rule(
        "sdp-control",
        Message("Each of several media has an a=control of its own."),
        "RFC 2326 §C.1.1",
        control,
    ),
    Rule(
        "sdp-types",
        Message("Payload types from 96 on have an a=rtpmap, and attributes name types that there are."),
        "RFC 4566 §6, RFC 3551 §3",
        types,
    ),
    Rule("sdp-range", Message("a=range can be read."), "RFC 2326 §C.1.5", play_range),
)
