use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::rtp::PayloadType;
use crate::track::{Codec, Kind, Track};

/// Parameter sets of a constrained baseline stream, as Annex B.
const PARAMETER_SETS: &[u8] = &[
    0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe9, 0, 0, 0, 1, 0x68, 0xce, 0x3c,
    0x80,
];

/// AAC-LC, 48000 Hz, stereo.
const CONFIG: &[u8] = &[0x11, 0x90];

fn tracks() -> Vec<Track> {
    vec![
        Track::h264(PARAMETER_SETS),
        Track::aac(CONFIG).unwrap(),
        Track::jpeg(),
    ]
}

fn describe(name: &str, address: &str, tracks: &[Track]) -> String {
    write(&SessionDescription {
        origin_id: 7,
        version: 2,
        name,
        information: "",
        uri: "",
        address,
        port: 0,
        tool: "relaycore",
        tracks,
    })
}

#[test]
fn a_description_of_three_tracks() {
    let expected = "v=0\r\n\
        o=- 7 2 IN IP4 0.0.0.0\r\n\
        s=cam\r\n\
        c=IN IP4 0.0.0.0\r\n\
        t=0 0\r\n\
        a=tool:relaycore\r\n\
        a=control:*\r\n\
        a=range:npt=now-\r\n\
        m=video 0 RTP/AVP 96\r\n\
        a=rtpmap:96 H264/90000\r\n\
        a=fmtp:96 packetization-mode=1;profile-level-id=42C01F;sprop-parameter-sets=Z0LAH9oBQBbp,aM48gA==\r\n\
        a=control:trackID=0\r\n\
        m=audio 0 RTP/AVP 97\r\n\
        a=rtpmap:97 mpeg4-generic/48000/2\r\n\
        a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;\
        indexdeltalength=3;config=1190\r\n\
        a=control:trackID=1\r\n\
        m=video 0 RTP/AVP 26\r\n\
        a=rtpmap:26 JPEG/90000\r\n\
        a=control:trackID=2\r\n";
    assert_eq!(describe("cam", "0.0.0.0", &tracks()), expected);
}

#[test]
fn what_is_written_reads_back() {
    let mut tracks = tracks();
    tracks.push(Track::h264(&[]));
    let sdp = parse(&describe("Küche", "239.1.1.1/16", &tracks)).unwrap();
    assert_eq!(sdp.name, "Küche");
    assert_eq!(sdp.connection.as_deref(), Some("239.1.1.1/16"));
    assert_eq!(sdp.control.as_deref(), Some("*"));
    let read: Result<Vec<_>, _> = sdp.media.iter().map(bare).collect();
    assert_eq!(read, Ok(tracks));
}

#[test]
fn what_it_is_for_and_where_more_is_written_stand_behind_the_name() {
    let mut session = SessionDescription {
        origin_id: 7,
        version: 2,
        name: "cam",
        information: "safety\r\nm=video",
        uri: "http://h:1/cam/notice",
        address: "::",
        port: 0,
        tool: "",
        tracks: &[],
    };
    let lines = "s=cam\r\ni=safety  m=video\r\nu=http://h:1/cam/notice\r\nc=IN IP6 ::\r\n";
    assert!(write(&session).contains(lines));
    assert_eq!(parse(&write(&session)).unwrap().name, "cam");
    (session.information, session.uri) = (" ", "");
    assert!(write(&session).contains("s=cam\r\nc=IN IP6 ::\r\n"));
}

#[test]
fn no_text_can_add_lines() {
    let text = describe("a\r\nm=video 0 RTP/AVP 96\r\n", "::\r\nx=", &[]);
    assert!(text.contains("s=a  m=video 0 RTP/AVP 96  \r\n"));
    assert!(text.contains("c=IN IP6 ::  x=\r\n"));
    assert_eq!(parse(&text).unwrap().media, []);
    assert!(describe(" ", "::1", &[]).contains("\r\ns=-\r\nc=IN IP6 ::1\r\n"));
}

/// What ffmpeg announces as a publisher.
const FFMPEG: &str = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=No Name\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    a=tool:libavformat 60.16.100\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
    a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LAH9oBQBbp,aM48gA==; profile-level-id=42C01F\r\n\
    a=control:streamid=0\r\nm=audio 0 RTP/AVP 97\r\nb=AS:128\r\na=rtpmap:97 MPEG4-GENERIC/48000/2\r\n\
    a=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3; config=1190\r\n\
    a=control:streamid=1\r\n";

#[test]
fn reads_what_ffmpeg_announces() {
    for text in [
        FFMPEG.to_string(),
        FFMPEG.replace("\r\n", "\n"),
        FFMPEG.replace("\r\n", "\r"),
    ] {
        let sdp = parse(&text).unwrap();
        assert_eq!(bare(&sdp.media[0]), Ok(Track::h264(PARAMETER_SETS)));
        assert_eq!(bare(&sdp.media[1]), Ok(Track::aac(CONFIG).unwrap()));
        assert_eq!(sdp.media_index("rtsp://h/cam/streamid=1"), Some(1));
    }
}

/// An ONVIF camera: absolute control attributes, metadata and the back channel beside the video.
#[test]
fn reads_what_a_camera_describes() {
    let text = "v=0\no=- 1 1 IN IP4 192.0.2.7\ns=Media Presentation\nb=AS:5050\nt=0 0\n\
        a=control:rtsp://192.0.2.7/Streaming/Channels/101/?x=1\na=sendonly\n\
        m=video 0 RTP/AVP 96 26\na=recvonly\na=control:rtsp://192.0.2.7/Streaming/Channels/101/trackID=1\n\
        a=rtpmap:96 H265/90000\na=fmtp:96 sprop-sps=QgEB\n\
        m=application 0 RTP/AVP 107\na=control:rtsp://192.0.2.7/Streaming/Channels/101/trackID=3\n\
        a=rtpmap:107 vnd.onvif.metadata/90000\na=inactive\n\
        m=audio 49170/2 RTP/AVP 0 300 x\nc=IN IP4 239.0.0.1/5\na=sendonly\n";
    let sdp = parse(text).unwrap();
    let [video, metadata, audio] = &sdp.media[..] else {
        panic!("{sdp:?}");
    };
    assert_eq!(
        sdp.control.as_deref(),
        Some("rtsp://192.0.2.7/Streaming/Channels/101/?x=1")
    );
    assert_eq!(video.direction, Direction::RecvOnly);
    // The first format is the one that is sent; the JPEG behind it would only be a choice.
    let track = video.track().unwrap();
    assert_eq!(
        (track.codec, track.payload_type),
        (Codec::H265, PayloadType(96))
    );
    assert_eq!(track.parameters, [0, 0, 0, 1, 0x42, 1, 1]);
    assert_eq!(metadata.direction, Direction::Inactive);
    let track = metadata.track().unwrap();
    assert_eq!(
        (track.codec, track.kind()),
        (Codec::Other, Kind::Application)
    );
    assert_eq!(track.encoding(), "vnd.onvif.metadata");
    assert_eq!((audio.port, audio.direction), (49_170, Direction::SendOnly));
    assert_eq!(audio.connection.as_deref(), Some("239.0.0.1/5"));
    assert_eq!(audio.formats.len(), 1);
    assert_eq!(audio.formats[0].encoding, "PCMU");
    let uri = "rtsp://192.0.2.7/Streaming/Channels/101/trackID=3";
    assert_eq!(sdp.media_index(uri), Some(1));
}

/// What cameras, encoders and telemetry write, one map and its parameters each.
#[test]
fn reads_the_formats_of_cameras_and_encoders() {
    let table = [
        // Hikvision, H.265 with what it says of the picture.
        (
            "video",
            "H265/90000\na=fmtp:96 profile-space=0;profile-id=1;tier-flag=0;level-id=123;\
             sprop-vps=QAEM;sprop-sps=QgEB;sprop-pps=RAHA\na=Media_header:MEDIAINFO=494D\na=appversion:1.0",
            (Codec::H265, 90_000, 0),
            21,
        ),
        // Axis, with the size of the picture.
        (
            "video",
            "H264/90000\na=fmtp:96 packetization-mode=1;profile-level-id=4d0029;\
             sprop-parameter-sets=Z0LAH9oBQBbp,aM48gA==\na=framesize:96 1920-1080",
            (Codec::H264, 90_000, 0),
            PARAMETER_SETS.len(),
        ),
        // Dahua: no parameter sets, they come in-band; AAC with its parameters in other cases and orders.
        (
            "video",
            "H264/90000\na=fmtp:96 packetization-mode=1;profile-level-id=64002A;sprop-parameter-sets=",
            (Codec::H264, 90_000, 0),
            0,
        ),
        (
            "audio",
            "MPEG4-GENERIC/48000\na=fmtp:96 streamtype=5;profile-level-id=1;mode=AAC-hbr;config=1188;\
             SizeLength=13;IndexLength=3;IndexDeltaLength=3",
            (Codec::Aac, 48_000, 1),
            2,
        ),
        ("audio", "G726-32/8000", (Codec::Other, 8000, 1), 0),
        ("audio", "PCMA/8000/1", (Codec::Pcma, 8000, 1), 0),
        // OBS and others with ffmpeg's newer muxer, and browsers behind a gateway.
        (
            "video",
            "AV1/90000\na=fmtp:96 profile=0;level-idx=5;tier=0",
            (Codec::Av1, 90_000, 0),
            0,
        ),
        (
            "audio",
            "opus/48000/2\na=fmtp:96 minptime=10;useinbandfec=1\na=rtcp-fb:96 transport-cc",
            (Codec::Opus, 48_000, 2),
            0,
        ),
        // LATM with its configuration in the packets.
        (
            "audio",
            "MP4A-LATM/90000\na=fmtp:96 object=2;cpresent=1",
            (Codec::Other, 90_000, 1),
            0,
        ),
        // Drones: metadata beside the picture.
        (
            "application",
            "smpte336m/90000",
            (Codec::Other, 90_000, 0),
            0,
        ),
    ];
    for (media, map, expected, parameters) in table {
        let text = alloc::format!("v=0\nm={media} 0 RTP/AVP 96\na=rtpmap:96 {map}\n");
        let track = parse(&text).unwrap().media[0].track().unwrap();
        let numbers = (track.codec, track.clock_rate, track.channels);
        assert_eq!(numbers, expected, "{map}");
        assert_eq!(track.parameters.len(), parameters, "{map}");
        assert_eq!(track.kind().name(), media);
        let described = describe("x", "0.0.0.0", &[track]);
        assert!(described.contains(&alloc::format!("m={media} 0 RTP/AVP 96\r\n")));
        assert_eq!(
            described.contains("a=framesize:"),
            map.contains("framesize")
        );
        assert!(!described.contains("MEDIAINFO") && !described.contains("rtcp-fb"));
    }
}

#[test]
fn attributes_that_describe_the_media_are_kept_within_bounds() {
    use crate::limits::{SDP_ATTRIBUTE_BYTES, SDP_ATTRIBUTES};

    let mut text = String::from("m=video 0 RTP/AVP 26\na=framerate:25\na=key-mgmt:mikey AAAA\n");
    text.push_str(&alloc::format!(
        "a=x-long:{}\n",
        "a".repeat(SDP_ATTRIBUTE_BYTES)
    ));
    for number in 0..2 * SDP_ATTRIBUTES {
        text.push_str(&alloc::format!("a=X-Number:{number}\n"));
    }
    let media = &parse(&text).unwrap().media[0];
    assert_eq!(media.attributes.len(), SDP_ATTRIBUTES);
    assert_eq!(media.attributes[..2], ["framerate:25", "X-Number:0"]);
}

/// Of tracks that are made here, each codec is written so that it is read as what it was.
#[test]
fn tracks_of_every_codec_read_back() {
    let parameters = |codec| match codec {
        Codec::H264 => PARAMETER_SETS,
        Codec::H265 => &[
            0, 0, 0, 1, 0x40, 1, 0, 0, 0, 1, 0x42, 1, 0, 0, 0, 1, 0x44, 1,
        ],
        Codec::Mpeg4Video => &[0, 0, 1, 0xb0, 0xf5, 0, 0, 1, 0x20, 8],
        Codec::Aac => CONFIG,
        Codec::Latm => &[0x40, 0x00, 0x23, 0x20, 0x3f, 0xc0],
        _ => &[],
    };
    for codec in Codec::ALL {
        let track = Track::new(codec, 48_000, 2, parameters(codec));
        let text = describe("x", "0.0.0.0", core::slice::from_ref(&track));
        assert_eq!(bare(&parse(&text).unwrap().media[0]), Ok(track), "{text}");
    }
    let mpeg4 = Track::new(Codec::Mpeg4Video, 90_000, 0, parameters(Codec::Mpeg4Video));
    assert_eq!(
        fmtp(&mpeg4),
        "profile-level-id=245;config=000001b0f50000012008"
    );
    assert_eq!(fmtp(&Track::new(Codec::Opus, 0, 2, &[])), "sprop-stereo=1");
    assert_eq!(fmtp(&Track::jpeg()), "");
}

#[test]
fn a_setup_names_its_section_in_many_ways() {
    let text = "v=0\nm=video 0 RTP/AVP 26\na=control:1\nm=video 0 RTP/AVP 26\na=control:11\n\
        m=video 0 RTP/AVP 26\na=control:/trackID=2/\nm=video 0 RTP/AVP 26\n";
    let sdp = parse(text).unwrap();
    let table = [
        ("rtsp://h/cam/1", Some(0)),
        ("rtsp://h/cam/11", Some(1)),
        ("rtsp://h/cam/111", None),
        ("rtsp://h/cam?x=y/11/", Some(1)),
        ("rtsp://h/cam/11?x=y", Some(1)),
        ("rtsp://h/cam//trackID=2", Some(2)),
        ("trackID=2", Some(2)),
        ("rtsp://h/cam", None),
        ("", None),
    ];
    for (uri, expected) in table {
        assert_eq!(sdp.media_index(uri), expected, "{uri}");
    }
    let single = parse("v=0\nm=video 0 RTP/AVP 26\n").unwrap();
    assert_eq!(single.media_index("rtsp://h/cam"), Some(0));
}

#[test]
fn formats_that_cannot_be_carried_say_why() {
    let aac = |parameters: &str| {
        format(&alloc::format!(
            "mpeg4-generic/48000\na=fmtp:96 {parameters}"
        ))
    };
    for parameters in ["mode=AAC-hbr", "config=119", "config=zz", "config="] {
        let error = FormatError::Parameter("config");
        assert_eq!(aac(parameters), Err(error), "{parameters}");
    }
    let latm = format("MP4A-LATM/48000\na=fmtp:96 cpresent=0;config=0");
    assert_eq!(latm, Err(FormatError::Parameter("config")));
    let no_map = Err(FormatError::NoMap(PayloadType(96)));
    assert_eq!(format("mystery"), no_map);
    let media = |text| parse(text).unwrap().media[0].track();
    assert_eq!(media("m=video 0 RTP/AVP 96"), no_map);
    assert_eq!(media("m=video 0 RTP/AVP"), Err(FormatError::NoFormat));
    assert_eq!(
        FormatError::NoMap(PayloadType(96)).to_string(),
        "nothing says what payload type 96 is: add a line like a=rtpmap:96 H264/90000"
    );
}

/// What the packets of a known codec cannot be read in, and what is not known at all, is carried as it is.
#[test]
fn formats_that_are_not_read_are_carried() {
    let table = [
        "H264/90000\na=fmtp:96 packetization-mode=2",
        "H265/90000\na=fmtp:96 sprop-max-don-diff=1",
        "mpeg4-generic/48000\na=fmtp:96 config=1190;sizelength=6",
        "mpeg4-generic/48000\na=fmtp:96 config=1190;IndexLength=2",
        "mpeg4-generic/48000\na=fmtp:96 config=1190;mode=AAC-lbr",
        "raw/90000\na=fmtp:96 sampling=YCbCr-4:2:2; width=640",
        "x-telemetry/1000",
    ];
    for map in table {
        let track = format(map).unwrap();
        assert_eq!((track.codec, track.kind()), (Codec::Other, Kind::Video));
        let described = describe("x", "0.0.0.0", &[track]).replace("\r\n", "\n");
        assert!(
            described.contains(&alloc::format!("a=rtpmap:96 {map}\n")),
            "{described}"
        );
    }
}

#[test]
fn formats_keep_the_numbers_that_the_description_gives() {
    let track =
        format("h264/90000\na=fmtp:96 sprop-parameter-sets=Z0LAH9oBQBbp,&&,aM48gA").unwrap();
    assert_eq!(track.parameters, PARAMETER_SETS);
    let track = format("MPEG4-GENERIC/24000/2\na=fmtp:96 config=1190").unwrap();
    assert_eq!(
        (track.clock_rate, track.payload_type),
        (24_000, PayloadType(96))
    );
}

/// The track of a section without the text that described it.
fn bare(media: &Media) -> Result<Track, FormatError> {
    let track = media.track()?;
    assert!(track.format.is_some());
    Ok(Track {
        format: None,
        ..track
    })
}

/// The track of a section with payload type 96, whose map is `map`.
fn format(map: &str) -> Result<Track, FormatError> {
    parse(&alloc::format!("m=video 0 RTP/AVP 96\na=rtpmap:96 {map}\n"))
        .unwrap()
        .media[0]
        .track()
}

#[test]
fn what_is_not_understood_is_skipped() {
    let text = "\u{feff}junk\nv=0\n=\n==\nx\nz=1\na=\na=:\na=rtpmap:\nm=video 0 RTP/AVP 96\na=rtpmap\na=rtpmap:96\n\
        a=rtpmap:x H264/1\na=rtpmap:97 H264/90000\na=rtpmap:96 H264\na=fmtp:96 ;;=;a;b=c=d\n";
    let sdp = parse(text).unwrap();
    let format = &sdp.media[0].formats[0];
    assert_eq!((format.encoding.as_str(), format.clock_rate), ("H264", 0));
    assert_eq!(format.parameter("B"), Some("c=d"));
    assert_eq!(format.fmtp.as_deref(), Some(";;=;a;b=c=d"));
    assert_eq!(bare(&sdp.media[0]), Ok(Track::h264(&[])));
}

#[test]
fn what_is_no_description_is_an_error() {
    for text in ["", "hello", "<xml a=\"b\">", "\0\0", "s=only a name"] {
        assert_eq!(parse(text), Err(SdpError::NotSdp), "{text}");
    }
    for media in [
        "",
        "video",
        "video 0",
        "video x RTP/AVP 96",
        "video 70000 RTP/AVP 96",
    ] {
        let text = alloc::format!("v=0\r\ns=-\r\nm={media}\r\n");
        assert_eq!(
            parse(&text),
            Err(SdpError::MediaLine { line: 3 }),
            "{media}"
        );
    }
}

#[test]
fn a_group_has_its_address_and_ports() {
    let text = write(&SessionDescription {
        origin_id: 7,
        version: 2,
        name: "cam",
        information: "",
        uri: "",
        address: "239.255.0.1/16",
        port: 5004,
        tool: "",
        tracks: &tracks(),
    });
    for line in [
        "c=IN IP4 239.255.0.1/16",
        "m=video 5004 RTP/AVP 96",
        "m=audio 5006 RTP/AVP 97",
        "m=video 5008 RTP/AVP 26",
    ] {
        assert!(text.lines().any(|known| known == line), "{line}: {text}");
    }
}
