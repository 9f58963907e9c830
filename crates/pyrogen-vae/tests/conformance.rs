//! The promises that every family makes.

use std::path::Path;

use crate::common::{trained, trained_with};
use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use pyrogen_core::folder::{Card, to_bytes};
use pyrogen_core::{Batch, Noise, SampleOptions, ScoreOptions, Seed};
use pyrogen_nn::{ConvConfig, MlpConfig, Network};
use pyrogen_testkit as kit;
use pyrogen_testkit::Rows;
use pyrogen_train::{Anneal, Annealed, TrainConfig};
use pyrogen_vae::{
    BetaTc, Column, Decoder, Factor, Info, Prior, Scale, TcEstimator, Vae, VaeConfig, VaeObjective,
    Wae,
};

/// Small models that between them use every part.
fn configs() -> Vec<VaeConfig> {
    let mlp = Network::Mlp(MlpConfig { hidden: vec![12], ..MlpConfig::default() });
    let conv = conv_of(&[4, 6]);
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
            network: conv_of(&[4, 6]),
            decoder: Decoder::DiscretisedLogistic { levels: 9, scale: Scale::Shared },
            context: Some(vec![2, 5, 4]),
            ..base.clone()
        },
        VaeConfig {
            network: mlp_of(12),
            decoder: Decoder::Bernoulli,
            objective: VaeObjective::Iwae { samples: 2 },
            classes: Some(3),
            context: Some(vec![7]),
            ..base.clone()
        },
        VaeConfig {
            event: vec![3, 4, 3],
            network: conv_of(&[4]),
            decoder: Decoder::ColourMixture { levels: 9, components: 2 },
            ..base.clone()
        },
        VaeConfig {
            event: vec![8],
            network: mlp_of(12),
            decoder: Decoder::Columns { columns: COLUMNS.to_vec(), autoregressive: false },
            ..base.clone()
        },
        VaeConfig {
            event: vec![8],
            network: mlp_of(12),
            decoder: Decoder::Columns { columns: COLUMNS.to_vec(), autoregressive: true },
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

const COLUMNS: [Column; 4] =
    [Column::Category(3), Column::Number, Column::Number, Column::Spiked(1)];

fn conv_of(channels: &[usize]) -> Network {
    Network::Conv(ConvConfig {
        channels: channels.to_vec(),
        hidden: vec![10],
        ..ConvConfig::default()
    })
}

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

/// Grey values on the levels, which every decoder accepts.
fn values(n: usize, config: &VaeConfig) -> Vec<f32> {
    let draws = Noise::new(Seed(2)).uniform_vec(n * config.features());
    match config.decoder {
        Decoder::Bernoulli => draws.iter().map(|v| v.round() as f32).collect(),
        Decoder::Columns { .. } => draws
            .chunks(8)
            .flat_map(|v| {
                let kind = (v[0] * 3.0) as usize;
                let indicator = |k| f32::from(u8::from(k == kind));
                // Every other number of the last column is its spike.
                let [spike, number] = if v[5] < 0.5 { [1.0, 0.0] } else { [0.0, v[7] as f32] };
                let own = [v[3] as f32, v[4] as f32, spike, 1.0 - spike, number];
                [&[indicator(0), indicator(1), indicator(2)], &own[..]].concat()
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
        kit::samples_keep_every_promise(&model(&config));
    }
}

#[test]
fn gradients_reach_every_parameter() {
    for config in configs() {
        let device = kit::device().autodiff();
        let model = config.init(Seed(1), &device).unwrap().train();
        let n = 6;
        let x = TensorData::new(values(n, &config), [n, config.features()]);
        let condition = kit::condition_for(&model, n, &device);
        let batch = Batch::new(Tensor::from_data(x, &device))
            .with_labels(condition.labels)
            .with_context(condition.context);
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
        let condition = kit::condition_for(&model, n, &kit::device());
        let options = SampleOptions { condition: condition.clone(), ..SampleOptions::default() };
        let x: Tensor<2> =
            model.sample_from_decoder(n, &options, &mut Noise::new(Seed(4))).unwrap();
        let options = ScoreOptions { draws: 5, ..ScoreOptions::default() };
        let (few, given) = (x.clone().narrow(0, 0, 70), condition.rows(0..70));
        kit::scores_do_not_depend_on_each_other(&model, &few, &given, &options);
        kit::score_agrees_with_samples::<2, _>(&model, &other, x, &condition, SIGMAS);
    }
}

#[test]
fn resuming() {
    for config in configs() {
        kit::resume_is_exact(|folder: &Path, steps| {
            trained(model(&config), rows(&config), folder, steps)
        });
    }
}

/// Twenty examples with their conditions.
fn rows(config: &VaeConfig) -> Rows {
    Rows {
        values: values(20, config),
        width: config.features(),
        condition: kit::condition_for(&model(config), 20, &kit::device()),
    }
}

/// A capacity that rises over six steps is at each step where the schedule says, whatever was
/// interrupted in between.
#[test]
fn a_capacity_that_rises_resumes() {
    const RAMP: u64 = 6;
    const NATS: f64 = 3.0;
    // The log has six digits or more of terms of some nats.
    const DIGITS: f64 = 1e-4;
    let config = VaeConfig {
        event: vec![1, 5, 4],
        network: mlp_of(12),
        decoder: Decoder::Bernoulli,
        objective: VaeObjective::Capacity { gamma: 10.0, nats: NATS },
        ..VaeConfig::default()
    };
    let rise =
        Anneal { term: "capacity".into(), of: Annealed::Target, steps: RAMP, ..Anneal::default() };
    let settings = TrainConfig { anneal: vec![rise], log_every: 1, ..TrainConfig::default() };
    let train = |folder: &Path, steps| {
        to_bytes(&trained_with(model(&config), rows(&config), folder, steps, settings.clone()))
    };
    kit::resume_is_exact(train);

    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let risen = train(&run, 9);
    let table = std::fs::read_to_string(run.join("metrics.csv")).unwrap();
    let names: Vec<&str> = table.lines().next().unwrap().split(',').collect();
    let at = |name: &str| names.iter().position(|n| n.ends_with(name)).unwrap();
    let mut seen = 0;
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |name: &str| cells[at(name)].parse::<f64>().ok();
        let (Some(step), Some(kl), Some(capacity)) =
            (number("step"), number("kl"), number("capacity"))
        else {
            continue;
        };
        let target = NATS * ((step - 1.0) / RAMP as f64).min(1.0);
        assert!((capacity - (kl - target).abs()).abs() < DIGITS, "step {step}: {line}");
        seen += 1;
    }
    assert_eq!(seen, 9);
    let still = trained(model(&config), rows(&config), &dir.path().join("still"), 9);
    assert!(still != risen, "the ramp changes what is learnt");
}
