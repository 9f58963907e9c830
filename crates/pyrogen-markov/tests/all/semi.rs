//! Semi-Markov models against enumeration and against plain models of which they are a form.

use pyrogen_core::{Noise, Seed};
use pyrogen_markov::Sequences;
use pyrogen_markov::hmm::{Emission, Hmm, Poisson, SemiMarkov, Start};

/// Rounding over some thousand segmentations.
const CLOSE: f64 = 1e-10;

fn log_poisson(x: f64, mean: f64) -> f64 {
    x * mean.ln() - mean - (1..=x as u64).map(|i| (i as f64).ln()).sum::<f64>()
}

fn model() -> SemiMarkov {
    let emission = Emission::Poisson(Poisson { means: vec![vec![1.0], vec![4.0], vec![9.0]] });
    let transition = vec![vec![0.0, 0.7, 0.3], vec![0.5, 0.0, 0.5], vec![0.9, 0.1, 0.0]];
    let durations = vec![vec![0.2, 0.5, 0.3], vec![0.0, 0.0, 0.6, 0.4], vec![1.0]];
    SemiMarkov::new(vec![0.5, 0.2, 0.3], transition, durations, emission).unwrap()
}

/// All segmentations: log-probability of each, with its states.
fn enumerate(model: &SemiMarkov, x: &[f64]) -> Vec<(f64, Vec<usize>)> {
    let Emission::Poisson(e) = model.model().emission() else { panic!() };
    let mut open = vec![(0.0, Vec::new())];
    let mut done = Vec::new();
    while let Some((log, states)) = open.pop() {
        let from: usize = states.len();
        for next in 0..3 {
            let step = match states.last() {
                None => model.model().start()[next],
                Some(last) => model.model().transition(*last)[next],
            };
            let row = &model.durations()[next];
            for d in 1..=row.len().min(x.len() - from) {
                let end = from + d;
                let last = end == x.len();
                let lasts = if last { row[d - 1..].iter().sum::<f64>() } else { row[d - 1] };
                let shown: f64 =
                    x[from..end].iter().map(|x| log_poisson(*x, e.means[next][0])).sum();
                let log = log + f64::ln(step) + lasts.ln() + shown;
                if log == f64::NEG_INFINITY {
                    continue;
                }
                let mut states = states.clone();
                states.extend(std::iter::repeat_n(next, d));
                if last { done.push((log, states)) } else { open.push((log, states)) }
            }
        }
    }
    done.sort_by(|a, b| b.0.total_cmp(&a.0));
    done
}

#[test]
fn likelihood_and_path_are_the_enumerated_ones() {
    let x = [0.0, 2.0, 5.0, 3.0, 4.0, 10.0, 1.0, 1.0];
    let data = Sequences::real([&x[..], &x[2..6]].concat(), 1, vec![8, 0, 4]).unwrap();
    let model = model();
    let logs = model.log_likelihoods(&data).unwrap();
    let paths = model.viterbi(&data).unwrap();
    for (x, place) in [(&x[..], 0), (&x[2..6], 2)] {
        let all = enumerate(&model, x);
        let total = all[0].0 + all.iter().map(|p| (p.0 - all[0].0).exp()).sum::<f64>().ln();
        assert!((logs[place] - total).abs() < CLOSE, "{} {total}", logs[place]);
        assert!((paths[place].log_probability - all[0].0).abs() < CLOSE);
        assert_eq!(paths[place].states, all[0].1);
    }
    assert_eq!((logs[1], paths[1].states.len()), (0.0, 0));
}

#[test]
fn geometric_durations_are_a_plain_model() {
    // Durations p (1 - p)^(d - 1), cut where 1e-14 is left.
    let durations = |leave: f64| -> Vec<f64> {
        let mut row: Vec<f64> = (0..60).map(|d| leave * (1.0 - leave).powi(d)).collect();
        let total: f64 = row.iter().sum();
        row.iter_mut().for_each(|p| *p /= total);
        row
    };
    let emission = || Emission::Poisson(Poisson { means: vec![vec![2.0], vec![7.0]] });
    let plain = Hmm::new(vec![0.4, 0.6], vec![vec![0.5, 0.5], vec![0.4, 0.6]], emission()).unwrap();
    let turn = vec![vec![0.0, 1.0], vec![1.0, 0.0]];
    let semi =
        SemiMarkov::new(vec![0.4, 0.6], turn, vec![durations(0.5), durations(0.4)], emission())
            .unwrap();
    let values = plain.sample(&Noise::new(Seed(3)), 0, 50, Start::Model, &[]).unwrap().values;
    let data = Sequences::real(values, 1, vec![50]).unwrap();
    let (a, b) = (plain.log_likelihood(&data).unwrap(), semi.log_likelihoods(&data).unwrap()[0]);
    // What was cut.
    assert!((a - b).abs() < 1e-8, "{a} {b}");
}

#[test]
fn learning_never_lowers_the_likelihood_and_finds_durations() {
    let truth = model();
    let noise = Noise::new(Seed(7));
    let values: Vec<f64> = (0..20).flat_map(|i| truth.sample(&noise, i, 100).values).collect();
    let data = Sequences::real(values, 1, vec![100; 20]).unwrap();
    let even = |n: usize| vec![1.0 / n as f64; n];
    let emission = Emission::Poisson(Poisson { means: vec![vec![2.0], vec![3.0], vec![7.0]] });
    let turn = vec![vec![0.0, 0.5, 0.5], vec![0.5, 0.0, 0.5], vec![0.5, 0.5, 0.0]];
    let mut model = SemiMarkov::new(even(3), turn, vec![even(5); 3], emission).unwrap();
    let mut last = f64::NEG_INFINITY;
    for _ in 0..120 {
        let now = model.step(&data, 1e-6).unwrap();
        assert!(now >= last - 1e-9 * now.abs(), "{last} {now}");
        last = now;
    }
    // The truth is a point of the same family: the best fit is above it.
    assert!(last > truth.log_likelihoods(&data).unwrap().iter().sum::<f64>());
    // 2,000 steps: the shares are known to some hundredths.
    assert!((model.durations()[0][1] - 0.5).abs() < 0.15, "{:?}", model.durations());
    assert!(model.durations()[1][0] < 0.1, "{:?}", model.durations());
}

#[test]
fn impossible_sequences_are_named() {
    // A state that lasts one step and shows nothing but 0, and one that shows anything.
    let emission = Emission::Poisson(Poisson { means: vec![vec![0.0], vec![3.0]] });
    let turn = vec![vec![0.0, 1.0], vec![1.0, 0.0]];
    let model =
        SemiMarkov::new(vec![1.0, 0.0], turn, vec![vec![1.0], vec![0.0, 1.0]], emission).unwrap();
    let data = Sequences::real(vec![0.0, 5.0, 2.0, 0.0, 1.0, 1.0, 0.0, 0.0, 2.0], 1, vec![7, 2]);
    let data = data.unwrap();
    let logs = model.log_likelihoods(&data).unwrap();
    assert!(logs[0].is_finite() && logs[1].is_finite());
    let data = Sequences::real(vec![0.0, 5.0, 2.0, 7.0, 1.0], 1, vec![5]).unwrap();
    assert_eq!(model.log_likelihoods(&data).unwrap(), [f64::NEG_INFINITY]);
    let message = model.viterbi(&data).unwrap_err().to_string();
    assert!(message.contains("sequence 0") && message.contains("from step 3 on"), "{message}");
}

#[test]
fn bad_models_are_named() {
    let emission = || Emission::Poisson(Poisson { means: vec![vec![2.0], vec![7.0]] });
    let of = |transition: Vec<Vec<f64>>, durations: Vec<Vec<f64>>| {
        SemiMarkov::new(vec![0.4, 0.6], transition, durations, emission()).unwrap_err().to_string()
    };
    let turn = vec![vec![0.0, 1.0], vec![1.0, 0.0]];
    assert!(of(vec![vec![0.5, 0.5], vec![1.0, 0.0]], vec![vec![1.0]; 2]).contains("diagonal"));
    assert!(of(turn.clone(), vec![vec![1.0]]).contains("durations"));
    assert!(of(turn, vec![vec![0.7], vec![1.0]]).contains("add up to 1"));
}
