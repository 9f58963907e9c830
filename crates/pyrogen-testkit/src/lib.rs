#![doc = include_str!("../README.md")]

pub mod fixtures;
mod module;
mod modules;
mod rows;
mod sampling;
mod scoring;

pub use module::{
    both_players_get_gradients, every_parameter_gets_a_gradient, init_depends_on_the_seed_alone,
    resume_is_exact, saves_and_loads,
};
pub use modules::every_file_is_a_module;
pub use rows::Rows;
pub use sampling::{
    condition_for, samples_do_not_depend_on_each_other, samples_do_not_depend_on_threads,
    samples_keep_every_promise, samples_repeat, serves_a_batch_of_one, wrong_requests_are_errors,
};
pub use scoring::{score_agrees_with_samples, scores_do_not_depend_on_each_other};

use burn::tensor::{Device, Tensor};

/// The device that tests run on: flex, or what `PYROGEN_TEST_DEVICE` names.
///
/// # Panics
/// If the variable names a device that was not compiled in.
pub fn device() -> Device {
    match std::env::var("PYROGEN_TEST_DEVICE").as_deref() {
        Err(_) | Ok("" | "flex") => Device::flex(),
        #[cfg(feature = "wgpu")]
        Ok("wgpu") => Device::wgpu(burn::tensor::DeviceKind::DefaultDevice),
        #[cfg(feature = "cuda")]
        Ok("cuda") => Device::cuda(0),
        Ok(other) => panic!("PYROGEN_TEST_DEVICE={other}: this device is not compiled in"),
    }
}

/// A tensor's values on the host.
pub fn host<const D: usize>(x: Tensor<D>) -> Vec<f64> {
    x.into_data().iter::<f64>().collect()
}

/// The largest difference between two tensors of one shape, relative to their size where that is
/// above one.
///
/// # Panics
/// If the shapes differ.
pub fn largest_difference<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f64 {
    assert_eq!(a.dims(), b.dims(), "largest_difference: other shapes");
    let pairs = host(a).into_iter().zip(host(b));
    pairs.map(|(a, b)| (a - b).abs() / a.abs().max(1.0)).fold(0.0, f64::max)
}
