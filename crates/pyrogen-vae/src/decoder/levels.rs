//! The categorical distribution of grey values.

use burn::tensor::Tensor;
use pyrogen_core::Noise;
use pyrogen_core::distribution::{Categorical, Distribution, Moments};

/// A probability for each of the grey values `k / (levels - 1)`, element by element.
///
/// # Shapes
/// Values `[batch, features]`, logits `[batch, features, levels]`, densities `[batch, features]`.
///
/// # Values
/// A value counts as the nearest level; below 0 as the first, above 1 as the last.
#[derive(Debug, Clone)]
pub struct Levels {
    base: Categorical<3>,
}

impl Levels {
    /// From logits, `[batch, features, levels]`.
    ///
    /// # Panics
    /// If there are fewer than two levels.
    pub fn new(logits: Tensor<3>) -> Self {
        let levels = logits.dims()[2];
        assert!(levels >= 2, "Levels: at least two levels are needed, got {levels}");
        Self { base: Categorical::new(logits) }
    }

    fn top(&self) -> f64 {
        (self.base.categories() - 1) as f64
    }

    /// `sum_k p_k value_k^power`.
    fn moment(&self, power: i32) -> Tensor<2> {
        let top = self.top();
        let values: Vec<f32> =
            (0..self.base.categories()).map(|k| (k as f64 / top).powi(power) as f32).collect();
        let probs = self.base.probs();
        let values = Tensor::<1>::from_floats(values.as_slice(), &probs.device());
        (probs * values.unsqueeze()).sum_dim(2).squeeze_dim(2)
    }
}

impl Distribution<2, 2> for Levels {
    fn log_prob(&self, value: Tensor<2>) -> Tensor<2> {
        // A number that is none has no level: it must not be taken for one without a word.
        let none = value.clone().is_nan();
        let level = (value.clamp(0.0, 1.0) * self.top()).round().int();
        self.base.log_prob(level).mask_fill(none, f32::NAN)
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<2> {
        self.base.sample(noise).float() / self.top()
    }
}

impl Moments<2> for Levels {
    fn mean(&self) -> Tensor<2> {
        self.moment(1)
    }

    fn variance(&self) -> Tensor<2> {
        self.moment(2) - self.moment(1).square()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_testkit::{device, host};

    /// Sums of three numbers in f32.
    const ROUNDING: f64 = 1e-6;

    #[test]
    fn moments_and_probabilities() {
        let probs = [0.5f32, 0.2, 0.3];
        let logits = Tensor::<1>::from_floats(probs, &device()).log().reshape([1, 1, 3]);
        let levels = Levels::new(logits);
        assert!((host(levels.mean())[0] - 0.4).abs() < ROUNDING);
        assert!((host(levels.variance())[0] - (0.2 * 0.25 + 0.3 - 0.16)).abs() < ROUNDING);
        for (value, k) in [(0.0, 0), (0.5, 1), (0.74, 1), (0.8, 2), (1.3, 2), (-0.1, 0)] {
            let value = Tensor::<2>::from_floats([[value]], &device());
            let got = host(levels.log_prob(value))[0];
            assert!((got - f64::from(probs[k]).ln()).abs() < ROUNDING);
        }
        let nan = Tensor::<2>::from_floats([[f32::NAN]], &device());
        assert!(host(levels.log_prob(nan))[0].is_nan());
    }
}
