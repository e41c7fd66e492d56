//! What a decoder needs to start, between the bytes of a track and the text of `a=fmtp`.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::FormatError;
use crate::aac::AudioSpecificConfig;
use crate::track::{Codec, ForeignFormat, Track};
use crate::{annexb, base64, h264, h265};

/// The parameters that `format` holds; empty where they come with the packets.
pub(super) fn read(codec: Codec, format: &ForeignFormat) -> Result<Vec<u8>, FormatError> {
    match codec {
        Codec::H264 => Ok(read_sets(format, &["sprop-parameter-sets"])),
        Codec::H265 => Ok(read_sets(format, H265_SETS)),
        Codec::Aac => {
            let config = format.parameter("config").and_then(from_hex);
            config
                .filter(|config| AudioSpecificConfig::parse(config).is_ok())
                .ok_or(FormatError::Parameter("config"))
        }
        Codec::Mpeg4Video | Codec::Latm => {
            let config = format.parameter("config").unwrap_or("");
            from_hex(config).ok_or(FormatError::Parameter("config"))
        }
        _ => Ok(Vec::new()),
    }
}

/// The text of a track's `a=fmtp`; empty when it has none.
///
/// What a publisher wrote stays, but for parameter sets that have changed since, and for a profile that contradicts them.
#[must_use]
pub fn write(track: &Track) -> String {
    let own = match track.codec {
        Codec::H264 => h264_sets(&track.parameters),
        Codec::H265 => h265_sets(&track.parameters),
        Codec::Mpeg4Video => mpeg4_configuration(&track.parameters),
        Codec::Aac | Codec::Latm => configuration(&track.parameters),
        _ => Vec::new(),
    };
    let Some(format) = track.format.as_deref() else {
        return write_own(track, &own);
    };
    let published = format.fmtp.as_deref().unwrap_or("");
    let says = |(name, value): &(&str, String)| {
        format
            .parameter(name)
            .is_some_and(|published| published.eq_ignore_ascii_case(value))
    };
    let unchanged = read(track.codec, format).is_ok_and(|published| published == track.parameters);
    let profile = own
        .iter()
        .find(|(name, _)| track.codec == Codec::H264 && *name == PROFILE);
    if track.parameters.is_empty() || (unchanged && profile.is_none_or(says)) {
        return String::from(published);
    }
    let kept = format
        .parameters()
        .filter(|(name, _)| !own.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)));
    let mut out = String::new();
    for (name, value) in kept.chain(own.iter().map(|(name, value)| (*name, value.as_str()))) {
        push_parameter(&mut out, name, value);
    }
    out
}

/// The text for a track that is made here.
fn write_own(track: &Track, own: &[(&str, String)]) -> String {
    let mut out = String::from(match track.codec {
        Codec::H264 => "packetization-mode=1",
        // RFC 3640 section 4.1, mode AAC-hbr (section 3.3.6).
        Codec::Aac => {
            "streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3"
        }
        // RFC 6416 section 7.3: the configuration is here, not in the packets.
        Codec::Latm => "cpresent=0",
        Codec::Opus => "sprop-stereo=1",
        _ => "",
    });
    for (name, value) in own {
        push_parameter(&mut out, name, value);
    }
    out
}

const PROFILE: &str = "profile-level-id";

/// RFC 7798 section 7.1.
const H265_SETS: &[&str] = &["sprop-vps", "sprop-sps", "sprop-pps"];

/// RFC 6184 section 8.1. The profile is that of the first sequence parameter set, bytes 1 to 3 of which it copies.
fn h264_sets(parameter_sets: &[u8]) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let mut sets = String::new();
    for nal in annexb::nal_units(parameter_sets) {
        if let (h264::nal_type::SPS, Some([_, profile @ ..])) =
            (h264::type_of(nal[0]), nal.first_chunk::<4>())
            && out.is_empty()
        {
            out.push((PROFILE, hex(profile).to_ascii_uppercase()));
        }
        push_set(&mut sets, nal);
    }
    if !sets.is_empty() {
        out.push(("sprop-parameter-sets", sets));
    }
    out
}

/// RFC 7798 section 7.1: one parameter for each type of parameter set (ITU-T H.265 table 7-1).
fn h265_sets(parameter_sets: &[u8]) -> Vec<(&'static str, String)> {
    let of_type = |(index, name): (usize, &&'static str)| {
        let mut sets = String::new();
        for nal in annexb::nal_units(parameter_sets) {
            if usize::from(h265::type_of(nal[0])) == usize::from(h265::nal_type::VPS) + index {
                push_set(&mut sets, nal);
            }
        }
        (!sets.is_empty()).then_some((*name, sets))
    };
    H265_SETS.iter().enumerate().filter_map(of_type).collect()
}

/// RFC 3640 section 4.1 and RFC 6416 section 7.3.
fn configuration(bytes: &[u8]) -> Vec<(&'static str, String)> {
    let written = (!bytes.is_empty()).then(|| ("config", hex(bytes)));
    written.into_iter().collect()
}

/// RFC 6416 section 7.1. The profile is `profile_and_level_indication` of the visual object sequence (ISO/IEC 14496-2
/// section 6.2.2), which starts a configuration.
fn mpeg4_configuration(bytes: &[u8]) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    if let [0, 0, 1, 0xb0, profile, ..] = bytes {
        out.push((PROFILE, profile.to_string()));
    }
    out.extend(configuration(bytes));
    out
}

/// Parameter sets in base64, as one byte stream.
fn read_sets(format: &ForeignFormat, names: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for name in names {
        for text in format.parameter(name).unwrap_or("").split(',') {
            // A set that cannot be read comes again in-band; some cameras send such lists.
            if let Some(nal) = base64::decode(text).filter(|nal| !nal.is_empty()) {
                annexb::push_nal(&mut out, &nal);
            }
        }
    }
    out
}

fn push_set(out: &mut String, nal: &[u8]) {
    if !out.is_empty() {
        out.push(',');
    }
    out.push_str(&base64::encode(nal));
}

fn push_parameter(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() {
        out.push(';');
    }
    out.push_str(name);
    if !value.is_empty() {
        out.push('=');
        out.push_str(value);
    }
}

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
