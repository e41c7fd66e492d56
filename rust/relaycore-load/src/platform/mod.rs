//! What differs between operating systems, and nothing else.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod not_linux;
#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::{Batch, pin_current_thread, refuse_joined, set_segment};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use not_linux::{Batch, pin_current_thread, refuse_joined, set_segment};
#[cfg(not(unix))]
pub(crate) use other::{descriptor_limit, is_descriptor_limit, thread_cpu_seconds};
#[cfg(unix)]
pub(crate) use unix::{descriptor_limit, is_descriptor_limit, thread_cpu_seconds};

/// Whether a read that gives less than it could has emptied a TCP socket, so that the event loop tells of whatever comes
/// next: true of epoll and kqueue (epoll(7), "Questions and answers"), not of an event loop made of poll(2).
pub(crate) const SHORT_READ_EMPTIES: bool = cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "freebsd"
));

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn processor_time_grows_with_work() {
        let before = thread_cpu_seconds().unwrap();
        let mut sum = 0u64;
        while thread_cpu_seconds().unwrap() <= before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(thread_cpu_seconds().unwrap() > before);
    }

    #[cfg(unix)]
    #[test]
    fn descriptors_have_a_limit() {
        assert!(descriptor_limit().is_none_or(|limit| limit >= 3));
    }

    #[test]
    fn a_processor_that_is_not_there_is_refused() {
        for cpu in [100_000, usize::MAX] {
            assert!(pin_current_thread(cpu).is_err());
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[test]
    fn a_pinned_thread_runs_where_it_is_told() {
        let cpu = linux::current_cpu().unwrap();
        std::thread::spawn(move || {
            pin_current_thread(cpu).unwrap();
            assert_eq!(linux::current_cpu(), Some(cpu));
            assert_eq!(std::thread::available_parallelism().unwrap().get(), 1);
        })
        .join()
        .unwrap();
    }
}
