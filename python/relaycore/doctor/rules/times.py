"""Rules of times, counts and names in RTP and RTCP: what sender reports say, held against what came."""

from __future__ import annotations

import statistics
import struct
from itertools import pairwise
from typing import Final

from relaycore.doctor.findings import Rule, Untried
from relaycore.doctor.recording import SENDER_REPORT, Report, Track
from relaycore.doctor.rules.payload.looking import clock_rate
from relaycore.doctor.rules.rtp import need_packets, show
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

BEGUN_S: Final = 1.0
"""Seconds after PLAY in which what was kept for a quick start may come faster than time passes."""

SPAN_S: Final = 2.0
"""Seconds that have to pass before a clock can be judged."""

CLOCK_S: Final = 0.5
"""Seconds that a clock may be off by, beside a tenth of the time that passed."""

APART_S: Final = 1.0
"""Seconds that tracks may be apart at the end of what was played."""

INTERVAL_S: Final = 7.5
"""Longest time between two reports: 5 seconds and the half (RFC 3550 section 6.2, 6.3.1)."""

PACKET_BYTES: Final = 1472
"""What fits into an Ethernet frame behind the headers of IPv4 and UDP."""

COUNT: Final = 10
"""Packets that a report may be off by, beside a tenth."""


async def clock(visit: Visit) -> None:
    """Timestamps rise as fast as time passes, once the stream has begun."""
    tried = False
    for track in await need_packets(visit):
        pairs = [pair for pair in zip(track.times, track.packets, strict=True) if pair[0] >= BEGUN_S]
        if not pairs or pairs[-1][0] - pairs[0][0] < SPAN_S:
            continue
        tried = True
        passed = pairs[-1][0] - pairs[0][0]
        media = _ticks(pairs[0][1].timestamp, pairs[-1][1].timestamp) / clock_rate(track)
        if abs(media - passed) > CLOCK_S + passed / 10:
            raise show(
                visit,
                [pairs[0][1].data, pairs[-1][1].data],
                Message(
                    "The timestamps rise by {media} seconds in {passed} seconds.",
                    media=f"{media:.1f}",
                    passed=f"{passed:.1f}",
                ),
            )
    if not tried:
        raise _too_short()


async def size(visit: Visit) -> None:
    """Packets by UDP need no fragments of IP, of which one that is lost takes all with it."""
    if (await visit.recording()).reliable:
        raise Untried(Message("Packets come by TCP: give --transport udp."))
    for track in await need_packets(visit):
        for packet in track.packets:
            if len(packet.data) > PACKET_BYTES:
                raise show(
                    visit,
                    [packet.data],
                    Message(
                        "A packet has {bytes} bytes, more than {most}.",
                        bytes=len(packet.data),
                        most=PACKET_BYTES,
                    ),
                )


async def source(visit: Visit) -> None:
    """Reports are about the source of the packets."""
    for track in await _reported(visit):
        sources = {packet.ssrc for packet in track.packets}
        for report in _reports(track):
            if report.ssrc not in sources:
                raise show(
                    visit,
                    [track.packets[0].data, report.data],
                    Message("A report is about another source than the packets."),
                )


async def name(visit: Visit) -> None:
    """Tracks of one stream have one name, by which players know that they belong together."""
    tracks = await need_packets(visit)
    names = {report.cname: report for track in tracks for report in track.reports if report.cname}
    if len(tracks) < 2 or not names:
        raise Untried(Message("The stream has no two tracks with reports."))
    if len(names) > 1:
        reports = [report.data for report in names.values()]
        raise show(visit, reports, Message("The tracks have several names."))


async def counts(visit: Visit) -> None:
    """Between two reports, as many packets come as they say."""
    if not (await visit.recording()).reliable:
        raise Untried(Message("Packets may be lost by UDP."))
    tried = False
    for track in await need_packets(visit):
        said = [
            (_count(report), seen, report)
            for compound, seen in zip(track.compounds, track.seen, strict=True)
            for report in compound
            if _is_full(report)
        ]
        for before, after in pairwise(said):
            tried = True
            sent, came = (after[0] - before[0]) % 2**32, after[1] - before[1]
            if abs(sent - came) > COUNT + came / 10:
                raise show(
                    visit,
                    [before[2].data, after[2].data],
                    Message("Reports say {sent} packets where {came} came.", sent=sent, came=came),
                )
    if not tried:
        raise _too_short()


async def together(visit: Visit) -> None:
    """By their reports, what came last of each track belongs to one time."""
    tracks = [track for track in await _reported(visit) if any(map(_is_full, track.reports))]
    if len(tracks) < 2:
        raise Untried(Message("The stream has no two tracks with reports."))
    last = [_wallclock(track) for track in tracks]
    apart = max(last) - min(last)
    if apart > APART_S:
        raise show(
            visit,
            [[one.data for one in track.reports if _is_full(one)][-1] for track in tracks],
            Message("The tracks are {seconds} seconds apart.", seconds=f"{apart:.1f}"),
        )


async def interval(visit: Visit) -> None:
    """Reports keep coming."""
    tried = False
    for track in await need_packets(visit):
        times = [*track.arrived, track.times[-1]] if track.arrived else []
        tried = tried or bool(times and times[-1] - times[0] > INTERVAL_S)
        for before, after in pairwise(times):
            if after - before > INTERVAL_S:
                raise show(
                    visit,
                    [report.data for report in track.reports[-2:]],
                    Message("No report came for {seconds} seconds.", seconds=f"{after - before:.1f}"),
                )
    if not tried:
        raise _too_short()


async def _reported(visit: Visit) -> list[Track]:
    """The tracks with sender reports. Untried without one."""
    tracks = [track for track in await need_packets(visit) if _reports(track)]
    if not tracks:
        raise _too_short()
    return tracks


def _reports(track: Track) -> list[Report]:
    return [report for report in track.reports if report.kind == SENDER_REPORT]


def _is_full(report: Report) -> bool:
    """Whether it is a sender report with all that belongs to one."""
    return report.kind == SENDER_REPORT and len(report.data) >= 28


def _count(report: Report) -> int:
    """The packets that a source has sent (section 6.4.1)."""
    found: int = struct.unpack_from("!I", report.data, 20)[0]
    return found


def _wallclock(track: Track) -> float:
    """Seconds since 1970 of the last packet, by the last report."""
    report = [one for one in track.reports if _is_full(one)][-1]
    # Times of pictures go back and forth: the middle of the last ones is taken.
    late = statistics.median(_ticks(report.timestamp, one.timestamp) for one in track.packets[-9:])
    return report.ntp_s + late / clock_rate(track)


def _ticks(before: int, after: int) -> int:
    return (after - before + 2**31) % 2**32 - 2**31


def _too_short() -> Untried:
    return Untried(Message("Two reports did not come: give a longer --duration."))


RULES: Final = (
    Rule("rtp-clock", Message("Timestamps rise as fast as time passes."), "RFC 3550 §5.1", clock),
    Rule("rtp-size", Message("Packets by UDP fit into an Ethernet frame."), "RFC 8085 §3.2", size),
    Rule("rtcp-source", Message("Reports are about the source of the packets."), "RFC 3550 §6.4.1", source),
    Rule("rtcp-name", Message("All tracks of a stream have the same CNAME."), "RFC 3550 §6.5.1", name),
    Rule("rtcp-counts", Message("Sender reports count the packets that come."), "RFC 3550 §6.4.1", counts),
    Rule(
        "rtcp-together",
        Message("By their reports, sound and picture belong to one time."),
        "RFC 3550 §6.4.1",
        together,
    ),
    Rule("rtcp-interval", Message("Reports come every 5 seconds or so."), "RFC 3550 §6.2, §6.3.1", interval),
)
