use alloc::string::ToString;
use alloc::vec;

use super::*;

fn interleaved(rtp: u8, rtcp: u8) -> Transport {
    Transport {
        interleaved: Some((rtp, rtcp)),
        ..Transport::new(Profile::RtpAvpTcp)
    }
}

fn udp(rtp: u16, rtcp: u16) -> Transport {
    Transport {
        client_port: Some((rtp, rtcp)),
        ..Transport::new(Profile::RtpAvpUdp)
    }
}

/// What clients send, by name.
#[test]
fn lists_of_real_clients() {
    let ffmpeg_publisher = Transport {
        mode: Some(Mode::Record),
        ..interleaved(0, 1)
    };
    let table = [
        (
            "ffmpeg over TCP",
            "RTP/AVP/TCP;unicast;interleaved=0-1",
            vec![interleaved(0, 1)],
        ),
        (
            "ffmpeg over UDP",
            "RTP/AVP/UDP;unicast;client_port=17100-17101",
            vec![udp(17100, 17101)],
        ),
        (
            "ffmpeg as publisher",
            "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record",
            vec![ffmpeg_publisher.clone()],
        ),
        (
            "VLC and live555",
            "RTP/AVP;unicast;client_port=51234-51235",
            vec![udp(51234, 51235)],
        ),
        (
            "GStreamer, all at once",
            "RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=2-3",
            vec![udp(5000, 5001), interleaved(2, 3)],
        ),
        (
            "without unicast",
            "RTP/AVP/TCP;interleaved=0-1",
            vec![interleaved(0, 1)],
        ),
        (
            "mode in capitals and quotes",
            "RTP/AVP;unicast;client_port=6000-6001;mode=\"PLAY\"",
            vec![Transport {
                mode: Some(Mode::Play),
                ..udp(6000, 6001)
            }],
        ),
        (
            "without channels",
            "RTP/AVP/TCP;unicast",
            vec![Transport::new(Profile::RtpAvpTcp)],
        ),
        (
            "old QuickTime as publisher",
            "RTP/AVP/TCP;unicast;mode=receive;interleaved=0-1",
            vec![ffmpeg_publisher],
        ),
        (
            "modes in a list",
            "RTP/AVP/TCP;mode=\"FOO,PLAY\";interleaved=4-5, RTP/AVP;client_port=7000",
            vec![
                Transport {
                    mode: Some(Mode::Play),
                    ..interleaved(4, 5)
                },
                udp(7000, 7001),
            ],
        ),
        (
            "multicast",
            "RTP/AVP;multicast;destination=239.1.1.1;port=5004-5005;ttl=16",
            vec![Transport {
                multicast: true,
                destination: Some("239.1.1.1".to_string()),
                port: Some((5004, 5005)),
                ttl: Some(16),
                ..Transport::new(Profile::RtpAvpUdp)
            }],
        ),
        (
            "spaces, empty parts, unknown parameters",
            " rtp/avp/tcp ; unicast ;; Interleaved = 8 ; layers=2 ; append;x , ,",
            vec![interleaved(8, 9)],
        ),
        (
            "the names of lower transports alone",
            "UDP,TCP",
            vec![
                Transport::new(Profile::Other("UDP".to_string())),
                Transport::new(Profile::Other("TCP".to_string())),
            ],
        ),
        (
            "encrypted first",
            "RTP/SAVP/TCP;interleaved=0-1,RTP/AVP/TCP;interleaved=0-1",
            vec![
                Transport {
                    interleaved: Some((0, 1)),
                    ..Transport::new(Profile::RtpSavpTcp)
                },
                interleaved(0, 1),
            ],
        ),
    ];
    for (who, value, expected) in table {
        assert_eq!(parse_list(value), expected, "{who}");
    }
}

#[test]
fn impossible_numbers_drop_their_entry_and_no_other() {
    for bad in [
        "",
        ";unicast",
        "RTP/AVP/TCP;interleaved=256-257",
        "RTP/AVP/TCP;interleaved=255",
        "RTP/AVP/TCP;interleaved=-1",
        "RTP/AVP/TCP;interleaved=0-",
        "RTP/AVP/TCP;interleaved=0-1-2",
        "RTP/AVP/TCP;interleaved",
        "RTP/AVP;client_port=0-1",
        "RTP/AVP;client_port=65535",
        "RTP/AVP;client_port=65536-65537",
        "RTP/AVP;client_port=+5000-5001",
        "RTP/AVP;client_port=a-b",
        "RTP/AVP;port=5000-0",
        "RTP/AVP;multicast;ttl=256",
    ] {
        let value = alloc::format!("{bad},RTP/AVP/TCP;interleaved=0-1");
        assert_eq!(parse_list(&value), [interleaved(0, 1)], "{bad}");
    }
}

#[test]
fn sources_are_hexadecimal_or_ignored() {
    let ssrc = |value: &str| {
        Transport::parse(&alloc::format!("RTP/AVP;ssrc={value}"))
            .and_then(|transport| transport.ssrc)
    };
    assert_eq!(ssrc("0A0B0C0D"), Some(0x0a0b_0c0d));
    assert_eq!(ssrc("0xdeadbeef"), Some(0xdead_beef));
    assert_eq!(ssrc("1"), Some(1));
    for bad in ["", "0x", "xyz", "+1", "123456789", "0x+1"] {
        assert_eq!(ssrc(bad), None, "{bad}");
    }
}

#[test]
fn what_is_written_reads_back() {
    let full = Transport {
        source: Some("192.0.2.1".to_string()),
        destination: Some("192.0.2.2".to_string()),
        server_port: Some((8000, 8001)),
        ssrc: Some(0xabc),
        mode: Some(Mode::Play),
        ..udp(5000, 5001)
    };
    assert_eq!(
        full.to_string(),
        "RTP/AVP;unicast;destination=192.0.2.2;source=192.0.2.1;client_port=5000-5001;\
         server_port=8000-8001;ssrc=00000ABC;mode=\"PLAY\""
    );
    let group = Transport {
        multicast: true,
        port: Some((5004, 5005)),
        ttl: Some(1),
        mode: Some(Mode::Record),
        ..Transport::new(Profile::Other("RAW/RAW/UDP".to_string()))
    };
    for transport in [full, group, interleaved(0, 1)] {
        assert_eq!(Transport::parse(&transport.to_string()), Some(transport));
    }
    for (profile, name) in PROFILES {
        assert_eq!(Profile::parse(name), *profile);
        assert_eq!(Profile::parse(&profile.to_string()), *profile);
        assert_eq!(profile.is_interleaved(), name.ends_with("TCP"));
        assert_eq!(profile.is_encrypted(), name.contains("SAVP"));
    }
}
