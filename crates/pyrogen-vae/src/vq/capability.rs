//! What a vector-quantised autoencoder can do.

use std::fmt;

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use pyrogen_core::distribution::{Distribution, Moments};
use pyrogen_core::{
    Condition, Decode, Describe, Encode, Likelihood, ModelError, Noise, NumericalError, Posterior,
    RateDistortion, Sample, SampleOptions, Score, ScoreOptions, flatten, unflatten,
};
use serde::{Deserialize, Serialize};

use super::{VqVae, no_condition};
use crate::DecoderDistribution;
use crate::capability::{DECODER, ENCODED_AT_ONCE};
use crate::numerics::host;
use crate::start::own_log_scales;

/// The frequency that a code has at least: what was never seen is not impossible.
const RAREST: f64 = 1e-4;

impl Describe for VqVae {
    fn event_shape(&self) -> Vec<usize> {
        self.config().event.clone()
    }
}

/// Draws the code of each position and level by itself, with its averaged frequencies, and the example
/// from the decoder's distribution; of a picture it gives the mean, as [`Vae`](crate::Vae) does. The
/// temperature divides the log-frequencies: at 0 the
/// most frequent code is taken.
///
/// # Errors
/// A temperature that does not fit, a condition, or a decoder that gives NaN or infinity.
impl<const D: usize> Sample<D> for VqVae {
    fn sample(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        options.check(self, n)?;
        let model = self.valid();
        let logits = model.log_frequencies().unsqueeze_dim::<3>(0);
        let [_, slots, codes] = logits.dims();
        let gumbel: Tensor<3> = noise.gumbel([n, slots, codes], &model.device());
        let drawn = (logits + gumbel * options.temperature).argmax(2).squeeze_dim(2);
        let x = model.decode_codes(drawn).output(options.output, &self.config().event, noise);
        Ok(unflatten(NumericalError::finite(x, DECODER)?, &self.config().event))
    }
}

/// The encoder's vectors, those of all positions side by side, and their codes, as
/// [`codes`](VqVae::codes) gives them. Decoding quantises the vectors.
///
/// # Errors
/// A condition.
impl<const D: usize> Encode<D> for VqVae {
    fn encode(&self, x: Tensor<D>, condition: &Condition) -> Result<Posterior, ModelError> {
        let x = flatten(x, &self.config().event);
        let rows = x.dims()[0];
        self.check_condition(condition, rows)?;
        let vectors = self.vectors(x);
        let indices = self.slots(&self.quantise(vectors.clone()).steps, rows);
        Ok(Posterior::Codes { vectors: vectors.reshape([rows, self.latents()]), indices })
    }
}

impl<const D: usize> Decode<D> for VqVae {
    fn latent_dim(&self) -> usize {
        self.latents()
    }

    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Result<Tensor<D>, ModelError> {
        let [rows, width] = z.dims();
        self.check_condition(condition, rows)?;
        let latents = self.latents();
        assert_eq!(width, latents, "VqVae: expected latents [batch, {latents}], got {width}");
        let dim = self.config().dim;
        let chain = self.quantise(z.reshape([rows * latents / dim, dim]));
        let x = NumericalError::finite(self.decode_vectors(chain.sum, rows).mean(), DECODER)?;
        Ok(unflatten(x, &self.config().event))
    }

    fn decode_draw(
        &self,
        z: Tensor<2>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        let [rows, width] = z.dims();
        self.check_condition(condition, rows)?;
        let latents = self.latents();
        assert_eq!(width, latents, "VqVae: expected latents [batch, {latents}], got {width}");
        let dim = self.config().dim;
        let chain = self.quantise(z.reshape([rows * latents / dim, dim]));
        let x = self.decode_vectors(chain.sum, rows).sample(noise);
        Ok(unflatten(NumericalError::finite(x, DECODER)?, &self.config().event))
    }
}

/// The lower bound `ln p(x | codes(x)) + ln p(codes(x))`; the options are ignored, since nothing is
/// drawn.
///
/// # Errors
/// A condition.
///
/// # Panics
/// If `x` is not a batch of events.
impl<const D: usize> Score<D> for VqVae {
    fn log_likelihood(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        _options: &ScoreOptions,
        _noise: &mut Noise,
    ) -> Result<Likelihood, ModelError> {
        self.check_condition(condition, x.dims()[0])?;
        let (log_px, log_codes) = self.log_probs(x, condition);
        let nats = log_px.iter().zip(&log_codes).map(|(a, b)| a + b).collect();
        Ok(Likelihood::lower_bound(nats, None, self.config().features()))
    }
}

/// Which codes are used.
///
/// # Examples
/// ```
/// use pyrogen_vae::CodeReport;
///
/// let report = CodeReport { codes: 64, used: 5, perplexity: 3.2 };
/// assert!(report.is_collapsed() && report.to_string().contains("5 of 64 codes"));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CodeReport {
    /// Number of codes, over all levels.
    pub codes: usize,
    /// How many of them some example uses.
    pub used: usize,
    /// `exp` of the entropy of the codes' frequencies, the mean over the levels.
    pub perplexity: f64,
}

impl CodeReport {
    /// Whether less than a tenth of the codes is used.
    pub fn is_collapsed(&self) -> bool {
        self.used * 10 < self.codes
    }
}

impl fmt::Display for CodeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_collapsed() {
            write!(f, "codebook collapse: ")?;
        }
        write!(f, "{} of {} codes used, perplexity {:.1}", self.used, self.codes, self.perplexity)?;
        if self.is_collapsed() {
            write!(f, "; try fewer codes, a higher restart threshold or a smaller commitment")?;
        }
        Ok(())
    }
}

impl VqVae {
    fn latents(&self) -> usize {
        self.config().slots() / self.config().levels * self.config().dim
    }

    /// The codes of each example: those of the first level at all positions, then those of the
    /// second, and so on.
    ///
    /// # Shapes
    /// `x` is a batch of events, the result `[batch, slots]`.
    ///
    /// # Panics
    /// If `x` is not a batch of events.
    pub fn codes<const D: usize>(&self, x: Tensor<D>) -> Tensor<2, Int> {
        let x = flatten(x, &self.config().event);
        let rows = x.dims()[0];
        let chain = self.quantise(self.vectors(x));
        self.slots(&chain.steps, rows)
    }

    /// The distribution of flat examples given their codes, `[batch, slots]`, as
    /// [`codes`](Self::codes) gives them: what a model of the codes needs to make examples.
    ///
    /// # Panics
    /// If there are other slots. A number that is not a code panics or gives arbitrary values, as
    /// the device's selection does.
    pub fn decode_codes(&self, codes: Tensor<2, Int>) -> DecoderDistribution {
        let ([rows, width], slots) = (codes.dims(), self.config().slots());
        assert_eq!(width, slots, "VqVae: expected codes [batch, {slots}], got [{rows}, {width}]");
        let positions = slots / self.config().levels;
        let part = |(level, codebook): (usize, &super::Codebook)| {
            let index = codes.clone().slice_dim(1, level * positions..(level + 1) * positions);
            codebook.vectors().select(0, index.reshape([rows * positions]))
        };
        let parts = self.codebooks.iter().enumerate().map(part);
        let vectors = parts.reduce(|a, b| a + b).expect("one level or more");
        self.decode_vectors(vectors, rows)
    }

    /// Logarithms of the averaged frequencies, `[slots, codes]`: the prior of the codes.
    pub fn log_frequencies(&self) -> Tensor<2> {
        let usage = self.usage.value_sync() + RAREST / self.config().codes as f64;
        (usage.clone() / usage.sum_dim(1)).log()
    }

    /// Which codes these examples use.
    ///
    /// # Panics
    /// If `x` is not a batch of events.
    pub fn code_report<const D: usize>(&self, x: Tensor<D>) -> CodeReport {
        let (levels, codes) = (self.config().levels, self.config().codes);
        let positions = self.config().slots() / levels;
        let model = self.valid();
        let x = flatten(x.inner(), &self.config().event);
        let rows = x.dims()[0];
        let mut counts = vec![0u64; levels * codes];
        for start in (0..rows).step_by(ENCODED_AT_ONCE) {
            let part = x.clone().slice(start..rows.min(start + ENCODED_AT_ONCE));
            let index: Vec<i64> = model.codes(part).into_data().iter().collect();
            for (i, code) in index.into_iter().enumerate() {
                counts[i / positions % levels * codes + code as usize] += 1;
            }
        }
        let total = (rows * positions) as f64;
        let used = counts.iter().filter(|c| **c > 0).count();
        let share = |count: &u64| *count as f64 / total;
        let entropy = |level: &[u64]| -> f64 {
            level.iter().filter(|c| **c > 0).map(|c| -share(c) * share(c).ln()).sum()
        };
        let perplexity: f64 = counts.chunks(codes).map(|level| entropy(level).exp()).sum();
        CodeReport { codes: codes * levels, used, perplexity: perplexity / levels as f64 }
    }

    /// The point of these examples in the rate-distortion plane: what their codes cost with the
    /// averaged frequencies, and what the examples cost given their codes.
    ///
    /// # Panics
    /// If `x` is empty or not a batch of events, or a condition is given.
    pub fn rate_distortion<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
    ) -> RateDistortion {
        let (log_px, log_codes) = self.log_probs(x, condition);
        let examples = log_px.len();
        assert!(examples > 0, "VqVae::rate_distortion: no examples");
        let mean = |values: Vec<f64>| -values.iter().sum::<f64>() / examples as f64;
        RateDistortion { examples, rate: mean(log_codes), distortion: mean(log_px) }
    }

    /// `ln p(x | codes(x))` and `ln p(codes(x))` of each example.
    fn log_probs<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
    ) -> (Vec<f64>, Vec<f64>) {
        let model = self.valid();
        let x = flatten(x.inner(), &self.config().event);
        let rows = x.dims()[0];
        no_condition(condition);
        let chain = model.quantise(model.vectors(x.clone()));
        let index = model.slots(&chain.steps, rows);
        let frequencies = model.log_frequencies().transpose();
        // The row of each slot's code in `[codes, slots]`.
        let log_codes: Tensor<2> = frequencies.gather(0, index).sum_dim(1);
        let log_px = model.decode_vectors(chain.sum, rows).log_prob(x);
        (host(log_px), host(log_codes))
    }

    /// The model with codes at vectors of these examples (the untrained encoder's), and with its
    /// own scales at the residuals of the untrained network. A few hundred examples do.
    ///
    /// # Panics
    /// If `x` is empty or of another width.
    pub fn init_from_data(mut self, x: Tensor<2>, noise: &mut Noise) -> Self {
        let rows = x.dims()[0];
        assert!(rows > 0, "VqVae::init_from_data: no examples");
        let (codes, device) = (self.config().codes, self.device());
        let mut rest = self.valid().vectors(x.clone().inner());
        let n = rest.dims()[0];
        let codebooks = std::mem::take(&mut self.codebooks);
        self.codebooks = codebooks
            .into_iter()
            .map(|codebook| {
                let mut order = noise.permutation(n);
                order = order.iter().copied().cycle().take(codes).collect();
                let order: Vec<i32> = order.into_iter().map(|i| i as i32).collect();
                let order = Tensor::<1, Int>::from_data(order.as_slice(), &rest.device());
                let vectors = rest.clone().select(0, order);
                let set = codebook.valid().with_vectors(vectors.clone());
                rest = rest.clone() - set.quantise(rest.clone()).codes;
                codebook.with_vectors(Tensor::from_data(vectors.into_data(), &device))
            })
            .collect();
        if self.log_scale.is_some() {
            let model = self.valid();
            let chain = model.quantise(model.vectors(x.clone().inner()));
            let expected = model.decode_vectors(chain.sum, rows).mean();
            let decoder = &self.config().decoder;
            self.log_scale = Some(own_log_scales(decoder, x, expected, &device));
        }
        self
    }
}
