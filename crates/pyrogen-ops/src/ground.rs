//! Pictures with the channels last and room around them, on which whole vectors of channels are
//! worked on at once.

use crate::parallel::{kernels, vectorised};

/// Channels of a block: those of the widest vector.
pub(crate) const BLOCK: usize = 16;

/// So many channels in whole blocks.
pub(crate) fn blocks(channels: usize) -> usize {
    channels.next_multiple_of(BLOCK)
}

/// Sizes of a picture `[channels, height, width]` and of the ground it lies on,
/// `[whole height, whole width, stride]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground {
    pub(crate) channels: usize,
    pub(crate) size: [usize; 2],
    /// Room above and on the left.
    pub(crate) padding: [usize; 2],
    pub(crate) whole: [usize; 2],
    /// Numbers of a place: the channels, or more.
    pub(crate) stride: usize,
}

impl Ground {
    /// Numbers of the ground.
    pub(crate) fn len(&self) -> usize {
        self.whole[0] * self.whole[1] * self.stride
    }

    /// Lays a picture down; what lies around it stays as it is. Channels that are not there get any
    /// values.
    pub(crate) fn lay(&self, picture: &[f32], ground: &mut [f32]) {
        vectorised::<Lay, _>((*self, picture, ground));
    }

    /// Takes a picture up again, each channel moved by its bias.
    pub(crate) fn lift(&self, ground: &[f32], bias: Option<&[f32]>, picture: &mut [f32]) {
        vectorised::<Lift, _>((*self, ground, bias, picture));
    }

    /// Where a line of the picture starts.
    #[inline(always)]
    fn start(&self, y: usize) -> usize {
        ((y + self.padding[0]) * self.whole[1] + self.padding[1]) * self.stride
    }

    /// Nothing around the picture.
    pub(crate) fn clear(&self, ground: &mut [f32]) {
        let ([height, width], [above, left]) = (self.size, self.padding);
        let line = self.whole[1] * self.stride;
        for (y, line) in ground[..self.len()].chunks_exact_mut(line.max(1)).enumerate() {
            if y < above || y >= above + height {
                line.fill(0.0);
            } else {
                line[..left * self.stride].fill(0.0);
                line[(left + width) * self.stride..].fill(0.0);
            }
        }
    }

    #[inline(always)]
    fn lay_blocks((g, picture, ground): (Self, &[f32], &mut [f32])) {
        let [height, width] = g.size;
        for first in (0..g.channels).step_by(BLOCK) {
            let count = BLOCK.min(g.channels - first);
            for y in 0..height {
                // Lines of the block's channels; those that are not there stand for the first.
                let mut lines = [&picture[..0]; BLOCK];
                for (l, line) in lines.iter_mut().enumerate() {
                    let channel = if l < count { first + l } else { first };
                    *line = &picture[(channel * height + y) * width..][..width];
                }
                let places = ground[g.start(y)..].chunks_exact_mut(g.stride).take(width);
                for (j, place) in places.enumerate() {
                    let place = &mut place[first..];
                    if let Some(block) = place.first_chunk_mut::<BLOCK>() {
                        for l in 0..BLOCK {
                            block[l] = lines[l][j];
                        }
                    } else {
                        for (out, line) in place.iter_mut().zip(&lines[..count]) {
                            *out = line[j];
                        }
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn lift_blocks((g, ground, bias, picture): LiftArgs) {
        let [height, width] = g.size;
        for (channel, plane) in picture.chunks_exact_mut(height * width).enumerate() {
            let bias = bias.map_or(0.0, |bias| bias[channel]);
            for (y, line) in plane.chunks_exact_mut(width).enumerate() {
                let places = ground[g.start(y)..].chunks_exact(g.stride);
                for (out, place) in line.iter_mut().zip(places) {
                    *out = place[channel] + bias;
                }
            }
        }
    }
}

/// Sizes, the ground, the bias, the picture.
type LiftArgs<'a> = (Ground, &'a [f32], Option<&'a [f32]>, &'a mut [f32]);

kernels! {
    ['a] Lay: Ground::lay_blocks, (Ground, &'a [f32], &'a mut [f32]) => ();
    ['a] Lift: Ground::lift_blocks, LiftArgs<'a> => ();
}
