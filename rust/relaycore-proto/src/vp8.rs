//! VP8 (RFC 6386): what a frame says about itself.

/// Whether a reader can start with this frame. The lowest bit of the first byte is clear in key frames (section 9.1).
#[must_use]
pub fn is_key_frame(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & 1 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_frames_are_known_by_their_lowest_bit() {
        assert!(is_key_frame(&[0x50, 0x10, 0, 0x9d, 0x01, 0x2a]));
        assert!(!is_key_frame(&[0x51, 0x10, 0]));
        assert!(!is_key_frame(&[]));
    }
}
