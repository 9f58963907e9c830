//! Samples of the demo's model, and the way to the first one.

use std::path::Path;

use burn::tensor::Tensor;
use pyrogen::core::folder::Card;
use pyrogen::core::{Noise, Sample, SampleOptions, Seed};
use pyrogen::vae::{FAMILY, Vae, VaeConfig};

use crate::workload::{Plan, Workload, first, noise, plain};

struct Draw {
    model: Vae,
    n: usize,
    noise: Noise,
}

/// 10,000 pictures of 8x8.
pub fn build(plan: Plan) -> Box<dyn Workload> {
    Box::new(Draw { model: demo_model(), n: plan.pick(10_000, 3), noise: noise("sampling") })
}

impl Workload for Draw {
    fn run(&mut self) -> f64 {
        let pictures: Tensor<4> =
            self.model.sample(self.n, &SampleOptions::default(), &mut self.noise).expect("samples");
        first(pictures)
    }
}

/// The model of `pyrogen demo` before training.
fn demo_model() -> Vae {
    VaeConfig::default().init(Seed(1), &plain()).expect("the default config is valid")
}

/// Writes the model folder that [`first_sample`] reads.
///
/// # Errors
/// When the system refuses.
pub fn write_model(folder: &Path) -> Result<(), String> {
    demo_model().save(folder, &Card::new(FAMILY, Seed(1))).map_err(|e| e.to_string())
}

/// Loads a model folder and draws one picture; its first element.
///
/// # Errors
/// When the folder cannot be read, or the model fails.
pub fn first_sample(folder: &Path) -> Result<f64, String> {
    let model = Vae::load(folder, &plain()).map_err(|e| e.to_string())?;
    let picture = model.sample(1, &SampleOptions::default(), &mut noise("first"));
    let picture: Tensor<4> = picture.map_err(|e| e.to_string())?;
    Ok(first(picture))
}
