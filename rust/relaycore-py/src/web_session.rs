//! Sessions of browsers.

use crate::events::Session;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use relaycore_engine::WebSession as EngineSession;
use std::sync::Arc;

create_exception!(
    relaycore._relaycore,
    OfferRefused,
    PyException,
    "An offer was not answered: the status of HTTP that says why, and the reason."
);

/// A session whose media the program carries.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct WebSession(EngineSession);

impl WebSession {
    pub(crate) fn new(session: EngineSession) -> Self {
        Self(session)
    }

    pub(crate) fn get(&self) -> &EngineSession {
        &self.0
    }
}

#[pymethods]
impl WebSession {
    #[getter]
    fn session(&self) -> Session {
        Session(Arc::clone(self.0.info()))
    }

    #[getter]
    fn ended(&self) -> bool {
        self.0.has_ended()
    }

    /// Media is to flow from now on.
    fn plays(&self) {
        self.0.plays();
    }

    /// Counts media that went out, or came from a publisher.
    fn add(&self, count: u64) {
        self.0.add(count);
    }

    /// Counts parts that its client was too slow for.
    fn add_discarded(&self, count: u64) {
        self.0.add_discarded(count);
    }

    fn first_picture(&self) {
        self.0.first_picture();
    }

    #[pyo3(signature = (reason = "the client left"))]
    fn end(&self, reason: &str) -> bool {
        self.0.end(reason.to_owned())
    }
}
