//! Tracks, pictures and limits.

use crate::buffers::Bytes;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use relaycore_engine::clock;
use relaycore_proto::limits::Limits;
use relaycore_proto::track::{Codec, Kind};
use relaycore_proto::{annexb, h264, jpeg, sdp, track};

/// Nanoseconds of the engine's clock.
#[pyfunction]
pub(crate) fn now_ns() -> u64 {
    clock::now_ns()
}

/// Name, unit, default, lowest and highest value of every limit.
#[pyfunction]
pub(crate) fn limits() -> Vec<(&'static str, &'static str, u64, u64, u64)> {
    Limits::ALL
        .iter()
        .map(|limit| {
            (
                limit.name,
                limit.unit,
                limit.default,
                limit.lowest,
                limit.highest,
            )
        })
        .collect()
}

/// Name and number of an interface, an address of it, and how many bits of that its network shares.
#[pyfunction]
pub(crate) fn interface_addresses(
    py: Python<'_>,
) -> PyResult<Vec<(String, u32, std::net::IpAddr, u8)>> {
    let found = py.detach(relaycore_engine::interface_addresses)?;
    Ok(found
        .into_iter()
        .map(|one| (one.name, one.index, one.address, one.prefix))
        .collect())
}

/// One audio or video of a stream.
#[pyclass(module = "relaycore._relaycore", frozen, from_py_object, eq)]
#[derive(Clone, PartialEq)]
pub(crate) struct Track(pub(crate) track::Track);

#[pymethods]
impl Track {
    /// H.264 video.
    #[staticmethod]
    #[pyo3(signature = (parameters = None))]
    fn h264(parameters: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let bytes = parameters.map(Bytes::of).transpose()?;
        Ok(Self(track::Track::h264(
            bytes.as_ref().map_or(&[], Bytes::as_slice),
        )))
    }

    /// AAC audio.
    #[staticmethod]
    fn aac(config: &Bound<'_, PyAny>) -> PyResult<Self> {
        let track = track::Track::aac(Bytes::of(config)?.as_slice());
        track
            .map(Self)
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Motion JPEG video.
    #[staticmethod]
    fn jpeg() -> Self {
        Self(track::Track::jpeg())
    }

    /// A track of any codec.
    #[staticmethod]
    #[pyo3(signature = (codec, *, clock_rate = None, channels = None, parameters = None))]
    fn of(
        codec: &str,
        clock_rate: Option<u32>,
        channels: Option<u8>,
        parameters: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let codec = Codec::from_name(codec).ok_or_else(|| {
            let names: Vec<_> = Codec::ALL.iter().map(|codec| codec.name()).collect();
            PyValueError::new_err(format!(
                "there is no codec {codec:?}: use one of {}",
                names.join(", ")
            ))
        })?;
        let bytes = parameters.map(Bytes::of).transpose()?;
        let parameters = bytes.as_ref().map_or(&[][..], Bytes::as_slice);
        if codec == Codec::Aac {
            let mut track = track::Track::aac(parameters)
                .map_err(|error| PyValueError::new_err(error.to_string()))?;
            track.clock_rate = clock_rate.unwrap_or(track.clock_rate);
            track.channels = channels.unwrap_or(track.channels);
            return Ok(Self(track));
        }
        let default = match codec.kind() {
            Kind::Video | Kind::Application => Some(track::VIDEO_CLOCK_RATE),
            Kind::Audio => codec.fixed_clock_rate(),
        };
        let clock_rate = clock_rate.or(default).filter(|rate| *rate > 0);
        let clock_rate = clock_rate.ok_or_else(|| {
            PyValueError::new_err(format!(
                "the track of {} needs its clock_rate, in Hz",
                codec.name()
            ))
        })?;
        let channels = channels.unwrap_or(1);
        Ok(Self(track::Track::new(
            codec, clock_rate, channels, parameters,
        )))
    }

    #[getter]
    fn codec(&self) -> &'static str {
        self.0.codec.name()
    }

    #[getter]
    fn kind(&self) -> &'static str {
        self.0.kind().name()
    }

    #[getter]
    fn encoding(&self) -> &str {
        self.0.encoding()
    }

    #[getter]
    fn fmtp(&self) -> Option<String> {
        let fmtp = sdp::fmtp(&self.0);
        (!fmtp.is_empty()).then_some(fmtp)
    }

    #[getter]
    fn clock_rate(&self) -> u32 {
        self.0.clock_rate
    }

    #[getter]
    fn channels(&self) -> u8 {
        self.0.channels
    }

    #[getter]
    fn parameters<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.parameters)
    }

    fn __repr__(&self) -> String {
        format!(
            "Track(codec={:?}, clock_rate={}, channels={})",
            self.codec(),
            self.0.clock_rate,
            self.0.channels
        )
    }
}

/// What a JPEG is, read from its segments.
#[pyclass(module = "relaycore._relaycore", frozen, get_all)]
pub(crate) struct JpegInfo {
    width: u32,
    height: u32,
    sampling: &'static str,
    complete: bool,
    odd_segments: u32,
    start: usize,
    end: usize,
}

/// Reads what a JPEG is without decoding it.
#[pyfunction]
pub(crate) fn inspect_jpeg(data: &Bound<'_, PyAny>) -> PyResult<JpegInfo> {
    let info = jpeg::inspect(Bytes::of(data)?.as_slice())
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(JpegInfo {
        width: info.width,
        height: info.height,
        sampling: match info.sampling {
            jpeg::Sampling::Grey => "grey",
            jpeg::Sampling::Yuv420 => "420",
            jpeg::Sampling::Yuv422 => "422",
            jpeg::Sampling::Yuv440 => "440",
            jpeg::Sampling::Yuv411 => "411",
            jpeg::Sampling::Yuv444 => "444",
            jpeg::Sampling::Other => "other",
        },
        complete: info.ends_with_eoi,
        odd_segments: info.odd_segments,
        start: info.start,
        end: info.end,
    })
}

/// What a sequence parameter set says.
#[pyclass(module = "relaycore._relaycore", frozen, get_all)]
pub(crate) struct H264Parameters {
    width: u32,
    height: u32,
    profile_idc: u8,
    level_idc: u8,
    full_range: Option<bool>,
    max_num_reorder_frames: Option<u32>,
}

#[pymethods]
impl H264Parameters {
    /// Reads the first sequence parameter set of an Annex B byte stream.
    #[staticmethod]
    fn parse(parameters: &Bound<'_, PyAny>) -> PyResult<Self> {
        let bytes = Bytes::of(parameters)?;
        let nal = annexb::nal_units(bytes.as_slice())
            .find(|nal| {
                nal.first()
                    .is_some_and(|byte| h264::type_of(*byte) == h264::nal_type::SPS)
            })
            .ok_or_else(|| {
                PyValueError::new_err("there is no sequence parameter set in these bytes")
            })?;
        let sps =
            h264::Sps::parse(nal).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self {
            width: sps.width,
            height: sps.height,
            profile_idc: sps.profile_idc,
            level_idc: sps.level_idc,
            full_range: sps.full_range,
            max_num_reorder_frames: sps.max_num_reorder_frames,
        })
    }
}
