//! What training minimises: the evidence lower bound and the importance-weighted bound.

use burn::tensor::Tensor;
use pyrogen_core::distribution::{Independent, Normal};
use pyrogen_core::{Batch, Loss, Noise, Objective};

use crate::vae::Drawn;
use crate::{Bound, Vae};

/// The negative bound in nats, a mean over the batch.
///
/// [`Bound::Elbo`] has two terms, `reconstruction` and `kl`, the second with weight `beta`:
///
/// ```text
/// reconstruction = mean_b -ln p(x_b | z_b)
/// kl             = mean_b KL(q(z | x_b) || p(z))
/// ```
///
/// [`Bound::Iwae`] has the term `iwae`, and the two others as values that are only logged:
///
/// ```text
/// iwae = mean_b -ln (1/K sum_k p(x_b | z_bk) p(z_bk) / q(z_bk | x_b))
/// ```
///
/// The batch is flat, `[batch, features]`; the draws are standard normal numbers
/// `[batch, samples, latents]`. Labels are read by a conditional model and ignored by another.
///
/// # Panics
/// If a shape is another, or a conditional model sees a batch without labels.
///
/// # References
/// Kingma and Welling 2014, eq. 10. Higgins et al. 2017, eq. 4. Burda et al. 2016, eq. 8.
impl Objective for Vae {
    type Batch = Batch<2>;
    type Draws = Tensor<3>;

    fn draw(&self, batch: &Batch<2>, noise: &mut Noise) -> Tensor<3> {
        let [rows, _] = batch.x.dims();
        let config = self.config();
        let shape = [rows, config.objective.samples(), config.latents];
        noise.normal(shape, &batch.x.device())
    }

    fn loss(&self, batch: Batch<2>, epsilon: Tensor<3>) -> Loss {
        let config = self.config();
        let [rows, _] = batch.x.dims();
        let expected = [rows, config.objective.samples(), config.latents];
        assert_eq!(
            epsilon.dims(),
            expected,
            "Vae: expected draws {expected:?}, got {:?}",
            epsilon.dims()
        );
        let classes = match config.classes {
            Some(_) => self.condition(&batch.condition(), rows),
            None => None,
        };
        let posterior = self.posterior_given(batch.x.clone(), classes.clone());
        let drawn = self.decode_draws(batch.x, &posterior, classes, epsilon);
        let kl = divergence(&posterior).mean();
        let reconstruction = drawn.log_px.clone().mean().neg();
        match config.objective {
            Bound::Elbo => {
                Loss::new().term("reconstruction", reconstruction).weighted("kl", kl, config.beta)
            }
            Bound::Iwae { .. } => Loss::new()
                .term("iwae", importance_weighted(drawn).mean().neg())
                .logged("reconstruction", reconstruction.detach())
                .logged("kl", kl.detach()),
        }
    }
}

/// `KL(q(z | x) || p(z))` of each example, `[batch]`.
pub(crate) fn divergence(posterior: &Independent<Normal<2>>) -> Tensor<1> {
    let log_var = posterior.base().log_var();
    let prior = Normal::standard(log_var.dims(), &log_var.device());
    posterior.kl_divergence(&Independent::new(prior))
}

/// `ln (1/K sum_k w_k)` of each example, `[batch, 1]`.
fn importance_weighted(drawn: Drawn) -> Tensor<2> {
    let log_w = drawn.log_px + drawn.log_ratio;
    let draws = log_w.dims()[1] as f64;
    let top = log_w.clone().detach().max_dim(1);
    let sum = (log_w - top.clone()).exp().sum_dim(1);
    sum.log() + top - draws.ln()
}
