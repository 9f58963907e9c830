//! Long-run behaviour against closed forms and simulation.

use pyrogen_core::{Noise, Seed};
use pyrogen_markov::analysis::{Chain, ContinuousChain, Stay};

/// Rounding of eliminations of a few states.
const CLOSE: f64 = 1e-12;

fn near(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < CLOSE || a == b), "{a:?} {b:?}");
}

/// A gambler who wins with probability `p`, from 0 to `top`.
fn gambler(p: f64, top: usize) -> Chain {
    let row = |i: usize| {
        let mut row = vec![0.0; top + 1];
        match i == 0 || i == top {
            true => row[i] = 1.0,
            false => (row[i - 1], row[i + 1]) = (1.0 - p, p),
        }
        row
    };
    Chain::new((0..=top).map(row).collect()).unwrap()
}

#[test]
fn the_gamblers_ruin() {
    let chain = gambler(0.4, 10);
    let classes = chain.classes();
    assert_eq!(classes.len(), 3);
    assert!(classes[0].closed && !classes[1].closed && classes[2].closed);
    assert_eq!((classes[1].states.len(), classes[1].period, classes[0].period), (9, 2, 1));
    let end = chain.absorption().unwrap();
    let r: f64 = 0.6 / 0.4;
    for i in 0..=10 {
        // Feller (1968), XIV.2 and XIV.3.
        let wins = (1.0 - r.powi(i)) / (1.0 - r.powi(10));
        near(&end.probabilities[i as usize], &[1.0 - wins, wins]);
        near(&end.times[i as usize..=i as usize], &[f64::from(i) / 0.2 - 10.0 / 0.2 * wins]);
    }
    assert!(chain.stationary().unwrap_err().to_string().contains("one closed class, got 2"));
    assert_eq!(chain.mixing_time(0.1).unwrap(), None);
    let times = chain.hitting_times(&[10]).unwrap();
    assert!(times[..10].iter().all(|t| t.is_infinite()) && times[10] == 0.0);
    near(&chain.hitting_times(&[0, 10]).unwrap(), &end.times);
}

#[test]
fn stationary_distributions_are_exact_however_small() {
    // Birth and death with rates 1e-8 and 1: each state is 1e-8 times the one before.
    let k = 12;
    let row = |i: usize| {
        let mut row = vec![0.0; k];
        if i + 1 < k {
            row[i + 1] = 1e-8;
        }
        if i > 0 {
            row[i - 1] = 0.5;
        }
        row[i] = 1.0 - row.iter().sum::<f64>();
        row
    };
    let share = Chain::new((0..k).map(row).collect()).unwrap().stationary().unwrap();
    for i in 1..k {
        assert!((share[i] / share[i - 1] / 2e-8 - 1.0).abs() < 1e-13, "{share:?}");
    }
}

#[test]
fn mixing_times_are_the_least() {
    let chain = Chain::new(vec![vec![0.9, 0.1], vec![0.3, 0.7]]).unwrap();
    // The distance from the stationary distribution is the largest share times 0.6^t.
    for distance in [0.7, 0.25, 1e-3, 1e-9] {
        let mut t = 0;
        while 0.75 * 0.6f64.powi(t) > distance {
            t += 1;
        }
        assert_eq!(chain.mixing_time(distance).unwrap(), Some(t as u64), "{distance}");
    }
    let turn = Chain::new(vec![vec![0.0, 1.0], vec![1.0, 0.0]]).unwrap();
    assert_eq!((turn.classes()[0].period, turn.mixing_time(0.1).unwrap()), (2, None));
    near(&turn.stationary().unwrap(), &[0.5, 0.5]);
    assert!(chain.mixing_time(0.0).is_err());
}

#[test]
fn chains_are_learnt_and_walked() {
    let chain = Chain::learnt(&[&[0, 1, 0, 1, 1], &[], &[2]], 3, 0.0).unwrap();
    near(&chain.rows().concat(), &[0.0, 1.0, 0.0, 0.5, 0.5, 0.0, 0.0, 0.0, 1.0]);
    let walk = chain.walk(&Noise::new(Seed(1)), 3, 0, 4000).unwrap();
    assert_eq!((walk.len(), walk[0]), (4001, 0));
    let ones = walk.iter().filter(|s| **s == 1).count() as f64 / 4001.0;
    // The share is 2/3 with a standard error below 0.01.
    assert!((ones - 2.0 / 3.0).abs() < 0.05, "{ones}");
    assert!(
        Chain::learnt(&[&[0, 5]], 3, 0.0).unwrap_err().to_string().contains("step 1: symbol 5")
    );
    assert!(Chain::new(vec![]).is_err() && Chain::new(vec![vec![0.5]]).is_err());
    assert!(chain.walk(&Noise::new(Seed(1)), 0, 9, 1).is_err());
}

#[test]
fn continuous_time_has_the_closed_form_of_two_states() {
    let (a, b) = (0.7, 3.0);
    let chain = ContinuousChain::new(vec![vec![0.0, a], vec![b, 0.0]]).unwrap();
    for time in [0.0, 1e-9, 0.1, 1.0, 50.0, 1e6] {
        let gone = -(-(a + b) * time).exp_m1() / (a + b);
        let truth = [1.0 - a * gone, a * gone, b * gone, 1.0 - b * gone];
        let ours = chain.over(time).unwrap().rows().concat();
        assert!(ours.iter().zip(truth).all(|(x, y)| (x - y).abs() < 1e-10), "{time}: {ours:?}");
    }
    near(&chain.stationary().unwrap(), &[b / (a + b), a / (a + b)]);
    // Learnt from long records, the rates come back: 4 standard errors of a count of 2,000.
    let noise = Noise::new(Seed(2));
    let records: Vec<(Vec<Stay>, f64)> =
        (0..20).map(|i| (chain.sample(&noise, i, 0, 180.0).unwrap(), 180.0)).collect();
    let borrowed: Vec<(&[Stay], f64)> = records.iter().map(|(s, e)| (s.as_slice(), *e)).collect();
    let learnt = ContinuousChain::learnt(&borrowed, 2).unwrap();
    assert!((learnt.rates()[0][1] / a - 1.0).abs() < 0.09);
    assert!((learnt.rates()[1][0] / b - 1.0).abs() < 0.09);
    // The estimate maximises the likelihood.
    let best = learnt.log_likelihood(&borrowed).unwrap();
    for factor in [0.99, 1.01] {
        let rates = learnt.rates().iter().map(|r| r.iter().map(|v| v * factor).collect()).collect();
        assert!(ContinuousChain::new(rates).unwrap().log_likelihood(&borrowed).unwrap() < best);
    }
    let wrong = [Stay::new(0, 1.0), Stay::new(0, 2.0)];
    assert!(
        ContinuousChain::learnt(&[(&wrong, 3.0)], 2)
            .unwrap_err()
            .to_string()
            .contains("another state")
    );
    let back = [Stay::new(0, 2.0), Stay::new(1, 1.0)];
    assert!(ContinuousChain::learnt(&[(&back, 3.0)], 2).is_err());
    assert!(ContinuousChain::new(vec![vec![0.0, -1.0], vec![0.0, 0.0]]).is_err());
    assert!(chain.over(f64::NAN).is_err());
}
