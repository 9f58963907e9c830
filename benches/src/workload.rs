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

struct Repeat<F>(F);

impl<F: FnMut() -> f64> Workload for Repeat<F> {
    fn run(&mut self) -> f64 {
        (self.0)()
    }
}

/// Work without a state of its own.
pub fn repeat(work: impl FnMut() -> f64 + 'static) -> Box<dyn Workload> {
    Box::new(Repeat(work))
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

/// The variable that names the device of all rows: `flex`, `wgpu` or `cuda`.
pub const DEVICE: &str = "PYROGEN_BENCH_DEVICE";

/// The device of all rows, without a graph: what [`DEVICE`] names, `flex` where it is not set.
///
/// # Panics
/// If the variable names a device that was not compiled in.
pub fn plain() -> Device {
    match std::env::var(DEVICE).as_deref() {
        Err(_) | Ok("" | "flex") => Device::flex(),
        #[cfg(feature = "wgpu")]
        Ok("wgpu") => Device::wgpu(burn::tensor::DeviceKind::DefaultDevice),
        #[cfg(feature = "cuda")]
        Ok("cuda") => Device::cuda(0),
        Ok(other) => panic!("{DEVICE}={other}: this device is not compiled in"),
    }
}

/// The device of training rows.
pub fn autodiff() -> Device {
    plain().autodiff()
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
