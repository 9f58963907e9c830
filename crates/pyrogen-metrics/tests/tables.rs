//! Scores of two groups and columns of tables against scikit-learn, scipy and numpy.
//!
//! `tests/fixtures/tables.json` is written by `scripts/reference_tables.py`.

use pyrogen_metrics::{
    ColumnValues, Features, TableQuality, association_difference, auroc, closest_distances,
    kolmogorov_smirnov, total_variation,
};
use serde::Deserialize;

/// Quotients of small whole numbers and sums of some tens of terms, rounded in another order.
const ROUNDING: f64 = 1e-12;

#[derive(Deserialize)]
struct Reference {
    auroc: Vec<Groups>,
    tables: Vec<Table>,
    kolmogorov_smirnov: [f64; 2],
    total_variation: [f64; 2],
    closest: Vec<f64>,
}

#[derive(Deserialize)]
struct Groups {
    positive: Vec<f64>,
    negative: Vec<f64>,
    value: f64,
}

#[derive(Deserialize)]
struct Table {
    x: Vec<f64>,
    y: Vec<f64>,
    a: Vec<usize>,
    b: Vec<usize>,
    pearson: f64,
    cramers_v: f64,
    correlation_ratio: f64,
}

impl Table {
    fn columns(&self) -> [ColumnValues; 4] {
        let (x, y) = (self.x.clone(), self.y.clone());
        let (a, b) = (self.a.clone(), self.b.clone());
        [
            ColumnValues::Numbers(x),
            ColumnValues::Numbers(y),
            ColumnValues::Categories(a),
            ColumnValues::Categories(b),
        ]
    }

    fn points(&self) -> Features {
        let values = self.x.iter().zip(&self.y).flat_map(|(x, y)| [*x, *y]).collect();
        Features::new(values, self.x.len(), 2).unwrap()
    }
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("fixtures/tables.json")).unwrap()
}

#[track_caller]
fn close(got: f64, expected: f64) {
    assert!((got - expected).abs() <= ROUNDING, "got {got}, expected {expected}");
}

#[test]
fn auroc_equals_scikit_learn() {
    let cases = reference().auroc;
    assert_eq!(cases.len(), 3);
    for case in cases {
        close(auroc(&case.positive, &case.negative).unwrap(), case.value);
        close(auroc(&case.negative, &case.positive).unwrap(), 1.0 - case.value);
    }
}

#[test]
fn associations_equal_scipy_and_numpy() {
    for table in reference().tables {
        let [x, y, a, b] = table.columns();
        close(x.association(&y).unwrap(), table.pearson);
        close(a.association(&b).unwrap(), table.cramers_v);
        close(x.association(&a).unwrap(), table.correlation_ratio);
        close(a.association(&x).unwrap(), table.correlation_ratio);
    }
}

#[test]
fn marginals_equal_scipy_and_numpy() {
    let reference = reference();
    let [real, generated] = &reference.tables[..] else { panic!("two tables") };
    let numbers = [(&real.x, &generated.x), (&real.y, &generated.y)];
    for ((a, b), expected) in numbers.into_iter().zip(reference.kolmogorov_smirnov) {
        close(kolmogorov_smirnov(a, b).unwrap(), expected);
    }
    let categories = [(&real.a, &generated.a), (&real.b, &generated.b)];
    for ((a, b), expected) in categories.into_iter().zip(reference.total_variation) {
        close(total_variation(a, b).unwrap(), expected);
    }
    let columns = real.columns().into_iter().zip(generated.columns());
    let differences: Vec<f64> = columns.map(|(a, b)| a.difference(&b).unwrap()).collect();
    let expected = [reference.kolmogorov_smirnov, reference.total_variation].concat();
    differences.iter().zip(expected).for_each(|(got, expected)| close(*got, expected));
}

#[test]
fn the_difference_of_associations_is_a_mean_over_pairs() {
    let [real, generated] = &reference().tables[..] else { panic!("two tables") };
    let keep = |t: &Table| {
        let [x, y, a, _] = t.columns();
        [x, y, a]
    };
    let pair = |t: &Table, i: usize, j: usize| keep(t)[i].association(&keep(t)[j]).unwrap();
    let gap = |i, j| (pair(real, i, j) - pair(generated, i, j)).abs();
    let expected = (gap(0, 1) + gap(0, 2) + gap(1, 2)) / 3.0;
    close(association_difference(&keep(real), &keep(generated)).unwrap(), expected);
    assert!(expected > 0.01, "the tables differ: {expected}");
}

#[test]
fn closest_distances_equal_scikit_learn() {
    let reference = reference();
    let [real, generated] = &reference.tables[..] else { panic!("two tables") };
    let got = closest_distances(&generated.points(), &real.points()).unwrap();
    assert_eq!(got.len(), reference.closest.len());
    got.iter().zip(&reference.closest).for_each(|(got, expected)| close(*got, *expected));
    // A copy is no distance from itself.
    assert!(closest_distances(&real.points(), &real.points()).unwrap().iter().all(|d| *d == 0.0));
}

#[derive(Deserialize)]
struct Pairs {
    real: Named,
    generated: Named,
    pairs: Vec<(usize, usize, f64)>,
}

#[derive(Deserialize)]
struct Named {
    x: Vec<f64>,
    y: Vec<f64>,
    a: Vec<usize>,
    b: Vec<usize>,
}

impl Named {
    fn columns(&self) -> [ColumnValues; 4] {
        let numbers = |v: &Vec<f64>| ColumnValues::Numbers(v.clone());
        let categories = |v: &Vec<usize>| ColumnValues::Categories(v.clone());
        [numbers(&self.x), numbers(&self.y), categories(&self.a), categories(&self.b)]
    }
}

/// `tests/fixtures/pairs.json` is written by `scripts/reference_pairs.py`.
#[test]
fn pair_trends_equal_sdmetrics() {
    let reference: Pairs = serde_json::from_str(include_str!("fixtures/pairs.json")).unwrap();
    let (real, generated) = (reference.real.columns(), reference.generated.columns());
    let quality = TableQuality::new(&real, &generated).unwrap();
    assert_eq!(reference.pairs.len(), 6);
    for &(i, j, expected) in &reference.pairs {
        close(quality.trends[i][j], expected);
        assert_eq!(quality.trends[i][j], quality.trends[j][i]);
    }
    let mean = reference.pairs.iter().map(|p| p.2).sum::<f64>() / 6.0;
    close(quality.pair_trends().unwrap(), mean);
    let difference = association_difference(&real, &generated).unwrap();
    close(quality.association_difference().unwrap(), difference);
    let report = quality.report();
    close(report.get("pair_trends").unwrap(), mean);
    let columns: Vec<f64> =
        real.iter().zip(&generated).map(|(a, b)| a.difference(b).unwrap()).collect();
    assert_eq!(quality.columns, columns);
}
