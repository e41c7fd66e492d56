//! Systems whose figures are not read: the load generator runs there without them.

use std::io;

/// Processor time of the calling thread, in seconds: not known here.
pub(crate) fn thread_cpu_seconds() -> Option<f64> {
    None
}

/// Most descriptors that this process may have open: there is no such limit here.
pub(crate) fn descriptor_limit() -> Option<u64> {
    None
}

/// Whether a socket could not be had because there are as many descriptors as there may be: not so here.
pub(crate) fn is_descriptor_limit(_error: &io::Error) -> bool {
    false
}
