//! The forward pass that every objective starts from.

use burn::tensor::Tensor;
use pyrogen_core::distribution::{Independent, KlDivergence, Normal};
use pyrogen_core::{Batch, Posterior};

use crate::Vae;
use crate::condition::Given;
use crate::vae::Points;

/// Posteriors, latent draws, and what the decoder makes of them.
pub(crate) struct Pass {
    /// The latents and the densities of the examples.
    pub points: Points,
    /// What an encoder with a spread adds.
    spread: Option<Spread>,
    /// The draws that are not latents, `[batch, latents]`, for objectives that take some.
    pub more: Option<Tensor<2>>,
}

/// What a posterior with a spread adds.
struct Spread {
    /// `q(z | x)`, over `[batch, latents]`.
    posterior: Independent<Normal<2>>,
    /// `ln p(z) - ln q(z | x)` of the draws, `[batch, draws]`.
    log_ratio: Tensor<2>,
    /// `KL(q(z | x) || p(z))` of each example, `[batch]`: in closed form for a standard prior,
    /// else estimated at the draws.
    kl: Tensor<1>,
}

impl Pass {
    pub fn new(vae: &Vae, batch: Batch<2>, draws: Tensor<3>) -> Self {
        let config = vae.config();
        let [rows, _] = batch.x.dims();
        let samples = config.objective.samples();
        let expected = [rows, config.objective.draws(), config.latents];
        let got = draws.dims();
        assert_eq!(got, expected, "Vae: expected draws {expected:?}, got {got:?}");
        let given = Given::read(vae, &batch.condition(), rows);
        let epsilon = draws.clone().slice_dim(1, 0..samples);
        let (points, spread) = match vae.posterior_given(batch.x.clone(), &given) {
            Posterior::Gaussian(posterior) => {
                let drawn = vae.decode_draws(batch.x, &posterior, &given, epsilon);
                let log_ratio = drawn.log_ratio;
                let kl = match vae.pseudo_inputs {
                    None => divergence(&posterior),
                    Some(_) => log_ratio.clone().mean_dim(1).squeeze_dim::<1>(1).neg(),
                };
                (drawn.points, Some(Spread { posterior, log_ratio, kl }))
            }
            point => (vae.decode_points(batch.x, point.point(), &given), None),
        };
        let more = (expected[1] > samples)
            .then(|| draws.slice_dim(1, samples..samples + 1).squeeze_dim(1));
        Self { points, spread, more }
    }

    /// `mean_b -ln p(x_b | z_b)`, the mean over its draws too.
    pub fn reconstruction(&self) -> Tensor<1> {
        self.points.log_px.clone().mean().neg()
    }

    /// `q(z | x)`.
    pub fn posterior(&self) -> &Independent<Normal<2>> {
        &self.spread().posterior
    }

    /// `ln p(z) - ln q(z | x)` of the draws, `[batch, draws]`.
    pub fn log_ratio(&self) -> Tensor<2> {
        self.spread().log_ratio.clone()
    }

    fn spread(&self) -> &Spread {
        self.spread.as_ref().expect("objectives with a divergence have an encoder with a spread")
    }

    /// `mean_b KL(q(z | x_b) || p(z))`.
    pub fn mean_kl(&self) -> Tensor<1> {
        self.spread().kl.clone().mean()
    }
}

/// `KL(q(z | x) || N(0, 1))` of each example, `[batch]`.
pub(crate) fn divergence(posterior: &Independent<Normal<2>>) -> Tensor<1> {
    posterior.kl_divergence(&Independent::new(standard(posterior.base())))
}

/// `KL(q(z_j | x) || N(0, 1))`, `[batch, latents]`.
pub(crate) fn divergences(posterior: &Independent<Normal<2>>) -> Tensor<2> {
    posterior.base().kl_divergence(&standard(posterior.base()))
}

fn standard(like: &Normal<2>) -> Normal<2> {
    let log_var = like.log_var();
    Normal::standard(log_var.dims(), &log_var.device())
}
