//! A relay pulls from another one: packets, reports, key frames, and the end of it.

use crate::support::{Client, Feed, Server};
use relaycore_engine::Event;
use relaycore_engine::paths::StreamChange;
use relaycore_engine::pull::{PullChange, PullId, PullOptions, ServerUrl, TransportChoice};
use relaycore_engine::session::TransportKind;
use relaycore_proto::limits::Limits;
use relaycore_proto::rtcp::{self, Pli};
use relaycore_proto::rtp::Ssrc;
use std::ops::ControlFlow;

/// Limits at which a pull is tried again soon.
pub(crate) fn hasty_limits() -> Limits {
    Limits {
        pull_retry_ms: 100,
        ..Limits::default()
    }
}

/// Begins to pull `url` to the path `cam`.
pub(crate) fn pull(relay: &Server, url: &str, transport: TransportChoice) -> PullId {
    let url = ServerUrl::parse(url).unwrap();
    let options = PullOptions { transport };
    relay.engine.pull("cam", url, options).unwrap()
}

/// What becomes of a pull next.
pub(crate) fn change(relay: &Server) -> PullChange {
    relay.wait(|event| match event {
        Event::Pull { change, .. } => ControlFlow::Break(change),
        other => ControlFlow::Continue(other),
    })
}

/// What becomes of the stream next.
pub(crate) fn stream_change(relay: &Server) -> StreamChange {
    relay.wait(|event| match event {
        Event::Stream(_, change) => ControlFlow::Break(change),
        other => ControlFlow::Continue(other),
    })
}

/// Reads until a packet of the first track holds `text`.
pub(crate) fn wait_for(reader: &mut Client, text: &[u8]) {
    while !reader
        .frame_on(0)
        .windows(text.len())
        .any(|window| window == text)
    {}
}

#[test]
fn what_one_relay_sends_the_readers_of_the_other_get() {
    for transport in [TransportChoice::Auto, TransportChoice::Udp] {
        let origin = Server::open();
        let mut feed = Feed::started(&origin.engine, "far/door");
        let relay = Server::open();
        pull(&relay, &origin.url("far/door"), transport);
        assert_eq!(change(&relay), PullChange::Connected);
        let mut reader = Client::playing(&relay, "cam", 2);
        wait_for(&mut reader, b"picture 1;");
        // Long enough for several packets.
        feed.picture(5000);
        wait_for(&mut reader, b"picture 2;");
        feed.sound();
        reader.frame_on(2);
        let [session] = origin.engine.sessions().try_into().unwrap();
        let expected = match transport {
            TransportChoice::Udp => TransportKind::Udp,
            _ => TransportKind::Tcp,
        };
        assert_eq!(session.transport(), expected);
        assert_eq!(session.user_agent.as_deref(), Some("relaycore/test"));
    }
}

#[test]
fn a_pull_that_is_taken_back_says_goodbye() {
    let origin = Server::open();
    let _feed = Feed::started(&origin.engine, "cam");
    let relay = Server::open();
    let id = pull(&relay, &origin.url("cam"), TransportChoice::Auto);
    assert_eq!(change(&relay), PullChange::Connected);
    relay.engine.stop_pull(id);
    assert_eq!(change(&relay), PullChange::Ended);
    assert_eq!(origin.ended().1, "the client ended it");
    relay.engine.stop_pull(id);
}

#[test]
fn an_engine_that_closes_takes_its_pulls_back() {
    let origin = Server::open();
    let _feed = Feed::started(&origin.engine, "cam");
    let relay = Server::open();
    pull(&relay, &origin.url("cam"), TransportChoice::Auto);
    assert_eq!(change(&relay), PullChange::Connected);
    relay.engine.close(crate::support::PATIENCE);
    assert_eq!(origin.ended().1, "the client ended it");
}

#[test]
fn readers_stay_while_the_server_is_gone_and_go_on_with_it() {
    let origin = Server::open();
    let feed = Feed::started(&origin.engine, "cam");
    let relay = Server::with(hasty_limits());
    pull(&relay, &origin.url("cam"), TransportChoice::Auto);
    assert_eq!(stream_change(&relay), StreamChange::Added);
    let mut reader = Client::playing(&relay, "cam", 2);
    wait_for(&mut reader, b"picture 1;");
    origin.engine.remove_stream("cam");
    drop(feed);
    assert_eq!(stream_change(&relay), StreamChange::Vacant);
    let mut feed = Feed::started(&origin.engine, "cam");
    assert_eq!(stream_change(&relay), StreamChange::Resumed);
    feed.key(100);
    wait_for(&mut reader, b"picture 2;");
}

#[test]
fn a_reader_that_asks_for_a_key_frame_is_heard_upstream() {
    let origin = Server::open();
    let mut feed = Feed::started(&origin.engine, "cam");
    let relay = Server::open();
    pull(&relay, &origin.url("cam"), TransportChoice::Auto);
    assert_eq!(change(&relay), PullChange::Connected);
    let mut reader = Client::playing(&relay, "cam", 2);
    wait_for(&mut reader, b"picture 1;");
    let pli = Pli {
        sender: Ssrc(1),
        media: Ssrc(2),
    };
    let mut packet = Vec::new();
    rtcp::write_pli(&mut packet, pli);
    reader.send(&[&[b'$', 1, 0, packet.len() as u8], &packet[..]].concat());
    feed.wait_key_frame_wanted();
    feed.key(100);
    wait_for(&mut reader, b"picture 2;");
}

#[test]
fn a_host_is_found_by_its_name() {
    let origin = Server::open();
    let _feed = Feed::started(&origin.engine, "cam");
    let relay = Server::open();
    let url = format!("rtsp://localhost:{}/cam", origin.address.port());
    pull(&relay, &url, TransportChoice::Auto);
    assert_eq!(change(&relay), PullChange::Connected);
}

#[test]
fn a_relay_does_not_pull_from_itself() {
    let relay = Server::with(hasty_limits());
    let _feed = Feed::started(&relay.engine, "door");
    pull(&relay, &relay.url("door"), TransportChoice::Auto);
    let PullChange::Failed(reason) = change(&relay) else {
        panic!("it pulls from itself");
    };
    assert!(
        reason.contains("403 This relay pulls from itself"),
        "{reason}"
    );
    assert!(relay.engine.stream("cam").is_none());
}
