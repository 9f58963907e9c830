//! A distribution of numbers under test.

use std::rc::Rc;

use burn::tensor::{DType, Tensor};
use pyrogen_core::distribution::*;
use pyrogen_core::{Noise, ParameterError};

use crate::table::{Table, column, host, leaf};

/// What a distribution has, behind pointers: the properties are compiled once and not for each distribution.
#[derive(Clone)]
pub struct Subject {
    pub distribution: Rc<dyn Distribution<1, 1>>,
    pub support: Rc<dyn HasSupport<1>>,
    pub cdf: Option<Rc<dyn Cdf<1>>>,
    pub quantile: Option<Rc<dyn Quantile<1>>>,
    pub moments: Option<Rc<dyn Moments<1>>>,
    pub entropy: Option<Rc<dyn Entropy<1>>>,
    pub mode: Option<Rc<dyn Mode<1>>>,
    pub pathwise: Option<Rc<dyn Pathwise<1>>>,
}

impl Subject {
    /// With what every distribution has.
    pub fn new<P: Distribution<1, 1> + HasSupport<1> + 'static>(p: &Rc<P>) -> Self {
        Self {
            distribution: p.clone(),
            support: p.clone(),
            cdf: None,
            quantile: None,
            moments: None,
            entropy: None,
            mode: None,
            pathwise: None,
        }
    }

    pub fn log_prob(&self, x: Tensor<1>) -> Tensor<1> {
        self.distribution.log_prob(x)
    }

    pub fn sample(&self, noise: &mut Noise) -> Tensor<1> {
        self.distribution.sample(noise)
    }

    pub fn rsample(&self, noise: &mut Noise) -> Tensor<1> {
        self.pathwise.as_ref().expect("pathwise draws").rsample(noise)
    }

    pub fn support(&self) -> Support<1> {
        self.support.support()
    }

    pub fn cdf(&self, x: Tensor<1>) -> Tensor<1> {
        self.cdf.as_ref().expect("a distribution function").cdf(x)
    }

    pub fn survival(&self, x: Tensor<1>) -> Tensor<1> {
        self.cdf.as_ref().expect("a distribution function").survival(x)
    }

    pub fn icdf(&self, q: Tensor<1>) -> Tensor<1> {
        self.quantile.as_ref().expect("a quantile function").icdf(q)
    }

    pub fn isf(&self, q: Tensor<1>) -> Tensor<1> {
        self.quantile.as_ref().expect("a quantile function").isf(q)
    }

    pub fn mean(&self) -> Tensor<1> {
        self.moments.as_ref().expect("moments").mean()
    }

    pub fn variance(&self) -> Tensor<1> {
        self.moments.as_ref().expect("moments").variance()
    }

    pub fn entropy(&self) -> Tensor<1> {
        self.entropy.as_ref().expect("an entropy").entropy()
    }

    pub fn mode(&self) -> Tensor<1> {
        self.mode.as_ref().expect("a mode").mode()
    }
}

/// A line of the list in `families.rs`: the fixture's rows, the parameters' names, and how the distribution is
/// made of them.
pub struct Case {
    pub table: Table,
    pub names: &'static [&'static str],
    pub make: fn(&[Tensor<1>]) -> Result<Subject, ParameterError>,
}

impl Case {
    pub fn name(&self) -> &str {
        &self.table.name
    }

    /// From a column a parameter.
    pub fn of(&self, columns: &[Vec<f64>], dtype: DType) -> Subject {
        let columns: Vec<_> = columns.iter().map(|c| column(c, dtype)).collect();
        (self.make)(&columns).expect("in the domain")
    }

    /// With gradients, and the parameters.
    pub fn tracked(&self, columns: &[Vec<f64>], dtype: DType) -> (Subject, Vec<Tensor<1>>) {
        let leaves: Vec<_> = columns.iter().map(|c| leaf(c, dtype)).collect();
        ((self.make)(&leaves).expect("in the domain"), leaves)
    }

    /// The fixture's parameters.
    pub fn columns(&self) -> Vec<Vec<f64>> {
        (0..self.names.len()).map(|i| self.table.parameter(i)).collect()
    }

    /// The fixture's parameters, each vector of them once.
    pub fn distinct(&self) -> Vec<Vec<f64>> {
        let columns = self.columns();
        let mut all: Vec<Vec<f64>> = Vec::new();
        for i in 0..columns[0].len() {
            let row: Vec<f64> = columns.iter().map(|c| c[i]).collect();
            if !all.contains(&row) {
                all.push(row);
            }
        }
        all
    }

    /// One vector of parameters for all rows.
    pub fn one(&self, p: &[f64], rows: usize, dtype: DType) -> Subject {
        self.of(&p.iter().map(|&v| vec![v; rows]).collect::<Vec<_>>(), dtype)
    }

    /// Whether it is of counts.
    pub fn is_of_counts(&self) -> bool {
        let support = self.of(&self.columns(), DType::F64).support();
        matches!(support, Support::NonNegativeInteger | Support::IntegerUpTo { .. })
    }

    /// Whether a parameter is a number that may vary without steps.
    pub fn is_continuous(&self, parameter: &str) -> bool {
        parameter != "total_count" || self.name() != "Binomial"
    }

    /// The ends of the support, at one vector of parameters.
    pub fn ends(&self, p: &[f64]) -> [f64; 2] {
        use std::f64::consts::PI;
        let one = |x: Tensor<1>| host(x)[0];
        match self.one(p, 1, DType::F64).support() {
            Support::Positive | Support::NonNegative => [0.0, f64::INFINITY],
            Support::NonNegativeInteger => [0.0, f64::INFINITY],
            Support::UnitInterval => [0.0, 1.0],
            Support::Interval { low, high } => [one(low), one(high)],
            Support::AtLeast { low } => [one(low), f64::INFINITY],
            Support::IntegerUpTo { high } => [0.0, one(high)],
            // The distribution function begins opposite to the mean direction.
            Support::Circle => [p[0] - PI, p[0] + PI],
            _ => [f64::NEG_INFINITY, f64::INFINITY],
        }
    }

    /// Values from one end of the support to the other, with the ends where they are finite.
    pub fn grid(&self, p: &[f64]) -> Vec<f64> {
        let [low, high] = self.ends(p);
        let counts = self.is_of_counts();
        match (low.is_finite(), high.is_finite()) {
            (true, true) if counts => vec![0.0, 1.0_f64.min(high), (0.5 * high).floor(), high],
            (true, false) if counts => vec![0.0, 1.0, 30.0, 1e6],
            (true, true) => {
                let at = |u: f64| low + (high - low) * u;
                vec![low, at(1e-30), at(1e-3), at(0.5), at(1.0 - 1e-7), high]
            }
            (true, false) => vec![low, low + 1e-30, low + 1e-3, low + 1.0, low + 30.0, 1e30],
            _ => vec![-1e30, -30.0, -1.0, 0.0, 1.0, 30.0, 1e30],
        }
    }
}
