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
use pyrogen_ops as ops;

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
/// The norm is summed in f64, in an order that does not depend on the number of threads; on a device
/// other than the CPU squares are summed there, in f32.
pub fn combine<M: Module>(
    model: &M,
    parts: Vec<GradientsParams>,
    weights: &[f64],
) -> Result<(GradientsParams, f64), String> {
    let (grads, sums) = gather(model, parts, weights);
    let (squares, _) = sums.read(Vec::new());
    let norm = squares.norm(model, &grads)?;
    Ok((grads, norm))
}

/// The weighted sum of the parts' gradients, with sums of squares that the device may still be
/// computing.
///
/// # Panics
/// If there is not one weight a part.
pub(crate) fn gather<M: Module>(
    model: &M,
    parts: Vec<GradientsParams>,
    weights: &[f64],
) -> (GradientsParams, Sums) {
    struct Gather<'a> {
        parts: Vec<GradientsParams>,
        weights: &'a [f64],
        out: GradientsParams,
        path: Vec<String>,
        sums: Sums,
    }
    impl ModuleVisitor for Gather<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let parts = self.parts.iter_mut().zip(self.weights);
            let (grads, weights): (Vec<Tensor<D>>, Vec<f64>) =
                parts.filter_map(|(p, &w)| Some((p.remove::<D>(param.id)?, w))).unzip();
            let Some((grad, sum)) = weighted_sum(grads, &weights) else { return };
            match (sum, self.sums.coming.take()) {
                (Ok(sum), before) => {
                    self.sums.known.push((self.path.join("."), sum));
                    self.sums.coming = before;
                }
                (Err(sum), None) => self.sums.coming = Some(sum),
                (Err(sum), Some(before)) => self.sums.coming = Some(before + sum),
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
    assert_eq!(parts.len(), weights.len(), "gradients::gather: one weight a part");
    let out = GradientsParams::new();
    let sums = Sums::default();
    let mut visitor = Gather { parts, weights, out, path: Vec::new(), sums };
    model.visit(&mut visitor);
    (visitor.out, visitor.sums)
}

/// The sums of squares of gradients.
#[derive(Default)]
pub(crate) struct Sums {
    /// Of each parameter, by its path, where the CPU computes.
    known: Vec<(String, f64)>,
    /// Of all other parameters together, one element, which a device may still be computing.
    coming: Option<Tensor<1>>,
}

impl Sums {
    /// Whether reading them waits for no device.
    pub fn known(&self) -> bool {
        self.coming.is_none()
    }

    /// Brings them to the host, and some numbers more: all in one transfer, since each waits for the
    /// device.
    pub fn read(self, more: Vec<Tensor<1>>) -> (Squares, Vec<f64>) {
        let parts: Vec<Tensor<1>> = more.into_iter().chain(self.coming.clone()).collect();
        let mut read = if parts.is_empty() { Vec::new() } else { numbers(Tensor::cat(parts, 0)) };
        let rest = self.coming.and_then(|_| read.pop()).unwrap_or(0.0);
        (Squares { known: self.known, rest }, read)
    }
}

/// The sums of squares on the host.
pub(crate) struct Squares {
    known: Vec<(String, f64)>,
    rest: f64,
}

impl Squares {
    /// The norm over all parameters, from the gradients where squares overflow f32.
    ///
    /// # Errors
    /// The path of the first parameter whose gradient is not finite.
    pub fn norm<M: Module>(&self, model: &M, grads: &GradientsParams) -> Result<f64, String> {
        if self.rest.is_finite() {
            return self.root();
        }
        Self { known: again(model, grads), rest: 0.0 }.root()
    }

    /// The norm where the gradients are spent. A sum that overflowed while the updated model is
    /// finite came from a finite gradient, and counts as the largest that fits.
    ///
    /// # Errors
    /// The path of the first parameter whose gradient is not finite.
    pub fn norm_after<M: Module>(&self, updated: &M) -> Result<f64, String> {
        if self.rest.is_finite() {
            return self.root();
        }
        match first_bad_parameter(updated) {
            Some(path) => Err(path),
            None if self.rest.is_nan() => Err(String::from("not known")),
            None => Ok(f64::from(f32::MAX).sqrt()),
        }
    }

    fn root(&self) -> Result<f64, String> {
        match self.known.iter().find(|(_, sum)| !sum.is_finite()) {
            Some((path, _)) => Err(path.clone()),
            None => Ok((self.known.iter().map(|(_, sum)| sum).sum::<f64>() + self.rest).sqrt()),
        }
    }
}

/// The sums of squares once more, of gradients whose squares may overflow f32.
fn again<M: Module>(model: &M, grads: &GradientsParams) -> Vec<(String, f64)> {
    struct Again<'a> {
        grads: &'a GradientsParams,
        path: Vec<String>,
        found: Vec<(String, f64)>,
    }
    impl ModuleVisitor for Again<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(grad) = self.grads.get::<D>(param.id) {
                self.found.push((self.path.join("."), squares(&grad)));
            }
        }

        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_string());
        }

        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
    }
    let mut visitor = Again { grads, path: Vec::new(), found: Vec::new() };
    model.visit(&mut visitor);
    visitor.found
}

/// The weighted sum and the sum of its squares: on the host where the CPU computes, else one element
/// on the device, which overflows where squares do.
#[allow(clippy::type_complexity)] // said once
fn weighted_sum<const D: usize>(
    grads: Vec<Tensor<D>>,
    weights: &[f64],
) -> Option<(Tensor<D>, Result<f64, Tensor<1>>)> {
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
            Some((sum.into_tensor(), Ok(squares)))
        }
        Err(first) => {
            let first = if weights[0] == 1.0 { first } else { first * weights[0] };
            let sum = grads.zip(&weights[1..]).fold(first, |sum, (g, &w)| sum + g * w);
            let squares = ops::sum(sum.clone().square());
            Some((sum, Err(squares)))
        }
    }
}

/// The sum of squares by tensor operations; not finite where an element is not.
fn squares<const D: usize>(grad: &Tensor<D>) -> f64 {
    let square = scalar(ops::sum(grad.clone().square()));
    if square.is_finite() || !all_finite(grad.clone()) {
        return square;
    }
    // The squares overflow f32, and the gradient does not.
    let largest = scalar(grad.clone().abs().max());
    scalar(ops::sum((grad.clone() / largest).square())) * largest * largest
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
    if wrong(model).is_none_or(|wrong| scalar(wrong) == 0.0) {
        return None;
    }
    let mut visitor = Find::default();
    model.visit(&mut visitor);
    visitor.bad
}

/// The number of elements of all parameters that are not finite: one number to read.
fn wrong<M: Module>(model: &M) -> Option<Tensor<1>> {
    struct Wrong(Option<Tensor<1>>);
    impl ModuleVisitor for Wrong {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let count = not_finite(param.val());
            self.0 = Some(match self.0.take() {
                Some(before) => before + count,
                None => count,
            });
        }
    }
    let mut visitor = Wrong(None);
    model.visit(&mut visitor);
    visitor.0
}

/// The number of elements that are NaN or infinite.
fn not_finite<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let x = if x.device().is_autodiff() { x.inner() } else { x };
    x.is_finite().bool_not().float().sum()
}

/// Whether no element is NaN or infinite.
fn all_finite<const D: usize>(x: Tensor<D>) -> bool {
    scalar(not_finite(x)) == 0.0
}

/// The value of a tensor of one element.
pub(crate) fn scalar(x: Tensor<1>) -> f64 {
    numbers(x)[0]
}

fn numbers(x: Tensor<1>) -> Vec<f64> {
    x.into_data().iter::<f64>().collect()
}
