//! The maps of the features of a layer, on the line and on circles.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use pyrogen_core::bijection::Bijection;

use crate::numbers::Numbers;
use crate::{NormalizingFlowConfig, NumberMap, SplineConfig};

/// The map of each feature of a layer: the same for all, or splines on the line and on circles.
#[derive(Debug, Clone)]
pub(crate) struct FeatureMaps {
    map: NumberMap,
    /// Which features are angles, in the order of the layer; empty where all have the same map.
    circles: Vec<bool>,
    /// The circles' map.
    circle: NumberMap,
}

impl FeatureMaps {
    /// The maps of features of which these are angles.
    pub fn new(map: NumberMap, circles: Vec<bool>) -> Self {
        match map {
            NumberMap::Spline(SplineConfig { bins, .. }) if circles.contains(&true) => {
                Self { map, circles, circle: NumberMap::Circular { bins } }
            }
            _ => Self { map, circles: Vec::new(), circle: map },
        }
    }

    /// The same for counting parameters: without a list of all features, of which there may be too many.
    pub fn sized(map: NumberMap, config: &NormalizingFlowConfig) -> Self {
        Self::new(map, vec![!config.circular.is_empty()])
    }

    fn is_mixed(&self) -> bool {
        !self.circles.is_empty()
    }

    /// Parameters of one feature's map.
    pub fn parameters(&self) -> usize {
        self.circle.parameters()
    }

    /// Numbers that a network reads of one feature.
    pub fn inputs(&self) -> usize {
        self.circle.inputs()
    }

    /// What a network reads of the features from `first` on: themselves, or first and second numbers of all,
    /// which are the cosine and the sine of an angle, and the number and 0 otherwise.
    pub fn embed(&self, x: Tensor<2>, first: usize) -> Tensor<2> {
        if !self.is_mixed() {
            return self.map.embed(x);
        }
        let circles = self.mask(first, x.dims(), &x.device());
        let one = x.clone().mask_where(circles.clone(), x.clone().cos());
        let two = x.zeros_like().mask_where(circles, x.sin());
        Tensor::cat(vec![one, two], 1)
    }

    /// The maps of the features from `first` on, of these parameters, `[batch, features, parameters]`.
    pub fn at(&self, parameters: Tensor<3>, first: usize) -> Maps {
        if !self.is_mixed() {
            return Maps::Same(Box::new(self.map.at(parameters)));
        }
        let [rows, n, _] = parameters.dims();
        let circles = &self.circles[first..first + n];
        let line =
            |parameters: Tensor<3>| self.map.at(parameters.narrow(2, 0, self.map.parameters()));
        match (circles.contains(&true), circles.contains(&false)) {
            (false, _) => Maps::Same(Box::new(line(parameters))),
            (_, false) => Maps::Same(Box::new(self.circle.at(parameters))),
            _ => {
                let circles = self.mask(first, [rows, n], &parameters.device());
                let circle = self.circle.at(parameters.clone());
                Maps::Mixed(Box::new(Mixed { line: line(parameters), circle, circles }))
            }
        }
    }

    fn mask(&self, first: usize, [rows, n]: [usize; 2], device: &Device) -> Tensor<2, Bool> {
        let row = self.circles[first..first + n].to_vec();
        Tensor::<2, Bool>::from_data(TensorData::new(row, [1, n]), device).expand([rows, n])
    }
}

/// One map for each number of a batch.
pub(crate) enum Maps {
    Same(Box<Numbers>),
    Mixed(Box<Mixed>),
}

/// Maps of the numbers on a line, and of those on a circle.
pub(crate) struct Mixed {
    line: Numbers,
    circle: Numbers,
    circles: Tensor<2, Bool>,
}

impl Maps {
    fn apply(&self, x: Tensor<2>, inverse: bool) -> (Tensor<2>, Tensor<2>) {
        let map = |numbers: &Numbers, x: Tensor<2>| match inverse {
            true => numbers.inverse(x),
            false => numbers.forward(x),
        };
        match self {
            Self::Same(numbers) => map(numbers, x),
            Self::Mixed(mixed) => {
                let Mixed { line, circle, circles } = &**mixed;
                // Each sees 0 where the other one counts, so that no gradient there can be infinite.
                let own = x.clone().mask_fill(circles.clone(), 0.0);
                let other = x.mask_fill(circles.clone().bool_not(), 0.0);
                let ((y, log_det), (angle, more)) = (map(line, own), map(circle, other));
                (y.mask_where(circles.clone(), angle), log_det.mask_where(circles.clone(), more))
            }
        }
    }
}

impl Bijection<2, 2, 2> for Maps {
    fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        self.apply(x, false)
    }

    fn inverse(&self, y: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        self.apply(y, true)
    }
}
