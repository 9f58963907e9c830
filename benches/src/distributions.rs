//! A million densities and a million draws.

use burn::tensor::{Int, Tensor};
use pyrogen::core::distribution::{Categorical, Distribution, Gamma, MultivariateNormal, Normal};
use pyrogen::core::{Noise, Seed};

use crate::workload::{Plan, Workload, first, noise, plain, repeat};

/// Categories of a row.
const CATEGORIES: usize = 16;

/// Numbers, or rows.
fn count(plan: Plan) -> usize {
    plan.pick(1_000_000, 10)
}

/// Draws of a new stream each time.
fn streams(row: &'static str) -> impl FnMut() -> Noise {
    let mut step = 0;
    move || {
        step += 1;
        Noise::new(Seed(1)).fork(row).fork_index(step)
    }
}

fn normal(n: usize) -> Normal<1> {
    let mut noise = noise("normal");
    let (mean, log_var) = (noise.normal([n], &plain()), noise.normal([n], &plain()));
    Normal::new(mean, log_var)
}

/// Normal densities, with a mean and a variance each.
pub fn normal_log_prob(plan: Plan) -> Box<dyn Workload> {
    let p = normal(count(plan));
    let x = noise("value").normal([count(plan)], &plain());
    repeat(move || first(p.log_prob(x.clone())))
}

/// Normal draws.
pub fn normal_sample(plan: Plan) -> Box<dyn Workload> {
    let p = normal(count(plan));
    let mut next = streams("normal");
    repeat(move || first(p.sample(&mut next())))
}

/// Shapes from 0.5 to 5.5.
fn gamma(n: usize) -> Gamma<1> {
    let mut noise = noise("gamma");
    let shape = noise.uniform([n], &plain()) * 5.0 + 0.5;
    Gamma::new(shape, noise.uniform([n], &plain()) + 0.5).expect("in the domain")
}

/// Gamma densities, with a shape and a rate each.
pub fn gamma_log_prob(plan: Plan) -> Box<dyn Workload> {
    let p = gamma(count(plan));
    let x = noise("value").uniform([count(plan)], &plain()) * 4.0 + 0.1;
    repeat(move || first(p.log_prob(x.clone())))
}

/// Gamma draws.
pub fn gamma_sample(plan: Plan) -> Box<dyn Workload> {
    let p = gamma(count(plan));
    let mut next = streams("gamma");
    repeat(move || first(p.sample(&mut next())))
}

fn categorical(n: usize) -> Categorical<2> {
    Categorical::new(noise("categorical").normal([n, CATEGORIES], &plain()))
}

/// Log-probabilities of categories, of logits each.
pub fn categorical_log_prob(plan: Plan) -> Box<dyn Workload> {
    let p = categorical(count(plan));
    let x: Tensor<1, Int> = p.sample(&mut noise("value"));
    repeat(move || first(p.log_prob(x.clone())))
}

/// Draws of categories.
pub fn categorical_sample(plan: Plan) -> Box<dyn Workload> {
    let p = categorical(count(plan));
    let mut next = streams("categorical");
    repeat(move || {
        let x: Tensor<1, Int> = p.sample(&mut next());
        x.narrow(0, 0, 1).into_data().iter::<f64>().next().expect("a draw")
    })
}

/// One covariance of 64 x 64 for all rows.
fn vectors(plan: Plan) -> MultivariateNormal<2> {
    let d = plan.pick(64, 3);
    let mut noise = noise("vectors");
    let lower = noise.normal([1, d, d], &plain()) * (0.5 / (d as f64).sqrt());
    let diagonal = Tensor::<2>::eye(d, &plain()).unsqueeze::<3>();
    let mean = Tensor::zeros([count(plan), d], &plain());
    MultivariateNormal::cholesky(mean, lower.tril(-1) + diagonal).expect("a positive diagonal")
}

/// Densities of vectors.
pub fn vector_log_prob(plan: Plan) -> Box<dyn Workload> {
    let p = vectors(plan);
    let x = p.sample(&mut noise("value"));
    repeat(move || first(p.log_prob(x.clone())))
}

/// Draws of vectors.
pub fn vector_sample(plan: Plan) -> Box<dyn Workload> {
    let p = vectors(plan);
    let mut next = streams("vectors");
    repeat(move || first(p.sample(&mut next())))
}
