//! The evidence lower bound and its kin: free bits, capacity, importance weights.

use burn::tensor::Tensor;
use pyrogen_core::Loss;
use pyrogen_nn::ops;

use super::Pass;
use super::pass::divergences;
use crate::numerics::log_sum_exp;

pub(super) fn elbo(pass: &Pass, beta: f64) -> Loss {
    Loss::new().term("reconstruction", pass.reconstruction()).weighted("kl", pass.mean_kl(), beta)
}

pub(super) fn free_bits(pass: &Pass, beta: f64, nats: f64) -> Loss {
    let each: Tensor<2> = divergences(pass.posterior()).mean_dim(0);
    let kl = ops::sum(each.clamp_min(nats));
    Loss::new()
        .term("reconstruction", pass.reconstruction())
        .weighted("kl", kl, beta)
        .logged("rate", pass.mean_kl().detach())
}

pub(super) fn capacity(pass: &Pass, gamma: f64, nats: f64) -> Loss {
    let kl = pass.mean_kl();
    Loss::new()
        .term("reconstruction", pass.reconstruction())
        .toward("capacity", kl.clone(), nats, gamma)
        .logged("kl", kl.detach())
}

pub(super) fn iwae(pass: Pass) -> Loss {
    let (reconstruction, kl) = (pass.reconstruction().detach(), pass.mean_kl().detach());
    Loss::new()
        .term("iwae", importance_weighted(pass).mean().neg())
        .logged("reconstruction", reconstruction)
        .logged("kl", kl)
}

/// `ln (1/K sum_k w_k)` of each example, `[batch, 1]`.
fn importance_weighted(pass: Pass) -> Tensor<2> {
    let log_w = pass.points.log_px.clone() + pass.log_ratio();
    let draws = log_w.dims()[1] as f64;
    log_sum_exp(log_w, 1) - draws.ln()
}
