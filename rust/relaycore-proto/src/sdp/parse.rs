//! Reads descriptions, with tolerance: what is not understood is skipped, and every kind of line end is taken.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::Direction;
use crate::limits::{SDP_ATTRIBUTE_BYTES, SDP_ATTRIBUTES};
use crate::rtp::PayloadType;
use crate::track::parameters;

/// A description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sdp {
    /// Name of the session.
    pub name: String,
    /// `c=` of the session, without network and address type: `239.1.1.1/16`.
    pub connection: Option<String>,
    /// Control attribute of the session: what aggregate requests are sent to.
    pub control: Option<String>,
    /// The `m=` sections in order.
    pub media: Vec<Media>,
}

/// One `m=` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// `audio`, `video`, `application`...
    pub kind: String,
    /// Port; 0 when it comes with SETUP.
    pub port: u16,
    /// Profile: `RTP/AVP`.
    pub protocol: String,
    /// Formats in order of preference.
    pub formats: Vec<Format>,
    /// `c=` of the section.
    pub connection: Option<String>,
    /// Control attribute: an absolute URL, or one relative to the session's.
    pub control: Option<String>,
    /// Who sends.
    pub direction: Direction,
    /// Attributes that describe the media and have no field here, without `a=`: `framesize:96 640-480`.
    pub attributes: Vec<String>,
}

/// One format of a section, put together from `m=`, `a=rtpmap` and `a=fmtp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// Payload type.
    pub payload_type: PayloadType,
    /// Encoding name: of `a=rtpmap`, or that of a static payload type. Empty when there is neither.
    pub encoding: String,
    /// Ticks of media time in a second, in Hz; 0 when unknown.
    pub clock_rate: u32,
    /// Audio channels; 0 when not given.
    pub channels: u8,
    /// Parameters of `a=fmtp` as one text, without the payload type.
    pub fmtp: Option<String>,
}

impl Format {
    /// Value of the parameter of `a=fmtp` called `name`, in any case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        parameters(self.fmtp.as_deref().unwrap_or(""))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

impl Sdp {
    /// Index of the section that the URI of a SETUP request names.
    ///
    /// Clients put a section's control attribute behind the URL of the stream and a slash, before or after its query.
    /// A description with one section needs no control attribute.
    #[must_use]
    pub fn media_index(&self, uri: &str) -> Option<usize> {
        let (before_query, _) = uri.split_once('?').unwrap_or((uri, ""));
        let named = self.media.iter().position(|media| {
            let control = media.control.as_deref().unwrap_or("").trim_matches('/');
            [uri, before_query].into_iter().any(|uri| {
                let uri = uri.trim_end_matches('/');
                let before = uri.strip_suffix(control).filter(|_| !control.is_empty());
                before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
            })
        });
        named.or((self.media.len() == 1).then_some(0))
    }
}

/// Reads a description. Callers bound its length: an RTSP body has a limit.
pub fn parse(text: &str) -> Result<Sdp, SdpError> {
    let mut sdp = Sdp::default();
    let mut started = false;
    for (index, line) in text.split(['\n', '\r']).enumerate() {
        let Some((kind, value)) = line.trim().split_once('=') else {
            continue;
        };
        let value = value.trim();
        match kind.trim() {
            "v" => started = true,
            "s" => sdp.name = String::from(value),
            "c" => {
                let connection = value.rsplit(' ').next().map(String::from);
                match sdp.media.last_mut() {
                    Some(media) => media.connection = connection,
                    None => sdp.connection = connection,
                }
            }
            "m" => {
                let media = parse_media(value).ok_or_else(|| {
                    let before = text.split(['\n', '\r']).take(index);
                    SdpError::MediaLine {
                        line: 1 + before.filter(|line| !line.is_empty()).count(),
                    }
                })?;
                sdp.media.push(media);
            }
            "a" => attribute(&mut sdp, value),
            _ => {}
        }
    }
    if started || !sdp.media.is_empty() {
        Ok(sdp)
    } else {
        Err(SdpError::NotSdp)
    }
}

/// Why text is no description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SdpError {
    /// It has neither a version nor a media section.
    NotSdp,
    /// An `m=` line is not of the form `m=video 0 RTP/AVP 96`.
    MediaLine {
        /// Number of the line, counted from 1 without empty ones.
        line: usize,
    },
}

impl fmt::Display for SdpError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSdp => write!(out, "the body is no session description"),
            Self::MediaLine { line } => {
                write!(
                    out,
                    "line {line} of the description is not of the form `m=video 0 RTP/AVP 96`"
                )
            }
        }
    }
}

impl core::error::Error for SdpError {}

/// Static payload types with their encoding names, clock rates and channels (RFC 3551 tables 4 and 5).
const STATIC_FORMATS: &[(u8, &str, u32, u8)] = &[
    (0, "PCMU", 8000, 1),
    (8, "PCMA", 8000, 1),
    (9, "G722", 8000, 1),
    (10, "L16", 44_100, 2),
    (11, "L16", 44_100, 1),
    (14, "MPA", 90_000, 0),
    (26, "JPEG", 90_000, 0),
    (32, "MPV", 90_000, 0),
    (33, "MP2T", 90_000, 0),
];

fn parse_media(value: &str) -> Option<Media> {
    let mut words = value.split_ascii_whitespace();
    let kind = String::from(words.next()?);
    let port = words.next()?;
    // `49170/2` is a port and how many follow it.
    let port = port
        .split_once('/')
        .map_or(port, |(first, _)| first)
        .parse()
        .ok()?;
    let protocol = String::from(words.next()?);
    let formats = words
        .filter_map(|word| word.parse().ok())
        .filter(|number| *number < 128);
    let formats = formats.map(static_format).collect();
    let direction = Direction::default();
    Some(Media {
        kind,
        port,
        protocol,
        formats,
        connection: None,
        control: None,
        direction,
        attributes: Vec::new(),
    })
}

fn static_format(payload_type: u8) -> Format {
    let known = STATIC_FORMATS
        .iter()
        .find(|(number, ..)| *number == payload_type);
    let &(_, encoding, clock_rate, channels) = known.unwrap_or(&(payload_type, "", 0, 0));
    Format {
        payload_type: PayloadType(payload_type),
        encoding: String::from(encoding),
        clock_rate,
        channels,
        fmtp: None,
    }
}

fn attribute(sdp: &mut Sdp, value: &str) {
    let (name, value) = value.split_once(':').unwrap_or((value, ""));
    let (name, value) = (name.trim(), value.trim());
    let Some(media) = sdp.media.last_mut() else {
        if name.eq_ignore_ascii_case("control") {
            sdp.control = Some(String::from(value));
        }
        return;
    };
    match name.to_ascii_lowercase().as_str() {
        "control" => media.control = Some(String::from(value)),
        "rtpmap" => {
            if let Some((format, map)) = format_of(media, value) {
                let mut parts = map.trim().split('/');
                format.encoding = String::from(parts.next().unwrap_or(""));
                format.clock_rate = parts.next().and_then(|rate| rate.parse().ok()).unwrap_or(0);
                format.channels = parts
                    .next()
                    .and_then(|count| count.parse().ok())
                    .unwrap_or(0);
            }
        }
        "fmtp" => {
            if let Some((format, parameters)) = format_of(media, value) {
                format.fmtp = Some(String::from(parameters.trim()));
            }
        }
        _ => {
            if let Some(direction) = Direction::parse(name) {
                media.direction = direction;
            } else if describes_media(name) {
                keep(&mut media.attributes, name, value);
            }
        }
    }
}

/// Attributes that say something of the media itself, and so hold for whoever it is sent on to: those of the standards,
/// those that players of camera makers look for, and every experimental one.
fn describes_media(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "cliprect",
        "extmap",
        "framerate",
        "framesize",
        "height",
        "imageattr",
        "lang",
        "maxptime",
        "orient",
        "ptime",
        "width",
    ];
    let name = name.to_ascii_lowercase();
    name.starts_with("x-") || NAMES.contains(&name.as_str())
}

fn keep(attributes: &mut Vec<String>, name: &str, value: &str) {
    if attributes.len() < SDP_ATTRIBUTES && name.len() + value.len() <= SDP_ATTRIBUTE_BYTES {
        let separator = if value.is_empty() { "" } else { ":" };
        attributes.push([name, separator, value].concat());
    }
}

/// The format that an attribute's value starts with, and what follows.
fn format_of<'m, 'v>(media: &'m mut Media, value: &'v str) -> Option<(&'m mut Format, &'v str)> {
    let (number, rest) = value.split_once([' ', '\t'])?;
    let number: u8 = number.parse().ok()?;
    let format = media
        .formats
        .iter_mut()
        .find(|format| format.payload_type.0 == number)?;
    Some((format, rest))
}
