//! Session descriptions, compared with the crate `sdp-types`.

use relaycore_proto::sdp::{self, SessionDescription};
use relaycore_proto::track::Track;

/// Asserts that the two parsers see the same sections and attributes in `text`.
fn compare(text: &str) {
    let ours = sdp::parse(text).expect("relaycore reads it");
    let theirs = sdp_types::Session::parse(text.as_bytes()).expect("the oracle reads it");
    assert_eq!(ours.name, theirs.session_name);
    let connection = theirs
        .connection
        .as_ref()
        .map(|connection| &connection.connection_address);
    assert_eq!(ours.connection.as_ref(), connection);
    assert_eq!(
        ours.control.as_deref(),
        theirs.get_first_attribute_value("control").unwrap()
    );
    assert_eq!(ours.media.len(), theirs.medias.len());
    for (ours, theirs) in ours.media.iter().zip(&theirs.medias) {
        assert_eq!(
            (&ours.kind, ours.port, &ours.protocol),
            (&theirs.media, theirs.port, &theirs.proto)
        );
        assert_eq!(
            ours.control.as_deref(),
            theirs.get_first_attribute_value("control").unwrap()
        );
        let payload_types: Vec<_> = ours
            .formats
            .iter()
            .map(|format| format.payload_type.0.to_string())
            .collect();
        assert_eq!(payload_types.join(" "), theirs.fmt);
        for format in &ours.formats {
            let number = format.payload_type.0.to_string();
            let map = theirs
                .get_attribute_values("rtpmap")
                .flatten()
                .find_map(|value| value.strip_prefix(&number)?.strip_prefix(' '));
            let mut parts = map.expect("the format has a map").split('/');
            assert_eq!(parts.next(), Some(format.encoding.as_str()));
            assert_eq!(parts.next(), Some(format.clock_rate.to_string().as_str()));
            assert_eq!(
                parts.next().map_or(0, |count| count.parse().unwrap()),
                format.channels
            );
        }
    }
}

#[test]
fn what_is_written_is_read_alike() {
    let sets = [
        0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0xda, 0, 0, 0, 1, 0x68, 0xce,
    ];
    let tracks = [
        Track::h264(&sets),
        Track::aac(&[0x11, 0x90]).unwrap(),
        Track::jpeg(),
    ];
    for address in ["0.0.0.0", "::", "239.1.1.1/16", "192.0.2.1"] {
        for count in 0..=tracks.len() {
            let text = sdp::write(&SessionDescription {
                origin_id: u64::MAX,
                version: 1,
                name: "Küche",
                information: "",
                uri: "",
                address,
                port: 0,
                tool: "relaycore",
                tracks: &tracks[..count],
            });
            compare(&text);
        }
    }
}

#[test]
fn what_others_write_is_read_alike() {
    compare(
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=No Name\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\na=control:*\r\n\
         a=tool:libavformat 60.16.100\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
         a=fmtp:96 packetization-mode=1\r\na=control:streamid=0\r\nm=audio 5000 RTP/AVP 97 98\r\n\
         a=rtpmap:97 MPEG4-GENERIC/48000/2\r\na=rtpmap:98 opus/48000/2\r\na=control:streamid=1\r\n",
    );
}
