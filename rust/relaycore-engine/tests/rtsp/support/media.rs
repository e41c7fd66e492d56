//! Access units to write: H.264 in name only, nothing here decodes.

use super::PATIENCE;
use relaycore_engine::Engine;
use relaycore_engine::burst::Stages;
use relaycore_engine::clock::{SECOND, now_ns};
use relaycore_engine::stream::{JoinPolicy, Stream, Written};
use relaycore_proto::track::Track;
use std::sync::Arc;
use std::time::Instant;

/// Parameter sets of 1280x720, Constrained Baseline.
const PARAMETERS: &[u8] = &[
    0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe9, 0, 0, 0, 1, 0x68, 0xce, 0x3c,
    0x80,
];

/// AAC-LC, 48 kHz, mono (ISO/IEC 14496-3).
const AAC_CONFIG: &[u8] = &[0x11, 0x88];

/// A raw AAC frame.
pub(crate) const AAC_FRAME: &[u8] = &[0x21, 0x1a, 0xc9, 0x58];

/// H.264 and AAC.
fn both_tracks() -> Vec<Track> {
    vec![Track::h264(PARAMETERS), Track::aac(AAC_CONFIG).unwrap()]
}

/// Writes to a stream.
pub(crate) struct Feed {
    pub(crate) stream: Arc<Stream>,
    written: u32,
    /// When the newest access unit of each track was captured, in nanoseconds of the engine's clock.
    pub(crate) captured: [u64; 2],
}

impl Feed {
    /// A stream of H.264 and AAC at `path`, whose readers start with what is in the ring.
    pub(crate) fn new(engine: &Engine, path: &str) -> Self {
        Self::joining(engine, path, JoinPolicy::Squeeze)
    }

    /// As [`Feed::new`], with another policy.
    pub(crate) fn joining(engine: &Engine, path: &str, join: JoinPolicy) -> Self {
        let stream = engine.add_stream(path, both_tracks(), join, false);
        Self {
            stream: stream.unwrap(),
            written: 0,
            captured: [0; 2],
        }
    }

    /// A stream of H.264 and AAC at `path` that a reader can join at once.
    pub(crate) fn started(engine: &Engine, path: &str) -> Self {
        let mut feed = Self::new(engine, path);
        feed.sound();
        feed.key(3000);
        feed
    }

    /// Returns when somebody has asked for a key frame.
    pub(crate) fn wait_key_frame_wanted(&self) {
        let give_up = Instant::now() + PATIENCE;
        while !self.stream.key_frame_wanted() {
            assert!(Instant::now() < give_up, "nobody wants a key frame");
            std::thread::yield_now();
        }
    }

    /// Writes a picture of about `bytes` bytes that a reader can start from; gives what was written.
    pub(crate) fn key(&mut self, bytes: usize) -> Vec<u8> {
        let mut unit = PARAMETERS.to_vec();
        unit.extend(self.nal(0x65, bytes));
        self.write(0, &unit);
        unit
    }

    /// Writes a picture of about `bytes` bytes that needs the ones before it; gives what was written.
    pub(crate) fn picture(&mut self, bytes: usize) -> Vec<u8> {
        let unit = self.nal(0x41, bytes);
        self.write(0, &unit);
        unit
    }

    /// Writes a picture of about `bytes` bytes that is shown as the one of this number, 30 a second, whichever were
    /// written before; a reader can start from it where `is_key`.
    pub(crate) fn shown_as(&mut self, number: i64, is_key: bool, bytes: usize) {
        // An I picture that is no IDR picture: those behind it may refer to those before it.
        let unit = self.nal(if is_key { 0x61 } else { 0x41 }, bytes);
        let written = Written {
            random_access: Some(is_key),
            ..written(&unit, number * 3000, now_ns())
        };
        self.stream.write(0, written).unwrap();
    }

    /// Writes a block of sound.
    pub(crate) fn sound(&mut self) {
        self.write(1, AAC_FRAME);
    }

    fn nal(&mut self, header: u8, bytes: usize) -> Vec<u8> {
        self.written += 1;
        let mut unit = vec![0, 0, 0, 1, header];
        unit.extend(format!("picture {};", self.written).into_bytes());
        unit.resize(unit.len().max(bytes), 0xaa);
        unit
    }

    /// Writes a key frame and pictures behind it that were captured so many nanoseconds ago.
    pub(crate) fn group(&mut self, ages: &[u64]) {
        for (number, age) in ages.iter().enumerate() {
            let mut unit = Vec::new();
            if number == 0 {
                unit.extend(PARAMETERS);
            }
            unit.extend(self.nal(if number == 0 { 0x65 } else { 0x41 }, 1000));
            self.write_captured(0, &unit, now_ns() - age);
        }
    }

    fn write(&mut self, track: usize, data: &[u8]) {
        self.write_captured(track, data, now_ns());
    }

    fn write_captured(&mut self, track: usize, data: &[u8], now: u64) {
        self.captured[track] = now;
        let rate = self.stream.tracks()[track].clock_rate;
        let pts = (u128::from(now) * u128::from(rate) / u128::from(SECOND)) as i64;
        let written = written(data, pts, now);
        self.stream.write(track, written).unwrap();
    }
}

/// An access unit that was captured at `captured`, in nanoseconds of the engine's clock.
fn written(data: &[u8], pts: i64, captured: u64) -> Written<'_> {
    Written {
        data,
        pts,
        random_access: None,
        stages: Stages {
            captured,
            ..Stages::default()
        },
    }
}
