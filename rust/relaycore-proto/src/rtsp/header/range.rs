//! `Range` (RFC 2326 sections 3.6, 3.7 and 12.29): which part of a stream to play.
//!
//! ```text
//! Range: npt=0.000-                    from the start, or from now on a live stream
//! Range: npt=now-
//! Range: npt=10:07:33.5-               hours, minutes, seconds
//! Range: clock=20261125T153800.123Z-   wallclock, in UTC
//! ```

use core::fmt;

/// Nanoseconds in a second.
const SECOND_NS: u64 = 1_000_000_000;

/// A point on a stream's own timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NptTime {
    /// The live edge.
    Now,
    /// Time since the start of the stream, in nanoseconds.
    At(u64),
}

/// A part of a stream. A missing end is the end of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Normal play time (RFC 2326 section 3.6).
    Npt {
        /// First point; `None` when only an end is given.
        start: Option<NptTime>,
        /// Last point.
        end: Option<NptTime>,
    },
    /// Absolute time (RFC 2326 section 3.7), in nanoseconds since 1970-01-01 00:00 UTC.
    Clock {
        /// First point.
        start: u64,
        /// Last point.
        end: Option<u64>,
    },
}

impl Range {
    /// Reads the value of a header. Parameters behind a semicolon (`time=`) are ignored.
    pub fn parse(value: &str) -> Result<Self, RangeError> {
        let range = value.split_once(';').map_or(value, |(range, _)| range);
        let (unit, points) = range.split_once('=').ok_or(RangeError::Syntax)?;
        let unit = unit.trim();
        if unit.eq_ignore_ascii_case("npt") {
            let (start, end) = points.split_once('-').ok_or(RangeError::Syntax)?;
            let start = optional(start, npt_time)?;
            let end = optional(end, npt_time)?;
            if start.is_none() && end.is_none() {
                return Err(RangeError::Syntax);
            }
            Ok(Self::Npt { start, end })
        } else if unit.eq_ignore_ascii_case("clock") {
            let (start, end) = points.split_once('-').unwrap_or((points, ""));
            let start = optional(start, clock_time)?.ok_or(RangeError::Syntax)?;
            Ok(Self::Clock {
                start,
                end: optional(end, clock_time)?,
            })
        } else {
            Err(RangeError::Unit)
        }
    }
}

impl fmt::Display for NptTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => out.write_str("now"),
            Self::At(ns) => write!(out, "{}.{:03}", ns / SECOND_NS, ns % SECOND_NS / 1_000_000),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Npt { start, end } => {
                out.write_str("npt=")?;
                if let Some(start) = start {
                    write!(out, "{start}")?;
                }
                out.write_str("-")?;
                match end {
                    Some(end) => write!(out, "{end}"),
                    None => Ok(()),
                }
            }
            Self::Clock { start, end } => {
                out.write_str("clock=")?;
                write_clock(out, *start)?;
                out.write_str("-")?;
                match end {
                    Some(end) => write_clock(out, *end),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Why a range was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeError {
    /// The unit is neither `npt` nor `clock`: answered with 501 (RFC 2326 section 12.29).
    Unit,
    /// The value is not of its unit's form: answered with 400.
    Syntax,
}

impl fmt::Display for RangeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Unit => "ranges are in npt or clock here",
            Self::Syntax => "the range is not of the form npt=0-10 or clock=20261125T153800Z-",
        })
    }
}

impl core::error::Error for RangeError {}

fn optional<T>(text: &str, read: fn(&str) -> Option<T>) -> Result<Option<T>, RangeError> {
    match text.trim() {
        "" => Ok(None),
        text => read(text).map(Some).ok_or(RangeError::Syntax),
    }
}

/// `now`, seconds (`12.5`) or hours, minutes and seconds (`10:07:33.5`).
fn npt_time(text: &str) -> Option<NptTime> {
    if text.eq_ignore_ascii_case("now") {
        return Some(NptTime::Now);
    }
    let (whole, fraction) = split_fraction(text)?;
    let seconds = match whole.split_once(':') {
        None => number(whole)?,
        Some((hours, rest)) => {
            let (minutes, seconds) = rest.split_once(':')?;
            let (hours, minutes, seconds) = (number(hours)?, number(minutes)?, number(seconds)?);
            if minutes > 59 || seconds > 59 {
                return None;
            }
            hours
                .checked_mul(3600)?
                .checked_add(minutes * 60 + seconds)?
        }
    };
    Some(NptTime::At(
        seconds.checked_mul(SECOND_NS)?.checked_add(fraction)?,
    ))
}

/// `20261125T153800.123Z` as nanoseconds since 1970.
fn clock_time(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix(['Z', 'z'])?.split_once(['T', 't'])?;
    let (time, fraction) = split_fraction(time)?;
    let (year, month, day) = (field(date, 0, 4)?, field(date, 4, 6)?, field(date, 6, 8)?);
    let (hour, minute, second) = (field(time, 0, 2)?, field(time, 2, 4)?, field(time, 4, 6)?);
    let valid = date.len() == 8
        && time.len() == 6
        && year >= 1970
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 60; // A leap second.
    if !valid {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    seconds.checked_mul(SECOND_NS)?.checked_add(fraction)
}

/// The text before a point, and the digits after it as nanoseconds; digits beyond the ninth are cut.
fn split_fraction(text: &str) -> Option<(&str, u64)> {
    let Some((whole, digits)) = text.split_once('.') else {
        return Some((text, 0));
    };
    let mut nanoseconds = 0;
    let mut unit = SECOND_NS / 10;
    for byte in digits.bytes() {
        if !byte.is_ascii_digit() {
            return None;
        }
        nanoseconds += u64::from(byte - b'0') * unit;
        unit /= 10;
    }
    Some((whole, nanoseconds))
}

fn field(text: &str, start: usize, end: usize) -> Option<u64> {
    number(text.get(start..end)?)
}

/// A number in decimal digits; a sign is none.
fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the given day of the Gregorian calendar, counted in years that start in March, so that the
/// leap day is the last of its year.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day
        - 1
        - DAYS_BEFORE_1970
}

/// Days from 1 March of year 0 to 1970-01-01.
const DAYS_BEFORE_1970: u64 = 719_468;

/// The day that is `days` after 1970-01-01: the inverse of [`days_since_1970`].
fn date_of(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_BEFORE_1970;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// A wallclock in milliseconds, as ONVIF's replay has it.
fn write_clock(out: &mut fmt::Formatter<'_>, unix_ns: u64) -> fmt::Result {
    let seconds = unix_ns / SECOND_NS;
    let (year, month, day) = date_of(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let milliseconds = unix_ns % SECOND_NS / 1_000_000;
    write!(
        out,
        "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{milliseconds:03}Z"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn npt(start: NptTime) -> Range {
        Range::Npt {
            start: Some(start),
            end: None,
        }
    }

    #[test]
    fn reads_normal_play_time() {
        let table = [
            ("npt=now-", npt(NptTime::Now)),
            ("npt=0-", npt(NptTime::At(0))),
            ("npt=0.000-", npt(NptTime::At(0))),
            ("NPT = 12.5 -", npt(NptTime::At(12_500_000_000))),
            (
                "npt=10:07:33.5-;time=19970123T143720Z",
                npt(NptTime::At(36_453_500_000_000)),
            ),
            ("npt=0.1234567899-", npt(NptTime::At(123_456_789))),
            (
                "npt=1-2",
                Range::Npt {
                    start: Some(NptTime::At(SECOND_NS)),
                    end: Some(NptTime::At(2 * SECOND_NS)),
                },
            ),
            (
                "npt=-20",
                Range::Npt {
                    start: None,
                    end: Some(NptTime::At(20 * SECOND_NS)),
                },
            ),
        ];
        for (value, expected) in table {
            assert_eq!(Range::parse(value), Ok(expected), "{value}");
        }
    }

    #[test]
    fn reads_wallclock() {
        let at = |start| Range::Clock { start, end: None };
        let table = [
            ("clock=19700101T000000Z-", at(0)),
            ("clock=20261125T153800.123Z-", at(1_795_621_080_123_000_000)),
            ("clock=20000229T235959Z-", at(951_868_799_000_000_000)),
            ("clock=20240301T000000z", at(1_709_251_200_000_000_000)),
            (
                "clock=19961108T142300Z-19961108T143520Z",
                Range::Clock {
                    start: 847_462_980_000_000_000,
                    end: Some(847_463_720_000_000_000),
                },
            ),
        ];
        for (value, expected) in table {
            assert_eq!(Range::parse(value), Ok(expected), "{value}");
        }
    }

    #[test]
    fn malformed_ranges_are_errors() {
        for value in [
            "",
            "npt",
            "npt=",
            "npt=-",
            "npt=5",
            "npt=a-",
            "npt=1.x-",
            "npt=+1-",
            "npt=1:2-",
            "npt=0:60:00-",
            "npt=99999999999999999999-",
            "npt=18446744073-20000000000",
            "npt=9999999999999999:00:00-",
            "clock=",
            "clock=-",
            "clock=20261125T153800-",
            "clock=20261325T153800Z-",
            "clock=20250229T000000Z-",
            "clock=19691231T235959Z-",
            "clock=2026112T5153800Z-",
            "clock=20261125T243800Z-",
            "clock=é0261125T153800Z-",
            "clock=99991125T153800Z-",
            "clock=20261125T15380012Z-",
        ] {
            assert_eq!(Range::parse(value), Err(RangeError::Syntax), "{value}");
        }
        for value in ["smpte=10:12:33:20-", "bytes=0-1"] {
            assert_eq!(Range::parse(value), Err(RangeError::Unit), "{value}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for value in [
            "npt=now-",
            "npt=0.000-",
            "npt=0.000-12.500",
            "npt=-20.000",
            "clock=20261125T153800.123Z-",
            "clock=20261125T153800.123Z-20270101T000000.000Z",
        ] {
            assert_eq!(Range::parse(value).unwrap().to_string(), value);
        }
    }

    #[test]
    fn every_day_of_two_centuries_reads_back() {
        for day in 0..73_000 {
            let (year, month, date) = date_of(day);
            assert_eq!(days_since_1970(year, month, date), day);
            assert!(date <= days_in_month(year, month));
        }
        assert_eq!(date_of(11_016), (2000, 2, 29));
    }
}
