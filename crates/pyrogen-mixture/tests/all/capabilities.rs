//! Sampling, conditioning, completing, choosing.

use pyrogen_core::{Noise, Seed};
use pyrogen_mixture::{
    CovarianceModel, Covariances, Criterion, Fill, MISSING, MinibatchConfig, MinibatchEm, Mixture,
    MixtureConfig, Table, fit, select,
};

use crate::common::{assert_close, clouds, faithful, plain};

/// Two components with correlations, and two categorical columns.
fn mixture() -> Mixture {
    let full = vec![1.0, 0.6, 0.6, 2.0, 0.5, -0.3, -0.3, 0.8];
    let probabilities = vec![0.7, 0.2, 0.1, 0.9, 0.1, 0.1, 0.1, 0.8, 0.3, 0.7];
    Mixture::gaussian(vec![0.3, 0.7], vec![-1.0, 0.5, 2.0, -1.0], Covariances::Full(full))
        .unwrap()
        .with_categories(vec![3, 2], probabilities)
        .unwrap()
}

fn row(numbers: [f64; 2], codes: [u32; 2]) -> Table {
    let table = Table::numeric(numbers.to_vec(), 2).unwrap();
    table.with_categories(codes.to_vec(), vec![3, 2]).unwrap()
}

#[test]
fn draws_have_the_mixtures_moments() {
    let n = 40_000;
    let noise = Noise::new(Seed(11));
    let draws = mixture().sample(0..n, &noise).unwrap();
    for c in 0..2 {
        let rows: Vec<usize> = (0..n).filter(|i| draws.components[*i] == c).collect();
        let count = rows.len() as f64;
        // Five standard errors: a false alarm in a million a check, of some twenty.
        let weight = mixture().weights()[c];
        let error = (weight * (1.0 - weight) / n as f64).sqrt();
        assert!((count / n as f64 - weight).abs() < 5.0 * error);
        let covariance = mixture().covariance(c);
        let mean = mixture().mean(c).to_vec();
        for i in 0..2 {
            let x = |row: usize, j: usize| draws.table.numbers(row)[j] - mean[j];
            let average: f64 = rows.iter().map(|r| x(*r, i)).sum::<f64>() / count;
            assert!(average.abs() < 5.0 * (covariance[i * 2 + i] / count).sqrt());
            for j in 0..2 {
                let product = rows.iter().map(|r| x(*r, i) * x(*r, j)).sum::<f64>() / count;
                let expected = covariance[i * 2 + j];
                let spread = covariance[i * 3] * covariance[j * 3] + expected * expected;
                assert!((product - expected).abs() < 5.0 * (spread / count).sqrt());
            }
        }
        for (column, levels) in [3, 2].into_iter().enumerate() {
            for level in 0..levels {
                let p = mixture().probabilities(c, column)[level as usize];
                let hits = rows.iter().filter(|r| draws.table.codes(**r)[column] == level).count();
                let error = (p * (1.0 - p) / count).sqrt();
                assert!((hits as f64 / count - p).abs() < 5.0 * error);
            }
        }
    }
    let part = mixture().sample(70..80, &noise).unwrap();
    for i in 0..10 {
        assert_eq!(part.table.numbers(i), draws.table.numbers(70 + i));
        assert_eq!(part.table.codes(i), draws.table.codes(70 + i));
    }
}

#[test]
fn conditionals_are_ratios_of_densities() {
    let mixture = mixture();
    let given = mixture.condition(&[0.4, f64::NAN], &[MISSING, 1]).unwrap();
    assert_eq!((&given.numbers[..], &given.categories[..]), (&[1][..], &[0][..]));
    let evidence = mixture.log_density(&row([0.4, f64::NAN], [MISSING, 1])).unwrap()[0];
    for (number, code) in [(-3.0, 0), (0.2, 2), (1.5, 1)] {
        let part = Table::numeric(vec![number], 1).unwrap();
        let part = part.with_categories(vec![code], vec![3]).unwrap();
        let got = given.mixture.log_density(&part).unwrap()[0];
        let whole = row([0.4, number], [code, 1]);
        let expected = mixture.log_density(&whole).unwrap()[0] - evidence;
        assert_close(&[got], &[expected], 1e-12, "conditional");
        let again = mixture.log_density_given(&whole, &[0], &[1]).unwrap();
        assert_close(&again, &[expected], 1e-12, "given columns");
    }
    // Everything missing: the mixture itself; a marginal: missing cells in every row.
    let all = mixture.condition(&[f64::NAN; 2], &[MISSING; 2]).unwrap().mixture;
    let point = row([0.3, -0.2], [1, 0]);
    let densities = [all, mixture.clone()].map(|m| m.log_density(&point).unwrap()[0]);
    assert_close(&densities[..1], &densities[1..], 1e-12, "unconditional");
    let marginal = mixture.marginal(&[1], &[0]).unwrap();
    let part = Table::numeric(vec![-0.2], 1).unwrap().with_categories(vec![1], vec![3]).unwrap();
    let expected = mixture.log_density(&row([f64::NAN, -0.2], [1, MISSING])).unwrap();
    assert_close(&marginal.log_density(&part).unwrap(), &expected, 1e-12, "marginal");
    assert!(mixture.marginal(&[1, 0], &[]).is_err());
    assert!(mixture.marginal(&[2], &[]).is_err());
}

#[test]
fn completed_rows_follow_the_conditional() {
    let mixture = mixture();
    let n = 20_000;
    let numbers = [0.4, f64::NAN].repeat(n);
    let table = Table::numeric(numbers, 2)
        .unwrap()
        .with_categories([MISSING, 1].repeat(n), vec![3, 2])
        .unwrap();
    let given = mixture.condition(&[0.4, f64::NAN], &[MISSING, 1]).unwrap().mixture;
    let mean: f64 = (0..2).map(|c| given.weights()[c] * given.mean(c)[0]).sum();
    let second = |c: usize| given.covariance(c)[0] + (given.mean(c)[0] - mean).powi(2);
    let variance: f64 = (0..2).map(|c| given.weights()[c] * second(c)).sum();
    let share = |l: usize| -> f64 {
        (0..2).map(|c| given.weights()[c] * given.probabilities(c, 0)[l]).sum()
    };
    let expected = mixture.complete(&table, Fill::Expectation).unwrap();
    assert_close(&expected.numbers(7)[1..], &[mean], 1e-12, "expectation");
    let likeliest = (0..3).max_by(|a, b| share(*a).total_cmp(&share(*b))).unwrap();
    assert_eq!(expected.codes(7), [likeliest as u32, 1]);
    let noise = Noise::new(Seed(3));
    let drawn = mixture.complete(&table, Fill::Draw(&noise)).unwrap();
    let cells: Vec<f64> = (0..n).map(|r| drawn.numbers(r)[1]).collect();
    let average = cells.iter().sum::<f64>() / n as f64;
    // Five standard errors.
    assert!((average - mean).abs() < 5.0 * (variance / n as f64).sqrt(), "{average} {mean}");
    let spread = cells.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
    assert!((spread / variance - 1.0).abs() < 0.06, "{spread} {variance}");
    for level in 0..3 {
        let hits = (0..n).filter(|r| drawn.codes(*r)[0] == level as u32).count() as f64;
        let p = share(level);
        assert!((hits / n as f64 - p).abs() < 5.0 * (p * (1.0 - p) / n as f64).sqrt());
    }
    // Row 5 of a part is row 5 of the whole; observed cells stay.
    let part = table.select(&(0..6).collect::<Vec<_>>()).unwrap();
    let part = mixture.complete(&part, Fill::Draw(&noise)).unwrap();
    assert_eq!(part.numbers(5), drawn.numbers(5));
    assert_eq!((drawn.numbers(5)[0], drawn.codes(5)[1]), (0.4, 1));
}

#[test]
fn latent_classes_are_found_again() {
    // Two classes in six columns of three levels, unbalanced; a tenth of the codes missing.
    let strong = |l: usize| [vec![0.8, 0.15, 0.05], vec![0.1, 0.2, 0.7]][l].clone();
    let p: Vec<f64> = (0..2).flat_map(|c| strong(c).repeat(6)).collect();
    let truth = Mixture::latent_classes(vec![0.2, 0.8], vec![3; 6], p).unwrap();
    let draws = truth.sample(0..3000, &Noise::new(Seed(4))).unwrap();
    let mut codes = draws.table.all_codes().to_vec();
    codes.iter_mut().step_by(10).for_each(|c| *c = MISSING);
    let table = Table::categorical(codes, vec![3; 6]).unwrap();
    let found = fit(&MixtureConfig::default(), &table, &Noise::new(Seed(1))).unwrap().mixture;
    let order = if found.weights()[0] < 0.5 { [0, 1] } else { [1, 0] };
    for (c, of) in order.into_iter().enumerate() {
        assert!((found.weights()[of] - truth.weights()[c]).abs() < 0.03);
        for j in 0..6 {
            // 600 rows in the smaller class: five standard errors are 0.1.
            let (got, expected) = (found.probabilities(of, j), truth.probabilities(c, j));
            assert!(got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 0.1), "{got:?}");
        }
    }
    assert_eq!(found.parameters(), 1 + 2 * 6 * 2);
    let (found, truth) = (found.log_likelihood(&table), truth.log_likelihood(&table));
    assert!(found.unwrap() > truth.unwrap() - 1.0, "the fit is no worse than the truth");
}

#[test]
fn old_faithful_is_three_tied_components_by_bic() {
    let config = MixtureConfig {
        starts: 2,
        tolerance: 1e-8,
        max_steps: 2000,
        ..plain(1, CovarianceModel::FULL)
    };
    let (components, models) = ([1, 2, 3, 4], CovarianceModel::ALL);
    let noise = Noise::new(Seed(1));
    let chosen =
        select(&faithful(), &components, &models, &config, Criterion::Bic, &noise).unwrap();
    assert_eq!(chosen.candidates.len(), 4 * 14);
    let best = &chosen.best;
    assert_eq!(best.mixture.components(), 3);
    assert_eq!(best.mixture.covariance_model(), CovarianceModel::TIED);
    assert!((best.criteria.bic - 2314.2957).abs() < 1e-3, "{:?}", best.criteria);
    for candidate in &chosen.candidates {
        let finite = |c: &pyrogen_mixture::Criteria| c.bic.is_finite();
        assert!(candidate.result.as_ref().map_or(true, finite), "{candidate:?}");
    }
}

#[test]
fn minibatches_come_near_the_whole() {
    let table = Table::numeric(clouds(6000, 3, 9), 3).unwrap();
    let config = MixtureConfig { components: 3, ..Default::default() };
    let whole = fit(&config, &table, &Noise::new(Seed(1))).unwrap().criteria.log_likelihood;
    let batches = MinibatchConfig { size: 500, epochs: 4, ..Default::default() };
    let mut em = MinibatchEm::new(config, batches, &table, &Noise::new(Seed(1))).unwrap();
    let start = em.mixture().log_likelihood(&table).unwrap();
    let plan = em.batches(6000, &Noise::new(Seed(2)));
    assert_eq!(plan.len(), 48);
    let mut first: Vec<usize> = plan[..12].concat();
    first.sort_unstable();
    assert_eq!(first, (0..6000).collect::<Vec<_>>());
    for (i, rows) in plan.iter().enumerate() {
        let batch = table.select(rows).unwrap();
        if i == 20 {
            let json = serde_json::to_string(&em).unwrap();
            let mut resumed: MinibatchEm = serde_json::from_str(&json).unwrap();
            resumed.step(&batch).unwrap();
            em.step(&batch).unwrap();
            assert_eq!(resumed, em);
            continue;
        }
        em.step(&batch).unwrap();
    }
    let end = em.mixture().log_likelihood(&table).unwrap();
    // Within 0.003 nats a row of the maximum, and most of the way from the start.
    assert!(end > whole - 0.003 * 6000.0, "{end} {whole}");
    assert!(end > start + 0.8 * (whole - start), "{start} {end} {whole}");
}
