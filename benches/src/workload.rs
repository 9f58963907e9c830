//! What is timed.

use burn::tensor::{Device, Tensor};
use pyrogen::core::{Noise, Seed};

/// Work that can be repeated. Weights and inputs were made when it was built.
pub trait Workload {
    /// What a repeat needs and is not timed.
    fn prepare(&mut self) {}

    /// One repeat, and a number from its result: the loss of a training step, an element of an
    /// output. Reading it on the host ends the work.
    fn run(&mut self) -> f64;
}

/// How large the work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// As in the table.
    Full,
    /// The same code on sizes that take milliseconds.
    Tiny,
}

/// How a workload is to be built.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Its size.
    pub size: Size,
    /// Worker threads among which a training batch is split.
    pub workers: usize,
}

impl Plan {
    /// `full` or `tiny`, by the size.
    pub fn pick<T>(&self, full: T, tiny: T) -> T {
        match self.size {
            Size::Full => full,
            Size::Tiny => tiny,
        }
    }
}

/// The device of all rows, without a graph.
pub fn plain() -> Device {
    Device::flex()
}

/// The device of training rows.
pub fn autodiff() -> Device {
    Device::flex().autodiff()
}

/// The random numbers of a row.
pub fn noise(row: &str) -> Noise {
    Noise::new(Seed(1)).fork("bench").fork(row)
}

/// The first element of a tensor.
pub fn first<const D: usize>(x: Tensor<D>) -> f64 {
    let one = x.slice([(); D].map(|()| 0..1)).into_data();
    one.iter::<f64>().next().expect("a tensor of at least one element")
}
