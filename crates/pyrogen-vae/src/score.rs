//! How probable examples are.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::distribution::{Independent, Normal};
use pyrogen_core::{
    Condition, Describe, Likelihood, ModelError, Noise, Posterior, RateDistortion, RequestError,
    Score, ScoreMethod, ScoreOptions, flatten,
};

use crate::Vae;
use crate::capability::POINT;
use crate::condition::Given;
use crate::numerics::host;
use crate::objective::divergence;
use crate::running::{LogMean, RunningMean};

/// Latent draws are decoded in chunks of about this many predicted numbers, so that memory does
/// not grow with the number of draws.
const CHUNK: usize = 1 << 17;

/// A model whose latent draws have weights: what bound and estimate are made of.
pub(crate) trait Weigh: Module + Describe {
    /// What the encoder makes of examples, before any draw.
    type Code;

    /// Encodes flat examples.
    fn code(&self, x: Tensor<2>, given: &Given) -> Self::Code;

    /// Decodes latent draws, `[batch, draws, latents]`, and weighs them.
    fn weigh(&self, x: Tensor<2>, code: &Self::Code, given: &Given, epsilon: Tensor<3>) -> Weights;

    /// Standard normal numbers of one draw.
    fn latents(&self) -> usize;

    /// Numbers that one draw of one example takes in memory.
    fn width(&self) -> usize;
}

/// Log-densities of latent draws, `[batch, draws]` each.
pub(crate) struct Weights {
    /// `ln p(x | z)`.
    pub log_px: Tensor<2>,
    /// `ln p(z) - ln q(z | x)`.
    pub log_ratio: Tensor<2>,
    /// The divergence of the posterior from the prior, in closed form as far as there is one.
    pub kl: Tensor<2>,
}

/// Rows, their conditions and their codes, ready for draws.
struct Coded<'a, M: Weigh> {
    model: &'a M,
    x: Tensor<2>,
    given: Given,
    code: M::Code,
    device: Device,
}

impl<'a, M: Weigh> Coded<'a, M> {
    /// `model` is without a graph.
    fn new<const D: usize>(model: &'a M, x: Tensor<D>, condition: &Condition) -> Self {
        let x = flatten(x.inner(), &model.event_shape());
        let given = Given::new(model, condition, x.dims()[0]);
        let code = model.code(x.clone(), &given);
        let device = model.devices()[0].clone();
        Self { model, x, given, code, device }
    }

    fn rows(&self) -> usize {
        self.x.dims()[0]
    }

    /// The numbers are drawn draw by draw: those of a draw are the same in every chunk.
    fn weigh(&self, draws: usize, noise: &mut Noise) -> Weights {
        let shape = [self.rows(), self.model.latents()];
        let epsilon = (0..draws).map(|_| noise.normal(shape, &self.device)).collect();
        let epsilon = Tensor::stack(epsilon, 1);
        self.model.weigh(self.x.clone(), &self.code, &self.given, epsilon)
    }
}

/// The score of each example; see [`Score`] of [`Vae`].
pub(crate) fn log_likelihood<const D: usize, M: Weigh>(
    model: &M,
    x: Tensor<D>,
    condition: &Condition,
    options: &ScoreOptions,
    noise: &mut Noise,
) -> Result<Likelihood, ModelError> {
    options.check_draws()?;
    model.check_condition(condition, x.dims()[0])?;
    let model = model.valid();
    let coded = Coded::new(&model, x, condition);
    let [rows, features] = coded.x.dims();
    let mut bounds = vec![RunningMean::default(); rows];
    let mut weights = vec![LogMean::default(); rows];
    let chunk = (CHUNK / (rows * model.width()).max(1)).clamp(1, options.draws);
    let mut left = options.draws;
    while left > 0 {
        let draws = left.min(chunk);
        left -= draws;
        let drawn = coded.weigh(draws, noise);
        let bound = host(drawn.log_px.clone() - drawn.kl);
        let log_w = host(drawn.log_px + drawn.log_ratio);
        for (row, values) in bound.chunks(draws).enumerate() {
            values.iter().for_each(|&v| bounds[row].push(v));
        }
        for (row, values) in log_w.chunks(draws).enumerate() {
            values.iter().for_each(|&v| weights[row].push(v));
        }
    }
    let likelihood = match options.method {
        ScoreMethod::LowerBound => {
            let nats = bounds.iter().map(RunningMean::mean).collect();
            let errors = bounds.iter().map(RunningMean::std_err).collect();
            let errors = (options.draws > 1).then_some(errors);
            Likelihood::lower_bound(nats, errors, features)
        }
        ScoreMethod::Estimate => Likelihood::estimate(
            weights.iter().map(LogMean::value).collect(),
            weights.iter().map(LogMean::std_err).collect(),
            features,
        ),
        other => {
            let (expected, got) = ("a lower bound or an estimate", format!("{other:?}"));
            return Err(RequestError::Value { name: "method", expected, got }.into());
        }
    };
    Ok(likelihood.conditional(!condition.is_none()))
}

/// The point in the rate-distortion plane, with one draw an example.
pub(crate) fn rate_distortion<const D: usize, M: Weigh>(
    model: &M,
    x: Tensor<D>,
    condition: &Condition,
    noise: &mut Noise,
) -> RateDistortion {
    let model = model.valid();
    let coded = Coded::new(&model, x, condition);
    let examples = coded.rows();
    assert!(examples > 0, "Vae::rate_distortion: no examples");
    let drawn = coded.weigh(1, noise);
    let mean = |values: Tensor<2>| host(values).iter().sum::<f64>() / examples as f64;
    RateDistortion { examples, rate: mean(drawn.kl), distortion: -mean(drawn.log_px) }
}

impl Weigh for Vae {
    type Code = Independent<Normal<2>>;

    fn code(&self, x: Tensor<2>, given: &Given) -> Self::Code {
        match self.posterior_given(x, given) {
            Posterior::Gaussian(normal) => normal,
            _ => panic!("Vae: a model with a deterministic encoder has no likelihood"),
        }
    }

    fn weigh(&self, x: Tensor<2>, code: &Self::Code, given: &Given, epsilon: Tensor<3>) -> Weights {
        let draws = epsilon.dims()[1];
        let drawn = self.decode_draws(x, code, given, epsilon);
        let kl = match self.pseudo_inputs {
            None => divergence(code).unsqueeze_dim::<2>(1).repeat_dim(1, draws),
            Some(_) => drawn.log_ratio.clone().neg(),
        };
        Weights { log_px: drawn.points.log_px, log_ratio: drawn.log_ratio, kl }
    }

    fn latents(&self) -> usize {
        self.config().latents
    }

    fn width(&self) -> usize {
        let config = self.config();
        config.features().max(config.prior.pseudo_inputs() * config.latents)
    }
}

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
/// # Errors
/// No draws, a condition that does not fit, or an encoder that is deterministic (see
/// [`VaeObjective::is_deterministic`](crate::VaeObjective::is_deterministic)).
///
/// # Panics
/// If `x` is not a batch of events.
impl<const D: usize> Score<D> for Vae {
    fn log_likelihood(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Result<Likelihood, ModelError> {
        if self.config().objective.is_deterministic() {
            return Err(RequestError::NotGaussian { got: POINT }.into());
        }
        log_likelihood(self, x, condition, options, noise)
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
        rate_distortion(self, x, condition, noise)
    }
}
