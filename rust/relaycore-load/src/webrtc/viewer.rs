//! One viewer.

use super::Tally;
use crate::check::{Check, Sink};
use crate::inlet::inlet;
use crate::order::{Order, Place};
use crate::shared::Shared;
use crate::tally::{ReaderTally, SECOND};
use mio::net::UdpSocket;
use relaycore_engine::datagrams::Inlet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;
use str0m::bwe::Bitrate;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpPacket;
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc};

/// First bytes of datagrams that are RTP or RTCP (RFC 7983 section 7).
const RTP: std::ops::RangeInclusive<u8> = 128..=191;

/// Second bytes of those that are RTCP (RFC 5761 section 4).
const RTCP: std::ops::RangeInclusive<u8> = 192..=223;

/// Bytes of an RTP header without lists and extensions.
const HEADER_BYTES: usize = 12;

/// See the module.
pub(super) struct Viewer {
    rtc: Rtc,
    pub(super) inlet: Inlet,
    address: SocketAddr,
    pending: Option<SdpPendingOffer>,
    /// When it says next what it estimates that the way carries, where it is told when packets leave.
    estimates_at: Option<u64>,
    /// Whether it decrypts what comes and checks it.
    pub(super) checks: bool,
    /// When it wants to be woken, by the clock of the run.
    pub(super) deadline: u64,
    connected_at: Option<u64>,
    has_ended: bool,
    /// Who sends the pictures, as the answer says; packets of others are sent again.
    source: Option<u32>,
    order: Order,
    check: Option<Check>,
    reader: ReaderTally,
}

impl Viewer {
    /// A viewer, and its offer.
    pub(super) fn offering(mut rtc: Rtc, checks: bool) -> io::Result<(Self, String)> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = socket.local_addr()?;
        let candidate = Candidate::host(address, "udp").map_err(io::Error::other)?;
        rtc.add_local_candidate(candidate);
        let mut changes = rtc.sdp_api();
        changes.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        let (offer, pending) = changes
            .apply()
            .ok_or_else(|| io::Error::other("nothing to offer"))?;
        let viewer = Self {
            rtc,
            inlet: inlet(socket),
            address,
            pending: Some(pending),
            estimates_at: None,
            checks,
            deadline: u64::MAX,
            connected_at: None,
            has_ended: false,
            source: None,
            order: Order::default(),
            check: None,
            reader: ReaderTally::default(),
        };
        Ok((viewer, offer.to_sdp_string()))
    }

    pub(super) fn has_connected(&self) -> bool {
        self.connected_at.is_some()
    }

    pub(super) fn is_playing(&self) -> bool {
        self.has_connected() && !self.has_ended
    }

    /// The server has answered its offer.
    pub(super) fn accept(&mut self, answer: &str, shared: &Shared, tally: &mut Tally) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        self.source = source(answer);
        self.estimates_at = answer.contains("abs-send-time").then_some(0);
        let accepted = SdpAnswer::from_sdp_string(answer)
            .map_err(|error| error.to_string())
            .and_then(|answer| {
                let accepted = self.rtc.sdp_api().accept_answer(pending, answer);
                accepted.map_err(|error| error.to_string())
            });
        if let Err(error) = accepted {
            self.fail("unusable_answer", error, shared.now(), tally);
            return;
        }
        self.wake(shared, tally);
    }

    /// Does what is due.
    pub(super) fn wake(&mut self, shared: &Shared, tally: &mut Tally) {
        let now = shared.now();
        self.give(Input::Timeout(Instant::now()), now, shared, tally);
    }

    /// Reads what came, about `most` datagrams; whether there may be more.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        most: usize,
        shared: &Shared,
        tally: &mut Tally,
    ) -> bool {
        let now = shared.now();
        let mut kept: Vec<(SocketAddr, Vec<u8>)> = Vec::new();
        let (order, source, checks) = (&mut self.order, self.source, self.checks);
        let more = self.inlet.receive(buffer, most, |datagram, from| {
            if is_media(datagram) {
                count(datagram, source, order, now, tally);
                if !checks {
                    return;
                }
            }
            kept.push((from, datagram.to_vec()));
        });
        for (from, datagram) in kept {
            // What is none of STUN, DTLS, RTP and RTCP is nothing.
            if let Ok(received) = Receive::new(Protocol::Udp, from, self.address, &datagram) {
                let input = Input::Receive(Instant::now(), received);
                self.give(input, now, shared, tally);
            }
        }
        more
    }

    /// Says goodbye, once: a server that does not hear it notices by itself.
    pub(super) fn leave(&mut self) {
        if self.has_ended || self.rtc.close().is_err() {
            return;
        }
        let _ = self.rtc.handle_input(Input::Timeout(Instant::now()));
        while let Ok(output) = self.rtc.poll_output() {
            match output {
                Output::Timeout(_) => break,
                Output::Transmit(datagram) => self.send(&datagram.contents, datagram.destination),
                Output::Event(_) => {}
            }
        }
    }

    fn give(&mut self, input: Input<'_>, now: u64, shared: &Shared, tally: &mut Tally) {
        if self.has_ended {
            self.deadline = u64::MAX;
            return;
        }
        self.estimate(now);
        let mut outcome = self.rtc.handle_input(input);
        while outcome.is_ok() {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.deadline = shared.at(at);
                    return;
                }
                Ok(Output::Transmit(datagram)) => {
                    self.send(&datagram.contents, datagram.destination);
                }
                Ok(Output::Event(event)) => match event {
                    Event::Connected => self.connected_at = Some(now),
                    Event::RtpPacket(packet) => self.check(&packet, now, shared, tally),
                    Event::Closed
                    | Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                        let how = "the server ended the session, or is silent".to_owned();
                        return self.fail("closed", how, now, tally);
                    }
                    _ => {}
                },
                Err(error) => outcome = Err(error),
            }
        }
        if let Err(error) = outcome {
            self.fail("connection_failed", error.to_string(), now, tally);
        }
    }

    /// Says that the way carries much, once a second as browsers do.
    fn estimate(&mut self, now: u64) {
        let is_due = self.estimates_at.is_some_and(|at| at <= now) && self.has_connected();
        if let Some(source) = self.source.filter(|_| is_due) {
            self.estimates_at = Some(now + SECOND);
            let mut api = self.rtc.direct_api();
            if let Some(stream) = api.stream_rx(&source.into()) {
                stream.request_remb(Bitrate::mbps(100));
            }
        }
    }

    fn fail(&mut self, kind: &'static str, how: String, now: u64, tally: &mut Tally) {
        self.has_ended = true;
        self.deadline = u64::MAX;
        tally.findings.add(kind, now, || how);
    }

    /// A datagram that cannot be sent is lost, as on any network.
    fn send(&self, datagram: &[u8], to: SocketAddr) {
        let _ = self.inlet.socket.send_to(datagram, to);
    }

    /// Checks a packet that was decrypted.
    fn check(&mut self, packet: &RtpPacket, now: u64, shared: &Shared, tally: &mut Tally) {
        let header = &packet.header;
        let payload_type = *header.payload_type;
        let mut data = Vec::with_capacity(HEADER_BYTES + packet.payload.len());
        data.push(0x80);
        data.push(payload_type | u8::from(header.marker) << 7);
        data.extend_from_slice(&header.sequence_number.to_be_bytes());
        data.extend_from_slice(&header.timestamp.to_be_bytes());
        data.extend_from_slice(&(*header.ssrc).to_be_bytes());
        data.extend_from_slice(&packet.payload);
        let connected = self.connected_at.unwrap_or(now);
        let check = self.check.get_or_insert_with(|| {
            let mut check = Check::new(payload_type, true, true, false);
            check.playing(connected);
            check
        });
        // Packets are counted as they come, before this.
        let packets = tally.group.packets;
        let mut sink = Sink {
            group: &mut tally.group,
            reader: &mut self.reader,
            second: &mut tally.second,
            findings: &mut tally.findings,
            window: tally.window,
            run: shared.run,
            next_numbers: &shared.next_numbers,
        };
        check.packet(now, &data, false, &mut sink);
        tally.group.packets = packets;
    }
}

/// Whether a datagram is RTP.
fn is_media(datagram: &[u8]) -> bool {
    matches!(datagram, [first, second, ..] if RTP.contains(first) && !RTCP.contains(second))
}

/// Counts a packet by its header, which is not encrypted.
fn count(datagram: &[u8], source: Option<u32>, order: &mut Order, now: u64, tally: &mut Tally) {
    let is_measured = tally.window.holds(now);
    tally.group.bytes += if is_measured {
        datagram.len() as u64
    } else {
        0
    };
    let packets = &mut tally.group.packets;
    let &[_, second, high, low, _, _, _, _, s0, s1, s2, s3, ..] = datagram else {
        packets.malformed += u64::from(is_measured);
        return;
    };
    if source.is_some_and(|source| source != u32::from_be_bytes([s0, s1, s2, s3])) {
        return;
    }
    let place = order.place(u16::from_be_bytes([high, low]));
    if !is_measured {
        return;
    }
    packets.received += 1;
    match place {
        Some(Place::Next { missing }) => packets.lost += u64::from(missing),
        Some(Place::Late) => {
            packets.reordered += 1;
            packets.lost = packets.lost.saturating_sub(1);
        }
        None => packets.duplicate += 1,
    }
    let has_marker = second & 0x80 != 0;
    tally.access_units += u64::from(has_marker && place.is_some());
}

/// Who sends the pictures, by an answer with one media: the first of the pair that also sends again (RFC 4588 section
/// 8.8), or the only one. `None` where it does not say.
fn source(answer: &str) -> Option<u32> {
    let pair = answer
        .lines()
        .find_map(|line| line.strip_prefix("a=ssrc-group:FID "));
    let alone = || answer.lines().find_map(|line| line.strip_prefix("a=ssrc:"));
    let named = pair.or_else(alone)?;
    named.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_the_first_of_its_pair() {
        let pair = "a=ssrc:7 cname:x\r\na=ssrc-group:FID 9 7\r\n";
        assert_eq!(source(pair), Some(9));
        assert_eq!(source("v=0\r\na=ssrc:7 cname:x\r\n"), Some(7));
        assert_eq!(source("v=0\r\n"), None);
    }

    #[test]
    fn media_is_told_from_the_rest() {
        assert!(is_media(&[0x80, 96]) && is_media(&[0x90, 0x80 | 96]));
        // RTCP, a check of ICE, DTLS, and nothing.
        for other in [&[0x80, 200][..], &[0, 1], &[22, 254], &[0x80], &[]] {
            assert!(!is_media(other), "{other:?}");
        }
    }
}
