//! How probable examples are.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::{
    Condition, Describe, Likelihood, Noise, RateDistortion, Score, ScoreMethod, ScoreOptions,
    flatten,
};

use crate::Vae;
use crate::numerics::host;
use crate::objective::divergence;
use crate::running::{LogMean, RunningMean};

/// Latent draws are decoded in chunks of about this many predicted numbers, so that memory does
/// not grow with the number of draws.
const CHUNK: usize = 1 << 17;

/// The bound, or the importance-sampled estimate of `ln p(x)`.
///
/// [`ScoreMethod::LowerBound`] averages the evidence lower bound (with `beta` of 1, whatever the
/// model was trained with) over the draws, the divergence in closed form where the prior is
/// standard; its standard error is that of the average, and is left out with a single draw.
///
/// [`ScoreMethod::Estimate`] is `ln (1/K sum_k w_k)` over `K` draws (Burda et al. 2016, eq. 8; the
/// estimator of Rezende et al. 2014, appendix E), which rises to `ln p(x)` with `K`. Its standard
/// error is that of the delta method, `sd(w) / (sqrt(K) mean(w))`; it is NaN with a single draw,
/// and too small where few draws carry all the weight.
///
/// # Numerics
/// Log-weights are computed on the device, in f32 with an error of about 1e-7 of their size, and
/// summed on the host in f64. The numbers drawn for a row do not depend on how draws are chunked
/// or rows are batched. A log-weight that is NaN makes the result NaN.
///
/// # Panics
/// If there are no draws, `x` is not a batch of events, the condition does not fit, or the encoder
/// is deterministic (see [`VaeObjective::is_deterministic`](crate::VaeObjective::is_deterministic)).
impl<const D: usize> Score<D> for Vae {
    fn log_likelihood(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Likelihood {
        assert!(options.draws > 0, "Vae: a score needs at least one draw");
        assert!(
            !self.config().objective.is_deterministic(),
            "Vae: a model with a deterministic encoder has no likelihood"
        );
        let model = self.valid();
        let x = flatten(x.inner(), &self.event_shape());
        let [rows, features] = x.dims();
        let classes = model.condition(condition, rows);
        let posterior = model.posterior_given(x.clone(), classes.clone());
        // With a standard prior the draws estimate one term of the bound, else both.
        let standard = self.pseudo_inputs.is_none();
        let mut terms = vec![RunningMean::default(); rows];
        let mut weights = vec![LogMean::default(); rows];
        let config = self.config();
        let width = features.max(config.prior.pseudo_inputs() * config.latents);
        let chunk = (CHUNK / (rows * width).max(1)).clamp(1, options.draws);
        let mut left = options.draws;
        while left > 0 {
            let draws = left.min(chunk);
            left -= draws;
            let epsilon = model.latent_noise(rows, draws, noise);
            let drawn = model.decode_draws(x.clone(), &posterior, classes.clone(), epsilon);
            let log_w = host(drawn.log_px.clone() + drawn.log_ratio);
            let term = if standard { host(drawn.log_px) } else { log_w.clone() };
            for (row, values) in term.chunks(draws).enumerate() {
                values.iter().for_each(|&v| terms[row].push(v));
            }
            for (row, values) in log_w.chunks(draws).enumerate() {
                values.iter().for_each(|&v| weights[row].push(v));
            }
        }
        match options.method {
            ScoreMethod::LowerBound => {
                let kl = if standard { host(divergence(&posterior)) } else { vec![0.0; rows] };
                let nats = terms.iter().zip(kl).map(|(p, kl)| p.mean() - kl).collect();
                let errors = terms.iter().map(RunningMean::std_err).collect();
                let errors = (options.draws > 1).then_some(errors);
                Likelihood::lower_bound(nats, errors, features)
            }
            ScoreMethod::Estimate => Likelihood::estimate(
                weights.iter().map(LogMean::value).collect(),
                weights.iter().map(LogMean::std_err).collect(),
                features,
            ),
            other => panic!("Vae: a score is a bound or an estimate, not {other:?}"),
        }
    }
}

impl Vae {
    /// `[rows, draws, latents]`, drawn draw by draw: the numbers of a draw are the same in every
    /// chunk.
    fn latent_noise(&self, rows: usize, draws: usize, noise: &mut Noise) -> Tensor<3> {
        let (latents, device) = (self.config().latents, self.device());
        let draws = (0..draws).map(|_| noise.normal([rows, latents], &device)).collect();
        Tensor::stack(draws, 1)
    }
}

impl Vae {
    /// The point of these examples in the rate-distortion plane, with one latent draw each.
    ///
    /// # Panics
    /// If `x` is empty or not a batch of events, the condition does not fit, or the encoder is
    /// deterministic.
    pub fn rate_distortion<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> RateDistortion {
        assert!(
            !self.config().objective.is_deterministic(),
            "Vae: a model with a deterministic encoder has no rate"
        );
        let model = self.valid();
        let x = flatten(x.inner(), &self.event_shape());
        let rows = x.dims()[0];
        assert!(rows > 0, "Vae::rate_distortion: no examples");
        let classes = model.condition(condition, rows);
        let posterior = model.posterior_given(x.clone(), classes.clone());
        let epsilon = model.latent_noise(rows, 1, noise);
        let drawn = model.decode_draws(x, &posterior, classes, epsilon);
        let kl = match model.pseudo_inputs {
            None => host(divergence(&posterior)),
            Some(_) => host(drawn.log_ratio.neg()),
        };
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / rows as f64;
        RateDistortion { examples: rows, rate: mean(kl), distortion: -mean(host(drawn.log_px)) }
    }
}
