//! Likelihoods, posteriors and paths against the sum over all paths of small models.

use pyrogen_core::{Noise, Seed};
use pyrogen_markov::hmm::{
    Bernoulli, Categorical, Covariance, Emission, EmissionConfig, Gaussian, Hmm, HmmConfig, HmmFit,
    Poisson,
};
use pyrogen_markov::{MISSING, Sequences};

/// Rounding of sums over some hundred paths.
const CLOSE: f64 = 1e-12;

/// Log-density of each step in each state, by the caller's own formula.
type Logs = Vec<Vec<f64>>;

struct Truth {
    log_likelihood: f64,
    posterior: Vec<Vec<f64>>,
    paths: Vec<(f64, Vec<usize>)>,
}

/// All paths of a sequence.
fn enumerate(model: &Hmm, logs: &Logs) -> Truth {
    let (n, k) = (logs.len(), model.states());
    let mut paths = Vec::new();
    for code in 0..k.pow(n as u32) {
        let path: Vec<usize> = (0..n).map(|t| code / k.pow(t as u32) % k).collect();
        let mut log = model.start()[path[0]].ln() + logs[0][path[0]];
        for t in 1..n {
            log += model.transition(path[t - 1])[path[t]].ln() + logs[t][path[t]];
        }
        paths.push((log, path));
    }
    paths.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = paths[0].0;
    let total: f64 = paths.iter().map(|p| (p.0 - best).exp()).sum();
    let log_likelihood = best + total.ln();
    let mut posterior = vec![vec![0.0; k]; n];
    for (log, path) in &paths {
        path.iter().enumerate().for_each(|(t, s)| posterior[t][*s] += (log - log_likelihood).exp());
    }
    paths.retain(|p| p.0 > f64::NEG_INFINITY);
    Truth { log_likelihood, posterior, paths }
}

fn near(ours: &[f64], truth: &[f64]) {
    assert_eq!(ours.len(), truth.len());
    for (a, b) in ours.iter().zip(truth) {
        assert!((a - b).abs() <= CLOSE * (1.0 + b.abs()), "{ours:?} {truth:?}");
    }
}

fn check(model: &Hmm, data: &Sequences, logs: &Logs) {
    let truth = enumerate(model, logs);
    near(&[model.log_likelihood(data).unwrap()], &[truth.log_likelihood]);
    near(&[model.step_log_likelihoods(data).unwrap()[0].iter().sum()], &[truth.log_likelihood]);
    near(&model.posteriors(data).unwrap()[0].concat(), &truth.posterior.concat());
    let best = model.viterbi(data).unwrap().remove(0);
    near(&[best.log_probability], &[truth.paths[0].0]);
    assert_eq!(best.states, truth.paths[0].1);
    let several = model.best_paths(data, 7).unwrap().remove(0);
    for (ours, truth) in several.iter().zip(&truth.paths) {
        near(&[ours.log_probability], &[truth.0]);
    }
    assert_eq!(several.len(), truth.paths.len().min(7));
}

fn normal(x: f64, mean: f64, var: f64) -> f64 {
    -0.5 * ((x - mean).powi(2) / var + (std::f64::consts::TAU * var).ln())
}

fn chains() -> Vec<(Vec<f64>, Vec<Vec<f64>>)> {
    let full = vec![vec![0.7, 0.2, 0.1], vec![0.3, 0.5, 0.2], vec![0.25, 0.25, 0.5]];
    let forward = vec![vec![0.6, 0.4, 0.0], vec![0.0, 0.9, 0.1], vec![0.0, 0.0, 1.0]];
    vec![(vec![0.5, 0.3, 0.2], full), (vec![1.0, 0.0, 0.0], forward)]
}

#[test]
fn gaussians_with_missing_values() {
    let x: Vec<[f64; 2]> = vec![
        [0.3, 1.0],
        [f64::NAN, 2.0],
        [2.5, f64::NAN],
        [f64::NAN, f64::NAN],
        [4.0, -1.0],
        [40.0, 0.0],
    ];
    let means = vec![vec![0.0, 1.0], vec![2.0, 0.0], vec![5.0, -1.0]];
    let covariances: Vec<Vec<f64>> =
        vec![vec![1.0, 0.5, 0.5, 2.0], vec![0.5, -0.2, -0.2, 1.0], vec![2.0, 0.0, 0.0, 0.3]];
    // The marginal densities by their formulas.
    let density = |x: &[f64; 2], s: usize| {
        let (m, c) = (&means[s], &covariances[s]);
        match (x[0].is_nan(), x[1].is_nan()) {
            (true, true) => 0.0,
            (true, false) => normal(x[1], m[1], c[3]),
            (false, true) => normal(x[0], m[0], c[0]),
            // The first column, then the second given the first.
            _ => {
                let slope = c[1] / c[0];
                let mean = m[1] + slope * (x[0] - m[0]);
                normal(x[0], m[0], c[0]) + normal(x[1], mean, c[3] - slope * c[1])
            }
        }
    };
    let logs: Logs = x.iter().map(|x| (0..3).map(|s| density(x, s)).collect()).collect();
    let data = Sequences::real(x.concat(), 2, vec![6]).unwrap();
    for (start, transition) in chains() {
        let emission = Emission::Gaussian(Gaussian {
            form: Covariance::Full,
            means: means.clone(),
            covariances: covariances.clone(),
        });
        check(&Hmm::new(start, transition, emission).unwrap(), &data, &logs);
    }
}

#[test]
fn far_apart_states_do_not_underflow() {
    // Densities between states differ by more than e^745, and the chain cannot go back.
    let x = [0.0, 1.0, 100.0, 101.0, 300.0, 299.0];
    let logs: Logs =
        x.iter().map(|x| [0.0, 100.0, 300.0].map(|m| normal(*x, m, 1.0)).to_vec()).collect();
    let data = Sequences::real(x.to_vec(), 1, vec![6]).unwrap();
    for (start, transition) in chains() {
        let emission = Emission::Gaussian(Gaussian {
            form: Covariance::Spherical,
            means: vec![vec![0.0], vec![100.0], vec![300.0]],
            covariances: vec![vec![1.0]; 3],
        });
        check(&Hmm::new(start, transition, emission).unwrap(), &data, &logs);
    }
    // Two branches that never meet: the one that is far behind first is ahead at the end.
    let apart = vec![vec![1.0, 0.0], vec![0.0, 1.0]];
    let x = [0.0, 0.0, 45.0, 45.0, 45.0];
    let logs: Logs = x.iter().map(|x| vec![normal(*x, 0.0, 1.0), normal(*x, 45.0, 1.0)]).collect();
    let emission = Emission::Gaussian(Gaussian {
        form: Covariance::Diagonal,
        means: vec![vec![0.0], vec![45.0]],
        covariances: vec![vec![1.0]; 2],
    });
    let model = Hmm::new(vec![0.5, 0.5], apart, emission).unwrap();
    check(&model, &Sequences::real(x.to_vec(), 1, vec![5]).unwrap(), &logs);
}

#[test]
fn symbols_counts_and_bits() {
    let probabilities: Vec<Vec<f64>> =
        vec![vec![0.5, 0.3, 0.2], vec![0.1, 0.0, 0.9], vec![0.2, 0.7, 0.1]];
    let symbols = [0u32, 2, MISSING, 1, 2, 0];
    let logs: Logs = symbols
        .iter()
        .map(|x| match *x {
            MISSING => vec![0.0; 3],
            x => probabilities.iter().map(|p| p[x as usize].ln()).collect(),
        })
        .collect();
    let bits = [[1.0, 0.0], [f64::NAN, 1.0], [0.0, 0.0], [1.0, 1.0]];
    let yes: Vec<Vec<f64>> = vec![vec![0.9, 0.2], vec![0.5, 0.5], vec![1.0, 0.1]];
    let bit = |x: f64, p: f64| match x.is_nan() {
        true => 0.0,
        false => (if x == 1.0 { p } else { 1.0 - p }).ln(),
    };
    let bit_logs: Logs = bits
        .iter()
        .map(|x| yes.iter().map(|p| bit(x[0], p[0]) + bit(x[1], p[1])).collect())
        .collect();
    let counts = [3.0, 0.0, f64::NAN, 12.0, 7.0];
    let means = [2.0, 6.0, 11.0];
    let factorial = |n: f64| (1..=n as u64).map(|i| (i as f64).ln()).sum::<f64>();
    let poisson = |x: f64, m: f64| match x.is_nan() {
        true => 0.0,
        false => x * m.ln() - m - factorial(x),
    };
    let count_logs: Logs =
        counts.iter().map(|x| means.iter().map(|m| poisson(*x, *m)).collect()).collect();
    for (start, transition) in chains() {
        let model = |emission| Hmm::new(start.clone(), transition.clone(), emission).unwrap();
        let emission = Emission::Categorical(Categorical { probabilities: probabilities.clone() });
        check(&model(emission), &Sequences::symbols(symbols.to_vec(), vec![6]).unwrap(), &logs);
        let emission = Emission::Bernoulli(Bernoulli { probabilities: yes.clone() });
        check(&model(emission), &Sequences::real(bits.concat(), 2, vec![4]).unwrap(), &bit_logs);
        let emission = Emission::Poisson(Poisson { means: means.map(|m| vec![m]).to_vec() });
        check(
            &model(emission),
            &Sequences::real(counts.to_vec(), 1, vec![5]).unwrap(),
            &count_logs,
        );
    }
}

/// One step of learning by enumeration: expected counts of a Gaussian model with one column.
#[test]
fn a_step_with_weights_and_missing_values_is_the_enumerated_one() {
    let rows = [vec![0.1, f64::NAN, 2.2, 1.9], vec![2.0, 0.2, 0.3]];
    let (weights, step_weights) = ([0.5, 3.0], vec![1.0, 1.0, 2.0, 0.0, 1.0, 0.5, 1.0]);
    let (means, variances) = ([0.0, 2.0], [0.7, 1.2]);
    let start = vec![0.6, 0.4];
    let transition = vec![vec![0.7, 0.3], vec![0.2, 0.8]];
    let emission = Emission::Gaussian(Gaussian {
        form: Covariance::Diagonal,
        means: means.map(|m| vec![m]).to_vec(),
        covariances: variances.map(|v| vec![v]).to_vec(),
    });
    let model = Hmm::new(start, transition, emission).unwrap();
    let (mut total, mut starts, mut pairs) = (0.0, [0.0; 2], [[0.0; 2]; 2]);
    let mut sums = [[0.0; 3]; 2];
    for (i, rows) in rows.iter().enumerate() {
        let step_weights = &step_weights[[0, 4][i]..];
        let logs: Logs = rows
            .iter()
            .zip(step_weights)
            .map(|(x, w)| {
                let log = |s: usize| w * normal(*x, means[s], variances[s]);
                if x.is_nan() { vec![0.0; 2] } else { vec![log(0), log(1)] }
            })
            .collect();
        let truth = enumerate(&model, &logs);
        total += weights[i] * truth.log_likelihood;
        for (log, path) in &truth.paths {
            let p = weights[i] * (log - truth.log_likelihood).exp();
            starts[path[0]] += p;
            path.windows(2).for_each(|w| pairs[w[0]][w[1]] += p);
            for ((state, x), w) in path.iter().zip(rows).zip(step_weights) {
                if !x.is_nan() {
                    let p = p * w;
                    let own = &mut sums[*state];
                    (own[0], own[1], own[2]) = (own[0] + p, own[1] + p * x, own[2] + p * x * x);
                }
            }
        }
    }
    let data = Sequences::real(rows.concat(), 1, vec![4, 3])
        .unwrap()
        .weights(weights.to_vec())
        .unwrap()
        .step_weights(step_weights)
        .unwrap();
    let mut fit = HmmFit::from_model(HmmConfig::default(), model, &data).unwrap();
    let step = fit.step(&data).unwrap();
    near(&[step.log_likelihood], &[total]);
    let started: f64 = starts.iter().sum();
    near(fit.model().start(), &starts.map(|s| s / started));
    for (from, row) in pairs.iter().enumerate() {
        let left: f64 = row.iter().sum();
        near(fit.model().transition(from), &row.map(|p| p / left));
    }
    let Emission::Gaussian(learnt) = fit.model().emission() else { panic!() };
    for (state, [n, first, second]) in sums.into_iter().enumerate() {
        near(&learnt.means[state], &[first / n]);
        near(&learnt.covariances[state], &[second / n - (first / n).powi(2)]);
    }
}

/// A weight of 3 is three equal sequences, a weight of 0 none; long sequences are cut into blocks that
/// must not show.
#[test]
fn weights_count_sequences_and_blocks_do_not_show() {
    let mut noise = Noise::new(Seed(4));
    let lengths = [5000, 40, 1024, 2049, 0, 1];
    let total: usize = lengths.iter().sum();
    let values: Vec<f64> = noise
        .normal_vec(total)
        .into_iter()
        .enumerate()
        .map(|(i, z)| z + if i / 37 % 2 == 0 { 0.0 } else { 2.5 })
        .collect();
    let data = Sequences::real(values.clone(), 1, lengths.to_vec()).unwrap();
    let weighted = data.clone().weights(vec![1.0, 3.0, 0.0, 1.0, 2.0, 2.0]).unwrap();
    let (mut copies, mut copied) = (Vec::new(), Vec::new());
    let mut from = 0;
    for (length, times) in lengths.iter().zip([1, 3, 0, 1, 2, 2]) {
        for _ in 0..times {
            copies.extend_from_slice(&values[from..from + length]);
            copied.push(*length);
        }
        from += length;
    }
    let copies = Sequences::real(copies, 1, copied).unwrap();
    let fit = |data: &Sequences| {
        let emission = Emission::Gaussian(Gaussian {
            form: Covariance::Diagonal,
            means: vec![vec![0.1], vec![2.0]],
            covariances: vec![vec![1.0], vec![1.5]],
        });
        let transition = vec![vec![0.9, 0.1], vec![0.1, 0.9]];
        let model = Hmm::new(vec![0.5, 0.5], transition, emission).unwrap();
        let mut fit = HmmFit::from_model(HmmConfig::default(), model, data).unwrap();
        let steps: Vec<f64> = (0..4).map(|_| fit.step(data).unwrap().log_likelihood).collect();
        (steps, fit.into_model())
    };
    let ((ours, model), (theirs, other)) = (fit(&weighted), fit(&copies));
    for (a, b) in ours.iter().zip(&theirs) {
        assert!((a - b).abs() < 1e-9 * b.abs(), "{a} {b}");
    }
    let pairs = model.start().iter().zip(other.start());
    assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-9));
    // The same long sequence through the filter, one step after the other.
    let steps: Vec<f64> =
        model.step_log_likelihoods(&data).unwrap().iter().map(|s| s.iter().sum()).collect();
    for (score, sum) in model.scores(&data).unwrap().iter().zip(steps) {
        assert!((score.log_likelihood - sum).abs() < 1e-9 * (1.0 + sum.abs()));
    }
    // Posteriors at the cuts are those of the whole: they agree with a model that is read backwards.
    let posterior = &model.posteriors(&data).unwrap()[0];
    assert!(posterior.iter().all(|p| (p[0] + p[1] - 1.0).abs() < 1e-9));
}

/// The bytes do not depend on the number of threads, and a fit that was written down goes on as if
/// nothing had happened.
#[test]
fn threads_and_resuming_change_nothing() {
    let mut noise = Noise::new(Seed(5));
    let values = noise.normal_vec(2 * 9000);
    let data = Sequences::real(values, 2, vec![7000, 1500, 500]).unwrap();
    let config = HmmConfig {
        states: 3,
        emission: EmissionConfig::Gaussian { covariance: Covariance::Full },
        ..Default::default()
    };
    let run = |threads: usize, cut: bool| {
        let pool = rayon_pool(threads);
        pool.install(|| {
            let mut fit = HmmFit::new(config.clone(), &data, Seed(2)).unwrap();
            for step in 0..6 {
                fit.step(&data).unwrap();
                if cut && step == 2 {
                    let text = serde_json::to_string(&fit).unwrap();
                    fit = serde_json::from_str(&text).unwrap();
                }
            }
            serde_json::to_string(&fit).unwrap()
        })
    };
    let one = run(1, false);
    assert_eq!(one, run(2, false));
    assert_eq!(one, run(5, true));
}

fn rayon_pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}
