//! Pictures of more pixels.

use image::imageops::{FilterType, resize};
use image::{ImageBuffer, Luma};

/// How pictures are made larger without a model: what a model of large pictures is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Enlarge {
    /// Each pixel becomes a square.
    Nearest,
    /// Cubic convolution over four by four pixels (Keys 1981, eq. 15, `a = -0.5`; the Catmull-Rom
    /// spline). At the border the weights of the pixels that are there are scaled to a sum of one.
    Bicubic,
}

impl Enlarge {
    /// Planes of `height` by `width` pixels, so many times larger each way.
    ///
    /// # Shapes
    /// `planes` is `[.., height, width]`, the result `[.., factor * height, factor * width]`.
    ///
    /// # Panics
    /// If `planes` is not whole planes, a size is zero, or a side does not fit 32 bits.
    ///
    /// # Numerics
    /// In f32. Cubic convolution overshoots at edges; its results are clamped to 0 and 1, so values
    /// are brightness from 0 to 1.
    ///
    /// ```
    /// use pyrogen_data::Enlarge;
    ///
    /// assert_eq!(Enlarge::Nearest.apply(&[0.0, 1.0], [1, 2], 2), [0., 0., 1., 1., 0., 0., 1., 1.]);
    /// // Three quarters of the way there is more than three quarters.
    /// assert!(Enlarge::Bicubic.apply(&[0.0, 0.0, 1.0, 1.0], [1, 4], 2)[4] > 0.75);
    /// ```
    pub fn apply(self, planes: &[f32], [height, width]: [usize; 2], factor: usize) -> Vec<f32> {
        let size = height * width;
        assert!(
            size > 0 && factor > 0 && planes.len().is_multiple_of(size),
            "Enlarge: {} values are not whole planes of {height} by {width}, or the factor is 0",
            planes.len()
        );
        planes
            .chunks_exact(size)
            .flat_map(|plane| match self {
                Self::Nearest => nearest(plane, width, factor),
                Self::Bicubic => bicubic(plane, [height, width], factor),
            })
            .collect()
    }
}

fn nearest(plane: &[f32], width: usize, factor: usize) -> Vec<f32> {
    let line = |line: &[f32]| -> Vec<f32> {
        line.iter().flat_map(|&value| std::iter::repeat_n(value, factor)).collect()
    };
    plane.chunks_exact(width).flat_map(|values| line(values).repeat(factor)).collect()
}

fn bicubic(plane: &[f32], size: [usize; 2], factor: usize) -> Vec<f32> {
    let side = |n: usize| u32::try_from(n).expect("a side that fits 32 bits");
    let [height, width] = size.map(side);
    let [tall, wide] = size.map(|n| side(n * factor));
    let picture = ImageBuffer::<Luma<f32>, _>::from_raw(width, height, plane.to_vec());
    resize(&picture.expect("a whole plane"), wide, tall, FilterType::CatmullRom).into_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of a few products in f32.
    const ROUNDING: f32 = 1e-6;

    /// Keys' weights at a quarter of a pixel.
    #[test]
    fn bicubic_has_the_weights_of_keys() {
        let kernel = |x: f64| match x.abs() {
            x if x < 1.0 => 1.5 * x.powi(3) - 2.5 * x.powi(2) + 1.0,
            x if x < 2.0 => -0.5 * x.powi(3) + 2.5 * x.powi(2) - 4.0 * x + 2.0,
            _ => 0.0,
        };
        let line: Vec<f32> = [0.3, 0.5, 0.2, 0.7, 0.4, 0.6].to_vec();
        let large = Enlarge::Bicubic.apply(&line, [1, 6], 2);
        // Two lines, which are alike, since there is one line to make them of.
        assert_eq!((large.len(), &large[..12]), (24, &large[12..]));
        for (j, got) in large[4..8].iter().enumerate() {
            let at = (j as f64 + 4.5) / 2.0 - 0.5;
            let sum: f64 = (0..6).map(|i| kernel(i as f64 - at) * f64::from(line[i])).sum();
            assert!((f64::from(*got) - sum).abs() < f64::from(ROUNDING), "{got}, {sum}");
        }
    }

    #[test]
    fn bicubic_repeats_slopes_and_plains() {
        let slope: Vec<f32> = (0..36).map(|k| 0.1 + 0.1 * (k % 6) as f32).collect();
        let large = Enlarge::Bicubic.apply(&[slope, vec![0.4; 36]].concat(), [6, 6], 4);
        assert_eq!(large.len(), 2 * 576);
        assert!(large[576..].iter().all(|v| (v - 0.4).abs() < ROUNDING));
        // Away from the border, where four pixels are there.
        for (k, got) in large[..576].iter().enumerate().filter(|(k, _)| (6..18).contains(&(k % 24)))
        {
            let expected = 0.1 + 0.1 * (((k % 24) as f32 + 0.5) / 4.0 - 0.5);
            assert!((got - expected).abs() < ROUNDING, "{k}: {got}, {expected}");
        }
    }

    #[test]
    fn brightness_stays_brightness() {
        let step: Vec<f32> = (0..16).map(|k| f32::from(u8::from(k % 4 > 1))).collect();
        for way in [Enlarge::Nearest, Enlarge::Bicubic] {
            let large = way.apply(&step, [4, 4], 3);
            assert!(large.iter().all(|v| (0.0..=1.0).contains(v)), "{way:?}");
            assert_eq!(Enlarge::apply(way, &step, [4, 4], 1).len(), 16);
        }
    }

    #[test]
    #[should_panic(expected = "7 values are not whole planes of 2 by 4")]
    fn parts_of_planes_panic() {
        Enlarge::Nearest.apply(&[0.0; 7], [2, 4], 2);
    }
}
