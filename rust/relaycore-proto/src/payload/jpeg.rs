//! Motion JPEG over RTP (RFC 2435).
//!
//! Only the picture data and the quantisation tables are carried; the receiver makes the rest anew.
//!
//! ```text
//! main header      | type-specific u8 | fragment offset u24 | type u8 | Q u8 | width / 8 | height / 8 |   section 3.1
//! restart header   | restart interval u16 | F L count (14 bits) |          types 64 to 127               section 3.1.7
//! tables header    | 0 | precision u8 | length u16 | tables |              Q >= 128, first packet        section 3.1.8
//! ```

use alloc::vec::Vec;

use super::assemble::{Assembler, Format, OpenPicture};
use super::{PayloadError, checked_limit, even_fragment};
use crate::burst::{BurstBuilder, RtpWriter};
use crate::jpeg::tables::{self, STANDARD_HUFFMAN};
use crate::jpeg::{Coding, Picture, Sampling, segments::marker};
use crate::limits::{INTERLEAVED_HEADER_BYTES, RTP_HEADER_BYTES};

/// Largest width and height: eight bits count units of eight pixels.
pub const PIXELS_MAX: u32 = 255 * 8;

const MAIN_HEADER_BYTES: usize = 8;
const RESTART_HEADER_BYTES: usize = 4;
const TABLES_HEADER_BYTES: usize = 4;

/// Bytes of the two quantisation tables, and of one.
const TABLES_BYTES: usize = 128;
const TABLE_BYTES: usize = 64;

/// Type of 4:2:2 and of 4:2:0, and what is added to it when there are restart markers.
const TYPE_422: u8 = 0;
const TYPE_420: u8 = 1;
const TYPE_RESTART: u8 = 64;

/// Q of tables that are in the packets and may change with each picture.
const Q_IN_BAND: u8 = 255;

/// F, L and count of packets that do not begin at restart markers.
const RESTART_UNALIGNED: u16 = 0xffff;

/// Appends the packets of one JPEG picture to `out`; the last one carries the marker.
///
/// RFC 2435 carries baseline pictures of at most 2040 x 2040 pixels, 4:2:2 or 4:2:0, with the standard Huffman tables; all
/// others are refused with [`PayloadError::JpegNotCarried`]. A width or height that is no multiple of eight is rounded up:
/// the receiver sees the padding of the last blocks. On an error nothing was appended.
pub fn packetise(
    jpeg: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    let limit = checked_limit(max_payload)?;
    let picture = Picture::read(jpeg)?;
    let carried = Carried::check(&picture)?;

    // The end of image marker is optional, and spares receivers the search for a missing one.
    let mut scan = Vec::with_capacity(picture.scans.len() + 2);
    scan.extend_from_slice(picture.scans);
    scan.extend_from_slice(&[0xff, marker::EOI]);
    if scan.len() >= 1 << 24 {
        return Err(PayloadError::JpegNotCarried {
            what: "more than 16 MiB of picture data",
        });
    }

    let restart = picture.info.restart_interval;
    let mut kind = carried.kind;
    let mut restart_header = Vec::new();
    if restart > 0 {
        kind += TYPE_RESTART;
        restart_header.extend_from_slice(&restart.to_be_bytes());
        restart_header.extend_from_slice(&RESTART_UNALIGNED.to_be_bytes());
    }
    let mut tables_header = Vec::with_capacity(TABLES_HEADER_BYTES + TABLES_BYTES);
    tables_header.extend_from_slice(&[0, 0, 0, TABLES_BYTES as u8]);
    tables_header.extend_from_slice(carried.luma_steps);
    tables_header.extend_from_slice(carried.chroma_steps);

    // The first packet has less room; its size, tables included, is that of the others.
    let head = MAIN_HEADER_BYTES + restart_header.len();
    let size = even_fragment(scan.len() + tables_header.len(), limit - head);
    out.reserve(
        (scan.len() / size + 2) * (INTERLEAVED_HEADER_BYTES + RTP_HEADER_BYTES + head)
            + scan.len()
            + tables_header.len(),
    );
    let mut offset = 0;
    while offset < scan.len() {
        let tables = if offset == 0 { &tables_header[..] } else { &[] };
        let room = size.max(tables.len() + 1) - tables.len();
        let end = scan.len().min(offset + room);
        let [_, high, middle, low] = (offset as u32).to_be_bytes();
        let header = [
            0,
            high,
            middle,
            low,
            kind,
            Q_IN_BAND,
            carried.width_units,
            carried.height_units,
        ];
        let parts = [&header[..], &restart_header, tables, &scan[offset..end]];
        rtp.write(out, timestamp, end == scan.len(), &parts);
        offset = end;
    }
    Ok(())
}

/// What of a picture goes into the headers.
struct Carried<'a> {
    kind: u8,
    width_units: u8,
    height_units: u8,
    luma_steps: &'a [u8],
    chroma_steps: &'a [u8],
}

impl<'a> Carried<'a> {
    fn check(picture: &Picture<'a>) -> Result<Self, PayloadError> {
        let refuse = |what| Err(PayloadError::JpegNotCarried { what });
        let info = &picture.info;
        if info.coding != Coding::Baseline || !picture.has_one_scan {
            return refuse("it is not baseline");
        }
        if info.width > PIXELS_MAX || info.height > PIXELS_MAX {
            return refuse("it is larger than 2040 pixels");
        }
        let [luma, blue, red] = picture.components[..] else {
            return refuse("it has no colour");
        };
        let kind = match (luma.factors, blue.factors, red.factors) {
            ((2, 1), (1, 1), (1, 1)) => TYPE_422,
            ((2, 2), (1, 1), (1, 1)) => TYPE_420,
            _ if info.sampling == Sampling::Yuv444 => {
                return refuse("its colour sampling is 4:4:4");
            }
            _ => return refuse("its colour sampling is neither 4:2:0 nor 4:2:2"),
        };
        let steps = |destination: u8| picture.quantisation[usize::from(destination)].unwrap_or(&[]);
        let (luma_steps, chroma_steps) = (steps(luma.quantisation), steps(blue.quantisation));
        if luma_steps.len() != TABLE_BYTES || chroma_steps.len() != TABLE_BYTES {
            return refuse("its quantisation tables have 16 bits");
        }
        if steps(red.quantisation) != chroma_steps {
            return refuse("its colour components have different quantisation tables");
        }
        if !has_standard_huffman(picture) {
            return refuse("its Huffman tables are not the standard ones");
        }
        Ok(Self {
            kind,
            width_units: info.width.div_ceil(8) as u8,
            height_units: info.height.div_ceil(8) as u8,
            luma_steps,
            chroma_steps,
        })
    }
}

/// Whether each component is coded with the standard table of its kind, which one that is missing stands for.
fn has_standard_huffman(picture: &Picture<'_>) -> bool {
    picture
        .scan_components
        .iter()
        .zip(&picture.components)
        .enumerate()
        .all(|(index, (scan, component))| {
            let is_standard = |class: usize, destination: u8| {
                let wanted = STANDARD_HUFFMAN.iter().find(|standard| {
                    standard.class == class && standard.destination == index.min(1)
                });
                let wanted = wanted.map(|standard| standard.table);
                match picture.huffman[class][usize::from(destination)] {
                    Some(table) => Some(table) == wanted,
                    None => usize::from(destination) == index.min(1),
                }
            };
            scan.id == component.id && is_standard(0, scan.dc) && is_standard(1, scan.ac)
        })
}

/// Puts pictures together from received packets, each as a whole JFIF file.
///
/// A picture that misses a packet is discarded: each picture that is given is complete.
pub type Depacketiser = Assembler<Jpeg>;

/// The payload format, for [`Depacketiser`].
#[derive(Clone, Debug, Default)]
pub struct Jpeg {
    /// What the first packet of the picture at hand said.
    start: Option<Start>,
    /// Tables that a sender gave once for a Q of 128 to 254.
    known_tables: Option<(u8, [u8; TABLES_BYTES])>,
}

/// The headers of a picture's first packet.
#[derive(Clone, Debug)]
struct Start {
    main: MainHeader,
    restart_interval: u16,
    tables: [u8; TABLES_BYTES],
}

/// What of the main header is the same in all packets of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MainHeader {
    kind: u8,
    quality: u8,
    width_units: u8,
    height_units: u8,
}

impl Format for Jpeg {
    /// The data of the picture at hand is its picture data; the rest is put around it in the end.
    fn take(&mut self, picture: &mut OpenPicture, payload: &[u8]) -> Result<(), PayloadError> {
        let (header, mut rest) = payload
            .split_first_chunk::<MAIN_HEADER_BYTES>()
            .ok_or(PayloadError::Truncated)?;
        let &[
            specific,
            o2,
            o1,
            o0,
            kind,
            quality,
            width_units,
            height_units,
        ] = header;
        let offset = u32::from_be_bytes([0, o2, o1, o0]) as usize;
        let main = MainHeader {
            kind,
            quality,
            width_units,
            height_units,
        };
        main.check(specific)?;
        let restart_interval = if kind >= TYPE_RESTART {
            let (&[high, low, _, _], after) = rest
                .split_first_chunk::<RESTART_HEADER_BYTES>()
                .ok_or(PayloadError::Truncated)?;
            rest = after;
            u16::from_be_bytes([high, low])
        } else {
            0
        };

        if offset == 0 {
            let tables = self.take_tables(quality, &mut rest)?;
            self.start = Some(Start {
                main,
                restart_interval,
                tables,
            });
            picture.restart();
        } else if picture.open.is_none() {
            // The start of the picture is lost: the others are of no use.
            return Ok(());
        }
        let is_same = self.start.as_ref().is_some_and(|start| start.main == main);
        if !is_same || picture.data.len() != offset {
            return Err(PayloadError::Inconsistent {
                what: "a JPEG fragment of another picture or place",
            });
        }
        picture.data.extend_from_slice(rest);
        Ok(())
    }

    fn finish(&mut self, picture: &mut OpenPicture) -> bool {
        if let Some(start) = self.start.take().filter(|_| !picture.data.is_empty()) {
            picture.data = start.into_file(&picture.data);
        }
        true
    }
}

impl Jpeg {
    /// The quantisation tables for `quality`, from the packet where they are in it.
    fn take_tables(
        &mut self,
        quality: u8,
        rest: &mut &[u8],
    ) -> Result<[u8; TABLES_BYTES], PayloadError> {
        if quality < 128 {
            return Ok(tables::quantisation(quality));
        }
        let (&[_, precision, high, low], after) = rest
            .split_first_chunk::<TABLES_HEADER_BYTES>()
            .ok_or(PayloadError::Truncated)?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (data, after) = after
            .split_at_checked(length)
            .ok_or(PayloadError::Truncated)?;
        *rest = after;
        if length == 0 {
            return match self.known_tables {
                Some((known, tables)) if known == quality => Ok(tables),
                _ => Err(PayloadError::Inconsistent {
                    what: "no JPEG quantisation tables so far",
                }),
            };
        }
        if precision & 3 != 0 {
            return Err(PayloadError::Unsupported {
                what: "a JPEG quantisation table of 16 bits",
            });
        }
        let mut tables = [0; TABLES_BYTES];
        match length {
            // Some cameras have one table for all components.
            TABLE_BYTES => {
                tables[..TABLE_BYTES].copy_from_slice(data);
                tables[TABLE_BYTES..].copy_from_slice(data);
            }
            _ if length >= TABLES_BYTES => tables.copy_from_slice(&data[..TABLES_BYTES]),
            _ => return Err(PayloadError::Truncated),
        }
        if quality < Q_IN_BAND {
            self.known_tables = Some((quality, tables));
        }
        Ok(tables)
    }
}

impl MainHeader {
    fn check(&self, type_specific: u8) -> Result<(), PayloadError> {
        if type_specific != 0 {
            return Err(PayloadError::Unsupported {
                what: "interlaced JPEG",
            });
        }
        if !matches!(self.kind & !TYPE_RESTART, TYPE_422 | TYPE_420) {
            return Err(PayloadError::Unsupported {
                what: "a JPEG type other than 0, 1, 64 and 65",
            });
        }
        if self.quality == 0 {
            return Err(PayloadError::Unsupported {
                what: "the reserved JPEG quality 0",
            });
        }
        if self.width_units == 0 || self.height_units == 0 {
            return Err(PayloadError::Unsupported {
                what: "a JPEG larger than 2040 pixels",
            });
        }
        Ok(())
    }
}

impl Start {
    /// The whole JFIF file around the picture data in `scan`.
    fn into_file(self, scan: &[u8]) -> Vec<u8> {
        let mut data = Vec::with_capacity(HEADERS_BYTES + scan.len());
        let width = u16::from(self.main.width_units) * 8;
        let height = u16::from(self.main.height_units) * 8;
        let factors = if self.main.kind & !TYPE_RESTART == TYPE_420 {
            0x22
        } else {
            0x21
        };
        let [h1, h0] = height.to_be_bytes();
        let [w1, w0] = width.to_be_bytes();
        let (luma_steps, chroma_steps) = self.tables.split_at(TABLE_BYTES);

        data.extend_from_slice(&[0xff, marker::SOI]);
        push_segment(
            &mut data,
            marker::APP0,
            &[b"JFIF\0", &[1, 1, 0, 0, 1, 0, 1, 0, 0][..]],
        );
        push_segment(
            &mut data,
            marker::DQT,
            &[&[0], luma_steps, &[1], chroma_steps],
        );
        let frame = [8, h1, h0, w1, w0, 3, 1, factors, 0, 2, 0x11, 1, 3, 0x11, 1];
        push_segment(&mut data, marker::SOF0, &[&frame]);
        tables::push_missing_huffman(&mut data, &[[None; 4]; 2]);
        if self.restart_interval > 0 {
            push_segment(
                &mut data,
                marker::DRI,
                &[&self.restart_interval.to_be_bytes()],
            );
        }
        push_segment(
            &mut data,
            marker::SOS,
            &[&[3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0]],
        );
        data.extend_from_slice(scan);
        if !scan.ends_with(&[0xff, marker::EOI]) {
            data.extend_from_slice(&[0xff, marker::EOI]);
        }
        data
    }
}

/// Room for all that is put around the picture data.
const HEADERS_BYTES: usize = 1024;

/// Appends a segment whose payload is `parts`, which are short.
fn push_segment(out: &mut Vec<u8>, marker: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let [high, low] = (length as u16 + 2).to_be_bytes();
    out.extend_from_slice(&[0xff, marker, high, low]);
    for part in parts {
        out.extend_from_slice(part);
    }
}
