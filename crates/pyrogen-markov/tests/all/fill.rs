//! What is missing in a sequence, and what follows it, against integrals of the likelihood of the
//! sequence with every value in its place.

use pyrogen_core::{Noise, Seed};
use pyrogen_markov::hmm::{
    Bernoulli, Categorical, Cell, Covariance, Emission, Gamma, Gaussian, GaussianMixture, Hmm,
    Poisson,
};
use pyrogen_markov::{MISSING, Sequences};

fn model(emission: Emission) -> Hmm {
    Hmm::new(vec![0.3, 0.7], vec![vec![0.8, 0.2], vec![0.1, 0.9]], emission).unwrap()
}

fn gaussian(form: Covariance, count: usize) -> Gaussian {
    let means = (0..count).map(|i| vec![i as f64 - 0.5, 1.0 - 1.5 * i as f64]).collect();
    let own = |i: usize| match form {
        Covariance::Spherical => vec![0.5 + i as f64],
        Covariance::Diagonal => vec![0.5 + i as f64, 1.2],
        _ => vec![1.0 + 0.2 * i as f64, 0.6, 0.6, 1.5],
    };
    let covariances = match form {
        Covariance::Tied => vec![own(0)],
        _ => (0..count).map(own).collect(),
    };
    Gaussian { form, means, covariances }
}

fn emissions() -> Vec<(&'static str, Emission, [f64; 4])> {
    // Values of the four places that are observed in the test's sequence.
    let real = [0.4, -0.7, 1.3, 0.2];
    let mut all = vec![
        (
            "poisson",
            Emission::Poisson(Poisson { means: vec![vec![2.0, 1.0], vec![6.0, 4.0]] }),
            [3.0, 1.0, 5.0, 2.0],
        ),
        (
            "bernoulli",
            Emission::Bernoulli(Bernoulli { probabilities: vec![vec![0.2, 0.6], vec![0.9, 0.3]] }),
            [1.0, 0.0, 1.0, 0.0],
        ),
        (
            "gamma",
            Emission::Gamma(Gamma {
                shapes: vec![vec![2.0, 3.0], vec![6.0, 4.0]],
                rates: vec![vec![1.0, 2.0], vec![2.0, 1.0]],
            }),
            [1.5, 0.7, 2.5, 1.2],
        ),
        (
            "mixture",
            Emission::GaussianMixture(GaussianMixture {
                weights: vec![vec![0.4, 0.6], vec![0.9, 0.1]],
                gaussians: gaussian(Covariance::Full, 4),
            }),
            real,
        ),
    ];
    for form in [Covariance::Spherical, Covariance::Diagonal, Covariance::Full, Covariance::Tied] {
        all.push(("gaussian", Emission::Gaussian(gaussian(form, 2)), real));
    }
    all
}

/// Values that a column may have, and the width of each.
fn grid(name: &str) -> (Vec<f64>, f64) {
    match name {
        "poisson" => ((0..60).map(f64::from).collect(), 1.0),
        "bernoulli" => (vec![0.0, 1.0], 1.0),
        "gamma" => ((1..12_000).map(|i| f64::from(i) * 0.0025).collect(), 0.0025),
        _ => ((-4000..4000).map(|i| f64::from(i) * 0.004).collect(), 0.004),
    }
}

/// Mean and standard deviation of a value in proportion to the likelihood of the sequence with it.
fn truth(model: &Hmm, name: &str, rows: &[f64], place: usize) -> (f64, f64) {
    let (values, width) = grid(name);
    let steps = rows.len() / 2;
    let all: Vec<f64> = values
        .iter()
        .flat_map(|v| {
            let mut own = rows.to_vec();
            own[place] = *v;
            own
        })
        .collect();
    let data = Sequences::real(all, 2, vec![steps; values.len()]).unwrap();
    let scores = model.scores(&data).unwrap();
    let density: Vec<f64> = scores.iter().map(|s| s.log_likelihood.exp() * width).collect();
    let total: f64 = density.iter().sum();
    let mean = values.iter().zip(&density).map(|(v, d)| v * d / total).sum::<f64>();
    let square = values.iter().zip(&density).map(|(v, d)| (v - mean).powi(2) * d / total);
    (mean, square.sum::<f64>().sqrt())
}

/// Sums over a grid of steps of 0.004 (0.0025) are so near to integrals.
const GRID: f64 = 2e-5;

#[test]
fn missing_values_have_the_distribution_that_the_likelihood_gives_them() {
    for (name, emission, [a, b, c, d]) in emissions() {
        let model = model(emission);
        // The second row is missing in its first column, the third as a whole.
        let rows = vec![a, b, f64::NAN, d, f64::NAN, f64::NAN, c, b];
        let data = Sequences::real(rows.clone(), 2, vec![4]).unwrap();
        let found = model.missing(&data, 0).unwrap();
        let places: Vec<(usize, usize)> = found.iter().map(|m| (m.step, m.column)).collect();
        assert_eq!(places, [(1, 0), (2, 0), (2, 1)], "{name}");
        for missing in &found {
            let place = missing.step * 2 + missing.column;
            let (mean, std) = truth(&model, name, &rows, place);
            let Cell::Number { mean: ours, std: spread } = missing.cell else { panic!("{name}") };
            assert!((ours - mean).abs() < GRID, "{name} {place}: mean {ours}, {mean}");
            assert!((spread - std).abs() < GRID, "{name} {place}: std {spread}, {std}");
        }
        // The row that follows is a missing row at the end.
        let mut longer = rows.clone();
        longer.extend([f64::NAN, f64::NAN, f64::NAN, f64::NAN]);
        let ahead = model.ahead(&data, 0, 2).unwrap();
        let (mean, std) = truth(&model, name, &longer, 11);
        let Cell::Number { mean: ours, std: spread } = ahead[1][1] else { panic!("{name}") };
        assert!((ours - mean).abs() < GRID && (spread - std).abs() < GRID, "{name}");
        // Draws agree with it: five standard errors, one false alarm in a million.
        const N: usize = 4000;
        let noise = Noise::new(Seed(2));
        let drawn: Vec<Vec<f64>> =
            (0..N).map(|i| model.fill(&data, 0, &noise, i, 2).unwrap()).collect();
        let (mean, std) = truth(&model, name, &rows, 2);
        let ours = drawn.iter().map(|values| values[2]).sum::<f64>() / N as f64;
        assert!((ours - mean).abs() < 5.0 * std / (N as f64).sqrt(), "{name}: {ours} {mean}");
        let spread = drawn.iter().map(|v| (v[2] - mean).powi(2)).sum::<f64>() / N as f64;
        assert!((spread.sqrt() / std - 1.0).abs() < 0.12, "{name}: {spread} {std}");
        assert!(drawn.iter().all(|v| v.len() == 12 && v[0] == a && v[3] == d && v[7] == b));
        let (mean, std) = truth(&model, name, &longer, 11);
        let ours = drawn.iter().map(|values| values[11]).sum::<f64>() / N as f64;
        assert!((ours - mean).abs() < 5.0 * std / (N as f64).sqrt(), "{name}: {ours} {mean}");
        assert_eq!(model.fill(&data, 0, &noise, 7, 2).unwrap(), drawn[7]);
    }
}

#[test]
fn missing_symbols_have_the_probabilities_that_the_likelihood_gives_them() {
    let rows = vec![vec![0.5, 0.3, 0.2], vec![0.1, 0.1, 0.8]];
    let model = model(Emission::Categorical(Categorical { probabilities: rows }));
    let text = [0, MISSING, 2, 2, MISSING];
    let data = Sequences::symbols(text.to_vec(), vec![5]).unwrap();
    let found = model.missing(&data, 0).unwrap();
    assert_eq!(found.len(), 2);
    for missing in found {
        let scores: Vec<f64> = (0..3)
            .map(|symbol| {
                let mut own = text.to_vec();
                own[missing.step] = symbol;
                let data = Sequences::symbols(own, vec![5]).unwrap();
                model.scores(&data).unwrap()[0].log_likelihood.exp()
            })
            .collect();
        let total: f64 = scores.iter().sum();
        let Cell::Symbol(ours) = missing.cell else { panic!("a symbol") };
        for (ours, score) in ours.iter().zip(&scores) {
            assert!((ours - score / total).abs() < 1e-12, "{ours} {}", score / total);
        }
    }
    let filled = model.fill(&data, 0, &Noise::new(Seed(1)), 0, 0).unwrap();
    assert!(filled.iter().all(|v| [0.0, 1.0, 2.0].contains(v)) && filled[0] == 0.0);
    // Nothing is missing in an empty sequence, and something follows it.
    let empty = Sequences::symbols(vec![], vec![0]).unwrap();
    assert!(model.missing(&empty, 0).unwrap().is_empty());
    let Cell::Symbol(p) = &model.ahead(&empty, 0, 1).unwrap()[0][0] else { panic!("a symbol") };
    assert!((p[2] - (0.3 * 0.2 + 0.7 * 0.8)).abs() < 1e-12, "{p:?}");
}
