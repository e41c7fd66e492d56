"""Rules of RTSP about what is played: Range, Scale and Speed (RFC 2326)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.recording import SENDER_REPORT
from relaycore.doctor.rules.asking import need_header, need_status
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

APART_S: Final = 0.05
"""Seconds that the Range may be beside the first packet."""

_CLOCK: Final = re.compile(r"clock\s*=\s*(\d{8}T\d{6})(\.\d{1,9})?Z-")


async def range_now(visit: Visit) -> None:
    """From now on, which is what a live stream has."""
    await _play(visit, {"Range": "npt=now-"}, 200)


async def no_range(visit: Visit) -> None:
    """Nothing said means from where the stream is."""
    await _play(visit, {}, 200)


async def range_clock(visit: Visit) -> None:
    """Wallclock is played, or refused by what is wrong with it."""
    await _play(visit, {"Range": "clock=20200101T000000Z-"}, 200, 457, 501)


async def range_unit(visit: Visit) -> None:
    """A unit that nobody knows."""
    await _play(visit, {"Range": "relaycore=0-"}, 501)


async def scale(visit: Visit) -> None:
    """A speed that cannot be had is read over, or another one is named."""
    session = await visit.set_up_all()
    wish = {"Scale": "2.0", "Speed": "2.0"}
    answer = await session.request("PLAY", await visit.aggregate(), **wish)
    need_status(answer, 200)
    for name in wish:
        value = answer.get(name.lower())
        if value is not None and not re.fullmatch(r"-?\d+(\.\d*)?", value):
            raise Broken(Message("{header} cannot be read: {value}", header=name, value=repr(value)))


async def answered_clock(visit: Visit) -> None:
    """PLAY says in wallclock from when on it plays."""
    recording = await visit.recording()
    value = need_header(recording.play, "Range")
    if _CLOCK.match(value) is None:
        raise Broken(Message("{header} does not name {values}.", header="Range", values="clock"))


async def true_clock(visit: Visit) -> None:
    """The Range is the time of the first packet, as the sender reports have it."""
    recording = await visit.recording()
    matched = _CLOCK.match(recording.play.get("range") or "")
    if matched is None:
        raise Untried(Message("{header} does not name {values}.", header="Range", values="clock"))
    said_s = datetime.strptime(matched[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()
    said_s += float(f"0{matched[2] or '.0'}")
    times = []
    for track in recording.tracks:
        report = next((one for one in track.reports if one.kind == SENDER_REPORT and one.ntp_s), None)
        if report is not None and track.packets:
            ticks = (track.packets[0].timestamp - report.timestamp + 2**31) % 2**32 - 2**31
            times.append(report.ntp_s + ticks / track.clock_rate)
    if not times:
        raise Untried(Message("No sender report came."))
    # The picture that all wait for comes first; sound may begin a little later.
    apart = min((said_s - one for one in times), key=abs)
    if abs(apart) > APART_S:
        raise Broken(
            Message(
                "Range and first packet are {milliseconds} ms apart.", milliseconds=str(round(apart * 1000))
            )
        )


async def _play(visit: Visit, headers: dict[str, str], *wanted: int) -> None:
    session = await visit.set_up_all()
    need_status(await session.request("PLAY", await visit.aggregate(), **headers), *wanted)


RULES: Final = (
    Rule("rtsp-no-range", Message("PLAY without a Range is accepted."), "RFC 2326 §10.5", no_range),
    Rule("rtsp-range-now", Message("PLAY from npt=now is accepted."), "RFC 2326 §3.6, §12.29", range_now),
    Rule(
        "rtsp-range-clock",
        Message("PLAY from a wallclock time is played, or refused with 457 or 501."),
        "RFC 2326 §3.7, §12.29",
        range_clock,
    ),
    Rule(
        "rtsp-range-unit",
        Message("A Range in an unknown unit is answered 501."),
        "RFC 2326 §12.29",
        range_unit,
    ),
    Rule(
        "rtsp-scale",
        Message("Scale and Speed do not stop PLAY."),
        "RFC 2326 §12.34, §12.35",
        scale,
    ),
    Rule(
        "rtsp-range-answer",
        Message("PLAY is answered with a Range in wallclock time."),
        "ONVIF Streaming §5.2.2.3",
        answered_clock,
    ),
    Rule(
        "rtsp-range-true",
        Message("The Range is the time of the first packet by its sender report."),
        "ONVIF Streaming §5.2.2.3",
        true_clock,
    ),
)
