//! Fixtures, corpora and comparisons.

use pyrogen_core::{Noise, Seed};
use pyrogen_topic::{Corpus, Topics};
use serde::de::DeserializeOwned;

/// A fixture of `tests/fixtures`.
pub fn fixture<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("a fixture");
    serde_json::from_str(&text).expect("a fixture of this form")
}

/// Fails where two lists differ by more than `tolerance * max(1, |expected|)`.
#[track_caller]
pub fn assert_close(got: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        // Not `>`: NaN is not close.
        let close = (g - e).abs() <= tolerance * e.abs().max(1.0);
        assert!(close, "{what}[{i}]: got {g}, expected {e}");
    }
}

/// The ten bars of a square of 25 words: rows and columns (Griffiths and Steyvers 2004, figure 1).
pub fn bars(alpha: f64) -> Topics {
    let bar = |k: usize, w: usize| if k < 5 { w / 5 == k } else { w % 5 == k - 5 };
    let p = |k: usize, w: usize| if bar(k, w) { 0.2 } else { 0.0 };
    let words = (0..10).flat_map(|k| (0..25).map(move |w| p(k, w))).collect();
    Topics::new(vec![alpha; 10], words, 25).unwrap()
}

/// Documents that a model makes, of lengths around `tokens`, every 20th of them empty.
pub fn made_by(topics: &Topics, documents: usize, tokens: u32, seed: u64) -> Corpus {
    let noise = Noise::new(Seed(seed));
    let length = |d: usize| if d % 20 == 7 { 0 } else { tokens / 2 + (d as u32 * 37) % tokens };
    let all: Vec<_> =
        (0..documents).map(|d| topics.document(&noise, d as u64, length(d))).collect();
    Corpus::new(topics.words(), &all).unwrap()
}

/// What a chi-square statistic of so many degrees of freedom exceeds once in ten thousand (Wilson and
/// Hilferty 1931).
pub fn chi_square_limit(dof: f64) -> f64 {
    let v = 2.0 / (9.0 * dof);
    dof * (1.0 - v + 3.719 * v.sqrt()).powi(3)
}

/// What `f` gives in a pool of so many threads.
pub fn with_threads<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f)
}
