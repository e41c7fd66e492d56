//! How other threads speak to a shard.

use super::group::OpenGroup;
use super::handover::Moving;
use crate::burst::Burst;
use crate::decision::Answer;
use crate::mailbox::Mailbox;
use crate::pull::PullCommand;
use crate::stream::{Stream, StreamId, Subscriber};
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
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

/// Sends commands to a shard; counts its connections.
pub(crate) type ShardHandle = Mailbox<Command>;

impl Subscriber for ShardHandle {
    fn burst(&self, stream: StreamId, burst: &Arc<Burst>) {
        self.send(Command::Burst(stream, Arc::clone(burst)));
    }

    fn ended(&self, stream: StreamId) {
        self.send(Command::StreamEnded(stream));
    }
}
