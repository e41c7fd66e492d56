//! Chroma conversion into I420: the one copy between a decoded picture and the encoder.
//!
//! Loops are written over exact rows so that the compiler vectorises them. Chroma of 4:2:2 is averaged over two rows,
//! which places it midway between them, where MPEG-2 and H.264 have it by default.

use super::pool::FrameBuffer;

/// One plane of a picture: rows of bytes, `stride` bytes from one to the next.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// The bytes, from the first of the first row to the last of the last.
    pub bytes: &'a [u8],
    /// Bytes from the start of a row to the start of the next.
    pub stride: usize,
}

impl<'a> Plane<'a> {
    /// Row `number` of `width` bytes.
    pub(super) fn row(&self, number: usize, width: usize) -> Option<&'a [u8]> {
        let start = number.checked_mul(self.stride)?;
        self.bytes.get(start..start.checked_add(width)?)
    }

    fn holds(&self, width: usize, height: usize) -> bool {
        self.stride >= width && self.row(height - 1, width).is_some()
    }
}

/// Fills `frame` from planar 4:2:2. `None`, and nothing written, when a plane is smaller than the frame needs.
pub fn from_422(frame: &mut FrameBuffer, y: Plane<'_>, u: Plane<'_>, v: Plane<'_>) -> Option<()> {
    let (width, height) = (frame.width(), frame.height());
    if !y.holds(width, height) || !u.holds(width / 2, height) || !v.holds(width / 2, height) {
        return None;
    }
    let (to_y, to_u, to_v) = frame.planes_mut();
    copy_rows(to_y, y, width)?;
    for (to, from) in [(to_u, u), (to_v, v)] {
        for (row, out) in to.chunks_exact_mut(width / 2).enumerate() {
            let above = from.row(2 * row, width / 2)?;
            let below = from.row(2 * row + 1, width / 2)?;
            for ((out, above), below) in out.iter_mut().zip(above).zip(below) {
                *out = average(*above, *below);
            }
        }
    }
    Some(())
}

/// Fills `frame` from planar 4:2:0. `None`, and nothing written, when a plane is smaller than the frame needs.
pub fn from_420(frame: &mut FrameBuffer, y: Plane<'_>, u: Plane<'_>, v: Plane<'_>) -> Option<()> {
    let (width, height) = (frame.width(), frame.height());
    if !y.holds(width, height) || !u.holds(width / 2, height / 2) || !v.holds(width / 2, height / 2)
    {
        return None;
    }
    let (to_y, to_u, to_v) = frame.planes_mut();
    copy_rows(to_y, y, width)?;
    copy_rows(to_u, u, width / 2)?;
    copy_rows(to_v, v, width / 2)
}

/// Fills `frame` from packed 4:2:2 in the order Y0 U Y1 V. `None`, and nothing written, when it is too small.
pub fn from_yuyv(frame: &mut FrameBuffer, packed: Plane<'_>) -> Option<()> {
    let (width, height) = (frame.width(), frame.height());
    if !packed.holds(width * 2, height) {
        return None;
    }
    let (to_y, to_u, to_v) = frame.planes_mut();
    for (row, out) in to_y.chunks_exact_mut(width).enumerate() {
        for (out, pair) in out
            .iter_mut()
            .zip(packed.row(row, width * 2)?.chunks_exact(2))
        {
            *out = pair[0];
        }
    }
    for (row, (to_u, to_v)) in to_u
        .chunks_exact_mut(width / 2)
        .zip(to_v.chunks_exact_mut(width / 2))
        .enumerate()
    {
        let above = packed.row(2 * row, width * 2)?.chunks_exact(4);
        let below = packed.row(2 * row + 1, width * 2)?.chunks_exact(4);
        for (((u, v), above), below) in to_u.iter_mut().zip(to_v).zip(above).zip(below) {
            *u = average(above[1], below[1]);
            *v = average(above[3], below[3]);
        }
    }
    Some(())
}

fn copy_rows(to: &mut [u8], from: Plane<'_>, width: usize) -> Option<()> {
    for (row, out) in to.chunks_exact_mut(width).enumerate() {
        out.copy_from_slice(from.row(row, width)?);
    }
    Some(())
}

fn average(a: u8, b: u8) -> u8 {
    (u16::from(a) + u16::from(b)).div_ceil(2) as u8
}

#[cfg(test)]
mod tests {
    use super::super::pool::FramePool;
    use super::*;

    fn frame(width: usize, height: usize) -> FrameBuffer {
        FramePool::new(width, height, 1).unwrap().acquire().unwrap()
    }

    fn plane(bytes: &[u8], stride: usize) -> Plane<'_> {
        Plane { bytes, stride }
    }

    #[test]
    fn chroma_of_422_is_averaged_over_two_rows() {
        let mut frame = frame(4, 2);
        let y = [1, 2, 3, 4, 0, 5, 6, 7, 8];
        from_422(
            &mut frame,
            plane(&y, 5),
            plane(&[10, 20, 13, 21], 2),
            plane(&[100, 0, 101, 255], 2),
        )
        .unwrap();
        assert_eq!(frame.bytes(), [1, 2, 3, 4, 5, 6, 7, 8, 12, 21, 101, 128]);
    }

    #[test]
    fn packed_and_planar_agree() {
        let packed = [1, 10, 2, 100, 3, 20, 4, 0, 5, 13, 6, 101, 7, 21, 8, 255];
        let mut frame = frame(4, 2);
        from_yuyv(&mut frame, plane(&packed, 8)).unwrap();
        assert_eq!(frame.bytes(), [1, 2, 3, 4, 5, 6, 7, 8, 12, 21, 101, 128]);
    }

    #[test]
    fn planes_of_420_are_copied_without_their_padding() {
        let mut frame = frame(2, 2);
        from_420(
            &mut frame,
            plane(&[1, 2, 9, 9, 3, 4], 4),
            plane(&[5], 8),
            plane(&[6], 1),
        )
        .unwrap();
        assert_eq!(frame.bytes(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_plane_that_is_too_small_is_refused() {
        let mut frame = frame(4, 4);
        let (large, small) = ([0; 64], [0; 15]);
        assert!(
            from_420(
                &mut frame,
                plane(&small, 4),
                plane(&large, 2),
                plane(&large, 2)
            )
            .is_none()
        );
        assert!(
            from_422(
                &mut frame,
                plane(&large, 4),
                plane(&large, 2),
                plane(&small[..7], 2)
            )
            .is_none()
        );
        assert!(
            from_yuyv(&mut frame, plane(&large, 7)).is_none(),
            "a stride below the width"
        );
        assert!(from_yuyv(&mut frame, plane(&large, usize::MAX)).is_none());
    }
}
