//! The digits classifier against PyTorch, on the digits it was not trained on.
//!
//! `tests/fixtures/digits_heldout.json` is written by `scripts/train_digits.py`; the images are of
//! Alpaydin and Kaynak (1998), UCI Machine Learning Repository, CC BY 4.0.

use burn::tensor::{Tensor, TensorData};
use pyrogen_metrics::{DigitsClassifier, FeatureExtractor, MetricError, RawPixels};
use pyrogen_testkit::device;
use serde::Deserialize;

/// f32 sums of up to 512 terms of size 1, in another order than PyTorch's; relative to the largest.
const F32_RELATIVE: f64 = 1e-5;

#[derive(Deserialize)]
struct HeldOut {
    correct: usize,
    labels: Vec<usize>,
    pixels: Vec<Vec<u8>>,
    features: Vec<Vec<f64>>,
    logits: Vec<Vec<f64>>,
}

fn held_out() -> HeldOut {
    serde_json::from_str(include_str!("fixtures/digits_heldout.json")).unwrap()
}

/// Each pixel `factor` times repeated in both directions.
fn images(pixels: &[Vec<u8>], factor: usize) -> Tensor<4> {
    let side = 8 * factor;
    let values: Vec<f32> = pixels
        .iter()
        .flat_map(|image| {
            (0..side * side).map(|at| {
                let (i, j) = (at / side / factor, at % side / factor);
                f32::from(image[8 * i + j]) / 16.0
            })
        })
        .collect();
    let data = TensorData::new(values, [pixels.len(), 1, side, side]);
    Tensor::from_data(data, &device())
}

#[track_caller]
fn close(got: &[f64], expected: &[Vec<f64>]) {
    let expected = expected.concat();
    let largest = expected.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
    assert!(got.len() >= expected.len());
    for (at, (g, e)) in got.iter().zip(&expected).enumerate() {
        assert!((g - e).abs() <= F32_RELATIVE * largest, "{at}: {g} {e}");
    }
}

#[test]
fn features_and_logits_equal_torch() {
    let data = held_out();
    let digits = DigitsClassifier::new(&device());
    let part = images(&data.pixels[..data.features.len()], 1);
    let features = digits.features(part.clone()).unwrap();
    assert_eq!((features.cols(), digits.dim()), (64, 64));
    assert_eq!((features.name(), digits.name()), ("digits-cnn-v1", "digits-cnn-v1"));
    close(features.values(), &data.features);
    close(&digits.logits(part).unwrap(), &data.logits);
}

#[test]
fn held_out_digits_are_classified_as_stated() {
    let data = held_out();
    let classes = DigitsClassifier::new(&device()).classify(images(&data.pixels, 1)).unwrap();
    let right = classes.iter().zip(&data.labels).filter(|(a, b)| a == b);
    assert_eq!((right.count(), classes.len()), (data.correct, 360));
    assert_eq!(data.correct, 354);
}

#[test]
fn batches_and_sizes_do_not_matter() {
    let data = held_out();
    let digits = DigitsClassifier::new(&device());
    // 360 images are two batches; enlarged images shrink to the same pixels.
    let all = digits.features(images(&data.pixels, 1)).unwrap();
    let last = digits.features(images(&data.pixels[359..], 1)).unwrap();
    close(last.values(), &[all.row(359).to_vec()]);
    let enlarged = digits.features(images(&data.pixels[..20], 3)).unwrap();
    close(&all.values()[..20 * 64], &[enlarged.values().to_vec()]);
}

#[test]
fn probabilities_sum_to_one() {
    let data = held_out();
    let digits = DigitsClassifier::new(&device());
    let part = images(&data.pixels[..20], 1);
    let probabilities = digits.probabilities(part.clone()).unwrap();
    let classes = digits.classify(part).unwrap();
    for (p, class) in probabilities.iter().zip(classes) {
        assert!((p.iter().sum::<f64>() - 1.0).abs() < F32_RELATIVE);
        assert!(p.iter().all(|&v| v <= p[class]));
    }
}

#[test]
fn an_autodiff_device_changes_nothing() {
    let data = held_out();
    let plain = DigitsClassifier::new(&device());
    let tracked = DigitsClassifier::new(&device().autodiff());
    let part = images(&data.pixels[..4], 1);
    let moved = part.clone().to_device(&device().autodiff());
    assert_eq!(plain.features(part).unwrap(), tracked.features(moved).unwrap());
}

#[test]
fn raw_pixels_are_the_pixels() {
    let data = held_out();
    let pixels = RawPixels::new(1, 8, 8);
    let features = pixels.features(images(&data.pixels[..3], 1)).unwrap();
    assert_eq!((features.rows(), features.cols()), (3, 64));
    for (got, expected) in features.values().iter().zip(data.pixels[..3].concat()) {
        assert_eq!(*got, f64::from(expected) / 16.0);
    }
}

#[test]
fn images_that_do_not_fit() {
    let device = device();
    let digits = DigitsClassifier::new(&device);
    let pixels = RawPixels::new(1, 8, 8);
    let message = |result: Result<_, MetricError>| result.unwrap_err().to_string();

    let colour = Tensor::zeros([2, 3, 8, 8], &device);
    let got = message(digits.features(colour.clone()));
    assert!(got.contains("one channel") && got.contains("[2, 3, 8, 8]"), "{got}");
    let got = message(pixels.features(colour));
    assert!(got.contains("shape [1, 8, 8]"), "{got}");

    let mut bright = vec![0.5f32; 3 * 64];
    bright[2 * 64 + 7] = 1.5;
    let bright = Tensor::from_data(TensorData::new(bright, [3, 1, 8, 8]), &device);
    for extractor in [&digits as &dyn FeatureExtractor, &pixels] {
        let got = message(extractor.features(bright.clone()));
        assert!(got.contains("image 2 has a value 1.5 outside 0 to 1"), "{got}");
        // Uploaded: a shader need not keep a constant that is not a number.
        let nan = TensorData::new(vec![f32::NAN; 64], [1, 1, 8, 8]);
        let nan = Tensor::from_data(nan, &device);
        assert!(message(extractor.features(nan)).contains("NaN"));
        let rounded = Tensor::full([1, 1, 8, 8], 1.0 + 1e-6, &device);
        assert_eq!(extractor.features(rounded).unwrap().rows(), 1);
        // Uploaded too: see "Devices" in docs/DESIGN.md for empty tensors made on a GPU.
        let none = Tensor::from_data(TensorData::new(Vec::<f32>::new(), [0, 1, 8, 8]), &device);
        let got = message(extractor.features(none));
        assert!(got.contains("0 rows of 64 columns"), "{got}");
    }
}

/// The name of features stands in signatures, so it names one set of weights for ever.
#[test]
fn the_name_stands_for_these_weights() {
    let weights = include_bytes!("../weights/digits-cnn-v1.safetensors");
    let expected = "cdca9c286a6fc4a99de35159ab44ab0e8b415a2556ffbbd27e8ad8b1e8ae550e";
    assert_eq!(pyrogen_core::folder::sha256_hex(weights), expected);
}
