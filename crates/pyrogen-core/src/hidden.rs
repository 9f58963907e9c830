//! The matrices in the middle of a network.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// A parameter that maps features of a network to features: what Muon is for. Embeddings and the layer
/// that makes the output are not among them, nor are vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiddenMatrix {
    /// Where it is in the module: `blocks.0.qkv.weight`. It has the shape `[d_in, d_out]`.
    pub path: String,
    /// Columns of the matrices that lie side by side in it, as those of queries, keys and values do;
    /// empty for one matrix.
    pub parts: Vec<usize>,
}

impl HiddenMatrix {
    /// All parameters of two axes of a module, in its order, but for the first and the last, which meet
    /// the data in most networks. A module of which that is not true says so in
    /// [`Objective::hidden_matrices`](crate::Objective::hidden_matrices).
    pub fn inner<M: Module>(module: &M) -> Vec<Self> {
        let mut all = Self::select(module, |_, _| Some(Vec::new()));
        all.pop();
        all.drain(..all.len().min(1));
        all
    }

    /// The parameters of two axes that `parts` gives parts of, from a parameter's path and its shape.
    pub fn select<M: Module>(
        module: &M,
        parts: impl FnMut(&str, [usize; 2]) -> Option<Vec<usize>>,
    ) -> Vec<Self> {
        let mut visitor = Select { parts, path: Vec::new(), found: Vec::new() };
        module.visit(&mut visitor);
        visitor.found
    }

    /// The same in a module that holds this one under a name.
    pub fn within(self, name: &str) -> Self {
        Self { path: format!("{name}.{}", self.path), ..self }
    }
}

struct Select<F> {
    parts: F,
    path: Vec<String>,
    found: Vec<HiddenMatrix>,
}

impl<F: FnMut(&str, [usize; 2]) -> Option<Vec<usize>>> ModuleVisitor for Select<F> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if D != 2 {
            return;
        }
        let (path, shape) = (self.path.join("."), param.shape());
        if let Some(parts) = (self.parts)(&path, [shape[0], shape[1]]) {
            self.found.push(HiddenMatrix { path, parts });
        }
    }

    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_testkit::device;

    #[derive(Module, Debug)]
    struct Layer {
        weight: Param<Tensor<2>>,
        bias: Param<Tensor<1>>,
    }

    #[derive(Module, Debug)]
    struct Net {
        layers: Vec<Layer>,
    }

    fn net(layers: usize) -> Net {
        let layer = |i: usize| Layer {
            weight: Param::from_tensor(Tensor::ones([2 + i, 3 + i], &device())),
            bias: Param::from_tensor(Tensor::ones([3 + i], &device())),
        };
        Net { layers: (0..layers).map(layer).collect() }
    }

    #[test]
    fn the_first_and_the_last_matrix_meet_the_data() {
        let paths =
            |n: usize| HiddenMatrix::inner(&net(n)).into_iter().map(|m| m.path).collect::<Vec<_>>();
        assert_eq!(paths(4), ["layers.1.weight", "layers.2.weight"]);
        (0..3).for_each(|n| assert!(paths(n).is_empty(), "{n}"));
    }

    #[test]
    fn a_module_names_its_own() {
        let found = HiddenMatrix::select(&net(3), |path, [_, columns]| {
            (!path.contains(".1.")).then(|| vec![columns - 1, 1])
        });
        let expected = [("layers.0.weight", vec![2, 1]), ("layers.2.weight", vec![4, 1])]
            .map(|(path, parts)| HiddenMatrix { path: path.into(), parts });
        assert_eq!(found, expected);
        assert_eq!(found[0].clone().within("network").path, "network.layers.0.weight");
    }
}
