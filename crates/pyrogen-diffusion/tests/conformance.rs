//! The promises that every family makes.

use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use pyrogen_core::folder::{Card, to_bytes};
use pyrogen_core::{Batch, Describe, Examples, Noise, Objective, Seed};
use pyrogen_diffusion::solve::{Pairing, Sampler};
use pyrogen_diffusion::{
    Diffusion, DiffusionConfig, FlowConfig, FlowMatching, FlowSampling, Prediction, Process,
    SamplingConfig, TimeNetwork, Weighting,
};
use pyrogen_nn::unet::{Modulation, UNetConfig};
use pyrogen_nn::{DitConfig, TimeEncoding, TimeMlpConfig};
use pyrogen_testkit as kit;
use pyrogen_testkit::Rows;
use pyrogen_train::{GradientLearner, Learner, Limits, ProgressMode, TrainConfig, Trainer};

fn unet() -> TimeNetwork {
    TimeNetwork::UNet(UNetConfig {
        channels: vec![4, 8],
        groups: 2,
        head_width: Some(4),
        attention: vec![1],
        ..UNetConfig::default()
    })
}

fn dit() -> TimeNetwork {
    TimeNetwork::Dit(DitConfig { width: 8, blocks: 2, heads: 2, ..DitConfig::default() })
}

fn mlp() -> TimeNetwork {
    TimeNetwork::Mlp(TimeMlpConfig { width: 12, blocks: 2, ..TimeMlpConfig::default() })
}

/// Small models that between them use every part.
fn diffusions() -> Vec<DiffusionConfig> {
    let sampling = |sampler| SamplingConfig { sampler, steps: 4, ..SamplingConfig::default() };
    let base = DiffusionConfig {
        event: vec![1, 6, 4],
        network: unet(),
        sampling: sampling(Sampler::Dpmpp2m),
        ..DiffusionConfig::default()
    };
    let modulated = TimeNetwork::UNet(UNetConfig {
        channels: vec![4, 8],
        groups: 2,
        modulation: Modulation::ScaleShift,
        time: TimeEncoding::Fourier { scale: 1.0 },
        ..UNetConfig::default()
    });
    vec![
        DiffusionConfig { classes: Some(3), ..base.clone() },
        DiffusionConfig {
            network: modulated,
            process: Process::edm(),
            prediction: Prediction::Edm { sigma_data: 0.5 },
            sampling: sampling(Sampler::EulerAncestral { eta: 1.0 }),
            ..base.clone()
        },
        DiffusionConfig {
            network: dit(),
            prediction: Prediction::Epsilon,
            weighting: Weighting::MinSnr { gamma: 5.0 },
            classes: Some(2),
            label_dropout: 0.0,
            ..base.clone()
        },
        DiffusionConfig { event: vec![5], network: mlp(), prediction: Prediction::Example, ..base },
    ]
}

fn flows() -> Vec<FlowConfig> {
    let sampling = FlowSampling { steps: 3, ..FlowSampling::default() };
    let base =
        FlowConfig { event: vec![1, 6, 4], network: unet(), sampling, ..FlowConfig::default() };
    vec![
        FlowConfig { classes: Some(3), pairing: Pairing::OptimalTransport, ..base.clone() },
        FlowConfig { event: vec![5], network: mlp(), ..base },
    ]
}

/// `n` examples from -1 to 1 with their conditions.
fn rows(n: usize, model: &impl Describe) -> Rows {
    let width = model.event_shape().iter().product();
    let values = Noise::new(Seed(2)).uniform_vec(n * width);
    Rows {
        values: values.iter().map(|v| (2.0 * v - 1.0) as f32).collect(),
        width,
        condition: kit::condition_for(model, n, &kit::device()),
    }
}

fn trained<O>(model: O, data: Rows, folder: &Path, steps: u64) -> Vec<u8>
where
    O: Objective<Batch = Batch<2>> + Module + 'static,
{
    let train = TrainConfig {
        batch_size: 8,
        limits: Limits { steps: Some(steps), epochs: None, minutes: None },
        ..TrainConfig::default()
    };
    let learner = GradientLearner::new(model, &train).unwrap();
    let outcome = Trainer::new(train, Seed(5))
        .unwrap()
        .progress(ProgressMode::Hidden)
        .resume(true)
        .fit(learner, Arc::new(data), None, folder)
        .unwrap();
    to_bytes(&outcome.learner.model())
}

macro_rules! promises {
    ($module:ident, $configs:expr, $model:ty) => {
        mod $module {
            use super::*;

            #[test]
            fn initial_weights_come_from_the_seed() {
                for config in $configs {
                    kit::init_depends_on_the_seed_alone(|seed| {
                        config.init(seed, &kit::device()).unwrap()
                    });
                    let model = config.init(Seed(1), &kit::device()).unwrap();
                    assert_eq!(config.num_params().unwrap(), model.num_params(), "{config:?}");
                }
            }

            #[test]
            fn sampling() {
                for config in $configs {
                    let model = config.init(Seed(1), &kit::device()).unwrap();
                    kit::samples_keep_every_promise(&model);
                }
            }

            #[test]
            fn gradients_reach_every_parameter() {
                for config in $configs {
                    let device = kit::device().autodiff();
                    let model = config.init(Seed(1), &device).unwrap().train();
                    let all: Vec<usize> = (0..6).collect();
                    let batch = rows(6, &model).batch(&all, &mut Noise::new(Seed(0)), &device);
                    kit::every_parameter_gets_a_gradient(&model, batch);
                }
            }

            #[test]
            fn saving() {
                for config in $configs {
                    kit::saves_and_loads(
                        &config.init(Seed(1), &kit::device()).unwrap(),
                        |model, folder| model.save(folder, &Card::new("any", Seed(1))).unwrap(),
                        |folder, device| <$model>::load(folder, device).unwrap(),
                    );
                }
            }

            #[test]
            fn resuming() {
                for config in $configs {
                    kit::resume_is_exact(|folder, steps| {
                        let model = config.init(Seed(1), &kit::device()).unwrap();
                        let data = rows(20, &model);
                        trained(model, data, folder, steps)
                    });
                }
            }
        }
    };
}

promises!(diffusion, diffusions(), Diffusion);
promises!(flow, flows(), FlowMatching);
