//! Systems whose figures are not read: the load generator runs there without them.

use std::io;

/// Processor time of the calling thread, in seconds: not known here.
pub(crate) fn thread_cpu_seconds() -> Option<f64> {
    None
}

/// Processor time of the process, in seconds: not known here.
pub(crate) fn process_cpu_seconds() -> Option<f64> {
    None
}

/// Lets the calling thread run on one processor alone.
///
/// # Errors
/// Always.
pub(crate) fn pin_current_thread(_cpu: usize) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "threads cannot be pinned to processors on this system: leave the processor out",
    ))
}

/// Most descriptors that this process may have open: there is no such limit here.
pub(crate) fn descriptor_limit() -> Option<u64> {
    None
}
