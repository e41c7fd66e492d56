//! Tracks to format parameters (`a=fmtp`) and back, one payload format after the other.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::parse::{Format, Media};
use crate::track::{Codec, Track};
use crate::{annexb, base64, h264};

/// The parameters of a track's format; empty when it has none.
pub(super) fn write_parameters(track: &Track) -> String {
    match track.codec {
        Codec::H264 => write_h264(&track.parameters),
        Codec::Aac => write_aac(&track.parameters),
        Codec::Jpeg => String::new(),
    }
}

/// RFC 6184 section 8.1. The profile is that of the first sequence parameter set, bytes 1 to 3 of which it copies.
fn write_h264(parameter_sets: &[u8]) -> String {
    let mut out = String::from("packetization-mode=1");
    let mut encoded = String::new();
    for nal in annexb::nal_units(parameter_sets) {
        if let (SPS, Some([_, profile @ ..])) = (h264::type_of(nal[0]), nal.first_chunk::<4>())
            && encoded.is_empty()
        {
            out.push_str(";profile-level-id=");
            out.push_str(&hex(profile).to_ascii_uppercase());
        }
        if !encoded.is_empty() {
            encoded.push(',');
        }
        encoded.push_str(&base64::encode(nal));
    }
    if !encoded.is_empty() {
        out.push_str(";sprop-parameter-sets=");
        out.push_str(&encoded);
    }
    out
}

/// RFC 3640 section 4.1, mode AAC-hbr (section 3.3.6).
fn write_aac(config: &[u8]) -> String {
    let mut out = String::from(
        "streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=",
    );
    out.push_str(&hex(config));
    out
}

impl Media {
    /// The track that this section describes, by the first of its formats that relaycore carries.
    pub fn track(&self) -> Result<Track, FormatError> {
        let mut first_error = None;
        for format in &self.formats {
            match format.track() {
                Ok(track) => return Ok(track),
                Err(error) => first_error.get_or_insert(error),
            };
        }
        Err(first_error.unwrap_or(FormatError::Unsupported(String::new())))
    }
}

impl Format {
    /// The track of this format.
    pub fn track(&self) -> Result<Track, FormatError> {
        let mut track = match self.encoding.to_ascii_uppercase().as_str() {
            "H264" => self.h264()?,
            "MPEG4-GENERIC" => self.aac()?,
            "JPEG" => Track::jpeg(),
            _ => return Err(FormatError::Unsupported(self.encoding.clone())),
        };
        track.payload_type = self.payload_type;
        if self.clock_rate != 0 {
            track.clock_rate = self.clock_rate;
        }
        Ok(track)
    }

    fn h264(&self) -> Result<Track, FormatError> {
        // Mode 2 interleaves: packets that the depacketiser would have to put in order (RFC 6184 section 5.2).
        if !matches!(self.parameter("packetization-mode"), None | Some("0" | "1")) {
            return Err(FormatError::Parameter("packetization-mode"));
        }
        let mut parameters = Vec::new();
        for text in self
            .parameter("sprop-parameter-sets")
            .unwrap_or("")
            .split(',')
        {
            // A set that cannot be read comes again in-band; some cameras send such lists.
            if let Some(nal) = base64::decode(text).filter(|nal| !nal.is_empty()) {
                annexb::push_nal(&mut parameters, &nal);
            }
        }
        Ok(Track::h264(&parameters))
    }

    fn aac(&self) -> Result<Track, FormatError> {
        let lengths = [
            ("sizelength", "13"),
            ("indexlength", "3"),
            ("indexdeltalength", "3"),
        ];
        for (name, expected) in lengths {
            if self.parameter(name).is_some_and(|value| value != expected) {
                return Err(FormatError::Parameter(name));
            }
        }
        if self
            .parameter("mode")
            .is_some_and(|mode| !mode.eq_ignore_ascii_case("AAC-hbr"))
        {
            return Err(FormatError::Parameter("mode"));
        }
        let config = self.parameter("config").and_then(from_hex);
        let config = config.ok_or(FormatError::Parameter("config"))?;
        Track::aac(&config).map_err(|_| FormatError::Parameter("config"))
    }
}

/// Why a section is no track that relaycore carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// No support for a format of this encoding name; empty when the section has no format at all.
    Unsupported(String),
    /// A parameter of the format has a value that is not supported, or is missing.
    Parameter(&'static str),
}

impl fmt::Display for FormatError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(name) if name.is_empty() => write!(out, "the track names no format"),
            Self::Unsupported(name) => {
                write!(
                    out,
                    "the format {name} is not supported: use H264, AAC or JPEG"
                )
            }
            Self::Parameter(name) => {
                write!(
                    out,
                    "the format parameter {name} is missing or not supported"
                )
            }
        }
    }
}

impl core::error::Error for FormatError {}

/// Type of a NAL unit that is a sequence parameter set (ITU-T H.264 table 7-1).
const SPS: u8 = 7;

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}
