//! Where learning starts.

use std::ops::Range;

use pyrogen_core::{Draws, Noise, Seed};

use super::config::{EmissionConfig, HmmConfig, Topology};
use super::emission::{
    Bernoulli, Categorical, Covariance, Emission, Gamma, Gaussian, GaussianMixture, Multinomial,
    Poisson, Regression, Rules, StudentT,
};
use super::model::Hmm;
use super::pass::BLOCK;
use crate::MarkovError;
use crate::sequences::{MISSING, Sequences};

/// Means and variances of the columns, weighted; 0 and 1 for symbols.
struct Columns {
    means: Vec<f64>,
    variances: Vec<f64>,
}

/// Rows that the clustering looks at.
const LOOKED_AT: usize = 20_000;

/// Rounds of the clustering.
const ROUNDS: usize = 30;

pub(crate) fn start(
    config: &HmmConfig,
    data: &Sequences,
    seed: Seed,
) -> Result<(Hmm, Rules), MarkovError> {
    config.validate()?;
    enough(data, config.states)?;
    let columns = Columns::of(data)?;
    let rules = columns.rules(config);
    let noise = Noise::new(seed).fork("hmm start");
    let mut emission = columns.emission(config, data)?;
    emission.check(data)?;
    let mut draws = Draws::new(&noise, "emission");
    let first = Assignment::new(config, data, &columns, &mut draws);
    let statistics = {
        let kernel = emission.density().kernel()?;
        let mut statistics = vec![0.0; kernel.statistics()];
        for sequence in 0..data.len() {
            let n = data.length(sequence);
            for block in (0..n).step_by(BLOCK) {
                let steps = block..(block + BLOCK).min(n);
                let share = first.share(sequence, steps.clone(), &mut draws);
                kernel.accumulate(&data.view(sequence, steps), &share, &mut statistics);
            }
        }
        statistics
    };
    emission.density_mut().maximise(&statistics, &rules);
    if let Emission::GaussianMixture(mixture) = &mut emission {
        spread(mixture, &mut draws);
    }
    soften(&mut emission);
    let (start, transition) = chain(config, data, &mut Draws::new(&noise, "chain"));
    let model = Hmm { start, transition, emission, shared: config.shared.clone() };
    model.check()?;
    Ok((model, rules))
}

/// Steps to learn from: at least one a state.
fn enough(data: &Sequences, states: usize) -> Result<(), MarkovError> {
    let mut steps = 0;
    for sequence in 0..data.len() {
        for t in 0..data.length(sequence) {
            let view = data.view(sequence, t..t + 1);
            let observed = match data.width() {
                Some(_) => view.rows().any(|row| row.iter().any(|v| !v.is_nan())),
                None => view.symbols() != [MISSING],
            };
            steps += usize::from(observed && data.total_weight(sequence, t) > 0.0);
            if steps >= states {
                return Ok(());
            }
        }
    }
    match steps {
        0 => Err(MarkovError::Empty { what: "observed values with a weight above 0" }),
        _ => Err(MarkovError::TooFewSteps { steps, states }),
    }
}

impl Columns {
    fn of(data: &Sequences) -> Result<Self, MarkovError> {
        let Some(width) = data.width() else {
            return Ok(Self { means: vec![0.0], variances: vec![1.0] });
        };
        let sums = |column: usize, of: &dyn Fn(f64) -> f64| {
            let seen = data.weighted_rows().filter(|(_, row)| !row[column].is_nan());
            seen.fold((0.0, 0.0), |(n, sum), (w, row)| (n + w, sum + w * of(row[column])))
        };
        let (mut means, mut variances) = (Vec::new(), Vec::new());
        for column in 0..width {
            let (n, sum) = sums(column, &|x| x);
            if n == 0.0 {
                return Err(MarkovError::AllMissing { column });
            }
            let mean = sum / n;
            means.push(mean);
            variances.push(sums(column, &|x| (x - mean).powi(2)).1 / n);
        }
        Ok(Self { means, variances })
    }

    fn rules(&self, config: &HmmConfig) -> Rules {
        // Rounding leaves a constant column a variance of some units in the last place.
        let constant = |(v, m): (&f64, &f64)| *v <= 1e-20 * m * m;
        let floor =
            |(v, m): (&f64, &f64)| config.variance_floor * if constant((v, m)) { 1.0 } else { *v };
        Rules {
            floors: self.variances.iter().zip(&self.means).map(floor).collect(),
            covariance_prior: config.covariance_prior,
            count_prior: config.count_prior,
        }
    }

    /// Every distribution with the parameters of the whole data.
    fn emission(&self, config: &HmmConfig, data: &Sequences) -> Result<Emission, MarkovError> {
        let classes = config.classes();
        let rows = |row: Vec<f64>| vec![row; classes];
        let Self { means, variances } = self;
        let floors = self.rules(config).floors;
        let variances: Vec<f64> = variances.iter().zip(&floors).map(|(v, f)| v.max(*f)).collect();
        let width = data.width().unwrap_or(1);
        let even = vec![1.0 / width as f64; width];
        Ok(match &config.emission {
            EmissionConfig::Gaussian { covariance } => {
                Emission::Gaussian(gaussian(*covariance, classes, means, &variances))
            }
            EmissionConfig::GaussianMixture { components, covariance } => {
                Emission::GaussianMixture(GaussianMixture {
                    weights: rows(vec![1.0 / *components as f64; *components]),
                    gaussians: gaussian(*covariance, classes * components, means, &variances),
                })
            }
            EmissionConfig::Poisson => Emission::Poisson(Poisson { means: rows(means.clone()) }),
            EmissionConfig::Categorical { symbols } => {
                let symbols = symbols.unwrap_or(data.alphabet()).max(1);
                let probabilities = rows(vec![1.0 / symbols as f64; symbols]);
                Emission::Categorical(Categorical { probabilities })
            }
            EmissionConfig::Multinomial => Emission::Multinomial(Multinomial {
                probabilities: rows(even),
                total: means.iter().sum::<f64>().round().max(0.0) as u64,
            }),
            EmissionConfig::Bernoulli => {
                Emission::Bernoulli(Bernoulli { probabilities: rows(vec![0.5; width]) })
            }
            EmissionConfig::Gamma => {
                let pairs = means.iter().zip(&variances);
                let shapes = pairs.clone().map(|(m, v)| (m * m / v).clamp(1e-3, 1e8)).collect();
                let rates = pairs.map(|(m, v)| (m * m / v).clamp(1e-3, 1e8) / m.max(1e-300));
                Emission::Gamma(Gamma { shapes: rows(shapes), rates: rows(rates.collect()) })
            }
            EmissionConfig::StudentT => Emission::StudentT(StudentT {
                locations: rows(means.clone()),
                squared_scales: rows(variances),
                degrees: rows(vec![10.0; width]),
            }),
            EmissionConfig::Regression { lags, inputs, covariance } => {
                let regressors = 1 + lags * width + inputs;
                Emission::Regression(Regression {
                    lags: *lags,
                    inputs: *inputs,
                    coefficients: rows(vec![0.0; width * regressors]),
                    noise: gaussian(*covariance, classes, &vec![0.0; width], &variances),
                })
            }
        })
    }
}

fn gaussian(form: Covariance, count: usize, means: &[f64], variances: &[f64]) -> Gaussian {
    let d = means.len();
    let matrix = || {
        let mut matrix = vec![0.0; d * d];
        (0..d).for_each(|i| matrix[i * d + i] = variances[i]);
        matrix
    };
    let covariances = match form {
        Covariance::Spherical => vec![vec![variances.iter().sum::<f64>() / d as f64]; count],
        Covariance::Diagonal => vec![variances.to_vec(); count],
        Covariance::Full => vec![matrix(); count],
        Covariance::Tied => vec![matrix()],
    };
    Gaussian { form, means: vec![means.to_vec(); count], covariances }
}

/// The first guess of which class each step belongs to.
struct Assignment<'a> {
    config: &'a HmmConfig,
    data: &'a Sequences,
    clusters: Option<Clusters>,
}

impl<'a> Assignment<'a> {
    fn new(
        config: &'a HmmConfig,
        data: &'a Sequences,
        columns: &Columns,
        draws: &mut Draws,
    ) -> Self {
        let left_right = matches!(config.topology, Topology::LeftRight { .. });
        let clustered = !left_right && data.width().is_some();
        let clusters = clustered.then(|| Clusters::find(data, columns, config.classes(), draws));
        Self { config, data, clusters }
    }

    /// The share of each class in some steps, `[steps, classes]`, times the steps' weights.
    fn share(&self, sequence: usize, steps: Range<usize>, draws: &mut Draws) -> Vec<f64> {
        let (k, classes) = (self.config.states, self.config.classes());
        let mut share = vec![0.0; steps.len() * classes];
        for (t, row) in steps.zip(share.chunks_exact_mut(classes)) {
            let weight = self.data.total_weight(sequence, t);
            if matches!(self.config.topology, Topology::LeftRight { .. }) {
                // States divide a sequence among themselves.
                let state = t * k / self.data.length(sequence);
                row[self.config.shared.as_ref().map_or(state, |s| s[state])] = weight;
            } else if let Some(clusters) = &self.clusters {
                let x = self.data.view(sequence, t..t + 1).rows().next().expect("a step");
                row[clusters.nearest(x)] = weight;
            } else {
                row.iter_mut().for_each(|share| *share = 0.5 + draws.exponential());
                let total: f64 = row.iter().sum();
                row.iter_mut().for_each(|share| *share *= weight / total);
            }
        }
        share
    }
}

/// Centres of rows in units of the columns' standard deviations (k-means from k-means++;
/// Arthur and Vassilvitskii 2007).
struct Clusters {
    means: Vec<f64>,
    scales: Vec<f64>,
    centres: Vec<Vec<f64>>,
}

impl Clusters {
    fn find(data: &Sequences, columns: &Columns, count: usize, draws: &mut Draws) -> Self {
        let scales = columns.variances.iter().map(|v| if *v > 0.0 { v.sqrt() } else { 1.0 });
        let mut clusters =
            Self { means: columns.means.clone(), scales: scales.collect(), centres: Vec::new() };
        let stride = data.steps().div_ceil(LOOKED_AT);
        let observed = |row: &&[f64]| row.iter().any(|v| !v.is_nan());
        let rows: Vec<Vec<f64>> =
            data.rows().step_by(stride).filter(observed).map(|row| clusters.scaled(row)).collect();
        clusters.seeds(&rows, count, draws);
        for _ in 0..ROUNDS {
            if !clusters.round(&rows) {
                break;
            }
        }
        // In order, so that state 0 is the one with the least first column.
        clusters.centres.sort_by(|a, b| a[0].total_cmp(&b[0]));
        clusters
    }

    /// Missing values lie at the mean.
    fn scaled(&self, row: &[f64]) -> Vec<f64> {
        let scale = |(i, v): (usize, &f64)| match v.is_nan() {
            true => 0.0,
            false => (v - self.means[i]) / self.scales[i],
        };
        row.iter().enumerate().map(scale).collect()
    }

    fn seeds(&mut self, rows: &[Vec<f64>], count: usize, draws: &mut Draws) {
        let mut far = vec![f64::INFINITY; rows.len()];
        for i in 0..count {
            let place = match i == 0 || far.iter().sum::<f64>() <= 0.0 {
                true => draws.below(rows.len().max(1)),
                false => draws.place(&far),
            };
            let centre = rows.get(place).cloned().unwrap_or_else(|| vec![0.0; self.means.len()]);
            for (far, row) in far.iter_mut().zip(rows) {
                *far = far.min(distance(row, &centre));
            }
            self.centres.push(centre);
        }
    }

    /// One round; whether a centre moved.
    fn round(&mut self, rows: &[Vec<f64>]) -> bool {
        let (count, width) = (self.centres.len(), self.means.len());
        let (mut sums, mut sizes) = (vec![vec![0.0; width]; count], vec![0.0; count]);
        for row in rows {
            let place = self.near(row);
            sizes[place] += 1.0;
            sums[place].iter_mut().zip(row).for_each(|(sum, v)| *sum += v);
        }
        let mut moved = false;
        for ((centre, sum), size) in self.centres.iter_mut().zip(&sums).zip(&sizes) {
            if *size > 0.0 {
                let mean: Vec<f64> = sum.iter().map(|s| s / size).collect();
                moved |= mean != *centre;
                *centre = mean;
            }
        }
        moved
    }

    fn near(&self, row: &[f64]) -> usize {
        let order = |a: &usize, b: &usize| {
            distance(row, &self.centres[*a]).total_cmp(&distance(row, &self.centres[*b]))
        };
        (0..self.centres.len()).min_by(order).expect("a centre")
    }

    fn nearest(&self, row: &[f64]) -> usize {
        self.near(&self.scaled(row))
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// Moves the components of a state apart: equal ones would stay equal.
fn spread(mixture: &mut GaussianMixture, draws: &mut Draws) {
    if mixture.weights[0].len() == 1 {
        return;
    }
    for g in 0..mixture.gaussians.means.len() {
        for i in 0..mixture.gaussians.width() {
            let (mean, variance) = mixture.gaussians.moments(g, i);
            mixture.gaussians.means[g][i] = mean + variance.sqrt() * draws.normal();
        }
    }
}

/// A probability or mean of 0 would stay 0: the first assignment is only a guess.
fn soften(emission: &mut Emission) {
    let blend = |rows: &mut Vec<Vec<f64>>| {
        for row in rows {
            let even = 1.0 / row.len() as f64;
            row.iter_mut().for_each(|p| *p = 0.98 * *p + 0.02 * even);
        }
    };
    match emission {
        Emission::Categorical(e) => blend(&mut e.probabilities),
        Emission::Multinomial(e) => blend(&mut e.probabilities),
        Emission::Bernoulli(e) => {
            e.probabilities.iter_mut().flatten().for_each(|p| *p = 0.98 * *p + 0.01);
        }
        Emission::Poisson(e) => {
            e.means.iter_mut().flatten().for_each(|m| *m = m.max(1e-3));
        }
        _ => {}
    }
}

/// Start and transition probabilities: states last a while, and no two rows are equal.
fn chain(config: &HmmConfig, data: &Sequences, draws: &mut Draws) -> (Vec<f64>, Vec<f64>) {
    let k = config.states;
    let longest = (0..data.len()).map(|i| data.length(i)).max().unwrap_or(1);
    let stay = match config.topology {
        Topology::LeftRight { .. } => 1.0 - (k as f64 / longest as f64).min(0.5),
        _ => 0.8,
    };
    let mut row = |allowed: &dyn Fn(usize) -> bool, own: Option<usize>| {
        let mut row: Vec<f64> =
            (0..k).map(|j| if allowed(j) { draws.uniform() * 0.2 + 0.9 } else { 0.0 }).collect();
        if let Some(own) = own.filter(|own| allowed(*own)) {
            row[own] = 0.0;
            let others: f64 = row.iter().sum();
            row[own] = if others > 0.0 { others * stay / (1.0 - stay) } else { 1.0 };
        }
        let total: f64 = row.iter().sum();
        row.iter_mut().for_each(|p| *p /= total);
        row
    };
    let start = row(&|j| config.topology.may_start(j), None);
    let transition =
        (0..k).flat_map(|i| row(&|j| config.topology.may_follow(i, j), Some(i))).collect();
    (start, transition)
}
