//! The order of each solver, on a mixture of Gaussians whose perfect denoiser is a formula.
//!
//! In f64 on the host, whatever device the other tests run on: the errors of the higher orders
//! soon fall below the rounding of f32.

use burn::tensor::{DType, Device, Tensor, TensorData};
use pyrogen_core::{Noise, Seed};
use pyrogen_solve::{FlowSolver, GaussianMixture, Levels, Sampler, Step, Times, Tolerance};

/// How far a measured order may be from the nominal one.
const SLOPE: f64 = 0.2;
const SIGMA_MIN: f64 = 0.1;
const SIGMA_MAX: f64 = 80.0;

fn mixture() -> GaussianMixture {
    let means = vec![vec![-1.0, 0.3], vec![0.8, -0.5], vec![0.5, 1.0]];
    GaussianMixture::new(vec![0.5, 0.3, 0.2], means, vec![0.5, 0.4, 0.6])
}

fn points(scale: f64) -> Tensor<2> {
    let values = Noise::new(Seed(4)).normal_vec(16).iter().map(|v| v * scale).collect();
    Tensor::from_data(TensorData::new::<f64, _>(values, [8, 2]), (&Device::flex(), DType::F64))
}

fn distance(a: Tensor<2>, b: &Tensor<2>) -> f64 {
    (a - b.clone()).square().mean().into_scalar::<f64>().sqrt()
}

/// The classical Runge-Kutta method of order four, in small steps.
fn reference(f: impl Fn(Tensor<2>, f64) -> Tensor<2>, from: f64, to: f64, scale: f64) -> Tensor<2> {
    let steps = 3000;
    let h = (to - from) / f64::from(steps);
    let mut x = points(scale);
    for i in 0..steps {
        let t = from + h * f64::from(i);
        let a = f(x.clone(), t);
        let b = f(x.clone() + a.clone() * (0.5 * h), t + 0.5 * h);
        let c = f(x.clone() + b.clone() * (0.5 * h), t + 0.5 * h);
        let d = f(x.clone() + c.clone() * h, t + h);
        x = x + (a + (b + c) * 2.0 + d) * (h / 6.0);
    }
    x
}

/// The error at `SIGMA_MIN` of a run with so many steps to there, and four below it: UniPC's last
/// steps are of lower order.
fn error(sampler: Sampler, steps: usize, exact: &Tensor<2>) -> f64 {
    let mixture = mixture();
    let ratio = (SIGMA_MIN / SIGMA_MAX).powf(1.0 / steps as f64);
    let levels = Levels::new((0..steps + 5).map(|i| SIGMA_MAX * ratio.powi(i as i32)).collect());
    let levels = levels.unwrap();
    let denoiser = |x, sigma| mixture.denoise(x, sigma);
    let mut there = None;
    let no_noise = || -> Tensor<2> { panic!("no noise is drawn without eta") };
    let on_step = |step: &Step<2>| {
        if step.index == steps {
            there = Some(step.x.clone());
        }
    };
    sampler.sample_with(denoiser, points(SIGMA_MAX), &levels, no_noise, on_step).unwrap();
    distance(there.unwrap(), exact)
}

#[test]
fn samplers_have_their_orders() {
    let mixture = mixture();
    let in_log = |x: Tensor<2>, u: f64| x.clone() - mixture.denoise(x, u.exp());
    let exact = reference(in_log, SIGMA_MAX.ln(), SIGMA_MIN.ln(), SIGMA_MAX);
    for (sampler, order, steps) in [
        (Sampler::Euler, 1.0, 160),
        (Sampler::Ddim { eta: 0.0 }, 1.0, 160),
        (Sampler::EulerAncestral { eta: 0.0 }, 1.0, 160),
        (Sampler::Heun, 2.0, 80),
        (Sampler::Dpmpp2s, 2.0, 80),
        (Sampler::DpmppSde { eta: 0.0 }, 2.0, 80),
        (Sampler::Dpmpp2m, 2.0, 160),
        (Sampler::Dpmpp3m, 3.0, 160),
        (Sampler::Dpmpp3mSde { eta: 0.0 }, 2.0, 160),
        (Sampler::UniPc { order: 1 }, 2.0, 80),
        (Sampler::UniPc { order: 2 }, 3.0, 80),
        (Sampler::UniPc { order: 3 }, 4.0, 160),
        (Sampler::Lms { order: 1 }, 1.0, 160),
        (Sampler::Lms { order: 2 }, 2.0, 160),
        (Sampler::Lms { order: 3 }, 3.0, 160),
        (Sampler::Lms { order: 4 }, 4.0, 160),
    ] {
        let (coarse, fine) = (error(sampler, steps, &exact), error(sampler, 2 * steps, &exact));
        let slope = (coarse / fine).log2();
        println!(
            "{sampler:?}: {coarse:.2e} at {steps} steps, {fine:.2e} at twice, order {slope:.2}"
        );
        assert!((slope - order).abs() <= SLOPE, "{sampler:?} has order {slope}, not {order}");
    }
}

#[test]
fn flow_solvers_have_their_orders() {
    let mixture = mixture();
    let velocity = |x, t| mixture.velocity(x, t);
    let exact = reference(velocity, 1.0, 0.0, 1.0);
    let run = |solver: FlowSolver, steps| {
        let times = Times::sampling(steps).unwrap();
        let solution = solver.solve(velocity, points(1.0), &times, |_| {}).unwrap();
        (distance(solution.x.clone(), &exact), solution)
    };
    for (solver, order, steps) in
        [(FlowSolver::Euler, 1.0, 80), (FlowSolver::Midpoint, 2.0, 40), (FlowSolver::Heun, 2.0, 40)]
    {
        let (coarse, fine) = (run(solver, steps).0, run(solver, 2 * steps).0);
        let slope = (coarse / fine).log2();
        println!(
            "{solver:?}: {coarse:.2e} at {steps} steps, {fine:.2e} at twice, order {slope:.2}"
        );
        assert!((slope - order).abs() <= SLOPE, "{solver:?} has order {slope}, not {order}");
    }
    // An adaptive solver is asked for an error and not for steps: the tolerance is that of one
    // step, and errors of earlier steps grow or shrink on the way.
    let mut evaluations = Vec::new();
    for tolerance in [1e-4, 1e-6, 1e-8] {
        let solver = FlowSolver::Rk45(Tolerance { relative: tolerance, absolute: tolerance });
        let (error, solution) = run(solver, 1);
        println!("{solver:?}: {error:.2e} with {} velocities", solution.evaluations);
        assert!(error < 10.0 * tolerance, "tolerance {tolerance}: error {error}");
        let tried = solution.steps + solution.rejected;
        assert_eq!(solution.evaluations, 6 * tried + 2);
        evaluations.push(solution.evaluations as f64);
    }
    // Order five: a hundredth of the tolerance takes 100^(1/5) = 2.5 times the steps.
    let growth = evaluations[2] / evaluations[1];
    assert!((1.8..3.2).contains(&growth), "the number of velocities grew by {growth}");
}
