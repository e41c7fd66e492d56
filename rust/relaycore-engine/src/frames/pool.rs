//! A pool of I420 frame buffers. A buffer returns to it when dropped, so a running camera allocates nothing.

use std::sync::{Arc, Mutex, PoisonError};

/// Most pixels a frame may have: 8192 x 8192. A header that claims more is a broken one.
const FRAME_PIXELS_MAX: usize = 1 << 26;

/// Buffers of one picture size.
#[derive(Debug, Clone)]
pub struct FramePool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    width: usize,
    height: usize,
    free: Mutex<Vec<Box<[u8]>>>,
}

/// Planes Y, U, V of a 4:2:0 picture, one after the other without padding; see [`FrameBuffer::bytes`].
#[derive(Debug)]
pub struct FrameBuffer {
    bytes: Box<[u8]>,
    shared: Arc<Shared>,
}

impl FramePool {
    /// A pool of `frames` buffers for pictures of an even size. `None` when the size is odd, zero or too large.
    pub fn new(width: usize, height: usize, frames: usize) -> Option<Self> {
        let pixels = width.checked_mul(height)?;
        if pixels == 0
            || pixels > FRAME_PIXELS_MAX
            || !width.is_multiple_of(2)
            || !height.is_multiple_of(2)
        {
            return None;
        }
        let free = (0..frames)
            .map(|_| vec![0; pixels * 3 / 2].into_boxed_slice())
            .collect();
        Some(Self {
            shared: Arc::new(Shared {
                width,
                height,
                free: Mutex::new(free),
            }),
        })
    }

    /// A buffer with old contents, or `None` when all are in use.
    pub fn acquire(&self) -> Option<FrameBuffer> {
        let bytes = self
            .shared
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()?;
        Some(FrameBuffer {
            bytes,
            shared: Arc::clone(&self.shared),
        })
    }
}

impl FrameBuffer {
    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.shared.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.shared.height
    }

    /// The planes as one piece: `width * height` of Y, then a quarter of that of U and of V.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// As [`FrameBuffer::bytes`], to write.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Planes Y, U and V.
    pub fn planes_mut(&mut self) -> (&mut [u8], &mut [u8], &mut [u8]) {
        let luma = self.shared.width * self.shared.height;
        let (y, chroma) = self.bytes.split_at_mut(luma);
        let (u, v) = chroma.split_at_mut(luma / 4);
        (y, u, v)
    }
}

impl Drop for FrameBuffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.shared
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_when_dropped() {
        let pool = FramePool::new(16, 8, 2).unwrap();
        let (first, second) = (pool.acquire().unwrap(), pool.acquire());
        assert!(second.is_some() && pool.acquire().is_none());
        let address = first.bytes().as_ptr();
        drop(first);
        assert_eq!(
            pool.acquire().unwrap().bytes().as_ptr(),
            address,
            "nothing is allocated again"
        );
    }

    #[test]
    fn a_buffer_outlives_its_pool() {
        let buffer = FramePool::new(4, 4, 1).unwrap().acquire().unwrap();
        assert_eq!(buffer.bytes().len(), 24);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for (width, height) in [
            (0, 8),
            (7, 8),
            (8, 7),
            (1 << 20, 1 << 20),
            (usize::MAX - 1, 4),
        ] {
            assert!(
                FramePool::new(width, height, 1).is_none(),
                "{width}x{height}"
            );
        }
    }
}
