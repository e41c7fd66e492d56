//! Every bound of relaycore, with its unit, in one place.
//!
//! A bound protects the other streams from one peer: what would exceed it is refused or discarded, and counted. Each
//! limit exists twice: as a constant (its default) and as a field of [`Limits`], the set that a server runs with. The
//! table at the end of the file makes both, together with the range that configuration may choose from.

use core::fmt;

/// Bytes of the fixed RTP header (RFC 3550 section 5.1), which no limit can change.
pub const RTP_HEADER_BYTES: usize = 12;

/// Bytes before each packet on an interleaved connection: `$`, channel, length (RFC 2326 section 10.12).
pub const INTERLEAVED_HEADER_BYTES: usize = 4;

/// Most attributes of one section of a publisher's description that readers are told too.
pub const SDP_ATTRIBUTES: usize = 16;

/// Longest of these attributes, in bytes.
pub const SDP_ATTRIBUTE_BYTES: usize = 256;

/// Most pixels of a JPEG picture that is accepted, which bounds the memory that decoding it takes.
pub const JPEG_PIXELS_MAX: u32 = 64 * 1024 * 1024;

/// Longest `x-sessioncookie` that joins the two connections of a tunnel over HTTP; clients choose about 22 letters.
pub const TUNNEL_COOKIE_BYTES: usize = 128;

/// Why a limit was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitError {
    /// No limit has that name.
    UnknownName,
    /// The value is outside of what the limit may be.
    OutOfRange {
        /// Smallest value that is accepted.
        lowest: u64,
        /// Largest value that is accepted.
        highest: u64,
    },
}

impl fmt::Display for LimitError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownName => write!(out, "there is no limit of that name"),
            Self::OutOfRange { lowest, highest } => {
                write!(out, "the limit must be between {lowest} and {highest}")
            }
        }
    }
}

impl core::error::Error for LimitError {}

/// What a person needs to know to choose a limit: shown by the documentation and by configuration errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitInfo {
    /// Name in the configuration, equal to the field's name in [`Limits`].
    pub name: &'static str,
    /// Unit of the value.
    pub unit: &'static str,
    /// Value when nothing is configured.
    pub default: u64,
    /// Smallest value that is accepted.
    pub lowest: u64,
    /// Largest value that is accepted.
    pub highest: u64,
}

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident / $constant:ident: $type:ty = $default:expr,
       $lowest:literal ..= $highest:literal, $unit:literal;)+) => {
        $($(#[doc = $doc])+
        #[doc = concat!("\n\nUnit: ", $unit, ".")]
        pub const $constant: $type = $default;)+

        /// The limits that one server runs with; [`Limits::default`] holds the constants of this module.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Limits {
            $($(#[doc = $doc])+
            #[doc = concat!("\n\nUnit: ", $unit, ".")]
            pub $name: $type,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $constant,)+ }
            }
        }

        impl Limits {
            /// All limits, in the order of the documentation.
            pub const ALL: &[LimitInfo] = &[$(LimitInfo {
                name: stringify!($name),
                unit: $unit,
                default: $constant as u64,
                lowest: $lowest,
                highest: $highest,
            },)+];

            /// Sets the limit called `name`. Nothing changes when an error is returned.
            pub fn set(&mut self, name: &str, value: u64) -> Result<(), LimitError> {
                match name {
                    $(stringify!($name) => {
                        let out_of_range = LimitError::OutOfRange { lowest: $lowest, highest: $highest };
                        if !($lowest..=$highest).contains(&value) {
                            return Err(out_of_range);
                        }
                        self.$name = <$type>::try_from(value).map_err(|_| out_of_range)?;
                    })+
                    _ => return Err(LimitError::UnknownName),
                }
                Ok(())
            }

            /// The value of the limit called `name`; `None` when there is none of that name.
            pub fn get(&self, name: &str) -> Option<u64> {
                match name {
                    $(stringify!($name) => Some(self.$name as u64),)+
                    _ => None,
                }
            }
        }
    };
}

limits! {
    /// Longest request, status or header line of an RTSP message, without its line end.
    rtsp_line_bytes / RTSP_LINE_BYTES: usize = 8192, 256..=65_536, "bytes";
    /// Most header lines of one RTSP message.
    rtsp_header_count / RTSP_HEADER_COUNT: usize = 100, 16..=1000, "headers";
    /// Longest header section of one RTSP message, all lines together.
    rtsp_header_bytes / RTSP_HEADER_BYTES: usize = 32 * 1024, 1024..=1_048_576, "bytes";
    /// Longest body of one RTSP message.
    rtsp_body_bytes / RTSP_BODY_BYTES: usize = 64 * 1024, 1024..=16_777_216, "bytes";
    /// Longest packet accepted on an interleaved channel, without its four-byte frame.
    interleaved_frame_bytes / INTERLEAVED_FRAME_BYTES: usize = 65_535, 1500..=65_535, "bytes";
    /// Longest time from the first byte of a request to its last; afterwards the answer is 408.
    request_time_ms / REQUEST_TIME_MS: u64 = 10_000, 100..=120_000, "milliseconds";
    /// Most requests of one connection in a second; further ones wait for the next second.
    requests_per_second / REQUESTS_PER_SECOND: usize = 1000, 1..=1_000_000, "requests";
    /// Most bytes of responses that wait for a client which does not read them; its requests then wait as well.
    unread_response_bytes / UNREAD_RESPONSE_BYTES: usize = 256 * 1024, 4096..=16_777_216, "bytes";
    /// Longest wait until a client closes a connection that was closed here.
    linger_ms / LINGER_MS: u64 = 1000, 0..=60_000, "milliseconds";
    /// Most connections open at a time.
    connections / CONNECTIONS: usize = 10_000, 1..=1_000_000, "connections";
    /// Most RTSP sessions that one connection may hold.
    sessions_per_connection / SESSIONS_PER_CONNECTION: usize = 8, 1..=256, "sessions";
    /// Most streams at a time: publishers of more are refused.
    streams / STREAMS: usize = 1000, 1..=1_000_000, "streams";
    /// Most tracks of one stream.
    tracks / TRACKS: usize = 16, 1..=64, "tracks";
    /// Longest wait for a decision of the program (may this person read this path); afterwards the answer is 503.
    decision_timeout_ms / DECISION_TIMEOUT_MS: u64 = 10_000, 100..=120_000, "milliseconds";
    /// Longest silence of a client before its RTSP session ends; sent to it in the `Session` header.
    session_timeout_s / SESSION_TIMEOUT_S: u64 = 60, 5..=3600, "seconds";
    /// Longest silence on a connection without an RTSP session before it is closed.
    idle_connection_s / IDLE_CONNECTION_S: u64 = 60, 1..=3600, "seconds";
    /// Silence of a publisher after which another one may take its path.
    publisher_silence_ms / PUBLISHER_SILENCE_MS: u64 = 5000, 500..=3_600_000, "milliseconds";
    /// Most HTTP connections open at a time; the next one is told to come again later.
    http_connections / HTTP_CONNECTIONS: usize = 500, 1..=100_000, "connections";
    /// Longest request line or header line of an HTTP request.
    http_line_bytes / HTTP_LINE_BYTES: usize = 8192, 256..=65_536, "bytes";
    /// Most header lines of one HTTP request.
    http_header_count / HTTP_HEADER_COUNT: usize = 100, 16..=1000, "headers";
    /// Longest body of one HTTP request.
    http_body_bytes / HTTP_BODY_BYTES: usize = 64 * 1024, 1024..=16_777_216, "bytes";
    /// Longest time that an HTTP client may take for sending a request, for taking an answer, or between the two.
    http_timeout_s / HTTP_TIMEOUT_S: u64 = 30, 1..=3600, "seconds";
    /// Most bytes of bursts that a stream keeps for its readers.
    ring_bytes / RING_BYTES: usize = 16 * 1024 * 1024, 65_536..=1_073_741_824, "bytes";
    /// Age at which a burst leaves a stream's ring.
    ring_age_ms / RING_AGE_MS: u64 = 12_000, 500..=120_000, "milliseconds";
    /// Age of a slow reader's next burst at which it skips to the newest random access point.
    reader_age_ms / READER_AGE_MS: u64 = 3000, 100..=60_000, "milliseconds";
    /// Most events that wait for the program; what exceeds it is discarded and counted.
    event_queue / EVENT_QUEUE: usize = 4096, 64..=1_048_576, "events";
    /// Longest RTP payload that is made here, so that a datagram fits the usual path MTU of 1500 bytes.
    rtp_payload / RTP_PAYLOAD: usize = 1400, 256..=65_000, "bytes";
    /// Longest access unit that is put together from received packets or accepted from a program.
    access_unit_bytes / ACCESS_UNIT_BYTES: usize = 8 * 1024 * 1024, 65_536..=268_435_456, "bytes";
    /// Most bytes of access units that wait for one reader inside the program.
    python_reader_bytes / PYTHON_READER_BYTES: usize = 16 * 1024 * 1024, 65_536..=1_073_741_824, "bytes";
    /// Longest wait for a connection to, or an answer of, a server that is pulled from.
    pull_answer_ms / PULL_ANSWER_MS: u64 = 15_000, 100..=120_000, "milliseconds";
    /// Longest silence of a stream that is pulled before it is pulled anew.
    pull_silence_ms / PULL_SILENCE_MS: u64 = 10_000, 100..=600_000, "milliseconds";
    /// Longest wait for the first packet over UDP before the stream is asked for over TCP.
    pull_first_packet_ms / PULL_FIRST_PACKET_MS: u64 = 3000, 100..=60_000, "milliseconds";
    /// Longest pause before a stream is pulled anew; the first pause is half a second, each further one twice as long.
    pull_retry_ms / PULL_RETRY_MS: u64 = 30_000, 100..=3_600_000, "milliseconds";
    /// Most redirections that a pull follows.
    pull_redirections / PULL_REDIRECTIONS: u64 = 5, 0..=32, "redirections";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_within_its_own_range() {
        let mut limits = Limits::default();
        for info in Limits::ALL {
            assert_eq!(limits.get(info.name), Some(info.default));
            assert_eq!(limits.set(info.name, info.default), Ok(()), "{}", info.name);
        }
        assert_eq!(limits, Limits::default());
    }

    #[test]
    fn set_changes_the_named_limit_and_no_other() {
        for info in Limits::ALL {
            let mut limits = Limits::default();
            assert_eq!(limits.set(info.name, info.lowest), Ok(()));
            for other in Limits::ALL {
                let expected = if other.name == info.name {
                    info.lowest
                } else {
                    other.default
                };
                assert_eq!(limits.get(other.name), Some(expected));
            }
        }
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut limits = Limits::default();
        assert_eq!(limits.set("ring_byte", 1), Err(LimitError::UnknownName));
        let range = LimitError::OutOfRange {
            lowest: 1,
            highest: 64,
        };
        assert_eq!(limits.set("tracks", 0), Err(range));
        assert_eq!(limits.set("tracks", u64::MAX), Err(range));
        assert_eq!(limits, Limits::default());
    }
}
