//! A part of a picture, in another size: for the second rendition of a camera, and for its electronic zoom.
//!
//! What is made smaller is averaged over the area of each new pixel, so that fine patterns do not flicker; what is made
//! larger is blended between the middles of pixels, so that a window that moves by fractions of a pixel moves smoothly.
//! Rows are joined first, whole rows at a time, which the compiler vectorises; only what is left goes pixel by pixel.

use super::convert::Plane;
use super::pool::FrameBuffer;

/// Weights of an output pixel sum up to this.
const WHOLE: u32 = 256;

/// A part of a picture, in pixels of its luma and fractions of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Pixels to the left of it.
    pub x: f64,
    /// Pixels above it.
    pub y: f64,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
}

impl Window {
    fn is_inside(&self, width: usize, height: usize) -> bool {
        // Comparisons with what is not a number are false.
        self.x >= 0.0
            && self.y >= 0.0
            && self.width >= 2.0
            && self.height >= 2.0
            && self.x + self.width <= width as f64 + 1e-6
            && self.y + self.height <= height as f64 + 1e-6
    }
}

/// Fills `frame` from a window of a picture in planar 4:2:0 without padding. `None`, and nothing written, when `bytes`
/// do not hold such a picture, or the window is not inside it.
pub fn scale(
    frame: &mut FrameBuffer,
    bytes: &[u8],
    width: usize,
    height: usize,
    window: Window,
) -> Option<()> {
    let luma = width.checked_mul(height)?;
    let even = width.is_multiple_of(2) && height.is_multiple_of(2);
    if luma == 0 || !even || bytes.len() != luma / 2 * 3 || !window.is_inside(width, height) {
        return None;
    }
    let picture = Picture {
        bytes,
        width,
        height,
    };
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function is compiled for.
        unsafe { fill_by_avx2(frame, picture, window) };
        return Some(());
    }
    fill(frame, picture, window);
    Some(())
}

/// A picture in planar 4:2:0 without padding; `bytes` are as long as that takes.
#[derive(Clone, Copy)]
struct Picture<'a> {
    bytes: &'a [u8],
    width: usize,
    height: usize,
}

/// [`fill`] for processors with registers of 32 bytes: two thirds of the time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn fill_by_avx2(frame: &mut FrameBuffer, picture: Picture<'_>, window: Window) {
    fill(frame, picture, window);
}

/// Scales all planes. What it calls is inlined, to be compiled for the same processor.
#[inline(always)]
fn fill(frame: &mut FrameBuffer, picture: Picture<'_>, window: Window) {
    let Picture {
        bytes,
        width,
        height,
    } = picture;
    let (to_width, to_height) = (frame.width(), frame.height());
    let (y, chroma) = bytes.split_at(width * height);
    let (u, v) = chroma.split_at(width * height / 4);
    let (to_y, to_u, to_v) = frame.planes_mut();

    let across = Axis::new(window.x, window.width, width, to_width);
    let down = Axis::new(window.y, window.height, height, to_height);
    plane(to_y, y, width, &across, &down);

    let across = Axis::new(window.x / 2.0, window.width / 2.0, width / 2, to_width / 2);
    let down = Axis::new(
        window.y / 2.0,
        window.height / 2.0,
        height / 2,
        to_height / 2,
    );
    plane(to_u, u, width / 2, &across, &down);
    plane(to_v, v, width / 2, &across, &down);
}

/// Which pixels of a row or column make each output pixel, and with what weights.
struct Axis {
    /// The first pixel of each output pixel.
    starts: Vec<usize>,
    /// `taps` weights for each output pixel, one after the other.
    weights: Vec<u16>,
    taps: usize,
    /// Whether each output pixel begins `taps` behind the one before, all with the same weights.
    is_uniform: bool,
}

impl Axis {
    /// Whether each two pixels become one, from an even one on.
    fn halves(&self) -> bool {
        let weights = [(WHOLE / 2) as u16; 2];
        self.is_uniform && self.weights[..self.taps] == weights && self.starts[0].is_multiple_of(2)
    }

    /// `count` output pixels from `length` pixels behind `offset`, where there are `limit`.
    fn new(offset: f64, length: f64, limit: usize, count: usize) -> Self {
        let step = length / count as f64;
        if step.fract() == 0.0 && offset.fract() == 0.0 && step >= 1.0 {
            return Self::whole(offset as usize, step as usize, count);
        }
        let taps = if step <= 1.0 {
            2
        } else {
            step.ceil() as usize + 1
        }
        .min(limit);
        let mut starts = Vec::with_capacity(count);
        let mut weights = Vec::with_capacity(count * taps);
        let mut shares = vec![0.0; taps];
        for number in 0..count {
            let begin = offset + number as f64 * step;
            shares.fill(0.0);
            let start;
            if step <= 1.0 {
                let middle = (begin + step / 2.0 - 0.5).clamp(0.0, (limit - 1) as f64);
                start = (middle as usize).min(limit - taps);
                let behind = middle - start as f64;
                if let [first, second] = &mut shares[..] {
                    (*first, *second) = (1.0 - behind, behind);
                } else {
                    shares[0] = 1.0;
                }
            } else {
                start = (begin as usize).min(limit - taps);
                for (tap, share) in shares.iter_mut().enumerate() {
                    let pixel = (start + tap) as f64;
                    let covered = (begin + step).min(pixel + 1.0) - begin.max(pixel);
                    *share = covered.max(0.0) / step;
                }
            }
            starts.push(start);
            push_weights(&mut weights, &shares);
        }
        Self {
            starts,
            weights,
            taps,
            is_uniform: false,
        }
    }

    /// Output pixels that are the means of `taps` pixels each, from pixel `first` on.
    fn whole(first: usize, taps: usize, count: usize) -> Self {
        let mut weights = Vec::with_capacity(count * taps);
        push_weights(&mut weights, &vec![1.0; taps]);
        Self {
            starts: (0..count).map(|number| first + number * taps).collect(),
            weights: weights.repeat(count),
            taps,
            is_uniform: true,
        }
    }
}

/// Rounds weights so that their sum is right.
fn push_weights(weights: &mut Vec<u16>, shares: &[f64]) {
    let (mut given, mut owed) = (0, 0.0);
    let total: f64 = shares.iter().sum();
    for share in shares {
        owed += share / total * f64::from(WHOLE);
        let weight = (owed.round() as u32).min(WHOLE) - given;
        given += weight;
        weights.push(weight as u16);
    }
}

/// Scales one plane.
#[inline(always)]
fn plane(to: &mut [u8], from: &[u8], width: usize, across: &Axis, down: &Axis) {
    if across.halves() && down.halves() {
        return halve(to, from, width, across, down);
    }
    let first = across.starts.first().copied().unwrap_or(0);
    let last = across.starts.last().map_or(width, |start| {
        (start + across.taps).min(width).max(first + 1)
    });
    let picture = Plane {
        bytes: from,
        stride: width,
    };
    let mut sums = vec![0_u16; last - first];
    let rows = to
        .chunks_exact_mut(across.starts.len())
        .zip(&down.starts)
        .zip(down.weights.chunks_exact(down.taps));
    for ((out, start), weights) in rows {
        sums.fill(0);
        for (tap, weight) in weights
            .iter()
            .enumerate()
            .filter(|(_, weight)| **weight > 0)
        {
            let Some(row) = picture.row(start + tap, width) else {
                continue;
            };
            for (sum, pixel) in sums.iter_mut().zip(&row[first..last]) {
                *sum += weight * u16::from(*pixel);
            }
        }
        join(out, &sums, first, across);
    }
}

/// Scales one plane to half its width and height: what [`plane`] does, in one go.
#[inline(always)]
fn halve(to: &mut [u8], from: &[u8], width: usize, across: &Axis, down: &Axis) {
    let (length, first) = (across.starts.len(), across.starts[0]);
    let rows = from
        .chunks_exact(2 * width)
        .skip(down.starts[0] / 2)
        .map(|pair| pair.split_at(width));
    for (out, (above, below)) in to.chunks_exact_mut(length).zip(rows) {
        let (above, _) = above[first..].as_chunks::<2>();
        let (below, _) = below[first..].as_chunks::<2>();
        // As numbers of 16 bits and without bounds to check, eight at a time: a seventh of the time.
        let (above, below) = (&above[..length], &below[..length]);
        for column in 0..length {
            let above = u16::from_le_bytes(above[column]);
            let below = u16::from_le_bytes(below[column]);
            let sum = (above & 0xFF) + (above >> 8) + (below & 0xFF) + (below >> 8);
            out[column] = ((sum + 2) / 4) as u8;
        }
    }
}

/// Makes a row of output pixels from the sums of rows, which begin at pixel `first`.
#[inline(always)]
fn join(out: &mut [u8], sums: &[u16], first: usize, across: &Axis) {
    if across.is_uniform {
        match across.weights[..across.taps] {
            [only] => return join_uniform(out, sums, [only]),
            [a, b] => return join_uniform(out, sums, [a, b]),
            [a, b, c] => return join_uniform(out, sums, [a, b, c]),
            [a, b, c, d] => return join_uniform(out, sums, [a, b, c, d]),
            _ => {}
        }
    }
    if across.taps == 2 {
        let pixels = out
            .iter_mut()
            .zip(&across.starts)
            .zip(across.weights.chunks_exact(2));
        for ((out, start), weights) in pixels {
            let sums = &sums[start - first..start - first + 2];
            *out = rounded(
                u32::from(weights[0]) * u32::from(sums[0])
                    + u32::from(weights[1]) * u32::from(sums[1]),
            );
        }
        return;
    }
    let pixels = out
        .iter_mut()
        .zip(&across.starts)
        .zip(across.weights.chunks_exact(across.taps));
    for ((out, start), weights) in pixels {
        let sums = &sums[start - first..];
        let sum = weights
            .iter()
            .zip(sums)
            .map(|(weight, sum)| u32::from(*weight) * u32::from(*sum))
            .sum();
        *out = rounded(sum);
    }
}

/// As [`join`], where all output pixels are made alike.
#[inline(always)]
fn join_uniform<const TAPS: usize>(out: &mut [u8], sums: &[u16], weights: [u16; TAPS]) {
    for (out, sums) in out.iter_mut().zip(sums.chunks_exact(TAPS)) {
        let mut sum = 0;
        for tap in 0..TAPS {
            sum += u32::from(weights[tap]) * u32::from(sums[tap]);
        }
        *out = rounded(sum);
    }
}

#[inline(always)]
fn rounded(sum: u32) -> u8 {
    ((sum + WHOLE * WHOLE / 2) / (WHOLE * WHOLE)) as u8
}

#[cfg(test)]
mod tests {
    use super::super::pool::FramePool;
    use super::*;

    fn frame(width: usize, height: usize) -> FrameBuffer {
        FramePool::new(width, height, 1).unwrap().acquire().unwrap()
    }

    fn whole(width: usize, height: usize) -> Window {
        Window {
            x: 0.0,
            y: 0.0,
            width: width as f64,
            height: height as f64,
        }
    }

    /// A picture whose luma rises by 4 from column to column and by 1 from row to row.
    fn slope(width: usize, height: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..height)
            .flat_map(|row| (0..width).map(move |column| (4 * column + row) as u8))
            .collect();
        bytes.resize(width * height * 5 / 4, 90);
        bytes.resize(width * height * 3 / 2, 160);
        bytes
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let from = slope(16, 8);
        let mut to = frame(16, 8);
        scale(&mut to, &from, 16, 8, whole(16, 8)).unwrap();
        assert_eq!(to.bytes(), from);
    }

    #[test]
    fn half_the_size_is_the_mean_of_four() {
        let from = slope(16, 8);
        let mut to = frame(8, 4);
        scale(&mut to, &from, 16, 8, whole(16, 8)).unwrap();
        for row in 0..4 {
            for column in 0..8 {
                // Means of 8c + 2r, and of one more column and row: 2.5 more, which is rounded up.
                let mean = 8 * column + 2 * row + 3;
                assert_eq!(to.bytes()[row * 8 + column], mean as u8, "{column}, {row}");
            }
        }
        assert!(to.bytes()[32..40].iter().all(|u| *u == 90));
        assert!(to.bytes()[40..].iter().all(|v| *v == 160));
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn processors_with_longer_registers_make_the_same() {
        if !std::arch::is_x86_feature_detected!("avx2") {
            return;
        }
        let (width, height) = (192, 96);
        let bytes: Vec<u8> = (0..width * height * 3 / 2)
            .map(|at: usize| (at.wrapping_mul(2_654_435_761) >> 11) as u8)
            .collect();
        let picture = Picture {
            bytes: &bytes,
            width,
            height,
        };
        let window = Window {
            x: 3.25,
            y: 1.5,
            width: 101.5,
            height: 51.0,
        };
        for (to_width, to_height) in [
            (96, 48),
            (64, 32),
            (48, 24),
            (70, 34),
            (192, 96),
            (250, 120),
        ] {
            for window in [whole(width, height), window] {
                let (mut plain, mut long) =
                    (frame(to_width, to_height), frame(to_width, to_height));
                fill(&mut plain, picture, window);
                // SAFETY: it was looked for above.
                unsafe { fill_by_avx2(&mut long, picture, window) };
                assert_eq!(plain.bytes(), long.bytes(), "{to_width}x{to_height}");
            }
        }
    }

    #[test]
    fn each_ratio_keeps_a_grey_picture_grey() {
        for (width, height) in [(2, 2), (14, 6), (16, 8), (22, 10), (48, 24), (64, 4)] {
            let from = vec![255; 16 * 8 * 3 / 2];
            let mut to = frame(width, height);
            scale(&mut to, &from, 16, 8, whole(16, 8)).unwrap();
            assert!(
                to.bytes().iter().all(|byte| *byte == 255),
                "{width}x{height}"
            );
        }
    }

    #[test]
    fn a_window_moves_by_fractions_of_a_pixel() {
        let from = slope(16, 8);
        let mut before = 0;
        for quarters in 0..16 {
            let mut to = frame(16, 8);
            let window = Window {
                x: f64::from(quarters) / 4.0,
                y: 2.0,
                width: 8.0,
                height: 4.0,
            };
            scale(&mut to, &from, 16, 8, window).unwrap();
            let middle = to.bytes()[4 * 16 + 8];
            assert!(quarters == 0 || middle == before + 1, "{quarters} {middle}");
            before = middle;
        }
    }

    #[test]
    fn what_is_not_inside_is_refused() {
        let from = slope(16, 8);
        let mut to = frame(8, 4);
        let mut refused = |x, y, width, height| {
            let window = Window {
                x,
                y,
                width,
                height,
            };
            assert!(scale(&mut to, &from, 16, 8, window).is_none(), "{window:?}");
        };
        refused(-0.5, 0.0, 8.0, 4.0);
        refused(9.0, 0.0, 8.0, 4.0);
        refused(0.0, 4.5, 8.0, 4.0);
        refused(0.0, 0.0, 1.0, 4.0);
        refused(f64::NAN, 0.0, 8.0, 4.0);
        refused(0.0, 0.0, f64::INFINITY, 4.0);
        assert!(scale(&mut to, &from[1..], 16, 8, whole(16, 8)).is_none());
        assert!(scale(&mut to, &from, 15, 8, whole(14, 8)).is_none());
    }

    #[test]
    fn windows_at_each_edge_stay_inside() {
        let from = slope(16, 8);
        for (x, y) in [(0.0, 0.0), (13.37, 0.0), (0.0, 5.21), (13.37, 5.21)] {
            let mut to = frame(12, 10);
            let window = Window {
                x,
                y,
                width: 16.0 - 13.37,
                height: 8.0 - 5.21,
            };
            scale(&mut to, &from, 16, 8, window).unwrap();
            let darkest = to.bytes()[..120].iter().min().unwrap();
            assert!(f64::from(*darkest) >= 4.0 * x + y - 3.0);
        }
    }
}
