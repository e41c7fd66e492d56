//! A synthetic H.264 stream of any bit rate: valid, cheap to make, and known to the byte.
//!
//! A picture is one slice (constrained baseline profile, CAVLC). Its first macroblocks cost next to nothing: grey ones
//! without residual in an IDR picture, skipped ones in the others. The last ones are as many `I_PCM` macroblocks as the
//! bit rate wants, 384 bytes of noise each (ITU-T H.264 section 7.3.5). Noise without zero bytes needs no emulation
//! prevention, so an access unit is one copy. In front of the slice there is a [mark](crate::mark).

use crate::mark::Mark;
use relaycore_proto::annexb::push_nal;
use relaycore_proto::sdp::{SessionDescription, write};
use relaycore_proto::track::Track;

/// Longest access unit, in bytes: what the largest picture holds.
pub const ACCESS_UNIT_BYTES_MAX: u64 = 8 << 20;

/// What a stream is like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Bits per second of the access units.
    pub bitrate: u64,
    /// Access units per second.
    pub fps: f64,
    /// Milliseconds between two random access points.
    pub gop_ms: u64,
    /// How many times longer than another access unit one with a random access point is.
    pub key_frame_times: f64,
}

impl Shape {
    /// Access units from one random access point to the next.
    fn gop(&self) -> u64 {
        (self.gop_ms as f64 * self.fps / 1000.0).round().max(1.0) as u64
    }

    /// Mean bytes of an access unit without and with a random access point.
    fn bytes(&self) -> (f64, f64) {
        let gop = self.gop() as f64;
        let total = self.bitrate as f64 / 8.0 / self.fps * gop;
        let other = total / (gop - 1.0 + self.key_frame_times);
        (other, other * self.key_frame_times)
    }

    /// Bytes of the longest access unit.
    #[must_use]
    pub fn longest(&self) -> u64 {
        let (other, key) = self.bytes();
        other.max(key) as u64
    }
}

/// Makes the access units of a stream, one after the other.
#[derive(Debug)]
pub struct Synth {
    run: u32,
    stream: u32,
    gop: u64,
    /// Wanted bytes of an access unit, and of a random access point.
    wanted: (f64, f64),
    /// Bytes that were wanted and not sent yet: macroblocks come whole.
    owed: f64,
    size: PictureSize,
    sps: Vec<u8>,
    noise: Vec<u8>,
    number: u64,
    /// Access units since the last random access point.
    within: u64,
    /// Number of the group of pictures.
    group: u32,
    slice: Vec<u8>,
}

impl Synth {
    /// A stream with the number `stream` of the run `run`.
    #[must_use]
    pub fn new(shape: &Shape, run: u32, stream: u32) -> Self {
        let wanted = shape.bytes();
        let macroblocks = (shape.longest() / MACROBLOCK_BYTES as u64 + 2) as u32;
        let size = PictureSize::holding(macroblocks);
        Self {
            run,
            stream,
            gop: shape.gop(),
            wanted,
            owed: 0.0,
            size,
            sps: sequence_parameters(size, shape.fps),
            noise: noise(stream),
            number: 0,
            within: 0,
            group: 0,
            slice: Vec::new(),
        }
    }

    /// Its description, for ANNOUNCE.
    #[must_use]
    pub fn description(&self) -> String {
        let mut parameters = Vec::new();
        push_nal(&mut parameters, &self.sps);
        push_nal(&mut parameters, &picture_parameters());
        write(&SessionDescription {
            origin_id: u64::from(self.run) << 32 | u64::from(self.stream),
            version: 1,
            name: "load",
            information: "",
            uri: "",
            address: "0.0.0.0",
            port: 0,
            tool: "",
            tracks: &[Track::h264(&parameters)],
        })
    }

    /// Number of the access unit that [`Synth::write`] makes next.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.number
    }

    /// Makes the next access unit a random access point.
    pub fn restart(&mut self) {
        if self.within > 0 {
            self.within = 0;
            self.group += 1;
        }
    }

    /// Writes the next access unit into `out` (Annex B), which is sent at `sent_ns`.
    pub fn write(&mut self, sent_ns: u64, out: &mut Vec<u8>) {
        out.clear();
        let is_key = self.within == 0;
        self.owed += if is_key { self.wanted.1 } else { self.wanted.0 };
        let overhead = if is_key { KEY_OVERHEAD } else { OVERHEAD };
        let noisy = ((self.owed - overhead) / MACROBLOCK_BYTES as f64)
            .round()
            .clamp(0.0, f64::from(self.size.macroblocks() - 1));
        self.write_slice(noisy as u32);
        if is_key {
            push_nal(out, &self.sps);
            push_nal(out, &picture_parameters());
        }
        let mark = Mark {
            run: self.run,
            stream: self.stream,
            number: self.number,
            sent_ns,
            bytes: self.slice.len() as u32,
            checksum: crc32fast::hash(&self.slice),
        };
        push_nal(out, &mark.to_nal());
        push_nal(out, &self.slice);
        self.owed -= out.len() as f64;
        self.number += 1;
        self.within += 1;
        if self.within == self.gop {
            self.restart();
        }
    }

    /// Slice header and data (sections 7.3.3 and 7.3.4).
    fn write_slice(&mut self, noisy: u32) {
        let calm = self.size.macroblocks() - noisy;
        let mut bits = Bits {
            bytes: std::mem::take(&mut self.slice),
            ..Bits::default()
        };
        bits.bytes.clear();
        let is_key = self.within == 0;
        bits.put(if is_key { 0x65 } else { 0x41 }, 8);
        bits.golomb(0); // first_mb_in_slice
        bits.golomb(if is_key { 7 } else { 5 }); // slice_type: all slices of the picture are I or P
        bits.golomb(0); // pic_parameter_set_id
        bits.put((self.within % 16) as u32, 4); // frame_num
        if is_key {
            bits.golomb(self.group % 2); // idr_pic_id
            bits.put(0, 2); // no_output_of_prior_pics_flag, long_term_reference_flag
        } else {
            bits.put(0, 3); // num_ref_idx_active_override, ref_pic_list_modification, adaptive_ref_pic_marking
        }
        bits.golomb(0); // slice_qp_delta
        bits.golomb(1); // disable_deblocking_filter_idc
        let start = self.number.wrapping_mul(1 << 10 | 1) as usize;
        if is_key {
            for _ in 0..calm {
                // mb_type I_16x16_2_0_0, DC chroma prediction, no mb_qp_delta, no DC coefficients
                bits.put(0b0010_0111, 8);
            }
        } else {
            bits.golomb(calm); // mb_skip_run
        }
        for index in 0..noisy as usize {
            if is_key {
                bits.golomb(25); // mb_type I_PCM
            } else {
                if index > 0 {
                    bits.golomb(0); // mb_skip_run
                }
                bits.golomb(5 + 25);
            }
            bits.align();
            let from = (start + index * 7919) % (self.noise.len() - PCM_BYTES);
            bits.bytes
                .extend_from_slice(&self.noise[from..from + PCM_BYTES]);
        }
        bits.trailing();
        self.slice = bits.bytes;
    }
}

/// Samples of an `I_PCM` macroblock: 16x16 of luma, twice 8x8 of chroma.
const PCM_BYTES: usize = 384;

/// What such a macroblock takes with its type.
const MACROBLOCK_BYTES: usize = PCM_BYTES + 2;

/// Bytes beside macroblocks, start codes included: mark and slice header; with the parameter sets as well.
const OVERHEAD: f64 = 80.0;
const KEY_OVERHEAD: f64 = OVERHEAD + 110.0;

/// Bytes of noise that pictures are cut from.
const NOISE_BYTES: usize = 64 * 1024;

/// Width and height in macroblocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PictureSize(u32, u32);

impl PictureSize {
    /// The smallest usual one with at least so many macroblocks.
    fn holding(macroblocks: u32) -> Self {
        let found = SIZES.iter().find(|size| size.macroblocks() >= macroblocks);
        *found.unwrap_or(&SIZES[SIZES.len() - 1])
    }

    fn macroblocks(self) -> u32 {
        self.0 * self.1
    }
}

/// 176x144, 352x288, 640x480, 1280x720, 1920x1088, 3840x2160.
const SIZES: [PictureSize; 6] = [
    PictureSize(11, 9),
    PictureSize(22, 18),
    PictureSize(40, 30),
    PictureSize(80, 45),
    PictureSize(120, 68),
    PictureSize(240, 135),
];

/// Levels: number, macroblocks per second, macroblocks per picture (table A-1).
const LEVELS: [(u32, f64, u32); 14] = [
    (10, 1485.0, 99),
    (11, 3000.0, 396),
    (12, 6000.0, 396),
    (13, 11_880.0, 396),
    (21, 19_800.0, 792),
    (22, 20_250.0, 1620),
    (30, 40_500.0, 1620),
    (31, 108_000.0, 3600),
    (32, 216_000.0, 5120),
    (40, 245_760.0, 8192),
    (42, 522_240.0, 8704),
    (50, 589_824.0, 22_080),
    (51, 983_040.0, 36_864),
    (52, 2_073_600.0, 36_864),
];

/// The sequence parameter set (section 7.3.2.1.1). Pictures are shown in the order in which they are sent
/// (`pic_order_cnt_type` 2), so that no decoder waits for another.
fn sequence_parameters(size: PictureSize, fps: f64) -> Vec<u8> {
    let rate = f64::from(size.macroblocks()) * fps;
    let level = LEVELS
        .iter()
        .find(|(_, most_rate, most)| rate <= *most_rate && size.macroblocks() <= *most)
        .map_or(52, |(level, ..)| *level);
    let mut bits = Bits::default();
    bits.put(0x67, 8);
    bits.put(66, 8); // profile_idc: baseline
    bits.put(0xc0, 8); // constraint_set0_flag, constraint_set1_flag
    bits.put(level, 8);
    bits.golomb(0); // seq_parameter_set_id
    bits.golomb(0); // log2_max_frame_num_minus4
    bits.golomb(2); // pic_order_cnt_type
    bits.golomb(1); // max_num_ref_frames
    bits.put(0, 1); // gaps_in_frame_num_value_allowed_flag
    bits.golomb(size.0 - 1);
    bits.golomb(size.1 - 1);
    bits.put(0b1100, 4); // frame_mbs_only_flag, direct_8x8_inference_flag, frame_cropping_flag, vui_parameters_present_flag
    bits.trailing();
    bits.bytes
}

/// The picture parameter set (section 7.3.2.2): CAVLC, deblocking controlled by the slices.
fn picture_parameters() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0x68, 8);
    bits.golomb(0); // pic_parameter_set_id
    bits.golomb(0); // seq_parameter_set_id
    bits.put(0, 2); // entropy_coding_mode_flag, bottom_field_pic_order_in_frame_present_flag
    bits.golomb(0); // num_slice_groups_minus1
    bits.golomb(0); // num_ref_idx_l0_default_active_minus1
    bits.golomb(0); // num_ref_idx_l1_default_active_minus1
    bits.put(0, 3); // weighted_pred_flag, weighted_bipred_idc
    bits.golomb(0); // pic_init_qp_minus26
    bits.golomb(0); // pic_init_qs_minus26
    bits.golomb(0); // chroma_qp_index_offset
    bits.put(0b100, 3); // deblocking_filter_control_present_flag, constrained_intra_pred_flag, redundant_pic_cnt_present_flag
    bits.trailing();
    bits.bytes
}

/// Bytes from 1 to 255, never 0 (xorshift, the same for each seed).
fn noise(seed: u32) -> Vec<u8> {
    let mut state = u64::from(seed) << 32 | 0x9e37_79b9;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % 255) as u8 + 1
    };
    std::iter::repeat_with(next).take(NOISE_BYTES).collect()
}

/// Writes numbers of any number of bits, most significant bit first.
#[derive(Debug, Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits of the last byte that are taken, 0 when it is full.
    taken: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        let mut left = count;
        while left > 0 {
            if self.taken == 0 {
                self.bytes.push(0);
            }
            let room = 8 - self.taken;
            let now = room.min(left);
            let part = (value >> (left - now)) & ((1 << now) - 1);
            let last = self.bytes.len() - 1;
            self.bytes[last] |= (part << (room - now)) as u8;
            self.taken = (self.taken + now) % 8;
            left -= now;
        }
    }

    /// An unsigned Exp-Golomb code (section 9.1).
    fn golomb(&mut self, value: u32) {
        let code = value + 1;
        let bits = code.ilog2();
        self.put(0, bits);
        self.put(code, bits + 1);
    }

    /// Zero bits up to the end of the byte.
    fn align(&mut self) {
        self.taken = 0;
    }

    /// `rbsp_trailing_bits`.
    fn trailing(&mut self) {
        self.put(1, 1);
        self.align();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relaycore_proto::annexb::nal_units;
    use relaycore_proto::h264::{Sps, is_random_access};

    fn shape(bitrate: u64) -> Shape {
        Shape {
            bitrate,
            fps: 30.0,
            gop_ms: 1000,
            key_frame_times: 4.0,
        }
    }

    #[test]
    fn the_bit_rate_is_the_one_that_was_asked_for() {
        for bitrate in [100_000, 1_000_000, 4_000_000, 100_000_000] {
            let mut synth = Synth::new(&shape(bitrate), 1, 2);
            let mut unit = Vec::new();
            let mut total = 0;
            for _ in 0..300 {
                synth.write(0, &mut unit);
                total += unit.len() as u64;
            }
            let wanted = bitrate / 8 * 10;
            assert!(
                total.abs_diff(wanted) < wanted / 50,
                "{bitrate}: {total} of {wanted}"
            );
        }
    }

    #[test]
    fn access_units_are_marked_and_start_anew_each_group() {
        let mut synth = Synth::new(&shape(1_000_000), 9, 2);
        let mut unit = Vec::new();
        for number in 0..65 {
            synth.write(number * 5, &mut unit);
            assert_eq!(is_random_access(&unit), number % 30 == 0);
            let nals: Vec<_> = nal_units(&unit).collect();
            let [.., sei, slice] = nals[..] else {
                panic!("{nals:?}")
            };
            let mark = Mark::read(sei).unwrap();
            assert_eq!((mark.run, mark.stream), (9, 2));
            assert_eq!((mark.number, mark.sent_ns), (number, number * 5));
            assert_eq!(mark.bytes as usize, slice.len());
            assert_eq!(mark.checksum, crc32fast::hash(slice));
        }
        synth.restart();
        synth.write(0, &mut unit);
        assert!(is_random_access(&unit));
    }

    #[test]
    fn no_two_zeros_follow_each_other_within_a_nal_unit() {
        for bitrate in [100_000, 4_000_000, 50_000_000] {
            let mut synth = Synth::new(&shape(bitrate), 1, 0);
            let mut unit = Vec::new();
            for _ in 0..100 {
                synth.write(0, &mut unit);
                for nal in nal_units(&unit) {
                    assert!(nal.windows(2).all(|pair| pair != [0, 0]), "{bitrate}");
                }
            }
        }
    }

    #[test]
    fn the_picture_is_large_enough_and_its_description_says_how_large() {
        for (bitrate, width, height) in [
            (100_000, 176, 144),
            (4_000_000, 352, 288),
            (100_000_000, 1920, 1088),
        ] {
            let synth = Synth::new(&shape(bitrate), 1, 0);
            let sps = Sps::parse(&synth.sps).unwrap();
            assert_eq!((sps.width, sps.height), (width, height));
            assert!(synth.description().contains("profile-level-id=42C0"));
        }
    }
}
