use pyrogen_core::Seed;

use super::*;
use crate::{Column, ColumnKind, Dataset, TableSchema, digits};

/// Inverses are computed in f64 and rounded to f32; a logit of 0.05 spreads a rounding error of
/// `y` (|y| < 4) to less than this in `[0, 16]`.
const ROUND_TRIP: f32 = 2e-5;

/// Central differences in f64 with h = 1e-4: truncation h^2 and rounding 1e-16 / h, times 64
/// elements.
const DIFFERENCES: f64 = 1e-5;

fn noise() -> Noise {
    Noise::new(Seed(5))
}

fn people() -> Dataset {
    let kinds = [
        ("age", ColumnKind::Integer),
        (
            "city",
            ColumnKind::Categorical { categories: ["a", "b", "c"].map(String::from).to_vec() },
        ),
        ("height", ColumnKind::Continuous),
    ];
    let columns = kinds.map(|(name, kind)| Column::new(name, kind));
    let values = vec![20.0, 2.0, 1.5, 40.0, 0.0, 1.5, 60.0, 1.0, 1.5];
    Dataset::from_parts(values, vec![3], None)
        .unwrap()
        .with_schema(TableSchema { columns: columns.to_vec() })
        .unwrap()
}

fn continuous_recipes() -> Vec<Recipe> {
    vec![
        Recipe::Raw,
        Recipe::Unit,
        Recipe::Dequantised { logit: None },
        Recipe::Dequantised { logit: Some(1e-6) },
        Recipe::Dequantised { logit: Some(0.05) },
        Recipe::Standardised,
    ]
}

#[test]
fn the_inverse_undoes_the_forward_map() {
    let data = digits();
    let raw = &data.values()[..640];
    for recipe in continuous_recipes() {
        let p = Preparation::fit(&recipe, &data).unwrap();
        let back = p.inverse(&p.apply(raw, &mut noise()));
        for (a, b) in raw.iter().zip(back) {
            assert!((a - b).abs() <= ROUND_TRIP, "{recipe:?}: {a} {b}");
        }
    }
    let table = people();
    let p = Preparation::fit(&Recipe::Table, &table).unwrap();
    let seen = p.apply(table.values(), &mut noise());
    assert_eq!(p.event_shape(), [5]);
    let root = 1.5f32.sqrt(); // (60 - 40) / sqrt(800 / 3)
    let expected = [-root, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
    for (a, b) in seen.iter().zip(expected) {
        assert!((a - b).abs() < 1e-6, "{seen:?}");
    }
    for (a, b) in table.values().iter().zip(p.inverse(&seen)) {
        assert!((a - b).abs() <= ROUND_TRIP);
    }
}

#[test]
fn the_log_determinant_is_that_of_finite_differences() {
    let data = digits();
    let h = 1e-4;
    let row: Vec<f64> = data.row(3).iter().map(|&v| f64::from(v)).collect();
    let affine = Preparation::new(
        data.layout().clone(),
        vec![
            Step::Scale(Scale { shift: -2.0, scale: 20.0 }),
            Step::Logit(Logit { alpha: 0.1 }),
            Step::Scale(Scale { shift: 1.0, scale: -0.3 }),
        ],
    )
    .unwrap();
    let fitted =
        continuous_recipes().into_iter().map(|recipe| Preparation::fit(&recipe, &data).unwrap());
    for p in fitted.chain([affine]) {
        let at = |shift: f64| {
            let x = row.iter().map(|v| v + shift).collect();
            p.forward(x, &mut noise())
        };
        // Every step works element by element, so the Jacobian is diagonal.
        let differences: f64 =
            at(h).iter().zip(at(-h)).map(|(up, down)| ((up - down) / (2.0 * h)).abs().ln()).sum();
        let (_, log_det) = p.backward(at(0.0));
        assert_eq!(log_det.len(), 1);
        assert!(
            (log_det[0] - differences).abs() < DIFFERENCES * (1.0 + differences.abs()),
            "{:?}: {} {differences}",
            p.steps(),
            log_det[0]
        );
    }
}

#[test]
fn dequantised_values_stay_in_their_cells() {
    for levels in [2, 17, 256, 1000, 1 << 20] {
        let n = 5000;
        let raw: Vec<f32> = (0..n).map(|i| (i * 7919 % levels) as f32).collect();
        let data = Dataset::from_parts(raw.clone(), vec![1], None).unwrap();
        let data = data.with_levels(levels).unwrap();
        let p = Preparation::fit(&Recipe::Dequantised { logit: None }, &data).unwrap();
        let y = p.apply(&raw, &mut noise());
        assert!(y.iter().all(|&y| y > 0.0 && y < 1.0));
        assert_eq!(p.inverse(&y), raw, "{levels} levels");
        // Within a cell the mean is its middle, to 5 standard errors.
        let place = |(y, k): (&f32, &f32)| f64::from(*y) * levels as f64 - f64::from(*k);
        let mean = y.iter().zip(&raw).map(place).sum::<f64>() / n as f64;
        assert!((mean - 0.5).abs() < 5.0 / (12.0 * n as f64).sqrt(), "{mean}");
    }
    // Samples beyond the ends come back as the end levels.
    let p = Preparation::fit(&Recipe::Dequantised { logit: None }, &digits()).unwrap();
    let ends = p.inverse(&[[-0.1f32, 1.0].repeat(32)].concat());
    assert_eq!(ends[..2], [0.0, 16.0]);
}

#[test]
fn binarising_follows_its_rule() {
    let data = digits();
    let raw = data.values();
    let fit = |b| Preparation::fit(&Recipe::Binarised(b), &data).unwrap();
    let cut = fit(Binarise::Threshold { above: 0.5 }).apply(raw, &mut noise());
    let expected: Vec<f32> = raw.iter().map(|&v| f32::from(u8::from(v > 8.0))).collect();
    assert_eq!(cut, expected);

    let share = |b: &[f32], level: f32| {
        let hits: Vec<f32> =
            (b.iter().zip(raw)).filter(|(_, v)| **v == level).map(|(b, _)| *b).collect();
        let n = hits.len() as f64;
        (f64::from(hits.iter().sum::<f32>()) / n, n)
    };
    let dynamic = fit(Binarise::Dynamic);
    let fixed = fit(Binarise::Fixed { seed: Seed(9) });
    assert!(dynamic.is_random() && !fixed.is_random());
    for binary in [dynamic.apply(raw, &mut noise()), fixed.apply(raw, &mut noise())] {
        assert!(binary.iter().all(|&b| b == 0.0 || b == 1.0));
        for level in [0.0, 1.0, 8.0, 15.0, 16.0] {
            let p = f64::from(level) / 16.0;
            let (got, n) = share(&binary, level);
            // Five standard errors: one false alarm in a million seeds, and the seed is fixed.
            assert!((got - p).abs() <= 5.0 * (p * (1.0 - p) / n).sqrt(), "{level}: {got}");
        }
    }
}

#[test]
fn fixed_draws_are_the_examples_own() {
    let data = digits();
    let fit = |seed| {
        let fixed = Binarise::Fixed { seed: Seed(seed) };
        Preparation::fit(&Recipe::Binarised(fixed), &data).unwrap()
    };
    let whole = fit(1).apply(data.values(), &mut noise());
    let one = fit(1).apply(data.row(700), &mut Noise::new(Seed(77)));
    assert_eq!(one, whole[700 * 64..701 * 64]);
    assert_ne!(fit(2).apply(data.row(700), &mut noise()), one);
    // New draws each time otherwise.
    let dynamic = Preparation::fit(&Recipe::Binarised(Binarise::Dynamic), &data).unwrap();
    let mut stream = noise();
    assert_ne!(
        dynamic.apply(data.row(700), &mut stream),
        dynamic.apply(data.row(700), &mut stream)
    );
}

#[test]
fn a_window_of_rows_gets_the_draws_of_the_whole() {
    let data = digits();
    let raw = data.values();
    for recipe in [Recipe::Dequantised { logit: Some(0.05) }, Recipe::Binarised(Binarise::Dynamic)]
    {
        let p = Preparation::fit(&recipe, &data).unwrap();
        let mut whole_noise = noise();
        let whole = p.apply(&raw[..64 * 10], &mut whole_noise);
        let mut window = noise().rows(3..7, 10);
        let part = p.apply(&raw[64 * 3..64 * 7], &mut window);
        assert_eq!(part, whole[64 * 3..64 * 7]);
        assert_eq!(window.position(), whole_noise.position());
    }
}

#[test]
fn standardised_data_has_mean_0_and_deviation_1() {
    let data = digits();
    let p = Preparation::fit(&Recipe::Standardised, &data).unwrap();
    let seen = p.apply(data.values(), &mut noise());
    let n = data.len() as f64;
    for j in 0..64 {
        let column = || seen.iter().skip(j).step_by(64).map(|&v| f64::from(v));
        let mean = column().sum::<f64>() / n;
        let variance = column().map(|v| v * v).sum::<f64>() / n - mean * mean;
        // The parameters are rounded to f32.
        assert!(mean.abs() < 1e-5, "{j}: {mean}");
        // The corner pixels are 0 in every digit: they stay 0.
        let expected = if variance < 0.5 { 0.0 } else { 1.0 };
        assert!((variance - expected).abs() < 1e-5, "{j}: {variance}");
    }
    // A constant that f32 cannot hold exactly has no spread of its own.
    let constant = Dataset::from_parts(vec![0.1; 1000], vec![1], None).unwrap();
    assert_eq!(Standardise::fit(&constant).unwrap().std, [1.0]);
}

#[test]
fn unit_without_levels_goes_from_the_smallest_to_the_largest() {
    let data = Dataset::from_parts(vec![-3.0, 1.0, 5.0], vec![1], None).unwrap();
    let p = Preparation::fit(&Recipe::Unit, &data).unwrap();
    assert_eq!(p.apply(data.values(), &mut noise()), [0.0, 0.5, 1.0]);
    let constant = Dataset::from_parts(vec![2.0, 2.0], vec![1], None).unwrap();
    let p = Preparation::fit(&Recipe::Unit, &constant).unwrap();
    assert_eq!(p.apply(constant.values(), &mut noise()), [0.0, 0.0]);
}

#[test]
fn recipes_suit_the_data() {
    assert_eq!(Recipe::suited_to(&digits()), Recipe::Unit);
    assert_eq!(
        Recipe::suited_to(&people()),
        Recipe::QuantileTable { spike: 0.05, bounds: Bounds::Tails }
    );
    let plain = Dataset::from_parts(vec![0.5; 4], vec![2], None).unwrap();
    assert_eq!(Recipe::suited_to(&plain), Recipe::Standardised);
}

#[test]
fn a_preparation_survives_json() {
    let data = digits();
    let mut preparations: Vec<Preparation> = continuous_recipes()
        .iter()
        .map(|recipe| Preparation::fit(recipe, &data).unwrap())
        .collect();
    preparations.push(Preparation::fit(&Recipe::Table, &people()).unwrap());
    for b in [
        Binarise::Threshold { above: 0.25 },
        Binarise::Fixed { seed: Seed(u64::MAX) },
        Binarise::Dynamic,
    ] {
        preparations.push(Preparation::fit(&Recipe::Binarised(b), &data).unwrap());
    }
    for p in preparations {
        let json = serde_json::to_value(&p).unwrap();
        let text = serde_json::to_string(&json).unwrap();
        let back: Preparation = serde_json::from_str(&text).unwrap();
        assert_eq!(back, p);
    }
}

#[test]
fn steps_out_of_range_are_errors_also_from_json() {
    let layout = digits().layout().clone();
    for (step, says) in [
        (Step::Dequantise(Dequantise { levels: 1 }), "levels from 2"),
        (Step::Dequantise(Dequantise { levels: usize::MAX }), "levels from 2"),
        (Step::Scale(Scale { shift: 0.0, scale: 0.0 }), "not 0"),
        (Step::Scale(Scale { shift: f32::NAN, scale: 1.0 }), "finite shift"),
        (Step::Logit(Logit { alpha: 0.0 }), "between 0 and 0.5"),
        (Step::Logit(Logit { alpha: f64::NAN }), "between 0 and 0.5"),
        (Step::Standardise(Standardise { mean: vec![0.0], std: vec![1.0] }), "64 of each"),
        (
            Step::Standardise(Standardise { mean: vec![0.0; 64], std: vec![-1.0; 64] }),
            "positive deviations",
        ),
        (Step::OneHot(OneHot { categories: vec![] }), "one entry an element (64)"),
        (Step::OneHot(OneHot { categories: vec![Some(0); 64] }), "1 category or more"),
        (Step::OneHot(OneHot { categories: vec![Some(usize::MAX); 64] }), "1 category or more"),
        (Step::Binarise(Binarise::Threshold { above: f64::INFINITY }), "finite threshold"),
    ] {
        let error = Preparation::new(layout.clone(), vec![step.clone()]).unwrap_err();
        assert!(error.to_string().contains(says), "{step:?}: {error}");
    }
    let json = r#"{"layout": {"event": [2], "levels": null, "schema": null, "class_names": []},
        "steps": [{"logit": {"alpha": 0.7}}]}"#;
    let error = serde_json::from_str::<Preparation>(json).unwrap_err();
    assert!(error.to_string().contains("between 0 and 0.5"), "{error}");
    let text = Preparation::fit(&Recipe::Dequantised { logit: None }, &people()).unwrap_err();
    assert!(text.to_string().contains("without known levels"), "{text}");
}

#[test]
#[should_panic(expected = "65 values are not whole rows of 64")]
fn half_a_row_panics() {
    let p = Preparation::fit(&Recipe::Unit, &digits()).unwrap();
    p.inverse(&[0.0; 65]);
}

/// Twelve people, nine of whom are 1.5 m tall.
fn twelve() -> Dataset {
    let height = |i: usize| if i < 9 { 1.5 } else { 1.0 + i as f32 / 16.0 };
    let row = |i: usize| [20.0 + i as f32, (i % 3) as f32, height(i)];
    let values: Vec<f32> = (0..12).flat_map(row).collect();
    let data = Dataset::from_parts(values, vec![3], None).unwrap();
    data.with_schema(people().schema().unwrap().clone()).unwrap()
}

/// A category, whole numbers, a constant and a real number.
fn mixed(n: usize) -> Dataset {
    let categories = ["a", "b", "c"].map(String::from).to_vec();
    let columns = [
        ("city", ColumnKind::Categorical { categories }),
        ("hours", ColumnKind::Integer),
        ("constant", ColumnKind::Continuous),
        ("height", ColumnKind::Continuous),
    ];
    let columns = columns.map(|(name, kind)| Column::new(name, kind)).to_vec();
    let mut noise = Noise::new(Seed(9));
    let height = noise.normal_vec(n);
    let row = |i: usize| {
        let city = if i % 10 < 6 { 0.0 } else { 1.0 };
        [city, [40.0, 38.0, 20.0][i % 3], 7.5, height[i] as f32]
    };
    Dataset::table((0..n).flat_map(row).collect(), TableSchema { columns }, None).unwrap()
}

#[test]
fn what_has_no_density_is_spread_over_cells() {
    let data = mixed(600);
    let p = Preparation::fit(&Recipe::Spread, &data).unwrap();
    assert!(p.is_random() && !p.has_indicators() && p.event_shape() == [4]);
    let seen = p.apply(data.values(), &mut noise());
    let back = p.inverse(&seen);
    let pairs = back.chunks(4).zip(data.values().chunks(4));
    for (back, raw) in pairs {
        assert_eq!(back[..3], raw[..3]);
        assert!((back[3] - raw[3]).abs() < 1e-5);
    }
    let standard_normal = |y: f64| -0.5 * (y * y + (2.0 * std::f64::consts::PI).ln());
    // Under a standard normal density a category has its own frequency as probability, whatever the draw, less
    // the part of its cell that draws keep to.
    let cities = Dataset::table(
        data.values().iter().step_by(4).copied().collect(),
        TableSchema { columns: data.schema().unwrap().columns[..1].to_vec() },
        None,
    );
    let cities = cities.unwrap();
    let p = Preparation::fit(&Recipe::Spread, &cities).unwrap();
    let seen = p.apply(cities.values(), &mut noise());
    for ((y, log_det), city) in seen.iter().zip(p.log_det(&seen)).zip(cities.values()) {
        // One of the categories was not seen, and counts as one row.
        let expected = f64::ln([360.0, 240.0][*city as usize] / 601.0) + 0.998f64.ln();
        assert!((standard_normal(f64::from(*y)) + log_det - expected).abs() < 1e-9);
    }
    // Real numbers alone are standardised, and nothing is drawn.
    let points = Dataset::from_parts(
        Noise::new(Seed(1)).normal_vec(60).iter().map(|&v| v as f32).collect(),
        vec![2],
        None,
    );
    assert!(!Preparation::fit(&Recipe::Spread, &points.unwrap()).unwrap().is_random());
}

#[test]
fn a_table_by_quantiles_comes_back() {
    let table = twelve();
    let bounds = Bounds::Tails;
    for (spike, width) in [(2.0, 5), (0.7, 7)] {
        let p = Preparation::fit(&Recipe::QuantileTable { spike, bounds }, &table).unwrap();
        assert!(p.is_random() && p.event_shape() == [width]);
        let seen = p.apply(table.values(), &mut noise());
        // Whole numbers and the common height come back as they are, and so do the categories.
        for (a, b) in table.values().iter().zip(p.inverse(&seen)) {
            assert!((a - b).abs() <= ROUND_TRIP, "{a} {b}");
        }
        let columns = p.columns().unwrap();
        let height = if spike < 1.0 { PreparedColumn::Spiked(1) } else { PreparedColumn::Number };
        assert_eq!(columns, [PreparedColumn::Number, PreparedColumn::Category(3), height]);
        let json = serde_json::to_string(&p).unwrap();
        assert_eq!(serde_json::from_str::<Preparation>(&json).unwrap(), p);
    }
    let plain = Preparation::fit(&Recipe::Table, &table).unwrap().columns().unwrap();
    assert_eq!(plain[2], PreparedColumn::Number);
    assert!(Preparation::fit(&Recipe::Unit, &digits()).unwrap().columns().is_none());
    let error =
        Preparation::fit(&Recipe::QuantileTable { spike: 0.0, bounds }, &table).unwrap_err();
    assert!(error.to_string().contains("a share of examples above 0"), "{error}");
}
