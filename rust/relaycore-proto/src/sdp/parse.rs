//! Reads descriptions, with tolerance: what is not understood is skipped, and every kind of line end is taken.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::Direction;
use crate::rtp::PayloadType;

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
    /// Parameters of `a=fmtp`, in order.
    pub parameters: Vec<(String, String)>,
}

impl Format {
    /// Value of the parameter called `name`, in any case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let known = self
            .parameters
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, value)| value.as_str())
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
        parameters: Vec::new(),
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
                format.parameters = parse_parameters(parameters);
            }
        }
        _ => {
            if let Some(direction) = Direction::parse(name) {
                media.direction = direction;
            }
        }
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

fn parse_parameters(text: &str) -> Vec<(String, String)> {
    let parameters = text
        .split(';')
        .map(str::trim)
        .filter(|parameter| !parameter.is_empty());
    let pairs = parameters.map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        (String::from(name.trim()), String::from(value.trim()))
    });
    pairs.collect()
}
