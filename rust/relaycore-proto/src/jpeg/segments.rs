//! Walking over the segments of a JPEG picture, however broken they are, in time proportional to its length.

use crate::scan::find_byte;

/// Markers (T.81 table B.1): the byte behind FF.
pub(crate) mod marker {
    pub(crate) const SOF0: u8 = 0xc0;
    pub(crate) const SOF1: u8 = 0xc1;
    pub(crate) const SOF2: u8 = 0xc2;
    pub(crate) const DHT: u8 = 0xc4;
    pub(crate) const JPG: u8 = 0xc8;
    pub(crate) const DAC: u8 = 0xcc;
    pub(crate) const RST0: u8 = 0xd0;
    pub(crate) const RST7: u8 = 0xd7;
    pub(crate) const SOI: u8 = 0xd8;
    pub(crate) const EOI: u8 = 0xd9;
    pub(crate) const SOS: u8 = 0xda;
    pub(crate) const DQT: u8 = 0xdb;
    pub(crate) const DRI: u8 = 0xdd;
    pub(crate) const APP0: u8 = 0xe0;
    pub(crate) const APP14: u8 = 0xee;
    pub(crate) const APP15: u8 = 0xef;
    pub(crate) const COM: u8 = 0xfe;
}

/// Most bytes of padding between two segments that are looked over before a segment's length is doubted.
const PADDING_MAX: usize = 16;

/// One segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) marker: u8,
    /// Content behind the length; empty for markers without length.
    pub(crate) payload: &'a [u8],
    /// Offset of the marker's FF.
    pub(crate) at: usize,
}

/// How the entropy-coded data behind a scan header ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScanEnd {
    /// At the end of image marker.
    EndOfImage,
    /// At another segment: more scans, tables between them, or the number of lines.
    Segment,
    /// At the start of another picture, or with the data.
    Data,
}

/// The place reached within a picture.
#[derive(Clone, Debug)]
pub(crate) struct Segments<'a> {
    data: &'a [u8],
    at: usize,
    distrust: bool,
    /// Things read over.
    pub(crate) odd: u32,
}

impl<'a> Segments<'a> {
    /// Starts at the marker at `at`. With `distrust`, lengths of application segments are not believed: the next segment
    /// is searched for.
    pub(crate) fn new(data: &'a [u8], at: usize, distrust: bool) -> Self {
        Self {
            data,
            at,
            distrust,
            odd: 0,
        }
    }

    /// The place reached.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Continues at `at`, which is not before the place reached.
    pub(crate) fn skip_to(&mut self, at: usize) {
        self.at = self.at.max(at);
    }

    /// Believes lengths from here on.
    pub(crate) fn trust(&mut self) {
        self.distrust = false;
    }

    /// Notes that something was read over.
    pub(crate) fn note_odd(&mut self) {
        self.odd = self.odd.saturating_add(1);
    }

    /// Position of the next marker that starts a believable segment at or behind `from`.
    pub(crate) fn find_segment(&self, from: usize) -> Option<usize> {
        let mut from = from;
        loop {
            let at = find_byte(self.data, from, 0xff)?;
            if self.is_believable(at) {
                return Some(at);
            }
            from = at + 1;
        }
    }

    /// The next segment with a length, or start of image. `None` at the end of the data.
    pub(crate) fn next(&mut self) -> Option<Segment<'a>> {
        loop {
            let Some(at) = marker_at(self.data, self.at, usize::MAX) else {
                self.note_odd();
                self.at = self.find_segment(self.at)?;
                continue;
            };
            let marker = self.data[at + 1];
            if marker == marker::SOI {
                self.at = at + 2;
                return Some(Segment {
                    marker,
                    payload: &[],
                    at,
                });
            }
            if !has_length(marker) {
                self.note_odd();
                self.at = at + 2;
                continue;
            }
            let Some(end) = segment_end(self.data, at) else {
                self.note_odd();
                self.at = self.find_segment(at + 2)?;
                continue;
            };
            self.at = if !is_application(marker) {
                end
            } else if let Some(next) = self.end_of_application(end) {
                next
            } else {
                // The length is wrong: what follows is somewhere within, or far behind.
                self.note_odd();
                self.at = self.find_segment(at + 4)?;
                continue;
            };
            return Some(Segment {
                marker,
                payload: &self.data[at + 4..end],
                at,
            });
        }
    }

    /// Goes over entropy-coded data. Afterwards the place reached is its end: the marker that ends it, or the end of
    /// the data. In the last scan of a picture, what looks like a segment is damage: nothing but the end may follow.
    pub(crate) fn skip_scan(&mut self, is_last: bool) -> ScanEnd {
        let mut from = self.at;
        while let Some(at) = find_byte(self.data, from, 0xff) {
            let Some(&marker) = self.data.get(at + 1) else {
                break;
            };
            from = at + 2;
            let end = match marker {
                0 | marker::RST0..=marker::RST7 => continue,
                0xff => {
                    from = at + 1;
                    continue;
                }
                marker::EOI => ScanEnd::EndOfImage,
                marker::SOI if self.is_believable(at) => ScanEnd::Data,
                _ if !is_last && self.is_believable(at) => ScanEnd::Segment,
                _ => {
                    self.note_odd();
                    continue;
                }
            };
            self.at = at;
            return end;
        }
        self.at = self.data.len();
        ScanEnd::Data
    }

    /// Where the segment behind an application segment that ends at `end` starts: there, or behind a little padding.
    /// `None` when the length is not to be believed.
    fn end_of_application(&mut self, end: usize) -> Option<usize> {
        if self.distrust {
            return None;
        }
        if self.is_followed_by_segment(end) {
            return Some(end);
        }
        let behind = &self.data[end..];
        let padding = behind
            .iter()
            .take(PADDING_MAX)
            .take_while(|&&byte| byte == 0 || byte == b' ')
            .count();
        // An odd length is made even with one byte of anything.
        let next = [end + padding, end + 1]
            .into_iter()
            .find(|&at| self.is_believable(at))?;
        self.note_odd();
        Some(next)
    }

    /// Whether a segment that ends at `end` is followed by another one, as it must be.
    fn is_followed_by_segment(&self, end: usize) -> bool {
        marker_at(self.data, end, PADDING_MAX).is_some_and(|at| {
            let marker = self.data[at + 1];
            has_length(marker) || matches!(marker, marker::SOI | marker::EOI)
        })
    }

    /// Whether the FF at `at` looks like the start of a segment: a known marker with a length that leads to the next
    /// marker, or the start of a picture.
    fn is_believable(&self, at: usize) -> bool {
        let Some(&[0xff, marker]) = self.data.get(at..at + 2) else {
            return false;
        };
        if marker == marker::SOI {
            return marker_at(self.data, at + 2, PADDING_MAX)
                .is_some_and(|next| has_length(self.data[next + 1]));
        }
        if !has_length(marker) {
            return false;
        }
        match segment_end(self.data, at) {
            None => false,
            Some(end) if marker == marker::SOS => {
                let components = self.data.get(at + 4).copied().unwrap_or(0);
                end - at == 8 + 2 * usize::from(components)
            }
            Some(end) => self.is_followed_by_segment(end),
        }
    }
}

/// Position of the last FF of the marker at `at`, which any number of FF may precede (section B.1.1.2), but no more than
/// `fill_max` are looked over.
fn marker_at(data: &[u8], at: usize, fill_max: usize) -> Option<usize> {
    let rest = data.get(at..)?;
    let fill = rest
        .iter()
        .take(fill_max.saturating_add(1))
        .take_while(|&&byte| byte == 0xff)
        .count();
    match rest.get(fill) {
        Some(&marker) if fill > 0 && marker != 0 && marker != 0xff => Some(at + fill - 1),
        _ => None,
    }
}

/// Offset behind the segment at `at`; `None` when its length is impossible.
fn segment_end(data: &[u8], at: usize) -> Option<usize> {
    let length = data.get(at + 2..at + 4)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    let end = at + 2 + length;
    (length >= 2 && end <= data.len()).then_some(end)
}

/// Whether a length follows the marker.
fn has_length(marker: u8) -> bool {
    matches!(
        marker,
        marker::SOF0..=0xcf | marker::SOS..=marker::DRI | marker::APP0..=marker::APP15 | marker::COM
    )
}

/// Segments that hold nothing of the picture, and that cameras get wrong.
pub(crate) fn is_application(marker: u8) -> bool {
    matches!(marker, marker::APP0..=marker::APP15 | marker::COM)
}
