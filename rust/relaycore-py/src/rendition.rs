//! Renditions that the program makes.

use crate::platform;
use crate::web_session::WebSession;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use relaycore_engine::rendition::Rendition as EngineRendition;
use std::sync::{Mutex, PoisonError};

/// Chunks of bytes that many viewers get.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct Rendition(Mutex<Option<EngineRendition>>);

impl Rendition {
    pub(crate) fn new(rendition: EngineRendition) -> Self {
        Self(Mutex::new(Some(rendition)))
    }

    fn with<T>(&self, what: impl FnOnce(&EngineRendition) -> T) -> PyResult<T> {
        let rendition = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rendition = rendition.as_ref();
        rendition
            .map(what)
            .ok_or_else(|| PyRuntimeError::new_err("the rendition is closed"))
    }
}

#[pymethods]
impl Rendition {
    /// What comes before the chunks from now on.
    fn set_header(&self, header: &[u8]) -> PyResult<()> {
        self.with(|rendition| rendition.set_header(header))
    }

    /// Gives all viewers a chunk.
    fn push(&self, data: &[u8], is_start: bool) -> PyResult<()> {
        self.with(|rendition| rendition.push(data, is_start))
    }

    /// Serves a viewer on its connection.
    fn add_viewer(&self, handle: u64, session: &WebSession, greeting: &[u8]) -> PyResult<()> {
        // Taken first, so that it is closed whatever happens.
        let socket = platform::from_handle(handle)
            .ok_or_else(|| PyValueError::new_err(format!("{handle} is no descriptor")))?;
        self.with(|rendition| rendition.add_viewer(socket, session.get(), greeting))?
            .map_err(PyOSError::new_err)
    }

    #[getter]
    fn viewers(&self) -> PyResult<usize> {
        self.with(EngineRendition::viewers)
    }

    fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
