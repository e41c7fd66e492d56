//! Open groups of pictures: what leads a reader's first picture is left out, and nobody may take that for a loss.

use crate::support::{Client, Feed, Server, datagram, rtcp_kinds, rtp_info, sender_report};
use relaycore_engine::stream::JoinPolicy;
use relaycore_proto::rtp::{RtpHeader, RtpPacket};
use relaycore_proto::rtsp::message::Response;
use std::net::UdpSocket;
use std::ops::Range;
use std::sync::atomic::Ordering;

/// When each picture of a group is shown, in the order in which they are sent, counted from the first one. Two are shown
/// before that: they lead.
const GROUP: [i64; 6] = [0, -2, -1, 3, 1, 2];

/// See [`GROUP`].
const LEADING: usize = 2;

/// Packets of a picture, of which each has [`BYTES`].
const PACKETS: u16 = 3;

/// See [`PACKETS`].
const BYTES: usize = 4000;

/// Writes pictures of the group of this number.
fn write(feed: &mut Feed, group: i64, places: Range<usize>) {
    for place in places {
        let number = group * GROUP.len() as i64 + GROUP[place];
        feed.shown_as(number, place == 0, BYTES);
    }
}

/// A reader of the pictures, which it expects to be numbered without a jump.
struct Reader {
    client: Client,
    url: String,
    /// For packets and for reports, where they do not come on the connection.
    datagrams: Option<[UdpSocket; 2]>,
    last: Option<RtpHeader>,
    /// How many packets it has taken, and how many bytes they carried.
    taken: (u32, u32),
}

impl Reader {
    /// One that can play.
    fn ready(server: &Server, is_udp: bool) -> Self {
        let mut client = Client::connect(server.address);
        let url = server.url("cam");
        let datagrams = match is_udp {
            true => Some(client.setup_udp(&url, 0).1),
            false => {
                client.setup_tcp(&url, 1);
                None
            }
        };
        Self {
            client,
            url,
            datagrams,
            last: None,
            taken: (0, 0),
        }
    }

    /// Plays what is there.
    fn play(&mut self) {
        let answer = self.client.request("PLAY", &self.url, &[]);
        self.assert_named(&answer);
    }

    /// Plays from the picture on that `write` writes.
    fn play_from(&mut self, feed: &mut Feed, write: impl FnOnce(&mut Feed)) {
        let text = self.client.text("PLAY", &self.url, &[]);
        self.client.send(text.as_bytes());
        feed.wait_key_frame_wanted();
        write(feed);
        let answer = self.client.response();
        self.assert_named(&answer);
    }

    /// The next packet is the one that `RTP-Info` names, and the one behind the last one where there is one.
    fn assert_named(&mut self, answer: &Response) {
        let info = &rtp_info(answer)[0];
        let header = self.take();
        assert_eq!(
            (info.seq, info.rtptime),
            (header.sequence.0, header.timestamp)
        );
    }

    fn take(&mut self) -> RtpHeader {
        let packet = match &self.datagrams {
            Some([packets, _]) => datagram(packets),
            None => self.client.frame_on(0),
        };
        let packet = RtpPacket::parse(&packet).unwrap();
        self.taken.0 += 1;
        self.taken.1 += packet.payload.len() as u32;
        let header = packet.header;
        if let Some(last) = self.last.replace(header) {
            assert_eq!(header.sequence, last.sequence.next(), "the numbers jump");
        }
        header
    }

    /// Takes the packets up to the end of `pictures` pictures, the one that was begun among them; gives the number of the
    /// last one.
    fn pictures(&mut self, pictures: usize) -> u16 {
        let ended = (0..).map(|_| self.take()).filter(|header| header.marker);
        ended.take(pictures).last().unwrap().sequence.0
    }

    /// Ends the session, when all was taken: the last report counts that, and nothing that was left out (RFC 3550 §6.4.1).
    fn end(mut self) {
        assert_eq!(self.client.status("TEARDOWN", &self.url, &[]), 200);
        let goodbye = match &self.datagrams {
            Some([_, reports]) => {
                let mut compounds = (0..).map(|_| datagram(reports));
                compounds
                    .find(|it| rtcp_kinds(it).contains(&"BYE"))
                    .unwrap()
            }
            None => self.client.kept(1).pop().expect("a goodbye"),
        };
        let report = sender_report(&goodbye);
        assert_eq!((report.packet_count, report.octet_count), self.taken);
    }
}

fn discarded(server: &Server) -> u64 {
    let sessions = server.engine.sessions();
    let counters = sessions.iter().map(|session| &session.counters.discarded);
    counters.map(|it| it.load(Ordering::Relaxed)).sum()
}

/// A reader joins when so many pictures of a group are `known`, or live at its first one when there are none. Gives how far
/// its numbers are at the end behind those of a reader to whom all was sent.
fn behind(policy: JoinPolicy, is_udp: bool, known: usize) -> u16 {
    let server = Server::open();
    let mut feed = Feed::joining(&server.engine, "cam", policy);
    let mut control = Reader::ready(&server, false);
    control.play_from(&mut feed, |feed| write(feed, 0, 0..1));
    write(&mut feed, 0, LEADING + 1..GROUP.len());

    let mut reader = Reader::ready(&server, is_udp);
    write(&mut feed, 1, 0..known);
    if known > 0 {
        reader.play();
    } else {
        reader.play_from(&mut feed, |feed| write(feed, 1, 0..1));
    }
    write(&mut feed, 1, known.max(1)..GROUP.len());
    write(&mut feed, 2, 0..GROUP.len());

    let all = control.pictures(3 * GROUP.len() - LEADING);
    let own = reader.pictures(2 * GROUP.len() - LEADING);
    assert_eq!(discarded(&server), 0, "nobody is slow");
    reader.end();
    control.end();
    all.wrapping_sub(own)
}

#[test]
fn numbers_do_not_jump_where_leading_pictures_are_left_out() {
    for policy in [JoinPolicy::Squeeze, JoinPolicy::Raw] {
        for known in 1..=GROUP.len() {
            let unknown = LEADING.saturating_sub(known - 1) as u16;
            for is_udp in [false, true] {
                let behind = behind(policy, is_udp, known);
                // What was known costs nothing: such a reader shares the packets of all others again.
                assert_eq!(behind, PACKETS * unknown, "{policy:?}, {known} were there");
            }
        }
    }
}

#[test]
fn numbers_do_not_jump_behind_a_picture_that_was_waited_for() {
    for is_udp in [false, true] {
        let behind = behind(JoinPolicy::Wait, is_udp, 0);
        assert_eq!(behind, PACKETS * LEADING as u16);
    }
}

#[test]
fn numbers_go_on_behind_a_pause_in_an_open_group() {
    let server = Server::open();
    let mut feed = Feed::new(&server.engine, "cam");
    let mut reader = Reader::ready(&server, false);
    reader.play_from(&mut feed, |feed| write(feed, 0, 0..1));
    reader.pictures(1);
    // One leading picture is there when it goes on, one comes later.
    for group in 1..4 {
        assert_eq!(reader.client.status("PAUSE", &reader.url, &[]), 200);
        write(&mut feed, group, 0..2);
        reader.play();
        write(&mut feed, group, 2..GROUP.len());
        reader.pictures(GROUP.len() - LEADING);
    }
    assert_eq!(discarded(&server), 0);
    reader.end();
}
