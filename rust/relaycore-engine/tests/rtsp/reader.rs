//! Readers in the process: access units as they were written.

use crate::support::{AAC_FRAME, Client, Feed, Server};
use relaycore_engine::burst::Stages;
use relaycore_engine::stream::{JoinPolicy, Written};
use relaycore_engine::{Engine, Event, ReadUnit, Reader};
use relaycore_proto::limits::Limits;
use relaycore_proto::track::Track;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

/// Takes units until there are `count`, waiting for the announcements.
fn read(server: &Server, reader: &Reader, count: usize) -> Vec<ReadUnit> {
    let mut units = Vec::new();
    while units.len() < count {
        let more = reader.take(100);
        if more.is_empty() {
            server.wait(|event| match event {
                Event::ReaderReady(id) if id == reader.id() => ControlFlow::Break(()),
                other => ControlFlow::Continue(other),
            });
        }
        units.extend(more);
    }
    units
}

#[test]
fn units_are_those_that_were_written() {
    let server = Server::open();
    let mut feed = Feed::new(&server.engine, "cam");
    let old = feed.key(9000);
    let reader = server.engine.open_reader("cam", None).unwrap();
    let mut expected = vec![(0, old)];
    for _ in 0..3 {
        feed.sound();
        expected.push((1, AAC_FRAME.to_vec()));
        expected.push((0, feed.picture(5000)));
    }
    let units = read(&server, &reader, expected.len());
    assert!(units[0].random_access && !units[2].random_access);
    let got: Vec<_> = units
        .into_iter()
        .map(|unit| (unit.track, unit.data))
        .collect();
    assert_eq!(got, expected);
    assert!(reader.take(1).is_empty() && !reader.has_ended());
    assert_eq!(reader.discarded(), 0);
}

#[test]
fn a_jpeg_picture_stays_the_same_however_often_it_is_carried() {
    let server = Server::open();
    let original = include_bytes!("../../../../tests/golden/jpeg/420.jpg");
    let carry = |path: &str, data: &[u8]| {
        let tracks = vec![Track::jpeg()];
        let stream = server
            .engine
            .add_stream(path, tracks, JoinPolicy::Wait, false);
        let reader = server.engine.open_reader(path, None).unwrap();
        let written = Written {
            data,
            pts: 90_000,
            random_access: None,
            stages: Stages::default(),
        };
        stream.unwrap().write(0, written).unwrap();
        let unit = read(&server, &reader, 1).remove(0);
        assert_eq!(
            (unit.track, unit.pts, unit.random_access),
            (0, 90_000, true)
        );
        unit.data
    };
    let once = carry("one", original);
    assert!(once.starts_with(&[0xff, 0xd8]) && once.ends_with(&[0xff, 0xd9]));
    assert_eq!(carry("two", &once), once);
}

#[test]
fn an_overflow_discards_up_to_the_next_random_access_point() {
    let server = Server::open();
    let mut feed = Feed::new(&server.engine, "cam");
    let reader = server.engine.open_reader("cam", Some(100_000)).unwrap();
    feed.key(30_000);
    for _ in 0..4 {
        feed.picture(30_000);
    }
    let written = feed.stream.counters.packets.load(Ordering::Relaxed);
    assert!(reader.take(10).is_empty(), "all was given up");
    assert_eq!(reader.discarded(), written);
    let key = feed.key(1000);
    let picture = feed.picture(1000);
    let units = read(&server, &reader, 2);
    assert_eq!((&units[0].data, &units[1].data), (&key, &picture));
    assert_eq!(reader.discarded(), written);
}

#[test]
fn what_a_reader_joins_with_is_bounded_as_well() {
    let server = Server::open();
    let mut feed = Feed::new(&server.engine, "cam");
    feed.key(60_000);
    for _ in 0..4 {
        feed.picture(60_000);
    }
    let reader = server.engine.open_reader("cam", Some(100_000)).unwrap();
    assert!(reader.take(10).is_empty() && feed.stream.key_frame_wanted());
    let key = feed.key(1000);
    assert_eq!(read(&server, &reader, 1)[0].data, key);
}

#[test]
fn the_end_comes_after_all_was_taken_and_is_announced_whatever_else_waits() {
    let server = Server::open();
    let mut feed = Feed::new(&server.engine, "cam");
    let reader = server.engine.open_reader("cam", None).unwrap();
    assert_eq!(feed.stream.counters.readers.load(Ordering::Relaxed), 1);
    feed.key(1000);
    server.engine.remove_stream("cam");
    assert!(!reader.has_ended());
    read(&server, &reader, 1);
    assert!(reader.take(1).is_empty() && reader.has_ended());
    drop(reader);
    assert_eq!(feed.stream.counters.readers.load(Ordering::Relaxed), 0);
    assert!(server.engine.open_reader("cam", None).is_none());
}

#[test]
fn readers_are_woken_even_when_nobody_takes_questions() {
    let limits = Limits {
        event_queue: 64,
        ..Limits::default()
    };
    let engine = Engine::new(1, limits, "test".to_owned()).unwrap();
    let address = engine.listen(([127, 0, 0, 1], 0).into()).unwrap();
    let mut feed = Feed::new(&engine, "cam");
    let reader = engine.open_reader("cam", None).unwrap();
    let mut clients: Vec<_> = (0..65).map(|_| Client::connect(address)).collect();
    for client in &mut clients {
        let text = client.text("DESCRIBE", &format!("rtsp://{address}/cam"), &[]);
        client.send(text.as_bytes());
    }
    // It is answered when the queue is full.
    assert_eq!(clients[64].response().status.0, 503);
    feed.key(100);
    let ready = engine.poll().into_iter();
    let ready = ready.filter(|event| matches!(event, Event::ReaderReady(id) if *id == reader.id()));
    assert_eq!(ready.count(), 1);
}

#[test]
fn an_access_unit_beyond_the_limit_is_refused() {
    let server = Server::with(Limits {
        access_unit_bytes: 65_536,
        ..Limits::default()
    });
    let mut feed = Feed::new(&server.engine, "cam");
    feed.key(60_000);
    let written = Written {
        data: &[1; 65_537],
        pts: 0,
        random_access: None,
        stages: Stages::default(),
    };
    let error = feed.stream.write(0, written).unwrap_err().to_string();
    assert!(error.contains("65536"), "{error}");
    assert_eq!(feed.stream.counters.access_units.load(Ordering::Relaxed), 1);
}

#[test]
fn a_reader_counts_until_it_is_closed_or_dropped() {
    let server = Server::open();
    let feed = Feed::started(&server.engine, "cam");
    let count = || feed.stream.counters.readers.load(Ordering::Relaxed);
    let closed = server.engine.open_reader("cam", None).unwrap();
    let dropped = server.engine.open_reader("cam", None).unwrap();
    assert_eq!(count(), 2);
    closed.close();
    closed.close();
    assert_eq!(count(), 1);
    drop(closed);
    assert_eq!(count(), 1);
    drop(dropped);
    assert_eq!(count(), 0);
}
