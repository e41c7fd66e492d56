//! NTP timestamps (RFC 5905 section 6): 32 bits of seconds since 1900, 32 bits of fraction.

/// Seconds from 1900-01-01 to 1970-01-01.
const UNIX_EPOCH_S: u64 = 2_208_988_800;
const SECOND_NS: u64 = 1_000_000_000;

/// The NTP timestamp of a wallclock, given in nanoseconds since 1970-01-01. Its seconds wrap in 2036.
#[must_use]
pub fn ntp_from_unix_ns(unix_ns: u64) -> u64 {
    let seconds = unix_ns / SECOND_NS + UNIX_EPOCH_S;
    let fraction = ((unix_ns % SECOND_NS) << 32) / SECOND_NS;
    // The shift drops the era, the bits of the seconds above the thirty-second.
    seconds << 32 | fraction
}

/// The wallclock of an NTP timestamp in nanoseconds since 1970-01-01, rounded to the nearest. Seconds with a zero
/// highest bit belong to the years 2036 to 2104 (RFC 4330 section 3), so that times before 1968 do not exist; those
/// from there to 1970 give `None`.
#[must_use]
pub fn unix_ns_from_ntp(ntp: u64) -> Option<u64> {
    let seconds = ntp >> 32;
    let era = if seconds < 1 << 31 { 1 << 32 } else { 0 };
    let fraction = ((ntp & 0xffff_ffff) * SECOND_NS + (1 << 31)) >> 32;
    let unix_s = (era + seconds).checked_sub(UNIX_EPOCH_S)?;
    Some(unix_s * SECOND_NS + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        assert_eq!(ntp_from_unix_ns(0), UNIX_EPOCH_S << 32);
        assert_eq!(ntp_from_unix_ns(500_000_000), UNIX_EPOCH_S << 32 | 1 << 31);
        // 2036-02-07 06:28:16, where the seconds wrap.
        let wrap_s = (1 << 32) - UNIX_EPOCH_S;
        assert_eq!(ntp_from_unix_ns(wrap_s * SECOND_NS), 0);
        assert_eq!(unix_ns_from_ntp(0), Some(wrap_s * SECOND_NS));
        assert_eq!(unix_ns_from_ntp(1 << 63), None);
    }

    #[test]
    fn reads_back_to_the_nanosecond() {
        for unix_ns in [
            0,
            1,
            999_999_999,
            1_795_621_080_123_456_789,
            4_102_444_800_000_000_001,
        ] {
            assert_eq!(unix_ns_from_ntp(ntp_from_unix_ns(unix_ns)), Some(unix_ns));
        }
    }
}
