"""Rules of RTP and RTCP, checked on what came while the stream was played (RFC 3550)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.recording import BYE, SENDER_REPORT, SOURCE_DESCRIPTION, Packet, Track, hex_line
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES", "need_packets"]

REPORT_S: Final = 5.0
"""Seconds in which the first report comes (RFC 3550 section 6.2)."""

CLOCK_S: Final = 0.05
"""Seconds that two reports may contradict each other by."""


async def need_packets(visit: Visit) -> list[Track]:
    """The tracks that something came of. Untried when nothing came."""
    recording = await visit.recording()
    found = [track for track in recording.tracks if track.packets]
    if not found:
        raise Untried(Message("No packet came."))
    return found


def show(visit: Visit, packets: Iterable[bytes], why: str) -> Broken:
    """The fault ``why`` that these packets show."""
    visit.said.extend((False, hex_line(data)) for data in packets)
    return Broken(why)


async def packets(visit: Visit) -> None:
    """Media come, of the version and types that were said."""
    recording = await visit.recording()
    for track in recording.tracks:
        if not track.packets and not track.broken:
            raise Broken(Message("No packet came of {track}.", track=track.media.line))
        if track.broken:
            raise show(visit, track.broken[:1], Message("This is no packet of RTP."))
        for packet in track.packets:
            if packet.version != 2 or packet.payload_type not in track.payload_types:
                raise show(visit, [packet.data], Message("This is no packet of RTP."))


async def sequence(visit: Visit) -> None:
    """Numbers rise by one."""
    if not (await visit.recording()).reliable:
        raise Untried(Message("Packets may be lost by UDP."))
    for track in await need_packets(visit):
        for before, packet in _pairs(track):
            if packet.sequence != (before.sequence + 1) & 0xFFFF:
                raise show(visit, [before.data, packet.data], Message("The sequence numbers jump."))


async def source(visit: Visit) -> None:
    """A session has one source for each track."""
    for track in await need_packets(visit):
        for before, packet in _pairs(track):
            if packet.ssrc != before.ssrc:
                raise show(visit, [before.data, packet.data], Message("The source (SSRC) changes."))


async def marker(visit: Visit) -> None:
    """The marker ends a picture: timestamps change after it and nowhere else."""
    if not (await visit.recording()).reliable:
        raise Untried(Message("Packets may be lost by UDP."))
    # In a transport stream the marker says that its clock jumps (RFC 2250 section 2).
    tracks = [
        track
        for track in await need_packets(visit)
        if track.media.line.startswith("video") and track.encoding != "MP2T" and 33 not in track.payload_types
    ]
    if not tracks:
        raise Untried(Message("The stream has no picture."))
    for track in tracks:
        for before, packet in _pairs(track):
            if before.marker != (packet.timestamp != before.timestamp):
                raise show(
                    visit, [before.data, packet.data], Message("Marker and timestamp contradict each other.")
                )


async def first_packet(visit: Visit) -> None:
    """RTP-Info is true of the very first packet."""
    recording = await visit.recording()
    value = recording.play.get("rtp-info") or ""
    infos = re.findall(r"seq=(\d{1,5})[^,]*?rtptime=(\d{1,10})", value)
    if len(infos) != len(recording.tracks):
        raise Untried(Message("The answer has no {header}.", header="RTP-Info"))
    for track, (number, timestamp) in zip(recording.tracks, infos, strict=True):
        if track.packets and (track.packets[0].sequence, track.packets[0].timestamp) != (
            int(number),
            int(timestamp),
        ):
            raise show(
                visit,
                [track.packets[0].data],
                Message(
                    "The first packet has seq={sequence} and rtptime={timestamp}.",
                    sequence=str(track.packets[0].sequence),
                    timestamp=str(track.packets[0].timestamp),
                ),
            )


async def report(visit: Visit) -> None:
    """A sender report with the name of the source comes soon."""
    for track in await need_packets(visit):
        kinds = {
            one.kind if one.kind != SOURCE_DESCRIPTION or one.cname else 0
            for compound, arrived in zip(track.compounds, track.arrived, strict=True)
            for one in compound
            if arrived <= REPORT_S
        }
        if not {SENDER_REPORT, SOURCE_DESCRIPTION} <= kinds:
            raise show(
                visit,
                [one.data for one in track.reports[:4]],
                Message("No sender report with a CNAME came in {seconds} seconds.", seconds=int(REPORT_S)),
            )


async def compound(visit: Visit) -> None:
    """A compound begins with a report."""
    for track in await need_packets(visit):
        for reports in track.compounds:
            if not reports or reports[0].kind not in (SENDER_REPORT, SENDER_REPORT + 1):
                raise show(
                    visit,
                    [one.data for one in reports],
                    Message("A compound of RTCP does not begin with a report."),
                )


async def clock(visit: Visit) -> None:
    """Reports agree on how fast the clock of the media goes."""
    tried = False
    for track in await need_packets(visit):
        reports = [one for one in track.reports if one.kind == SENDER_REPORT]
        for before, after in pairwise(reports):
            if after.ntp_s - before.ntp_s < 1:
                continue
            tried = True
            ticks = (after.timestamp - before.timestamp + 2**31) % 2**32 - 2**31
            apart = ticks / track.clock_rate - (after.ntp_s - before.ntp_s)
            if abs(apart) > CLOCK_S:
                raise show(
                    visit,
                    [before.data, after.data],
                    Message(
                        "Two reports contradict each other by {milliseconds} ms.",
                        milliseconds=round(apart * 1000),
                    ),
                )
    if not tried:
        raise Untried(Message("Two reports did not come: give a longer --duration."))


async def goodbye(visit: Visit) -> None:
    """The end of a source is said."""
    for track in await need_packets(visit):
        if not any(one.kind == BYE for one in track.reports):
            raise show(
                visit, [one.data for one in track.reports[-2:]], Message("No BYE came after TEARDOWN.")
            )


def _pairs(track: Track) -> Iterable[tuple[Packet, Packet]]:
    return pairwise(track.packets)


RULES: Final = (
    Rule(
        "rtp-packets",
        Message("Every track sends packets of RTP with a payload type of its description."),
        "RFC 3550 §5.1, RFC 4566 §5.14",
        packets,
    ),
    Rule("rtp-sequence", Message("Sequence numbers rise by one."), "RFC 3550 §5.1", sequence),
    Rule("rtp-source", Message("A track keeps its source (SSRC) in a session."), "RFC 3550 §5.1", source),
    Rule(
        "rtp-marker",
        Message("The marker is on the last packet of a picture, whose packets share a timestamp."),
        "RFC 3550 §5.1, RFC 6184 §5.1",
        marker,
    ),
    Rule(
        "rtp-first-packet",
        Message("The first packet has the number and time that RTP-Info says."),
        "RFC 2326 §12.33",
        first_packet,
    ),
    Rule(
        "rtcp-report",
        Message("A sender report with a CNAME comes in the first 5 seconds."),
        "RFC 3550 §6.1, §6.2",
        report,
    ),
    Rule("rtcp-compound", Message("A compound of RTCP begins with a report."), "RFC 3550 §6.1", compound),
    Rule(
        "rtcp-clock",
        Message("Sender reports agree on the clock of the media."),
        "RFC 3550 §6.4.1",
        clock,
    ),
    Rule("rtcp-bye", Message("A session that ends is left with BYE."), "RFC 3550 §6.6", goodbye),
)
