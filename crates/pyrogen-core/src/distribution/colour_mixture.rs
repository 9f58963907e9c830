//! Mixtures of discretised logistics over colour pixels.

use burn::tensor::Tensor;
use pyrogen_ops::log_softmax;

use super::categorical::gumbel_argmax;
use super::numerics::log_sum_exp;
use super::{DiscretisedLogistic, Distribution, Moments};
use crate::Noise;

/// Red, green and blue.
const CHANNELS: usize = 3;

/// A mixture of discretised logistics of whole colour pixels: within a component green depends on
/// red, and blue on both.
///
/// ```text
/// p(pixel) = sum_k w_k L(r; m_rk) L(g; m_gk + a_k r') L(b; m_bk + b_k r' + c_k g')
/// r' = r - 1/2      g' = g - 1/2
/// ```
///
/// `L` is [`DiscretisedLogistic`], with a scale of its own for each channel and component. All
/// channels of a pixel come from one component, so that a pixel may be, say, red or white and
/// nothing between.
///
/// # Shapes
/// Values `[batch, 3, pixels]`, red first; log-densities `[batch, pixels]`.
///
/// # Values
/// As for [`DiscretisedLogistic`], levels in [0, 1]. Subtracting one half makes the coefficients
/// those of Salimans et al., who work on [-1, 1].
///
/// # Numerics
/// Those of [`DiscretisedLogistic`] and of a sum of exponentials with the largest term taken out.
/// Moments of red are those of its mixture. Green and blue are taken at the mean of what they
/// depend on, and its variance is passed on as if they were linear in it: the ends of [0, 1] are
/// left out of account there.
///
/// # References
/// Salimans, Karpathy, Chen and Kingma (2017), "PixelCNN++", section 2.2, eq. 3.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{ColourMixture, Distribution};
///
/// let device = Device::flex();
/// // One grey pixel whose channels move together, in one component.
/// let mean = Tensor::<4>::full([1, 3, 1, 1], 0.5, &device);
/// let log_scale = Tensor::full([1, 3, 1, 1], -4.0, &device);
/// let coupling = Tensor::<1>::from_floats([1.0, 0.0, 1.0], &device).reshape([1, 3, 1, 1]);
/// let pixel = ColourMixture::new(Tensor::zeros([1, 1, 1], &device), mean, log_scale, coupling, 5);
/// let of = |rgb: [f32; 3]| -> f32 {
///     let value = Tensor::<1>::from_floats(rgb, &device).reshape([1, 3, 1]);
///     pixel.log_prob(value).into_scalar()
/// };
/// // Where green does not follow red it is half a level beyond its bin: 0.125 / exp(-4) nats.
/// assert!(of([0.75, 0.75, 0.75]) > of([0.75, 0.5, 0.5]) + 6.0);
/// ```
#[derive(Debug, Clone)]
pub struct ColourMixture {
    logits: Tensor<3>,
    mean: Tensor<4>,
    log_scale: Tensor<4>,
    coupling: Tensor<4>,
    levels: usize,
}

impl ColourMixture {
    /// From the logits of the weights, `[batch, pixels, components]`, and for each channel
    /// locations and log-scales, `[batch, 3, pixels, components]`. `coupling` has that shape too
    /// and holds the coefficients of red in green, of red in blue and of green in blue.
    ///
    /// # Panics
    /// If a shape is another, there are no components, or fewer than two levels.
    pub fn new(
        logits: Tensor<3>,
        mean: Tensor<4>,
        log_scale: Tensor<4>,
        coupling: Tensor<4>,
        levels: usize,
    ) -> Self {
        let [batch, pixels, components] = logits.dims();
        let expected = [batch, CHANNELS, pixels, components];
        assert!(components > 0, "ColourMixture: a mixture needs a component");
        assert!(levels >= 2, "ColourMixture: at least two levels are needed, got {levels}");
        for (name, got) in
            [("mean", mean.dims()), ("log_scale", log_scale.dims()), ("coupling", coupling.dims())]
        {
            assert_eq!(got, expected, "ColourMixture: {name} has another shape than the logits");
        }
        Self { logits, mean, log_scale, coupling, levels }
    }

    /// The logarithms of the weights, `[batch, pixels, components]`.
    pub fn log_weights(&self) -> Tensor<3> {
        log_softmax(self.logits.clone())
    }

    /// One channel of each component: the law given what the others add to its location.
    fn channel(&self, c: usize, more: Option<Tensor<4>>) -> DiscretisedLogistic<4> {
        let mean = part(&self.mean, c);
        let mean = match more {
            Some(more) => mean + more,
            None => mean,
        };
        DiscretisedLogistic::new(mean, part(&self.log_scale, c), self.levels)
    }

    /// What red and green, `[batch, 1, pixels, components]` or with one component for all, add to
    /// the locations of green and blue.
    fn added(&self, c: usize, red: &Tensor<4>, green: &Tensor<4>) -> Tensor<4> {
        let by = |i: usize, value: &Tensor<4>| part(&self.coupling, i) * (value.clone() - 0.5);
        if c == 1 { by(0, red) } else { by(1, red) + by(2, green) }
    }

    /// Means and variances of each component, `[batch, 3, pixels, components]`.
    fn component_moments(&self) -> (Tensor<4>, Tensor<4>) {
        let red = self.channel(0, None);
        let (r, r_var) = (red.mean(), red.variance());
        let green = self.channel(1, Some(self.added(1, &r, &r)));
        let through = |i: usize| part(&self.coupling, i);
        let g = green.mean();
        let g_var = green.variance() + through(0).square() * r_var.clone();
        let blue = self.channel(2, Some(self.added(2, &r, &g)));
        // Red reaches blue on two ways: by itself, and through green.
        let both = through(1) + through(2) * through(0);
        let b_var = blue.variance()
            + both.square() * r_var.clone()
            + through(2).square() * green.variance();
        (Tensor::cat(vec![r, g, blue.mean()], 1), Tensor::cat(vec![r_var, g_var, b_var], 1))
    }

    /// `sum_k w_k f_k`.
    fn expect(&self, f: Tensor<4>) -> Tensor<3> {
        let weights = self.log_weights().exp().unsqueeze_dim(1);
        (f * weights).sum_dim(3).squeeze_dim(3)
    }
}

/// One channel, with its axis kept.
fn part<const D: usize>(x: &Tensor<D>, channel: usize) -> Tensor<D> {
    x.clone().slice_dim(1, channel..channel + 1)
}

impl Distribution<3, 2> for ColourMixture {
    /// # Panics
    /// If the value is not `[batch, 3, pixels]`.
    fn log_prob(&self, value: Tensor<3>) -> Tensor<2> {
        let [batch, pixels, _] = self.logits.dims();
        let (expected, got) = ([batch, CHANNELS, pixels], value.dims());
        assert_eq!(got, expected, "ColourMixture: expected values {expected:?}, got {got:?}");
        let value: Tensor<4> = value.unsqueeze_dim(3);
        let (red, green) = (part(&value, 0), part(&value, 1));
        let log_prob = |c: usize| {
            let more = (c > 0).then(|| self.added(c, &red, &green));
            self.channel(c, more).log_prob(part(&value, c))
        };
        let each: Tensor<3> = (log_prob(0) + log_prob(1) + log_prob(2)).squeeze_dim(1);
        log_sum_exp(each + self.log_weights())
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<3> {
        let chosen = gumbel_argmax(self.logits.clone(), noise).unsqueeze_dim::<4>(1);
        let [batch, _, pixels, _] = chosen.dims();
        let chosen = chosen.expand([batch, CHANNELS, pixels, 1]);
        let of = |x: &Tensor<4>| x.clone().gather(3, chosen.clone());
        let one = Self {
            logits: Tensor::zeros([batch, pixels, 1], &self.logits.device()),
            mean: of(&self.mean),
            log_scale: of(&self.log_scale),
            coupling: of(&self.coupling),
            levels: self.levels,
        };
        let red = one.channel(0, None).sample(noise);
        let green = one.channel(1, Some(one.added(1, &red, &red))).sample(noise);
        let blue = one.channel(2, Some(one.added(2, &red, &green))).sample(noise);
        Tensor::cat(vec![red, green, blue], 1).squeeze_dim(3)
    }
}

impl Moments<3> for ColourMixture {
    fn mean(&self) -> Tensor<3> {
        self.expect(self.component_moments().0)
    }

    /// The mean of the components' variances plus the variance of their means.
    fn variance(&self) -> Tensor<3> {
        let (means, variances) = self.component_moments();
        let centre: Tensor<3> = self.expect(means.clone());
        self.expect(variances + (means - centre.unsqueeze_dim(3)).square())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use burn::tensor::TensorData;
    use pyrogen_testkit::{device, host};

    const LEVELS: usize = 3;
    const COMPONENTS: usize = 2;

    /// Two pixels of two examples, with parameters of ordinary size.
    fn some() -> ColourMixture {
        let mut noise = Noise::new(Seed(6));
        let mut draw = || noise.normal([2, CHANNELS, 2, COMPONENTS], &device());
        let (mean, log_scale, coupling) = (draw() * 0.4 + 0.5, draw() * 0.3 - 1.5, draw());
        let logits = Noise::new(Seed(7)).normal([2, 2, COMPONENTS], &device());
        ColourMixture::new(logits, mean, log_scale, coupling, LEVELS)
    }

    /// Every colour, `[27][3]`.
    fn colours() -> Vec<[f32; 3]> {
        let level = |k: usize| (k % LEVELS) as f32 / (LEVELS - 1) as f32;
        (0..27).map(|i| [level(i), level(i / LEVELS), level(i / LEVELS / LEVELS)]).collect()
    }

    fn everywhere(colour: [f32; 3]) -> Tensor<3> {
        let values: Vec<f32> =
            (0..2).flat_map(|_| colour.into_iter().flat_map(|v| [v, v])).collect();
        Tensor::from_data(TensorData::new(values, [2, CHANNELS, 2]), &device())
    }

    #[test]
    fn probabilities_of_all_colours_sum_to_one_and_samples_follow_them() {
        // Sums of 27 masses in f32.
        const ROUNDING: f64 = 1e-5;
        let p = some();
        let masses: Vec<Vec<f64>> =
            colours().into_iter().map(|c| host(p.log_prob(everywhere(c)).exp())).collect();
        for pixel in 0..4 {
            let total: f64 = masses.iter().map(|m| m[pixel]).sum();
            assert!((total - 1.0).abs() < ROUNDING, "{total}");
        }
        // 4,000 draws; five standard errors of a share, over 108 shares.
        let draws = 4000;
        let mut counts = vec![[0.0; 4]; 27];
        let mut noise = Noise::new(Seed(3));
        for _ in 0..draws {
            let drawn = host(p.sample(&mut noise));
            for (row, at) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let k = |c: usize| (drawn[row * 6 + c * 2 + at] * (LEVELS - 1) as f64) as usize;
                counts[k(0) + LEVELS * k(1) + LEVELS * LEVELS * k(2)][row * 2 + at] += 1.0;
            }
        }
        for (mass, count) in masses.iter().zip(&counts) {
            for (mass, count) in mass.iter().zip(count) {
                let error = 5.0 * (mass * (1.0 - mass) / draws as f64).sqrt();
                let share = count / draws as f64;
                assert!((share - mass).abs() < error + 1e-9, "{share} {mass}");
            }
        }
    }

    /// Far from the ends of [0, 1] and with fine levels the moments are those of the samples.
    #[test]
    fn moments_are_those_of_samples_away_from_the_ends() {
        let n = 20_000;
        let full = |values: [f32; 3], rows| {
            Tensor::<1>::from_floats(values, &device())
                .reshape([1, 3, 1, 1])
                .expand([rows, 3, 1, 1])
        };
        let law = |rows: usize| {
            ColourMixture::new(
                Tensor::zeros([rows, 1, 1], &device()),
                full([0.45, 0.5, 0.55], rows),
                full([-4.0, -4.2, -3.9], rows),
                full([0.8, -0.5, 0.6], rows),
                256,
            )
        };
        let drawn = host(law(n).sample(&mut Noise::new(Seed(8))));
        let (mean, variance) = (host(law(1).mean()), host(law(1).variance()));
        for c in 0..3 {
            let values = drawn.iter().skip(c).step_by(3);
            let average = values.clone().sum::<f64>() / n as f64;
            let spread = values.map(|v| (v - average).powi(2)).sum::<f64>() / n as f64;
            // Five standard errors; a logistic law's fourth moment is 4.2 squared variances.
            assert!((average - mean[c]).abs() < 5.0 * (variance[c] / n as f64).sqrt(), "{c}");
            let error = 5.0 * variance[c] * (3.2 / n as f64).sqrt();
            assert!((spread - variance[c]).abs() < error, "{c}: {spread} {}", variance[c]);
        }
    }

    #[test]
    #[should_panic(expected = "expected values [2, 3, 2], got [2, 2, 3]")]
    fn values_of_another_shape_panic() {
        some().log_prob(Tensor::zeros([2, 2, 3], &device()));
    }
}
