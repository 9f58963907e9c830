//! Prediction by partial matching: sums, a table worked out by hand, draws, and beside other chains.

use pyrogen_core::{Noise, Seed};
use pyrogen_markov::chain::{Counts, Escape, Ppm, PpmConfig, TokenModel};

/// Rounding of some products and sums.
const CLOSE: f64 = 1e-12;

fn configs() -> impl Iterator<Item = PpmConfig> {
    [(Escape::C, false), (Escape::C, true), (Escape::D, false), (Escape::D, true)]
        .into_iter()
        .map(|(escape, update_exclusion)| PpmConfig { escape, update_exclusion })
}

/// Sentences over `symbols` symbols, of which the last two are never seen.
fn sentences(symbols: u32, count: usize) -> (Vec<u32>, Vec<usize>) {
    let draws = Noise::new(Seed(4)).uniform_vec(count * 9);
    let (mut text, mut lengths) = (Vec::new(), Vec::new());
    for (i, draws) in draws.chunks_exact(9).enumerate() {
        let length = i % 9;
        lengths.push(length);
        let mut last = i as u32 % (symbols - 2);
        for draw in &draws[..length] {
            text.push(last);
            last = (last * 3 + (draw * draw * 4.0) as u32) % (symbols - 2);
        }
    }
    (text, lengths)
}

#[test]
fn probabilities_add_up_to_one_exactly() {
    let (text, lengths) = sentences(7, 120);
    for ends in [false, true] {
        let count = if ends { Counts::ends } else { Counts::new };
        for order in [0, 1, 3, 6] {
            for config in configs() {
                let model = Ppm::new(count(&text, &lengths, 7, order).unwrap(), config);
                for before in [&[][..], &[0], &[6, 5], &[1, 3], &text[3..20], &text[40..44]] {
                    let next = model.next(before).unwrap();
                    assert_eq!(next.len(), 7 + usize::from(ends));
                    let sum: f64 = next.iter().sum();
                    assert!((sum - 1.0).abs() < CLOSE, "{config:?} {order} {before:?}: {sum}");
                    let context = model.counts().context(before).unwrap();
                    for (symbol, p) in next.iter().enumerate() {
                        let one = model.probability(&context, symbol as u32);
                        assert!((one - p).abs() < CLOSE && *p > 0.0, "{config:?} {symbol}: {p}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_table_worked_out_by_hand() {
    // a b a c, and d that is never seen: after a come b and c, after b comes a.
    let text = [0, 1, 0, 2];
    let model = |escape, update_exclusion| {
        let config = PpmConfig { escape, update_exclusion };
        Ppm::new(Counts::new(&text, &[4], 4, 1).unwrap(), config)
    };
    let cases = [
        // Escape D: after a, (1 - 1/2) / 2 for b and c, 1/2 is left; without b and c, a has 2 of 2:
        // (2 - 1/2) / 2, and 1/4 is left for d.
        (model(Escape::D, false), 0, [0.375, 0.25, 0.25, 0.125]),
        // After b: 1/2 for a, 1/2 is left; b and c share it with 1/4 each, the rest is d's.
        (model(Escape::D, false), 1, [0.5, 0.125, 0.125, 0.25]),
        // Update exclusion: a is counted once, after b.
        (model(Escape::D, true), 0, [0.25, 0.25, 0.25, 0.25]),
        // Escape C: after a, 1 / 4 for b and c and 1/2 left; a has 2 / 3 of it.
        (model(Escape::C, false), 0, [1.0 / 3.0, 0.25, 0.25, 0.5 / 3.0]),
    ];
    for (model, before, table) in cases {
        let next = model.next(&[before]).unwrap();
        for (ours, hand) in next.iter().zip(table) {
            assert!((ours - hand).abs() < CLOSE, "after {before}: {next:?}, {table:?}");
        }
        let logs = model.log_probabilities(&[before, 1]).unwrap();
        assert!((logs[1] - table[1].ln()).abs() < CLOSE);
    }
}

#[test]
fn a_context_after_which_everything_was_seen_does_not_escape() {
    let text = [0, 0, 1, 1, 0, 0, 1];
    for config in configs() {
        let model = Ppm::new(Counts::new(&text, &[7], 2, 2).unwrap(), config);
        // After 0: 0 twice, 1 twice.
        let next = model.next(&[1, 0]).unwrap();
        assert!((next.iter().sum::<f64>() - 1.0).abs() < CLOSE);
    }
    // One symbol alone, and an empty sequence.
    let model = Ppm::new(Counts::new(&[0, 0], &[2], 1, 3).unwrap(), PpmConfig::default());
    assert_eq!(model.next(&[0]).unwrap(), [1.0]);
    assert!(model.next(&[1]).is_err());
    let empty = Ppm::new(Counts::ends(&[], &[0, 0], 3, 2).unwrap(), PpmConfig::default());
    let next = empty.next(&[]).unwrap();
    assert!(next[3] > 0.5 && (next.iter().sum::<f64>() - 1.0).abs() < CLOSE);
}

#[test]
fn draws_follow_the_probabilities() {
    let (text, lengths) = sentences(7, 120);
    const N: usize = 20_000;
    for config in configs() {
        let model = Ppm::new(Counts::ends(&text, &lengths, 7, 3).unwrap(), config);
        let noise = Noise::new(Seed(8));
        let mut seen = [0.0; 8];
        for item in 0..N {
            let made = model.generate(&noise, item, &[2, 1], 1).unwrap();
            seen[made.get(2).map_or(7, |s| *s as usize)] += 1.0;
        }
        // Pearson's statistic with 7 degrees of freedom: above 38 once in 300,000 runs.
        let next = model.next(&[2, 1]).unwrap();
        let distance: f64 = seen
            .iter()
            .zip(&next)
            .map(|(seen, p)| (seen - p * N as f64).powi(2) / (p * N as f64))
            .sum();
        assert!(distance < 38.0, "{config:?}: {distance} {next:?}");
        let many: Vec<_> = (0..6).map(|i| model.generate(&noise, i, &[], 20).unwrap()).collect();
        assert_eq!(model.generate(&noise, 4, &[], 20).unwrap(), many[4]);
    }
}
