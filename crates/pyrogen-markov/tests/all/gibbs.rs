//! Gibbs sampling against posteriors that are known.

use pyrogen_core::{Noise, Seed};
use pyrogen_markov::Sequences;
use pyrogen_markov::hmm::{
    Covariance, Emission, Gaussian, Gibbs, GibbsPriors, Hmm, Poisson, Start,
};

#[test]
fn one_state_has_the_conjugate_posterior() {
    let counts = [3.0, 5.0, f64::NAN, 4.0, 8.0];
    let data = Sequences::real(counts.to_vec(), 1, vec![5]).unwrap();
    let emission = Emission::Poisson(Poisson { means: vec![vec![1.0]] });
    let model = Hmm::new(vec![1.0], vec![vec![1.0]], emission).unwrap();
    let priors = GibbsPriors { shape: 2.0, rate: 0.5, ..Default::default() };
    let mut gibbs = Gibbs::new(model, priors, &data, Seed(1)).unwrap();
    let mut draws = Vec::new();
    for _ in 0..4000 {
        gibbs.step(&data).unwrap();
        let Emission::Poisson(e) = gibbs.model().emission() else { panic!() };
        draws.push(e.means[0][0]);
    }
    // Gamma with shape 2 + 20 and rate 0.5 + 4; five standard errors of mean and variance.
    let n = draws.len() as f64;
    let mean = draws.iter().sum::<f64>() / n;
    let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n;
    let (true_mean, true_variance) = (22.0 / 4.5, 22.0 / 4.5f64.powi(2));
    assert!((mean - true_mean).abs() < 5.0 * (true_variance / n).sqrt(), "{mean}");
    assert!((variance / true_variance - 1.0).abs() < 5.0 * (2.3 / n).sqrt(), "{variance}");
}

#[test]
fn two_states_are_found_again_and_resume_exactly() {
    let emission = || {
        Emission::Gaussian(Gaussian {
            form: Covariance::Diagonal,
            means: vec![vec![0.0], vec![4.0]],
            covariances: vec![vec![1.0], vec![0.25]],
        })
    };
    let transition = vec![vec![0.95, 0.05], vec![0.1, 0.9]];
    let truth = Hmm::new(vec![0.5, 0.5], transition.clone(), emission()).unwrap();
    let sampled = truth.sample(&Noise::new(Seed(4)), 0, 1200, Start::Model, &[]).unwrap();
    let data = Sequences::real(sampled.values, 1, vec![700, 500]).unwrap();
    let start = Emission::Gaussian(Gaussian {
        form: Covariance::Diagonal,
        means: vec![vec![1.0], vec![3.0]],
        covariances: vec![vec![2.0], vec![2.0]],
    });
    let even = vec![vec![0.5, 0.5]; 2];
    let model = Hmm::new(vec![0.5, 0.5], even, start).unwrap();
    let mut gibbs = Gibbs::new(model, GibbsPriors::default(), &data, Seed(2)).unwrap();
    let (mut means, mut agree, mut stay) = ([0.0; 2], 0.0, 0.0);
    let mut copy = None;
    for draw in 0..150 {
        let paths = gibbs.step(&data).unwrap();
        if draw < 50 {
            continue;
        }
        if draw == 60 {
            copy = Some(serde_json::to_string(&gibbs).unwrap());
        }
        let Emission::Gaussian(e) = gibbs.model().emission() else { panic!() };
        means[0] += e.means[0][0] / 100.0;
        means[1] += e.means[1][0] / 100.0;
        stay += gibbs.model().transition(0)[0] / 100.0;
        let same = paths.concat().iter().zip(&sampled.states).filter(|(a, b)| a == b).count();
        agree += same as f64 / 1200.0 / 100.0;
    }
    // 400 rows a state at least: standard errors of 0.05 and 0.03; states overlap by 3 deviations.
    assert!(means[0].abs() < 0.25 && (means[1] - 4.0).abs() < 0.15, "{means:?}");
    assert!((stay - 0.95).abs() < 0.05 && agree > 0.97, "{stay} {agree}");
    let mut copy: Gibbs = serde_json::from_str(&copy.unwrap()).unwrap();
    while copy.draws() < gibbs.draws() {
        copy.step(&data).unwrap();
    }
    assert_eq!(copy, gibbs);
}
