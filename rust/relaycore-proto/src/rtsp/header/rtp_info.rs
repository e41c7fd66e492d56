//! `RTP-Info` (RFC 2326 section 12.33): the first packet that a PLAY response announces for each track.
//!
//! ```text
//! RTP-Info: url=rtsp://laptop:8554/cam/trackID=0;seq=9810;rtptime=3450012,url=...
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// One track of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// URL of the track, as its SETUP had it.
    pub url: String,
    /// Sequence number of the first packet.
    pub seq: u16,
    /// RTP timestamp of the first packet.
    pub rtptime: u32,
}

impl fmt::Display for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "url={};seq={};rtptime={}",
            self.url, self.seq, self.rtptime
        )
    }
}

/// The value of the header for `entries`.
#[must_use]
pub fn write_list(entries: &[Entry]) -> String {
    let mut out = String::new();
    for entry in entries {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(&alloc::format!("{entry}"));
    }
    out
}

/// Reads the value of a header. Entries without a URL, sequence number or time are dropped: servers leave them out
/// when they do not know them. A URL may hold commas and semicolons.
#[must_use]
pub fn parse_list(value: &str) -> Vec<Entry> {
    let mut starts = Vec::new();
    let mut searched = 0;
    while let Some(found) = find_ignore_case(&value[searched..], "url=") {
        let start = searched + found;
        let before = value[..start].trim_ascii_end();
        // Elsewhere `url=` is part of a URL.
        if before.is_empty() || before.ends_with(',') {
            starts.push((before.len(), start + 4));
        }
        searched = start + 4;
    }
    let ends = starts
        .iter()
        .skip(1)
        .map(|(comma, _)| comma - 1)
        .chain([value.len()]);
    starts
        .iter()
        .zip(ends)
        .filter_map(|((_, start), end)| parse_entry(value.get(*start..end)?))
        .collect()
}

fn parse_entry(entry: &str) -> Option<Entry> {
    let (mut seq, mut rtptime) = (None, None);
    let mut url = entry;
    while let Some((before, parameter)) = url.rsplit_once(';') {
        let (name, number) = parameter.split_once('=').unwrap_or((parameter, ""));
        let number = number.trim();
        match name.trim() {
            name if name.eq_ignore_ascii_case("seq") => seq = number.parse().ok(),
            name if name.eq_ignore_ascii_case("rtptime") => rtptime = number.parse().ok(),
            _ => break,
        }
        url = before;
    }
    let url = url.trim().trim_matches('"');
    Some(Entry {
        url: String::from(url),
        seq: seq?,
        rtptime: rtptime?,
    })
    .filter(|_| !url.is_empty())
}

fn find_ignore_case(text: &str, word: &str) -> Option<usize> {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    text.windows(word.len())
        .position(|window| window.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn entry(url: &str, seq: u16, rtptime: u32) -> Entry {
        Entry {
            url: String::from(url),
            seq,
            rtptime,
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let entries = vec![
            entry("rtsp://h/cam/trackID=0", 0, u32::MAX),
            entry("rtsp://h/cam?a=1;b=2,3/trackID=1", u16::MAX, 0),
        ];
        let value = write_list(&entries);
        assert_eq!(
            value,
            "url=rtsp://h/cam/trackID=0;seq=0;rtptime=4294967295,\
             url=rtsp://h/cam?a=1;b=2,3/trackID=1;seq=65535;rtptime=0"
        );
        assert_eq!(parse_list(&value), entries);
        assert_eq!(write_list(&[]), "");
    }

    #[test]
    fn incomplete_entries_are_dropped() {
        let value =
            "url=a;seq=1, url=b;rtptime=2;seq=3 ,URL=\"c\";Seq=4;RtpTime=5,url=;seq=1;rtptime=1";
        assert_eq!(parse_list(value), [entry("b", 3, 2), entry("c", 4, 5)]);
        for value in [
            "",
            "url=",
            "seq=1",
            "url=a;seq=65536;rtptime=1",
            "url=ü;seq=-1;rtptime=x",
        ] {
            assert_eq!(parse_list(value), [], "{value}");
        }
    }
}
