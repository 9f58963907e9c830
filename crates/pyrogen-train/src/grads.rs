//! Gradients of all parameters together: sums, norms, scaling.
//!
//! Everything visits the parameters in the model's order, so that a result depends on the model
//! and not on timing.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Adds `weight * new` to `sum`; parameters without a gradient are left out.
pub fn add_scaled<M: Module>(
    model: &M,
    sum: &mut GradientsParams,
    new: GradientsParams,
    weight: f64,
) {
    struct Add<'a> {
        sum: &'a mut GradientsParams,
        new: GradientsParams,
        weight: f64,
    }
    impl ModuleVisitor for Add<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let Some(new) = self.new.remove::<D>(param.id) else { return };
            let new = if self.weight == 1.0 { new } else { new * self.weight };
            let value = match self.sum.remove::<D>(param.id) {
                Some(old) => old + new,
                None => new,
            };
            self.sum.register(param.id, value);
        }
    }
    model.visit(&mut Add { sum, new, weight });
}

/// The Euclidean norm over all parameters, or the path of the first parameter whose gradient is
/// not finite.
pub fn norm<M: Module>(model: &M, grads: &GradientsParams) -> Result<f64, String> {
    struct Norm<'a> {
        grads: &'a GradientsParams,
        path: Vec<String>,
        sum: f64,
        bad: Option<String>,
    }
    impl ModuleVisitor for Norm<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let Some(grad) = self.grads.get::<D>(param.id) else { return };
            let square = scalar(grad.clone().square().sum());
            // The sum of squares overflows f32 before the gradient does: look at the gradient.
            if square.is_finite() {
                self.sum += square;
            } else if !all_finite(grad.clone()) {
                self.bad.get_or_insert_with(|| self.path.join("."));
            } else {
                let largest = scalar(grad.clone().abs().max());
                self.sum += scalar((grad / largest).square().sum()) * largest * largest;
            }
        }

        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_string());
        }

        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
    }
    let mut visitor = Norm { grads, path: Vec::new(), sum: 0.0, bad: None };
    model.visit(&mut visitor);
    match visitor.bad {
        Some(path) => Err(path),
        None => Ok(visitor.sum.sqrt()),
    }
}

/// Multiplies every gradient.
pub fn scale<M: Module>(model: &M, grads: GradientsParams, factor: f64) -> GradientsParams {
    let mut out = GradientsParams::new();
    add_scaled(model, &mut out, grads, factor);
    out
}

/// The path of the first parameter that is not finite.
pub fn first_bad_parameter<M: Module>(model: &M) -> Option<String> {
    #[derive(Default)]
    struct Find {
        path: Vec<String>,
        bad: Option<String>,
    }
    impl ModuleVisitor for Find {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if self.bad.is_none() && !all_finite(param.val()) {
                self.bad = Some(self.path.join("."));
            }
        }

        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_string());
        }

        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
    }
    let mut visitor = Find::default();
    model.visit(&mut visitor);
    visitor.bad
}

/// Whether no element is NaN or infinite: `x * 0` is 0 for finite numbers and NaN for others, and
/// NaN survives a sum.
fn all_finite<const D: usize>(x: Tensor<D>) -> bool {
    scalar((x * 0.0).sum()) == 0.0
}

/// The value of a tensor of one element.
pub fn scalar(x: Tensor<1>) -> f64 {
    x.into_data().iter::<f64>().next().expect("a tensor of one element")
}
