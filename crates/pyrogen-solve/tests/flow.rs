//! Flows: solvers against diffusers, paths, pairing, and densities that are known.

use burn::tensor::{Device, Tensor};
use pyrogen_core::{LikelihoodKind, Noise, Seed};
use pyrogen_solve::{
    Divergence, FlowPath, FlowSolver, GaussianMixture, LogDensity, Pairing, SolveError, Spacing,
    Times, Tolerance, assign,
};
use pyrogen_testkit::fixtures::Array;
use pyrogen_testkit::{device, host, largest_difference};
use serde::Deserialize;

/// Relative above 1, absolute below: both compute in f32.
const TOLERANCE: f64 = 1e-5;

#[derive(Deserialize)]
struct Samplers {
    m: Array,
    flow: Vec<FlowCase>,
}

#[derive(Deserialize)]
struct FlowCase {
    name: String,
    solver: FlowSolver,
    times: Vec<f64>,
    start: Array,
    xs: Vec<Array>,
}

#[test]
fn solvers_equal_diffusers() {
    let fixture: Samplers = serde_json::from_str(include_str!("fixtures/samplers.json")).unwrap();
    assert_eq!(fixture.flow.len(), 2);
    let device = device();
    let m: Tensor<2> = fixture.m.tensor(&device);
    let velocity = |x: Tensor<2>, t: f64| x / (1.0 + t) - m.clone();
    for case in fixture.flow {
        let times = Times::new(case.times).unwrap();
        let mut seen = 0;
        let start = case.start.tensor(&device);
        let end = case.solver.solve(velocity, start, &times, |step| {
            assert_eq!((step.index, step.times[0]), (seen, times.values()[seen]));
            case.xs[seen].assert_close(step.x.clone(), TOLERANCE, &case.name);
            seen += 1;
        });
        let end = end.unwrap();
        if case.solver == FlowSolver::Euler {
            case.xs[seen].assert_close(end.x, TOLERANCE, &case.name);
        } else {
            // Diffusers' last Heun step has one evaluation, ours two: a step of Euler more.
            let last = &case.xs[seen - 1];
            let (t, next) = (times.values()[seen - 1], times.values()[seen]);
            let x: Tensor<2> = last.tensor(&device);
            let euler = x.clone() + velocity(x, t) * (next - t);
            case.xs[seen].assert_close(euler, TOLERANCE, &case.name);
        }
        assert_eq!(seen, times.steps());
    }
}

#[test]
fn names_parse() {
    for name in FlowSolver::NAMES.split(", ") {
        let solver: FlowSolver = name.parse().unwrap();
        let json = serde_json::to_string(&solver).unwrap();
        assert_eq!(serde_json::from_str::<FlowSolver>(&json).unwrap(), solver);
    }
    let unknown = "rk4".parse::<FlowSolver>().unwrap_err().to_string();
    assert!(unknown.contains("one of euler, heun, midpoint, rk45, got `rk4`"), "{unknown}");
    for name in Spacing::NAMES.split(", ") {
        name.parse::<Spacing>().unwrap();
    }
    assert!("even".parse::<Spacing>().unwrap_err().to_string().contains("trailing"));
}

#[test]
fn times_are_checked_and_shifted() {
    assert_eq!(Times::sampling(0), Err(SolveError::NoSteps));
    assert_eq!(Times::new(vec![1.0]), Err(SolveError::NoSteps));
    for bad in [vec![1.0, 0.5, 0.5], vec![0.0, 0.5, 0.4], vec![1.0, -0.1], vec![1.5, 1.0]] {
        assert!(matches!(Times::new(bad), Err(SolveError::Times { .. })));
    }
    assert!(matches!(Times::new(vec![1.0, f64::NAN]), Err(SolveError::Times { index: 1, .. })));
    let shifted = Times::shifted(2, 3.0).unwrap();
    assert_eq!(shifted.values(), [1.0, 0.75, 0.0]);
    assert!(Times::shifted(2, 0.0).is_err());
}

#[test]
fn a_velocity_that_fails_is_named_and_tolerances_are_checked() {
    let x = Tensor::<2>::ones([2, 2], &device());
    let times = Times::sampling(4).unwrap();
    let velocity = |x: Tensor<2>, t: f64| if t < 0.6 { x * f64::NAN } else { x };
    let error = FlowSolver::Euler.solve(velocity, x.clone(), &times, |_| {}).unwrap_err();
    assert_eq!(error, SolveError::NotFiniteVelocity { step: 3, time: 0.5 });
    let solver = FlowSolver::Rk45(Tolerance { relative: 0.0, absolute: 0.0 });
    let error = solver.solve(|x, _| x, x.clone(), &times, |_| {}).unwrap_err();
    assert_eq!(error.to_string(), "`absolute tolerance` must be above 0, got 0");
    // A jump in time cannot be passed within a tolerance far below the rounding of f32.
    let solver = FlowSolver::Rk45(Tolerance { relative: 0.0, absolute: 1e-30 });
    let jump = |x: Tensor<2>, t: f64| if t < 0.5 { x } else { -x };
    let error = solver.solve(jump, x, &times, |_| {}).unwrap_err();
    assert!(matches!(error, SolveError::StepTooSmall { .. }), "{error}");
}

#[test]
fn velocities_are_the_paths_derivatives() {
    let device = device();
    let mut noise = Noise::new(Seed(1));
    let (data, normal) = (noise.normal([5, 3], &device), noise.normal([5, 3], &device));
    for path in [FlowPath::Linear, FlowPath::VariancePreserving] {
        for t in [0.1, 0.5, 0.8] {
            let at = |t: f64| {
                path.at(data.clone(), normal.clone(), Tensor::<1>::full([5], t as f32, &device))
            };
            // Central differences in f32: rounding over the step.
            let h = 1.0 / 64.0;
            let slope = (at(t + h).0 - at(t - h).0) / (2.0 * h);
            let difference = largest_difference(slope, at(t).1);
            assert!(difference < 1e-3, "{path:?} at {t}: {difference}");
            let (a, b) = path.coefficients(t);
            let x = data.clone() * a + normal.clone() * b;
            assert!(largest_difference(x, at(t).0) < TOLERANCE);
        }
        assert_eq!(path.coefficients(0.0), (1.0, 0.0));
    }
    let (a, b) = FlowPath::VariancePreserving.coefficients(0.3);
    assert!((a * a + b * b - 1.0).abs() < 1e-12);
}

#[derive(Deserialize)]
struct Assignments {
    cases: Vec<Assignment>,
}

#[derive(Deserialize)]
struct Assignment {
    n: usize,
    cost: Vec<f64>,
    columns: Vec<usize>,
    total: f64,
    unique: bool,
}

#[test]
fn assignments_equal_scipys() {
    let fixture: Assignments =
        serde_json::from_str(include_str!("fixtures/assignment.json")).unwrap();
    assert_eq!(fixture.cases.len(), 21);
    for case in fixture.cases {
        let columns = assign(&case.cost, case.n);
        let total: f64 = columns.iter().enumerate().map(|(i, j)| case.cost[i * case.n + j]).sum();
        assert!((total - case.total).abs() < 1e-6, "n {}: {total}, not {}", case.n, case.total);
        let mut sorted = columns.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..case.n), "a permutation");
        assert!(!case.unique || columns == case.columns, "n {}", case.n);
    }
    assert!(assign(&[], 0).is_empty());
}

#[test]
fn optimal_pairing_permutes_and_shortens() {
    let device = device();
    let mut noise = Noise::new(Seed(1));
    let data = noise.normal([40, 1, 2, 2], &device);
    let normal = noise.normal([40, 1, 2, 2], &device);
    let same = Pairing::Independent.pair(&data, normal.clone());
    assert_eq!(host(same), host(normal.clone()));
    let paired = Pairing::OptimalTransport.pair(&data, normal.clone());
    let length = |x: &Tensor<4>| (x.clone() - data.clone()).square().sum().into_scalar::<f32>();
    assert!(length(&paired) < 0.8 * length(&normal));
    let sorted = |x: Tensor<4>| {
        let mut values = host(x);
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    assert_eq!(sorted(paired), sorted(normal));
}

fn mixture() -> GaussianMixture {
    // Of mean zero, so that the largest noise level hides it.
    let means = vec![vec![-1.0, 0.5], vec![1.0, -0.5], vec![0.6, 1.2], vec![-0.6, -1.2]];
    GaussianMixture::new(vec![1.0, 1.0, 0.5, 0.5], means, vec![0.4, 0.4, 0.6, 0.6])
}

/// What the issue of likelihoods asks for.
const NATS: f64 = 1e-3;

fn assert_nats(got: &[f64], exact: Tensor<1>) {
    for (i, (g, e)) in got.iter().zip(host(exact)).enumerate() {
        assert!((g - e).abs() < NATS, "row {i}: {g} nats, not {e}");
    }
}

#[test]
fn densities_of_the_mixture_are_exact() {
    let mixture = mixture();
    let (x, _) = mixture.sample(64, &mut Noise::new(Seed(2)), &device());
    let mut noise = Noise::new(Seed(3));
    let exact = LogDensity::default();
    let flow = exact.of_flow(|x, t| mixture.velocity(x, t), x.clone(), &mut noise).unwrap();
    assert_nats(&flow.nats, mixture.log_density(x.clone(), 1.0, 0.0));
    let levels = (0.01, 500.0);
    let denoiser = |x, sigma| mixture.denoise(x, sigma);
    let found = exact.of_denoiser(denoiser, x.clone(), levels, &mut noise).unwrap();
    assert_nats(&found.nats, mixture.log_density(x, 1.0, levels.0));
    for density in [flow, found] {
        println!("{} evaluations", density.evaluations);
        assert!((30..2000).contains(&density.evaluations));
        assert_eq!((density.tolerance, density.dims), (Tolerance::default(), 2));
        assert_eq!(density.likelihood().kind(), LikelihoodKind::Exact);
    }
}

#[test]
fn random_directions_estimate_the_density() {
    let mixture = mixture();
    let (x, _) = mixture.sample(64, &mut Noise::new(Seed(2)), &device());
    let velocity = |x, t| mixture.velocity(x, t);
    let options =
        LogDensity { divergence: Divergence::Hutchinson { probes: 16 }, ..Default::default() };
    let run = |x, noise: &mut Noise| options.of_flow(velocity, x, noise).unwrap();
    let found = run(x.clone(), &mut Noise::new(Seed(3)));
    let exact = host(mixture.log_density(x.clone(), 1.0, 0.0));
    let std_err = found.std_err.clone().unwrap();
    // The mean over 64 rows, at 4 of its standard errors: a false alarm in 16,000 seeds.
    let gap: f64 = found.nats.iter().zip(&exact).map(|(a, b)| a - b).sum();
    let of_gap = std_err.iter().map(|e| e * e).sum::<f64>().sqrt();
    assert!(of_gap > 0.0 && gap.abs() < 4.0 * of_gap, "{gap} with an error of {of_gap}");
    // Rows of a batch have the probes of the whole; the steps differ, within the tolerance.
    let rows = 10..20;
    let part = run(x.slice([rows.clone()]), &mut Noise::new(Seed(3)).rows(rows.clone(), 64));
    for (a, b) in part.nats.iter().zip(&found.nats[rows]) {
        assert!((a - b).abs() < NATS);
    }
    assert_eq!(found.likelihood().kind(), LikelihoodKind::Estimate);
}

/// A row of the mixture's velocity, each at its own time.
fn row_by_row(x: Tensor<2>, times: &[f64], of: impl Fn(Tensor<2>, f64) -> Tensor<2>) -> Tensor<2> {
    let rows = times.iter().enumerate();
    Tensor::cat(rows.map(|(i, &t)| of(x.clone().narrow(0, i, 1), t)).collect(), 0)
}

#[test]
fn rows_with_steps_of_their_own_do_not_know_of_each_other() {
    let mixture = mixture();
    let velocity =
        |x: Tensor<2>, times: &[f64]| row_by_row(x, times, |x, t| mixture.velocity(x, t));
    let solver = FlowSolver::Rk45(Tolerance { relative: 1e-4, absolute: 1e-4 });
    let times = Times::sampling(2).unwrap();
    let start = Noise::new(Seed(6)).normal([5, 2], &device()) * 1.5;
    let solve = |x| solver.solve_rows(velocity, x, &times, |_| {}).unwrap();
    let whole = solve(start.clone());
    let density = |x: Tensor<2>| {
        LogDensity::default().of_flow_rows(velocity, x, &mut Noise::new(Seed(1))).unwrap()
    };
    let nats = density(start.clone());
    let mut steps = Vec::new();
    for i in 0..5 {
        let one = solve(start.clone().narrow(0, i, 1));
        assert_eq!(one.x.to_data(), whole.x.clone().narrow(0, i, 1).to_data(), "row {i}");
        assert_eq!(density(start.clone().narrow(0, i, 1)).nats, nats.nats[i..i + 1], "row {i}");
        steps.push(one.steps + one.rejected);
    }
    // Or it would show nothing.
    assert!(steps.iter().any(|s| *s != steps[0]), "all rows take as many steps: {steps:?}");
    // One row is the batch's worst row.
    let alone = start.clone().narrow(0, 2, 1);
    let shared =
        solver.solve(|x, t| mixture.velocity(x, t), alone.clone(), &times, |_| {}).unwrap();
    assert_eq!(shared.x.to_data(), solve(alone).x.to_data());
    // And all end where shared steps lead, within the tolerance.
    let shared =
        solver.solve(|x, t| mixture.velocity(x, t), start.clone(), &times, |_| {}).unwrap();
    assert!(largest_difference(shared.x, whole.x.clone()) < 1e-2);
    assert_nats(&nats.nats, mixture.log_density(start.clone(), 1.0, 0.0));
    // A row stands still while others go on.
    let mut kept_back = 0;
    let seen = |step: &pyrogen_solve::FlowStep<2>| {
        kept_back += step.times.iter().zip(&step.times_next).filter(|(a, b)| a == b).count();
    };
    let none = 0..0;
    let end = solver.solve_rows(velocity, start.slice([none]), &times, |_| {}).unwrap();
    assert_eq!((end.x.dims(), end.evaluations), ([0, 2], 0));
    solver.solve_rows(velocity, whole.x, &times.reversed(), seen).unwrap();
    assert!(kept_back > 0);
}

#[test]
fn a_failing_row_is_named_by_its_time() {
    let x = Tensor::<2>::from_floats([[1.0], [2.0]], &device());
    let nan = |x: Tensor<2>, times: &[f64]| {
        row_by_row(x, times, |x, t| if t < 0.25 { x * f64::NAN } else { x })
    };
    let solver = FlowSolver::Rk45(Tolerance::default());
    let error = solver.solve_rows(nan, x, &Times::sampling(1).unwrap(), |_| {}).unwrap_err();
    let named = matches!(error, SolveError::NotFiniteVelocity { time, .. } if time < 0.25);
    assert!(named, "{error}");
    assert!(!pyrogen_core::ModelError::from(error).is_request());
    assert!(pyrogen_core::ModelError::from(SolveError::NoSteps).is_request());
}

#[test]
fn bad_densities_are_errors() {
    let x = Tensor::<2>::ones([2, 2], &device());
    let mut noise = Noise::new(Seed(1));
    let one = LogDensity { divergence: Divergence::Hutchinson { probes: 1 }, ..Default::default() };
    let error = one.of_flow(|x, _| x, x.clone(), &mut noise).unwrap_err();
    assert_eq!(error.to_string(), "`probes` must be at least 2, got 1");
    let options = LogDensity::default();
    let keep = |x: Tensor<2>, _: f64| x;
    assert!(options.of_denoiser(keep, x.clone(), (0.0, 1.0), &mut noise).is_err());
    assert!(options.of_denoiser(keep, x.clone(), (1.0, 1.0), &mut noise).is_err());
    let nan = |x: Tensor<2>, sigma: f64| if sigma > 3.0 { x * f64::NAN } else { x * 0.5 };
    let error = options.of_denoiser(nan, x.clone(), (0.1, 10.0), &mut noise).unwrap_err();
    let named = matches!(error, SolveError::NotFinite { sigma, .. } if sigma > 3.0);
    assert!(named, "{error}");
    // A velocity that is the same everywhere moves points and leaves densities as they are.
    let drift = |x: Tensor<2>, _: f64| x.ones_like();
    let found = options.of_flow(drift, x.clone() * 0.0, &mut noise).unwrap();
    let moved = -1.0 - (std::f64::consts::TAU).ln(); // N((1, 1); 0, I)
    assert!((found.nats[0] - moved).abs() < NATS);
}

#[test]
fn the_mixture_is_consistent() {
    // Tweedie: D = x + sigma^2 grad log p; and the velocity from it, (x_t - D) / t in its place.
    let mixture = mixture();
    let x = Noise::new(Seed(4)).normal([16, 2], &device());
    for sigma in [0.2, 1.0, 4.0] {
        let input = Tensor::<2>::from_inner(x.clone()).require_grad();
        let grads = mixture.log_density(input.clone(), 1.0, sigma).sum().backward();
        let score = input.grad(&grads).unwrap();
        let denoised = mixture.denoise(x.clone(), sigma);
        let tweedie = x.clone() + score * (sigma * sigma);
        assert!(largest_difference(denoised.clone(), tweedie) < 1e-4);
        let t = sigma / (1.0 + sigma); // x_t / (1 - t) = clean + sigma noise
        let x_t = x.clone() * (1.0 - t);
        let velocity = (x_t.clone() - denoised) / t;
        assert!(largest_difference(velocity, mixture.velocity(x_t, t)) < 1e-4);
    }
    assert_eq!(mixture.sample(3, &mut Noise::new(Seed(1)), &Device::flex()).1.len(), 3);
    // 4000 points: shares of 1/3 have a standard error of 0.0075; 5 of them.
    let (points, chosen) = mixture.sample(4000, &mut Noise::new(Seed(5)), &device());
    let share = chosen.iter().filter(|&&k| k == 0).count() as f64 / 4000.0;
    assert!((share - 1.0 / 3.0).abs() < 0.038, "{share}");
    let mean = host(points.mean_dim(0));
    assert!(mean.iter().all(|m| m.abs() < 0.08), "{mean:?}"); // 5 standard errors of 0.016
}
