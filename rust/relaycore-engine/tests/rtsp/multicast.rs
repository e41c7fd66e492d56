//! Multicast on the loopback interface: one sender for all who ask for it.

use crate::support::{Client, Feed, PATIENCE, Server, datagram, rtcp_kinds, sender_report};
use relaycore_engine::paths::PathOptions;
use relaycore_engine::session::SessionInfo;
use relaycore_engine::{HoldGroupError, Multicast};
use relaycore_proto::limits::Limits;
use relaycore_proto::rtcp::{ReceiverReport, ReportBlock, write_receiver_report};
use relaycore_proto::rtp::{RtpPacket, SequenceNumber, Ssrc};
use relaycore_proto::rtsp::header::transport::Transport;
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

const OFFER: &str = "RTP/AVP;multicast";

/// A path with a group, and what hears that group.
struct Fixture {
    server: Server,
    feed: Feed,
    url: String,
    group: IpAddr,
    port: u16,
    rtp: UdpSocket,
    rtcp: UdpSocket,
}

impl Fixture {
    fn new(group: [u8; 4]) -> Self {
        Self::with(Ipv4Addr::from(group).into(), Limits::default())
    }

    fn with(group: IpAddr, limits: Limits) -> Self {
        let server = Server::with(limits);
        let feed = Feed::started(&server.engine, "cam");
        let port = even_port();
        let interface = match group {
            IpAddr::V4(_) => "127.0.0.1",
            IpAddr::V6(_) => "::1",
        };
        let options = PathOptions {
            multicast: Some(Multicast::new(group, port, 1, Some(interface)).unwrap()),
            ..PathOptions::default()
        };
        server.engine.configure_path("cam", options);
        let url = server.url("cam");
        let [rtp, rtcp] = [port, port + 1].map(|port| listen(group, port));
        Self {
            server,
            feed,
            url,
            group,
            port,
            rtp,
            rtcp,
        }
    }

    /// A session of both tracks.
    fn member(&self) -> Client {
        let mut client = Client::connect(self.server.address);
        for track in 0..2 {
            assert_eq!(client.setup(&self.url, track, OFFER).status.0, 200);
        }
        client
    }

    /// As [`Fixture::member`], which plays.
    fn playing(&self) -> Client {
        let mut client = self.member();
        assert_eq!(client.status("PLAY", &self.url, &[]), 200);
        client
    }

    fn members(&self) -> usize {
        self.feed.stream.counters.readers.load(Ordering::Relaxed)
    }

    /// Receives one picture more, whose packets follow `last`; gives the last of them.
    fn picture_after(&self, mut last: Option<SequenceNumber>) -> SequenceNumber {
        loop {
            let packet = datagram(&self.rtp);
            let header = RtpPacket::parse(&packet).unwrap().header;
            assert!(
                last.is_none_or(|last| last.next() == header.sequence),
                "each packet comes once"
            );
            last = Some(header.sequence);
            if header.marker {
                return header.sequence;
            }
        }
    }
}

/// An even port that was free just now, with a free one behind it.
fn even_port() -> u16 {
    loop {
        let first = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        if port.is_multiple_of(2) && port < 60_000 && UdpSocket::bind(("0.0.0.0", port + 1)).is_ok()
        {
            return port;
        }
    }
}

/// Hears a port of a group on the loopback interface.
fn listen(group: IpAddr, port: u16) -> UdpSocket {
    let address = SocketAddr::new(group, port);
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP)).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&address.into()).unwrap();
    match group {
        IpAddr::V4(group) => {
            socket
                .join_multicast_v4(&group, &Ipv4Addr::LOCALHOST)
                .unwrap();
            socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
        }
        IpAddr::V6(group) => socket.join_multicast_v6(&group, 1).unwrap(),
    }
    socket.into()
}

#[test]
fn describe_and_setup_name_the_group() {
    let fixture = Fixture::new([239, 255, 80, 1]);
    let (group, port) = (fixture.group, fixture.port);
    let mut client = Client::connect(fixture.server.address);
    let for_all = client.request("DESCRIBE", &fixture.url, &[]).body;
    let for_all = String::from_utf8(for_all).unwrap();
    assert!(for_all.contains("c=IN IP4 0.0.0.0\r\n"), "{for_all}");
    assert!(for_all.contains("m=video 0 "), "{for_all}");
    let url = format!("{}?token=x&multicast", fixture.url);
    let description = client.request("DESCRIBE", &url, &[]);
    let base = description.headers.get("Content-Base");
    assert_eq!(base, Some(format!("{url}/").as_str()));
    let sdp = String::from_utf8(description.body).unwrap();
    for line in [
        format!("c=IN IP4 {group}/1"),
        format!("m=video {port} RTP/AVP 96"),
        format!("m=audio {} RTP/AVP 97", port + 2),
    ] {
        assert!(sdp.lines().any(|known| known == line), "{line}: {sdp}");
    }
    // Other addresses and ports that a client wishes are not for it to choose.
    let offer = "RTP/AVP;multicast;destination=239.1.1.1;port=9000-9001;ttl=255";
    for (track, offer) in [(0, OFFER), (1, offer)] {
        let answer = client.setup(&fixture.url, track, offer);
        assert_eq!(answer.status.0, 200);
        let transport = Transport::parse(answer.headers.get("Transport").unwrap()).unwrap();
        let first = port + 2 * track as u16;
        assert!(transport.multicast && transport.client_port.is_none());
        assert_eq!(transport.destination, Some(group.to_string()));
        assert_eq!(transport.source.as_deref(), Some("127.0.0.1"));
        assert_eq!(transport.port, Some((first, first + 1)));
        assert_eq!(transport.ttl, Some(1));
        let ssrc = fixture.feed.stream.ssrc(track);
        assert_eq!(transport.ssrc, ssrc.map(|ssrc| ssrc.0));
    }
    let unicast = client.setup(&fixture.url, 1, "RTP/AVP/TCP;unicast");
    assert_eq!(unicast.status.0, 461, "a session keeps to one way");
}

#[test]
fn the_group_is_sent_to_once_from_the_first_play_to_the_last_teardown() {
    let mut fixture = Fixture::new([239, 255, 80, 2]);
    let _ready = fixture.member();
    assert_eq!(fixture.members(), 0, "nobody plays yet");
    let mut first = fixture.playing();
    let mut last = fixture.picture_after(None);
    assert_eq!(rtcp_kinds(&datagram(&fixture.rtcp)), ["SR", "SDES"]);
    // On connections that are spread over the shards.
    let mut others = [(); 3].map(|()| fixture.playing());
    fixture.feed.wait_key_frame_wanted();
    assert_eq!(fixture.members(), 4);
    fixture.feed.key(60_000);
    last = fixture.picture_after(Some(last));
    assert_eq!(first.status("TEARDOWN", &fixture.url, &[]), 200);
    for (left, client) in others.iter_mut().enumerate().rev() {
        fixture.feed.picture(3000);
        last = fixture.picture_after(Some(last));
        let way = ["TEARDOWN", "PAUSE", "TEARDOWN"][left];
        assert_eq!(client.status(way, &fixture.url, &[]), 200);
        assert_eq!(fixture.members(), left);
    }
    assert_eq!(rtcp_kinds(&datagram(&fixture.rtcp)), ["SR", "SDES", "BYE"]);

    // Nobody hears this one; the next first PLAY begins behind it.
    fixture.feed.picture(100);
    fixture.feed.key(100);
    assert_eq!(others[1].status("PLAY", &fixture.url, &[]), 200);
    let packet = datagram(&fixture.rtp);
    let header = RtpPacket::parse(&packet).unwrap().header;
    assert_ne!(header.sequence, last.next());
    assert_eq!(fixture.members(), 1);
}

#[test]
fn a_member_has_its_first_picture_with_that_of_the_group() {
    let mut fixture = Fixture::new([239, 255, 80, 9]);
    let mut first = fixture.playing();
    fixture.picture_after(None);
    let mut second = fixture.playing();
    let session = fixture.server.engine.sessions();
    let id = second.session.clone().unwrap();
    let is_second = |it: &&Arc<SessionInfo>| id.starts_with(&it.id);
    let session = session.iter().find(is_second).unwrap();
    let times = || {
        let journey = session.journey();
        (journey.first_packet, journey.first_picture)
    };
    let give_up = Instant::now() + PATIENCE;
    while times().0 == 0 {
        assert!(Instant::now() < give_up);
        assert_eq!(times().1, 0);
        fixture.feed.picture(100);
        std::thread::yield_now();
    }
    assert_eq!(times().1, 0, "no key frame has come since");
    while times().1 == 0 {
        assert!(Instant::now() < give_up);
        fixture.feed.key(100);
        std::thread::yield_now();
    }
    let journey = session.journey();
    assert!(journey.playing <= journey.first_packet);
    assert!(journey.first_packet < journey.first_picture);
    for client in [&mut first, &mut second] {
        assert_eq!(client.status("TEARDOWN", &fixture.url, &[]), 200);
    }
}

#[test]
fn a_group_that_begins_at_an_open_group_of_pictures_has_no_jump_in_its_numbers() {
    let mut fixture = Fixture::new([239, 255, 80, 13]);
    // One of those that are shown before the first picture is there, one comes later: neither is sent.
    fixture.feed.shown_as(0, true, 4000);
    fixture.feed.shown_as(-2, false, 4000);
    let mut client = fixture.playing();
    let mut last = fixture.picture_after(None);
    for number in [-1, 3, 1] {
        fixture.feed.shown_as(number, false, 4000);
    }
    for _ in 0..2 {
        last = fixture.picture_after(Some(last));
    }
    assert_eq!(client.status("TEARDOWN", &fixture.url, &[]), 200);
    let video = fixture.feed.stream.ssrc(0).unwrap();
    let mut reports = (0..).map(|_| datagram(&fixture.rtcp));
    let goodbye = reports.find(|it| rtcp_kinds(it).contains(&"BYE")).unwrap();
    let report = sender_report(&goodbye);
    assert_eq!((report.ssrc, report.packet_count), (video, 3 * 3));
}

#[test]
fn a_member_that_is_kicked_or_lost_leaves_the_group() {
    let fixture = Fixture::new([239, 255, 80, 3]);
    let (kicked, lost) = (fixture.playing(), fixture.member());
    let id = kicked.session.clone().unwrap();
    assert!(fixture.server.engine.kick(id.split(';').next().unwrap()));
    assert_eq!(fixture.server.ended().1, "ended by the operator");
    assert_eq!(rtcp_kinds(&datagram(&fixture.rtcp)), ["SR", "SDES"]);
    assert_eq!(rtcp_kinds(&datagram(&fixture.rtcp)), ["SR", "SDES", "BYE"]);
    drop(lost);
    assert_eq!(fixture.server.ended().1, "the client closed the connection");
    assert_eq!(fixture.members(), 0);
}

#[test]
fn the_group_says_goodbye_when_the_stream_ends() {
    let fixture = Fixture::new([239, 255, 80, 4]);
    let mut members = [(); 3].map(|()| fixture.playing());
    assert!(fixture.server.engine.remove_stream("cam"));
    while !rtcp_kinds(&datagram(&fixture.rtcp)).contains(&"BYE") {}
    // They end in any order.
    for _ in &members {
        fixture.server.ended();
    }
    for client in &mut members {
        assert_eq!(client.status("PLAY", &fixture.url, &[]), 454);
    }
    assert!(fixture.server.engine.sessions().is_empty());
}

#[test]
fn a_group_that_is_held_is_sent_to_without_a_session() {
    let mut fixture = Fixture::new([239, 255, 80, 10]);
    let engine = &fixture.server.engine;
    engine.hold_group("cam").unwrap();
    engine.hold_group("cam").unwrap();
    assert!(engine.sessions().is_empty());
    assert_eq!(fixture.members(), 1, "all who listen are one reader");
    assert_eq!(rtcp_kinds(&datagram(&fixture.rtcp)), ["SR", "SDES"]);
    let mut last = fixture.picture_after(None);
    // Members come and go; it is sent once, with them and without.
    let mut member = fixture.playing();
    assert_eq!(fixture.members(), 2);
    fixture.feed.picture(3000);
    last = fixture.picture_after(Some(last));
    assert_eq!(member.status("TEARDOWN", &fixture.url, &[]), 200);
    fixture.feed.picture(3000);
    last = fixture.picture_after(Some(last));
    // A member stays where it is released, and is the last one then.
    let mut member = fixture.playing();
    assert!(fixture.server.engine.release_group("cam"));
    assert!(!fixture.server.engine.release_group("cam"));
    fixture.feed.picture(3000);
    fixture.picture_after(Some(last));
    assert_eq!(member.status("TEARDOWN", &fixture.url, &[]), 200);
    while !rtcp_kinds(&datagram(&fixture.rtcp)).contains(&"BYE") {}
    assert_eq!(fixture.members(), 0);
}

#[test]
fn a_group_is_held_until_its_stream_ends_and_may_be_held_again() {
    let mut fixture = Fixture::new([239, 255, 80, 11]);
    for _ in 0..2 {
        fixture.server.engine.hold_group("cam").unwrap();
        fixture.picture_after(None);
        let old = Arc::clone(&fixture.feed.stream);
        assert!(fixture.server.engine.remove_stream("cam"));
        while !rtcp_kinds(&datagram(&fixture.rtcp)).contains(&"BYE") {}
        let give_up = Instant::now() + PATIENCE;
        while old.counters.readers.load(Ordering::Relaxed) > 0 {
            assert!(Instant::now() < give_up);
            std::thread::yield_now();
        }
        assert!(!fixture.server.engine.release_group("cam"));
        fixture.feed = Feed::started(&fixture.server.engine, "cam");
    }
}

#[test]
fn a_group_that_cannot_be_held_is_refused_with_the_reason() {
    let fixture = Fixture::new([239, 255, 80, 12]);
    let engine = &fixture.server.engine;
    let refused = |path| engine.hold_group(path).unwrap_err();
    assert!(matches!(refused("none"), HoldGroupError::NoStream(path) if path == "none"));
    let _bare = Feed::started(engine, "bare");
    assert!(matches!(refused("bare"), HoldGroupError::NoGroup(path) if path == "bare"));
    let port = even_port();
    let _taken = UdpSocket::bind(("0.0.0.0", port + 1)).unwrap();
    let options = PathOptions {
        multicast: Some(Multicast::new(fixture.group, port, 1, Some("127.0.0.1")).unwrap()),
        ..PathOptions::default()
    };
    engine.configure_path("cam", options);
    assert!(matches!(refused("cam"), HoldGroupError::System(_)));
    assert_eq!(fixture.members(), 0);
}

#[test]
fn readers_by_other_ways_have_the_same_stream() {
    let mut fixture = Fixture::new([239, 255, 80, 5]);
    let mut member = fixture.playing();
    let mut interleaved = Client::playing(&fixture.server, "cam", 1);
    let mut client = Client::connect(fixture.server.address);
    let (_, [rtp, _rtcp]) = client.setup_udp(&fixture.url, 0);
    assert_eq!(client.status("PLAY", &fixture.url, &[]), 200);
    let last = |packet: Vec<u8>| RtpPacket::parse(&packet).unwrap().header.sequence;
    fixture.feed.picture(100);
    fixture.picture_after(None);
    let sent = fixture.picture_after(None);
    while last(interleaved.frame_on(0)) != sent {}
    while last(datagram(&rtp)) != sent {}
    let kinds: Vec<_> = fixture.server.engine.sessions();
    let mut kinds: Vec<_> = kinds
        .iter()
        .map(|session| session.transport().name())
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["multicast", "tcp", "udp"]);
    assert_eq!(member.status("GET_PARAMETER", &fixture.url, &[]), 200);
}

#[test]
fn reports_of_receivers_keep_their_sessions_alive() {
    let limits = Limits {
        session_timeout_s: 1,
        ..Limits::default()
    };
    let fixture = Fixture::with(Ipv4Addr::new(239, 255, 80, 6).into(), limits);
    let member = fixture.playing();
    let id = member.session.clone().unwrap();
    let id = id.split(';').next().unwrap();
    let report = |lost| {
        let block = ReportBlock {
            ssrc: fixture.feed.stream.ssrc(0).unwrap(),
            fraction_lost: 0,
            cumulative_lost: lost,
            highest_sequence: 0,
            jitter: 0,
            last_sender_report: 0,
            delay_since_last_sender_report: 0,
        };
        let report = ReceiverReport {
            ssrc: Ssrc(1),
            reports: vec![block],
        };
        let mut compound = Vec::new();
        write_receiver_report(&mut compound, &report);
        let to = (fixture.group, fixture.port + 1);
        fixture.rtcp.send_to(&compound, to).unwrap();
    };
    // The clock of this test are sessions over unicast that stay silent.
    for lost in 1..=3 {
        let mut silent = Client::connect(fixture.server.address);
        silent.setup_udp(&fixture.url, 0);
        let ended = loop {
            report(lost);
            if let Some(ended) = fixture.server.ended_by_now() {
                break ended;
            }
        };
        assert_ne!(ended.id, id);
        let sessions = fixture.server.engine.sessions();
        let counters = sessions.iter().find(|session| session.id == id);
        let known = counters.unwrap().counters.lost.load(Ordering::Relaxed);
        assert_eq!(known, lost as u64);
    }
    assert_eq!(fixture.server.ended().0.id, id, "silence ends it");
}

#[test]
fn a_group_that_cannot_be_sent_to_is_refused_with_the_reason() {
    let fixture = Fixture::new([239, 255, 80, 7]);
    let port = even_port();
    let _taken = UdpSocket::bind(("0.0.0.0", port + 1)).unwrap();
    let options = PathOptions {
        multicast: Some(Multicast::new(fixture.group, port, 1, Some("127.0.0.1")).unwrap()),
        ..PathOptions::default()
    };
    fixture.server.engine.configure_path("cam", options);
    let mut client = fixture.member();
    let refused = client.request("PLAY", &fixture.url, &[]);
    assert_eq!(refused.status.0, 462);
    assert!(refused.reason.unwrap().contains("group"));
    assert_eq!(fixture.members(), 0);
    assert_eq!(client.status("TEARDOWN", &fixture.url, &[]), 200);
}

#[test]
fn a_group_of_ipv6_is_told_in_its_own_form() {
    let group = Ipv6Addr::new(0xff15, 0, 0, 0, 0, 0, 0x80, 8);
    let fixture = Fixture::with(group.into(), Limits::default());
    let mut client = Client::connect(fixture.server.address);
    let url = format!("{}?multicast", fixture.url);
    let sdp = client.request("DESCRIBE", &url, &[]).body;
    let sdp = String::from_utf8(sdp).unwrap();
    assert!(sdp.contains(&format!("c=IN IP6 {group}\r\n")), "{sdp}");
    let answer = client.setup(&fixture.url, 0, OFFER);
    let transport = Transport::parse(answer.headers.get("Transport").unwrap()).unwrap();
    assert_eq!(transport.destination, Some(group.to_string()));
    assert_eq!(client.status("PLAY", &fixture.url, &[]), 200);
    assert_eq!(fixture.members(), 1);
}
