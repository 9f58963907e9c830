//! Peak signal-to-noise ratio and structural similarity against torchmetrics.
//!
//! `tests/fixtures/restored.json` is written by `scripts/reference_restored.py`.

use pyrogen_metrics::{Restored, psnr, ssim};
use serde::Deserialize;

/// Both sides compute in f64 from the same f32 values; the sums are in another order.
const F64_RELATIVE: f64 = 1e-10;
/// torchmetrics divides by the logarithm of ten in f32.
const LN_10_F32: f64 = 1e-7;

#[derive(Deserialize)]
struct Case {
    shape: [usize; 4],
    range: f64,
    original: Vec<f32>,
    restored: Vec<f32>,
    psnr: Vec<f64>,
    psnr_pooled: f64,
    ssim: Vec<f64>,
}

#[track_caller]
fn close(got: &[f64], expected: &[f64], relative: f64) {
    assert_eq!(got.len(), expected.len());
    for (a, b) in got.iter().zip(expected) {
        assert!((a - b).abs() <= relative * b.abs().max(1.0), "got {a}, expected {b}");
    }
}

#[test]
fn ratios_and_similarities_equal_torchmetrics() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("fixtures/restored.json")).unwrap();
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let pictures =
            Restored::new(&case.original, &case.restored, case.shape, case.range).unwrap();
        let ratio = psnr(&pictures);
        close(&ratio.pictures, &case.psnr, LN_10_F32);
        close(&[ratio.pooled], &[case.psnr_pooled], LN_10_F32);
        let similarity = ssim(&pictures).unwrap();
        close(&similarity.pictures, &case.ssim, F64_RELATIVE);
        let report = similarity.report();
        assert_eq!(report.get("ssim"), Some(similarity.mean()));
        let [n, c, h, w] = case.shape;
        let begins = format!("ssim|pictures:{n}|shape:{c}x{h}x{w}|range:{}|", case.range);
        let signature = report.signature().to_string();
        assert!(signature.starts_with(&begins), "{signature}");
        assert!(signature.contains("window:11x1.5|border:mirrored"), "{signature}");
    }
}
