//! From OPTIONS to TEARDOWN: what a well-behaved client sees.

use crate::support::{Client, Feed, Server, datagram, rtcp_kinds, rtp_info, sender_report};
use relaycore_engine::burst::Stages;
use relaycore_engine::clock::{SECOND, now_ns};
use relaycore_engine::stream::{JoinPolicy, Written};
use relaycore_proto::rtcp::{
    Fir, FirEntry, Pli, ReceiverReport, ReportBlock, unix_ns_from_ntp, write_fir, write_pli,
    write_receiver_report,
};
use relaycore_proto::rtp::{RtpPacket, SequenceNumber, Ssrc};
use relaycore_proto::rtsp::header::range::Range;
use relaycore_proto::rtsp::header::transport::Transport;
use relaycore_proto::rtsp::message::Response;
use std::collections::HashSet;
use std::sync::atomic::Ordering;

/// Asserts that a packet is the one that `RTP-Info` names for a track.
fn assert_is_first(response: &Response, track: usize, packet: &[u8]) {
    let info = rtp_info(response);
    let entry = info
        .iter()
        .find(|entry| entry.url.ends_with(&format!("/trackID={track}")))
        .expect("each track is in RTP-Info");
    let header = RtpPacket::parse(packet).unwrap().header;
    assert_eq!(
        (header.sequence.0, header.timestamp),
        (entry.seq, entry.rtptime)
    );
}

/// Asserts that a sender report says when the newest access unit of a track was captured, to the millisecond.
fn assert_maps(server: &Server, feed: &Feed, track: usize, compound: &[u8], timestamp: u32) {
    assert_eq!(rtcp_kinds(compound), ["SR", "SDES"]);
    let report = sender_report(compound);
    assert_eq!(Some(report.ssrc), feed.stream.ssrc(track));
    let rate = i64::from(feed.stream.tracks()[track].clock_rate);
    let ticks = i64::from(report.rtp_timestamp.wrapping_sub(timestamp) as i32);
    let said = unix_ns_from_ntp(report.ntp).unwrap() as i64 - ticks * SECOND as i64 / rate;
    let truth = server.engine.unix_ns(feed.captured[track]) as i64;
    assert!(
        (said - truth).abs() < 1_000_000,
        "off by {} ns",
        said - truth
    );
}

fn timestamp(packet: &[u8]) -> u32 {
    RtpPacket::parse(packet).unwrap().header.timestamp
}

#[test]
fn interleaved_from_options_to_teardown() {
    let server = Server::open();
    let feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);

    let options = client.request("OPTIONS", "*", &[]);
    let public = options.headers.get("Public").unwrap();
    for method in ["DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN"] {
        assert!(public.contains(method), "{public}");
    }
    assert_eq!(options.headers.get("Server"), Some("relaycore/test"));

    let description = client.request("DESCRIBE", &url, &[("Accept", "application/sdp")]);
    let base = format!("{url}/");
    assert_eq!(description.headers.get("Content-Base"), Some(base.as_str()));
    let sdp = String::from_utf8(description.body).unwrap();
    for part in [
        "m=video",
        "m=audio",
        "H264/90000",
        "trackID=1",
        "sprop-parameter-sets=",
    ] {
        assert!(sdp.contains(part), "{part} is missing: {sdp}");
    }

    let play = client.play_tcp(&url, 2);
    assert_eq!(rtp_info(&play).len(), 2);
    let range = Range::parse(play.headers.get("Range").unwrap()).unwrap();
    let start = server.engine.unix_ns(feed.captured[0]);
    assert!(
        matches!(range, Range::Clock { start: said, end: None } if said.abs_diff(start) < SECOND / 20),
        "{range:?}"
    );
    let frames: Vec<_> = (0..4).map(|_| client.frame().unwrap()).collect();
    let channels: Vec<_> = frames.iter().map(|(channel, _)| *channel).collect();
    assert_eq!(
        channels,
        [1, 3, 2, 0],
        "the reports, the sound, the picture"
    );
    assert_is_first(&play, 1, &frames[2].1);
    assert_is_first(&play, 0, &frames[3].1);
    assert_maps(&server, &feed, 0, &frames[0].1, timestamp(&frames[3].1));
    assert_maps(&server, &feed, 1, &frames[1].1, timestamp(&frames[2].1));

    let teardown = client.text("TEARDOWN", &url, &[]);
    client.send(teardown.as_bytes());
    for channel in [1, 3] {
        assert_eq!(rtcp_kinds(&client.frame_on(channel)), ["SR", "SDES", "BYE"]);
    }
    assert_eq!(client.response().status.0, 200);
    let (session, reason) = server.ended();
    assert_eq!(
        (session.path.as_str(), &*reason),
        ("cam", "the client ended it")
    );
    assert_eq!(client.status("PLAY", &url, &[]), 454);
    client.session = None;
    client.play_tcp(&url, 1);
}

#[test]
fn datagrams_from_setup_to_teardown() {
    let server = Server::open();
    let mut feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    let (video, [rtp, rtcp]) = client.setup_udp(&url, 0);
    let (_, [sound_rtp, sound_rtcp]) = client.setup_udp(&url, 1);
    let transport = Transport::parse(video.headers.get("Transport").unwrap()).unwrap();
    assert_eq!(transport.source.as_deref(), Some("127.0.0.1"));
    assert_eq!(transport.ssrc, feed.stream.ssrc(0).map(|ssrc| ssrc.0));
    let (rtp_port, rtcp_port) = transport.server_port.unwrap();
    rtp.connect(("127.0.0.1", rtp_port)).unwrap();
    rtcp.connect(("127.0.0.1", rtcp_port)).unwrap();

    let play = client.request("PLAY", &url, &[]);
    let (first, first_sound) = (datagram(&rtp), datagram(&sound_rtp));
    assert_is_first(&play, 0, &first);
    assert_is_first(&play, 1, &first_sound);
    assert_maps(&server, &feed, 0, &datagram(&rtcp), timestamp(&first));
    assert_maps(
        &server,
        &feed,
        1,
        &datagram(&sound_rtcp),
        timestamp(&first_sound),
    );

    // Large enough to be sent in portions.
    feed.key(60_000);
    let mut last = RtpPacket::parse(&first).unwrap().header.sequence;
    let mut marked = 0;
    while marked < 2 {
        let packet = datagram(&rtp);
        let header = RtpPacket::parse(&packet).unwrap().header;
        assert_eq!(header.sequence, last.next());
        last = header.sequence;
        marked += u32::from(header.marker);
    }
    assert_eq!(client.status("TEARDOWN", &url, &[]), 200);
    for socket in [&rtcp, &sound_rtcp] {
        assert_eq!(rtcp_kinds(&datagram(socket)), ["SR", "SDES", "BYE"]);
    }
    let (session, _) = server.ended();
    let sent = u64::from(last.0.wrapping_sub(rtp_info(&play)[0].seq)) + 2;
    assert_eq!(session.counters.packets.load(Ordering::Relaxed), sent);
    assert_eq!(session.counters.discarded.load(Ordering::Relaxed), 0);
}

#[test]
fn the_answer_waits_for_the_first_picture_and_nothing_is_sent_before_it() {
    let server = Server::open();
    let mut feed = Feed::joining(&server.engine, "cam", JoinPolicy::Wait);
    feed.key(100);
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    client.setup_tcp(&url, 1);
    let play = client.text("PLAY", &url, &[]);
    client.send(play.as_bytes());
    feed.wait_key_frame_wanted();
    feed.picture(100);
    let key = feed.key(100);
    let play = client.response();
    let packet = client.frame_on(0);
    assert_is_first(&play, 0, &packet);
    let mut packet = RtpPacket::parse(&packet).unwrap().payload.to_vec();
    assert!(
        [7, 24].contains(&(packet[0] & 0x1f)),
        "parameter sets come first"
    );
    while !packet.ends_with(&key[key.len() - 90..]) {
        packet = client.frame_on(0);
    }
}

#[test]
fn a_stream_without_a_picture_is_answered_without_naming_a_packet() {
    let server = Server::open();
    let mut feed = Feed::new(&server.engine, "cam");
    let mut client = Client::connect(server.address);
    let answer = client.play_tcp(&server.url("cam"), 1);
    assert_eq!(answer.headers.get("RTP-Info"), None);
    assert_eq!(feed.stream.counters.readers.load(Ordering::Relaxed), 1);
    feed.key(100);
    let (channel, report) = client.frame().unwrap();
    assert_eq!(channel, 1, "the report comes before the first picture");
    let timestamp = timestamp(&client.frame_on(0));
    assert_maps(&server, &feed, 0, &report, timestamp);
}

#[test]
fn what_a_receiver_reports_is_kept_and_what_it_wishes_is_passed_on() {
    let server = Server::open();
    let feed = Feed::started(&server.engine, "cam");
    let mut client = Client::playing(&server, "cam", 1);
    let media = feed.stream.ssrc(0).unwrap();
    let sent = sender_report(&client.frame_on(1));
    let mut compound = Vec::new();
    let block = ReportBlock {
        ssrc: media,
        fraction_lost: 1,
        cumulative_lost: 7,
        highest_sequence: 0,
        jitter: 90,
        last_sender_report: (sent.ntp >> 16) as u32,
        delay_since_last_sender_report: 0,
    };
    let report = ReceiverReport {
        ssrc: Ssrc(1),
        reports: vec![block],
    };
    write_receiver_report(&mut compound, &report);
    let sender = Ssrc(1);
    write_pli(&mut compound, Pli { sender, media });
    let mut bytes = vec![b'$', 1, 0, compound.len() as u8];
    bytes.extend(compound);
    client.send(&bytes);
    assert_eq!(client.status("OPTIONS", "*", &[]), 200);
    let counters = &server.engine.sessions()[0].counters;
    let count = (
        counters.lost.load(Ordering::Relaxed),
        counters.jitter_ns.load(Ordering::Relaxed),
    );
    assert_eq!(count, (7, 90 * SECOND / 90_000));
    assert!(counters.round_trip_ns.load(Ordering::Relaxed) > 0);
    assert!(feed.stream.key_frame_wanted());
}

#[test]
fn a_full_intra_request_is_a_wish_for_a_key_frame_as_well() {
    let server = Server::open();
    let feed = Feed::started(&server.engine, "cam");
    let mut client = Client::playing(&server, "cam", 1);
    let mut compound = Vec::new();
    let report = ReceiverReport {
        ssrc: Ssrc(1),
        reports: Vec::new(),
    };
    write_receiver_report(&mut compound, &report);
    let request = Fir {
        sender: Ssrc(1),
        entries: vec![FirEntry {
            media: feed.stream.ssrc(0).unwrap(),
            number: 1,
        }],
    };
    write_fir(&mut compound, &request);
    let mut bytes = vec![b'$', 1, 0, compound.len() as u8];
    bytes.extend(compound);
    // Nobody wishes for one any more once it was asked about.
    feed.stream.key_frame_wanted();
    client.send(&bytes);
    feed.wait_key_frame_wanted();
}

#[test]
fn sources_numbers_and_timestamps_start_anywhere() {
    let server = Server::open();
    let feeds = [0, 1, 2].map(|number| Feed::started(&server.engine, &format!("cam{number}")));
    let starts: Vec<_> = (0..3)
        .flat_map(|number| {
            let mut client = Client::playing(&server, &format!("cam{number}"), 2);
            [0, 2].map(|channel| {
                RtpPacket::parse(&client.frame_on(2 - channel))
                    .unwrap()
                    .header
            })
        })
        .collect();
    let different = |all: Vec<u32>| HashSet::<u32>::from_iter(all).len();
    assert_eq!(
        different(starts.iter().map(|it| it.ssrc.0).collect()),
        2 * feeds.len()
    );
    assert_eq!(
        different(starts.iter().map(|it| it.timestamp).collect()),
        2 * feeds.len()
    );
    // Of six numbers of sixteen bits two may happen to be the same.
    assert!(different(starts.iter().map(|it| it.sequence.0.into()).collect()) >= 4);
}

#[test]
fn writers_on_several_threads_keep_the_order_of_each_track() {
    let server = Server::open();
    let feed = Feed::started(&server.engine, "cam");
    let mut client = Client::playing(&server, "cam", 2);
    let stream = &feed.stream;
    std::thread::scope(|scope| {
        for thread in 0..4usize {
            let rate = [90_000, 48_000][thread % 2];
            scope.spawn(move || {
                for _ in 0..100 {
                    let written = Written {
                        data: &[0, 0, 0, 1, 0x41, 7, 7, 7],
                        pts: (now_ns() / 1000 * rate / 1_000_000) as i64,
                        random_access: Some(false),
                        stages: Stages::default(),
                    };
                    stream.write(thread % 2, written).unwrap();
                }
            });
        }
    });
    let mut last = [None::<SequenceNumber>, None];
    let mut left = 2 + 400;
    while left > 0 {
        let (channel, data) = client.frame().unwrap();
        if channel % 2 == 1 {
            continue;
        }
        let sequence = RtpPacket::parse(&data).unwrap().header.sequence;
        let last = &mut last[usize::from(channel / 2)];
        assert!(last.is_none_or(|last| last.next() == sequence));
        *last = Some(sequence);
        left -= if channel == 0 && left > 400 { 3 } else { 1 };
    }
}

#[test]
fn engines_in_one_process_know_nothing_of_each_other() {
    let (one, other) = (Server::open(), Server::open());
    let _feed = Feed::started(&one.engine, "cam");
    let mut client = Client::playing(&one, "cam", 2);
    assert_eq!(
        Client::connect(other.address).status("DESCRIBE", &other.url("cam"), &[]),
        404
    );
    assert!(other.engine.sessions().is_empty() && one.engine.sessions().len() == 1);
    other.engine.close(std::time::Duration::ZERO);
    assert_eq!(client.status("OPTIONS", "*", &[]), 200);
}
