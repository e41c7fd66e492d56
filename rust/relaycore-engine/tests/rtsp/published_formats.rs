//! What readers are told of the formats of a published stream, and what of it has to reach them.

use crate::publish::{changed, picture, reader_of};
use crate::support::publisher::{DESCRIPTION, PPS, Publisher, SPS};
use crate::support::{Client, Server};
use relaycore_engine::paths::StreamChange;
use relaycore_proto::rtp::RtpPacket;

/// What DESCRIBE says of a path.
fn description_of(server: &Server, path: &str) -> String {
    let mut reader = Client::connect(server.address);
    let response = reader.request("DESCRIBE", &server.url(path), &[]);
    assert_eq!(response.status.0, 200);
    String::from_utf8(response.body).unwrap()
}

#[test]
fn the_description_is_that_of_the_publisher() {
    let server = Server::open();
    let _publisher = Publisher::recording(&server, "live");
    let text = description_of(&server, "live");
    for part in [
        "a=rtpmap:96 H264/90000",
        "sprop-parameter-sets=Z0LAH9oBQBbp,aM48gA==",
        "profile-level-id=42C01F",
        "m=audio 0 RTP/AVP 8",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

#[test]
fn what_has_no_codec_here_passes_untouched() {
    let server = Server::open();
    // Key-length-value (RFC 6597), metadata of cameras (ONVIF Streaming Specification), and what nobody knows.
    for (number, (encoding, format)) in [
        ("smpte336m/90000", None),
        ("vnd.onvif.metadata/90000", None),
        ("vnd.onvif.metadata.gzip/90000", None),
        ("x-new.thing/1000", Some("strange=Value;other")),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("live{number}");
        let mut section = format!("m=application 0 RTP/AVP 96\r\na=rtpmap:96 {encoding}\r\n");
        if let Some(format) = format {
            section += &format!("a=fmtp:96 {format}\r\n");
        }
        let mut publisher = Publisher::connect(&server, &path);
        let description = format!("v=0\r\ns=-\r\n{section}a=control:streamid=0\r\n");
        assert_eq!(publisher.announce(&description).status.0, 200, "{encoding}");
        publisher.setup(0);
        publisher.record();
        publisher.send(0, b"anything", false);
        while changed(&server) != StreamChange::Added {}
        let text = description_of(&server, &path);
        assert!(text.contains(&section), "{text}");
        let mut reader = Client::playing(&server, &path, 1);
        publisher.send(0, b"more", false);
        for expected in [&b"anything"[..], b"more"] {
            let packet = reader.frame_on(0);
            assert_eq!(RtpPacket::parse(&packet).unwrap().payload, expected);
        }
    }
}

#[test]
fn a_key_frame_without_parameter_sets_gets_those_of_the_description() {
    let server = Server::open();
    let mut publisher = Publisher::recording(&server, "live");
    publisher.send(0, b"\x65\x88bare", true);
    publisher.advance(0, 3000);
    publisher.picture("second");
    assert_eq!(changed(&server), StreamChange::Added);
    let mut reader = Client::playing(&server, "live", 1);
    let packets = [0, 1, 2].map(|_| reader.frame_on(0));
    let packets = packets
        .each_ref()
        .map(|packet| RtpPacket::parse(packet).unwrap());
    assert_eq!(packets[0].payload[0] & 0x1f, 24, "both sets in one packet");
    assert_eq!(&packets[0].payload[3..3 + SPS.len()], SPS);
    assert_eq!(packets[1].payload, b"\x65\x88bare");
    assert_eq!(packets[0].header.timestamp, packets[1].header.timestamp);
    let numbers = packets.map(|packet| packet.header.sequence);
    assert_eq!(
        [numbers[0].next(), numbers[1].next()],
        [numbers[1], numbers[2]]
    );
}

#[test]
fn new_parameter_sets_are_told_to_later_readers() {
    let server = Server::open();
    let mut publisher = Publisher::recording(&server, "live");
    let _reader = reader_of(&server, &mut publisher);
    let mut sps = SPS.to_vec();
    sps[1] = 0x4d;
    publisher.send(0, &sps, false);
    publisher.send(0, PPS, false);
    publisher.send(0, b"\x65\x88other", true);
    let stream = server.engine.stream("live").unwrap();
    let mut reader = Client::connect(server.address);
    while stream.tracks()[0].parameters[5] != 0x4d {
        std::thread::yield_now();
    }
    let response = reader.request("DESCRIBE", &server.url("live"), &[]);
    let text = String::from_utf8(response.body.to_vec()).unwrap();
    assert!(
        text.to_uppercase().contains("PROFILE-LEVEL-ID=4DC01F"),
        "{text}"
    );
}

#[test]
fn parameter_sets_that_the_description_lacks_are_taken_from_the_packets() {
    let server = Server::open();
    let mut publisher = Publisher::connect(&server, "live");
    let (before, after) = DESCRIPTION.split_once(";sprop-parameter-sets").unwrap();
    let rest = after.split_once("\r\n").unwrap().1;
    let bare = format!("{before}\r\n{rest}");
    assert_eq!(publisher.announce(&bare).status.0, 200);
    publisher.setup(0);
    publisher.setup(1);
    assert_eq!(publisher.record().status.0, 200);
    let mut reader = reader_of(&server, &mut publisher);
    publisher.picture("second");
    picture(&mut reader);
    let text = description_of(&server, "live");
    assert!(
        text.contains("sprop-parameter-sets=Z0LAH9oBQBbp,aM48gA=="),
        "{text}"
    );
    assert!(
        text.to_uppercase().contains("PROFILE-LEVEL-ID=42C01F"),
        "{text}"
    );
}
