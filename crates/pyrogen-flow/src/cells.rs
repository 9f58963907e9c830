//! What was spread over cells, and how it is distributed within them.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::config::check;
use pyrogen_core::{ConfigError, Noise, normal_quantile};
use serde::{Deserialize, Serialize};

use crate::columns::pick;
use crate::layer::{Layer, Mapped};
use crate::{FlowKind, NormalizingFlowConfig, NumberMap, SplineConfig};

/// How the draws in the place of categories are distributed within their cells.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Dequantisation {
    /// As they were drawn: uniform in probability.
    #[default]
    Uniform,
    /// By a distribution `q(u | x)` that is learnt with the flow and that depends on the whole example
    /// (Ho et al. 2019, equation 12): splines that keep the ends of each cell, so that categories stay what they are.
    Variational {
        /// Layers of splines.
        layers: usize,
    },
}

/// A feature that was spread over cells of the standard normal distribution.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureCells {
    /// Which one.
    pub feature: usize,
    /// The probabilities at which one cell ends and the next one begins, ascending.
    pub edges: Vec<f64>,
}

/// A network reads indicators of so many cells, and of more cells where they are.
const INDICATORS: usize = 64;

/// Bins of the splines.
const BINS: usize = 8;

/// The outermost cells have no end. Draws keep to this part of their probability or more, and the map to this box.
const OUTERMOST: f64 = 1e-4;

impl FeatureCells {
    /// The ends of all cells in normal numbers: those of the edges, and those of the outermost boxes.
    fn ends(&self) -> Vec<f64> {
        let least = OUTERMOST * self.edges[0];
        let most = OUTERMOST * (1.0 - self.edges[self.edges.len() - 1]);
        let inner = self.edges.iter().map(|&p| normal_quantile(p));
        let ends = std::iter::once(normal_quantile(least)).chain(inner);
        ends.chain([-normal_quantile(most)]).collect()
    }

    fn count(&self) -> usize {
        self.edges.len() + 1
    }

    /// Numbers by which networks read which cell it is.
    fn width(&self) -> usize {
        if self.count() <= INDICATORS { self.count() } else { 1 }
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let inside = self.edges.iter().all(|p| *p > 0.0 && *p < 1.0);
        match inside && !self.edges.is_empty() && self.edges.windows(2).all(|w| w[0] < w[1]) {
            true => Ok(()),
            false => {
                let expected = "one or more probabilities above 0 and below 1, ascending";
                Err(ConfigError::value("cells.edges", expected, format!("{:?}", self.edges)))
            }
        }
    }
}

/// Moves features within their cells: for each a spline on the box of its cell, whose parameters are a function of
/// the cells and the numbers of the whole example, and of the features moved before it.
///
/// The prepared example is a uniform draw from its cells. With this map as the first layer of a flow, the draw that the
/// flow sees has the density `q(u | x)` within its cell, and the log-determinant is `-ln q` but for that of the uniform
/// draw, so that the flow's log-density of the prepared example is the integrand of the variational bound. The ends of
/// all cells are fixed points.
#[derive(Module, Debug)]
pub(crate) struct WithinCells {
    layers: Vec<Layer>,
    #[module(skip)]
    plan: Plan,
}

#[derive(Debug, Clone)]
struct Plan {
    cells: Vec<FeatureCells>,
    /// The features without cells: which they are, and whether they are angles.
    others: Vec<(usize, bool)>,
    /// Where each feature is among those without cells and then those with cells.
    places: Vec<usize>,
}

impl Plan {
    fn new(config: &NormalizingFlowConfig) -> Self {
        let cells = config.cells.clone();
        let has_cells = |j: usize| cells.iter().any(|cells| cells.feature == j);
        let circles = config.circles();
        let others: Vec<(usize, bool)> =
            circles.into_iter().enumerate().filter(|(j, _)| !has_cells(*j)).collect();
        let mut places = vec![0; config.features()];
        let order = others.iter().map(|(j, _)| *j).chain(cells.iter().map(|cells| cells.feature));
        order.enumerate().for_each(|(place, feature)| places[feature] = place);
        Self { cells, others, places }
    }

    /// Numbers that the networks read of an example.
    fn width(&self) -> usize {
        let others: usize = self.others.iter().map(|(_, circle)| 1 + usize::from(*circle)).sum();
        others + self.cells.iter().map(FeatureCells::width).sum::<usize>()
    }
}

impl WithinCells {
    /// The splines of a flow's cells; none where they are not learnt.
    pub fn new(config: &NormalizingFlowConfig, noise: &mut Noise, device: &Device) -> Option<Self> {
        let inner = inner(config)?;
        let layer = |i: usize| Layer::new(&inner, i, &mut noise.fork_index(i as u64), device);
        Some(Self { layers: (0..inner.layers).map(layer).collect(), plan: Plan::new(config) })
    }

    /// Number of parameters; `usize::MAX` where it does not fit.
    pub fn num_params(config: &NormalizingFlowConfig) -> usize {
        let Some(inner) = inner(config) else { return 0 };
        (0..inner.layers).fold(0, |sum: usize, i| sum.saturating_add(Layer::num_params(&inner, i)))
    }

    /// Checks what a flow's configuration says of cells.
    pub fn validate(config: &NormalizingFlowConfig) -> Result<(), ConfigError> {
        if let Dequantisation::Variational { layers } = config.dequantisation {
            check::layers("dequantisation.variational.layers", layers)?;
        }
        config.cells.iter().try_for_each(FeatureCells::validate)?;
        let features: Vec<usize> = config.cells.iter().map(|cells| cells.feature).collect();
        let circles = config.circles();
        let fits = |j: &usize| circles.get(*j).is_some_and(|circle| !circle);
        match features.windows(2).all(|w| w[0] < w[1]) && features.iter().all(fits) {
            true => Ok(()),
            false => {
                let expected = format!("ascending features below {}, no angles", circles.len());
                Err(ConfigError::value("cells.feature", expected, format!("{features:?}")))
            }
        }
    }

    /// Examples moved within their cells, or back.
    pub fn apply(&self, x: Tensor<2>, condition: Option<&Tensor<2>>, inverse: bool) -> Mapped {
        let plan = &self.plan;
        let columns: Vec<usize> = plan.cells.iter().map(|cells| cells.feature).collect();
        let (mut boxes, mut read) = (Vec::new(), Vec::new());
        for (feature, circle) in &plan.others {
            let own = x.clone().narrow(1, *feature, 1);
            match circle {
                true => read.extend([own.clone().cos(), own.sin()]),
                false => read.push(own),
            }
        }
        for cells in &plan.cells {
            let (own_box, own) = look_up(cells, x.clone().narrow(1, cells.feature, 1));
            boxes.push(own_box);
            read.push(own);
        }
        read.extend(condition.cloned());
        let read = Tensor::cat(read, 1);
        let boxes = Tensor::stack::<3>(boxes, 1);
        let [centre, half] =
            [0, 1].map(|k| -> Tensor<2> { boxes.clone().narrow(2, k, 1).squeeze_dim(2) });
        let mut u = (pick(&x, &columns) - centre.clone()) / half.clone();
        let mut log_det = Tensor::zeros([x.dims()[0]], &x.device());
        for i in 0..self.layers.len() {
            let (next, more) = match inverse {
                false => self.layers[i].forward(u, Some(&read)),
                true => self.layers[self.layers.len() - 1 - i].inverse(u, Some(&read)),
            };
            (u, log_det) = (next, log_det + more);
        }
        let moved = u * half + centre;
        let all = match plan.others.is_empty() {
            true => moved,
            false => {
                let others: Vec<usize> = plan.others.iter().map(|(j, _)| *j).collect();
                Tensor::cat(vec![pick(&x, &others), moved], 1)
            }
        };
        (pick(&all, &plan.places), log_det)
    }
}

/// The flow of the places within cells, which has the whole example as its context; none where nothing is learnt.
fn inner(config: &NormalizingFlowConfig) -> Option<NormalizingFlowConfig> {
    let Dequantisation::Variational { layers } = config.dequantisation else { return None };
    let spline = SplineConfig { bins: BINS, bound: 1.0, ..SplineConfig::default() };
    (!config.cells.is_empty()).then(|| NormalizingFlowConfig {
        event: vec![config.cells.len()],
        flow: FlowKind::Autoregressive(NumberMap::Spline(spline)),
        layers,
        order: config.order,
        network: config.network.clone(),
        context: Some(vec![Plan::new(config).width().saturating_add(config.condition_width())]),
        ..NormalizingFlowConfig::default()
    })
}

/// The centre and half of the width of the box that each number of a column is in, `[rows, 2]`, and what networks read
/// of its cell.
fn look_up(cells: &FeatureCells, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let device = x.device();
    let ends = cells.ends();
    let count = cells.count();
    let row = |values: Vec<f64>| {
        let values: Vec<f32> = values.into_iter().map(|v| v as f32).collect();
        Tensor::<2>::from_data(TensorData::new(values, [1, count]), &device)
    };
    let inner = &ends[1..count];
    let from = row([&[f64::NEG_INFINITY], inner].concat());
    let to = row([inner, &[f64::INFINITY]].concat());
    let rows = x.dims()[0];
    let x = x.expand([rows, count]);
    let is = x.clone().greater_equal(from).float() * x.lower(to).float();
    let table = |columns: Vec<f64>, width: usize| {
        let columns: Vec<f32> = columns.into_iter().map(|v| v as f32).collect();
        Tensor::<2>::from_data(TensorData::new(columns, [count, width]), &device)
    };
    let boxes = ends.windows(2).flat_map(|w| [0.5 * (w[0] + w[1]), 0.5 * (w[1] - w[0])]);
    let own_box = is.clone().matmul(table(boxes.collect(), 2));
    let own = match count <= INDICATORS {
        true => is,
        false => {
            let bounds = [&[0.0], cells.edges.as_slice(), &[1.0]].concat();
            let middle = bounds.windows(2).map(|w| normal_quantile(0.5 * (w[0] + w[1])));
            is.matmul(table(middle.collect(), 1))
        }
    };
    (own_box, own)
}

#[cfg(test)]
mod tests {
    use burn::module::{ModuleMapper, Param};
    use pyrogen_core::Seed;
    use pyrogen_testkit::{device, host};

    use super::*;

    /// Weights with normal noise.
    struct Loud(Noise);

    impl ModuleMapper for Loud {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|old| old.clone() + self.0.normal(old.dims(), &old.device()) * 0.2)
        }
    }

    /// Two categories, a number, an angle, and a hundred categories.
    fn config() -> NormalizingFlowConfig {
        let many = (1..100).map(|k| f64::from(k * k) / 1e4).collect();
        NormalizingFlowConfig {
            event: vec![4],
            circular: vec![2],
            dequantisation: Dequantisation::Variational { layers: 2 },
            cells: vec![
                FeatureCells { feature: 0, edges: vec![0.3] },
                FeatureCells { feature: 3, edges: many },
            ],
            ..NormalizingFlowConfig::default()
        }
    }

    #[test]
    fn numbers_keep_to_their_cells_and_ends_stay() {
        let config = config();
        let map = WithinCells::new(&config, &mut Noise::new(Seed(1)), &device()).unwrap();
        let map = map.map(&mut Loud(Noise::new(Seed(2))));
        let x = Noise::new(Seed(3)).normal::<2>([3000, 4], &device());
        let (y, log_det) = map.apply(x.clone(), None, false);
        let (again, back) = map.apply(y.clone(), None, true);
        let cell =
            |z: f64, edges: &[f64]| edges.iter().filter(|&&p| z >= normal_quantile(p)).count();
        let [x, y, again] = [x, y, again].map(host);
        let mut moved = 0;
        for ((x, y), again) in x.chunks(4).zip(y.chunks(4)).zip(again.chunks(4)) {
            assert_eq!(x[1..3], y[1..3]);
            for cells in &config.cells {
                let (x, y, again) = (x[cells.feature], y[cells.feature], again[cells.feature]);
                assert_eq!(cell(x, &cells.edges), cell(y, &cells.edges), "{x} {y}");
                assert!((x - again).abs() < 1e-4, "{x} {again}");
                moved += usize::from((x - y).abs() > 1e-3);
            }
        }
        assert!(moved > 3000, "{moved}");
        let sum = host((log_det.clone() + back).abs().max())[0];
        assert!(sum < 1e-3 && host(log_det.abs().max())[0] > 0.1, "{sum}");

        // The ends of cells, and numbers beyond every draw.
        let ends = config.cells[0].ends();
        let edge = ends[1] as f32;
        let rows = [[ends[0] as f32, 0.3, 1.0, -40.0], [edge, 0.3, 1.0, 40.0]];
        let x = Tensor::<2>::from_floats(rows, &device());
        let (y, log_det) = map.apply(x.clone(), None, false);
        let worst = host((y - x).abs().max())[0];
        assert!(worst < 1e-5, "{worst}");
        assert!(host(log_det).iter().all(|v| v.is_finite()));
    }

    #[test]
    fn cells_that_are_none_are_said() {
        let with = |cells: Vec<FeatureCells>| {
            let config = NormalizingFlowConfig { cells, ..config() };
            config.validate().unwrap_err().to_string()
        };
        let of = |feature: usize, edges: &[f64]| FeatureCells { feature, edges: edges.to_vec() };
        assert!(with(vec![of(0, &[])]).contains("cells.edges"));
        assert!(with(vec![of(0, &[0.5, 0.2])]).contains("ascending"));
        assert!(with(vec![of(0, &[1.0])]).contains("below 1"));
        assert!(with(vec![of(2, &[0.5])]).contains("no angles"));
        assert!(with(vec![of(4, &[0.5])]).contains("below 4"));
        assert!(with(vec![of(1, &[0.5]), of(0, &[0.5])]).contains("ascending features"));
        let dequantisation = Dequantisation::Variational { layers: 0 };
        let config = NormalizingFlowConfig { dequantisation, ..config() };
        assert!(config.validate().is_err());
    }
}
