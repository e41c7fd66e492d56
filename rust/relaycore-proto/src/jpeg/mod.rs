//! JPEG pictures as cameras send them (ITU-T T.81).

use core::fmt;

/// Why a JPEG picture cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JpegError {
    /// No start of image marker.
    NoStart,
}

impl fmt::Display for JpegError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStart => write!(out, "the data holds no JPEG picture"),
        }
    }
}

impl core::error::Error for JpegError {}
