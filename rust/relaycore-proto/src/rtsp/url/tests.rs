use alloc::string::ToString;

use super::*;

fn url(host: &str, port: Option<u16>, path: &str, query: &str, track: Option<usize>) -> Url {
    let optional = |text: &str| (!text.is_empty()).then(|| text.to_string());
    Url {
        host: optional(host),
        port,
        path: path.to_string(),
        query: optional(query),
        track,
    }
}

/// The shapes in which clients send the URL of a stream and of its tracks.
#[test]
fn shapes_of_urls() {
    let table = [
        ("rtsp://h/cam", url("h", None, "cam", "", None)),
        ("rtsp://h:8554/cam", url("h", Some(8554), "cam", "", None)),
        ("RTSPS://h:322/cam/", url("h", Some(322), "cam", "", None)),
        ("rtsp://h:/cam", url("h", None, "cam", "", None)),
        (
            "rtsp://user:p%40ss@h:554/cam",
            url("h", Some(554), "cam", "", None),
        ),
        ("rtsp://user:p@ss@h/cam", url("h", None, "cam", "", None)),
        (
            "rtsp://[::1]:8554/cam",
            url("::1", Some(8554), "cam", "", None),
        ),
        (
            "rtsp://[fe80::1%25eth0]/cam",
            url("fe80::1%25eth0", None, "cam", "", None),
        ),
        ("rtsp://h", url("h", None, "", "", None)),
        ("rtsp://h/", url("h", None, "", "", None)),
        ("rtsp://h?token=x", url("h", None, "", "token=x", None)),
        ("*", url("", None, "", "", None)),
        ("/", url("", None, "", "", None)),
        ("", url("", None, "", "", None)),
        ("/cam", url("", None, "cam", "", None)),
        ("cam/trackID=1", url("", None, "cam", "", Some(1))),
        ("rtsp://h/cam/trackID=1", url("h", None, "cam", "", Some(1))),
        (
            "rtsp://h/cam//trackID=1/",
            url("h", None, "cam", "", Some(1)),
        ),
        (
            "rtsp://h/cam/streamid=0",
            url("h", None, "cam", "", Some(0)),
        ),
        ("rtsp://h/cam/stream=2", url("h", None, "cam", "", Some(2))),
        (
            "rtsp://h/cam?token=x",
            url("h", None, "cam", "token=x", None),
        ),
        (
            "rtsp://h/cam?token=x/",
            url("h", None, "cam", "token=x", None),
        ),
        (
            "rtsp://h/cam?token=x/trackID=1",
            url("h", None, "cam", "token=x", Some(1)),
        ),
        (
            "rtsp://h/cam?token=x//trackid=1",
            url("h", None, "cam", "token=x", Some(1)),
        ),
        (
            "rtsp://h/cam/trackID=1?token=x",
            url("h", None, "cam", "token=x", Some(1)),
        ),
        (
            "rtsp://h/cam/?token=x",
            url("h", None, "cam", "token=x", None),
        ),
        (
            "rtsp://h/cam?track=3",
            url("h", None, "cam", "track=3", None),
        ),
        ("rtsp://h/cam?", url("h", None, "cam", "", None)),
        (
            "rtsp://h/cam?a=1&b=/2/3",
            url("h", None, "cam", "a=1&b=/2/3", None),
        ),
        (
            "rtsp://h/cam?u=rtsp://x/y",
            url("h", None, "cam", "u=rtsp://x/y", None),
        ),
        ("rtsp://h/cam#frag", url("h", None, "cam", "", None)),
        (
            "rtsp://h/cam/realmonitor?channel=1&subtype=0",
            url("h", None, "cam/realmonitor", "channel=1&subtype=0", None),
        ),
        (
            "rtsp://h/Streaming/Channels/101",
            url("h", None, "Streaming/Channels/101", "", None),
        ),
        (
            "rtsp://h/k%C3%BCche%201",
            url("h", None, "küche 1", "", None),
        ),
        ("rtsp://h/a b", url("h", None, "a b", "", None)),
        ("rtsp://h/100%", url("h", None, "100%", "", None)),
        ("rtsp://h/%zz%4", url("h", None, "%zz%4", "", None)),
        ("rtsp://h/a%2Fb", url("h", None, "a/b", "", None)),
        (
            "rtsp://h/cam/trackID=x",
            url("h", None, "cam/trackID=x", "", None),
        ),
        (
            "rtsp://h/cam/trackID=",
            url("h", None, "cam/trackID=", "", None),
        ),
        (
            "rtsp://h/cam/trackID=99999999999999999999",
            url("h", None, "cam/trackID=99999999999999999999", "", None),
        ),
        ("rtsp://h/track1", url("h", None, "track1", "", None)),
    ];
    for (uri, expected) in table {
        assert_eq!(Url::parse(uri), Ok(expected), "{uri}");
    }
}

#[test]
fn refused_urls() {
    let table = [
        ("rtsp:///cam", UrlError::Authority),
        ("rtsp://:8554/cam", UrlError::Authority),
        ("rtsp://h:port/cam", UrlError::Authority),
        ("rtsp://h:65536/cam", UrlError::Authority),
        ("rtsp://h:+1/cam", UrlError::Authority),
        ("rtsp://[::1/cam", UrlError::Authority),
        ("rtsp://[::1]x/cam", UrlError::Authority),
        ("rtsp://a b/cam", UrlError::Authority),
        ("rtsp://h/a%00b", UrlError::ControlCharacter),
        ("rtsp://h/a%0d%0ab", UrlError::ControlCharacter),
        ("rtsp://h/../etc", UrlError::DotSegment),
        ("rtsp://h/a/%2e%2e/b", UrlError::DotSegment),
        ("rtsp://h/a%5c..%5cb", UrlError::DotSegment),
        ("/./cam", UrlError::DotSegment),
    ];
    for (uri, expected) in table {
        assert_eq!(Url::parse(uri), Err(expected), "{uri}");
    }
}

#[test]
fn content_base_ends_in_a_slash_and_names_no_user() {
    let table = [
        ("rtsp://h/cam", "rtsp://h/cam/"),
        ("rtsp://h/cam/", "rtsp://h/cam/"),
        ("rtsp://u:p@h:8554/cam", "rtsp://h:8554/cam/"),
        ("rtsp://h/cam?token=a@b", "rtsp://h/cam?token=a@b/"),
        ("rtsp://h#x", "rtsp://h/"),
        ("/cam", "/cam/"),
    ];
    for (uri, expected) in table {
        assert_eq!(content_base(uri), expected, "{uri}");
    }
}

/// What a client makes of `Content-Base` and a relative control attribute names the path and the track again.
#[test]
fn base_and_control_read_back() {
    for uri in [
        "rtsp://h/cam",
        "rtsp://h:8554/a/b/",
        "rtsp://h/cam?token=x&y=/z",
        "rtsp://[::1]/c",
    ] {
        let stream = Url::parse(uri).unwrap();
        let base = content_base(uri);
        assert_eq!(Url::parse(&base), Ok(stream.clone()), "{uri}");
        let track = Url::parse(&alloc::format!("{base}trackID=7"));
        assert_eq!(
            track,
            Ok(Url {
                track: Some(7),
                ..stream
            }),
            "{uri}"
        );
    }
}
