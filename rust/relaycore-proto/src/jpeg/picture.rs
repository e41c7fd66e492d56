//! The parts of a JPEG picture, found and kept as slices.

use alloc::vec::Vec;

use super::segments::{ScanEnd, Segment, Segments, is_application, marker};
use super::{Coding, Info, JpegError, Sampling};
use crate::limits::JPEG_PIXELS_MAX;
use crate::scan::find_byte;

/// Most segments that are kept: a picture has less than twenty.
const KEPT_MAX: usize = 256;

/// A component of the frame header (T.81 section B.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) id: u8,
    /// Horizontal and vertical sampling factor.
    pub(crate) factors: (u8, u8),
    /// Destination of its quantisation table.
    pub(crate) quantisation: u8,
}

/// A component of the scan header (section B.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScanComponent {
    pub(crate) id: u8,
    /// Destinations of its Huffman tables.
    pub(crate) dc: u8,
    pub(crate) ac: u8,
}

/// A picture that has all it needs to be decoded, once the standard Huffman tables stand in for missing ones.
#[derive(Clone, Debug)]
pub(crate) struct Picture<'a> {
    pub(crate) info: Info,
    pub(crate) components: Vec<Component>,
    pub(crate) scan_components: Vec<ScanComponent>,
    /// Quantisation tables in zigzag order: 64 bytes, or 128 where they have 16 bits.
    pub(crate) quantisation: [Option<&'a [u8]>; 4],
    /// Huffman tables, DC then AC: 16 counts and the values.
    pub(crate) huffman: [[Option<&'a [u8]>; 4]; 2],
    /// The frame header, the scan header, and other segments worth keeping, in order.
    pub(crate) kept: Vec<Segment<'a>>,
    /// Entropy-coded data, and what stands between scans where there are several. Ends before the end of image marker.
    pub(crate) scans: &'a [u8],
    /// Whether there is one scan, as RTP needs it.
    pub(crate) has_one_scan: bool,
}

impl<'a> Picture<'a> {
    /// Reads a picture, over everything that does not touch its content.
    pub(crate) fn read(data: &'a [u8]) -> Result<Self, JpegError> {
        let start = find_start(data).ok_or(JpegError::NoStart)?;
        // The length of an application segment can be wrong and lead to a later segment all the same. Then something is
        // missing that stands within.
        Self::read_from(data, start, false)
            .or_else(|error| Self::read_from(data, start, true).map_err(|_| error))
    }

    fn read_from(data: &'a [u8], start: usize, distrust: bool) -> Result<Self, JpegError> {
        let mut segments = Segments::new(data, start + 2, distrust);
        let mut header = Header::new(start);
        loop {
            let Some(segment) = segments.next() else {
                let missing = if header.frame.is_some() {
                    JpegError::NoScan
                } else {
                    JpegError::NoFrame
                };
                return Err(missing);
            };
            match segment.marker {
                marker::SOI => header.nested_picture(data, segment.at, &mut segments),
                marker::SOS => {
                    header.kept.push(segment);
                    return header.finish(data, segment, segments);
                }
                _ => header.take(segment, &mut segments)?,
            }
        }
    }
}

/// What was read before the scan header.
struct Header<'a> {
    start: usize,
    frame: Option<Frame>,
    restart_interval: u16,
    quantisation: [Option<&'a [u8]>; 4],
    huffman: [[Option<&'a [u8]>; 4]; 2],
    kept: Vec<Segment<'a>>,
}

struct Frame {
    coding: Coding,
    width: u32,
    height: u32,
    components: Vec<Component>,
}

impl<'a> Header<'a> {
    fn new(start: usize) -> Self {
        Self {
            start,
            frame: None,
            restart_interval: 0,
            quantisation: [None; 4],
            huffman: [[None; 4]; 2],
            kept: Vec::new(),
        }
    }

    /// Another start of image within the header: a doubled one, a thumbnail whose application segment has a wrong length,
    /// or the real picture behind the broken start of a former one.
    fn nested_picture(&mut self, data: &'a [u8], at: usize, segments: &mut Segments<'a>) {
        segments.note_odd();
        if at == self.start + 2 {
            return;
        }
        let behind = find_end_of_image(data, at).and_then(|end| segments.find_segment(end));
        match behind {
            Some(behind) => segments.skip_to(behind),
            None => *self = Self::new(at),
        }
    }

    fn take(&mut self, segment: Segment<'a>, segments: &mut Segments<'a>) -> Result<(), JpegError> {
        let is_whole = match segment.marker {
            marker::DQT => self.take_quantisation_tables(segment.payload).is_some(),
            marker::DHT => self.take_huffman_tables(segment.payload).is_some(),
            marker::DRI => self.take_restart_interval(segment.payload).is_some(),
            marker::SOF0..=0xcf if !matches!(segment.marker, marker::JPG | marker::DAC) => {
                self.frame = Some(Frame::read(segment)?);
                true
            }
            _ => true,
        };
        if !is_whole {
            segments.note_odd();
        }
        // JFIF and Adobe segments say how to turn components into colours.
        let tells_colours = match segment.marker {
            marker::APP0 => segment.payload.starts_with(b"JFIF\0"),
            marker::APP14 => segment.payload.starts_with(b"Adobe"),
            _ => false,
        };
        if tells_colours || !is_application(segment.marker) {
            if self.kept.len() == KEPT_MAX {
                return Err(JpegError::TooManySegments);
            }
            self.kept.push(segment);
        }
        Ok(())
    }

    /// `None` when the segment ends within a table.
    fn take_quantisation_tables(&mut self, mut rest: &'a [u8]) -> Option<()> {
        while let Some((&head, after)) = rest.split_first() {
            let size = if head >> 4 == 0 { 64 } else { 128 };
            let (table, after) = after.split_at_checked(size)?;
            *self.quantisation.get_mut(usize::from(head & 0x0f))? = Some(table);
            rest = after;
        }
        Some(())
    }

    /// `None` when the segment ends within a table.
    fn take_huffman_tables(&mut self, mut rest: &'a [u8]) -> Option<()> {
        while let Some((&head, after)) = rest.split_first() {
            let counts = after.get(..16)?;
            let values: usize = counts.iter().map(|&count| usize::from(count)).sum();
            let (table, after) = after.split_at_checked(16 + values)?;
            let class = self.huffman.get_mut(usize::from(head >> 4))?;
            *class.get_mut(usize::from(head & 0x0f))? = Some(table);
            rest = after;
        }
        Some(())
    }

    fn take_restart_interval(&mut self, payload: &[u8]) -> Option<()> {
        let bytes = payload.first_chunk::<2>()?;
        self.restart_interval = u16::from_be_bytes(*bytes);
        Some(())
    }

    /// Reads the scan header and finds the end of the picture.
    fn finish(
        self,
        data: &'a [u8],
        scan_header: Segment<'a>,
        mut segments: Segments<'a>,
    ) -> Result<Picture<'a>, JpegError> {
        let frame = self.frame.ok_or(JpegError::NoFrame)?;
        let scan_components = read_scan_header(scan_header.payload).ok_or(JpegError::NoScan)?;
        if !scan_components
            .iter()
            .all(|scan| frame.components.iter().any(|part| part.id == scan.id))
        {
            return Err(JpegError::NoScan);
        }

        let has_one_scan =
            scan_components.len() == frame.components.len() && frame.coding != Coding::Progressive;
        segments.trust();
        let scans_start = segments.at();
        let mut ending = segments.skip_scan(has_one_scan);
        let mut scans_end = segments.at();
        let mut quantisation = self.quantisation;
        while ending == ScanEnd::Segment {
            let Some(segment) = segments.next() else {
                break;
            };
            match segment.marker {
                marker::SOI => break,
                marker::DQT => {
                    // Tables may come before the scan that needs them first.
                    let mut between = Header::new(0);
                    between.quantisation = quantisation;
                    let _ = between.take_quantisation_tables(segment.payload);
                    quantisation = between.quantisation;
                }
                _ => {}
            }
            ending = segments.skip_scan(false);
            scans_end = segments.at();
        }
        for component in &frame.components {
            if quantisation[usize::from(component.quantisation)].is_none() {
                return Err(JpegError::NoQuantisationTable);
            }
        }

        let ends_with_eoi = ending == ScanEnd::EndOfImage;
        let scans = without_padding(&data[scans_start..scans_end], ends_with_eoi);
        if scans.is_empty() {
            return Err(JpegError::NoData);
        }
        // The first pass of a progressive picture has no use for AC tables.
        let needs_ac = frame.coding != Coding::Progressive;
        let used = scan_components
            .iter()
            .flat_map(|part| [(0, part.dc), (1, part.ac)]);
        let mut missing = used
            .filter(|&(class, _)| class == 0 || needs_ac)
            .map(|(class, destination)| (class, usize::from(destination)))
            .filter(|&(class, destination)| self.huffman[class][destination].is_none())
            .peekable();
        let has_huffman_tables = missing.peek().is_none();
        if missing.any(|(_, destination)| destination > 1) {
            return Err(JpegError::NoHuffmanTable);
        }
        let info = Info {
            width: frame.width,
            height: frame.height,
            sampling: sampling(&frame.components),
            coding: frame.coding,
            restart_interval: self.restart_interval,
            ends_with_eoi,
            has_huffman_tables,
            start: self.start,
            end: if ends_with_eoi {
                scans_end + 2
            } else {
                scans_start + scans.len()
            },
            odd_segments: segments.odd,
        };
        Ok(Picture {
            info,
            components: frame.components,
            scan_components,
            quantisation,
            huffman: self.huffman,
            kept: self.kept,
            scans,
            has_one_scan,
        })
    }
}

impl Frame {
    /// Reads a frame header (section B.2.2).
    fn read(segment: Segment<'_>) -> Result<Self, JpegError> {
        let Some((&[_, h1, h0, w1, w0, count], rest)) = segment.payload.split_first_chunk::<6>()
        else {
            return Err(JpegError::BrokenFrame);
        };
        let count = usize::from(count);
        if !(1..=4).contains(&count) || rest.len() < count * 3 {
            return Err(JpegError::BrokenFrame);
        }
        let width = u32::from(u16::from_be_bytes([w1, w0]));
        let height = u32::from(u16::from_be_bytes([h1, h0]));
        if width == 0 || height == 0 || width * height > JPEG_PIXELS_MAX {
            return Err(JpegError::Size { width, height });
        }
        let components = rest.chunks_exact(3).take(count).map(|part| Component {
            id: part[0],
            factors: (part[1] >> 4, part[1] & 0x0f),
            quantisation: part[2],
        });
        let components: Vec<_> = components.collect();
        let is_possible = |part: &Component| {
            (1..=4).contains(&part.factors.0)
                && (1..=4).contains(&part.factors.1)
                && part.quantisation < 4
        };
        if !components.iter().all(is_possible) {
            return Err(JpegError::BrokenFrame);
        }
        let coding = match segment.marker {
            marker::SOF0 => Coding::Baseline,
            marker::SOF1 => Coding::Extended,
            marker::SOF2 => Coding::Progressive,
            _ => Coding::Other,
        };
        Ok(Self {
            coding,
            width,
            height,
            components,
        })
    }
}

fn read_scan_header(payload: &[u8]) -> Option<Vec<ScanComponent>> {
    let (&count, rest) = payload.split_first()?;
    let count = usize::from(count);
    if !(1..=4).contains(&count) || rest.len() < count * 2 {
        return None;
    }
    let parts = rest.chunks_exact(2).take(count).map(|part| ScanComponent {
        id: part[0],
        dc: part[1] >> 4,
        ac: part[1] & 0x0f,
    });
    let parts: Vec<_> = parts.collect();
    parts
        .iter()
        .all(|part| part.dc < 4 && part.ac < 4)
        .then_some(parts)
}

fn sampling(components: &[Component]) -> Sampling {
    let [luma, blue, red] = components else {
        return if components.len() == 1 {
            Sampling::Grey
        } else {
            Sampling::Other
        };
    };
    let (chroma, luma) = (blue.factors, luma.factors);
    if red.factors != chroma || luma.0 % chroma.0 != 0 || luma.1 % chroma.1 != 0 {
        return Sampling::Other;
    }
    match (luma.0 / chroma.0, luma.1 / chroma.1) {
        (1, 1) => Sampling::Yuv444,
        (1, 2) => Sampling::Yuv440,
        (2, 1) => Sampling::Yuv422,
        (2, 2) => Sampling::Yuv420,
        (4, 1) => Sampling::Yuv411,
        _ => Sampling::Other,
    }
}

/// Offset of the first start of image marker that another marker follows.
fn find_start(data: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = find_byte(data, from, 0xff)?;
        if let [0xff, marker::SOI, 0xff, ..] = data[at..] {
            return Some(at);
        }
        from = at + 1;
    }
}

/// Offset behind the first end of image marker behind `from`.
fn find_end_of_image(data: &[u8], from: usize) -> Option<usize> {
    let mut from = from;
    loop {
        let at = find_byte(data, from, 0xff)?;
        if data.get(at + 1) == Some(&marker::EOI) {
            return Some(at + 2);
        }
        from = at + 1;
    }
}

/// Entropy-coded data without the padding of a buffer that has no end of image marker. A few zeros may belong to the
/// picture; a long run of them, or of FF, does not.
fn without_padding(scan: &[u8], is_ended: bool) -> &[u8] {
    if is_ended {
        return scan;
    }
    let used = scan
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    let zeros = scan.len() - used;
    let scan = if zeros > 8 { &scan[..used] } else { scan };
    let used = scan
        .iter()
        .rposition(|&byte| byte != 0xff)
        .map_or(0, |last| last + 1);
    &scan[..used]
}
