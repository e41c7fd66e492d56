//! Frame buffers and the handoff.

use crate::buffers::Bytes;
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use relaycore_engine::frames::{self, Fill, Plane, Span, Window};
use std::ffi::c_int;
use std::time::Duration;

/// A pool of I420 frame buffers of one size.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct FramePool(frames::FramePool);

#[pymethods]
impl FramePool {
    #[new]
    #[pyo3(signature = (width, height, frames = 4))]
    fn new(width: usize, height: usize, frames: usize) -> PyResult<Self> {
        let pool = frames::FramePool::new(width, height, frames);
        let reason = || {
            PyValueError::new_err(format!(
                "{width}x{height} cannot be a frame size: take even numbers above 0"
            ))
        };
        pool.map(Self).ok_or_else(reason)
    }

    /// A buffer with old contents, or None when all are in use.
    fn acquire(&self) -> Option<FrameBuffer> {
        self.0
            .acquire()
            .map(|buffer| FrameBuffer { buffer, exports: 0 })
    }
}

/// Planes Y, U and V of a 4:2:0 picture, one after the other without padding.
#[pyclass(module = "relaycore._relaycore")]
pub(crate) struct FrameBuffer {
    buffer: frames::FrameBuffer,
    /// Python buffers that show the bytes now.
    exports: usize,
}

impl FrameBuffer {
    /// Fills the buffer without the GIL; nobody else may look at it meanwhile.
    fn fill(
        &mut self,
        py: Python<'_>,
        sources: &[(&Bound<'_, PyAny>, usize)],
        fill: impl FnOnce(&mut frames::FrameBuffer, &[Plane<'_>]) -> Option<()> + Send,
    ) -> PyResult<()> {
        if self.exports > 0 {
            return Err(PyBufferError::new_err(
                "the frame buffer is shown as a Python buffer: release that before filling it",
            ));
        }
        let lent = sources
            .iter()
            .map(|(object, _)| Bytes::of(object))
            .collect::<PyResult<Vec<_>>>()?;
        let planes: Vec<_> = lent
            .iter()
            .zip(sources)
            .map(|(bytes, (_, stride))| Plane {
                bytes: bytes.as_slice(),
                stride: *stride,
            })
            .collect();
        let buffer = &mut self.buffer;
        py.detach(|| fill(buffer, &planes)).ok_or_else(|| {
            PyValueError::new_err("a plane is smaller than the frame, or a window not inside: check sizes and strides")
        })
    }
}

#[pymethods]
impl FrameBuffer {
    #[getter]
    fn width(&self) -> usize {
        self.buffer.width()
    }

    #[getter]
    fn height(&self) -> usize {
        self.buffer.height()
    }

    /// Fills it from planar 4:2:2, whose chroma is averaged over two rows.
    #[allow(clippy::too_many_arguments, reason = "the signature is Python's")]
    fn fill_from_422(
        &mut self,
        y: &Bound<'_, PyAny>,
        u: &Bound<'_, PyAny>,
        v: &Bound<'_, PyAny>,
        y_stride: usize,
        u_stride: usize,
        v_stride: usize,
    ) -> PyResult<()> {
        let sources = [(y, y_stride), (u, u_stride), (v, v_stride)];
        self.fill(y.py(), &sources, |frame, planes| {
            frames::from_422(frame, planes[0], planes[1], planes[2])
        })
    }

    /// Fills it from planar 4:2:0.
    #[allow(clippy::too_many_arguments, reason = "the signature is Python's")]
    fn fill_from_420(
        &mut self,
        y: &Bound<'_, PyAny>,
        u: &Bound<'_, PyAny>,
        v: &Bound<'_, PyAny>,
        y_stride: usize,
        u_stride: usize,
        v_stride: usize,
    ) -> PyResult<()> {
        let sources = [(y, y_stride), (u, u_stride), (v, v_stride)];
        self.fill(y.py(), &sources, |frame, planes| {
            frames::from_420(frame, planes[0], planes[1], planes[2])
        })
    }

    /// Fills it from packed 4:2:2 in the order Y0 U Y1 V.
    fn fill_from_yuyv(&mut self, data: &Bound<'_, PyAny>, stride: usize) -> PyResult<()> {
        self.fill(data.py(), &[(data, stride)], |frame, planes| {
            frames::from_yuyv(frame, planes[0])
        })
    }

    /// Fills it from a window of a picture in planar 4:2:0 of another size.
    fn fill_scaled(
        &mut self,
        picture: &Bound<'_, PyAny>,
        width: usize,
        height: usize,
        window: (f64, f64, f64, f64),
    ) -> PyResult<()> {
        let (x, y, across, down) = window;
        let window = Window {
            x,
            y,
            width: across,
            height: down,
        };
        self.fill(picture.py(), &[(picture, width)], |frame, planes| {
            frames::scale(frame, planes[0].bytes, width, height, window)
        })
    }

    /// Paints a privacy mask over it.
    fn draw(&mut self, py: Python<'_>, mask: &Mask) -> PyResult<()> {
        if self.exports > 0 {
            return Err(PyBufferError::new_err(
                "the frame buffer is shown as a Python buffer: release that before drawing",
            ));
        }
        let buffer = &mut self.buffer;
        py.detach(|| mask.0.draw(buffer)).ok_or_else(|| {
            PyValueError::new_err(
                "the mask is made for frames of another size: make one of this size",
            )
        })
    }

    /// Shows the bytes, writable.
    ///
    /// # Safety
    /// Called by the interpreter with a view to fill.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let mut this = slf.borrow_mut();
        let bytes = this.buffer.bytes_mut();
        let length = isize::try_from(bytes.len())
            .map_err(|error| PyBufferError::new_err(error.to_string()))?;
        let address = bytes.as_mut_ptr().cast();
        // SAFETY: the view comes from the interpreter. The bytes are on the heap and stay there as long as this object
        // lives, which the view keeps alive; while it exists, `exports` keeps Rust from writing to them.
        let result =
            unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), address, length, 0, flags) };
        if result != 0 {
            return Err(PyErr::fetch(slf.py()));
        }
        this.exports += 1;
        Ok(())
    }

    /// Ends a view.
    ///
    /// # Safety
    /// Called by the interpreter with a view that `__getbuffer__` filled.
    unsafe fn __releasebuffer__(&mut self, _view: *mut ffi::Py_buffer) {
        self.exports = self.exports.saturating_sub(1);
    }
}

/// What covers a part of frames of one size.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct Mask(frames::Mask);

#[pymethods]
impl Mask {
    /// Covers blocks of 2 x 2 pixels by one colour.
    #[staticmethod]
    fn of_colour(
        width: usize,
        height: usize,
        spans: Vec<(usize, usize, usize)>,
        colour: (u8, u8, u8),
    ) -> PyResult<Self> {
        let (y, u, v) = colour;
        Self::make(width, height, spans, Fill::Colour { y, u, v })
    }

    /// Covers them by the means of squares of `side` blocks.
    #[staticmethod]
    fn of_squares(
        width: usize,
        height: usize,
        spans: Vec<(usize, usize, usize)>,
        side: usize,
    ) -> PyResult<Self> {
        Self::make(width, height, spans, Fill::Pixelate(side))
    }

    /// Covers them by a blur of `side` blocks.
    #[staticmethod]
    fn of_blur(
        width: usize,
        height: usize,
        spans: Vec<(usize, usize, usize)>,
        side: usize,
    ) -> PyResult<Self> {
        Self::make(width, height, spans, Fill::Blur(side))
    }
}

impl Mask {
    fn make(
        width: usize,
        height: usize,
        spans: Vec<(usize, usize, usize)>,
        fill: Fill,
    ) -> PyResult<Self> {
        let spans = spans
            .into_iter()
            .map(|(row, from, to)| Span { row, from, to })
            .collect();
        frames::Mask::new(width, height, spans, fill)
            .map(Self)
            .ok_or_else(|| {
                PyValueError::new_err(
                    "a mask has spans inside frames of an even size, and squares of one block or more",
                )
            })
    }
}

/// One place between two threads: the newest wins.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct Handoff(frames::Handoff<Py<PyAny>>);

#[pymethods]
impl Handoff {
    #[new]
    fn new() -> Self {
        Self(frames::Handoff::default())
    }

    /// Leaves an item; False when it displaced one that waited. A closed handoff ignores it.
    fn offer(&self, py: Python<'_>, item: Py<PyAny>) -> bool {
        let displaced = py.detach(|| self.0.offer(item));
        displaced.is_none()
    }

    /// Takes the item, waiting for one without the GIL; None when the time is over or it is closed and empty.
    #[pyo3(signature = (timeout = None))]
    fn take(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Py<PyAny>>> {
        let timeout = timeout.map(Duration::try_from_secs_f64).transpose();
        let timeout = timeout.map_err(|error| {
            PyValueError::new_err(format!("the timeout is no number of seconds: {error}"))
        })?;
        Ok(py.detach(|| self.0.take(timeout)))
    }

    /// Wakes every taker; nothing more can be given.
    fn close(&self) {
        self.0.close();
    }

    #[getter]
    fn closed(&self) -> bool {
        self.0.is_closed()
    }

    #[getter]
    fn offered(&self) -> u64 {
        self.0.counts().offered
    }

    #[getter]
    fn taken(&self) -> u64 {
        self.0.counts().taken
    }

    #[getter]
    fn discarded(&self) -> u64 {
        self.0.counts().discarded
    }
}
