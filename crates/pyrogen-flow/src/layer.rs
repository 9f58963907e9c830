//! The layers of a flow.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::bijection::{Bijection, Coupling, Permute};
use pyrogen_core::config::count;
use pyrogen_core::{Noise, Seed};
use pyrogen_nn::Mlp;

use crate::amortised::Amortised;
use crate::made::{Made, MadeSize};
use crate::maps::FeatureMaps;
use crate::ode::{Along, ContinuousLayer};
use crate::planar::{PlanarLayer, RadialLayer};
use crate::sylvester::SylvesterLayer;
use crate::{FlowKind, NormalizingFlowConfig, NumberMap, Order};

/// What a layer gives: the result, and `ln |det|` of each row.
pub(crate) type Mapped = (Tensor<2>, Tensor<1>);

/// A layer: a bijection of rows given a condition.
#[derive(Module, Debug)]
pub(crate) enum Layer {
    Coupling(CouplingLayer),
    Autoregressive(AutoregressiveLayer),
    InverseAutoregressive(AutoregressiveLayer),
    Planar(PlanarLayer),
    Radial(RadialLayer),
    Sylvester(SylvesterLayer),
    Continuous(ContinuousLayer),
}

impl Layer {
    /// Layer `i` of a flow.
    pub fn new(
        config: &NormalizingFlowConfig,
        i: usize,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        match config.flow {
            FlowKind::Coupling(map) => {
                Self::Coupling(CouplingLayer::new(config, map, i, noise, device))
            }
            FlowKind::Autoregressive(map) => {
                Self::Autoregressive(AutoregressiveLayer::new(config, map, i, noise, device))
            }
            FlowKind::InverseAutoregressive(map) => {
                Self::InverseAutoregressive(AutoregressiveLayer::new(config, map, i, noise, device))
            }
            FlowKind::Planar => Self::Planar(PlanarLayer::new(config, noise, device)),
            FlowKind::Radial => Self::Radial(RadialLayer::new(config, noise, device)),
            FlowKind::Sylvester { directions } => {
                Self::Sylvester(SylvesterLayer::new(config, directions, noise, device))
            }
            FlowKind::Continuous(continuous) => {
                Self::Continuous(ContinuousLayer::new(config, continuous, noise, device))
            }
        }
    }

    /// Number of parameters of layer `i`; `usize::MAX` where it does not fit.
    pub fn num_params(config: &NormalizingFlowConfig, i: usize) -> usize {
        let features = config.features();
        match config.flow {
            FlowKind::Coupling(map) => {
                let (stay, map) = (stay(config, i), FeatureMaps::sized(map, config));
                let read = count::product(&[stay, map.inputs()]);
                let read = read.saturating_add(config.condition_width());
                let given = count::product(&[features.saturating_sub(stay), map.parameters()]);
                config.network.num_params(read, given)
            }
            FlowKind::Autoregressive(map) | FlowKind::InverseAutoregressive(map) => {
                let map = FeatureMaps::sized(map, config);
                let (inputs, outputs) = (map.inputs(), map.parameters());
                let condition = config.condition_width();
                Made::num_params(&config.network, features, inputs, condition, outputs)
            }
            FlowKind::Planar => Amortised::num_params(config, PlanarLayer::width(features)),
            FlowKind::Radial => Amortised::num_params(config, RadialLayer::width(features)),
            FlowKind::Sylvester { directions } => {
                Amortised::num_params(config, SylvesterLayer::width(features, directions))
            }
            FlowKind::Continuous(continuous) => ContinuousLayer::num_params(config, continuous),
        }
    }

    pub fn forward(&self, x: Tensor<2>, condition: Option<&Tensor<2>>) -> Mapped {
        match self {
            Self::Coupling(layer) => layer.apply(x, condition, false),
            Self::Autoregressive(layer) => layer.at_once(x, condition),
            Self::InverseAutoregressive(layer) => layer.in_order(x, condition),
            Self::Planar(layer) => layer.forward(x, condition),
            Self::Radial(layer) => layer.forward(x, condition),
            Self::Sylvester(layer) => layer.forward(x, condition),
            Self::Continuous(layer) => layer.in_steps(x, condition, Along::Units, false),
        }
    }

    pub fn inverse(&self, y: Tensor<2>, condition: Option<&Tensor<2>>) -> Mapped {
        match self {
            Self::Coupling(layer) => layer.apply(y, condition, true),
            Self::Autoregressive(layer) => layer.in_order(y, condition),
            Self::InverseAutoregressive(layer) => layer.at_once(y, condition),
            Self::Planar(layer) => layer.inverse(y, condition),
            Self::Radial(layer) => layer.inverse(y, condition),
            Self::Sylvester(layer) => layer.inverse(y, condition),
            Self::Continuous(layer) => layer.in_steps(y, condition, Along::Units, true),
        }
    }
}

/// How many features stay in coupling `i`.
fn stay(config: &NormalizingFlowConfig, i: usize) -> usize {
    let features = config.features();
    if i.is_multiple_of(2) { features / 2 } else { features.div_ceil(2) }
}

/// The features of layer `i` in a random order.
fn shuffled(features: usize, seed: u64, i: usize) -> Vec<usize> {
    Noise::new(Seed(seed)).fork("order").fork_index(i as u64).permutation(features)
}

/// Affine, additive or spline coupling.
#[derive(Module, Debug)]
pub(crate) struct CouplingLayer {
    network: Mlp,
    /// Brings the features that stay to the front.
    #[module(skip)]
    permute: Permute,
    #[module(skip)]
    stay: usize,
    /// In the order of the permuted features.
    #[module(skip)]
    maps: FeatureMaps,
}

impl CouplingLayer {
    fn new(
        config: &NormalizingFlowConfig,
        map: NumberMap,
        i: usize,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let (features, stay) = (config.features(), stay(config, i));
        let order = match config.order {
            Order::Alternate => {
                let stays = |j: &usize| (j + i) % 2 == 1;
                let (front, back): (Vec<_>, Vec<_>) = (0..features).partition(stays);
                [front, back].concat()
            }
            Order::Random { seed } => shuffled(features, seed, i),
        };
        let circles = config.circles();
        let maps = FeatureMaps::new(map, order.iter().map(|&j| circles[j]).collect());
        let read = stay * maps.inputs() + config.condition_width();
        let given = (features - stay) * maps.parameters();
        let network = config.network.init(read, given, noise, device);
        Self { network, permute: Permute::new(order), stay, maps }
    }

    fn apply(&self, x: Tensor<2>, condition: Option<&Tensor<2>>, inverse: bool) -> Mapped {
        let coupling = Coupling::new(self.stay, |stays: Tensor<2>| {
            let read = self.maps.embed(stays, 0);
            let read = match condition {
                Some(condition) => Tensor::cat(vec![read, condition.clone()], 1),
                None => read,
            };
            let given = self.network.forward(read);
            let [rows, width] = given.dims();
            let each = self.maps.parameters();
            self.maps.at(given.reshape([rows, width / each, each]), self.stay)
        });
        let (x, _): Mapped = self.permute.forward(x);
        let (y, log_det): Mapped = if inverse { coupling.inverse(x) } else { coupling.forward(x) };
        let (y, _): Mapped = self.permute.inverse(y);
        (y, log_det)
    }
}

/// Autoregression by a masked network.
#[derive(Module, Debug)]
pub(crate) struct AutoregressiveLayer {
    network: Made,
    #[module(skip)]
    maps: FeatureMaps,
}

impl AutoregressiveLayer {
    fn new(
        config: &NormalizingFlowConfig,
        map: NumberMap,
        i: usize,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let features = config.features();
        let order = match config.order {
            Order::Alternate if i.is_multiple_of(2) => (0..features).collect(),
            Order::Alternate => (0..features).rev().collect(),
            Order::Random { seed } => shuffled(features, seed, i),
        };
        let maps = FeatureMaps::new(map, config.circles());
        let size = MadeSize {
            order,
            inputs: maps.inputs(),
            condition: config.condition_width(),
            outputs: maps.parameters(),
        };
        Self { network: Made::new(&config.network, size, noise, device), maps }
    }

    /// The direction in which all features are known: one call of the network.
    fn at_once(&self, x: Tensor<2>, condition: Option<&Tensor<2>>) -> Mapped {
        let parameters = self.network.forward(self.maps.embed(x.clone(), 0), condition);
        let (y, log_det) = self.maps.at(parameters, 0).forward(x);
        (y, log_det.sum_dim(1).squeeze_dim(1))
    }

    /// The other one: feature after feature, for all rows at once.
    fn in_order(&self, y: Tensor<2>, condition: Option<&Tensor<2>>) -> Mapped {
        let [rows, features] = y.dims();
        let mut found: Vec<Option<Tensor<2>>> = vec![None; features];
        let mut log_dets = Vec::with_capacity(features);
        self.network.in_order(rows, condition, |feature, parameters| {
            let own = y.clone().narrow(1, feature, 1);
            let (x, log_det) = self.maps.at(parameters, feature).inverse(own);
            log_dets.push(log_det);
            found[feature] = Some(x.clone());
            self.maps.embed(x, feature)
        });
        let found = found.into_iter().flatten().collect();
        (Tensor::cat(found, 1), Tensor::cat(log_dets, 1).sum_dim(1).squeeze_dim(1))
    }
}
