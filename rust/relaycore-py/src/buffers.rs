//! Bytes of Python objects, without copying them.

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyBufferError;
use pyo3::prelude::*;

/// A contiguous buffer of bytes that a Python object lends.
pub(crate) struct Bytes(PyBuffer<u8>);

impl Bytes {
    /// The buffer of `object`.
    ///
    /// # Errors
    /// `BufferError` when it has none, or one that is not contiguous bytes.
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let buffer = PyBuffer::<u8>::get(object)?;
        if buffer.is_c_contiguous() {
            Ok(Self(buffer))
        } else {
            Err(PyBufferError::new_err(
                "the buffer must be contiguous: make it so with bytes() or numpy.ascontiguousarray()",
            ))
        }
    }

    /// The bytes.
    pub(crate) fn as_slice(&self) -> &[u8] {
        let length = self.0.len_bytes();
        if length == 0 {
            return &[];
        }
        // SAFETY: the buffer is contiguous (checked in `of`) and lent until it is released, which is when `self` is
        // dropped; it cannot be resized before. The stub forbids to write to it meanwhile from another thread.
        unsafe { std::slice::from_raw_parts(self.0.buf_ptr().cast::<u8>(), length) }
    }
}
