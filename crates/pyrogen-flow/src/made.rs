//! Networks whose outputs for a feature depend on the features before it alone.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Int, Tensor, TensorData};
use pyrogen_core::Noise;
use pyrogen_core::config::count;
use pyrogen_nn::{Activation, MlpConfig, linear};
use pyrogen_ops::LinearMap;

/// A multilayer perceptron with masked weights: the outputs for a feature are functions of the features
/// before it in the order, and of the condition.
///
/// Each hidden unit has a level: how many features, from the first of the order on, it may depend on. A
/// unit reads units of its own level and below, an output those of its feature's rank and below. The
/// levels follow each other in turn and are stored in rising order, so that the units of a level are one
/// block of columns.
///
/// # References
/// Germain, Gregor, Murray and Larochelle (2015), "MADE: Masked Autoencoder for Distribution Estimation",
/// section 4.
#[derive(Module, Debug)]
pub(crate) struct Made {
    layers: Vec<Linear>,
    #[module(skip)]
    plan: Plan,
}

/// The shape of a [`Made`].
#[derive(Debug, Clone)]
struct Plan {
    /// Numbers that are read of a feature; all first ones come before all second ones.
    inputs: usize,
    /// Numbers of the condition, behind those of the features.
    condition: usize,
    /// Outputs for each feature, side by side.
    outputs: usize,
    /// The features in the order in which they are read.
    order: Vec<usize>,
    /// Which rows and columns of each layer belong together: levels of the rows, then of the columns.
    levels: Vec<[Vec<usize>; 2]>,
    /// The masks of the layers, row-major.
    masks: Vec<Vec<f32>>,
    activation: Activation,
}

/// What a [`Made`] reads and gives.
#[derive(Debug, Clone)]
pub(crate) struct MadeSize {
    /// The features in the order in which they are read.
    pub order: Vec<usize>,
    pub inputs: usize,
    pub condition: usize,
    pub outputs: usize,
}

/// The hidden widths in use: nothing can be read of one feature without a condition.
fn hidden(config: &MlpConfig, features: usize, condition: usize) -> &[usize] {
    if features == 1 && condition == 0 { &[] } else { &config.hidden }
}

impl Plan {
    fn new(config: &MlpConfig, size: MadeSize) -> Self {
        let MadeSize { order, inputs, condition, outputs } = size;
        let features = order.len();
        let mut ranks = vec![0; features];
        order.iter().enumerate().for_each(|(rank, &feature)| ranks[feature] = rank);
        // A feature of rank r may be read from level r + 1 on.
        let read = ranks.iter().map(|r| r + 1);
        let mut rows: Vec<usize> = std::iter::repeat_n(read, inputs).flatten().collect();
        rows.extend(vec![0; condition]);
        let first = usize::from(condition == 0);
        let mut levels = Vec::new();
        for &width in hidden(config, features, condition) {
            let mut units: Vec<usize> =
                (0..width).map(|i| i % (features - first) + first).collect();
            units.sort_unstable();
            levels.push([rows, units.clone()]);
            rows = units;
        }
        let columns = ranks.iter().flat_map(|&r| vec![r; outputs]).collect();
        levels.push([rows, columns]);
        let mask = |[rows, columns]: &[Vec<usize>; 2]| {
            let row = |r: &usize| columns.iter().map(|c| f32::from(u8::from(c >= r))).collect();
            rows.iter().flat_map(|r| -> Vec<f32> { row(r) }).collect()
        };
        let masks = levels.iter().map(mask).collect();
        Self { inputs, condition, outputs, order, levels, masks, activation: config.activation }
    }
}

impl Made {
    /// With initial weights from the noise.
    pub fn new(config: &MlpConfig, size: MadeSize, noise: &mut Noise, device: &Device) -> Self {
        let plan = Plan::new(config, size);
        let layer =
            |[rows, columns]: &[Vec<usize>; 2]| linear(rows.len(), columns.len(), noise, device);
        Self { layers: plan.levels.iter().map(layer).collect(), plan }
    }

    /// Number of parameters; `usize::MAX` where it does not fit.
    pub fn num_params(
        config: &MlpConfig,
        features: usize,
        inputs: usize,
        condition: usize,
        outputs: usize,
    ) -> usize {
        let into = count::product(&[features, inputs]).saturating_add(condition);
        let hidden = hidden(config, features, condition).to_vec();
        let config = MlpConfig { hidden, ..config.clone() };
        config.num_params(into, count::product(&[features, outputs]))
    }

    /// The outputs for each feature, from all features.
    ///
    /// # Shapes
    /// `[batch, inputs * features]` and `[batch, condition]` to `[batch, features, outputs]`.
    pub fn forward(&self, x: Tensor<2>, condition: Option<&Tensor<2>>) -> Tensor<3> {
        let x = match condition {
            Some(condition) => Tensor::cat(vec![x, condition.clone()], 1),
            None => x,
        };
        let activation = self.plan.activation;
        let mut maps = (0..self.layers.len()).map(|l| self.masked(l));
        let first = maps.next().expect("at least one layer").apply(x);
        let out = maps.fold(first, |x, map| activation.before(map, x));
        let rows = out.dims()[0];
        out.reshape([rows, self.plan.order.len(), self.plan.outputs])
    }

    /// A layer with its mask.
    fn masked(&self, layer: usize) -> LinearMap<2> {
        let weight = self.layers[layer].weight.val();
        let mask = TensorData::new(self.plan.masks[layer].clone(), weight.dims());
        let mask = Tensor::from_data(mask, &weight.device());
        let bias = self.layers[layer].bias.as_ref().map(|bias| bias.val());
        LinearMap::new(weight * mask, bias)
    }

    /// Feature after feature in their order: its outputs, `[batch, 1, outputs]`, are given to `element`,
    /// which gives what is read of the feature, `[batch, inputs]`. Each unit is computed once, when the
    /// features that it depends on are known, so all steps together cost one call of
    /// [`forward`](Self::forward), without what its masks cut off.
    pub fn in_order(
        &self,
        rows: usize,
        condition: Option<&Tensor<2>>,
        mut element: impl FnMut(usize, Tensor<3>) -> Tensor<2>,
    ) {
        let plan = &self.plan;
        let weights = self.sorted_weights();
        let mut known: Vec<Known> = weights.iter().map(|w| Known::new(w, rows)).collect();
        if let Some(condition) = condition {
            known[0].append(condition.clone().transpose());
        }
        let last = weights.len() - 1;
        for (rank, &feature) in plan.order.iter().enumerate() {
            for layer in 0..last {
                let columns = block(&plan.levels[layer][1], rank);
                if !columns.is_empty() {
                    let units = known[layer].product(&weights[layer], columns);
                    known[layer + 1].append(plan.activation.forward(units));
                }
            }
            let columns = feature * plan.outputs..(feature + 1) * plan.outputs;
            let out = known[last].product(&weights[last], columns).transpose();
            let read = element(feature, out.reshape([rows, 1, plan.outputs]));
            known[0].append(read.transpose());
        }
    }

    /// Each layer's bias and transposed weight side by side, `[outputs, 1 + inputs]`, with the inputs of
    /// the first one in the order in which they become known.
    fn sorted_weights(&self) -> Vec<Tensor<2>> {
        let plan = &self.plan;
        let mut weights: Vec<_> = self.layers.iter().map(|layer| layer.weight.val()).collect();
        let features = plan.order.len();
        let condition = (0..plan.condition).map(|i| plan.inputs * features + i);
        let reads = plan.order.iter().flat_map(|f| (0..plan.inputs).map(move |j| j * features + f));
        let rows: Vec<i32> = condition.chain(reads).map(|row| row as i32).collect();
        let device = weights[0].device();
        let rows = Tensor::<1, Int>::from_data(rows.as_slice(), &device);
        weights[0] = weights[0].clone().select(0, rows);
        let bias = |layer: &Linear| layer.bias.as_ref().expect("layers have biases").val();
        let with_bias = |(layer, weight): (&Linear, Tensor<2>)| {
            Tensor::cat(vec![bias(layer).unsqueeze_dim(1), weight.transpose()], 1)
        };
        self.layers.iter().zip(weights).map(with_bias).collect()
    }
}

/// What is known of a layer's inputs, `[1 + inputs, batch]`: ones, then inputs in the order of their
/// levels. With a row an input nothing moves when the next one comes.
struct Known {
    values: Tensor<2>,
    count: usize,
}

impl Known {
    fn new(weight: &Tensor<2>, rows: usize) -> Self {
        let device = weight.device();
        let ones = Tensor::ones([1, rows], &device);
        // Gradients keep each state, so that writing into one of them would copy all of it.
        let values = if device.is_autodiff() {
            ones
        } else {
            Tensor::zeros([weight.dims()[1], rows], &device).slice_assign([0..1, 0..rows], ones)
        };
        Self { values, count: 1 }
    }

    fn append(&mut self, more: Tensor<2>) {
        let [count, rows] = more.dims();
        let to = self.count + count;
        // Nobody else holds the values now, so that they are written to where they are.
        let values = std::mem::replace(&mut self.values, more.clone());
        self.values = if values.dims()[0] == self.count {
            Tensor::cat(vec![values, more], 0)
        } else {
            values.slice_assign([self.count..to, 0..rows], more)
        };
        self.count = to;
    }

    /// Some outputs of a layer, `[outputs, batch]`; they may read all that is known.
    fn product(&self, weight: &Tensor<2>, outputs: std::ops::Range<usize>) -> Tensor<2> {
        let known = self.values.clone().narrow(0, 0, self.count);
        weight.clone().slice([outputs, 0..self.count]).matmul(known)
    }
}

/// Where a level is in a sorted list.
fn block(levels: &[usize], level: usize) -> std::ops::Range<usize> {
    levels.partition_point(|&l| l < level)..levels.partition_point(|&l| l <= level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_core::Seed;
    use pyrogen_testkit::{device, host};

    fn made(order: Vec<usize>, condition: usize) -> Made {
        let config = MlpConfig { hidden: vec![7, 9], activation: Activation::Tanh };
        let size = MadeSize { order, inputs: 1, condition, outputs: 2 };
        Made::new(&config, size, &mut Noise::new(Seed(1)), &device())
    }

    /// By changing one number after another, not by the masks.
    #[test]
    fn outputs_depend_on_the_features_before_them_and_on_the_condition() {
        let order = vec![2, 0, 3, 1];
        for condition in [0, 2] {
            let network = made(order.clone(), condition);
            let x = Noise::new(Seed(2)).normal::<2>([1, 4 + condition], &device());
            let out = |x: Tensor<2>| {
                let given = (condition > 0).then(|| x.clone().narrow(1, 4, condition));
                host(network.forward(x.narrow(1, 0, 4), given.as_ref()))
            };
            let base = out(x.clone());
            for j in 0..4 + condition {
                let bump = Tensor::<2>::ones([1, 1], &device());
                let at = x.clone().narrow(1, j, 1) + bump;
                let moved = out(x.clone().slice_assign([0..1, j..j + 1], at));
                for (rank, &feature) in order.iter().enumerate() {
                    let before = j >= 4 || order[..rank].contains(&j);
                    let differs = (0..2).any(|k| base[2 * feature + k] != moved[2 * feature + k]);
                    assert_eq!(differs, before, "output {feature} by input {j}");
                }
            }
        }
    }

    #[test]
    fn feature_after_feature_gives_what_the_whole_network_gives() {
        for (order, condition) in
            [(vec![1, 2, 0], 0), (vec![0, 1, 2], 2), (vec![0], 0), (vec![0], 1)]
        {
            let features = order.len();
            let network = made(order, condition);
            let mut noise = Noise::new(Seed(3));
            let x = noise.normal::<2>([5, features], &device());
            let given = (condition > 0).then(|| noise.normal::<2>([5, condition], &device()));
            let whole = network.forward(x.clone(), given.as_ref());
            let mut seen = 0;
            network.in_order(5, given.as_ref(), |feature, out| {
                let expected = whole.clone().narrow(1, feature, 1);
                // Sums of a few numbers in another order.
                assert!((out - expected).abs().max().into_scalar::<f32>() < 1e-6);
                seen += 1;
                x.clone().narrow(1, feature, 1)
            });
            assert_eq!(seen, features);
        }
    }
}
