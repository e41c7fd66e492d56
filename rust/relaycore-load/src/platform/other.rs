//! Systems whose figures are not read: the load generator runs there without them.

/// Processor time of the calling thread, in seconds: not known here.
pub(crate) fn thread_cpu_seconds() -> Option<f64> {
    None
}

/// Most descriptors that this process may have open: there is no such limit here.
pub(crate) fn descriptor_limit() -> Option<u64> {
    None
}
