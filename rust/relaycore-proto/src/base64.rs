//! Base64 (RFC 4648 section 4), which carries the parameter sets of H.264 in SDP, and the requests of a tunnel over HTTP.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// `bytes` in Base64, padded.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
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

/// A byte that is not Base64, or padding where none can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidDigit(
    /// The byte.
    pub u8,
);

impl fmt::Display for InvalidDigit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the byte {:#04x} is not Base64", self.0)
    }
}

impl core::error::Error for InvalidDigit {}

/// Decodes Base64 that comes in pieces cut anywhere, as it does over TCP. Texts that were encoded one by one may follow
/// each other, padded each for itself; white space between digits is skipped.
#[derive(Clone, Debug, Default)]
pub struct StreamDecoder {
    /// Digits of the group at hand, 6 bits each.
    bits: u32,
    digits: u32,
}

impl StreamDecoder {
    /// Decodes a piece and adds to `out` every byte that is complete.
    ///
    /// # Errors
    /// At the first byte that is not Base64; what came before it is decoded.
    pub fn push(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), InvalidDigit> {
        for &byte in text {
            match byte {
                b'\r' | b'\n' | b' ' | b'\t' => {}
                // One digit holds no whole byte; without digits it is the second sign of a group that was ended.
                b'=' if self.digits == 1 => return Err(InvalidDigit(byte)),
                b'=' => self.end_group(out),
                digit => {
                    let value = value_of(digit).ok_or(InvalidDigit(digit))?;
                    self.bits = self.bits << 6 | value;
                    self.digits += 1;
                    if self.digits == 4 {
                        self.end_group(out);
                    }
                }
            }
        }
        Ok(())
    }

    fn end_group(&mut self, out: &mut Vec<u8>) {
        let bytes = self.digits as usize * 3 / 4;
        let aligned = self.bits << (6 * (4 - self.digits));
        let [_, group @ ..] = aligned.to_be_bytes();
        out.extend_from_slice(&group[..bytes]);
        *self = Self::default();
    }
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
    fn texts_that_follow_each_other_are_decoded_wherever_they_are_cut() {
        let text: String = VECTORS.iter().map(|(_, text)| *text).collect();
        let text = text + "\r\nZm9v YmFy\t=";
        let expected = b"ffofoofoobfoobafoobarfoobar";
        for step in 1..=text.len() {
            let (mut decoder, mut out) = (StreamDecoder::default(), Vec::new());
            for piece in text.as_bytes().chunks(step) {
                assert_eq!(decoder.push(piece, &mut out), Ok(()));
            }
            assert_eq!(out, expected, "in pieces of {step}");
        }
    }

    #[test]
    fn a_stream_ends_at_what_is_not_base64() {
        for (text, bad, before) in [
            (&b"Zm9v\0Zm9v"[..], 0, &b"foo"[..]),
            (b"Zm9vZ=", b'=', b"foo"),
            (b"Zg==\xff", 0xff, b"f"),
            (b"-", b'-', b""),
        ] {
            let mut out = Vec::new();
            let result = StreamDecoder::default().push(text, &mut out);
            assert_eq!((result, &out[..]), (Err(InvalidDigit(bad)), before));
        }
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for text in ["A", "ABCDE", "AB-_", "AB CD", "A=BC", "Zg=é"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
