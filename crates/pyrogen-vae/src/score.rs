//! How probable examples are.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::{
    Condition, Describe, Likelihood, Noise, Score, ScoreMethod, ScoreOptions, flatten,
};

use crate::Vae;
use crate::bounds::divergence;
use crate::running::{LogMean, RunningMean};

/// Latent draws are decoded in chunks of about this many predicted numbers, so that memory does
/// not grow with the number of draws.
const CHUNK: usize = 1 << 17;

/// The bound, or the importance-sampled estimate of `ln p(x)`.
///
/// [`ScoreMethod::LowerBound`] averages the evidence lower bound (with `beta` of 1, whatever the
/// model was trained with) over the draws, the divergence in closed form; its standard error is
/// that of the average, and is left out with a single draw.
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
/// If there are no draws, `x` is not a batch of events, or the condition does not fit.
impl<const D: usize> Score<D> for Vae {
    fn log_likelihood(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Likelihood {
        assert!(options.draws > 0, "Vae: a score needs at least one draw");
        let model = self.valid();
        let x = flatten(x.inner(), &self.event_shape());
        let [rows, features] = x.dims();
        let classes = model.condition(condition, rows);
        let posterior = model.posterior_given(x.clone(), classes.clone());
        let mut log_px = vec![RunningMean::default(); rows];
        let mut weights = vec![LogMean::default(); rows];
        let chunk = (CHUNK / (rows * features).max(1)).clamp(1, options.draws);
        let mut left = options.draws;
        while left > 0 {
            let draws = left.min(chunk);
            left -= draws;
            let epsilon = model.latent_noise(rows, draws, noise);
            let drawn = model.decode_draws(x.clone(), &posterior, classes.clone(), epsilon);
            for (row, values) in host(drawn.log_px.clone()).chunks(draws).enumerate() {
                values.iter().for_each(|&v| log_px[row].push(v));
            }
            for (row, values) in host(drawn.log_px + drawn.log_ratio).chunks(draws).enumerate() {
                values.iter().for_each(|&v| weights[row].push(v));
            }
        }
        match options.method {
            ScoreMethod::LowerBound => {
                let kl = host(divergence(&posterior));
                let nats = log_px.iter().zip(kl).map(|(p, kl)| p.mean() - kl).collect();
                let errors = log_px.iter().map(RunningMean::std_err).collect();
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

/// The values in f64.
fn host<const D: usize>(x: Tensor<D>) -> Vec<f64> {
    x.into_data().iter::<f64>().collect()
}
