//! The promises that every family makes.

mod common;

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use common::{Rows, trained};
use pyrogen_core::folder::Card;
use pyrogen_core::{Batch, Condition, Noise, SampleOptions, Seed};
use pyrogen_nn::{ConvConfig, MlpConfig, Network};
use pyrogen_testkit as kit;
use pyrogen_vae::{
    BetaTc, Column, Decoder, Factor, Info, Prior, Scale, TcEstimator, Vae, VaeConfig, VaeObjective,
    Wae,
};

/// Small models that between them use every part.
fn configs() -> Vec<VaeConfig> {
    let mlp = Network::Mlp(MlpConfig { hidden: vec![12], ..MlpConfig::default() });
    let conv = Network::Conv(ConvConfig {
        channels: vec![4, 6],
        hidden: vec![10],
        ..ConvConfig::default()
    });
    let base = VaeConfig { event: vec![1, 5, 4], latents: 3, ..VaeConfig::default() };
    vec![
        VaeConfig {
            network: mlp.clone(),
            decoder: Decoder::Gaussian { scale: Scale::Predicted },
            ..base.clone()
        },
        VaeConfig {
            network: mlp,
            decoder: Decoder::Bernoulli,
            objective: VaeObjective::Iwae { samples: 3 },
            classes: Some(4),
            ..base.clone()
        },
        VaeConfig {
            network: conv.clone(),
            decoder: Decoder::DiscretisedLogistic { levels: 9, scale: Scale::PerFeature },
            ..base.clone()
        },
        VaeConfig {
            network: conv,
            decoder: Decoder::DiscretisedLogistic { levels: 9, scale: Scale::Predicted },
            classes: Some(2),
            beta: 0.5,
            ..base.clone()
        },
        VaeConfig {
            network: mlp_of(12),
            decoder: Decoder::LogisticMixture { levels: 9, components: 2 },
            objective: VaeObjective::FreeBits { nats: 0.01 },
            ..base.clone()
        },
        VaeConfig {
            network: mlp_of(12),
            decoder: Decoder::Categorical { levels: 9 },
            objective: VaeObjective::Capacity { gamma: 10.0, nats: 3.0 },
            ..base.clone()
        },
        VaeConfig {
            event: vec![5],
            network: mlp_of(12),
            decoder: Decoder::Columns { columns: COLUMNS.to_vec() },
            ..base.clone()
        },
    ]
    .into_iter()
    .chain(objectives().into_iter().map(|objective| VaeConfig {
        network: mlp_of(12),
        decoder: Decoder::Bernoulli,
        objective,
        ..base.clone()
    }))
    .chain([VaeObjective::Elbo, VaeObjective::Iwae { samples: 2 }].map(|objective| VaeConfig {
        network: mlp_of(12),
        prior: Prior::Vamp { components: 5 },
        decoder: Decoder::Gaussian { scale: Scale::Shared },
        objective,
        ..base.clone()
    }))
    .collect()
}

const COLUMNS: [Column; 3] = [Column::Category(3), Column::Number, Column::Number];

fn mlp_of(width: usize) -> Network {
    Network::Mlp(MlpConfig { hidden: vec![width], ..MlpConfig::default() })
}

/// Those that compare the examples of a batch with each other.
fn objectives() -> Vec<VaeObjective> {
    let discriminator = MlpConfig { hidden: vec![6], ..MlpConfig::default() };
    let stratified = TcEstimator::Stratified;
    vec![
        VaeObjective::BetaTc(BetaTc { examples: 20, ..BetaTc::default() }),
        VaeObjective::BetaTc(BetaTc { examples: 20, estimator: stratified, ..BetaTc::default() }),
        VaeObjective::Factor(Factor { discriminator, ..Factor::default() }),
        VaeObjective::Info(Info::default()),
        VaeObjective::Wae(Wae::default()),
    ]
}

fn model(config: &VaeConfig) -> Vae {
    config.init(Seed(1), &kit::device()).unwrap()
}

fn labels(config: &VaeConfig, n: usize) -> Option<Vec<usize>> {
    config.classes.map(|k| (0..n).map(|i| i % k).collect())
}

/// Grey values on the levels, which every decoder accepts.
fn values(n: usize, config: &VaeConfig) -> Vec<f32> {
    let draws = Noise::new(Seed(2)).uniform_vec(n * config.features());
    match config.decoder {
        Decoder::Bernoulli => draws.iter().map(|v| v.round() as f32).collect(),
        Decoder::Columns { .. } => draws
            .chunks(5)
            .flat_map(|v| {
                let kind = (v[0] * 3.0) as usize;
                let indicator = |k| f32::from(u8::from(k == kind));
                [indicator(0), indicator(1), indicator(2), v[3] as f32, v[4] as f32]
            })
            .collect(),
        _ => draws.iter().map(|v| (v * 8.0).round() as f32 / 8.0).collect(),
    }
}

#[test]
fn initial_weights_come_from_the_seed() {
    for config in configs() {
        kit::init_depends_on_the_seed_alone(|seed| config.init(seed, &kit::device()).unwrap());
    }
}

#[test]
fn sampling() {
    for config in configs() {
        let model = model(&config);
        if config.event.len() == 3 {
            kit::samples_repeat::<4>(&model);
            kit::samples_do_not_depend_on_the_split::<4>(&model);
        }
        kit::samples_repeat::<2>(&model);
        kit::samples_do_not_depend_on_threads::<2, _>(&model);
        kit::samples_do_not_depend_on_the_split::<2>(&model);
        kit::serves_a_batch_of_one::<2>(&model);
    }
}

#[test]
fn gradients_reach_every_parameter() {
    for config in configs() {
        let device = kit::device().autodiff();
        let model = config.init(Seed(1), &device).unwrap().train();
        let n = 6;
        let x = TensorData::new(values(n, &config), [n, config.features()]);
        let batch = Batch::new(Tensor::from_data(x, &device))
            .with_labels(labels(&config, n).and_then(|l| Condition::classes(&l, &device).labels));
        kit::every_parameter_gets_a_gradient(&model, batch);
    }
}

#[test]
fn saving() {
    for config in configs() {
        kit::saves_and_loads(
            &model(&config),
            |model, folder| model.save(folder, &Card::new("vae", Seed(1))).unwrap(),
            |folder, device| Vae::load(folder, device).unwrap(),
        );
    }
}

#[test]
fn scores_agree_with_samples() {
    // Gibbs' inequality in the mean of 200 draws, by three standard errors.
    const SIGMAS: f64 = 3.0;
    for config in configs().into_iter().filter(|c| !c.objective.is_deterministic()) {
        let (model, other) = (model(&config), config.init(Seed(9), &kit::device()).unwrap());
        let n = 200;
        let condition = match labels(&config, n) {
            Some(labels) => Condition::classes(&labels, &kit::device()),
            None => Condition::none(),
        };
        let options = SampleOptions { condition: condition.clone(), ..SampleOptions::default() };
        let x: Tensor<2> = model.sample_from_decoder(n, &options, &mut Noise::new(Seed(4)));
        kit::score_agrees_with_samples::<2, _>(&model, &other, x, &condition, SIGMAS);
    }
}

#[test]
fn resuming() {
    for config in configs() {
        kit::resume_is_exact(|folder: &Path, steps| {
            let n = 20;
            let data = Rows {
                values: values(n, &config),
                width: config.features(),
                labels: labels(&config, n),
            };
            trained(model(&config), data, folder, steps)
        });
    }
}
