//! The promises that every family makes. A new flow is one line in [`configs`].

use std::path::Path;
use std::sync::Arc;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use pyrogen_core::folder::{Card, to_bytes};
use pyrogen_core::{Describe, Examples, Noise, Sample, SampleOptions, ScoreOptions, Seed};
use pyrogen_flow::{
    Base, ContinuousConfig, Dequantisation, FeatureCells, FlowKind, NormalizingFlow,
    NormalizingFlowConfig, NumberMap, Order, SplineConfig, SplineTails,
};
use pyrogen_nn::{Activation, MlpConfig};
use pyrogen_testkit as kit;
use pyrogen_testkit::Rows;
use pyrogen_train::{GradientLearner, Learner, Limits, ProgressMode, TrainConfig, Trainer};

/// Weights far from their starting values, so that layers do much.
pub fn loud(model: NormalizingFlow) -> NormalizingFlow {
    louder_by(model, 0.3)
}

/// Weights with normal noise of this standard deviation.
pub fn louder_by<M: Module>(model: M, by: f64) -> M {
    struct Loud(Noise, f64);
    impl ModuleMapper for Loud {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|old| {
                let noise: Tensor<D> = self.0.normal(old.dims(), &old.device().inner());
                let noise = Tensor::from_data(noise.into_data(), &old.device());
                let loud =
                    Tensor::from_data((old.clone() + noise * self.1).into_data(), &old.device());
                loud.set_require_grad(old.is_require_grad())
            })
        }
    }
    model.map(&mut Loud(Noise::new(Seed(8)), by))
}

fn spline() -> NumberMap {
    NumberMap::Spline(SplineConfig { bins: 4, bound: 3.0, ..Default::default() })
}

fn affine_spline() -> NumberMap {
    NumberMap::Spline(SplineConfig { bins: 4, bound: 1.0, tails: SplineTails::Affine })
}

/// A feature that was spread over cells.
fn cells(feature: usize, edges: &[f64]) -> FeatureCells {
    FeatureCells { feature, edges: edges.to_vec() }
}

fn continuous(probes: Option<usize>) -> FlowKind {
    FlowKind::Continuous(ContinuousConfig { steps: 24, frequencies: 2, probes })
}

/// Small models that between them use every part.
pub fn configs() -> Vec<NormalizingFlowConfig> {
    let base = NormalizingFlowConfig {
        event: vec![3],
        layers: 2,
        network: MlpConfig { hidden: vec![8, 6], activation: Activation::Silu },
        ..NormalizingFlowConfig::default()
    };
    let of = |flow| NormalizingFlowConfig { flow, ..base.clone() };
    let random = Order::Random { seed: 4 };
    vec![
        of(FlowKind::nice()),
        NormalizingFlowConfig { event: vec![1, 2, 2], ..of(FlowKind::realnvp()) },
        NormalizingFlowConfig { classes: Some(3), order: random, ..of(FlowKind::realnvp()) },
        of(FlowKind::maf()),
        NormalizingFlowConfig {
            classes: Some(2),
            context: Some(vec![2]),
            order: random,
            ..of(FlowKind::maf())
        },
        NormalizingFlowConfig { context: Some(vec![2]), ..of(FlowKind::iaf()) },
        of(FlowKind::Autoregressive(spline())),
        NormalizingFlowConfig { classes: Some(2), ..of(FlowKind::Coupling(spline())) },
        of(FlowKind::Autoregressive(affine_spline())),
        NormalizingFlowConfig {
            circular: vec![1],
            base: Base::StudentT { degrees: 3.0 },
            ..of(FlowKind::Coupling(affine_spline()))
        },
        of(FlowKind::Autoregressive(NumberMap::Circular { bins: 4 })),
        of(FlowKind::Coupling(NumberMap::Circular { bins: 4 })),
        NormalizingFlowConfig { circular: vec![1], ..of(FlowKind::Autoregressive(spline())) },
        NormalizingFlowConfig {
            circular: vec![2, 0],
            classes: Some(2),
            ..of(FlowKind::Coupling(spline()))
        },
        NormalizingFlowConfig { base: Base::StudentT { degrees: 4.0 }, ..of(FlowKind::maf()) },
        of(FlowKind::Autoregressive(NumberMap::Sigmoids { units: 3 })),
        NormalizingFlowConfig { classes: Some(2), ..of(FlowKind::Planar) },
        of(FlowKind::Radial),
        NormalizingFlowConfig {
            context: Some(vec![2]),
            ..of(FlowKind::Sylvester { directions: 2 })
        },
        of(FlowKind::Sylvester { directions: 8 }),
        NormalizingFlowConfig {
            dequantisation: Dequantisation::Variational { layers: 2 },
            cells: vec![cells(0, &[0.4]), cells(2, &[0.2, 0.7])],
            classes: Some(2),
            ..of(FlowKind::Autoregressive(spline()))
        },
        NormalizingFlowConfig {
            dequantisation: Dequantisation::Variational { layers: 1 },
            cells: vec![cells(1, &[0.1, 0.5, 0.6])],
            circular: vec![2],
            ..of(FlowKind::Coupling(spline()))
        },
        NormalizingFlowConfig {
            dequantisation: Dequantisation::Variational { layers: 1 },
            cells: (0..3).map(|j| cells(j, &[0.5])).collect(),
            layers: 1,
            ..of(continuous(None))
        },
        NormalizingFlowConfig { layers: 1, ..of(continuous(None)) },
        NormalizingFlowConfig { classes: Some(2), ..of(continuous(Some(2))) },
    ]
}

/// `n` examples from -1 to 1 with their conditions.
pub fn rows(n: usize, model: &impl Describe) -> Rows {
    let width = model.event_shape().iter().product();
    let values = Noise::new(Seed(2)).uniform_vec(n * width);
    Rows {
        values: values.iter().map(|v| (2.0 * v - 1.0) as f32).collect(),
        width,
        condition: kit::condition_for(model, n, &kit::device()),
    }
}

#[test]
fn initial_weights_come_from_the_seed() {
    for config in configs() {
        kit::init_depends_on_the_seed_alone(|seed| config.init(seed, &kit::device()).unwrap());
        let model = config.init(Seed(1), &kit::device()).unwrap();
        assert_eq!(config.num_params().unwrap(), model.num_params(), "{config:?}");
    }
}

#[test]
fn sampling() {
    for config in configs() {
        kit::samples_keep_every_promise(&config.init(Seed(1), &kit::device()).unwrap());
    }
}

#[test]
fn scoring() {
    for config in configs() {
        let model = loud(config.init(Seed(1), &kit::device()).unwrap());
        let other = config.init(Seed(2), &kit::device()).unwrap();
        let condition = kit::condition_for(&model, 400, &kit::device());
        let options = SampleOptions { condition: condition.clone(), ..SampleOptions::default() };
        let x: Tensor<2> = model.sample(400, &options, &mut Noise::new(Seed(3))).unwrap();
        kit::score_agrees_with_samples(&model, &other, x.clone(), &condition, 3.0);
        let (x, condition) = (x.narrow(0, 0, 20), condition.rows(0..20));
        kit::scores_do_not_depend_on_each_other(&model, &x, &condition, &ScoreOptions::default());
    }
}

#[test]
fn gradients_reach_every_parameter() {
    for config in configs() {
        let device = kit::device().autodiff();
        let model = config.init(Seed(1), &device).unwrap().train();
        let all: Vec<usize> = (0..6).collect();
        let batch = rows(6, &model).batch(&all, &mut Noise::new(Seed(0)), &device);
        kit::every_parameter_gets_a_gradient(&model, batch);
    }
}

#[test]
fn saving() {
    for config in configs() {
        kit::saves_and_loads(
            &config.init(Seed(1), &kit::device()).unwrap(),
            |model, folder| model.save(folder, &Card::new("any", Seed(1))).unwrap(),
            |folder, device| NormalizingFlow::load(folder, device).unwrap(),
        );
    }
}

fn trained(model: NormalizingFlow, data: Rows, folder: &Path, steps: u64) -> Vec<u8> {
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

#[test]
fn resuming() {
    for config in [&configs()[0], &configs()[6]] {
        kit::resume_is_exact(|folder, steps| {
            let model = config.init(Seed(1), &kit::device()).unwrap();
            let data = rows(20, &model);
            trained(model, data, folder, steps)
        });
    }
}
