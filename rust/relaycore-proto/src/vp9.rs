//! VP9 (VP9 Bitstream & Decoding Process Specification): what a frame says about itself, and superframes.

use alloc::vec::Vec;

use crate::bits::BitReader;

/// Most frames in a superframe: their number has three bits.
pub(crate) const SUPERFRAME_FRAMES_MAX: usize = 8;

/// Whether a reader can start with this frame, or superframe: the first frame in it is a key frame (section 6.2,
/// `uncompressed_header`).
#[must_use]
pub fn is_key_frame(frame: &[u8]) -> bool {
    starts_with_key_frame(frame).unwrap_or(false)
}

fn starts_with_key_frame(frame: &[u8]) -> Option<bool> {
    let mut reader = BitReader::new(frame);
    if reader.bits(2)? != 2 {
        return None; // frame_marker
    }
    let profile = u8::from(reader.flag()?) | u8::from(reader.flag()?) << 1;
    if profile == 3 {
        reader.flag()?; // reserved_zero
    }
    let shows_existing_frame = reader.flag()?;
    let is_inter_frame = reader.flag()?;
    Some(!shows_existing_frame && !is_inter_frame)
}

/// Makes a superframe of frames that lie one after the other in `data`, each beginning where `starts` says: appends the
/// index by which decoders find them (annex B). Nothing is appended for a single frame, or more than an index can hold.
pub(crate) fn push_superframe_index(data: &mut Vec<u8>, starts: &[usize]) {
    if !(2..=SUPERFRAME_FRAMES_MAX).contains(&starts.len()) {
        return;
    }
    let ends = starts[1..].iter().copied().chain([data.len()]);
    let sizes: Vec<u32> = starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| (end - start) as u32)
        .collect();
    // 110, then two bits for the bytes of a size and three for the number of frames, both less one.
    let marker = 0xc0 | (4 - 1) << 3 | (sizes.len() - 1) as u8;
    data.push(marker);
    for size in sizes {
        data.extend_from_slice(&size.to_le_bytes());
    }
    data.push(marker);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn key_frames_are_known_in_every_profile() {
        // Frame marker 10, profile bits low and high, [reserved], show_existing_frame, frame_type (0 is key).
        for (byte, expected) in [
            (0b1000_0000, true),
            (0b1010_0010, true),
            (0b1001_0000, true),
            (0b1011_0000, true),
            (0b1000_0100, false),
            (0b1000_1000, false),
            (0b1011_0010, false),
            (0b1011_0100, false),
            (0b0100_0000, false),
        ] {
            assert_eq!(is_key_frame(&[byte]), expected, "{byte:08b}");
        }
        assert!(!is_key_frame(&[]));
    }

    #[test]
    fn the_index_names_each_frame() {
        let mut data = vec![1; 300];
        push_superframe_index(&mut data, &[0]);
        assert_eq!(data.len(), 300);
        push_superframe_index(&mut data, &[0, 260]);
        let index = [0xd9, 4, 1, 0, 0, 40, 0, 0, 0, 0xd9];
        assert_eq!(data[300..], index);
        push_superframe_index(&mut data, &[0; 9]);
        assert_eq!(data.len(), 310);
    }
}
