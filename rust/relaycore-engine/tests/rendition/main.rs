//! Renditions to viewers on real sockets: what they get, what slow ones lose, and how all of it ends.

use relaycore_engine::decision::Action;
use relaycore_engine::rendition::{Framing, Rendition};
use relaycore_engine::session::Protocol;
use relaycore_engine::stream::JoinPolicy;
use relaycore_engine::{Engine, NewSession, WebSession};
use relaycore_proto::limits::Limits;
use relaycore_proto::track::Track;
use socket2::SockRef;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(20);

const GREETING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";

struct Scene {
    engine: Engine,
    rendition: Rendition,
}

fn scene(framing: Framing, limits: Limits) -> Scene {
    let engine = Engine::new(1, limits, "test".to_owned()).unwrap();
    let track = vec![Track::h264(&[])];
    engine
        .add_stream("cam", track, JoinPolicy::Squeeze, false)
        .unwrap();
    let rendition = engine.add_rendition(framing).unwrap();
    Scene { engine, rendition }
}

impl Scene {
    /// A viewer: its end of the connection, and its session.
    fn viewer(&self) -> (TcpStream, WebSession) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_read_timeout(Some(LIMIT)).unwrap();
        let (server, peer) = listener.accept().unwrap();
        // Little is on the way, so that a slow viewer shows soon.
        SockRef::from(&server).set_send_buffer_size(8192).unwrap();
        let session = self.engine.begin_session(NewSession {
            protocol: Protocol::WebSocket,
            action: Action::Read,
            path: "cam".to_owned(),
            user: None,
            ticket: 0,
            peer,
            user_agent: None,
            is_secure: false,
        });
        let session = session.unwrap();
        self.rendition
            .add_viewer(server, &session, GREETING)
            .unwrap();
        (client, session)
    }
}

fn expect(client: &mut TcpStream, expected: &[u8]) {
    let mut found = vec![0; expected.len()];
    client.read_exact(&mut found).unwrap();
    assert_eq!(found, expected);
}

/// A message as it goes out.
fn message(data: &[u8]) -> Vec<u8> {
    assert!(data.len() < 126);
    [&[0x82, data.len() as u8], data].concat()
}

fn wait(has_come: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !has_come() {
        assert!(Instant::now() < end, "it did not happen in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn viewers_begin_where_they_can_with_the_header_that_belongs_there() {
    let scene = scene(Framing::WebSocket, Limits::default());
    scene.rendition.set_header(b"one");
    scene.rendition.push(b"a", true);
    scene.rendition.push(b"b", false);
    let (mut first, session) = scene.viewer();
    expect(&mut first, GREETING);
    for part in [b"one", &b"a"[..], b"b"] {
        expect(&mut first, &message(part));
    }
    scene.rendition.push(b"c", false);
    expect(&mut first, &message(b"c"));
    scene.rendition.set_header(b"two");
    scene.rendition.push(b"d", true);
    let (mut second, _session) = scene.viewer();
    expect(&mut second, GREETING);
    for client in [&mut first, &mut second] {
        expect(client, &message(b"two"));
        expect(client, &message(b"d"));
    }
    let counters = &session.info().counters;
    wait(|| counters.packets.load(Ordering::Relaxed) == 4);
    assert_eq!(counters.bytes.load(Ordering::Relaxed), 4);
    assert!(counters.first_picture.load(Ordering::Relaxed) > 0);
    assert_eq!(scene.rendition.viewers(), 2);
}

#[test]
fn without_framing_chunks_come_as_they_are() {
    let scene = scene(Framing::Plain, Limits::default());
    let (mut client, _session) = scene.viewer();
    scene.rendition.push(b"not yet", false);
    scene.rendition.push(b"picture", true);
    expect(&mut client, &[GREETING, b"picture"].concat());
}

#[test]
fn a_slow_viewer_skips_whole_groups_and_another_one_misses_nothing() {
    let limits = Limits {
        reader_age_ms: 1500,
        ..Limits::default()
    };
    let scene = scene(Framing::Plain, limits);
    let (mut slow, session) = scene.viewer();
    let (mut good, _session) = scene.viewer();
    let size = 100_000;
    let read = std::thread::spawn(move || {
        expect(&mut good, GREETING);
        let mut numbers = Vec::new();
        let mut chunk = vec![0; size];
        while numbers.last() != Some(&255) {
            good.read_exact(&mut chunk).unwrap();
            numbers.push(chunk[0]);
        }
        numbers
    });
    let begin = Instant::now();
    let counters = &session.info().counters;
    let mut number = 199;
    while counters.discarded.load(Ordering::Relaxed) == 0 {
        assert!(begin.elapsed() < LIMIT, "nothing was skipped");
        number = (number + 1) % 200;
        scene.rendition.push(&vec![number; size], number % 10 == 0);
        std::thread::sleep(Duration::from_millis(10));
        // It reads just enough to be asked again.
        let mut some = [0; 4096];
        let _ = slow.read(&mut some).unwrap();
    }
    // What it gets is whole: the rest of one, then groups from their start.
    scene.rendition.push(&vec![255; size], true);
    let numbers = read.join().unwrap();
    assert!(
        numbers
            .windows(2)
            .all(|pair| pair[1] == 255 || pair[1] == (pair[0] + 1) % 200)
    );
    let mut before = None;
    let mut rest = Vec::new();
    let mut buffer = vec![0; 65_536];
    while rest.len() < size || rest[rest.len() - size] != 255 {
        let length = slow.read(&mut buffer).unwrap();
        rest.extend_from_slice(&buffer[..length]);
    }
    for run in rest.chunk_by(|one, next| one == next).skip(1) {
        assert_eq!(run.len() % size, 0, "a piece of {}", run[0]);
        let follows = before.is_some_and(|before: u8| run[0] == (before + 1) % 200);
        let is_start = run[0] % 10 == 0 || run[0] == 255;
        assert!(
            before.is_none() || follows || is_start,
            "{} behind {before:?}",
            run[0]
        );
        before = Some(run[0]);
    }
}

/// What is left to read, which has to end.
fn rest(client: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    match client.read_to_end(&mut rest) {
        Ok(_) => rest,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => rest,
        Err(error) => panic!("{error}"),
    }
}

const GOING_AWAY: [u8; 4] = [0x88, 2, 3, 0xe9];

#[test]
fn goodbye_is_said_when_a_session_ends_for_whatever_reason() {
    let ends: [fn(&mut Scene, &WebSession); 4] = [
        |scene, session| assert!(scene.engine.kick(&session.info().id)),
        |scene, _| assert!(scene.engine.remove_stream("cam")),
        |scene, _| scene.rendition = scene.engine.add_rendition(Framing::WebSocket).unwrap(),
        |scene, _| scene.engine.close(Duration::ZERO),
    ];
    for end in ends {
        let mut scene = scene(Framing::WebSocket, Limits::default());
        scene.rendition.push(b"a", true);
        let (mut client, session) = scene.viewer();
        expect(&mut client, &[GREETING, &message(b"a")].concat());
        // The scene stays: it is this that ends the session, and nothing that comes with its end.
        end(&mut scene, &session);
        assert_eq!(rest(&mut client), GOING_AWAY);
        assert!(session.has_ended());
    }
}

#[test]
fn clients_are_answered_and_leave_as_they_like() {
    let scene = scene(Framing::WebSocket, Limits::default());
    let mask = [0; 4];
    let (mut polite, session) = scene.viewer();
    expect(&mut polite, GREETING);
    polite
        .write_all(&[&[0x89, 0x82], &mask[..], b"hi"].concat())
        .unwrap();
    expect(&mut polite, b"\x8a\x02hi");
    polite
        .write_all(&[&[0x88, 0x82], &mask[..], &[3, 0xe8]].concat())
        .unwrap();
    assert_eq!(rest(&mut polite), [0x88, 2, 3, 0xe8]);
    assert!(session.has_ended());

    let (client, session) = scene.viewer();
    drop(client);
    wait(|| session.has_ended() && scene.rendition.viewers() == 0);

    let (mut rude, session) = scene.viewer();
    expect(&mut rude, GREETING);
    rude.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(rest(&mut rude)[..2], [0x88, 2]);
    assert!(session.has_ended());
}

#[test]
fn floods_hold_up_nobody() {
    for framing in [Framing::Plain, Framing::WebSocket] {
        let scene = scene(framing, Limits::default());
        let (mut flood, session) = scene.viewer();
        let (mut good, _session) = scene.viewer();
        expect(&mut flood, GREETING);
        expect(&mut good, GREETING);
        let writing = std::thread::spawn(move || {
            // Messages of nothing, which are allowed; where none are expected, too many of them are not.
            let frames = [0x82, 0x80, 0, 0, 0, 0].repeat(10_000);
            while flood.write_all(&frames).is_ok() {}
        });
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(500) {
            scene.rendition.push(b"a", true);
            let expected = match framing {
                Framing::Plain => b"a".to_vec(),
                Framing::WebSocket => message(b"a"),
            };
            expect(&mut good, &expected);
        }
        session.end("enough");
        writing.join().unwrap();
    }
}
