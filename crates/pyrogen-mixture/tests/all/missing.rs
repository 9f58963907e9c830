//! Missing cells and weights against brute force.

use pyrogen_mixture::{CovarianceModel, Em, Mixture, Table};

use crate::common::{assert_close, clouds, plain, with_holes};

const ROUNDING: f64 = 1e-9; // of sums over a few thousand terms

#[test]
fn a_weight_is_a_number_of_equal_rows() {
    let cells = with_holes(clouds(60, 3, 1), 3, 2);
    let weights: Vec<usize> = (0..60).map(|r| [1, 3, 0, 2][r % 4]).collect();
    let repeated: Vec<f64> =
        (0..60).flat_map(|r| cells[r * 3..r * 3 + 3].repeat(weights[r])).collect();
    let repeated = Table::numeric(repeated, 3).unwrap();
    let weighted = Table::numeric(cells, 3)
        .unwrap()
        .with_weights(weights.iter().map(|w| *w as f64).collect())
        .unwrap();
    for covariance in CovarianceModel::ALL {
        let start = start(&repeated, covariance);
        let run = |table: &Table| {
            let mut em = Em::from_mixture(plain(2, covariance), start.clone(), table).unwrap();
            let steps: Vec<f64> = (0..5).map(|_| em.step(table).unwrap().log_likelihood).collect();
            (steps, em.best().clone())
        };
        let (a, b) = (run(&repeated), run(&weighted));
        assert_close(&b.0, &a.0, ROUNDING, &format!("{covariance} log-likelihoods"));
        assert_same(&b.1, &a.1, ROUNDING, covariance);
        let criteria = |m: &Mixture, table: &Table| {
            let c = m.criteria(table).unwrap();
            [c.log_likelihood, c.aic, c.bic, c.icl]
        };
        let (a, b) = (criteria(&a.1, &repeated), criteria(&a.1, &weighted));
        assert_close(&b, &a, ROUNDING, "criteria");
    }
}

fn start(table: &Table, covariance: CovarianceModel) -> Mixture {
    // Shares that depend on the cells alone, so that equal rows have equal ones.
    let share = |row: usize| {
        let sum: f64 = table.numbers(row).iter().filter(|v| !v.is_nan()).sum();
        0.5 + 0.4 * sum.sin()
    };
    let shares: Vec<f64> = (0..table.rows()).flat_map(|r| [share(r), 1.0 - share(r)]).collect();
    Em::from_responsibilities(plain(2, covariance), &shares, table).unwrap().best().clone()
}

#[track_caller]
fn assert_same(got: &Mixture, expected: &Mixture, tolerance: f64, what: CovarianceModel) {
    assert_close(got.weights(), expected.weights(), tolerance, &format!("{what} weights"));
    for c in 0..expected.components() {
        let what = |part: &str| format!("{what} {part} of component {c}");
        assert_close(got.mean(c), expected.mean(c), tolerance, &what("mean"));
        assert_close(&got.covariance(c), &expected.covariance(c), tolerance, &what("covariance"));
    }
}

/// Places along a missing column: the trapezoid rule on a Gaussian is exact to rounding at this
/// density and width.
const GRID: (f64, f64, usize) = (-18.0, 18.0, 240);

/// All rows with their missing cells on a grid, weighted by the density there: the same table with
/// the missing cells summed out by brute force. Also each row's density.
fn expanded(table: &Table, mixture: &Mixture) -> (Table, Vec<f64>) {
    let d = table.columns();
    let step = (GRID.1 - GRID.0) / GRID.2 as f64;
    let (mut cells, mut weights, mut densities) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..table.rows() {
        let missing: Vec<usize> = (0..d).filter(|j| table.numbers(row)[*j].is_nan()).collect();
        let count = GRID.2.pow(missing.len() as u32);
        let mut here = Vec::with_capacity(count * d);
        for place in 0..count {
            let mut point = table.numbers(row).to_vec();
            for (i, &j) in missing.iter().enumerate() {
                point[j] = GRID.0 + step * (place / GRID.2.pow(i as u32) % GRID.2) as f64;
            }
            here.extend(point);
        }
        let log = mixture.log_density(&Table::numeric(here.clone(), d).unwrap()).unwrap();
        let area = step.powi(missing.len() as i32);
        let density: f64 = log.iter().map(|l| l.exp() * area).sum();
        weights.extend(log.iter().map(|l| table.weight(row) * l.exp() * area / density));
        cells.extend(here);
        densities.push(density.ln());
    }
    (Table::numeric(cells, d).unwrap().with_weights(weights).unwrap(), densities)
}

#[test]
fn steps_with_missing_cells_are_brute_force_marginalisation() {
    // One and two missing cells of three, in ten rows of thirty.
    let mut cells = clouds(30, 3, 8);
    for row in (0..30).step_by(3) {
        cells[row * 3 + row % 3] = f64::NAN;
        if row % 2 == 0 && row < 20 {
            cells[row * 3 + (row + 1) % 3] = f64::NAN;
        }
    }
    let weights: Vec<f64> = (0..30).map(|r| 0.5 + (r % 3) as f64).collect();
    let table = Table::numeric(cells, 3).unwrap().with_weights(weights).unwrap();
    for covariance in CovarianceModel::ALL {
        let start = start(&table, covariance);
        let (whole, densities) = expanded(&table, &start);
        assert_close(&start.log_density(&table).unwrap(), &densities, 1e-10, "densities");
        let step = |table: &Table| {
            let config = plain(2, covariance);
            let mut em = Em::from_mixture(config, start.clone(), table).unwrap();
            em.step(table).unwrap();
            em.best().clone()
        };
        // 1e-8: the iterative models stop at standstills of sums in another order.
        assert_same(&step(&table), &step(&whole), 1e-8, covariance);
    }
}

#[test]
fn missing_categories_are_summed_out() {
    // Two columns of categories beside a number; every code missing in turn.
    let p = vec![0.2, 0.3, 0.5, 0.9, 0.1, 0.6, 0.3, 0.1, 0.25, 0.75];
    let variances = pyrogen_mixture::Covariances::Spherical(vec![1.0, 2.0]);
    let mixture = Mixture::gaussian(vec![0.4, 0.6], vec![-1.0, 1.0], variances)
        .unwrap()
        .with_categories(vec![3, 2], p)
        .unwrap();
    let missing = pyrogen_mixture::MISSING;
    for codes in [[missing, 1], [2, missing], [missing, missing]] {
        let density = |number: f64, codes: &[u32]| {
            let table = Table::numeric(vec![number], 1).unwrap();
            let table = table.with_categories(codes.to_vec(), vec![3, 2]).unwrap();
            mixture.log_density(&table).unwrap()[0]
        };
        let all = |code: u32, levels: u32| if code == missing { 0..levels } else { code..code + 1 };
        let sum: f64 = all(codes[0], 3)
            .flat_map(|a| all(codes[1], 2).map(move |b| [a, b]))
            .map(|full| density(0.3, &full).exp())
            .sum();
        assert_close(&[density(0.3, &codes)], &[sum.ln()], 1e-13, "a sum over levels");
    }
}
