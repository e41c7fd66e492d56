//! Privacy masks: parts of a picture that are painted over before anybody else sees it.
//!
//! A mask is made of whole blocks of 2 x 2 pixels, which is what one sample of 4:2:0 chroma covers: so no sample belongs to a
//! pixel that is masked and to one that is not.

use super::pool::FrameBuffer;

/// Most blocks a side of a square may have, so that its sums fit.
const SIDE_MAX: usize = 4096;

/// A row of blocks that lie side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Number of the row of blocks, from the top.
    pub row: usize,
    /// The first block.
    pub from: usize,
    /// The block behind the last one.
    pub to: usize,
}

/// What is painted over the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// One colour.
    Colour {
        /// Luma.
        y: u8,
        /// Difference of blue.
        u: u8,
        /// Difference of red.
        v: u8,
    },
    /// The means of squares of so many blocks a side.
    Pixelate(usize),
    /// The same means, blended from the middle of each square to the next.
    Blur(usize),
}

/// What covers a part of pictures of one size.
#[derive(Debug)]
pub struct Mask {
    width: usize,
    height: usize,
    spans: Vec<Span>,
    fill: Fill,
}

impl Mask {
    /// A mask for pictures of an even size. `None` when the size is odd, a span is empty or reaches out of the picture, or a
    /// square has no side or one above 4096.
    pub fn new(width: usize, height: usize, spans: Vec<Span>, fill: Fill) -> Option<Self> {
        let inside =
            |span: &Span| span.from < span.to && span.to <= width / 2 && span.row < height / 2;
        let even = width.is_multiple_of(2) && height.is_multiple_of(2);
        let has_side = match fill {
            Fill::Colour { .. } => true,
            Fill::Pixelate(side) | Fill::Blur(side) => (1..=SIDE_MAX).contains(&side),
        };
        (even && has_side && spans.iter().all(inside)).then_some(Self {
            width,
            height,
            spans,
            fill,
        })
    }

    /// Paints over a picture. `None`, and nothing painted, when it has another size.
    pub fn draw(&self, frame: &mut FrameBuffer) -> Option<()> {
        if (frame.width(), frame.height()) != (self.width, self.height) {
            return None;
        }
        let width = self.width;
        let (y, u, v) = frame.planes_mut();
        match self.fill {
            Fill::Colour {
                y: luma,
                u: blue,
                v: red,
            } => {
                self.each_row(y, width, 2, |_, _, out| out.fill(luma));
                self.each_row(u, width / 2, 1, |_, _, out| out.fill(blue));
                self.each_row(v, width / 2, 1, |_, _, out| out.fill(red));
            }
            Fill::Pixelate(side) => {
                for (plane, width, scale) in [(y, width, 2), (u, width / 2, 1), (v, width / 2, 1)] {
                    let means = self.means(plane, width, side * scale, scale);
                    self.each_row(plane, width, scale, |row, from, out| {
                        means.pixelate(row, from, out)
                    });
                }
            }
            Fill::Blur(side) => {
                for (plane, width, scale) in [(y, width, 2), (u, width / 2, 1), (v, width / 2, 1)] {
                    let means = self.means(plane, width, side * scale, scale);
                    let mut line = Vec::new();
                    self.each_row(plane, width, scale, |row, from, out| {
                        means.blur(row, from, out, &mut line);
                    });
                }
            }
        }
        Some(())
    }

    /// Calls `paint` for the masked part of each row of a plane, with the row's number, the column where the part begins, and
    /// its samples. A block is `scale` samples wide and high.
    fn each_row(
        &self,
        plane: &mut [u8],
        width: usize,
        scale: usize,
        mut paint: impl FnMut(usize, usize, &mut [u8]),
    ) {
        for span in &self.spans {
            for row in span.row * scale..(span.row + 1) * scale {
                let start = row * width;
                let part = start + span.from * scale..start + span.to * scale;
                paint(row, span.from * scale, &mut plane[part]);
            }
        }
    }

    /// The means of the squares of `side` samples that the mask touches, and of those around them.
    fn means(&self, plane: &[u8], width: usize, side: usize, scale: usize) -> Means {
        let height = plane.len() / width;
        let columns = width.div_ceil(side);
        let rows = height.div_ceil(side);
        let touched = |row: usize| row * scale / side;
        let first = self
            .spans
            .iter()
            .map(|span| touched(span.row))
            .min()
            .unwrap_or(0);
        let last = self
            .spans
            .iter()
            .map(|span| touched(span.row))
            .max()
            .unwrap_or(0);
        let (first, last) = (first.saturating_sub(1), (last + 2).min(rows));
        let mut values = Vec::with_capacity((last - first) * columns);
        let mut sums = vec![0_u64; columns];
        for square in first..last {
            let band = square * side..((square + 1) * side).min(height);
            sums.fill(0);
            for row in band.clone() {
                let samples = &plane[row * width..(row + 1) * width];
                for (sum, part) in sums.iter_mut().zip(samples.chunks(side)) {
                    *sum += u64::from(part.iter().map(|sample| u32::from(*sample)).sum::<u32>());
                }
            }
            for (column, sum) in sums.iter().enumerate() {
                let wide = side.min(width - column * side);
                values.push((*sum / (wide * band.len()) as u64) as u8);
            }
        }
        Means {
            side,
            columns,
            first,
            values,
        }
    }
}

/// The means of squares of `side` x `side` samples, from the row of squares `first` on.
struct Means {
    side: usize,
    columns: usize,
    first: usize,
    values: Vec<u8>,
}

impl Means {
    fn row(&self, square: usize) -> &[u8] {
        let last = self.values.len() / self.columns - 1;
        let start = square.saturating_sub(self.first).min(last) * self.columns;
        &self.values[start..start + self.columns]
    }

    fn pixelate(&self, row: usize, from: usize, out: &mut [u8]) {
        let means = self.row(row / self.side);
        let (mut column, mut rest) = (from, out);
        while !rest.is_empty() {
            let square = column / self.side;
            let length = ((square + 1) * self.side - column).min(rest.len());
            let (now, later) = rest.split_at_mut(length);
            now.fill(means[square]);
            column += length;
            rest = later;
        }
    }

    /// Blends between the middles of squares, in steps of 1/65536. `line` is room for one row of squares.
    fn blur(&self, row: usize, from: usize, out: &mut [u8], line: &mut Vec<i32>) {
        // The middle of square k is at k * side + side / 2; `ahead` is the square whose middle comes next.
        let side = self.side as i32;
        let place = row + self.side - self.side / 2;
        let (ahead, past) = (place / self.side, (place % self.side) as i32);
        let (above, below) = (self.row(ahead.saturating_sub(1)), self.row(ahead));
        line.clear();
        line.extend(above.iter().zip(below).map(|(above, below)| {
            let (above, below) = (i32::from(*above) << 8, i32::from(*below) << 8);
            above + (below - above) * past / side
        }));
        let (mut column, mut rest) = (from, out);
        while !rest.is_empty() {
            let place = column + self.side - self.side / 2;
            let (ahead, past) = (place / self.side, place % self.side);
            let left = line[ahead.saturating_sub(1).min(self.columns - 1)] << 8;
            let right = line[ahead.min(self.columns - 1)] << 8;
            let step = (right - left) / side;
            let length = (self.side - past).min(rest.len());
            let (now, later) = rest.split_at_mut(length);
            let mut value = left + step * past as i32;
            for sample in now {
                *sample = (value >> 16) as u8;
                value += step;
            }
            column += length;
            rest = later;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pool::FramePool;
    use super::*;

    fn frame(width: usize, height: usize, sample: impl Fn(usize) -> u8) -> FrameBuffer {
        let mut frame = FramePool::new(width, height, 1).unwrap().acquire().unwrap();
        for (place, byte) in frame.bytes_mut().iter_mut().enumerate() {
            *byte = sample(place);
        }
        frame
    }

    fn span(row: usize, from: usize, to: usize) -> Span {
        Span { row, from, to }
    }

    #[test]
    fn a_colour_covers_whole_blocks_and_nothing_else() {
        let mut picture = frame(8, 4, |_| 7);
        let fill = Fill::Colour { y: 1, u: 2, v: 3 };
        let mask = Mask::new(8, 4, vec![span(1, 1, 3)], fill).unwrap();
        mask.draw(&mut picture).unwrap();
        let row = [7, 7, 1, 1, 1, 1, 7, 7];
        let expected = [[7; 8], [7; 8], row, row].concat();
        assert_eq!(picture.bytes()[..32], expected);
        assert_eq!(picture.bytes()[32..40], [7, 7, 7, 7, 7, 2, 2, 7]);
        assert_eq!(picture.bytes()[40..48], [7, 7, 7, 7, 7, 3, 3, 7]);
    }

    #[test]
    fn squares_show_their_means_also_at_edges_that_cut_them() {
        let mut picture = frame(6, 6, |place| {
            if place < 36 {
                (place % 6) as u8 * 10
            } else {
                128
            }
        });
        let mask = Mask::new(6, 6, vec![span(0, 0, 3), span(1, 2, 3)], Fill::Pixelate(2)).unwrap();
        mask.draw(&mut picture).unwrap();
        assert_eq!(picture.bytes()[..6], [15, 15, 15, 15, 45, 45]);
        assert_eq!(picture.bytes()[12..18], [0, 10, 20, 30, 45, 45]);
        assert_eq!(picture.bytes()[24..30], [0, 10, 20, 30, 40, 50]);
    }

    #[test]
    fn a_blur_runs_from_mean_to_mean() {
        let mut picture = frame(16, 4, |place| {
            if place < 64 && place % 16 >= 8 {
                200
            } else {
                100
            }
        });
        let mask = Mask::new(16, 4, vec![span(0, 0, 8), span(1, 0, 8)], Fill::Blur(4)).unwrap();
        mask.draw(&mut picture).unwrap();
        let luma = &picture.bytes()[..16];
        assert_eq!(
            (luma[0], luma[4], luma[8], luma[12], luma[15]),
            (100, 100, 150, 200, 200)
        );
        assert!(luma.is_sorted());
        assert!(picture.bytes()[64..].iter().all(|chroma| *chroma == 100));
    }

    #[test]
    fn squares_and_blur_know_nothing_but_the_means() {
        for fill in [Fill::Pixelate(4), Fill::Blur(4)] {
            let spans: Vec<_> = (0..8).map(|row| span(row, 0, 8)).collect();
            let mask = Mask::new(16, 16, spans, fill).unwrap();
            // A chessboard and its inverse have the same means.
            let mut pair = [0, 1].map(|odd| {
                frame(16, 16, |place| {
                    let (row, column) = (place / 16, place % 16);
                    if place < 256 && (row + column) % 2 == odd {
                        200
                    } else {
                        100
                    }
                })
            });
            for picture in &mut pair {
                mask.draw(picture).unwrap();
            }
            assert_eq!(pair[0].bytes(), pair[1].bytes());
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let black = Fill::Colour {
            y: 0,
            u: 128,
            v: 128,
        };
        assert!(Mask::new(7, 4, Vec::new(), black).is_none(), "an odd size");
        for outside in [span(2, 0, 1), span(0, 3, 5), span(0, 2, 2), span(0, 3, 1)] {
            assert!(
                Mask::new(8, 4, vec![outside], black).is_none(),
                "{outside:?}"
            );
        }
        for none in [Fill::Pixelate(0), Fill::Blur(0), Fill::Blur(usize::MAX)] {
            assert!(Mask::new(8, 4, Vec::new(), none).is_none());
        }
        let mask = Mask::new(8, 4, vec![span(0, 0, 4)], black).unwrap();
        let mut other = frame(4, 8, |_| 9);
        assert!(mask.draw(&mut other).is_none());
        assert!(other.bytes().iter().all(|sample| *sample == 9));
    }

    #[test]
    fn every_size_of_square_stays_inside() {
        for side in 1..40 {
            for fill in [Fill::Pixelate(side), Fill::Blur(side)] {
                let spans = (0..11).map(|row| span(row, row % 3, 17)).collect();
                let mask = Mask::new(34, 22, spans, fill).unwrap();
                let mut picture = frame(34, 22, |place| (place * 31 % 251) as u8);
                mask.draw(&mut picture).unwrap();
            }
        }
    }
}
