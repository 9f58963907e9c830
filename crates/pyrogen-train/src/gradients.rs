//! Gradients of all parameters together, for learners of one's own: sums, norms, scaling.
//!
//! Each is one pass over memory where the CPU computes, and tensor operations elsewhere.
//!
//! Everything visits the parameters in the model's order, so that a result depends on the model
//! and not on timing.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use pyrogen_core::NumericalError;

use crate::passes;
use crate::values::Values;

/// The weighted sum of the parts' gradients, added in the parts' order, and its Euclidean norm over
/// all parameters; or the path of the first parameter whose gradient is not finite.
///
/// Parameters without a gradient are left out.
///
/// # Errors
/// The path of the first parameter whose gradient is not finite.
///
/// # Panics
/// If there is not one weight a part.
///
/// # Numerics
/// The norm is summed in f64, in an order that does not depend on the number of threads.
pub fn combine<M: Module>(
    model: &M,
    parts: Vec<GradientsParams>,
    weights: &[f64],
) -> Result<(GradientsParams, f64), String> {
    struct Combine<'a> {
        parts: Vec<GradientsParams>,
        weights: &'a [f64],
        out: GradientsParams,
        path: Vec<String>,
        sum: f64,
        bad: Option<String>,
    }
    impl ModuleVisitor for Combine<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let parts = self.parts.iter_mut().zip(self.weights);
            let (grads, weights): (Vec<Tensor<D>>, Vec<f64>) =
                parts.filter_map(|(p, &w)| Some((p.remove::<D>(param.id)?, w))).unzip();
            let Some((grad, squares)) = weighted_sum(grads, &weights) else { return };
            if squares.is_finite() {
                self.sum += squares;
            } else {
                self.bad.get_or_insert_with(|| self.path.join("."));
            }
            self.out.register(param.id, grad);
        }

        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_string());
        }

        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
    }
    assert_eq!(parts.len(), weights.len(), "gradients::combine: one weight a part");
    let mut visitor = Combine {
        parts,
        weights,
        out: GradientsParams::new(),
        path: Vec::new(),
        sum: 0.0,
        bad: None,
    };
    model.visit(&mut visitor);
    match visitor.bad {
        Some(path) => Err(path),
        None => Ok((visitor.out, visitor.sum.sqrt())),
    }
}

/// The weighted sum and the sum of its squares, which is finite where all of it is.
fn weighted_sum<const D: usize>(
    grads: Vec<Tensor<D>>,
    weights: &[f64],
) -> Option<(Tensor<D>, f64)> {
    let mut grads = grads.into_iter();
    match Values::of(grads.next()?) {
        Ok(mut sum) => {
            let others: Vec<Values> =
                grads.map(|g| Values::of(g).expect("parts on one device, of one type")).collect();
            let weights: Vec<f32> = weights.iter().map(|&w| w as f32).collect();
            let squares = if others.is_empty() && weights[0] == 1.0 {
                passes::sum_of_squares(sum.slice())
            } else {
                let others: Vec<&[f32]> = others.iter().map(Values::slice).collect();
                passes::combine(sum.slice_mut(), &others, &weights)
            };
            Some((sum.into_tensor(), squares))
        }
        Err(first) => {
            let first = if weights[0] == 1.0 { first } else { first * weights[0] };
            let sum = grads.zip(&weights[1..]).fold(first, |sum, (g, &w)| sum + g * w);
            let squares = squares(&sum);
            Some((sum, squares))
        }
    }
}

/// The sum of squares by tensor operations; not finite where an element is not.
fn squares<const D: usize>(grad: &Tensor<D>) -> f64 {
    let square = scalar(grad.clone().square().sum());
    if square.is_finite() || !all_finite(grad.clone()) {
        return square;
    }
    // The squares overflow f32, and the gradient does not.
    let largest = scalar(grad.clone().abs().max());
    scalar((grad.clone() / largest).square().sum()) * largest * largest
}

/// Multiplies every gradient.
pub fn scale<M: Module>(model: &M, grads: GradientsParams, factor: f64) -> GradientsParams {
    struct Scale {
        old: GradientsParams,
        new: GradientsParams,
        factor: f64,
    }
    impl ModuleVisitor for Scale {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let Some(grad) = self.old.remove::<D>(param.id) else { return };
            let grad = match Values::of(grad) {
                Ok(mut values) => {
                    passes::scale(values.slice_mut(), self.factor as f32);
                    values.into_tensor()
                }
                Err(grad) => grad * self.factor,
            };
            self.new.register(param.id, grad);
        }
    }
    let mut visitor = Scale { old: grads, new: GradientsParams::new(), factor };
    model.visit(&mut visitor);
    visitor.new
}

/// Checks that all parameters are finite.
pub(crate) fn check_parameters<M: Module>(model: &M, step: u64) -> Result<(), NumericalError> {
    match first_bad_parameter(model) {
        None => Ok(()),
        Some(parameter) => {
            Err(NumericalError::Parameter { step, parameter, terms: String::from("not known") })
        }
    }
}

/// The path of the first parameter that is not finite.
fn first_bad_parameter<M: Module>(model: &M) -> Option<String> {
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
pub(crate) fn scalar(x: Tensor<1>) -> f64 {
    x.into_data().iter::<f64>().next().expect("a tensor of one element")
}
