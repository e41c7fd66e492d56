//! What a packet goes through on its way, in pieces that are timed (`micro`) and whose instructions are counted (`counted`
//! of the engine). Each function gives a number that depends on all of its work.

use relaycore_proto::burst::{BurstBuilder, RtpWriter, packets};
use relaycore_proto::limits::{Limits, RTP_PAYLOAD};
use relaycore_proto::payload::{self, Depacketiser};
use relaycore_proto::rtcp::{self, ReceiverReport, ReportBlock};
use relaycore_proto::rtp::{PayloadType, RtpPacket, SequenceNumber, Ssrc};
use relaycore_proto::rtsp::parser::{Element, Parser};
use relaycore_proto::track::{Codec, Track};

/// Bytes of a picture of 4 Mbit/s at 30 a second.
const PICTURE_BYTES: usize = 16_000;

const SETUP: &[u8] = b"SETUP rtsp://192.168.1.20:8554/front/door/trackID=0 RTSP/1.0\r\n\
    CSeq: 3\r\n\
    User-Agent: LibVLC/3.0.20 (LIVE555 Streaming Media v2016.11.28)\r\n\
    Authorization: Digest username=\"ann\", realm=\"relaycore\", nonce=\"5f1c9a\", \
    uri=\"rtsp://192.168.1.20:8554/front/door\", response=\"0123456789abcdef0123456789abcdef\"\r\n\
    Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n";

/// An access unit of H.264, its packets in a burst, a request and a report.
pub(crate) struct Work {
    picture: Vec<u8>,
    bytes: Vec<u8>,
    ends: Vec<u32>,
    report: Vec<u8>,
}

impl Default for Work {
    fn default() -> Self {
        let mut picture = vec![0xaa; PICTURE_BYTES];
        picture[..5].copy_from_slice(&[0, 0, 0, 1, 0x41]);
        let (bytes, ends) = packetised(&picture);
        let mut report = Vec::new();
        let block = ReportBlock {
            ssrc: Ssrc(1),
            fraction_lost: 0,
            cumulative_lost: 3,
            highest_sequence: 70_000,
            jitter: 20,
            last_sender_report: 1,
            delay_since_last_sender_report: 2,
        };
        let (ssrc, reports) = (Ssrc(2), vec![block]);
        rtcp::write_receiver_report(&mut report, &ReceiverReport { ssrc, reports });
        rtcp::write_sdes_cname(&mut report, Ssrc(2), "reader");
        Self {
            picture,
            bytes,
            ends,
            report,
        }
    }
}

impl Work {
    /// An access unit becomes packets.
    pub(crate) fn packetise(&self) -> usize {
        let (bytes, ends) = packetised(&self.picture);
        bytes.len() + ends.len()
    }

    /// Packets become an access unit.
    pub(crate) fn depacketise(&self) -> usize {
        let mut depacketiser = Depacketiser::new(&Track::new(Codec::H264, 90_000, 0, &[]));
        let mut units = Vec::new();
        for packet in packets(&self.bytes, &self.ends) {
            let packet = RtpPacket::parse(packet).expect("a packet of ours");
            depacketiser
                .push(&packet, &mut units)
                .expect("a packet of ours");
        }
        units.iter().map(|unit| unit.data.len()).sum()
    }

    /// The bytes of a connection become packets.
    pub(crate) fn parse_interleaved(&self) -> usize {
        let mut parser = Parser::new(Limits::default());
        parser.push(&self.bytes);
        let mut length = 0;
        while let Some(Element::Interleaved { data, .. }) = parser.next().expect("packets") {
            length += data.len();
        }
        length
    }

    /// The bytes of a connection become a request.
    pub(crate) fn parse_request(&self) -> usize {
        let mut parser = Parser::new(Limits::default());
        parser.push(SETUP);
        match parser.next() {
            Ok(Some(Element::Request(request))) => request.uri.len(),
            other => panic!("no request: {other:?}"),
        }
    }

    /// A datagram becomes reports.
    pub(crate) fn parse_report(&self) -> usize {
        rtcp::parse_compound(&self.report).map_or(0, |packets| packets.len())
    }
}

fn packetised(picture: &[u8]) -> (Vec<u8>, Vec<u32>) {
    let mut writer = RtpWriter {
        channel: 0,
        payload_type: PayloadType(96),
        ssrc: Ssrc(1),
        next_sequence: SequenceNumber(0),
    };
    let mut out = BurstBuilder::with_capacity(picture.len() + picture.len() / 16 + 256);
    payload::packetise(
        Codec::H264,
        0,
        picture,
        0,
        RTP_PAYLOAD,
        &mut writer,
        &mut out,
    )
    .expect("a picture");
    out.finish()
}
