//! The layers of a flow.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::bijection::{Bijection, Coupling, Permute};
use pyrogen_core::config::count;
use pyrogen_core::{Noise, Seed};
use pyrogen_nn::Mlp;

use crate::made::{Made, MadeSize};
use crate::{FlowKind, NormalizingFlowConfig, NumberMap, Order};

/// What a layer gives: the result, and `ln |det|` of each row.
pub(crate) type Mapped = (Tensor<2>, Tensor<1>);

/// A layer: a bijection of rows given a condition.
#[derive(Module, Debug)]
pub(crate) enum Layer {
    Coupling(CouplingLayer),
    Autoregressive(AutoregressiveLayer),
    InverseAutoregressive(AutoregressiveLayer),
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
        }
    }

    /// Number of parameters of layer `i`; `usize::MAX` where it does not fit.
    pub fn num_params(config: &NormalizingFlowConfig, i: usize) -> usize {
        let (map, features) = (config.flow.map(), config.features());
        let (inputs, outputs) = (map.inputs(), map.parameters());
        let condition = config.condition_width();
        match config.flow {
            FlowKind::Coupling(_) => {
                let stay = stay(config, i);
                let read = count::product(&[stay, inputs]).saturating_add(condition);
                let given = count::product(&[features.saturating_sub(stay), outputs]);
                config.network.num_params(read, given)
            }
            _ => Made::num_params(&config.network, features, inputs, condition, outputs),
        }
    }

    pub fn forward(&self, x: Tensor<2>, condition: Option<&Tensor<2>>) -> Mapped {
        match self {
            Self::Coupling(layer) => layer.apply(x, condition, false),
            Self::Autoregressive(layer) => layer.at_once(x, condition),
            Self::InverseAutoregressive(layer) => layer.in_order(x, condition),
        }
    }

    pub fn inverse(&self, y: Tensor<2>, condition: Option<&Tensor<2>>) -> Mapped {
        match self {
            Self::Coupling(layer) => layer.apply(y, condition, true),
            Self::Autoregressive(layer) => layer.in_order(y, condition),
            Self::InverseAutoregressive(layer) => layer.at_once(y, condition),
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
    #[module(skip)]
    map: NumberMap,
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
        let read = stay * map.inputs() + config.condition_width();
        let given = (features - stay) * map.parameters();
        let network = config.network.init(read, given, noise, device);
        Self { network, permute: Permute::new(order), stay, map }
    }

    fn apply(&self, x: Tensor<2>, condition: Option<&Tensor<2>>, inverse: bool) -> Mapped {
        let coupling = Coupling::new(self.stay, |stays: Tensor<2>| {
            let read = self.map.embed(stays);
            let read = match condition {
                Some(condition) => Tensor::cat(vec![read, condition.clone()], 1),
                None => read,
            };
            let given = self.network.forward(read);
            let [rows, width] = given.dims();
            let each = self.map.parameters();
            self.map.at(given.reshape([rows, width / each, each]))
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
    map: NumberMap,
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
        let size = MadeSize {
            order,
            inputs: map.inputs(),
            condition: config.condition_width(),
            outputs: map.parameters(),
        };
        Self { network: Made::new(&config.network, size, noise, device), map }
    }

    /// The direction in which all features are known: one call of the network.
    fn at_once(&self, x: Tensor<2>, condition: Option<&Tensor<2>>) -> Mapped {
        let parameters = self.network.forward(self.map.embed(x.clone()), condition);
        let (y, log_det) = self.map.at(parameters).forward(x);
        (y, log_det.sum_dim(1).squeeze_dim(1))
    }

    /// The other one: feature after feature, for all rows at once.
    fn in_order(&self, y: Tensor<2>, condition: Option<&Tensor<2>>) -> Mapped {
        let [rows, features] = y.dims();
        let mut found: Vec<Option<Tensor<2>>> = vec![None; features];
        let mut log_dets = Vec::with_capacity(features);
        self.network.in_order(rows, condition, |feature, parameters| {
            let (x, log_det) = self.map.at(parameters).inverse(y.clone().narrow(1, feature, 1));
            log_dets.push(log_det);
            found[feature] = Some(x.clone());
            self.map.embed(x)
        });
        let found = found.into_iter().flatten().collect();
        (Tensor::cat(found, 1), Tensor::cat(log_dets, 1).sum_dim(1).squeeze_dim(1))
    }
}
