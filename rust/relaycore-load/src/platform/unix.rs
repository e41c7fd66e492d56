//! Processor time and descriptors on Unix.

use std::io;
use std::mem::MaybeUninit;

/// Processor time of the calling thread, in seconds.
pub(crate) fn thread_cpu_seconds() -> Option<f64> {
    clock_seconds(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Most descriptors that this process may have open; `None` where there is no limit.
#[allow(
    clippy::unnecessary_cast,
    reason = "the type is another one on some systems"
)]
pub(crate) fn descriptor_limit() -> Option<u64> {
    let mut limit = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: `limit` is writable and of the type that the call fills.
    let outcome = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, limit.as_mut_ptr()) };
    if outcome != 0 {
        return None;
    }
    // SAFETY: the call succeeded, so that it filled `limit`.
    let most = unsafe { limit.assume_init() }.rlim_cur;
    (most != libc::RLIM_INFINITY).then_some(most as u64)
}

/// Whether a socket could not be had because there are as many descriptors as there may be.
pub(crate) fn is_descriptor_limit(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

fn clock_seconds(clock: libc::clockid_t) -> Option<f64> {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: `time` is writable and of the type that the call fills.
    let outcome = unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) };
    if outcome != 0 {
        return None;
    }
    // SAFETY: the call succeeded, so that it filled `time`.
    let time = unsafe { time.assume_init() };
    Some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}
