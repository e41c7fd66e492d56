//! Host names to addresses, without the event loop waiting for it.

use super::PullId;
use super::pulls::PullCommand;
use crate::shard::{Command, ShardHandle};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

/// Most addresses of a host that are tried.
const ADDRESSES: usize = 8;

/// The address that `host` is, when it is one.
pub(super) fn literal(host: &str, port: u16) -> Option<SocketAddr> {
    let address: IpAddr = host.parse().ok()?;
    Some(SocketAddr::new(address, port))
}

/// Asks the system for the addresses of `host`; the answer comes as a command with the number of the `question`. None
/// are an answer too. Each question has a thread of its own: the system may take half a minute over one, and the
/// others should not wait for that.
pub(super) fn resolve(host: &str, port: u16, pull: PullId, question: u64, shard: &ShardHandle) {
    let (host, answered) = (host.to_owned(), shard.clone());
    let answer = move |addresses| {
        let command = PullCommand::Resolved {
            pull,
            question,
            addresses,
        };
        answered.send(Command::Pull(command));
    };
    let thread = std::thread::Builder::new().name("relaycore-resolve".to_owned());
    let not_asked = answer.clone();
    let started = thread.spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs();
        answer(found.map_or_else(|_| Vec::new(), |found| found.take(ADDRESSES).collect()));
    });
    if started.is_err() {
        not_asked(Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_need_no_question() {
        assert_eq!(literal("10.0.0.9", 554), Some(([10, 0, 0, 9], 554).into()));
        assert_eq!(
            literal("::1", 1).map(|it| it.to_string()).as_deref(),
            Some("[::1]:1")
        );
        assert_eq!(literal("camera.lan", 554), None);
    }
}
