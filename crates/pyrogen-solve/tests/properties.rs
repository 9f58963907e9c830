//! What every sampler promises.

use burn::tensor::Tensor;
use pyrogen_core::{Noise, Seed};
use pyrogen_solve::{GaussianMixture, Levels, Sampler, SolveError};
use pyrogen_testkit::{device, host, largest_difference};

fn mixture() -> GaussianMixture {
    GaussianMixture::ring(8, 2.0, 0.2)
}

fn run(sampler: Sampler, rows: usize, levels: &Levels, noise: &mut Noise) -> Tensor<2> {
    let mixture = mixture();
    let x = levels.start([rows, 2], noise, &device());
    sampler.sample(|x, sigma| mixture.denoise(x, sigma), x, levels, noise, |_| {}).unwrap()
}

#[test]
fn a_seed_gives_the_same_bytes_and_a_part_of_a_batch_the_same_rows() {
    let levels = Levels::karras(12, 0.02, 20.0, 7.0).unwrap();
    for (name, sampler) in Sampler::all() {
        let whole = run(sampler, 10, &levels, &mut Noise::new(Seed(1)));
        assert_eq!(host(whole.clone()), host(run(sampler, 10, &levels, &mut Noise::new(Seed(1)))));
        assert_ne!(host(whole.clone()), host(run(sampler, 10, &levels, &mut Noise::new(Seed(2)))));
        for rows in [0..4, 4..5, 5..10] {
            let mut noise = Noise::new(Seed(1)).rows(rows.clone(), 10);
            let part = run(sampler, rows.len(), &levels, &mut noise);
            let difference = largest_difference(part, whole.clone().slice([rows.clone()]));
            // Products of matrices with other numbers of rows may add in another order.
            assert!(difference < 1e-4, "{name}, rows {rows:?}: {difference}");
        }
    }
}

#[test]
fn samples_of_a_perfect_denoiser_follow_its_mixture() {
    // 1000 points over 8 components: counts have a standard deviation of 10.5. 16 samplers times
    // 8 counts at 5 standard deviations: a false alarm in 14,000 runs. Spreads within a tenth leave
    // room for the error of 60 steps, and 2000 squares have a relative error of 0.016 in the root.
    let (rows, levels) = (1000, Levels::karras(60, 0.005, 40.0, 7.0).unwrap());
    for (name, sampler) in Sampler::all() {
        let points = host(run(sampler, rows, &levels, &mut Noise::new(Seed(9)).fork(name)));
        let mut counts = [0usize; 8];
        let mut squares = 0.0;
        for p in points.chunks(2) {
            let turn = (p[1].atan2(p[0]) / std::f64::consts::TAU * 8.0).rem_euclid(8.0).round();
            counts[turn as usize % 8] += 1;
            let (sin, cos) = (turn * std::f64::consts::TAU / 8.0).sin_cos();
            squares += (p[0] - 2.0 * cos).powi(2) + (p[1] - 2.0 * sin).powi(2);
        }
        let spread = (squares / (2 * rows) as f64).sqrt();
        assert!(counts.iter().all(|&c| c.abs_diff(125) < 53), "{name}: {counts:?}");
        assert!((spread / 0.2 - 1.0).abs() < 0.1, "{name}: spread {spread}");
    }
}

#[test]
fn evaluations_are_counted_right() {
    let levels = Levels::karras(7, 0.02, 20.0, 7.0).unwrap();
    let mixture = mixture();
    for (name, sampler) in Sampler::all() {
        let mut noise = Noise::new(Seed(1));
        let x = levels.start([2, 2], &mut noise, &device());
        let calls = std::cell::Cell::new(0);
        let denoiser = |x, sigma| {
            calls.set(calls.get() + 1);
            mixture.denoise(x, sigma)
        };
        let mut steps = 0;
        sampler.sample(denoiser, x, &levels, &mut noise, |_| steps += 1).unwrap();
        assert_eq!(steps, 7, "{name}");
        assert_eq!(calls.get(), sampler.evaluations(7), "{name}");
    }
}

#[test]
fn a_network_that_fails_is_named_by_step_and_level() {
    let levels = Levels::new(vec![4.0, 2.0, 1.0, 0.0]).unwrap();
    for bad in [f64::NAN, f64::INFINITY] {
        for (name, sampler) in Sampler::all().filter(|(name, _)| *name != "edm") {
            let mut noise = Noise::new(Seed(1));
            let x = levels.start([2, 2], &mut noise, &device());
            let denoiser = |x: Tensor<2>, sigma: f64| if sigma == 1.0 { x * bad } else { x * 0.5 };
            let error = sampler.sample(denoiser, x, &levels, &mut noise, |_| {}).unwrap_err();
            // Methods that look ahead meet the level at the end of the second step.
            // The middle of an ancestral step with eta = 1 is that level too.
            let ahead = matches!(sampler, Sampler::Heun | Sampler::Dpmpp2sAncestral { .. });
            let step = if ahead { 2 } else { 3 };
            assert_eq!(error, SolveError::NotFinite { step, sigma: 1.0 }, "{name}");
            let says = error.to_string();
            assert!(says.contains(&format!("step {step}")) && says.contains("noise level 1"));
        }
    }
}

#[test]
fn bad_numbers_are_errors() {
    let levels = Levels::new(vec![1.0]).unwrap();
    for (sampler, says) in [
        (Sampler::Ddim { eta: -0.1 }, "`eta` must be at least 0, got -0.1"),
        (Sampler::DpmppSde { eta: f64::NAN }, "`eta` must be at least 0, got NaN"),
        (Sampler::UniPc { order: 0 }, "`order` must be from 1 to 3, got 0"),
        (Sampler::Lms { order: 5 }, "`order` must be from 1 to 4, got 5"),
        (
            Sampler::Edm { churn: 1.0, sigma_min: 2.0, sigma_max: 1.0, noise: 1.0 },
            "`sigma_max` must be at least sigma_min, got 1",
        ),
    ] {
        let x = Tensor::<2>::ones([1, 1], &device());
        let mut noise = Noise::new(Seed(1));
        let error = sampler.sample(|x, _| x, x, &levels, &mut noise, |_| {}).unwrap_err();
        assert_eq!(error.to_string(), says);
    }
}

#[test]
fn an_example_starts_in_the_middle() {
    // Little noise leaves a point in its own component.
    let device = device();
    let levels = Levels::karras(20, 0.01, 20.0, 7.0).unwrap().from_level(0.3).unwrap();
    assert!(levels.first() <= 0.3);
    let given = Tensor::<2>::from_data([[2.1, 0.1], [-2.0, 0.0]], &device);
    let mut noise = Noise::new(Seed(3));
    let x = levels.start_from(given.clone(), &mut noise);
    assert!(largest_difference(x.clone(), given.clone()) > 0.05);
    let mixture = mixture();
    let denoiser = |x, sigma| mixture.denoise(x, sigma);
    let x = Sampler::Ddpm.sample(denoiser, x, &levels, &mut noise, |_| {}).unwrap();
    let (x, given) = (host(x), host(given));
    assert!(x.iter().zip(&given).all(|(a, b)| (a - b).abs() < 1.0), "{x:?}");
}

#[test]
#[should_panic(expected = "the denoiser must give a tensor of its input's shape")]
fn a_denoiser_of_another_shape_panics() {
    let levels = Levels::new(vec![1.0]).unwrap();
    let x = Tensor::<2>::ones([2, 3], &device());
    let denoiser = |x: Tensor<2>, _| x.narrow(0, 0, 1);
    let _ = Sampler::Euler.sample(denoiser, x, &levels, &mut Noise::new(Seed(1)), |_| {});
}
