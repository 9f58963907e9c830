//! The pictures of the book's list of distributions, from the library's own densities.

use std::error::Error;
use std::f64::consts::PI;

use burn::tensor::{DType, Int, Tensor, TensorData};
use pyrogen::core::bijection::Tanh;
use pyrogen::core::distribution::*;
use pyrogen::train::plot::{Series, lines};

/// Points of a curve.
const POINTS: usize = 140;

fn numbers(values: &[f64]) -> Tensor<1> {
    let data = TensorData::new(values.to_vec(), [values.len()]);
    Tensor::from_data(data, (&burn::tensor::Device::flex(), DType::F64))
}

fn one(value: f64) -> Tensor<1> {
    numbers(&[value])
}

fn host<const D: usize>(x: Tensor<D>) -> Vec<f64> {
    x.into_data().iter().collect()
}

/// A picture that is being made.
struct Picture {
    name: &'static str,
    title: &'static str,
    x: Vec<f64>,
    /// Densities above are not drawn: they go to infinity.
    top: f64,
    series: Vec<Series>,
    axes: [&'static str; 2],
}

impl Picture {
    /// Of densities between two numbers.
    fn new(name: &'static str, title: &'static str, [low, high]: [f64; 2]) -> Self {
        let step = (high - low) / (POINTS - 1) as f64;
        let x = (0..POINTS).map(|i| low + step * i as f64).collect();
        let axes = ["x", "density"];
        Self { name, title, x, top: f64::INFINITY, series: Vec::new(), axes }
    }

    /// Of masses of `0, 1, .., last`.
    fn of_counts(name: &'static str, title: &'static str, last: usize) -> Self {
        let x = (0..=last).map(|k| k as f64).collect();
        let axes = ["k", "mass"];
        Self { name, title, x, top: f64::INFINITY, series: Vec::new(), axes }
    }

    fn below(self, top: f64) -> Self {
        Self { top, ..self }
    }

    /// A curve of a function of all `x`.
    fn with(mut self, name: &str, log_density: impl Fn(Tensor<1>) -> Tensor<1>) -> Self {
        let y = host(log_density(numbers(&self.x)).exp());
        let inside = |(_, y): &(f64, f64)| *y <= self.top;
        let points = self.x.iter().copied().zip(y).filter(inside).collect();
        self.series.push(Series { name: name.into(), points });
        self
    }

    fn curve<P: Distribution<1, 1>>(self, name: &str, p: Result<P, impl Error>) -> Self {
        let p = p.expect("parameters in their domain");
        self.with(name, |x| p.log_prob(x))
    }

    /// Masses as lines from 0, beside those of the series before.
    fn stems(mut self, name: &str, masses: &[f64]) -> Self {
        let shift = 0.12 * self.series.len() as f64;
        let stem = |(x, m): (&f64, &f64)| [(x + shift, 0.0), (x + shift, *m), (x + shift, 0.0)];
        let points = self.x.iter().zip(masses).flat_map(stem).collect();
        self.series.push(Series { name: name.into(), points });
        self
    }

    fn masses<P: Distribution<1, 1>>(self, name: &str, p: Result<P, impl Error>) -> Self {
        let p = p.expect("parameters in their domain");
        let masses = host(p.log_prob(numbers(&self.x)).exp());
        self.stems(name, &masses)
    }

    fn draw(self) -> Result<(&'static str, String), Box<dyn Error>> {
        let [x, y] = self.axes;
        Ok((self.name, lines(self.title, x, y, &self.series)?))
    }
}

fn real() -> Vec<Picture> {
    vec![
        Picture::new("normal", "Normal", [-6.0, 6.0])
            .curve("0, 1", Normal::from_std(one(0.0), one(1.0)))
            .curve("0, 2", Normal::from_std(one(0.0), one(2.0)))
            .curve("2, 0.7", Normal::from_std(one(2.0), one(0.7))),
        Picture::new("laplace", "Laplace: loc, scale", [-6.0, 6.0])
            .curve("0, 1", Laplace::new(one(0.0), one(1.0)))
            .curve("0, 2", Laplace::new(one(0.0), one(2.0))),
        Picture::new("logistic", "Logistic: loc, scale", [-8.0, 8.0])
            .curve("0, 1", Logistic::new(one(0.0), one(1.0)))
            .curve("2, 0.6", Logistic::new(one(2.0), one(0.6))),
        Picture::new("gumbel", "Gumbel: loc, scale", [-4.0, 10.0])
            .curve("0, 1", Gumbel::new(one(0.0), one(1.0)))
            .curve("1, 2", Gumbel::new(one(1.0), one(2.0))),
        Picture::new("student-t", "StudentT: df", [-6.0, 6.0])
            .curve("1", StudentT::new(one(1.0), one(0.0), one(1.0)))
            .curve("3", StudentT::new(one(3.0), one(0.0), one(1.0)))
            .curve("30", StudentT::new(one(30.0), one(0.0), one(1.0))),
        Picture::new("cauchy", "Cauchy: loc, scale", [-6.0, 6.0])
            .curve("0, 1", Cauchy::new(one(0.0), one(1.0)))
            .curve("1, 0.5", Cauchy::new(one(1.0), one(0.5))),
    ]
}

fn positive() -> Vec<Picture> {
    vec![
        Picture::new("log-normal", "LogNormal: loc, scale", [0.01, 5.0])
            .curve("0, 0.25", LogNormal::new(one(0.0), one(0.25)))
            .curve("0, 0.5", LogNormal::new(one(0.0), one(0.5)))
            .curve("0, 1", LogNormal::new(one(0.0), one(1.0))),
        Picture::new("half-normal", "HalfNormal: scale", [0.0, 5.0])
            .curve("0.7", HalfNormal::new(one(0.7)))
            .curve("1.5", HalfNormal::new(one(1.5))),
        Picture::new("half-cauchy", "HalfCauchy: scale", [0.0, 8.0])
            .curve("0.7", HalfCauchy::new(one(0.7)))
            .curve("1.5", HalfCauchy::new(one(1.5))),
        Picture::new("exponential", "Exponential: rate", [0.0, 5.0])
            .curve("0.5", Exponential::new(one(0.5)))
            .curve("1", Exponential::new(one(1.0)))
            .curve("2", Exponential::new(one(2.0))),
        Picture::new("gamma", "Gamma: concentration, rate", [0.01, 10.0])
            .below(1.2)
            .curve("0.5, 1", Gamma::new(one(0.5), one(1.0)))
            .curve("2, 1", Gamma::new(one(2.0), one(1.0)))
            .curve("9, 2", Gamma::new(one(9.0), one(2.0))),
        Picture::new("inverse-gamma", "InverseGamma: concentration, scale", [0.01, 4.0])
            .curve("1, 1", InverseGamma::new(one(1.0), one(1.0)))
            .curve("3, 1", InverseGamma::new(one(3.0), one(1.0)))
            .curve("3, 3", InverseGamma::new(one(3.0), one(3.0))),
        Picture::new("chi-squared", "ChiSquared: df", [0.01, 12.0])
            .below(0.6)
            .curve("1", ChiSquared::new(one(1.0)))
            .curve("3", ChiSquared::new(one(3.0)))
            .curve("6", ChiSquared::new(one(6.0))),
        Picture::new("weibull", "Weibull: scale, concentration", [0.01, 3.0])
            .below(2.0)
            .curve("1, 0.7", Weibull::new(one(1.0), one(0.7)))
            .curve("1, 1.5", Weibull::new(one(1.0), one(1.5)))
            .curve("1, 4", Weibull::new(one(1.0), one(4.0))),
        Picture::new("pareto", "Pareto: scale, alpha", [1.0, 5.0])
            .curve("1, 1", Pareto::new(one(1.0), one(1.0)))
            .curve("1, 3", Pareto::new(one(1.0), one(3.0))),
    ]
}

fn bounded() -> Vec<Picture> {
    let truncated =
        |low: f64, high: f64| TruncatedNormal::new(one(0.0), one(1.0), one(low), one(high));
    vec![
        Picture::new("uniform", "Uniform: low, high", [-0.5, 3.5])
            .curve("0, 1", Uniform::new(one(0.0), one(1.0)))
            .curve("0.5, 3", Uniform::new(one(0.5), one(3.0))),
        Picture::new("truncated-normal", "TruncatedNormal: low, high", [-2.0, 4.0])
            .curve("-1, 2", truncated(-1.0, 2.0))
            .curve("0.5, 1.5", truncated(0.5, 1.5))
            .curve("2, 4", truncated(2.0, 4.0)),
        Picture::new("beta", "Beta: alpha, beta", [0.005, 0.995])
            .below(4.0)
            .curve("0.5, 0.5", Beta::new(one(0.5), one(0.5)))
            .curve("2, 2", Beta::new(one(2.0), one(2.0)))
            .curve("2, 8", Beta::new(one(2.0), one(8.0))),
        Picture::new("kumaraswamy", "Kumaraswamy: a, b", [0.005, 0.995])
            .below(4.0)
            .curve("0.5, 0.5", Kumaraswamy::new(one(0.5), one(0.5)))
            .curve("2, 2", Kumaraswamy::new(one(2.0), one(2.0)))
            .curve("2, 8", Kumaraswamy::new(one(2.0), one(8.0))),
        Picture::new("relaxed-bernoulli", "RelaxedBernoulli: temperature, logits", [0.005, 0.995])
            .below(4.0)
            .curve("0.5, 0", RelaxedBernoulli::new(one(0.5), one(0.0)))
            .curve("1, 1", RelaxedBernoulli::new(one(1.0), one(1.0)))
            .curve("3, 0", RelaxedBernoulli::new(one(3.0), one(0.0))),
        Picture::new("von-mises", "VonMises: loc, concentration", [-PI, PI])
            .curve("0, 0.5", VonMises::new(one(0.0), one(0.5)))
            .curve("0, 4", VonMises::new(one(0.0), one(4.0)))
            .curve("2, 2", VonMises::new(one(2.0), one(2.0))),
    ]
}

fn counts() -> Vec<Picture> {
    vec![
        Picture::of_counts("poisson", "Poisson: rate", 16)
            .masses("1", Poisson::new(one(1.0)))
            .masses("4", Poisson::new(one(4.0)))
            .masses("9", Poisson::new(one(9.0))),
        Picture::of_counts("zero-inflated-poisson", "ZeroInflatedPoisson: gate, rate", 12)
            .masses("0, 4", ZeroInflatedPoisson::new(one(0.0), one(4.0)))
            .masses("0.3, 4", ZeroInflatedPoisson::new(one(0.3), one(4.0))),
        Picture::of_counts("binomial", "Binomial: total_count, logits", 20)
            .masses("20, 0", Binomial::new(one(20.0), one(0.0)))
            .masses("20, -2", Binomial::new(one(20.0), one(-2.0))),
        Picture::of_counts("geometric", "Geometric: logits", 12)
            .masses("0", Geometric::new(one(0.0)))
            .masses("-1.5", Geometric::new(one(-1.5))),
        Picture::of_counts("negative-binomial", "NegativeBinomial: total_count, logits", 16)
            .masses("1, 1", NegativeBinomial::new(one(1.0), one(1.0)))
            .masses("5, 0", NegativeBinomial::new(one(5.0), one(0.0))),
        Picture::of_counts("bernoulli", "Bernoulli: logits", 1)
            .masses("0", Ok::<_, std::fmt::Error>(Bernoulli::new(one(0.0))))
            .masses("1.5", Ok::<_, std::fmt::Error>(Bernoulli::new(one(1.5)))),
    ]
}

/// The log-density of vectors `[n, d]` that are functions of a number.
fn along<const D: usize>(
    x: &Tensor<1>,
    of: impl Fn(f64) -> Vec<f64>,
    dims: [usize; D],
) -> Tensor<D> {
    let values: Vec<f64> = host(x.clone()).into_iter().flat_map(of).collect();
    numbers(&values).reshape(dims)
}

fn categories() -> Result<Vec<Picture>, Box<dyn Error>> {
    let logits = [0.5, 1.5, 0.0, -1.0, 1.0];
    let categorical = Categorical::<2>::new(numbers(&logits).reshape([1, 5]));
    let device = burn::tensor::Device::flex();
    let all = Tensor::<1, Int>::arange(0..5, &device);
    let masses: Tensor<1> = categorical.log_prob(all);
    let masses = host(masses.exp());
    // The first count of three, summed over the second.
    let total = 12;
    let multinomial = Multinomial::<2>::new(total, numbers(&[1.0, 0.0, 0.0]).reshape([1, 3]));
    let first: Vec<f64> = (0..=total)
        .map(|k| {
            let rows: Vec<f64> = (0..=total - k)
                .flat_map(|j| [k as f64, j as f64, (total - k - j) as f64])
                .collect();
            let rows: Tensor<2> = numbers(&rows).reshape([total - k + 1, 3]);
            let masses: Tensor<1> = multinomial.log_prob(rows);
            host(masses.exp()).iter().sum()
        })
        .collect();
    let pairs = |x: &Tensor<1>| along(x, |x| vec![x, 1.0 - x], [POINTS, 2]);
    let thirds =
        |x: &Tensor<1>| along(x, |x| vec![x, 0.5 * (1.0 - x), 0.5 * (1.0 - x)], [POINTS, 3]);
    let relaxed =
        |t: f64| RelaxedOneHot::new(one(t).reshape([1, 1]), numbers(&[0.5, 0.0]).reshape([1, 2]));
    let dirichlet = |a: [f64; 3]| Dirichlet::new(numbers(&a).reshape([1, 3]));
    let (cold, warm) = (relaxed(0.5)?, relaxed(2.0)?);
    let (flat, middle, corner) =
        (dirichlet([1.0; 3])?, dirichlet([4.0; 3])?, dirichlet([6.0, 2.0, 2.0])?);
    Ok(vec![
        Picture::of_counts("categorical", "Categorical: logits 0.5, 1.5, 0, -1, 1", 4)
            .stems("mass", &masses),
        Picture::of_counts(
            "multinomial",
            "Multinomial: first count, 12 draws, logits 1, 0, 0",
            total,
        )
        .stems("mass", &first),
        Picture::new("relaxed-one-hot", "RelaxedOneHot of two: temperature", [0.005, 0.995])
            .below(4.0)
            .with("0.5", |x| cold.log_prob(pairs(&x)))
            .with("2", |x| warm.log_prob(pairs(&x))),
        Picture::new(
            "dirichlet",
            "Dirichlet: density at (x, (1 - x) / 2, (1 - x) / 2)",
            [0.005, 0.995],
        )
        .with("1, 1, 1", |x| flat.log_prob(thirds(&x)))
        .with("4, 4, 4", |x| middle.log_prob(thirds(&x)))
        .with("6, 2, 2", |x| corner.log_prob(thirds(&x))),
    ])
}

/// Where a normal density of two numbers is that of `radius` standard deviations.
fn ellipse(name: &str, [a, b, c]: [f64; 3], radius: f64) -> Series {
    let point = |i: usize| {
        let angle = std::f64::consts::TAU * i as f64 / (POINTS - 1) as f64;
        let (u, v) = (radius * angle.cos(), radius * angle.sin());
        (a * u, b * u + c * v)
    };
    Series { name: name.into(), points: (0..POINTS).map(point).collect() }
}

fn matrices() -> Result<Vec<Picture>, Box<dyn Error>> {
    let mut normal =
        Picture::new("multivariate-normal", "MultivariateNormal: 1 and 2 deviations", [0.0, 1.0]);
    normal.axes = ["first", "second"];
    for (name, factor) in
        [("variances 4, 1", [2.0, 0.0, 1.0]), ("correlation 0.8", [1.0, 0.8, 0.6])]
    {
        for radius in [1.0, 2.0] {
            normal.series.push(ellipse(&format!("{name}: {radius}"), factor, radius));
        }
    }
    let square = |x: &Tensor<1>| along(x, |r| vec![2.0, 2.0 * r, 2.0 * r, 2.0], [POINTS, 2, 2]);
    let factor =
        |x: &Tensor<1>| along(x, |r| vec![1.0, 0.0, r, (1.0 - r * r).sqrt()], [POINTS, 2, 2]);
    let wishart = |r: f64| {
        let factor = numbers(&[1.0, 0.0, r, (1.0 - r * r).sqrt()]).reshape([1, 2, 2]);
        Wishart::new(one(4.0).reshape([1, 1, 1]), factor)
    };
    let lkj = |c: f64| Lkj::new(2, one(c).reshape([1, 1, 1]));
    let (free, tied) = (wishart(0.0)?, wishart(0.8)?);
    let (wide, even, narrow) = (lkj(0.7)?, lkj(1.0)?, lkj(4.0)?);
    let title = "Wishart, df 4: density at variances 2 and a correlation, by the correlation of V";
    Ok(vec![
        normal,
        Picture::new("wishart", title, [-0.99, 0.99])
            .with("0", |x| free.log_prob(square(&x)))
            .with("0.8", |x| tied.log_prob(square(&x))),
        Picture::new("lkj", "Lkj of two variables: concentration", [-0.99, 0.99])
            .with("0.7", |x| wide.log_prob(factor(&x)))
            .with("1", |x| even.log_prob(factor(&x)))
            .with("4", |x| narrow.log_prob(factor(&x))),
    ])
}

fn composed() -> Result<Vec<Picture>, Box<dyn Error>> {
    let row = |v: [f64; 3]| numbers(&v).reshape([1, 3]);
    let parts = Normal::from_std(row([-2.0, 0.0, 3.0]), row([0.6, 1.0, 0.5]))?;
    let mixture = Mixture::<_, 2, 2>::new(row([0.3, 0.5, 0.2]).log(), parts);
    let truncated =
        |low: f64, high: f64| Truncated::new(Exponential::new(one(1.0))?, one(low), one(high));
    let through = |m: f64, s: f64| {
        Ok::<_, pyrogen::core::ParameterError>(Transformed::<_, _, 1>::new(
            Normal::from_std(one(m), one(s))?,
            Tanh,
        ))
    };
    // Levels as counts: the picture's axis is the number of the level.
    let levels: Vec<f64> = (0..16).map(|k| f64::from(k) / 15.0).collect();
    let pixel = |mean: f64, log_scale: f64| {
        host(
            DiscretisedLogistic::new(one(mean), one(log_scale), 16)
                .log_prob(numbers(&levels))
                .exp(),
        )
    };
    Ok(vec![
        Picture::of_counts(
            "discretised-logistic",
            "DiscretisedLogistic of 16 levels: mean, log-scale",
            15,
        )
        .stems("0.4, -3", &pixel(0.4, -3.0))
        .stems("0.9, -1.5", &pixel(0.9, -1.5)),
        Picture::new("mixture", "Mixture of weights 0.3, 0.5, 0.2", [-5.0, 5.0])
            .with("density", |x| mixture.log_prob(x)),
        Picture::new("truncated", "Truncated exponential: low, high", [0.0, 4.0])
            .curve("0, 4", truncated(0.0, 4.0))
            .curve("1, 3", truncated(1.0, 3.0)),
        Picture::new("transformed", "Transformed: tanh of normal variables", [-0.995, 0.995])
            .curve("0, 0.5", through(0.0, 0.5))
            .curve("0.5, 1", through(0.5, 1.0)),
    ])
}

/// Every picture: the name of its file without the ending, and the SVG.
///
/// # Errors
/// When the drawing library refuses.
pub fn pictures() -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
    let all = [real(), positive(), bounded(), counts(), categories()?, matrices()?, composed()?];
    all.into_iter().flatten().map(Picture::draw).collect()
}
