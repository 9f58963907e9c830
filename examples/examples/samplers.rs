//! Which sampler, and how many steps: the error of each against the number of denoisings, on a mixture
//! of Gaussians whose perfect denoiser is a formula. What is wrong here is the sampler's fault.
//!
//! ```text
//! cargo run -p pyrogen-examples --example samplers
//! ```
//!
//! The first table has the methods without noise: the root mean square distance between where a
//! method ends and where the ODE ends (followed with 2,000 steps of a method of third order). The
//! second has those with noise, which have no end point to compare: the energy distance between
//! their samples and fresh points of the mixture, beside that of two sets of fresh points. The third
//! has the solvers of a flow along straight lines, as the first.

use std::error::Error;

use pyrogen::prelude::*;
use pyrogen::solve::{FlowSolver, GaussianMixture, Levels, Sampler, SolveError, Times, Tolerance};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const POINTS: usize = 1000;
const DENOISINGS: [usize; 6] = [6, 10, 16, 24, 40, 80];
const SEED: Seed = Seed(1);

fn main() -> Result<(), Box<dyn Error>> {
    let mixture = GaussianMixture::ring(8, 1.0, 0.1);
    let start = levels(2)?.start([POINTS, 2], &mut Noise::new(SEED), &Device::flex());
    let exact = run(Sampler::Dpmpp3m, &mixture, &start, &levels(2000)?)?;

    header("distance to the ODE's end");
    for (name, sampler) in Sampler::all().filter(|(_, sampler)| !is_random(sampler)) {
        row(name, &sampler, |steps| {
            Ok(distance(&run(sampler, &mixture, &start, &levels(steps)?)?, &exact))
        })?;
    }

    let mut noise = Noise::new(SEED).fork("fresh");
    let mut fresh = || points(mixture.sample(POINTS, &mut noise, &Device::flex()).0);
    let (data, other) = (fresh(), fresh());
    println!();
    header("energy distance to the mixture");
    for (name, sampler) in Sampler::all().filter(|(_, sampler)| is_random(sampler)) {
        row(name, &sampler, |steps| {
            Ok(energy_distance(&points(run(sampler, &mixture, &start, &levels(steps)?)?), &data))
        })?;
    }
    println!("two sets of fresh points: {:.4}", energy_distance(&other, &data));
    println!();
    Ok(flows(&mixture)?)
}

/// Solvers of the flow from noise to the mixture.
fn flows(mixture: &GaussianMixture) -> Result<(), SolveError> {
    let start: Tensor<2> = Noise::new(SEED).fork("flow").normal([POINTS, 2], &Device::flex());
    let end = |solver: FlowSolver, steps: usize| {
        let velocity = |x, t| mixture.velocity(x, t);
        solver.solve(velocity, start.clone(), &Times::sampling(steps)?, |_| {})
    };
    let exact = end(FlowSolver::Heun, 2000)?.x;
    header("flows: distance to the ODE's end");
    for (name, solver, each) in [
        ("euler", FlowSolver::Euler, 1),
        ("heun", FlowSolver::Heun, 2),
        ("midpoint", FlowSolver::Midpoint, 2),
    ] {
        let values = DENOISINGS.map(|n| end(solver, n / each).map(|s| distance(&s.x, &exact)));
        let values = values.into_iter().collect::<Result<Vec<f64>, _>>()?;
        let cells: Vec<String> = values.iter().map(|v| format!("{v:9.4}")).collect();
        println!("{name:20}{}", cells.concat());
    }
    for tolerance in [1e-1, 1e-2, 1e-3, 1e-4, 1e-5] {
        let solver = FlowSolver::Rk45(Tolerance { relative: tolerance, absolute: tolerance });
        let found = end(solver, 1)?;
        let (calls, far) = (found.evaluations, distance(&found.x, &exact));
        println!("rk45, tolerance {tolerance:.0e}: {calls} velocities, {far:.5}");
    }
    Ok(())
}

/// The root mean square distance of points.
fn distance(a: &Tensor<2>, b: &Tensor<2>) -> f64 {
    let square = (a.clone() - b.clone()).square().sum_dim(1).mean();
    f64::from(square.into_scalar::<f32>()).sqrt()
}

fn is_random(sampler: &Sampler) -> bool {
    !matches!(
        sampler,
        Sampler::Euler
            | Sampler::Ddim { .. }
            | Sampler::Heun
            | Sampler::Dpmpp2s
            | Sampler::Dpmpp2m
            | Sampler::Dpmpp3m
            | Sampler::UniPc { .. }
            | Sampler::Lms { .. }
    )
}

fn levels(steps: usize) -> Result<Levels, SolveError> {
    Levels::karras(steps, 0.005, 80.0, 7.0)
}

fn run(
    sampler: Sampler,
    mixture: &GaussianMixture,
    start: &Tensor<2>,
    levels: &Levels,
) -> Result<Tensor<2>, SolveError> {
    let denoiser = |x, sigma| mixture.denoise(x, sigma);
    let mut noise = Noise::new(SEED).fork("steps");
    sampler.sample(denoiser, start.clone(), levels, &mut noise, |_| {})
}

fn header(what: &str) {
    println!("{what}, by denoisings");
    println!("{:20}{}", "", DENOISINGS.map(|n| format!("{n:>9}")).concat());
}

/// One line: the value at the number of steps that takes each number of denoisings.
fn row(
    name: &str,
    sampler: &Sampler,
    value: impl Fn(usize) -> Result<f64, SolveError>,
) -> Result<(), SolveError> {
    print!("{name:20}");
    for denoisings in DENOISINGS {
        let steps = (1..=denoisings).rev().find(|&n| sampler.evaluations(n) <= denoisings);
        print!("{:9.4}", value(steps.expect("one step"))?);
    }
    println!();
    Ok(())
}

fn points(x: Tensor<2>) -> Vec<[f64; 2]> {
    let values: Vec<f64> = x.into_data().iter().collect();
    values.chunks(2).map(|p| [p[0], p[1]]).collect()
}

/// `sqrt(2 E|a - b| - E|a - a'| - E|b - b'|)` (Székely and Rizzo 2013); zero only between equal
/// distributions.
fn energy_distance(a: &[[f64; 2]], b: &[[f64; 2]]) -> f64 {
    let mean = |a: &[[f64; 2]], b: &[[f64; 2]]| -> f64 {
        let distances = a.iter().flat_map(|p| b.iter().map(|q| (p[0] - q[0]).hypot(p[1] - q[1])));
        distances.sum::<f64>() / (a.len() * b.len()) as f64
    };
    (2.0 * mean(a, b) - mean(a, a) - mean(b, b)).max(0.0).sqrt()
}
