//! Schedules and levels against diffusers and k-diffusion; see `scripts/reference_solve.py`.

use pyrogen_solve::{BetaSchedule, Levels, NoiseSchedule, SolveError, Spacing};
use serde::Deserialize;

/// Relative: the references compute in f32, their cumulative products over 1000 factors.
const TOLERANCE: f64 = 1e-5;
/// Absolute: diffusers makes some betas as one minus a ratio of squares, in f32 near 1, where each
/// of some ten roundings is 6e-8, and the rescaled ones from differences of roots.
const NEAR_ONE: f64 = 2e-6;

#[derive(Deserialize)]
struct Schedules {
    cases: Vec<ScheduleCase>,
}

#[derive(Deserialize)]
struct ScheduleCase {
    name: String,
    config: BetaSchedule,
    zero_terminal_snr: bool,
    betas: Vec<f64>,
    alphas_cumprod: Vec<f64>,
}

fn assert_close(got: &[f64], expected: &[f64], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        let error = (g - e).abs();
        assert!(error <= TOLERANCE * e.abs() + NEAR_ONE, "{what}[{i}]: got {g}, expected {e}");
    }
}

#[test]
fn whole_schedules_equal_diffusers() {
    let fixture: Schedules = serde_json::from_str(include_str!("fixtures/schedules.json")).unwrap();
    assert_eq!(fixture.cases.len(), 6);
    for case in fixture.cases {
        let mut schedule = case.config.build(1000).unwrap();
        if case.zero_terminal_snr {
            schedule = schedule.zero_terminal_snr();
            assert_eq!(schedule.alphas_cumprod()[999], 0.0);
            assert_eq!(schedule.sigmas()[999], f64::from((1u32 << 24) - 1).sqrt());
        }
        let name = &case.name;
        // Diffusers' Laplace schedule gives the square root of the paper's.
        let square = |v: &f64| if name == "laplace" { v * v } else { *v };
        let alphas: Vec<f64> = case.alphas_cumprod.iter().map(square).collect();
        let betas: Vec<f64> = case.betas.iter().map(|b| 1.0 - square(&(1.0 - b))).collect();
        assert_close(schedule.alphas_cumprod(), &alphas, &format!("{name} alphas_cumprod"));
        assert_close(schedule.betas(), &betas, &format!("{name} betas"));
        let again = NoiseSchedule::from_betas(schedule.betas().to_vec()).unwrap();
        assert_close(again.alphas_cumprod(), &alphas, name);
    }
}

#[derive(Deserialize)]
struct LevelsFixture {
    config: BetaSchedule,
    cases: Vec<LevelsCase>,
    sigma_at: Times,
    time_at: Times,
    karras: Plain,
    exponential: Plain,
}

#[derive(Deserialize)]
struct LevelsCase {
    spacing: Spacing,
    steps: usize,
    levels: Vec<f64>,
}

#[derive(Deserialize)]
struct Times {
    t: Vec<f64>,
    sigma: Vec<f64>,
}

#[derive(Deserialize)]
struct Plain {
    levels: Vec<f64>,
}

/// Relative: `sqrt((1 - a) / a)` of the first steps, in f32 from numbers near 1.
const FROM_ALPHAS: f64 = 5e-5;

fn assert_levels(got: &[f64], expected: &[f64], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (g, e) in got.iter().zip(expected) {
        assert!((g - e).abs() <= FROM_ALPHAS * e, "{what}: got {got:?}, expected {expected:?}");
    }
}

#[test]
fn levels_equal_diffusers_and_k_diffusion() {
    let fixture: LevelsFixture =
        serde_json::from_str(include_str!("fixtures/levels.json")).unwrap();
    let schedule = fixture.config.build(1000).unwrap();
    assert_eq!(fixture.cases.len(), 22);
    for case in fixture.cases {
        let levels = Levels::of_schedule(&schedule, case.spacing, case.steps).unwrap();
        assert_eq!(levels.steps(), case.steps);
        let what = format!("{:?} {}", case.spacing, case.steps);
        assert_levels(levels.values(), &case.levels, &what);
    }
    let sigmas: Vec<f64> = fixture.sigma_at.t.iter().map(|&t| schedule.sigma_at(t)).collect();
    assert_levels(&sigmas, &fixture.sigma_at.sigma, "sigma_at");
    for (sigma, t) in fixture.time_at.sigma.iter().zip(&fixture.time_at.t) {
        // k-diffusion's in f32, over steps whose levels differ by a thousandth.
        assert!((schedule.time_at(*sigma) - t).abs() < 0.01, "time_at({sigma}): {t}");
    }
    let karras = Levels::karras(13, 0.002, 80.0, 7.0).unwrap();
    assert_levels(karras.values(), &fixture.karras.levels, "karras");
    let exponential = Levels::exponential(13, 0.002, 80.0).unwrap();
    assert_levels(exponential.values(), &fixture.exponential.levels, "exponential");
}

#[test]
fn times_and_levels_are_inverse() {
    let schedule = BetaSchedule::default().build(100).unwrap();
    for t in [0.0, 0.5, 3.25, 42.0, 98.99, 99.0] {
        let back = schedule.time_at(schedule.sigma_at(t));
        assert!((back - t).abs() < 1e-9, "{t} came back as {back}");
    }
    assert_eq!((schedule.time_at(0.0), schedule.time_at(1e9)), (0.0, 99.0));
    assert_eq!(schedule.sigma_at(-1.0), schedule.sigma_at(0.0));
}

#[test]
fn bad_schedules_and_levels_are_errors() {
    let message = |s: BetaSchedule, n| s.build(n).unwrap_err().to_string();
    assert!(message(BetaSchedule::default(), 1).contains("`steps` must be at least 2, got 1"));
    let wrong = message(BetaSchedule::Linear { start: 0.0, end: 0.02 }, 10);
    assert!(wrong.contains("`schedule.start` must be above 0 and below 1, got 0"), "{wrong}");
    let wrong = message(BetaSchedule::Laplace { mu: 0.0, b: -1.0 }, 10);
    assert!(wrong.contains("`schedule.b` must be above 0, got -1"), "{wrong}");
    let wrong = NoiseSchedule::from_betas(vec![0.1, 1.5]).unwrap_err().to_string();
    assert!(wrong.contains("`betas.1`"), "{wrong}");

    let schedule = BetaSchedule::default().build(10).unwrap();
    for spacing in [
        Spacing::Linspace,
        Spacing::Leading,
        Spacing::Trailing,
        Spacing::default(),
        Spacing::Exponential,
    ] {
        assert_eq!(Levels::of_schedule(&schedule, spacing, 0), Err(SolveError::NoSteps));
        let one = Levels::of_schedule(&schedule, spacing, 1).unwrap();
        assert_eq!(one.values().len(), 2);
        let more = Levels::of_schedule(&schedule, spacing, 11);
        assert_eq!(more, Err(SolveError::TooManySteps { got: 11, steps: 10 }));
    }
    assert_eq!(
        Levels::new(vec![2.0, 3.0]),
        Err(SolveError::NotDecreasing { index: 1, before: 2.0, value: 3.0 })
    );
    assert!(matches!(Levels::new(vec![2.0, 2.0]), Err(SolveError::NotDecreasing { .. })));
    assert!(matches!(Levels::new(vec![f64::NAN]), Err(SolveError::Level { index: 0, .. })));
    assert!(matches!(Levels::new(vec![1.0, -1.0]), Err(SolveError::Level { index: 1, .. })));
    assert_eq!(Levels::new(vec![0.0]), Err(SolveError::NoSteps));
    assert_eq!(Levels::new(vec![]), Err(SolveError::NoSteps));
    let wrong = Levels::karras(5, 0.0, 80.0, 7.0).unwrap_err().to_string();
    assert_eq!(wrong, "`sigma_min` must be above 0, got 0");
    assert!(Levels::exponential(5, 2.0, 1.0).is_err());

    let levels = Levels::new(vec![4.0, 3.0, 2.0, 1.0, 0.0]).unwrap();
    assert_eq!(levels.strength(0.5).unwrap().values(), [2.0, 1.0, 0.0]);
    assert_eq!(levels.strength(1.0).unwrap(), levels);
    let none_left = SolveError::NoStepLeft { strength: 0.1, steps: 4 };
    assert_eq!(levels.strength(0.1), Err(none_left));
    assert!(levels.strength(1.5).is_err());
    assert_eq!(levels.from_level(3.5).unwrap().values(), [3.0, 2.0, 1.0, 0.0]);
    assert_eq!(levels.from_level(0.5), Err(SolveError::NoSteps));
}
