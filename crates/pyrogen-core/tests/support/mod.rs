//! What the tests of distributions share.
#![allow(dead_code)] // each test binary uses its part

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde_json::Value;

/// The device under test, with autodiff.
pub fn device() -> Device {
    pyrogen_testkit::device().autodiff()
}

/// The values of a tensor, row by row.
pub fn host<const D: usize>(x: Tensor<D>) -> Vec<f64> {
    x.into_data().iter().collect()
}

/// The values of a tensor of integers, row by row.
pub fn host_int<const D: usize>(x: Tensor<D, Int>) -> Vec<i64> {
    x.into_data().iter().collect()
}

/// Arrays that a script of this crate has written.
pub struct Fixture(Value);

impl Fixture {
    /// The part of a fixture file under a path of names.
    pub fn new(json: &str, path: &[&str]) -> Self {
        let mut value: Value = serde_json::from_str(json).unwrap();
        for name in path {
            value = value[*name].take();
        }
        Self(value)
    }

    pub fn values(&self, name: &str) -> Vec<f64> {
        let values = self.0[name]["values"].as_array();
        let values = values.unwrap_or_else(|| panic!("the fixture has no array {name}"));
        values.iter().map(|v| v.as_f64().unwrap()).collect()
    }

    pub fn number(&self, name: &str) -> usize {
        self.0[name].as_u64().unwrap() as usize
    }

    fn shape<const D: usize>(&self, name: &str) -> [usize; D] {
        let shape = self.0[name]["shape"].as_array().unwrap();
        std::array::from_fn(|i| shape[i].as_u64().unwrap() as usize)
    }

    /// An array as a tensor that asks for its gradient.
    pub fn leaf<const D: usize>(&self, name: &str) -> Tensor<D> {
        let values: Vec<f32> = self.values(name).iter().map(|&v| v as f32).collect();
        Tensor::from_data(TensorData::new(values, self.shape::<D>(name)), &device()).require_grad()
    }

    /// An array of integers as a tensor.
    pub fn int<const D: usize>(&self, name: &str) -> Tensor<D, Int> {
        let values: Vec<i32> = self.values(name).iter().map(|&v| v as i32).collect();
        Tensor::from_data(TensorData::new(values, self.shape::<D>(name)), &device())
    }

    /// Compares a tensor with an array, element by element.
    pub fn check<const D: usize>(&self, name: &str, got: Tensor<D>, tolerance: Tolerance) {
        assert_eq!(got.dims(), self.shape::<D>(name), "{name}: shape");
        assert_close(name, &host(got), &self.values(name), tolerance);
    }

    /// Compares the gradients of `y` summed with the arrays `d_{of}.{leaf}`.
    pub fn check_grads<const D: usize>(
        &self,
        of: &str,
        y: Tensor<D>,
        leaves: &[(&str, &dyn Leaf)],
        tolerance: Tolerance,
    ) {
        let grads = y.sum().backward();
        for (name, leaf) in leaves {
            let name = format!("d_{of}.{name}");
            assert_close(&name, &leaf.gradient(&grads), &self.values(&name), tolerance);
        }
    }
}

/// A tensor of any rank that has a gradient.
pub trait Leaf {
    fn gradient(&self, grads: &burn::tensor::Gradients) -> Vec<f64>;
}

impl<const D: usize> Leaf for Tensor<D> {
    fn gradient(&self, grads: &burn::tensor::Gradients) -> Vec<f64> {
        host(self.grad(grads).expect("a gradient reaches the leaf"))
    }
}

/// `|got - expected| <= absolute + relative * |expected|`.
#[derive(Clone, Copy)]
pub struct Tolerance {
    pub absolute: f64,
    pub relative: f64,
}

pub fn assert_close(name: &str, got: &[f64], expected: &[f64], tolerance: Tolerance) {
    assert_eq!(got.len(), expected.len(), "{name}: length");
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        let bound = tolerance.absolute + tolerance.relative * e.abs();
        assert!(
            (g - e).abs() <= bound,
            "{name}[{i}]: got {g}, expected {e}, off by {:e} where {bound:e} is allowed",
            (g - e).abs()
        );
    }
}
