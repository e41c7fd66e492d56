//! The shapes in which clients send the URL of a stream and of its tracks, from DESCRIBE to TEARDOWN.

use crate::support::{Client, Feed, Server, rtp_info};
use relaycore_engine::decision::Answer;
use relaycore_proto::limits::Limits;

/// What a client is told to open, and what it makes of it for a track, where `HOST` stands for the server.
struct Shape {
    stream: &'static str,
    track: &'static str,
    /// Path and query that whoever decides is asked about.
    asked: (&'static str, Option<&'static str>),
}

const SHAPES: [Shape; 12] = [
    Shape {
        stream: "rtsp://HOST/cam",
        track: "rtsp://HOST/cam/trackID=0",
        asked: ("cam", None),
    },
    Shape {
        stream: "rtsp://HOST/cam/",
        track: "rtsp://HOST/cam/trackID=0",
        asked: ("cam", None),
    },
    Shape {
        stream: "rtsp://HOST/cam",
        track: "rtsp://HOST/cam/trackID=0/",
        asked: ("cam", None),
    },
    Shape {
        stream: "rtsp://HOST/cam",
        track: "rtsp://HOST/cam//trackID=0",
        asked: ("cam", None),
    },
    Shape {
        stream: "rtsp://HOST/cam?token=x&y=1",
        track: "rtsp://HOST/cam?token=x&y=1/trackID=0",
        asked: ("cam", Some("token=x&y=1")),
    },
    Shape {
        stream: "rtsp://HOST/cam?token=x",
        track: "rtsp://HOST/cam/trackID=0?token=x",
        asked: ("cam", Some("token=x")),
    },
    Shape {
        stream: "rtsp://HOST/cam/?token=x",
        track: "rtsp://HOST/cam/?token=x/trackID=0",
        asked: ("cam", Some("token=x")),
    },
    Shape {
        stream: "rtsp://user:secret@HOST/cam",
        track: "rtsp://HOST/cam/trackID=0",
        asked: ("cam", None),
    },
    Shape {
        stream: "rtsp://HOST/site/door-1",
        track: "rtsp://HOST/site/door-1/trackID=0",
        asked: ("site/door-1", None),
    },
    Shape {
        stream: "rtsp://HOST/site%2Fdoor%2D1",
        track: "rtsp://HOST/site%2Fdoor%2D1/trackID=0",
        asked: ("site/door-1", None),
    },
    Shape {
        stream: "/cam",
        track: "/cam/trackID=0",
        asked: ("cam", None),
    },
    Shape {
        stream: "RTSP://HOST/cam#part",
        track: "rtsp://HOST/cam/streamid=0",
        asked: ("cam", None),
    },
];

#[test]
fn every_shape_leads_to_the_stream_and_its_tracks() {
    let server = Server::deciding(Limits::default(), |_| {
        Some(Answer::Allow {
            user: None,
            ticket: 0,
        })
    });
    let _feed = Feed::started(&server.engine, "cam");
    let _door = Feed::started(&server.engine, "site/door-1");
    let host = server.address.to_string();
    for shape in SHAPES {
        let (stream, track) = (
            shape.stream.replace("HOST", &host),
            shape.track.replace("HOST", &host),
        );
        let mut client = Client::connect(server.address);
        let description = client.request("DESCRIBE", &stream, &[]);
        assert_eq!(description.status.0, 200, "{stream}");
        let question = server.asked();
        assert_eq!(
            (question.path.as_str(), question.query.as_deref()),
            shape.asked,
            "{stream}"
        );
        let base = description.headers.get("Content-Base").unwrap().to_owned();
        assert!(base.ends_with('/') && base.contains("://"), "{base}");
        assert!(!base.contains("secret"), "{base}");

        let tcp = [("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")];
        assert_eq!(client.status("SETUP", &track, &tcp), 200, "{track}");
        let control = format!("{base}trackID=1");
        let tcp = [("Transport", "RTP/AVP/TCP;unicast;interleaved=2-3")];
        assert_eq!(client.status("SETUP", &control, &tcp), 200, "{control}");
        let play = client.request("PLAY", &stream, &[]);
        assert_eq!(play.status.0, 200, "{stream}");
        for entry in rtp_info(&play) {
            assert!(entry.url.starts_with("rtsp://") || entry.url.starts_with("RTSP://"));
            assert!(entry.url.contains("trackID="), "{}", entry.url);
        }
        client.frame_on(0);
        for url in [&base, &stream] {
            assert_eq!(client.status("PAUSE", url, &[]), 200, "{url}");
            assert_eq!(client.status("PLAY", url, &[]), 200, "{url}");
        }
        assert_eq!(client.status("TEARDOWN", &base, &[]), 200, "{base}");
    }
}

#[test]
fn the_longest_url_of_onvif_is_short_here() {
    let server = Server::open();
    let path = "p".repeat(128);
    let _feed = Feed::started(&server.engine, &path);
    Client::playing(&server, &path, 2);
}

#[test]
fn where_the_url_has_a_query_each_track_has_its_whole_url() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let host = server.address;
    for (stream, base) in [
        (format!("rtsp://u:secret@{host}/cam?share=x&y=1"), "cam/"),
        (format!("rtsp://{host}/cam/?share=x&y=1"), "cam/"),
    ] {
        let mut client = Client::connect(host);
        let description = client.request("DESCRIBE", &stream, &[]);
        let body = String::from_utf8(description.body).unwrap();
        let track = format!("rtsp://{host}/{base}trackID=0?share=x&y=1");
        assert!(body.contains(&format!("a=control:{track}\r\n")), "{body}");
        let tcp = [("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")];
        assert_eq!(client.status("SETUP", &track, &tcp), 200, "{track}");
        let play = client.request("PLAY", &stream, &[]);
        let named = rtp_info(&play).into_iter().map(|entry| entry.url);
        assert_eq!(named.collect::<Vec<_>>(), [track]);
    }
    let mut client = Client::connect(host);
    let description = client.request("DESCRIBE", &format!("rtsp://{host}/cam"), &[]);
    let body = String::from_utf8(description.body).unwrap();
    assert!(body.contains("a=control:trackID=0\r\n"), "{body}");
}
