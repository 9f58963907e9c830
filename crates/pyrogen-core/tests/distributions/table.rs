//! Columns of the fixtures, and comparisons.

use burn::tensor::{DType, Device, Tensor, TensorData};
use serde_json::Value;

/// The device under test, with autodiff.
pub fn device() -> Device {
    pyrogen_testkit::device().autodiff()
}

/// Where numbers of a type are: those in double precision on the host, since shaders have none.
pub fn device_of(dtype: DType) -> Device {
    match dtype {
        DType::F64 => Device::flex().autodiff(),
        _ => device(),
    }
}

/// Numbers of a type in a shape.
pub fn full<const D: usize>(values: &[f64], shape: [usize; D], dtype: DType) -> Tensor<D> {
    let data = TensorData::new(values.to_vec(), shape).convert_dtype(dtype);
    Tensor::from_data(data, (&device_of(dtype), dtype))
}

pub fn host<const D: usize>(x: Tensor<D>) -> Vec<f64> {
    x.into_data().iter().collect()
}

/// A column of numbers of a type.
pub fn column(values: &[f64], dtype: DType) -> Tensor<1> {
    full(values, [values.len()], dtype)
}

/// The same with its gradient.
pub fn leaf(values: &[f64], dtype: DType) -> Tensor<1> {
    column(values, dtype).require_grad()
}

/// The rows of one distribution.
pub struct Table {
    pub name: String,
    value: Value,
}

impl Table {
    pub fn new(name: &str) -> Self {
        let mut all: Value =
            serde_json::from_str(include_str!("../fixtures/families.json")).unwrap();
        let value = all[name].take();
        assert!(value.is_object(), "the fixture has no {name}");
        Self { name: name.to_string(), value }
    }

    pub fn has(&self, key: &str) -> bool {
        self.value.get(key).is_some()
    }

    pub fn values(&self, key: &str) -> Vec<f64> {
        let rows = self.value[key].as_array().unwrap_or_else(|| panic!("{}: {key}", self.name));
        rows.iter().map(number).collect()
    }

    /// Parameter `i` of each row.
    pub fn parameter(&self, i: usize) -> Vec<f64> {
        self.value["p"].as_array().unwrap().iter().map(|row| number(&row[i])).collect()
    }

    pub fn check(&self, key: &str, got: Tensor<1>, tolerance: Tolerance) {
        let what = format!("{} {key}", self.name);
        assert_close(&what, &host(got), &self.values(key), tolerance);
    }
}

/// Infinity and NaN are text in JSON.
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| match value.as_str() {
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        Some("nan") => f64::NAN,
        other => panic!("no number: {other:?}"),
    })
}

/// `|got - expected| <= absolute + relative * |expected|`; numbers beyond `[tiny, huge]` may come out
/// as 0 or infinity.
#[derive(Clone, Copy)]
pub struct Tolerance {
    pub absolute: f64,
    pub relative: f64,
    pub tiny: f64,
    pub huge: f64,
}

/// The issue's own: 1e-10, relative. The inputs are exact.
pub const F64: Tolerance = Tolerance { absolute: 0.0, relative: 1e-10, tiny: 1e-300, huge: 1e300 };
/// The issue's own: 1e-5, relative.
pub const F32: Tolerance = Tolerance { absolute: 0.0, relative: 1e-5, tiny: 1.2e-38, huge: 3.4e38 };

/// Of single precision on the device under test. The host computes in double precision and rounds. Elsewhere
/// all arithmetic is in single precision: shapes of 1e5 and probabilities near 1 are differences of large
/// numbers, and exponentials of shaders have 2^-20 of relative error at arguments of -80.
pub fn single() -> Tolerance {
    match pyrogen_testkit::device() == Device::flex() {
        true => F32,
        false => F32.relative(5e-4).absolute(1e-5),
    }
}

/// Both precisions, each with its tolerance.
pub fn both() -> [(DType, Tolerance); 2] {
    [(DType::F64, F64), (DType::F32, single())]
}

impl Tolerance {
    pub const fn absolute(self, absolute: f64) -> Self {
        Self { absolute, ..self }
    }

    pub const fn relative(self, relative: f64) -> Self {
        Self { relative, ..self }
    }
}

pub fn assert_close(name: &str, got: &[f64], expected: &[f64], t: Tolerance) {
    assert_eq!(got.len(), expected.len(), "{name}: length");
    for (i, (&g, &e)) in got.iter().zip(expected).enumerate() {
        let same = g == e || (g.is_nan() && e.is_nan());
        let small = e.abs() < t.tiny && g.abs() <= t.tiny;
        let large = e.abs() > t.huge && (g.abs() >= t.huge || g.is_infinite());
        let near = (g - e).abs() <= t.absolute + t.relative * e.abs();
        assert!(
            same || small || large || near,
            "{name}[{i}]: got {g:e}, expected {e:e}, off by {:e} of it",
            (g - e).abs() / e.abs()
        );
    }
}
