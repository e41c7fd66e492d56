//! The load generator: plans and reports are JSON on both sides.

use crate::buffers::Bytes;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use relaycore_load::Run;
use relaycore_load::floor;
use relaycore_load::plan::{FloorPlan, Plan, PlanError};
use relaycore_load::webrtc::Viewers;
use serde::Serialize;

/// A load test of any RTSP server: publishers of a synthetic stream, and readers that check it.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct LoadRun(Run);

#[pymethods]
impl LoadRun {
    /// A run of `plan`, which has not started.
    #[new]
    fn new(plan: &Bound<'_, PyAny>) -> PyResult<Self> {
        let plan = Plan::parse(Bytes::of(plan)?.as_slice()).map_err(refused)?;
        Ok(Self(Run::new(plan)))
    }

    /// Starts its threads.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        Ok(py.detach(|| self.0.start())?)
    }

    /// Where it is.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let snapshot = py.detach(|| self.0.snapshot());
        json(py, &snapshot)
    }

    /// Ends it and says what it found.
    fn stop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let report = py.detach(|| self.0.stop());
        json(py, &report)
    }
}

/// Viewers by WebRTC of what a load test publishes.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct LoadViewers(Viewers);

#[pymethods]
impl LoadViewers {
    /// So many of them beside `run`, which has started.
    #[new]
    #[pyo3(signature = (run, count, *, check_one_in, cpu=None))]
    fn new(
        py: Python<'_>,
        run: &LoadRun,
        count: usize,
        check_one_in: usize,
        cpu: Option<usize>,
    ) -> PyResult<Self> {
        let viewers = py.detach(|| Viewers::new(&run.0, count, check_one_in, cpu))?;
        Ok(Self(viewers))
    }

    /// The offer of each.
    fn offers(&self) -> Vec<String> {
        self.0.offers().to_vec()
    }

    /// The server has answered an offer.
    fn answer(&self, number: usize, answer: String) {
        self.0.answer(number, answer);
    }

    /// How many have connected.
    fn connected(&self) -> usize {
        self.0.connected()
    }

    /// Ends them and says what they found.
    fn stop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let report = py.detach(|| self.0.stop());
        json(py, &report)
    }
}

/// Measures what this machine can do at all.
#[pyfunction]
pub(crate) fn measure_floor<'py>(
    py: Python<'py>,
    plan: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let plan = FloorPlan::parse(Bytes::of(plan)?.as_slice()).map_err(refused)?;
    let report = py.detach(|| floor::measure(&plan))?;
    json(py, &report)
}

fn refused(error: PlanError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

fn json<'py>(py: Python<'py>, value: &(impl Serialize + Sync)) -> PyResult<Bound<'py, PyBytes>> {
    let text = py
        .detach(|| serde_json::to_vec(value))
        .map_err(|error| PyOSError::new_err(error.to_string()))?;
    Ok(PyBytes::new(py, &text))
}
