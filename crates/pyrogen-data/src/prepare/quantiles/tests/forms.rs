//! Jumps, grids, spikes, odd columns and older folders.

use super::*;

#[test]
fn jumps_and_grids_come_back() {
    for truth in TRUTHS.iter().skip(4) {
        for n in [30, 400, 3000] {
            let numbers = column(n, 16, truth.draw);
            let distribution = fitted(&numbers, NEVER);
            let whole = mixed(&distribution).grid.is_some();
            for (&x, r) in numbers.iter().zip(Noise::new(Seed(17)).uniform_vec(n)) {
                let mut y = Vec::new();
                distribution.forward(f64::from(x), r, &mut y);
                let back = distribution.backward(&[f64::from(y[0] as f32)]).0 as f32;
                let near = (back - x).abs() <= 0.02 * x.abs();
                assert!(
                    back == x || (!whole && x != 0.0 && near),
                    "{} {n}: {x} {back}",
                    truth.name
                );
            }
        }
    }
    // Prices to the cent come as such, also where none recurs.
    let prices = column(60, 18, |u| (2000.0 + 500.0 * normal_quantile(u)).round() / 100.0);
    let distribution = fitted(&prices, 0.05);
    for y in Noise::new(Seed(19)).normal_vec(200) {
        let x = distribution.backward(&[y]).0;
        assert!((x * 100.0 - (x * 100.0).round()).abs() < 1e-6, "{x}");
    }
}

#[test]
fn the_result_is_normal() {
    for truth in &TRUTHS {
        let data = Dataset::from_parts(column(20_000, 20, truth.draw), vec![1], None).unwrap();
        let step = Quantiles::fit(&data, NEVER, Bounds::Tails, |_| true).unwrap();
        let fresh = column(20_000, 21, truth.draw).iter().map(|&v| f64::from(v)).collect();
        let y = step.forward(fresh, 1, &mut Noise::new(Seed(3)));
        let n = y.len() as f64;
        let (mean, square) = (y.iter().sum::<f64>() / n, y.iter().map(|y| y * y).sum::<f64>() / n);
        // Standard errors are 0.007 and 0.01, of the fit and of the fresh numbers; four of them.
        assert!(
            mean.abs() < 0.04 && (square - 1.0).abs() < 0.06,
            "{}: {mean} {square}",
            truth.name
        );
    }
}

#[test]
fn the_log_determinant_is_the_slope() {
    let distribution = fitted(&column(400, 22, |u| normal_quantile(u).exp()), NEVER);
    let forward = |x: f64| {
        let mut y = Vec::new();
        distribution.forward(x, 0.5, &mut y);
        y[0]
    };
    for x in [-3.0, 0.01, 0.5, 1.3, 4.0, 60.0, 1e4] {
        let h = 1e-6 * (1.0 + f64::abs(x));
        let slope = (forward(x + h) - forward(x - h)) / (2.0 * h);
        let log_det = distribution.backward(&[forward(x)]).1;
        // The difference has an error of 1e-16 / h.
        assert!((log_det - slope.ln()).abs() < 1e-3, "{x}: {log_det} {}", slope.ln());
    }
}

#[test]
fn spikes_stay_apart() {
    // Column 0 has the spikes 0 and 5, column 1 is left alone.
    let first = |i: usize| [0.0, 5.0, 0.0, 5.0, 1.0 + i as f32 / 7.0][i % 5];
    let rows: Vec<f32> = (0..60).flat_map(|i| [first(i), 7.0]).collect();
    let data = Dataset::from_parts(rows.clone(), vec![2], None).unwrap();
    let step = Quantiles::fit(&data, 0.3, Bounds::Tails, |j| j == 0).unwrap();
    let function = step.elements[0].as_ref().unwrap();
    assert_eq!(function.spikes, [0.0, 5.0]);
    assert_eq!(step.output_width(2).unwrap(), 3);
    let x: Vec<f64> = rows.iter().map(|&v| f64::from(v)).collect();
    let y = step.forward(x.clone(), 2, &mut Noise::new(Seed(4)));
    for (i, row) in y.chunks(3).enumerate() {
        let code = [0.0, 1.0, 0.0, 1.0, 2.0][i % 5];
        assert!(row[0] == code && (row[1] == 0.0) == (code < 2.0) && row[2] == 7.0, "{row:?}");
    }
    for (a, b) in x.iter().zip(step.inverse(y.clone(), 2)) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
    assert_eq!(step.log_det(&y, 2)[0], 0.0);
    // Where all values are spikes, the rarest is one that others may join.
    let all: Vec<f32> = (0..40).map(|i| if i % 4 == 0 { 4.0 } else { 1.0 }).collect();
    assert_eq!(fitted(&all, 0.05).spikes, [1.0]);
    assert!(!fitted(&[3.0; 40], 0.05).has_spikes());
}

#[test]
fn odd_columns_have_a_distribution() {
    let columns: [&[f32]; 9] = [
        &[5.0],
        &[0.0],
        &[0.0, 0.0],
        &[-0.0, 0.0, -0.0],
        &[1.0, 2.0],
        &[f32::MIN, f32::MAX],
        &[1e-38, 2e-38, 3e-38],
        &[1e9, 1e9 + 64.0, 1e9 + 128.0],
        &[7.5; 100],
    ];
    for column in columns {
        for seen in [false, true] {
            let distribution = SpikedDistribution::fit(column.to_vec(), 0.05, seen);
            assert!(distribution.is_valid(), "{column:?}: {distribution:?}");
            for x in [-1e30, -1.0, 0.0, f64::from(column[0]), 1e30] {
                let mut y = Vec::new();
                distribution.forward(x, 0.5, &mut y);
                let (back, log_det) = distribution.backward(&y);
                assert!(
                    y[0].is_finite() && back.is_finite() && log_det.is_finite(),
                    "{column:?} {x}"
                );
            }
        }
    }
    // A constant column samples its constant, nearly always.
    let constant = fitted(&[7.5; 100], 0.05);
    let same = Noise::new(Seed(23)).normal_vec(500).into_iter();
    let same = same.filter(|&y| constant.backward(&[y]).0 == 7.5).count();
    assert!(same > 450, "{same}");
}

#[test]
fn the_older_form_still_loads_and_says_the_same() {
    // Written by the code before this form: a card, raw rows, what became of them under `Seed(5)`; and
    // random numbers with what they were samples of.
    let fixture = include_str!("../../../../tests/fixtures/quantiles_0_1.json");
    let fixture: serde_json::Value = serde_json::from_str(fixture).unwrap();
    let card: DataCard = serde_json::from_value(fixture["card"].clone()).unwrap();
    let preparation = Preparation::from_card(&card).unwrap();
    let steps = serde_json::to_value(preparation.steps()).unwrap();
    assert_eq!(steps, fixture["card"]["preparation"]["steps"]);
    let numbers =
        |name: &str| -> Vec<f64> { serde_json::from_value(fixture[name].clone()).unwrap() };
    let raw: Vec<f32> = numbers("raw").iter().map(|&v| v as f32).collect();
    let seen = preparation.apply(&raw, &mut Noise::new(Seed(5)));
    let same = |a: &[f32], name: &str| {
        let expected: Vec<f32> = numbers(name).iter().map(|&v| v as f32).collect();
        assert_eq!(a, expected, "{name}");
    };
    same(&seen, "seen");
    let samples: Vec<f32> = numbers("samples").iter().map(|&v| v as f32).collect();
    same(&preparation.inverse(&samples), "sampled");
    // The error function of another platform may round otherwise.
    for (a, b) in preparation.log_det(&samples).iter().zip(numbers("log_det")) {
        assert!((a - b).abs() < 1e-12 * (1.0 + b.abs()), "{a} {b}");
    }
}

#[test]
fn distributions_that_make_no_sense_are_errors() {
    let data = Dataset::from_parts(column(100, 24, normal_quantile), vec![1], None).unwrap();
    let good = Quantiles::fit(&data, 0.05, Bounds::Seen, |_| true).unwrap();
    let json = serde_json::to_value(&good).unwrap();
    let changed = |at: &str, value: serde_json::Value| {
        let mut json = json.clone();
        *json.pointer_mut(&format!("/elements/0/rest/{at}")).unwrap() = value;
        let step: Quantiles = serde_json::from_value(json).unwrap();
        step.output_width(1).is_err()
    };
    assert!(changed("blocks/knots/1", (-1e9).into()));
    assert!(changed("blocks/below/1", (-1.0).into()));
    assert!(changed("blocks/lower/scale", 0.0.into()));
    assert!(changed("blocks/upper/shape", (-1.0).into()));
    assert!(changed("seen/0", 1e9.into()));
    assert!(good.output_width(1).is_ok() && good.output_width(2).is_err());
}
