//! Processor time, processors and descriptors on Unix.

use std::io;
use std::mem::MaybeUninit;

/// Processor time of the calling thread, in seconds.
pub(crate) fn thread_cpu_seconds() -> Option<f64> {
    clock_seconds(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Processor time of all threads of the process, in seconds.
pub(crate) fn process_cpu_seconds() -> Option<f64> {
    clock_seconds(libc::CLOCK_PROCESS_CPUTIME_ID)
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

/// Lets the calling thread run on one processor alone.
///
/// # Errors
/// When there is no such processor, or this process may not use it.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn pin_current_thread(cpu: usize) -> io::Result<()> {
    if cpu >= libc::CPU_SETSIZE as usize {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("there is no processor {cpu}"),
        ));
    }
    // SAFETY: a set of bits, for which zeros are the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the number is within the set, as checked above.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: thread 0 is the calling one, and the set is as long as is said.
    if unsafe { libc::sched_setaffinity(0, size_of_val(&set), &set) } == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    Err(io::Error::new(
        error.kind(),
        format!("processor {cpu} cannot be used: {error}"),
    ))
}

/// Lets the calling thread run on one processor alone.
///
/// # Errors
/// Always: these systems have no such call.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn pin_current_thread(_cpu: usize) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "threads cannot be pinned to processors on this system: leave the processor out",
    ))
}

/// The processor that the calling thread runs on.
#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
pub(super) fn current_cpu() -> Option<usize> {
    // SAFETY: the call takes nothing.
    usize::try_from(unsafe { libc::sched_getcpu() }).ok()
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
