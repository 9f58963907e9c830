//! Fixtures and comparisons.

use serde::de::DeserializeOwned;

/// Both sides compute quotients of counts, logarithms and exponentials in f64.
pub const F64: f64 = 1e-9;

/// A fixture by its name.
pub fn fixture<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Compares all values.
pub fn close(got: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((got - expected).abs() <= tolerance, "{what}, {i}: {got}, expected {expected}");
    }
}
