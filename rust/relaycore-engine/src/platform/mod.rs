//! What differs between operating systems, and nothing else.

#[cfg(unix)]
mod signal_unix;
#[cfg(windows)]
mod signal_windows;

#[cfg(unix)]
pub(crate) use signal_unix::SignalPair;
#[cfg(windows)]
pub(crate) use signal_windows::SignalPair;
