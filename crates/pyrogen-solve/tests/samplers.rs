//! Samplers against k-diffusion and diffusers, step by step, with their noise passed in; see
//! `scripts/reference_solve.py`.

use burn::tensor::Tensor;
use pyrogen_solve::{Levels, Sampler};
use pyrogen_testkit::device;
use pyrogen_testkit::fixtures::Array;
use serde::Deserialize;

/// Relative above 1, absolute below. We compute in f32, diffusers has its levels in f32.
const TOLERANCE: f64 = 1e-5;

#[derive(Deserialize)]
struct Fixture {
    m: Array,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    sampler: Sampler,
    levels: Vec<f64>,
    start: Array,
    noise: Vec<Array>,
    xs: Vec<Array>,
}

#[test]
fn samplers_equal_k_diffusion_and_diffusers() {
    let fixture: Fixture = serde_json::from_str(include_str!("fixtures/samplers.json")).unwrap();
    assert_eq!(fixture.cases.len(), 27);
    let device = device();
    let m: Tensor<2> = fixture.m.tensor(&device);
    for case in fixture.cases {
        let name = &case.name;
        let denoiser = |x: Tensor<2>, sigma: f64| m.clone() + x / (2.0 * (1.0 + sigma * sigma));
        let levels = Levels::new(case.levels).unwrap();
        let mut noise = case.noise.iter();
        let mut seen = 0;
        let churns = matches!(case.sampler, Sampler::Edm { .. });
        let end = case
            .sampler
            .sample_with(
                denoiser,
                case.start.tensor(&device),
                &levels,
                || noise.next().expect("no more noise than the reference").tensor(&device),
                |step| {
                    assert_eq!(step.index, seen);
                    assert_eq!(step.sigma_next, levels.values()[seen + 1]);
                    assert!(churns || step.sigma == levels.values()[seen]);
                    case.xs[seen].assert_close(
                        step.x.clone(),
                        TOLERANCE,
                        &format!("{name} {seen}"),
                    );
                    seen += 1;
                },
            )
            .unwrap();
        assert_eq!(seen, levels.steps(), "{name}");
        assert_eq!(noise.len(), 0, "{name}: as much noise as the reference");
        case.xs[seen].assert_close(end, TOLERANCE, &format!("{name}, end"));
    }
}
