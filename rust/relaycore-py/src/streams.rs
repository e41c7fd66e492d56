//! Streams and the readers of this process.

use crate::buffers::Bytes;
use crate::media::Track;
use pyo3::exceptions::{PyIndexError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use relaycore_engine::burst::Stages;
use relaycore_engine::latency::STAGES;
use relaycore_engine::stream::{self, Faults, WriteError, Written};
use relaycore_engine::{ReadUnit, Reader as EngineReader};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Longest that packets can be late on purpose: less than sessions without media live.
const JITTER_MAX_S: f64 = 10.0;

/// Furthest that a clock can be off on purpose: a century.
const CLOCK_OFFSET_MAX_S: f64 = 3.2e9;

/// What is live at a path.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct Stream(pub(crate) Arc<stream::Stream>);

#[pymethods]
impl Stream {
    #[getter]
    fn path(&self) -> &str {
        self.0.path()
    }

    #[getter]
    fn tracks(&self) -> Vec<Track> {
        self.0.tracks().iter().cloned().map(Track).collect()
    }

    #[getter]
    fn readers(&self) -> usize {
        self.0.counters.readers.load(Ordering::Relaxed)
    }

    /// Packetises an access unit and hands it to every reader; gives the number of RTP packets.
    #[pyo3(signature = (track, access_unit, *, pts, captured_ns, received_ns = 0, decoded_ns = 0, taken_ns = 0,
                        encoded_ns = 0, random_access = None))]
    #[allow(clippy::too_many_arguments, reason = "the signature is Python's")]
    fn write(
        &self,
        track: usize,
        access_unit: &Bound<'_, PyAny>,
        pts: i64,
        captured_ns: u64,
        received_ns: u64,
        decoded_ns: u64,
        taken_ns: u64,
        encoded_ns: u64,
        random_access: Option<bool>,
    ) -> PyResult<usize> {
        let bytes = Bytes::of(access_unit)?;
        let stages = Stages {
            captured: captured_ns,
            received: received_ns,
            decoded: decoded_ns,
            taken: taken_ns,
            encoded: encoded_ns,
            packetised: 0,
        };
        let data = bytes.as_slice();
        let written = access_unit.py().detach(|| {
            self.0.write(
                track,
                Written {
                    data,
                    pts,
                    random_access,
                    stages,
                },
            )
        });
        written.map_err(|error| match error {
            WriteError::NoSuchTrack(_) => PyIndexError::new_err(error.to_string()),
            WriteError::Ended | WriteError::Shows => PyRuntimeError::new_err(error.to_string()),
            WriteError::Payload(_) => PyValueError::new_err(error.to_string()),
        })
    }

    /// Whether a key frame was asked for since the last call.
    fn key_frame_wanted(&self) -> bool {
        self.0.key_frame_wanted()
    }

    /// What goes wrong from now on with a stream that shows another one. Times are in seconds.
    #[pyo3(signature = (*, loss = 0.0, jitter = 0.0, frozen = false, clock_offset = 0.0))]
    fn set_faults(&self, loss: f64, jitter: f64, frozen: bool, clock_offset: f64) -> PyResult<()> {
        if !(0.0..=1.0).contains(&loss)
            || !(0.0..=JITTER_MAX_S).contains(&jitter)
            || !(-CLOCK_OFFSET_MAX_S..=CLOCK_OFFSET_MAX_S).contains(&clock_offset)
        {
            return Err(PyValueError::new_err(format!(
                "loss is from 0 to 1, jitter from 0 to {JITTER_MAX_S} seconds, and the clock not further off than \
                 {CLOCK_OFFSET_MAX_S} seconds"
            )));
        }
        let faults = Faults {
            loss,
            jitter_ns: (jitter * 1e9) as u64,
            frozen,
            clock_offset_ns: (clock_offset * 1e9) as i64,
        };
        if self.0.set_faults(faults) {
            Ok(())
        } else {
            let path = self.0.path();
            Err(PyRuntimeError::new_err(format!(
                "the stream {path:?} shows no other one"
            )))
        }
    }

    fn stats(&self) -> StreamStats {
        let counters = &self.0.counters;
        let (bursts, ring_bytes) = self.0.ring_size();
        StreamStats {
            readers: counters.readers.load(Ordering::Relaxed),
            access_units: counters.access_units.load(Ordering::Relaxed),
            bytes: counters.bytes.load(Ordering::Relaxed),
            packets: counters.packets.load(Ordering::Relaxed),
            ring_bursts: bursts,
            ring_bytes,
        }
    }

    /// Durations of the newest pictures in nanoseconds, by stage.
    fn latency<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let newest = self.0.latency().newest();
        let durations = PyDict::new(py);
        for (number, name) in STAGES.iter().enumerate() {
            durations.set_item(
                name,
                newest.iter().map(|times| times[number]).collect::<Vec<_>>(),
            )?;
        }
        Ok(durations)
    }
}

/// Counters of a stream.
#[pyclass(module = "relaycore._relaycore", frozen, get_all)]
pub(crate) struct StreamStats {
    readers: usize,
    access_units: u64,
    bytes: u64,
    packets: u64,
    ring_bursts: usize,
    ring_bytes: usize,
}

/// An encoded picture or piece of sound.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct AccessUnit {
    unit: ReadUnit,
}

#[pymethods]
impl AccessUnit {
    #[getter]
    fn track(&self) -> usize {
        self.unit.track
    }

    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.unit.data)
    }

    #[getter]
    fn pts(&self) -> i64 {
        self.unit.pts
    }

    #[getter]
    fn captured_ns(&self) -> u64 {
        self.unit.stages.captured
    }

    #[getter]
    fn random_access(&self) -> bool {
        self.unit.random_access
    }
}

/// A reader of this process.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct Reader(pub(crate) EngineReader);

#[pymethods]
impl Reader {
    #[getter]
    fn id(&self) -> u64 {
        self.0.id()
    }

    #[getter]
    fn tracks(&self) -> Vec<Track> {
        self.0
            .stream()
            .tracks()
            .iter()
            .cloned()
            .map(Track)
            .collect()
    }

    /// Takes what is there; never waits.
    #[pyo3(signature = (limit = 64))]
    fn take(&self, py: Python<'_>, limit: usize) -> Vec<AccessUnit> {
        let units = py.detach(|| self.0.take(limit));
        units.into_iter().map(|unit| AccessUnit { unit }).collect()
    }

    #[getter]
    fn ended(&self) -> bool {
        self.0.has_ended()
    }

    #[getter]
    fn discarded(&self) -> u64 {
        self.0.discarded()
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }
}
