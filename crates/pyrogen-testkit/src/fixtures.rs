//! Fixtures: arrays by parameter name, put into a module and compared with its gradients.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use serde::Deserialize;

/// An array of a fixture.
#[derive(Debug, Clone, Deserialize)]
pub struct Array {
    /// Its axes.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

impl Array {
    /// As a tensor on a device.
    pub fn tensor<const D: usize>(&self, device: &Device) -> Tensor<D> {
        Tensor::from_data(TensorData::new(self.values.clone(), self.shape.clone()), device)
    }

    /// Compares a tensor with this array; `what` is named on failure.
    ///
    /// # Panics
    /// Where a value is further than `tolerance * max(1, |expected|)` from this array's.
    pub fn assert_close<const D: usize>(&self, got: Tensor<D>, tolerance: f64, what: &str) {
        assert_eq!(got.dims().to_vec(), self.shape, "{what}");
        let got = got.into_data().try_to_vec::<f32>().unwrap();
        for (i, (&g, &e)) in got.iter().zip(&self.values).enumerate() {
            let error = (f64::from(g) - f64::from(e)).abs() / f64::from(e).abs().max(1.0);
            assert!(error <= tolerance, "{what}[{i}]: got {g}, expected {e}");
        }
    }
}

/// Arrays by parameter name.
pub type Arrays = BTreeMap<String, Array>;

/// The path without the names of enum variants, which are capitalised.
fn join(path: &[String]) -> String {
    let lower = |p: &&String| p.starts_with(|c: char| c.is_lowercase() || c.is_ascii_digit());
    path.iter().filter(lower).cloned().collect::<Vec<_>>().join(".")
}

/// The module with every parameter replaced by the array of its name.
///
/// # Panics
/// If names or shapes differ.
pub fn with_weights<M: Module>(module: M, arrays: &Arrays) -> M {
    struct Fill<'a>(&'a Arrays, Vec<String>, usize);
    impl ModuleMapper for Fill<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.1.push(name.to_string());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.1.pop();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let name = join(&self.1);
            let array = self.0.get(&name).unwrap_or_else(|| panic!("no array for {name}"));
            assert_eq!(param.val().dims().to_vec(), array.shape, "{name}");
            self.2 += 1;
            // What no gradient changes stays so.
            param.map(|old| array.tensor(&old.device()).set_require_grad(old.is_require_grad()))
        }
    }
    let mut fill = Fill(arrays, Vec::new(), 0);
    let module = module.map(&mut fill);
    assert_eq!(fill.2, arrays.len(), "every array of the fixture has a parameter");
    module
}

/// The gradient of every parameter, by name. Running states, which have none, are left out.
///
/// # Panics
/// If a parameter has none.
pub fn gradients<M: Module>(module: &M, grads: &Gradients) -> Arrays {
    struct Collect<'a>(&'a Gradients, Vec<String>, Arrays);
    impl ModuleVisitor for Collect<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.1.push(name.to_string());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.1.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if !param.val().is_require_grad() {
                return;
            }
            let name = join(&self.1);
            let grad = param.val().grad(self.0);
            let grad = grad.unwrap_or_else(|| panic!("no gradient for {name}"));
            let shape = grad.dims().to_vec();
            self.2.insert(name, Array { shape, values: grad.into_data().try_to_vec().unwrap() });
        }
    }
    let mut collect = Collect(grads, Vec::new(), Arrays::new());
    module.visit(&mut collect);
    collect.2
}

/// Every float tensor of a module, running states among them, by name.
pub fn values<M: Module>(module: &M) -> Arrays {
    struct Collect(Vec<String>, Arrays);
    impl ModuleVisitor for Collect {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.push(name.to_string());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val();
            let shape = value.dims().to_vec();
            let values = value.into_data().try_to_vec().unwrap();
            self.1.insert(join(&self.0), Array { shape, values });
        }
    }
    let mut collect = Collect(Vec::new(), Arrays::new());
    module.visit(&mut collect);
    collect.1
}

/// Compares arrays by name.
///
/// # Panics
/// If names, shapes or values differ.
pub fn assert_all_close(expected: &Arrays, got: &Arrays, tolerance: f64, device: &Device) {
    assert_eq!(got.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, array) in expected {
        let flat = Array { shape: vec![got[name].values.len()], ..got[name].clone() };
        let array_flat = Array { shape: vec![array.values.len()], ..array.clone() };
        assert_eq!(got[name].shape, array.shape, "{name}");
        array_flat.assert_close::<1>(flat.tensor(device), tolerance, name);
    }
}
