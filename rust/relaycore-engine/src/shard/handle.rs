//! How other threads speak to a shard.

use super::group::OpenGroup;
use super::handover::Moving;
use crate::burst::Burst;
use crate::decision::Answer;
use crate::pull::PullCommand;
use crate::stream::{Stream, StreamId, Subscriber};
use mio::Waker;
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

/// What a shard is told.
#[derive(Debug)]
pub(crate) enum Command {
    /// Accept connections here and hand them round.
    Listen(TcpListener),
    /// Serve this connection.
    Connection(mio::net::TcpStream, SocketAddr),
    /// Go on with this connection of another shard.
    Adopt(Box<Moving>),
    /// A client has set up a track whose RTCP comes from this address: an orphaned session there was its own.
    CameBack(SocketAddr),
    /// Send to a group from now on.
    OpenGroup(Box<OpenGroup>),
    /// Send to the group of this stream no more.
    CloseGroup(StreamId),
    /// A receiver at this address reports about a track of a stream that comes to it by multicast.
    GroupReport(StreamId, usize, IpAddr, Arc<[u8]>),
    /// A stream that the shard subscribed to has a new burst.
    Burst(StreamId, Arc<Burst>),
    /// A stream that the shard subscribed to has ended.
    StreamEnded(StreamId),
    /// The source of this number has left a stream: give the stream up at that moment, unless another one came.
    Vacant(Arc<Stream>, u64, u64),
    /// The far side of a session's source is asked for a key frame: the session's place and number.
    KeyFrame(usize, u64),
    /// A session's source feeds its stream no more: the session's place and number.
    Superseded(usize, u64),
    /// A question of this shard was answered.
    Answer(u64, Answer),
    /// End a session, if it is here.
    Kick(String),
    /// End what these users have open.
    Disconnect(Arc<HashSet<String>>),
    /// Something for the pulls of the shard.
    Pull(PullCommand),
    /// Say goodbye to everybody and end; what is not read by then is left unsaid.
    Close(Duration),
}

/// Sends commands to a shard and wakes it, once for any number of commands.
#[derive(Debug, Clone)]
pub(crate) struct ShardHandle {
    commands: Sender<Command>,
    shared: Arc<HandleShared>,
}

#[derive(Debug)]
struct HandleShared {
    waker: Waker,
    woken: AtomicBool,
    connections: AtomicUsize,
}

impl ShardHandle {
    /// A handle of the shard that receives from the other end of `commands` and polls `waker`.
    pub(crate) fn new(commands: Sender<Command>, waker: Waker) -> Self {
        let shared = HandleShared {
            waker,
            woken: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
        };
        Self {
            commands,
            shared: Arc::new(shared),
        }
    }

    /// Sends a command. A shard that has ended ignores it.
    pub(crate) fn send(&self, command: Command) {
        if self.commands.send(command).is_ok() && !self.shared.woken.swap(true, Ordering::AcqRel) {
            // A waker that fails belongs to a shard that has ended.
            let _ = self.shared.waker.wake();
        }
    }

    /// Called by the shard when it has woken up: until it looks at its commands, none has to wake it.
    pub(crate) fn attend(&self) {
        self.shared.woken.store(true, Ordering::Release);
    }

    /// Called by the shard before it looks at its commands: what comes from now on wakes it again.
    pub(crate) fn awake(&self) {
        // An exchange, not a store: whoever found the flag set has sent its command before, and that is seen from here.
        self.shared.woken.swap(false, Ordering::AcqRel);
    }

    /// How many connections the shard has or is about to have.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// The shard is about to have one more connection.
    pub(crate) fn count_connection_in(&self) {
        self.shared.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection of the shard is gone.
    pub(crate) fn count_connection_out(&self) {
        self.shared.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Subscriber for ShardHandle {
    fn burst(&self, stream: StreamId, burst: &Arc<Burst>) {
        self.send(Command::Burst(stream, Arc::clone(burst)));
    }

    fn ended(&self, stream: StreamId) {
        self.send(Command::StreamEnded(stream));
    }
}
