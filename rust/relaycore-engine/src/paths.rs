//! Streams that sources feed: which source may, what becomes of the stream when it leaves, and how a path treats both.

use crate::clock::{MILLISECOND, SECOND, now_ns};
use crate::engine::{AddStreamError, Shared};
use crate::events::Event;
use crate::ingest::{Source, Upstream};
use crate::multicast::Multicast;
use crate::shard::Command;
use crate::stream::{JoinPolicy, Stream};
use relaycore_proto::rtsp::url::Url;
use relaycore_proto::track::Track;
use std::fmt;
use std::sync::Arc;

/// How a path treats those who feed and those who read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathOptions {
    /// What a reader gets first.
    pub join: JoinPolicy,
    /// How long readers stay when the source has left, in nanoseconds.
    pub publisher_timeout: u64,
    /// Whether a second publisher takes the path over from the first; otherwise it is refused.
    pub takeover: bool,
    /// Where its packets go for readers that ask for multicast; without it they are refused.
    pub multicast: Option<Multicast>,
}

/// What readers of a path are told of it in its description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathNotice {
    /// What it is for; empty where nobody said.
    pub purpose: String,
    /// Whether more is written at `/PATH/notice` of this server.
    pub has_page: bool,
}

/// Another name under which readers find a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathAlias {
    /// The name, without slashes around it.
    pub name: String,
    /// What the query has to hold, among other things: `subtype=1`.
    pub parameters: Vec<String>,
    /// The path that it leads to.
    pub path: String,
}

impl PathAlias {
    /// Whether a URL has this name.
    pub(crate) fn fits(&self, url: &Url) -> bool {
        let query = url.query.as_deref().unwrap_or_default();
        self.name == url.path
            && self
                .parameters
                .iter()
                .all(|wanted| query.split(['&', ';']).any(|part| part == wanted))
    }
}

impl Default for PathOptions {
    fn default() -> Self {
        Self {
            join: JoinPolicy::default(),
            publisher_timeout: 30 * SECOND,
            takeover: false,
            multicast: None,
        }
    }
}

/// What became of a stream that sources feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamChange {
    /// Its first source came: the path can be read.
    Added,
    /// Its source left; readers stay.
    Vacant,
    /// Another source goes on with it.
    Resumed,
    /// It has ended, and its readers with it.
    Removed(&'static str),
}

/// Why a source may not feed a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OpenSourceError {
    /// Another source does.
    Busy,
    /// The path is written by the program itself, or it cannot be one.
    Stream(AddStreamError),
}

impl fmt::Display for OpenSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str(
                "The path has a publisher already; stop that one, or choose another path",
            ),
            Self::Stream(error) => write!(f, "{error}"),
        }
    }
}

/// Why readers are ended when a source comes whose tracks they cannot go on with.
const OTHER_TRACKS: &str = "another publisher came with other tracks";

/// Why readers are ended when no source came back.
const NO_PUBLISHER: &str = "the publisher left and none came back";

/// Why a stream is removed whose publisher never sent anything.
const NOTHING_CAME: &str = "the publisher left before it sent anything";

impl Shared {
    /// Whether a source may feed `path` now: it is free, its source was silent for long, or the path is taken over.
    pub(crate) fn is_open(&self, path: &str) -> Result<(), OpenSourceError> {
        match self.stream(path) {
            None => Ok(()),
            Some(stream) => self.check_open(&stream),
        }
    }

    fn check_open(&self, stream: &Stream) -> Result<(), OpenSourceError> {
        if !stream.options().is_relayed {
            let path = stream.path().to_owned();
            return Err(OpenSourceError::Stream(AddStreamError::PathTaken(path)));
        }
        let silence = self.limits.publisher_silence_ms * MILLISECOND;
        let is_silent = now_ns().saturating_sub(stream.source_seen_at()) > silence;
        if stream.source().is_none() || is_silent || self.path_options(stream.path()).takeover {
            Ok(())
        } else {
            Err(OpenSourceError::Busy)
        }
    }

    /// A source of `tracks` for `path`: goes on with the stream that is there, if its tracks are compatible, or with
    /// a new one.
    pub(crate) fn open_source(
        self: &Arc<Self>,
        path: &str,
        tracks: Vec<Track>,
        ordered: bool,
        upstream: Arc<dyn Upstream>,
    ) -> Result<Source, OpenSourceError> {
        let number = self.next_number();
        let now = now_ns();
        // One at a time: of two that come together, the second finds the path busy.
        let _one = self.opening();
        if let Some(stream) = self.stream(path) {
            self.check_open(&stream)?;
            if goes_on(&stream, &tracks) && stream.admit(number, Arc::clone(&upstream), now) {
                // What only its description says holds for its packets from the first one on.
                for (index, track) in tracks.iter().enumerate() {
                    if !track.parameters.is_empty() {
                        stream.learn_parameters(index, &track.parameters);
                    }
                }
                self.tell(&stream, StreamChange::Resumed);
                return Ok(Source::new(Arc::clone(self), stream, number, ordered));
            }
            self.remove_relayed(&stream, OTHER_TRACKS);
        }
        let stream = self
            .add_relayed(path, tracks)
            .map_err(OpenSourceError::Stream)?;
        stream.admit(number, upstream, now);
        self.tell(&stream, StreamChange::Added);
        Ok(Source::new(Arc::clone(self), stream, number, ordered))
    }

    /// The source `number` of a stream is gone: the stream waits for another one.
    pub(crate) fn vacate(&self, stream: &Arc<Stream>, number: u64) {
        if !stream.dismiss(number) {
            return;
        }
        if !stream.has_begun() {
            self.remove_relayed(stream, NOTHING_CAME);
            return;
        }
        self.tell(stream, StreamChange::Vacant);
        let until = now_ns().saturating_add(self.path_options(stream.path()).publisher_timeout);
        self.keep(Command::Vacant(Arc::clone(stream), number, until));
    }

    /// Ends a stream for which no source came back in time after the source `number`.
    pub(crate) fn give_up(&self, stream: &Arc<Stream>, number: u64) {
        let _one = self.opening();
        if stream.is_vacant_since(number) {
            self.remove_relayed(stream, NO_PUBLISHER);
        }
    }

    fn remove_relayed(&self, stream: &Arc<Stream>, reason: &'static str) {
        if self.take_off(stream) {
            stream.end(reason);
            self.tell(stream, StreamChange::Removed(reason));
        }
    }

    fn tell(&self, stream: &Arc<Stream>, change: StreamChange) {
        self.events.push(Event::Stream(Arc::clone(stream), change));
    }
}

/// Whether a source of `tracks` can go on with a stream without its readers noticing.
fn goes_on(stream: &Stream, tracks: &[Track]) -> bool {
    let known = stream.tracks();
    known.len() == tracks.len()
        && known
            .iter()
            .zip(tracks)
            .all(|(known, track)| known.accepts(track))
}

/// Whether a URL with this path leads back to it.
pub(crate) fn is_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./~".contains(&byte);
    let url = Url::parse(&format!("rtsp://localhost/{path}"));
    !path.is_empty()
        && path.len() <= 128
        && path.bytes().all(plain)
        && !path.split('/').any(str::is_empty)
        && url.is_ok_and(|url| url.path == path && url.track.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_that_a_url_leads_back_to() {
        for good in ["cam", "site/door-1", "a.b_c~d"] {
            assert!(is_path(good), "{good}");
        }
        for bad in [
            "",
            "/cam",
            "cam/",
            "a//b",
            "a b",
            "a?b",
            "..",
            "a/../b",
            "cam/trackID=1",
            "käse",
        ] {
            assert!(!is_path(bad), "{bad}");
        }
    }
}
