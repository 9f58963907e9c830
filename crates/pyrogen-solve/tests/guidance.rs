//! Guidance, thresholds and inpainting: against diffusers, and where the answer is known.

use burn::tensor::Tensor;
use pyrogen_core::{Noise, Seed};
use pyrogen_solve::{
    DynamicThreshold, GaussianMixture, Guidance, Levels, Repaint, Sampler, SolveError,
    classifier_guidance, inpaint,
};
use pyrogen_testkit::fixtures::Array;
use pyrogen_testkit::{device, host, largest_difference};
use serde::Deserialize;

/// Relative above 1, absolute below: f32 against f64.
const TOLERANCE: f64 = 1e-5;

#[derive(Deserialize)]
struct Fixture {
    with_class: Array,
    without: Array,
    weight: f64,
    guided: Array,
    rescale: f64,
    rescaled: Array,
    clean: Array,
    thresholds: Vec<Threshold>,
}

#[derive(Deserialize)]
struct Threshold {
    ratio: f64,
    largest: f64,
    out: Array,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/guidance.json")).unwrap()
}

#[test]
fn guidance_and_rescaling_equal_diffusers() {
    let fixture = fixture();
    let device = device();
    let plain = Guidance::weight(fixture.weight);
    let rescaled = Guidance { rescale: fixture.rescale, ..plain };
    for (guidance, expected) in [(plain, fixture.guided), (rescaled, fixture.rescaled)] {
        let conditional: Tensor<3> = fixture.with_class.tensor(&device);
        let unconditional: Tensor<3> = fixture.without.tensor(&device);
        let denoiser = guidance.denoiser(|_, _| conditional.clone(), |_, _| unconditional.clone());
        expected.assert_close(
            denoiser(conditional.zeros_like(), 1.0),
            TOLERANCE,
            &format!("{guidance:?}"),
        );
    }
}

#[test]
fn weight_one_is_the_conditional_model_bit_for_bit() {
    let mixture = GaussianMixture::ring(8, 2.0, 0.2);
    let class = mixture.component(5);
    let device = device();
    let levels = Levels::karras(9, 0.02, 20.0, 7.0).unwrap();
    let x = levels.start([16, 2], &mut Noise::new(Seed(2)), &device);
    let run = |denoiser: &dyn Fn(Tensor<2>, f64) -> Tensor<2>| {
        let mut noise = Noise::new(Seed(3));
        let sampler = Sampler::EulerAncestral { eta: 1.0 };
        host(sampler.sample(denoiser, x.clone(), &levels, &mut noise, |_| {}).unwrap())
    };
    let alone = run(&|x, sigma| class.denoise(x, sigma));
    let never = |_: Tensor<2>, _: f64| -> Tensor<2> { panic!("the other model is not asked") };
    let one = Guidance { rescale: 0.7, ..Guidance::default() };
    let class_denoiser = |x, sigma| class.denoise(x, sigma);
    assert_eq!(alone, run(&one.denoiser(class_denoiser, never)));
    // Outside the interval the weight is 1.
    let outside = Guidance { weight: 4.0, interval: Some((30.0, 40.0)), rescale: 0.0 };
    assert_eq!(alone, run(&outside.denoiser(class_denoiser, never)));
    let inside = Guidance { weight: 4.0, interval: Some((0.5, 5.0)), rescale: 0.0 };
    let all = |x, sigma| mixture.denoise(x, sigma);
    assert_ne!(alone, run(&inside.denoiser(class_denoiser, all)));
    // Weight 0 is the unconditional model, to rounding.
    let zero = run(&Guidance::weight(0.0).denoiser(class_denoiser, all));
    let unconditional = run(&all);
    assert!(zero.iter().zip(&unconditional).all(|(a, b)| (a - b).abs() < 1e-3));
}

#[test]
fn a_perfect_classifier_makes_the_conditional_model() {
    // Bayes: the class's score is the whole's plus that of log p(class | x).
    let mixture = GaussianMixture::ring(5, 1.0, 0.4);
    let class = mixture.component(2);
    let all = |x: Tensor<2>, sigma| mixture.denoise(x, sigma);
    let log_prob = |x: Tensor<2>, sigma: f64| {
        class.log_density(x.clone(), 1.0, sigma) - mixture.log_density(x, 1.0, sigma)
    };
    let guided = classifier_guidance(1.0, all, log_prob);
    for sigma in [0.1, 0.7, 3.0] {
        let x = Noise::new(Seed(6)).normal([32, 2], &device()) * (1.0 + sigma);
        let difference = largest_difference(guided(x.clone(), sigma), class.denoise(x, sigma));
        // Gradients of differences of logarithms, in f32.
        assert!(difference < 1e-4, "sigma {sigma}: {difference}");
    }
}

#[test]
fn thresholds_equal_diffusers() {
    let fixture = fixture();
    let clean: Tensor<3> = fixture.clean.tensor(&device());
    for case in fixture.thresholds {
        let threshold = DynamicThreshold { ratio: case.ratio, largest: case.largest };
        threshold.validate().unwrap();
        let denoiser = threshold.denoiser(|_: Tensor<3>, _| clean.clone());
        case.out.assert_close(denoiser(clean.zeros_like(), 1.0), TOLERANCE, "threshold");
    }
}

#[derive(Deserialize)]
struct Samplers {
    m: Array,
    repaint: RepaintCase,
}

#[derive(Deserialize)]
struct RepaintCase {
    levels: Vec<f64>,
    start: Array,
    noise: Vec<Array>,
    xs: Vec<Array>,
    known: Array,
    mask: Array,
}

#[test]
fn repaint_equals_diffusers() {
    let fixture: Samplers = serde_json::from_str(include_str!("fixtures/samplers.json")).unwrap();
    let (device, case) = (device(), fixture.repaint);
    let m: Tensor<2> = fixture.m.tensor(&device);
    let denoiser = |x: Tensor<2>, sigma: f64| m.clone() + x / (2.0 * (1.0 + sigma * sigma));
    let levels = Levels::new(case.levels).unwrap();
    let (mut noise, mut seen) = (case.noise.iter(), 0);
    let known: Tensor<2> = case.known.tensor(&device);
    let end = Repaint { repeats: 1, jump: 1 }
        .sample_with(
            denoiser,
            case.start.tensor(&device),
            known.clone(),
            case.mask.tensor(&device),
            &levels,
            || noise.next().expect("no more noise than diffusers").tensor(&device),
            |step| {
                // Diffusers has the cumulative products in f32: relative errors of 1e-6 in levels.
                case.xs[seen].assert_close(step.x.clone(), TOLERANCE, &format!("step {seen}"));
                seen += 1;
            },
        )
        .unwrap();
    case.xs[seen].assert_close(end, TOLERANCE, "end");
}

/// Two clusters along a diagonal; the first coordinate is known and says which.
fn diagonal() -> (GaussianMixture, Tensor<2>, Tensor<2>) {
    let means = vec![vec![-1.0, -1.0], vec![1.0, 1.0]];
    let mixture = GaussianMixture::new(vec![1.0, 1.0], means, vec![0.1, 0.1]);
    let rows = 200;
    let known: Vec<f32> =
        (0..rows).flat_map(|i| [if i % 2 == 0 { 1.0 } else { -1.0 }, 7.0]).collect();
    let device = device();
    let known = Tensor::<1>::from_data(known.as_slice(), &device).reshape([rows, 2]);
    (mixture, known, Tensor::from_data([[1.0, 0.0]], &device))
}

/// The known column as given, and the other within `far` of it in nearly all rows.
fn assert_inpainted(x: Tensor<2>, known: Tensor<2>, exact: f64, rows: usize) {
    let (x, known) = (host(x), host(known));
    let mut right = 0;
    for (x, known) in x.chunks(2).zip(known.chunks(2)) {
        assert!((x[0] - known[0]).abs() <= exact, "the known part is kept: {x:?}");
        right += usize::from((x[1] - known[0]).abs() < 0.5);
    }
    assert!(right >= rows, "{right} of 200 rows continue what is known");
}

#[test]
fn inpainting_keeps_what_is_known_and_continues_it() {
    let (mixture, known, mask) = diagonal();
    let denoiser = |x, sigma| mixture.denoise(x, sigma);
    let levels = Levels::karras(40, 0.02, 10.0, 7.0).unwrap();
    let mut noise = Noise::new(Seed(8));
    let repaint = Repaint { repeats: 5, jump: 2 };
    let run = |noise: &mut Noise, known: Tensor<2>| {
        repaint.sample(denoiser, known, mask.clone(), &levels, noise, |_| {}).unwrap()
    };
    let x = run(&mut noise, known.clone());
    assert_inpainted(x.clone(), known.clone(), 0.0, 190);
    assert_eq!(host(x.clone()), host(run(&mut Noise::new(Seed(8)), known.clone())));
    let rows = 30..60;
    let mut of_rows = Noise::new(Seed(8)).rows(rows.clone(), 200);
    let part = run(&mut of_rows, known.clone().slice([rows.clone()]));
    assert!(largest_difference(part, x.slice([rows])) < 1e-4);

    // With any sampler: the known column comes out to rounding.
    let filled = inpaint(denoiser, known.clone(), mask.clone()).unwrap();
    let x = levels.start([200, 2], &mut noise, &device());
    let x = Sampler::Ddpm.sample(filled, x, &levels, &mut noise, |_| {}).unwrap();
    assert_inpainted(x, known, 1e-6, 150);
}

#[test]
fn bad_requests_are_errors() {
    let (_, known, _) = diagonal();
    let levels = Levels::karras(3, 0.1, 10.0, 7.0).unwrap();
    let keep = |x: Tensor<2>, _: f64| x;
    let run = |repaint: Repaint, mask: Tensor<2>| {
        let mut noise = Noise::new(Seed(1));
        repaint.sample(keep, known.clone(), mask, &levels, &mut noise, |_| {}).unwrap_err()
    };
    let mask = Tensor::<2>::zeros([7, 2], &device());
    let wrong = run(Repaint::default(), mask.clone());
    assert_eq!(wrong, SolveError::Mask { expected: vec![200, 2], got: vec![7, 2] });
    assert!(wrong.to_string().contains("the mask has shape [7, 2]; give [200, 2]"));
    assert!(inpaint(keep, known.clone(), mask).is_err());
    let mask = Tensor::<2>::zeros([200, 1], &device());
    let wrong = run(Repaint { repeats: 0, jump: 1 }, mask.clone()).to_string();
    assert_eq!(wrong, "`repeats` must be from 1 to 1000, got 0");
    assert!(run(Repaint { repeats: 1, jump: 0 }, mask).to_string().contains("`jump`"));

    let wrong = |g: Guidance| g.validate().unwrap_err().to_string();
    assert!(wrong(Guidance::weight(f64::NAN)).contains("`weight` must be a finite number"));
    assert!(wrong(Guidance { rescale: 2.0, ..Guidance::default() }).contains("`rescale`"));
    let empty = Guidance { interval: Some((3.0, 1.0)), ..Guidance::default() };
    assert!(wrong(empty).contains("`interval`"));
    assert!(DynamicThreshold { ratio: 0.0, largest: 1.0 }.validate().is_err());
    assert!(DynamicThreshold { ratio: 0.9, largest: 0.5 }.validate().is_err());
}
