//! What is true of every distribution of numbers: each method is one property.

use burn::tensor::{DType, Tensor};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::case::{Case, Subject};
use crate::table::{F32, F64, Tolerance, assert_close, both, column, host, leaf, single};

/// A derivative is a sum of terms of the size of a logarithm or of `x / scale`, which may cancel.
const SLOPES_F64: Tolerance = F64.relative(1e-9).absolute(1e-11);
fn slopes_in_single() -> Tolerance {
    let t = single();
    t.absolute(t.absolute.max(1e-6))
}

/// Tensor operations in double precision, as on other devices: the same formulas without the fused host
/// functions' care for `exp(x) - 1`.
const TENSORS: Tolerance = F64.relative(1e-9).absolute(1e-11);

/// Parameters that any finite number is good for.
const FREE: [&str; 5] = ["loc", "mean", "logits", "low", "high"];

impl Case {
    /// What every distribution is put through.
    pub fn always(&self) {
        self.density();
        self.tensor_operations();
        self.nothing_is_nan();
        self.domain();
        self.shapes();
        self.rows();
    }

    /// The log-density and its gradients are those of the fixture, in both precisions; without a graph the
    /// values are the same.
    fn density(&self) {
        for (dtype, tolerance) in both() {
            let slopes = if dtype == DType::F64 { SLOPES_F64 } else { slopes_in_single() };
            let (p, parameters) = self.tracked(&self.columns(), dtype);
            let value = leaf(&self.table.values("x"), dtype);
            let log_prob = p.log_prob(value.clone());
            self.table.check("log_prob", log_prob.clone(), tolerance);
            let grads = log_prob.sum().backward();
            for (name, x) in self.names.iter().zip(&parameters).chain([(&"value", &value)]) {
                let key = format!("d_{name}");
                if self.table.has(&key) {
                    self.table.check(&key, x.grad(&grads).expect("a gradient"), slopes);
                }
            }
            let plain = self.of(&self.columns(), dtype);
            let again = plain.log_prob(column(&self.table.values("x"), dtype));
            self.table.check("log_prob", again, tolerance);
        }
    }

    /// The same by tensor operations, as on other devices.
    fn tensor_operations(&self) {
        let (p, parameters) = self.tracked(&self.columns(), DType::F64);
        let value = leaf(&self.table.values("x"), DType::F64);
        let log_prob = pyrogen_core::in_tensor_arithmetic(|| p.log_prob(value.clone()));
        self.table.check("log_prob", log_prob.clone(), TENSORS);
        let grads = log_prob.sum().backward();
        for (name, x) in self.names.iter().zip(&parameters).chain([(&"value", &value)]) {
            let key = format!("d_{name}");
            if let (true, Some(grad)) = (self.table.has(&key), x.grad(&grads)) {
                self.table.check(&key, grad, TENSORS);
            }
        }
    }

    /// Neither a log-density nor a gradient of it is NaN anywhere in the support.
    pub fn nothing_is_nan(&self) {
        for (dtype, _) in both() {
            for p in self.distinct() {
                let grid = self.grid(&p);
                let columns: Vec<_> = p.iter().map(|&v| vec![v; grid.len()]).collect();
                let (of, parameters) = self.tracked(&columns, dtype);
                let value = leaf(&grid, dtype);
                let log_prob = of.log_prob(value.clone());
                let at = |what: &str, got: Vec<f64>| {
                    let none = got.iter().all(|v| !v.is_nan());
                    assert!(none, "{} {p:?} {dtype:?}: {what} at {grid:?}: {got:?}", self.name());
                };
                at("log_prob", host(log_prob.clone()));
                let grads = log_prob.sum().backward();
                for (name, x) in self.names.iter().zip(&parameters).chain([(&"value", &value)]) {
                    if let Some(grad) = x.grad(&grads) {
                        at(&format!("the slope by {name}"), host(grad));
                    }
                }
            }
        }
    }

    /// NaN, and where it is one a negative number, are refused by the parameter's name. 0 is refused or is a
    /// limit with a density.
    pub fn domain(&self) {
        let good = &self.distinct()[0];
        for (i, name) in self.names.iter().enumerate() {
            let with = |v: f64| {
                let columns = good.iter().enumerate().map(|(k, &g)| if k == i { v } else { g });
                let columns: Vec<_> = columns.map(|v| column(&[v], DType::F64)).collect();
                (self.make)(&columns)
            };
            let refused = |v: f64| {
                let Err(error) = with(v) else { panic!("{}: {name} = {v} is taken", self.name()) };
                assert_eq!((error.distribution, error.parameter), (self.name(), *name));
                assert!(error.got == v || error.got.is_nan() && v.is_nan(), "{error}");
            };
            refused(f64::NAN);
            if !FREE.contains(name) {
                refused(-1.0);
                if let Ok(p) = with(0.0) {
                    let log_prob = host(p.log_prob(column(&[0.0, 1.0], DType::F64)));
                    assert!(!log_prob.iter().any(|v| v.is_nan()), "{}: {log_prob:?}", self.name());
                }
            }
        }
    }

    /// Shapes that do not broadcast panic, and the message has both.
    pub fn shapes(&self) {
        let good = &self.distinct()[0];
        let of = |lengths: &[usize]| {
            let columns = good.iter().zip(lengths).map(|(&v, &n)| column(&vec![v; n], DType::F32));
            (self.make)(&columns.collect::<Vec<_>>())
        };
        let message = |f: &dyn Fn()| {
            let panic = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
            panic.downcast_ref::<String>().cloned().expect("a message with values")
        };
        let check = |text: String| {
            let all = [self.name(), "[2]", "[3]"].iter().all(|part| text.contains(part));
            assert!(all, "{}: {text}", self.name());
        };
        let p = of(&vec![2; self.names.len()]).expect("in the domain");
        let value = self.table.values("x")[0];
        check(message(&|| drop(p.log_prob(column(&[value; 3], DType::F32)))));
        if self.names.len() > 1 {
            let mut lengths = vec![2; self.names.len()];
            lengths[0] = 3;
            check(message(&|| drop(of(&lengths))));
        }
    }

    /// The distribution function is the fixture's, goes from 0 to 1 without a step back, and its complement is
    /// what is left of 1; the gradients are its differences.
    pub fn cdf(&self) {
        for (dtype, tolerance) in both() {
            if self.table.has("cdf") {
                let p = self.of(&self.columns(), dtype);
                let x = column(&self.table.values("x"), dtype);
                self.table.check("cdf", p.cdf(x.clone()), tolerance);
                self.table.check("survival", p.survival(x), tolerance);
            }
        }
        self.cdf_is_one();
        self.slopes_of("cdf", |p, x| p.cdf(x));
        self.slopes_of("survival", |p, x| p.survival(x));
    }

    fn cdf_is_one(&self) {
        // The error of either where both are near one half.
        const SUM: f64 = 1e-11;
        for p in self.distinct() {
            let mut grid = self.grid(&p);
            grid.insert(0, f64::NEG_INFINITY);
            grid.push(f64::INFINITY);
            let of = self.one(&p, grid.len(), DType::F64);
            let x = column(&grid, DType::F64);
            let (lower, upper) = (host(of.cdf(x.clone())), host(of.survival(x)));
            let what = format!("{} {p:?} {grid:?}: {lower:?} {upper:?}", self.name());
            assert!(lower[0] == 0.0 && upper[0] == 1.0, "{what}");
            assert!(lower[grid.len() - 1] == 1.0 && upper[grid.len() - 1] == 0.0, "{what}");
            assert!(lower.is_sorted() && upper.iter().rev().is_sorted(), "{what}");
            assert!(lower.iter().zip(&upper).all(|(l, u)| (l + u - 1.0).abs() < SUM), "{what}");
        }
    }

    /// Gradients against central differences, at the fixture's rows.
    fn slopes_of(&self, what: &str, f: fn(&Subject, Tensor<1>) -> Tensor<1>) {
        // Of the argument, and of the length in which the function changes by itself.
        const STEP: f64 = 1e-6;
        const PART: f64 = 1e-3;
        // The step's second order.
        const CURVED: f64 = 1e-4;
        // The function's own error, which is divided by the step.
        const ROUNDED: f64 = 1e-11;
        let mut columns = self.columns();
        columns.push(self.table.values("x"));
        let split = self.names.len();
        let at = |c: &[Vec<f64>]| {
            host(f(&self.of(&c[..split], DType::F64), column(&c[split], DType::F64)))
        };
        let (p, mut leaves) = self.tracked(&columns[..split], DType::F64);
        leaves.push(leaf(&columns[split], DType::F64));
        let value = f(&p, leaves[split].clone());
        let values = host(value.clone());
        let grads = value.sum().backward();
        let counts = self.is_of_counts();
        for (k, x) in leaves.iter().enumerate() {
            let name = self.names.get(k).copied().unwrap_or("value");
            if counts && k == split || !self.is_continuous(name) {
                continue;
            }
            let got = host(x.grad(&grads).expect("a gradient"));
            let steps: Vec<f64> = (0..got.len())
                .map(|i| {
                    let v = columns[k][i].abs();
                    (STEP * if v == 0.0 { 1.0 } else { v }).min(PART * values[i] / got[i].abs())
                })
                .map(|h| if h > 0.0 { h } else { STEP })
                .collect();
            let moved = |sign: f64, part: f64| {
                let mut c = columns.clone();
                c[k].iter_mut().zip(&steps).for_each(|(v, h)| *v += sign * part * h);
                at(&c)
            };
            // A step that is too long for a narrow distribution, or that leaves the support, is not for
            // a shorter one; the shortest that are needed have an error of rounding below a thousandth.
            let mut left: Vec<usize> = (0..got.len()).collect();
            for part in [1.0, 0.125, 1.0 / 64.0, 1.0 / 512.0] {
                if left.is_empty() {
                    break;
                }
                let (up, down) = (moved(1.0, part), moved(-1.0, part));
                left.retain(|&i| {
                    let h = part * steps[i];
                    let slope = (up[i] - down[i]) / (2.0 * h);
                    let rounded = (ROUNDED * values[i] / h).abs();
                    let bound = CURVED * slope.abs() + rounded + 1e-290;
                    let exact = part == 1.0 || rounded < 1e-3 * slope.abs();
                    !(exact && (got[i] - slope).abs() <= bound)
                });
            }
            if let Some(&i) = left.first() {
                let (up, down) = (moved(1.0, 0.125), moved(-1.0, 0.125));
                panic!(
                    "{} {what} by {name}[{i}] at {:?}: {:e}, {:e} by differences",
                    self.name(),
                    columns.iter().map(|c| c[i]).collect::<Vec<_>>(),
                    got[i],
                    (up[i] - down[i]) / (0.25 * steps[i])
                );
            }
        }
    }

    /// The quantile is where the distribution function passes the probability, far in both tails; 0 and 1 give
    /// the ends of the support, and what is no probability gives NaN.
    pub fn quantile(&self) {
        self.limits();
        const STEP: f64 = 1e-11;
        const SLACK: f64 = 1e-9;
        let parameters = self.distinct();
        let columns: Vec<Vec<f64>> =
            (0..self.names.len()).map(|k| parameters.iter().map(|p| p[k]).collect()).collect();
        let p = self.of(&columns, DType::F64);
        for q in [1e-30, 1e-10, 0.01, 0.3, 0.5, 0.9] {
            let at = column(&vec![q; parameters.len()], DType::F64);
            let (low, high) = (p.icdf(at.clone()), p.isf(at));
            for (what, x, sign) in [("icdf", low, 1.0), ("isf", high, -1.0)] {
                let x = host(x);
                let around = |by: f64| -> Vec<f64> {
                    x.iter().map(|x| x + by * sign * (x.abs() * STEP + 1e-300)).collect()
                };
                let of = |x: Vec<f64>| {
                    let x = column(&x, DType::F64);
                    host(if sign > 0.0 { p.cdf(x) } else { p.survival(x) })
                };
                let (below, above) = (of(around(-1.0)), of(around(1.0)));
                for (i, x) in x.iter().enumerate() {
                    assert!(!x.is_nan(), "{} {what}({q})[{i}] is NaN", self.name());
                    // A value that under- or overflows has no neighbours.
                    if x.is_infinite() || (x.abs() < 1e-290) {
                        continue;
                    }
                    assert!(
                        below[i] <= q * (1.0 + SLACK) && above[i] >= q * (1.0 - SLACK),
                        "{} {what}({q}) at {:?} = {x:e}: {:e} .. {:e}",
                        self.name(),
                        parameters[i],
                        below[i],
                        above[i]
                    );
                }
            }
        }
    }

    /// The quantile of counts is the first that reaches the probability.
    pub fn count_quantile(&self) {
        self.limits();
        const SLACK: f64 = 1e-9;
        for p in self.distinct() {
            let of = self.one(&p, 1, DType::F64);
            let get = |x: Tensor<1>| host(x)[0];
            let one = |v: f64| column(&[v], DType::F64);
            for q in [1e-30, 1e-10, 0.01, 0.3, 0.5, 0.9, 0.999] {
                let k = get(of.icdf(one(q)));
                let what = format!("{} {p:?}: icdf({q}) = {k}", self.name());
                assert!(k >= 0.0 && k == k.floor(), "{what}");
                assert!(get(of.cdf(one(k))) >= q * (1.0 - SLACK), "{what}");
                assert!(k == 0.0 || get(of.cdf(one(k - 1.0))) <= q * (1.0 + SLACK), "{what}");
                let k = get(of.isf(one(q)));
                let what = format!("{} {p:?}: isf({q}) = {k}", self.name());
                assert!(get(of.survival(one(k))) <= q * (1.0 + SLACK), "{what}");
                assert!(k == 0.0 || get(of.survival(one(k - 1.0))) >= q * (1.0 - SLACK), "{what}");
                // At the very mass of a count it is that count.
                let mass = of.cdf(one(k));
                if get(mass.clone()) < 0.999_999 {
                    assert_eq!(get(of.icdf(mass)), k, "{what}");
                }
            }
        }
    }

    fn limits(&self) {
        for (dtype, _) in both() {
            for p in self.distinct() {
                let of = self.one(&p, 2, dtype);
                let ends = self.ends(&p);
                let at = |a: f64, b: f64| column(&[a, b], dtype);
                // Ends are sums and differences of parameters.
                let t = if dtype == DType::F64 { F64.relative(1e-14) } else { F32.relative(1e-6) };
                let t = t.absolute(1e-15);
                let name = format!("{} {p:?} {dtype:?}", self.name());
                assert_close(&format!("{name}: icdf"), &host(of.icdf(at(0.0, 1.0))), &ends, t);
                assert_close(&format!("{name}: isf"), &host(of.isf(at(1.0, 0.0))), &ends, t);
                for q in [host(of.icdf(at(-0.1, 1.5))), host(of.isf(at(-0.1, 1.5)))] {
                    assert!(q.iter().all(|x| x.is_nan()), "{name}: {q:?}");
                }
                assert!(host(of.icdf(at(f64::NAN, 0.5)))[0].is_nan(), "{name}");
            }
        }
    }

    /// Mean and variance are the fixture's.
    pub fn moments(&self) {
        for (dtype, tolerance) in both() {
            let p = self.of(&self.columns(), dtype);
            self.table.check("mean", p.mean(), tolerance);
            self.table.check("variance", p.variance(), tolerance);
        }
    }

    /// The entropy is the fixture's, and its gradients are its differences.
    pub fn entropy(&self) {
        for (dtype, t) in both() {
            // A difference that may pass through zero.
            let p = self.of(&self.columns(), dtype);
            self.table.check("entropy", p.entropy(), t.absolute(1e-3 * t.relative));
        }
        const STEP: f64 = 1e-5;
        let columns = self.columns();
        let (p, leaves) = self.tracked(&columns, DType::F64);
        let grads = p.entropy().sum().backward();
        for (k, x) in leaves.iter().enumerate() {
            let (Some(got), true) = (x.grad(&grads), self.names[k] != "total_count") else {
                continue;
            };
            // A part of the argument, and of the length in which the entropy changes by 1.
            let got = host(got);
            let steps: Vec<f64> = got
                .iter()
                .zip(&columns[k])
                .map(|(g, &v)| (STEP * if v == 0.0 { 1.0 } else { v.abs() }).min(1e-3 / g.abs()))
                .collect();
            let moved = |sign: f64| {
                let mut c = columns.clone();
                c[k].iter_mut().zip(&steps).for_each(|(v, h)| *v += sign * h);
                host(self.of(&c, DType::F64).entropy())
            };
            let (up, down) = (moved(1.0), moved(-1.0));
            for (i, (g, h)) in got.iter().zip(&steps).enumerate() {
                let slope = (up[i] - down[i]) / (2.0 * h);
                // The entropy's own error, over the step, and the step's second order.
                let bound = 1e-5 * slope.abs() + 1e-10 * (1.0 + up[i].abs()) / h;
                let at = format!("{} by {} at {}", self.name(), self.names[k], columns[k][i]);
                assert!((g - slope).abs() <= bound, "{at}: {g:e} {slope:e}");
            }
        }
    }

    /// The mode is the fixture's.
    pub fn mode(&self) {
        for (dtype, tolerance) in both() {
            self.table.check("mode", self.of(&self.columns(), dtype).mode(), tolerance);
        }
    }
}
