//! Draws from the prior and the decoder.

use burn::tensor::Tensor;
use pyrogen_core::distribution::Moments;
use pyrogen_core::{Condition, Decode, DecoderOutput, Noise, Sample, SampleOptions, Seed};
use pyrogen_testkit::device;
use pyrogen_vae::{Decoder, Prior, Scale, VaeConfig};

use super::{ROUNDING, assert_close, every_kind, labels, mlp, small, values};

#[test]
fn samples_repeat_and_do_not_depend_on_the_batch() {
    let device = device();
    for config in every_kind() {
        let vae = config.init(Seed(4), &device.clone().autodiff()).unwrap();
        let condition = labels(&config, 6, &device);
        let options = SampleOptions {
            condition: condition.clone(),
            temperature: 0.8,
            ..SampleOptions::default()
        };
        let noise = Noise::new(Seed(2));
        let all: Tensor<4> = vae.sample(6, &options, &mut noise.items(0..6)).unwrap();
        assert_eq!(all.dims(), [6, 1, 8, 8]);
        assert!(!all.is_autodiff());
        let data = all.to_data();
        let again: Tensor<4> = vae.sample(6, &options, &mut noise.items(0..6)).unwrap();
        assert_eq!(data, again.into_data());
        let part = SampleOptions { condition: condition.rows(2..3), ..options };
        let one: Tensor<2> = vae.sample(1, &part, &mut noise.items(2..3)).unwrap();
        assert_close(&values(one), &values(all.slice(2..3)), ROUNDING);
    }
}

#[test]
fn draws_from_the_decoder_are_of_the_datas_kind() {
    let device = device();
    let vae = small().init(Seed(4), &device).unwrap();
    let options = SampleOptions::default();
    let x: Tensor<4> = vae.sample_from_decoder(4, &options, &mut Noise::new(Seed(2))).unwrap();
    let levels = values(x);
    assert!(levels.iter().all(|v| (v * 16.0 - (v * 16.0).round()).abs() < ROUNDING));
    let distinct = |v: &f64| (v * 16.0).round() as i64;
    let first = distinct(&levels[0]);
    assert!(levels.iter().any(|v| distinct(v) != first));
    let mean: Tensor<4> = vae.sample(4, &options, &mut Noise::new(Seed(2))).unwrap();
    assert!(values(mean).iter().all(|v| (0.0..=1.0).contains(v)));
}

/// Samples of rows have the decoder's noise: given the latents they are normal with its scale, so their
/// variance is that of the means and one more.
#[test]
fn samples_of_rows_are_draws_and_those_of_pictures_means() {
    let device = device();
    let decoder = Decoder::Gaussian { scale: Scale::Fixed(1.0) };
    let rows = VaeConfig { event: vec![64], network: mlp(&[8]), decoder, ..small() };
    let pictures = VaeConfig { event: vec![1, 8, 8], ..rows.clone() };
    const N: usize = 400;
    let draw = |config: &VaeConfig, output| {
        let vae = config.init(Seed(4), &device).unwrap();
        let options = SampleOptions { output, ..SampleOptions::default() };
        let x: Tensor<2> = vae.sample(N, &options, &mut Noise::new(Seed(2))).unwrap();
        values(x)
    };
    use DecoderOutput::{Draw, Mean};
    assert_eq!(draw(&rows, None), draw(&rows, Some(Draw)));
    assert_eq!(draw(&pictures, None), draw(&pictures, Some(Mean)));
    assert_eq!(draw(&pictures, Some(Draw)), draw(&rows, Some(Draw)));
    let (means, drawn) = (draw(&rows, Some(Mean)), draw(&rows, None));
    let n = drawn.len() as f64;
    let errors: Vec<f64> = means.iter().zip(&drawn).map(|(m, x)| x - m).collect();
    let mean = errors.iter().sum::<f64>() / n;
    let variance = errors.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / n;
    // Five standard errors of the mean and of the variance of 25,600 normal numbers.
    assert!(mean.abs() < 5.0 / n.sqrt(), "{mean}");
    assert!((variance - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "{variance}");
}

#[test]
fn temperature_zero_is_the_middle_of_the_latent_space() {
    let device = device();
    let vae = small().init(Seed(4), &device).unwrap();
    let options = SampleOptions { temperature: 0.0, ..SampleOptions::default() };
    let x: Tensor<2> = vae.sample(1, &options, &mut Noise::new(Seed(2))).unwrap();
    let middle: Tensor<2> = vae.decode(Tensor::zeros([1, 3], &device), &Condition::none()).unwrap();
    assert_close(&values(x), &values(middle), ROUNDING);
}

/// Sampling and the density agree: the mean of `ln p(z)` over draws is minus their entropy, which
/// for components that are far apart is that of one component plus `ln K`.
#[test]
fn a_mixture_prior_is_sampled_with_equal_weights() {
    let device = device();
    let config = VaeConfig {
        network: mlp(&[8]),
        prior: Prior::Vamp { components: 3 },
        decoder: Decoder::Gaussian { scale: Scale::Fixed(1.0) },
        ..small()
    };
    let vae = config.init(Seed(4), &device).unwrap();
    let x = Noise::new(Seed(7)).normal([3, 64], &device) * 30.0;
    let vae = vae.init_from_data(x, &Condition::none(), &mut Noise::new(Seed(1)));
    let none = Condition::none();
    let options = SampleOptions { temperature: 0.0, ..SampleOptions::default() };
    // At temperature 0 every sample is decoded from the mean of a component.
    let samples: Tensor<2> = vae.sample(600, &options, &mut Noise::new(Seed(2))).unwrap();
    let means = vae.prior_components().unwrap().base().mean();
    let centres: Tensor<2> = vae.decode(means.clone(), &none).unwrap();
    let mut counts = [0; 3];
    for row in values(samples).chunks(64) {
        let centres = values(centres.clone());
        let near = |c: &[f64]| c.iter().zip(row).all(|(a, b)| (a - b).abs() < ROUNDING);
        counts[centres.chunks(64).position(near).expect("a sample is a component's mean")] += 1;
    }
    // 200 each with a standard deviation of 11.5; five of them.
    assert!(counts.iter().all(|c| (143..=257).contains(c)), "{counts:?}");
    // Between far components the density at a mean is that of its component over K.
    let at_means = values(vae.prior_log_prob(means));
    let log_var = values(vae.prior_components().unwrap().base().log_var());
    for (got, log_var) in at_means.iter().zip(log_var.chunks(3)) {
        let own = -0.5 * log_var.iter().map(|v| v + std::f64::consts::TAU.ln()).sum::<f64>();
        assert!(*got >= own - 3f64.ln() - ROUNDING, "{got} {own}");
        assert!(*got <= own.max(0.0) + 3.0, "{got} {own}");
    }
}
