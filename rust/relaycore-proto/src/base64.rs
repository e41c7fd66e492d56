//! Base64 (RFC 4648 section 4), which carries the parameter sets of H.264 in SDP.

use alloc::string::String;
use alloc::vec::Vec;

/// `bytes` in Base64, padded.
#[must_use]
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..4 {
            if place <= chunk.len() {
                let digit = bits >> (18 - 6 * place) & 0x3f;
                out.push(char::from(ALPHABET[digit as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

/// The bytes of `text`; `None` when it holds a character that is not Base64, or a single digit of a group. Padding may
/// be missing, as some cameras leave it out.
#[must_use]
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_ascii().trim_end_matches('=').as_bytes();
    if digits.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for chunk in digits.chunks(4) {
        let mut bits = 0;
        for place in 0..4 {
            let value = match chunk.get(place) {
                Some(&digit) => value_of(digit)?,
                None => 0,
            };
            bits = bits << 6 | value;
        }
        let [_, group @ ..] = bits.to_be_bytes();
        out.extend_from_slice(&group[..chunk.len() * 3 / 4]);
    }
    Some(out)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn value_of(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 4648 section 10.
    const VECTORS: [(&[u8], &str); 7] = [
        (b"", ""),
        (b"f", "Zg=="),
        (b"fo", "Zm8="),
        (b"foo", "Zm9v"),
        (b"foob", "Zm9vYg=="),
        (b"fooba", "Zm9vYmE="),
        (b"foobar", "Zm9vYmFy"),
    ];

    #[test]
    fn the_vectors_of_the_rfc() {
        for (bytes, text) in VECTORS {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).as_deref(), Some(bytes));
            assert_eq!(decode(text.trim_end_matches('=')).as_deref(), Some(bytes));
        }
    }

    #[test]
    fn every_byte_value_reads_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        for start in 0..3 {
            assert_eq!(
                decode(&encode(&bytes[start..])).as_deref(),
                Some(&bytes[start..])
            );
        }
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for text in ["A", "ABCDE", "AB-_", "AB CD", "A=BC", "Zg=é"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
