//! Servers that are pulled from: whatever they send, the client comes to an end or goes on, and says nothing it should
//! not.

use relaycore_proto::client::{Client, Event, Lane, ServerUrl, Settings, TransportChoice};
use relaycore_proto::limits::Limits;
use relaycore_proto::rtsp::{Element, Parser};

/// A password that no server may see in the clear.
const PASSWORD: &str = "open-sesame";

/// Byte of the input at which the time passes to the next deadline, or the connection is lost if it comes twice.
const TIME_PASSES: u8 = 0x1e;

/// Most bytes that a client may have waiting for its server.
const OUTPUT_BYTES: usize = 128 * 1024;

/// Lets a client pull from a server that sends the input, in pieces as long as the second byte says.
pub fn rtsp_client(data: &[u8]) {
    let [transport, piece, bytes @ ..] = data else {
        return;
    };
    let transport = match transport % 3 {
        0 => TransportChoice::Auto,
        1 => TransportChoice::Tcp,
        _ => TransportChoice::Udp,
    };
    let settings = Settings {
        transport,
        user_agent: "fuzz".into(),
        via: "fuzz".into(),
        limits: Limits::default(),
        seed: 1,
    };
    let url = format!("rtsp://ali:{PASSWORD}@cave/door?a=b");
    let url = ServerUrl::parse(&url).expect("the URL is one");
    let mut now = 1;
    let mut client = Client::new(url, settings, now);
    let mut has_ended = answer_events(&mut client, now);
    for (index, part) in bytes.split(|&byte| byte == TIME_PASSES).enumerate() {
        if index > 0 && part.is_empty() {
            client.disconnected(now);
        } else if index > 0 {
            if let Some(deadline) = client.next_deadline() {
                now = now.max(deadline);
            }
            client.handle_deadline(now);
        }
        has_ended |= answer_events(&mut client, now);
        for piece in part.chunks(usize::from(*piece).max(1)) {
            let mut has_report = false;
            client.receive(now, piece, |track, lane, packet| {
                assert!(track < Limits::default().tracks && packet.len() <= 65_535);
                has_report |= lane == Lane::Rtcp;
            });
            if has_report {
                client.received_goodbye(now);
            }
            has_ended |= answer_events(&mut client, now);
        }
    }
    client.stop(now);
    while let Some(deadline) = client.next_deadline() {
        assert!(!has_ended, "nothing follows the end");
        client.handle_deadline(deadline);
        has_ended |= answer_events(&mut client, deadline);
    }
    has_ended |= answer_events(&mut client, now);
    assert!(has_ended, "every pull has an end");
}

/// Does what the client asks for, and reads what it wrote; whether it has ended.
fn answer_events(client: &mut Client, now: u64) -> bool {
    let mut has_ended = false;
    while let Some(event) = client.next_event() {
        assert!(!has_ended, "nothing follows the end");
        match event {
            Event::Connect => client.connected(now),
            Event::Bind { tracks } => {
                client.bound((0..tracks as u16).map(|n| 5000 + 2 * n).collect(), now)
            }
            Event::Ready(tracks) => assert!(!tracks.is_empty()),
            Event::Playing(_) => {}
            Event::Ended(_) => has_ended = true,
        }
    }
    let output = client.output();
    assert!(output.len() < OUTPUT_BYTES);
    let text = String::from_utf8_lossy(output);
    assert!(!text.contains(PASSWORD));
    let mut parser = Parser::new(Limits {
        rtsp_line_bytes: 65_536,
        ..Limits::default()
    });
    parser.push(output);
    while let Some(element) = parser.next().expect("what is written can be read") {
        if let Element::Request(request) = element {
            assert!(request.cseq().is_some() && request.uri.contains("://"));
        }
    }
    let written = output.len();
    client.written(written);
    has_ended
}
