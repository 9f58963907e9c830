//! How large the convolutional VAE's step is, where its cost is followed as it grows.

use std::str::FromStr;

/// Sizes of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// Examples in a batch.
    pub batch: usize,
    /// Pixels along a side.
    pub side: usize,
    /// Channels of the first stage; the second has twice as many, the dense layer eight times.
    pub width: usize,
}

impl Default for Growth {
    /// The row `conv_vae`.
    fn default() -> Self {
        Self { batch: 64, side: 28, width: 32 }
    }
}

impl FromStr for Growth {
    type Err = String;

    /// Three numbers, `BATCH,SIDE,WIDTH`.
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<usize>, _> = text.split(',').map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[batch, side, width]) if batch > 1 && side >= 4 && width > 0 => {
                Ok(Self { batch, side, width })
            }
            _ => Err(format!("{text} is not BATCH,SIDE,WIDTH: at least 2, 4 and 1")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Plan, Size, vae};

    #[test]
    fn sizes_are_three_numbers() {
        assert_eq!("8,12,4".parse(), Ok(Growth { batch: 8, side: 12, width: 4 }));
        for wrong in ["", "8", "8,12", "8,12,4,1", "1,12,4", "8,2,4", "8,12,0", "a,12,4"] {
            assert!(wrong.parse::<Growth>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_grown_step_has_a_larger_loss_to_lower() {
        let loss = |side| {
            let growth = Growth { batch: 4, side, width: 2 };
            vae::grown(Plan { size: Size::Tiny, workers: 2 }, growth).run()
        };
        // An untrained Bernoulli decoder costs about ln 2 a pixel.
        for side in [4, 8, 12] {
            let a_pixel = loss(side) / (side * side) as f64;
            assert!((0.5..1.5).contains(&a_pixel), "{side}: {a_pixel}");
        }
    }
}
